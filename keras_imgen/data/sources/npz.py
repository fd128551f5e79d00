"""NumPy files: arrays of images and labels, or packs of encoded pictures."""

import math
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.lib import format as npy

from keras_imgen.data import image_io
from keras_imgen.data.files import one_line, warn_of_frames
from keras_imgen.data.sources.base import NoSplit, Request, Source, in_memory

IMAGES, LABELS = ("image", "images", "x"), ("label", "labels", "y")
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
ROOM = 4 << 30  # bytes, where less memory is free or it cannot be told


def find(path: str, request: Request) -> Source:
    """Arrays of images and labels, or packs of encoded pictures.

    Keys: `image` (N, H, W[, C]) and, if there are labels, `label`; or `x_train`, `y_train`, `train_images`, ... by split;
    or `jpeg` (all files end to end, uint8) with `offsets` (N + 1). Other arrays of N rows come along under their names;
    `classes` or `class_names` name the labels.

    Raises:
        FileNotFoundError: no such file.
        ValueError: by the file's name: it is damaged, larger than the memory, or other than this.
    """
    path = os.path.expanduser(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        arrays = read(path)
    except Exception as error:  # zipfile, zlib and NumPy raise whatever a damaged file leads them to
        raise ValueError(
            f"{path} is not a complete .npz file of arrays without objects that fit in memory: {one_line(error)}."
        ) from None
    try:
        return _source(path, arrays, request)
    except ValueError as error:
        raise (NoSplit if isinstance(error, NoSplit) else ValueError)(f"{path}: {error}") from None


def read(path: str) -> dict[str, np.ndarray]:
    """The arrays of a .npz file.

    What they claim is looked at first: the shape in each header is to be as many bytes as there are, and all together fit in the memory
    that is free, or in `ROOM`.

    Raises:
        ValueError: a claim that does not hold.
    """
    with zipfile.ZipFile(path) as archive:
        size, room = sum(entry.file_size for entry in archive.infolist()), max(ROOM, _free_memory())
        if size > room:
            raise ValueError(f"its arrays are {size:,} bytes, expected at most {room:,}")
        return {entry.filename.removesuffix(".npy"): _array(archive, entry) for entry in archive.infolist()}


def _array(archive, entry):
    with archive.open(entry) as f:
        if (version := npy.read_magic(f)) not in HEADERS:
            raise ValueError(f"{entry.filename} has the version {version}, expected one of {[*HEADERS]}")
        shape, _, dtype = HEADERS[version](f)
        claimed, there = math.prod(shape) * dtype.itemsize, entry.file_size - f.tell()
    if dtype.hasobject:
        raise ValueError(f"{entry.filename} holds objects")
    if claimed != there or min(shape, default=0) < 0:
        raise ValueError(f"{entry.filename} claims {dtype} of shape {shape}, {claimed:,} bytes, and has {there:,}")
    with archive.open(entry) as f:
        return npy.read_array(f, allow_pickle=False)


def _free_memory() -> int:
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on this system
        return 0


def _source(path, arrays, request):
    if "jpeg" in arrays and "offsets" in arrays:
        arrays["image"] = decode(_files(arrays.pop("jpeg"), arrays.pop("offsets")), path, request)
    split = request.split
    sided = {k: v for k, v in arrays.items() if k.startswith(f"{split}_") or k.endswith(f"_{split}")}
    if sided:
        arrays = {k.removeprefix(f"{split}_").removesuffix(f"_{split}"): v for k, v in sided.items()}
    elif split not in ("train", "all"):
        raise NoSplit(f"no split {split!r}: its arrays are {', '.join(arrays)}. Use 'all'.")
    image, label = (next((k for k in names if k in arrays), None) for names in (IMAGES, LABELS))
    if image is None:
        raise ValueError(f"no images: expected an array named image, images or x, got {', '.join(arrays)}.")
    names = arrays.get("classes", arrays.get("class_names"))
    batch = {"image": arrays.pop(image)}
    if label:
        batch["label"] = arrays.pop(label)
    rows = batch["image"].shape[:1]
    batch.update({k: v for k, v in arrays.items() if v.ndim and v.shape[:1] == rows})
    found = in_memory(batch, request)
    if names is not None and names.ndim == 1 and found.class_names is not None:
        if len(names) < len(found.class_names):
            raise ValueError(f"{len(names)} class names, but labels up to {len(found.class_names) - 1}.")
        found.class_names = names.astype(str).tolist()
    return found


def _files(packed: np.ndarray, ends: np.ndarray) -> list[bytes]:
    """The files that lie end to end in `packed`."""
    if packed.dtype != np.uint8 or packed.ndim != 1:
        raise ValueError(f"Expected `jpeg` as uint8 of shape (bytes,), got {packed.dtype} of shape {packed.shape}.")
    if ends.dtype.kind not in "iu" or ends.ndim != 1 or len(ends) < 2:
        raise ValueError(f"Expected `offsets` as whole numbers (files + 1,), got {ends.dtype} of shape {ends.shape}.")
    if ends[0] < 0 or ends[-1] > len(packed) or (ends[1:] < ends[:-1]).any():
        raise ValueError(f"Expected `offsets` that increase from 0 to at most {len(packed)}, the length of `jpeg`.")
    return [packed[a:b].tobytes() for a, b in zip(ends, ends[1:])]


def decode(files: list[bytes], name: str, request: Request) -> np.ndarray:
    """Encoded pictures -> uint8 (N, H, W, C), in the request's size and channels.

    Args:
        files: each a whole file of a picture.
        name: what a warning of animations calls them.
        request: size and channels that are wanted; None keeps the size, and makes colour.

    Raises:
        ValueError: a picture that cannot be read, or pictures of different sizes.
    """

    def one(k):
        try:
            image = request.fit(image_io.load_image(files[k], request.channels or 3))
        except ValueError as error:
            raise ValueError(f"image {k}: {str(error).removeprefix('bytes ')}") from None
        frames[f"image {k}"] = image_io.frames(files[k])
        return image

    frames = {}

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        images = list(pool.map(one, range(len(files))))
    if len({image.shape for image in images}) > 1:
        raise ValueError("The images have different sizes: pass size=... to `load`.")
    warn_of_frames(name, frames, stacklevel=6)
    return np.stack(images)
