"""The Open Inference Protocol, version 2, of KServe, with tensors in JSON or, by its extension, in bytes behind it."""

import base64
import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from keras_imgen import __version__
from keras_imgen.server.errors import Invalid
from keras_imgen.server.rest import array_of, parsed, shown
from keras_imgen.server.service import DEFAULT, Service
from keras_imgen.server.waiting import apart, while_connected
from keras_imgen.serving.examples import example
from keras_imgen.serving.json_tensors import written
from keras_imgen.serving.signatures import Signature, Tensor

DATATYPES = {"BOOL": "bool", "FP16": "float16", "FP32": "float32", "FP64": "float64", "BYTES": "string"}
DATATYPES |= {f"{kind.upper()}{bits}": f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
NAMES = {dtype: name for name, dtype in DATATYPES.items()}
HEADER = "inference-header-content-length"
BASE64 = {"content_type": "base64"}  # how bytes that are no text stand in JSON


def router(service: Service) -> APIRouter:
    """Its routes.

    Args:
        service: that answers.
    """
    routes = APIRouter(tags=["Open Inference Protocol"])

    @routes.get("/v2", summary="What the server is")
    async def server() -> dict[str, Any]:
        return {"name": "keras-imgen", "version": __version__, "extensions": ["binary_tensor_data"]}

    @routes.get("/v2/health/live", summary="Whether the server lives")
    async def live() -> dict[str, bool]:
        return {"live": True}

    @routes.get("/v2/health/ready", summary="Whether every model can answer")
    async def ready() -> JSONResponse:
        return JSONResponse({"ready": service.ready()}, 200 if service.ready() else 503)

    @routes.get("/v2/models/{model}/ready", summary="Whether a model can answer")
    @routes.get("/v2/models/{model}/versions/{version}/ready", summary="Whether a version of a model can answer")
    async def model_ready(model: str, version: int | None = None) -> dict[str, Any]:
        return {"name": model, "ready": service.version(model, version).state == "AVAILABLE"}

    @routes.get("/v2/models/{model}", summary="What a signature of a model takes and gives")
    @routes.get("/v2/models/{model}/versions/{version}", summary="What a signature of a version takes and gives")
    async def metadata(model: str, version: int | None = None, signature_name: str = DEFAULT) -> dict[str, Any]:
        signature = _signature(service.version(model, version), signature_name)
        versions = [str(one.version) for one in service.status(model) if one.state == "AVAILABLE"]
        inputs, outputs = (
            [_described(one) for one in tensors.values()] for tensors in (signature.inputs, signature.outputs)
        )
        about = {"name": model, "versions": versions, "platform": "tensorflow_savedmodel"}
        return {**about, "inputs": inputs, "outputs": outputs}

    @routes.post("/v2/models/{model}/infer", summary="Ask a model")
    @routes.post("/v2/models/{model}/versions/{version}/infer", summary="Ask a version of a model")
    async def infer(request: Request, model: str, version: int | None = None) -> Response:
        found = service.version(model, version)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise Invalid("Expected a request that is not compressed.")
        body, binary = _split(await request.body(), request.headers.get(HEADER))
        how = _parameters(body, {"signature_name": str, "timeout": int, "priority": int, "binary_data_output": bool})
        signature = _signature(found, how.get("signature_name", DEFAULT))
        try:
            tensors = _tensors(body, binary, signature)
            wanted = _wanted(body, signature, how.get("binary_data_output", False))
        except Invalid as error:
            raise Invalid(f"{error} A request of the right form: {form_of(signature)}") from None
        deadline = how["timeout"] / 1e6 if how.get("timeout") else None  # in microseconds, 0 for none
        number = found.found.version
        answered = await while_connected(request, service.answer(model, signature.name, tensors, number, deadline))
        about = {"model_name": model, "model_version": str(number)}
        about |= {"id": body["id"]} if "id" in body else {}
        text, behind = await apart(partial(_body, about, wanted=wanted), answered)
        if not any(wanted.values()):
            return Response(text, media_type="application/json")
        return Response(text + behind, headers={HEADER: str(len(text))}, media_type="application/octet-stream")

    return routes


def form_of(signature: Signature) -> str:
    """A request in JSON of the right form, with one row of what has to be given; large tensors are cut short.

    Args:
        signature: that is asked.
    """
    inputs = []
    for tensor in signature.inputs.values():
        if tensor.required:
            array, how = example(tensor, 2), ""
            data = shown(tensor, array)
            if tensor.dtype == "string" and tensor.name.endswith("_bytes"):
                data, how = json.dumps(_texts(array.tolist())["data"]), f'"parameters": {json.dumps(BASE64)}, '
            about = f'"name": "{tensor.name}", "shape": {list(array.shape)}, "datatype": "{NAMES[tensor.dtype]}"'
            inputs.append(f'{{{about}, {how}"data": {data}}}')
    return f'{{"parameters": {{"signature_name": "{signature.name}"}}, "inputs": [{", ".join(inputs)}]}}'


def _signature(found, name):
    if name not in found.signatures:
        raise Invalid(f"Expected `signature_name` of {', '.join(found.signatures)}, got {name!r}.")
    return found.signatures[name]


def _described(tensor: Tensor) -> dict[str, Any]:
    shape = [-1 if side is None else side for side in tensor.shape]
    return {"name": tensor.name, "datatype": NAMES[tensor.dtype], "shape": shape}


# === What comes ===


def _split(body: bytes, length: str | None) -> tuple[dict[str, Any], bytes]:
    """(the object in JSON, the bytes behind it)."""
    if length is None:
        return parsed(body), b""
    if not (length.isascii() and length.isdigit()) or len(length) > 12 or int(length) > len(body):
        raise Invalid(f"Expected Inference-Header-Content-Length of at most the {len(body)} bytes of the request.")
    return parsed(body[: int(length)]), body[int(length) :]


def _parameters(holder: Mapping[str, Any], known: Mapping[str, type]) -> dict[str, Any]:
    """The `parameters` of a request or a tensor, of these names and types."""
    found = holder.get("parameters", {})
    if not isinstance(found, dict):
        raise Invalid("Expected `parameters` as an object.")
    for name, value in found.items():
        if name not in known:
            raise Invalid(f"Expected `parameters` of {', '.join(known)}, got {name!r}.")
        right = type(value) is known[name] and (known[name] is not int or 0 <= value < 2**63)
        if not right:
            raise Invalid(f"Expected the parameter {name!r} as {known[name].__name__}, got {json.dumps(value)[:60]}.")
    return found


def _listed(body, name):
    found = body.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Invalid(f"Expected `{name}` as a list of objects.")
    names = [one.get("name") for one in found]
    if not all(isinstance(one, str) for one in names) or len(set(names)) < len(names):
        raise Invalid(f"Expected `{name}` each with a `name` of its own.")
    return dict(zip(names, found))


def _tensors(body: Mapping[str, Any], binary: bytes, signature: Signature) -> dict[str, np.ndarray]:
    tensors, start = {}, 0
    for name, given in _listed(body, "inputs").items():
        if name not in signature.inputs:
            raise Invalid(f"{name!r} is none of the inputs {', '.join(signature.inputs)}.")
        tensor, shape = signature.inputs[name], given.get("shape")
        if given.get("datatype") != NAMES[tensor.dtype]:
            raise Invalid(f"Expected `datatype` {NAMES[tensor.dtype]} of {name!r}, got {given.get('datatype')!r}.")
        if not isinstance(shape, list) or not all(type(side) is int and side >= 0 for side in shape):
            raise Invalid(f"Expected `shape` of {name!r} as a list of whole numbers.")
        if len(shape) != len(tensor.shape) or math.prod(max(side, 1) for side in shape) > 1 << 40:
            raise Invalid(f"Expected {tensor.about()}, got the shape {str(shape)[:80]}.")
        how = _parameters(given, {"binary_data_size": int, "content_type": str})
        if ("binary_data_size" in how) == ("data" in given):
            raise Invalid(f"Expected {name!r} with either `data` or the parameter `binary_data_size`.")
        if "data" in given:
            leaves = _leaves(given["data"], shape, tensor)
            if how.get("content_type") == BASE64["content_type"]:
                leaves = [{"b64": leaf} for leaf in leaves]
            tensors[name] = array_of(leaves, shape, tensor)
        else:
            end = start + how["binary_data_size"]
            if end > len(binary):
                raise Invalid(f"Expected {end} bytes behind the JSON, got {len(binary)}.")
            tensors[name], start = _from_bytes(binary[start:end], shape, tensor), end
    if start != len(binary):
        raise Invalid(f"Expected {start} bytes behind the JSON, as the inputs tell, got {len(binary)}.")
    return tensors


def _leaves(data: Any, shape: Sequence[int], tensor: Tensor) -> list[Any]:
    """Values in the order of rows, of a list, or of lists in lists."""
    if isinstance(data, list) and not any(isinstance(one, list) for one in data):
        parts, fits = data, len(data) == math.prod(shape)
    else:
        parts, fits = [data], True
        for side in shape:
            fits = fits and all(isinstance(part, list) and len(part) == side for part in parts)
            parts = [leaf for part in parts for leaf in part] if fits else []
    if not fits:
        raise Invalid(f"Expected {tensor.about()} with as many `data` as the shape {shape} has.")
    return parts


def _from_bytes(data: bytes, shape: Sequence[int], tensor: Tensor) -> np.ndarray:
    """Numbers in a row, little-endian; of texts each has its length, in four bytes, before it."""
    count = math.prod(shape)
    if tensor.dtype != "string":
        if len(data) != count * np.dtype(tensor.dtype).itemsize:
            raise Invalid(f"Expected {tensor.about()} as the bytes of the shape {shape}, got {len(data)} bytes.")
        return np.frombuffer(data, np.dtype(tensor.dtype).newbyteorder("<")).astype(tensor.dtype).reshape(shape)
    texts, start = [], 0
    while start + 4 <= len(data):
        end = start + 4 + int.from_bytes(data[start : start + 4], "little")
        texts.append(data[start + 4 : end])
        start = end
    if start != len(data) or len(texts) != count:
        raise Invalid(f"Expected {tensor.about()} as {count} texts, each behind its length in four bytes.")
    found = np.empty(count, object)
    found[:] = texts
    return found.reshape(shape)


# === What goes ===


def _wanted(body: Mapping[str, Any], signature: Signature, binary: bool) -> dict[str, bool]:
    """Whether each of the outputs that are asked for is to come in bytes."""
    asked = _listed(body, "outputs")
    for name in asked:
        if name not in signature.outputs:
            raise Invalid(f"{name!r} is none of the outputs {', '.join(signature.outputs)}.")
    found = {name: _parameters(one, {"binary_data": bool}).get("binary_data", binary) for name, one in asked.items()}
    return found or dict.fromkeys(signature.outputs, binary)


def _body(
    about: Mapping[str, Any], answered: Mapping[str, np.ndarray], wanted: Mapping[str, bool]
) -> tuple[bytes, bytes]:
    """(the answer in JSON, the bytes behind it)."""
    outputs, parts = [], []
    for name, binary in wanted.items():
        array = answered[name]
        dtype = "string" if array.dtype == object else array.dtype.name
        output = {"name": name, "datatype": NAMES[dtype], "shape": list(array.shape)}
        if binary:
            parts.append(_to_bytes(array))
            output["parameters"] = {"binary_data_size": len(parts[-1])}
        elif dtype == "string":
            output |= _texts(array.reshape(-1).tolist())
        text = json.dumps(output, separators=(",", ":"))
        if not binary and dtype != "string":
            text = f'{text[:-1]},"data":{written(name, array.reshape(-1))}}}'
        outputs.append(text)
    head = json.dumps(about, separators=(",", ":"))
    return f'{head[:-1]},"outputs":[{",".join(outputs)}]}}'.encode(), b"".join(parts)


def _to_bytes(array):
    if array.dtype != object:
        return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return b"".join(len(text).to_bytes(4, "little") + text for text in array.reshape(-1))


def _texts(texts):
    try:
        return {"data": [text.decode() for text in texts]}
    except UnicodeDecodeError:
        return {"parameters": BASE64, "data": [base64.b64encode(text).decode() for text in texts]}
