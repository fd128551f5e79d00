"""A request for each signature of an export, so that nobody has to guess its form: as JSON, for curl and for Python."""

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from keras_imgen.inference.endpoints import Endpoint, Endpoints
from keras_imgen.inference.restorer import TiledEndpoint
from keras_imgen.serving.json_tensors import listed
from keras_imgen.serving.signatures import Signature, Tensor, endpoint_of
from keras_imgen.text import Text

FRAMES = 8  # of a clip
SIDE = 32  # pixels where any number may be, and the length of sequences
ADDRESS = "http://127.0.0.1:8501"


def examples(signatures: Mapping[str, Signature], endpoints: Endpoints) -> dict[str, dict[str, np.ndarray]]:
    """All that each signature takes, with one row, by the names of the signatures.

    Args:
        signatures: of an export.
        endpoints: of the model that it came from.
    """
    return {name: _example(one, endpoint_of(name, endpoints)) for name, one in signatures.items()}


def body(signature: str, tensors: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """A request of TensorFlow Serving's REST API, in columns.

    Args:
        signature: its name.
        tensors: all that it takes, by name.
    """
    return {"signature_name": signature, "inputs": {name: listed(name, array) for name, array in tensors.items()}}


def files(
    name: str, signatures: Mapping[str, Signature], given: Mapping[str, Mapping[str, np.ndarray]]
) -> dict[str, str]:
    """Texts by the names of files: of every signature its request, `.json`, and two programs that send it, `.sh` and `.py`.

    Args:
        name: of the model in service.
        signatures: of the export.
        given: see `examples`.
    """
    found = {}
    for key, one in signatures.items():
        found[f"{key}.json"] = json.dumps(body(key, given[key])) + "\n"
        found[f"{key}.sh"] = _SHELL.format(about=about(one), url=address(name), signature=key)
        found[f"{key}.py"] = _python(name, one)
    return found


def address(name: str) -> str:
    """Where a model of this name is asked, if its server listens where it does if nobody says otherwise."""
    return f"{ADDRESS}/v1/models/{name}:predict"


def about(signature: Signature) -> str:
    """In a line, what it takes and gives."""
    gives = ", ".join(tensor.about() for tensor in signature.outputs.values())
    whole = all(tensor.required for tensor in signature.inputs.values())
    end = "" if whole else " TensorFlow Serving wants all of them."
    return f"{signature.name} takes {signature.takes()}. It gives {gives}.{end}"


# === What is asked ===


def _example(signature, endpoint: Endpoint):
    told = {}
    for condition in endpoint.conditions:
        known = condition.examples()
        if isinstance(condition, Text):
            known = known or [next((word for word in condition.tokenizer.vocabulary if word.isalpha()), "")]
            told[f"{condition.key}s"] = np.array([known[0].encode()], object)
        if known is not None:
            arrays, inputs = condition.encode({condition.key: list(known)[:1]}), condition.inputs()
            told |= {inputs[k].served: array for k, array in arrays.items()}
    required = [tensor for tensor in signature.inputs.values() if tensor.required]
    sides = {"latent": SIDE // 4} if isinstance(endpoint, TiledEndpoint) else {}
    given = {t.name: told[t.name] if t.name in told else example(t, sides.get(t.name, SIDE)) for t in required}
    rows, shared = signature.whole(given)
    return {**rows, **shared}


def example(tensor: Tensor, side: int = SIDE) -> np.ndarray:
    """One row that is valid for a tensor of this type and shape.

    Args:
        tensor: that a signature takes.
        side: where any number may be.
    """
    shape = [1 if k == 0 and tensor.rows else size or side for k, size in enumerate(tensor.shape)]
    if len(shape) == 5 and tensor.shape[1] is None:
        shape[1] = FRAMES
    if tensor.dtype == "string":
        found = np.empty(shape, object)
        found.fill(_png() if tensor.name.endswith("_bytes") else b"a picture")
        return found
    if tensor.dtype == "uint8" and len(shape) > 2:
        return np.broadcast_to(_ramp(*shape[-3:-1])[..., None], shape).copy()
    return np.full(shape, {"f": 0.5, "b": True}.get(np.dtype(tensor.dtype).kind, 0), tensor.dtype)


def _ramp(height, width):
    """From dark at the left to light at the right."""
    return np.broadcast_to(np.linspace(0, 255, width).astype("uint8"), (height, width))


def _png():
    file = BytesIO()
    Image.fromarray(_ramp(SIDE, SIDE)).convert("RGB").save(file, "PNG")
    return file.getvalue()


# === How ===

_SHELL = """#!/bin/sh
# {about}
curl "${{1:-{url}}}" -H 'Content-Type: application/json' -d @"$(dirname "$0")/{signature}.json"
"""

_PYTHON = '''"""{about}"""

import base64
import json
import os
import sys
import urllib.request

with open(os.path.join(os.path.dirname(__file__), "{signature}.json")) as file:
    body = json.load(file)
{files}url = sys.argv[1] if len(sys.argv) > 1 else "{url}"
request = urllib.request.Request(url, json.dumps(body).encode(), {{"Content-Type": "application/json"}})
with urllib.request.urlopen(request) as answer:
    outputs = json.load(answer)["outputs"]
{show}
'''


def _python(name, signature):
    files = [
        f'# with open("picture.png", "rb") as file:\n'
        f'#     body["inputs"]["{t.name}"] = [{{"b64": base64.b64encode(file.read()).decode()}}]\n'
        for t in signature.inputs.values()
        if t.name.endswith("_bytes")
    ]
    outputs = list(signature.outputs.values())
    if len(outputs) == 1 and outputs[0].dtype == "string":
        show = 'with open("answer.png", "wb") as file:\n    file.write(base64.b64decode(outputs[0]["b64"]))'
    else:
        show = "print(json.dumps(outputs)[:200])"
    text = _PYTHON.format(
        about=about(signature), signature=signature.name, url=address(name), files="".join(files), show=show
    )
    return text if "base64." in text else text.replace("import base64\n", "")
