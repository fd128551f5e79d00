"""TensorFlow Serving's REST API, as https://www.tensorflow.org/tfx/serving/api_rest documents it."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from fastapi import APIRouter, Request, Response

from keras_imgen.server.errors import Invalid
from keras_imgen.server.service import DEFAULT, Service
from keras_imgen.server.waiting import apart, while_connected
from keras_imgen.serving.examples import example
from keras_imgen.serving.json_tensors import listed, written
from keras_imgen.serving.signatures import Signature, Tensor

OTHER_METHODS = {"classify": "classification", "regress": "regression"}  # besides Predict


def router(service: Service) -> APIRouter:
    """Its routes.

    Args:
        service: that answers.
    """
    routes = APIRouter(tags=["TensorFlow Serving"])

    @routes.get("/v1/models/{model}", summary="Status of all versions of a model")
    @routes.get("/v1/models/{model}/versions/{version}", summary="Status of a version of a model")
    async def status(model: str, version: int | None = None) -> Response:
        return _json({"model_version_status": [_status(one) for one in service.status(model, version)]})

    @routes.get("/v1/models/{model}/metadata", summary="Signatures of a model")
    @routes.get("/v1/models/{model}/versions/{version}/metadata", summary="Signatures of a version of a model")
    async def metadata(model: str, version: int | None = None) -> Response:
        found = service.version(model, version)
        spec = {"name": model, "signature_name": "", "version": str(found.found.version)}
        return _json({"model_spec": spec, "metadata": {"signature_def": {"signature_def": found.signature_defs}}})

    @routes.post("/v1/models/{model}:predict", summary="Ask a model")
    @routes.post("/v1/models/{model}/versions/{version}:predict", summary="Ask a version of a model")
    async def predict(request: Request, model: str, version: int | None = None) -> Response:
        found = service.version(model, version)
        body = parsed(await request.body())
        name = body.get("signature_name", DEFAULT) or DEFAULT
        if not isinstance(name, str) or name not in found.signatures:
            raise Invalid(
                f'Serving signature name: "{name}" not found in signature def; expected one of {", ".join(found.signatures)}.'
            )
        signature = found.signatures[name]
        tensors = tensors_of(body, signature)
        answered = await while_connected(request, service.answer(model, name, tensors, found.found.version))
        text = await apart(in_rows if "instances" in body else in_columns, answered)
        return Response(text, media_type="application/json")

    @routes.post("/v1/models/{model}:{method}", include_in_schema=False)
    @routes.post("/v1/models/{model}/versions/{version}:{method}", include_in_schema=False)
    async def other(request: Request, model: str, method: str, version: int | None = None) -> Response:
        found = service.version(model, version)
        if method not in OTHER_METHODS:
            raise Invalid(f"Malformed request: POST {request.url.path}")
        raise wrong_method(found.signature_defs, str(parsed(await request.body()).get("signature_name", "")), method)

    return routes


def wrong_method(defs: Mapping[str, Any], name: str, method: str) -> Invalid:
    """The error that TensorFlow Serving gives for a method of which a signature is not.

    Args:
        defs: what the SavedModel declares.
        name: of the signature that is asked, "" for `serving_default`.
        method: classify or regress.
    """
    name = name or DEFAULT
    if name not in defs:
        return Invalid(f"No signature was found with the name: {name}")
    wanted, was = f"tensorflow/serving/{method}", defs[name].get("method_name")
    said = f"Expected {OTHER_METHODS[method]} signature method_name to be {wanted}. Was: {was}"
    return Invalid(f"{said}; ask it by Predict.")


def _status(one):
    code = "UNKNOWN" if one.error else "OK"
    return {"version": str(one.version), "state": one.state, "status": {"error_code": code, "error_message": one.error}}


def _json(value):
    return Response(json.dumps(value, separators=(",", ":")), media_type="application/json")


# === What comes ===


def parsed(body: bytes) -> dict[str, Any]:
    """The JSON object of a request; NaN and Infinity are numbers, as for TensorFlow Serving.

    Args:
        body: of the request.

    Raises:
        Invalid: something else.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        said = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Invalid(f"JSON Parse error: {said}") from error
    if not isinstance(found, dict):
        raise Invalid("Expected a JSON object, got something else.")
    return found


def tensors_of(body: Mapping[str, Any], signature: Signature) -> dict[str, np.ndarray]:
    """Tensors of a request in rows, "instances", or in columns, "inputs".

    Args:
        body: of the request.
        signature: that is asked.

    Raises:
        Invalid: another form; the message shows the right one.
    """
    try:
        if ("instances" in body) == ("inputs" in body):
            raise Invalid('Expected either "instances" or "inputs" in the request.')
        if unknown := set(body) - {"instances", "inputs", "signature_name"}:
            raise Invalid(f"Expected no {sorted(unknown)[0]!r} in the request.")
        columns = _columns(body["instances"], signature) if "instances" in body else _named(body["inputs"], signature)
        if unknown := set(columns) - set(signature.inputs):
            raise Invalid(f"{sorted(unknown)[0]!r} is none of the inputs {', '.join(signature.inputs)}.")
        return {name: _array(value, signature.inputs[name]) for name, value in columns.items()}
    except Invalid as error:
        raise Invalid(f"{error} A request of the right form: {form_of(signature)}") from None


