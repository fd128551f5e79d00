"""Fashion-MNIST (Xiao et al. 2017): 60,000 + 10,000 gray pictures of clothes, 28x28, MIT licence."""

import gzip
import math
import os
import zlib

import numpy as np

from keras_imgen.data.sources import tfds
from keras_imgen.data.sources.base import Request, Source, in_memory, wants_split

SYSTEM = "/usr/share/datasets/fashion-mnist"  # where Debian's package dataset-fashion-mnist puts it
CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


def find(_: str, request: Request) -> Source:
    """Keys: `image` (N, 28, 28, 1) and `label`, from idx files, otherwise from tensorflow-datasets.

    The files are looked for in `data_dir`, under KERAS_IMGEN_DATA, and where Debian puts them.

    Raises:
        NoSplit: another split than train, test, all.
        FileNotFoundError: they are nowhere.
    """
    wants_split("fashion_mnist", request.split, ("train", "test", "all"))
    folders = [request.data_dir]
    if own := os.environ.get("KERAS_IMGEN_DATA"):
        folders += [own, os.path.join(own, "fashion-mnist"), os.path.join(own, "fashion_mnist")]
    for folder in [*filter(None, folders), SYSTEM]:
        if os.path.isfile(os.path.join(folder, "train-images-idx3-ubyte.gz")):
            parts = {"train": ["train"], "test": ["t10k"], "all": ["train", "t10k"]}[request.split]
            read = [[read_idx(os.path.join(folder, f"{p}-{n}.gz")) for p in parts] for n in _NAMES]
            images, labels = (np.concatenate(r) for r in read)
            return in_memory({"image": images[..., None], "label": labels}, request, CLASSES)
    try:
        return tfds.find("fashion_mnist", request)
    except (ValueError, ImportError, OSError) as error:
        raise FileNotFoundError(
            "Fashion-MNIST was not found. Install Debian's package dataset-fashion-mnist, or put its four idx files "
            f"(train-images-idx3-ubyte.gz, ...) under $KERAS_IMGEN_DATA/fashion-mnist. {error}"
        ) from None


_NAMES = ("images-idx3-ubyte", "labels-idx1-ubyte")


def read_idx(path: str) -> np.ndarray:
    """An unsigned-byte idx file, gzipped (LeCun's format: two zeros, type 8, rank, then sizes as big-endian numbers of 32 bits).

    Raises:
        ValueError: it is damaged, or not complete.
    """
    try:
        with gzip.open(path) as f:
            data = f.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}. Fetch it again.") from None
    rank = data[3] if len(data) > 4 and data[:3] == b"\0\0\x08" else 0
    shape = [int.from_bytes(data[k : k + 4]) for k in range(4, 4 + 4 * rank, 4)]
    if rank == 0 or len(data) != 4 + 4 * rank + math.prod(shape):
        raise ValueError(f"{path} is not a complete idx file of unsigned bytes.")
    return np.frombuffer(data, "uint8", offset=4 + 4 * rank).reshape(shape)
