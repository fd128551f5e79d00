"""Google's Noto emoji, 64x64, with their names: Apache-2.0."""

import re
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_imgen.data import image_io
from keras_imgen.data.files import one_line, parse_json, read_text, shown
from keras_imgen.data.sources.base import Request, Source
from keras_imgen.data.sources.splits import rows_of_split

FOLDER = "emoji_noto64"
NO_WORDS = re.compile(r".{1,2}|flag-\w+|[a-z]+\d+")  # short names such as uk, flag-uk, whale2


@dataclass
class Emoji:
    """A picture with what it is called.

    Args:
        file: of the picture.
        name: with its skin tone, if it has another than yellow.
        short_names: that its skin tones share; the first tells it from all others.
        category: one of ten.
        subcategory: one of a hundred.
        base: whether it is the one whose skin tone others vary.
    """

    file: str
    name: str
    short_names: list[str]
    category: str
    subcategory: str
    base: bool

    def captions(self, base: str) -> tuple[str, ...]:
        """Its name, its short names that are words, and its category with its name.

        Args:
            base: the name without the skin tone.
        """
        tone = self.name.removeprefix(base)
        short = [re.sub("[_-]", " ", name) + tone for name in self.short_names if not NO_WORDS.fullmatch(name)]
        return tuple(dict.fromkeys([self.name, *short, f"{self.class_name}: {self.name}"]))

    @property
    def class_name(self) -> str:
        """The category in words."""
        return self.category.lower().replace("&", "and")


def find(kind: str, request: Request) -> Source:
    """Keys: `image` (N, 64, 64, 3), on white, and `label`, the category. All skin tones of one are in the same split.

    Args:
        kind: "" for one picture of each, "all" for their skin tones too.
        request: four channels keep what is transparent.

    Raises:
        NoSplit: another split than train, validation, test, all.
        FileNotFoundError: `images.zip` and `captions.json` are neither in `data_dir` nor under KERAS_IMGEN_DATA.
        ValueError: they are damaged.
    """
    listed, packed = request.file(FOLDER, "captions.json"), request.file(FOLDER, "images.zip")
    every = _listed(parse_json(read_text(listed), shown(listed)), shown(listed))
    bases = {emoji.short_names[0]: emoji.name for emoji in every if emoji.base}
    every = [emoji for emoji in every if emoji.base or kind == "all"]
    rows = rows_of_split("emoji", [emoji.short_names[0] for emoji in every], request.split)
    chosen = [every[row] for row in rows]
    try:
        with zipfile.ZipFile(packed) as archive:
            files = [archive.read(emoji.file) for emoji in chosen]
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"{shown(packed)} is damaged: {one_line(error)}. Fetch it again.") from None
    classes = sorted({emoji.class_name for emoji in every})
    labels = np.array([classes.index(emoji.class_name) for emoji in chosen], "int32")
    channels = request.channels or 3

    def fetch(rows):
        images = [request.fit(image_io.load_image(files[k], channels)) for k in rows]
        return {"image": np.stack(images), "label": labels[rows]}

    captions = [emoji.captions(bases[emoji.short_names[0]]) for emoji in chosen]
    shape = (*(request.size or (64, 64)), channels)
    return Source(len(chosen), shape, fetch, classes, slow=True, captions=captions)


def _listed(given: Any, path: str) -> list[Emoji]:
    try:
        found = [Emoji(**row) for row in given]
        bases = {emoji.short_names[0] for emoji in found if emoji.base}
        if found and all(emoji.short_names[0] in bases for emoji in found):
            return found
    except (TypeError, LookupError):  # other keys than these
        pass
    raise ValueError(f"{path}: expected a list of emoji with {', '.join(Emoji.__annotations__)}.")
