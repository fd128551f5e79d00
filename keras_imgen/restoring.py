"""What `keras-imgen restore` does: picture files, folders and globs through a restoring model, each problem named, none in the way of the
rest."""

import glob
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from keras_imgen.data import image_io

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif"}


def find(inputs: list[str]) -> dict[str, str]:
    """Paths by the name of their answer: of files, of pictures in folders and below, of what globs match.

    A name is the path below the folder, with the ending .png, and with the file's own ending before it where two would be alike.

    Raises:
        FileNotFoundError: an input that is not there, or in which there is no picture.
    """
    files = []
    for given in inputs:
        if os.path.isdir(given):
            below = [os.path.join(folder, name) for folder, _, names in os.walk(given) for name in names]
            found = [(os.path.relpath(path, given), path) for path in below if _is_picture(path)]
        elif os.path.isfile(given):
            found = [(os.path.basename(given), given)]
        else:
            matches = [p for p in glob.glob(given, recursive=True) if os.path.isfile(p)]
            found = [(os.path.basename(path), path) for path in matches]
        if not found:
            there = "no pictures in" if os.path.isdir(given) else "no file, folder or match for"
            raise FileNotFoundError(f"There is {there} {given}.")
        files += sorted(found)
    answers: dict[str, str] = {}
    stems = [os.path.splitext(name)[0] for name, _ in files]
    for stem, (name, path) in zip(stems, files):
        answer = f"{stem if stems.count(stem) == 1 else name}.png"
        if answer in answers and answers[answer] != path:
            raise ValueError(f"{path} and {answers[answer]} have the same name: restore them into different folders.")
        answers[answer] = path
    return answers


def _is_picture(path):
    return os.path.splitext(path)[1].lower() in ENDINGS and not os.path.basename(path).startswith(".")


def restore(
    model: Any, files: dict[str, str], out: str, masks: str | None = None, compare: bool = False, **how: Any
) -> Iterator[tuple[str, str | None]]:
    """Write the answer to each of the files of `find` below `out`; yields (path, None or what was wrong with it).

    Args:
        masks: a picture, or a folder of pictures with the names of the answers, not black where to paint.
        compare: write out/compare/NAME as well: the picture and its answer side by side.
        how: passed on to `model.restore`.
    """
    for name, path in files.items():
        try:
            image = image_io.load_image(path, keep_depth=True)
            given = {} if masks is None else {"masks": _mask(masks, name, image.shape)}
            restored = model.restore(image, **given, **how)
            _save(os.path.join(out, name), restored, {"model": model.name, "from": os.path.basename(path)})
            if compare:
                _save(os.path.join(out, "compare", name), beside(image, restored), {})
        except (ValueError, OSError, MemoryError) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            yield path, " ".join(reason.split())
        else:
            yield path, None


def _save(path, image, metadata):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    image_io.save_image(path, image, metadata)


def _mask(masks, name, shape):
    path = os.path.join(masks, name) if os.path.isdir(masks) else masks
    mask = image_io.load_image(path, 1, background=0)[..., 0]
    if mask.shape != shape[:2]:
        raise ValueError(
            f"the mask {path} has {mask.shape[1]}x{mask.shape[0]} pixels, the picture {shape[1]}x{shape[0]}"
        )
    return mask


def beside(image: np.ndarray, restored: np.ndarray, widest: int = 2000) -> np.ndarray:
    """The picture, enlarged by nearest neighbour to the size of its answer, and the answer, uint8, side by side."""
    pair = [v if v.dtype == np.uint8 else (v // 257).astype("uint8") for v in (image, restored)]
    scale = len(restored) // len(image)
    pair[0] = pair[0].repeat(scale, 0).repeat(scale, 1)
    channels = max(v.shape[-1] for v in pair)
    both = np.concatenate([image_io.with_channels(v, channels) for v in pair], axis=1)
    if both.shape[1] <= widest:
        return both
    picture = Image.fromarray(both[..., 0] if channels == 1 else both)
    return np.asarray(picture.resize((widest, max(1, round(both.shape[0] * widest / both.shape[1])))))
