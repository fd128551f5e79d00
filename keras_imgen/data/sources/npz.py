"""NumPy files: arrays of images and labels, or packs of encoded pictures."""

import os
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_imgen.data import image_io
from keras_imgen.data.sources import Request, Source, in_memory

IMAGES, LABELS = ("image", "images", "x"), ("label", "labels", "y")


def find(path: str, request: Request) -> Source:
    """Keys: `image` (N, H, W[, C]) and, if there are labels, `label`; or `x_train`, `y_train`, `train_images`, ... by split;
    or `jpeg` (all files end to end, uint8) with `offsets` (N + 1). Other arrays of N rows come along under their names.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {k: archive[k] for k in archive.files}
    except (ValueError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise ValueError(f"{path} is not a complete .npz file without pickled objects: {error}.") from None
    if "jpeg" in arrays and "offsets" in arrays:
        packed, ends = arrays.pop("jpeg"), arrays.pop("offsets")
        arrays["image"] = decode([packed[a:b].tobytes() for a, b in zip(ends, ends[1:])], path, request)
    split = request.split
    sided = {k: v for k, v in arrays.items() if k.startswith(f"{split}_") or k.endswith(f"_{split}")}
    if sided:
        arrays = {k.removeprefix(f"{split}_").removesuffix(f"_{split}"): v for k, v in sided.items()}
    elif split not in ("train", "all"):
        raise ValueError(f"{path} has no split {split!r}: its arrays are {', '.join(arrays)}. Use 'all'.")
    image, label = (next((k for k in names if k in arrays), None) for names in (IMAGES, LABELS))
    if image is None:
        raise ValueError(f"{path} has no images: expected an array named image, images or x, got {', '.join(arrays)}.")
    names = arrays.get("classes", arrays.get("class_names"))
    batch = {"image": arrays.pop(image)}
    if label:
        batch["label"] = arrays.pop(label)
    count = len(batch["image"])
    batch.update({k: v for k, v in arrays.items() if v.ndim and len(v) == count})
    if names is not None and label and len(names) > int(np.max(batch["label"])):
        return in_memory(batch, request, [str(n) for n in names])
    return in_memory(batch, request)


def decode(files: list[bytes], name: str, request: Request) -> np.ndarray:
    """Encoded pictures -> uint8 (N, H, W, C), in the request's size and channels."""

    def one(k):
        try:
            return request.fit(image_io.load_image(files[k], request.channels or 3))
        except ValueError as error:
            raise ValueError(f"{name}: image {k}: {error}") from None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        images = list(pool.map(one, range(len(files))))
    if len({image.shape for image in images}) > 1:
        raise ValueError(f"The images in {name} have different sizes: pass size=... to `load`.")
    return np.stack(images)
