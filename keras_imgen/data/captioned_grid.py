"""Pictures with their captions below, to look at."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_imgen.conditions import Conditions
from keras_imgen.data.image_io import beside, make_grid, with_channels
from keras_imgen.text import as_text, text_of

WIDTH, SIZE, LINE = 128, 11, 13  # pixels: of a cell at least, of the letters, of a line


def captioned_grid(images: np.ndarray, captions: Sequence[str], columns: int | None = None) -> np.ndarray:
    """A grid of pictures, small ones enlarged by whole factors, each above its caption: uint8 (height, width, 3).

    Args:
        images: uint8 (N, H, W, C).
        captions: N texts.
        columns: of the grid, see `image_io.make_grid`.

    Raises:
        ValueError: another number of captions than pictures.
    """
    if len(images) != len(captions):
        raise ValueError(f"Expected a caption for each picture, got {len(captions)} for {len(images)}.")
    height, width = images.shape[1:3]
    scale = max(1, -(-WIDTH // width))
    font = ImageFont.load_default(SIZE)
    letters = max(1, int(scale * width / font.getlength("e")))
    lines = [textwrap.wrap(" ".join(str(c).split()), letters) or [""] for c in captions]
    below = LINE * max(map(len, lines)) + 4
    cells = np.full((len(images), scale * height + below, scale * width, 3), 255, "uint8")
    for cell, image, wrapped in zip(cells, images, lines):
        cell[: scale * height] = with_channels(image, 3).repeat(scale, 0).repeat(scale, 1)
        page = Image.fromarray(cell)
        for k, line in enumerate(wrapped):
            ImageDraw.Draw(page).text((1, scale * height + 1 + LINE * k), line, (0, 0, 0), font)
        cell[:] = np.asarray(page)
    return make_grid(cells, columns=columns)


def told_grid(
    shown: Mapping[str, np.ndarray], conditions: Conditions, told: Mapping[str, Any], columns: int | None = None
) -> np.ndarray:
    """A grid of what a model's `show` gives, each above the text that it was told, if it was told any.

    Args:
        shown: pictures by what they are, (N, H, W, C) each: they stand side by side.
        conditions: of the model.
        told: what was told, by name, in turn; texts that are not there are examples of the condition.
        columns: of the grid, see `image_io.make_grid`.
    """
    pictures, text = beside(*shown.values()), text_of(conditions)
    said = None if text is None else told.get(text.key, text.examples())
    said = [said] if isinstance(said, str | bytes) else [] if said is None else list(said)
    if not said or not isinstance(said[0], str | bytes):  # tokens are no words
        return make_grid(pictures, columns=columns)
    return captioned_grid(pictures, [as_text(said[k % len(said)]) for k in range(len(pictures))], columns)


def told_film(
    shown: Mapping[str, np.ndarray], conditions: Conditions, told: Mapping[str, Any], columns: int | None = None
) -> np.ndarray | None:
    """Where a model shows clips, a film of such grids, uint8 (frames, height, width, C): all of them play at once, and pictures and shorter
    clips stand still at their end. None where it shows pictures alone.

    Args:
        others: see `told_grid`.
    """
    count = max(v.shape[1] if v.ndim == 5 else 0 for v in shown.values())
    if not count:
        return None

    def at(k):
        return {name: v[:, min(k, v.shape[1] - 1)] if v.ndim == 5 else v for name, v in shown.items()}

    return np.stack([told_grid(at(k), conditions, told, columns) for k in range(count)])
