"""Characters of the Liberated Pixel Cup, put together from the sheets of their parts: CC-BY-SA-3.0 or GPL-3.0.

Parts, actions and their order are those of the set Sprites (Li & Mandt 2018).
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from PIL import Image

from keras_imgen.data import image_io
from keras_imgen.data.files import shown
from keras_imgen.data.sources.base import Request, Source
from keras_imgen.data.sources.splits import rows_of_split

FOLDER, CELL, SHEET = "sprites_lpc", 64, (1344, 832, 4)


class Action(NamedTuple):
    """What a character does.

    Args:
        doing: in words.
        line: the first of its four in a sheet, one for each direction.
        frames: how many it has.
        best: the frame that shows it best.
    """

    doing: str
    line: int
    frames: int
    best: int


LAYERS = {  # from the lowest to the highest, what each of their sheets shows
    "body": (
        "a light-skinned person",
        "a golden-skinned person",
        "a gray-skinned person",
        "a pale blue-skinned person",
        "a brown-skinned person",
        "a dark-skinned person",
        "a green orc",
    ),
    "bottomwear": (
        "white trousers",
        "golden leg armor",
        "red trousers",
        "steel leg armor",
        "teal trousers",
        "green trousers",
        "a brown skirt",
    ),
    "topwear": (
        "a maroon shirt",
        "a turquoise shirt",
        "a cream shirt",
        "a steel breastplate",
        "a brown leather vest",
        "a cream shirt with a tie",
        "a chainmail shirt",
    ),
    "hair": (
        "spiky green hair",
        "a blue topknot",
        "spiky orange hair",
        "straight silver hair",
        "straight crimson hair",
        "curly purple hair",
        "half-shaved black hair",
        "straight red hair",
        "spiky pink hair",
        "curly orange hair",
    ),
    "shoes": ("brown shoes", "golden shoes", "steel shoes"),
}
ACTIONS = {
    "spellcast": Action("casting a spell", 0, 7, 5),
    "thrust": Action("thrusting", 4, 8, 5),
    "walk": Action("walking", 8, 9, 1),
    "slash": Action("slashing", 12, 6, 5),
    "shoot": Action("shooting", 16, 13, 9),
}
DIRECTIONS = ("away from us", "to the left", "towards us", "to the right")
FACING = ("seen from behind", "facing left", "facing us", "facing right")
ATTRIBUTES = {**LAYERS, "action": tuple(ACTIONS), "direction": DIRECTIONS}


class Captions(Sequence):
    """Three wordings of every picture, made when they are asked for.

    Args:
        table: the attributes of each picture, by their numbers in `ATTRIBUTES`.
    """

    def __init__(self, table: np.ndarray):
        self.table = table

    def __len__(self):
        return len(self.table)

    def __getitem__(self, row):
        if isinstance(row, slice):
            return [self[k] for k in range(*row.indices(len(self)))]
        *parts, action, direction = map(int, self.table[row])
        who, legs, top, hair, shoes = (names[k] for names, k in zip(LAYERS.values(), parts))
        doing, towards = ACTIONS[ATTRIBUTES["action"][action]].doing, DIRECTIONS[direction]
        return (
            f"{who} with {hair}, {top}, {legs} and {shoes}, {doing} {towards}",
            f"{who} {doing}, {FACING[direction]}, wearing {top}, {legs} and {shoes}, with {hair}",
            f"pixel art of {who} in {top}, {legs} and {shoes}, with {hair}, {doing} {towards}",
        )


def pictures(split: str) -> np.ndarray:
    """The attributes of every picture of a split, int32 (N, 7), in a mixed order that is always the same.

    A split has looks (body, bottomwear, topwear, hair, shoes) that no other has, in every action and direction that there is.

    Raises:
        NoSplit: another than train, validation, test, all.
    """
    looks = np.array([*product(*(range(len(names)) for names in LAYERS.values()))], "int32")
    looks = looks[rows_of_split("sprites", (" ".join(map(str, look)) for look in looks), split)]
    poses = np.array([*product(range(len(ACTIONS)), range(len(DIRECTIONS)))], "int32")
    table = np.concatenate([looks.repeat(len(poses), 0), np.tile(poses, (len(looks), 1))], 1)
    _, legs, top, _, _, action, _ = table.T
    table = table[~(((legs == 5) | (top == 5)) & np.isin(action, (1, 4)))]  # these sheets have no thrust and no shoot
    return np.random.default_rng(0).permutation(table)


@lru_cache(64)
def cells(path: str) -> list[list[Image.Image]]:
    """The pictures of a sheet by line and frame, four channels.

    Raises:
        ValueError: it is damaged, or of another size.
    """
    found = image_io.load_image(path, 4)
    if found.shape != SHEET:
        raise ValueError(f"{shown(path)} is {found.shape[1]}x{found.shape[0]}, expected {SHEET[1]}x{SHEET[0]}.")
    tiled = found.reshape(SHEET[0] // CELL, CELL, SHEET[1] // CELL, CELL, 4).swapaxes(1, 2)
    return [[Image.fromarray(cell) for cell in line] for line in tiled]


def find(_: str, request: Request) -> Source:
    """Keys: `image` (N, 64, 64, 3), the best frame of an action, on white; `label`, the action; `body`, `bottomwear`, `topwear`, `hair`,
    `shoes`, `action`, `direction`, int32 each, numbers in `ATTRIBUTES`; and `clip` uint8 (frames, H, W, 3), the action from its first
    frame to its last, if frames are asked for. Three captions each.

    Args:
        _: nothing.
        request: four channels keep what is transparent.

    Raises:
        NoSplit: another split than train, validation, test, all.
        FileNotFoundError: the sheets are neither in `data_dir` nor under KERAS_IMGEN_DATA.
        ValueError: fewer than one frame.
    """
    table = pictures(request.split)
    paths = [
        [request.file(FOLDER, f"sheets/{kind}/{k}.png") for k in range(len(names))] for kind, names in LAYERS.items()
    ]
    wanted = replace(request, channels=request.channels or 3)
    clear = wanted.channels == 4

    def draw(parts, line, frame):
        image = Image.new("RGBA", (CELL, CELL), (0, 0, 0, 0) if clear else (255, 255, 255, 255))
        for layer, k in zip(paths, parts):
            image.alpha_composite(cells(layer[k])[line][frame])
        return wanted.fit(np.asarray(image if clear else image.convert("RGB")))

    def one(row):
        *parts, action, direction = row
        action = ACTIONS[ATTRIBUTES["action"][action]]
        line = action.line + direction
        frames = np.linspace(0, action.frames - 1, request.frames).round() if request.frames else []
        return draw(parts, line, action.best), [draw(parts, line, int(frame)) for frame in frames]

    def fetch(rows):
        images, clips = zip(*(one(row) for row in table[rows].tolist()))
        batch = {"image": np.stack(images), "label": table[rows, 5], **dict(zip(ATTRIBUTES, table[rows].T.copy()))}
        return batch | ({"clip": np.array(clips)} if request.frames else {})

    shape = (*(request.size or (CELL, CELL)), wanted.channels)
    return Source(len(table), shape, fetch, tuple(ACTIONS), captions=Captions(table))
