"""What an export carries for those who serve it: requests, warm-up, and how TensorFlow Serving, Docker and Kubernetes are told of it."""

import json
import os
import re

import numpy as np

from keras_imgen.serving.client import DESCRIPTION, endpoints_in, signature_defs
from keras_imgen.serving.deployment import deployment
from keras_imgen.serving.examples import examples, files
from keras_imgen.serving.signatures import Signature, signatures_of
from keras_imgen.serving.warmup import write_warmup


def place_of(path: str) -> tuple[str, int]:
    """(name of the model, number of its version) of the folder of an export: NAME/3 is the third of NAME, any other the first.

    Args:
        path: of the folder; what cannot stand in an address becomes "-".
    """
    folder, name = os.path.split(os.path.abspath(path))
    version = 1
    if name.isascii() and name.isdigit():
        name, version = os.path.basename(folder), int(name)
    return re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip("._-") or "model", version


def requests_of(folder: str) -> tuple[dict[str, Signature], dict[str, dict[str, np.ndarray]]]:
    """(signatures by name, all that each takes, with one row) of an export of any version, from its description.

    Args:
        folder: of the export.

    Raises:
        ValueError: another folder.
    """
    if not os.path.isfile(os.path.join(folder, DESCRIPTION)):
        raise ValueError(f"{folder} is not a SavedModel written by keras_imgen: expected {DESCRIPTION} in it.")
    with open(os.path.join(folder, DESCRIPTION), encoding="utf-8") as file:
        description = json.load(file)
    defs = dict(sorted(signature_defs(folder).items(), key=lambda one: (one[0] != "serving_default", one[0])))
    endpoints = endpoints_in(description, set(defs))
    signatures = signatures_of(defs, endpoints)
    return signatures, examples(signatures, endpoints)


def carry(folder: str, path: str) -> None:
    """Write into `assets.extra` of an export:

        `examples/`: of every signature a request as JSON, and as programs for a shell and in Python.
        `tf_serving_warmup_requests`: the same requests, which TensorFlow Serving asks itself before it is ready.
        `batching_parameters.txt`, `Dockerfile`, `kubernetes.yaml`, `kserve.yaml`: for the stock image of TensorFlow Serving.

    Args:
        folder: of the export, whole but for this.
        path: where it will be, which gives its name and version.
    """
    signatures, given = requests_of(folder)
    name, version = place_of(path)
    texts = {os.path.join("examples", k): text for k, text in files(name, signatures, given).items()}
    texts |= deployment(name, version, signatures)
    extra = os.path.join(folder, "assets.extra")
    os.makedirs(os.path.join(extra, "examples"))
    for place, text in texts.items():
        with open(os.path.join(extra, place), "w", encoding="utf-8") as file:
            file.write(text)
        if place.endswith(".sh"):
            os.chmod(os.path.join(extra, place), 0o755)
    write_warmup(os.path.join(extra, "tf_serving_warmup_requests"), name, given)