def _columns(instances, signature):
    if not isinstance(instances, list) or not instances:
        raise Invalid('Expected "instances" as a list of at least one row.')
    rows = [_named(row, signature) for row in instances]
    if any(set(row) != set(rows[0]) for row in rows):
        raise Invalid('Expected the same names in all "instances".')
    if shared := [name for name in rows[0] if name in signature.inputs and not signature.inputs[name].rows]:
        raise Invalid(f'{shared[0]!r} is one for all rows: expected "inputs" in place of "instances".')
    return {name: [row[name] for row in rows] for name in rows[0]}


def _named(value, signature):
    if isinstance(value, dict) and set(value) != {"b64"}:
        return value
    required = [t.name for t in signature.inputs.values() if t.required] or list(signature.inputs)
    if len(required) != 1:
        raise Invalid(f"Expected an object with {', '.join(required)} by name.")
    return {required[0]: value}


def _array(value: Any, tensor: Tensor) -> np.ndarray:
    shape, flat = [], value
    while isinstance(flat, list):
        shape.append(len(flat))
        flat = flat[0] if flat else None
    if len(shape) != len(tensor.shape):
        raise Invalid(f"Expected {tensor.about()}, got {len(shape)} levels of lists.")
    leaves = [value]
    for size in shape:
        if any(not isinstance(part, list) or len(part) != size for part in leaves):
            raise Invalid(f"Expected {tensor.about()}, got lists of several lengths.")
        leaves = [leaf for part in leaves for leaf in part]
    return array_of(leaves, shape, tensor)


def array_of(leaves: Sequence[Any], shape: Sequence[int], tensor: Tensor) -> np.ndarray:
    """Values of JSON as an array of the type that a signature takes.

    Args:
        leaves: as many as the shape has, in the order of rows.
        shape: of the array.
        tensor: that the signature takes.

    Raises:
        Invalid: a value of another type, or out of its range.
    """
    if tensor.dtype == "string":
        found = np.empty(len(leaves), object)
        found[:] = [_bytes(leaf, tensor) for leaf in leaves]
        return found.reshape(shape)
    kinds = {"b": bool, "f": int | float}.get(np.dtype(tensor.dtype).kind, int)
    for leaf in leaves:
        if not isinstance(leaf, kinds) or (kinds is not bool and isinstance(leaf, bool)):
            raise Invalid(
                f"JSON Value: {json.dumps(leaf)[:60]} is not of expected type: {tensor.dtype}, in {tensor.name}."
            )
    try:
        if kinds is int and leaves:
            limits = np.iinfo(tensor.dtype)
            if min(leaves) < limits.min or max(leaves) > limits.max:
                raise OverflowError
        with np.errstate(over="ignore"):  # infinite
            return np.array(leaves, tensor.dtype).reshape(shape)
    except OverflowError:
        raise Invalid(f"Expected numbers in the range of {tensor.dtype} in {tensor.name}.") from None


def _bytes(leaf, tensor):
    if isinstance(leaf, str):
        return leaf.encode(errors="surrogatepass")
    if isinstance(leaf, dict) and set(leaf) == {"b64"} and isinstance(leaf["b64"], str):
        try:
            return base64.b64decode(leaf["b64"], validate=True)
        except ValueError as error:
            raise Invalid(f"Expected base64 in {tensor.name}: {error}.") from error
    raise Invalid(f'Expected text or {{"b64": "..."}} in {tensor.name}, got {json.dumps(leaf)[:60]}.')


# === What goes ===


def in_columns(tensors: Mapping[str, np.ndarray]) -> str:
    """The answer to "inputs", in JSON: a tensor alone, or several by name.

    Args:
        tensors: outputs by name.
    """
    return f'{{"outputs":{_alone_or_named(tensors)}}}'


def in_rows(tensors: Mapping[str, np.ndarray]) -> str:
    """The answer to "instances", in JSON: a list of rows, each a value, or several by name.

    Args:
        tensors: outputs by name.
    """
    if len(tensors) == 1:
        return f'{{"predictions":{_alone_or_named(tensors)}}}'
    rows = (
        {name: array[k : k + 1] for name, array in tensors.items()} for k in range(len(next(iter(tensors.values()))))
    )
    return f'{{"predictions":[{",".join(_alone_or_named(row, slice(1, -1)) for row in rows)}]}}'


def _alone_or_named(tensors, part=slice(None)):
    """Of each tensor a part of its JSON."""
    found = {name: written(name, array)[part] for name, array in tensors.items()}
    if len(found) == 1:
        return next(iter(found.values()))
    return f"{{{','.join(f'{json.dumps(name)}:{text}' for name, text in found.items())}}}"


def form_of(signature: Signature) -> str:
    """A request in JSON of the right form, with one row of what has to be given; large tensors are cut short.

    Args:
        signature: that is asked.
    """
    inputs = [f'"{t.name}": {shown(t, example(t, 2))}' for t in signature.inputs.values() if t.required]
    return f'{{"signature_name": "{signature.name}", "inputs": {{{", ".join(inputs)}}}}}'


def shown(tensor: Tensor, array: np.ndarray) -> str:
    """What is asked of a tensor, in JSON; a large one is cut short.

    Args:
        tensor: that a signature takes.
        array: an example of it.
    """
    if array.size <= 16:
        return json.dumps(listed(tensor.name, array))
    return f"{'[' * array.ndim}{array.flat[0]}, ...{']' * array.ndim} ({tensor.about()})"
