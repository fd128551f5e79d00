"""Before and after: pictures of both side by side, and a page with a line to drag, one HTML file, which asks nothing of any network."""

import base64
import html
import io
import os
import warnings
from collections.abc import Iterable, Mapping

import cv2
import numpy as np
from PIL import Image

from keras_imgen.data import image_io
from keras_imgen.data.files import LONGEST, newer, one_line, shortened, shown, whole
from keras_imgen.inference.pixels import resized

LARGEST = {24: 1600, 200: 1000}  # pixels of a longer side, on pages of up to so many pictures
SMALLEST = 600  # of more
PLACE = "<!-- pictures -->"


def page(path: str, pairs: Iterable[tuple[str, str]], count: int) -> int:
    """Write it; what cannot be read is left out, and named.

    Args:
        path: of the HTML file.
        pairs: paths of pictures and of their answers.
        count: how many there are: the more, the smaller they are shown.

    Returns:
        How many pictures it shows.
    """
    with open(os.path.join(os.path.dirname(__file__), "compare.html"), encoding="utf-8") as f:
        head, tail = f.read().split(PLACE)
    largest = next((side for most, side in LARGEST.items() if count <= most), SMALLEST)
    shown_ones = 0
    with whole(path) as beside, open(beside, "w", encoding="utf-8") as f:
        f.write(head)
        for before, after in pairs:
            try:
                f.write(_figure(before, after, largest))
            except (ValueError, OSError) as error:
                warnings.warn(f"{shown(before)} is not on the page: {one_line(error)}.", stacklevel=2)
                continue
            shown_ones += 1
        f.write(tail)
    return shown_ones


def _figure(before, after, largest):
    pictures = image_io.load_image(before), image_io.load_image(after, limited=False)
    height, width = pictures[1].shape[:2]
    shrink = min(1.0, largest / max(height, width))
    size = tuple(max(1, round(n * shrink)) for n in (height, width))
    name = html.escape(shown(os.path.basename(before)))
    sizes = " to ".join(f"{v.shape[1]}x{v.shape[0]}" for v in pictures)
    first, last = (_data(v if _fits(v, size) else resized(v, size)) for v in pictures)
    return f"""
<figure>
<div class="pair" style="aspect-ratio: {size[1]} / {size[0]}">
<img alt="{name}, after" src="{last}">
<img class="before" alt="{name}, before" src="{first}">
<input type="range" min="0" max="100" value="50" aria-label="{name}: share of before">
</div>
<figcaption>{name}, {sizes}</figcaption>
</figure>"""


def _fits(picture, size):
    """Smaller ones the browser enlarges."""
    return all(a <= b for a, b in zip(picture.shape[:2], size))


def _data(picture: np.ndarray) -> str:
    """A URL that holds it, as JPEG."""
    file, picture = io.BytesIO(), image_io.with_channels(picture, 3)
    Image.fromarray(picture).save(file, "JPEG", quality=88, subsampling="4:4:4")
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


# === Side by side ===


def comparison(out: str, name: str) -> str:
    """The path of the picture of before and after of the answer of this name: a PNG, which answers of another kind lend their ending.

    Args:
        out: the folder of the answers.
        name: of the answer.
    """
    plain = name.removesuffix(".png")
    folder, base = os.path.split(plain)
    return os.path.join(out, "compare", folder, shortened(base, LONGEST - len(".png")) + ".png")


def compare_finished(files: Mapping[str, str], out: str) -> None:
    """Write the comparisons of answers that have none, as those of a run that was stopped, or an older one; of what can be read.

    Args:
        files: paths by the name of their answer.
        out: the folder of the answers.
    """
    for name, path in files.items():
        answer, place = os.path.join(out, name), comparison(out, name)
        if os.path.isfile(answer) and not newer(place, answer):
            try:
                pair = image_io.load_image(path, keep_depth=True), image_io.load_image(answer, limited=False)
            except (ValueError, OSError):
                continue
            compare(place, *pair)


def compare(place: str, image: np.ndarray, restored: np.ndarray) -> None:
    """Write a comparison.

    Args:
        place: of `comparison`.
        image: see `beside`.
        restored: see `beside`.
    """
    os.makedirs(os.path.dirname(place), exist_ok=True)
    image_io.save_image(place, beside(image, restored))


def beside(image: np.ndarray, restored: np.ndarray, widest: int = 2000) -> np.ndarray:
    """A picture, enlarged by nearest neighbour to the size of its answer, and the answer, side by side, uint8.

    Args:
        image: (h, w, C), uint8 or uint16.
        restored: (H, W, C'), uint8 or uint16.
        widest: pixels of both together, at most.
    """
    height, width = restored.shape[:2]
    if 2 * width > widest:
        height, width = max(1, round(height * widest / (2 * width))), widest // 2
    pair = []
    for v in (image, restored):
        way = cv2.INTER_AREA if v.shape[1] > width else cv2.INTER_NEAREST
        v = cv2.resize(v, (width, height), interpolation=way).reshape(height, width, v.shape[-1])
        pair.append(v if v.dtype == np.uint8 else (v // 257).astype("uint8"))
    channels = max(v.shape[-1] for v in pair)
    return np.concatenate([image_io.with_channels(v, channels) for v in pair], axis=1)
