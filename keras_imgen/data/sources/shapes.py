"""Scenes of coloured shapes in relations, drawn by a seeded program: with captions, masks, attributes and moving clips."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from keras_imgen.data.sources.base import Request, Source, wants_split

SHAPES = ("circle", "square", "triangle", "star", "cross", "heart")
COLOURS = {
    "red": (220, 40, 40),
    "green": (50, 170, 60),
    "blue": (50, 80, 220),
    "yellow": (240, 215, 50),
    "orange": (245, 140, 30),
    "purple": (140, 60, 180),
    "pink": (245, 130, 185),
    "cyan": (60, 200, 215),
}
BACKGROUNDS = {"black": (12, 12, 12), "gray": (128, 128, 128), "white": (244, 244, 244)}
SIZES = {"small": 0.13, "large": 0.22}  # radius as a share of the image
RELATIONS = ("to the left of", "to the right of", "above", "below", "in front of")
COUNTS = {"train": 20_000, "test": 2_000}
SHARPNESS = 4  # drawn so many times larger, then averaged


@dataclass
class Thing:
    """A shape in a scene.

    Args:
        shape: number in SHAPES.
        colour: number in COLOURS.
        size: number in SIZES.
        x: of its centre, as a share of the image.
        y: of its centre, as a share of the image.
        dx: its move from frame to frame.
        dy: its move from frame to frame.
    """

    shape: int
    colour: int
    size: int
    x: float
    y: float
    dx: float
    dy: float

    def __str__(self):
        return f"{tuple(SIZES)[self.size]} {tuple(COLOURS)[self.colour]} {SHAPES[self.shape]}"

    @property
    def radius(self) -> float:
        """As a share of the image."""
        return tuple(SIZES.values())[self.size]

    def at(self, time: int) -> tuple[float, float]:
        """Its centre after so many frames; it bounces off the edges."""

        def bounce(start, speed):
            span = 1 - 2 * self.radius
            place = (start - self.radius + speed * time) % (2 * span)
            return self.radius + min(place, 2 * span - place)

        return bounce(self.x, self.dx), bounce(self.y, self.dy)


@dataclass
class Scene:
    """One or two things on a background.

    Args:
        things: the first one is nearest.
        background: number in BACKGROUNDS.
        relation: of the first to the second, number in RELATIONS; None with one thing.
    """

    things: list[Thing]  # the first one is nearest
    background: int
    relation: int | None

    @property
    def caption(self) -> str:
        """The scene in words."""
        first, *rest = (f"a {thing}" for thing in self.things)
        whole = f"{first} {RELATIONS[self.relation]} {rest[0]}" if rest else first
        return f"{whole} on a {tuple(BACKGROUNDS)[self.background]} background"

    def draw(self, size: int, time: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """image uint8 (size, size, 3) and mask uint8 (size, size, 1): 0 background, k the k-th thing."""
        image = np.empty((size, size, 3), "float32")
        image[:] = tuple(BACKGROUNDS.values())[self.background]
        mask = np.zeros((size, size, 1), "uint8")
        for k, thing in reversed(list(enumerate(self.things))):
            cover = _cover(SHAPES[thing.shape], *thing.at(time), thing.radius, size)
            colour = np.array(tuple(COLOURS.values())[thing.colour], "float32")
            image += cover * (colour - image)
            mask[cover > 0.5] = k + 1
        return np.round(image).astype("uint8"), mask


def scene(seed: int, split: str, k: int, one: bool = False) -> Scene:
    """Scene k of a split: always the same.

    Args:
        seed: of all scenes.
        split: "train" or "test".
        k: number of the scene.
        one: a single thing on black.
    """
    rng = np.random.default_rng([seed, *split.encode(), k])
    two = rng.random() < 0.6 and not one
    relation = int(rng.integers(len(RELATIONS))) if two else None
    kinds = rng.permutation(len(SHAPES) * len(COLOURS))[: 1 + two]  # no two things alike
    sizes = [int(rng.integers(len(SIZES))) for _ in kinds]
    radii = [tuple(SIZES.values())[s] for s in sizes]
    places = _places(rng, radii, relation)
    things = []
    for kind, size, (x, y) in zip(kinds, sizes, places):
        angle, speed = rng.uniform(0, 2 * math.pi), rng.uniform(0.02, 0.06)
        move = speed * math.cos(angle), speed * math.sin(angle)
        things.append(Thing(int(kind) % len(SHAPES), int(kind) // len(SHAPES), size, x, y, *move))
    return Scene(things, 0 if one else int(rng.integers(len(BACKGROUNDS))), relation)


def _places(rng, radii, relation):
    def inside(r):
        return rng.uniform(r, 1 - r, 2)

    if relation is None:
        return [inside(radii[0])]
    if RELATIONS[relation] == "in front of":
        while True:  # the far one's centre lies on the near one's rim: about half of it shows
            far, angle = inside(radii[1]), rng.uniform(0, 2 * math.pi)
            near = far + radii[0] * np.array([math.cos(angle), math.sin(angle)])
            if radii[0] <= near.min() and near.max() <= 1 - radii[0]:
                return [near, far]
    axis = 0 if relation < 2 else 1
    free = 1 - 2 * sum(radii)
    cuts = np.sort(rng.uniform(0, free, 2))  # before, between, after them
    first, second = (0, 1) if relation % 2 == 0 else (1, 0)
    along = {first: cuts[0] + radii[first], second: 1 - (free - cuts[1]) - radii[second]}
    places = []
    for k, r in enumerate(radii):
        across = rng.uniform(max(r, 0.3), min(1 - r, 0.7))
        places.append((along[k], across) if axis == 0 else (across, along[k]))
    return places


def _cover(shape: str, x: float, y: float, r: float, size: int) -> np.ndarray:
    """The share of every pixel that a shape covers, float32 (size, size, 1)."""
    wide = size * SHARPNESS
    canvas = Image.new("L", (wide, wide), 0)
    pen = ImageDraw.Draw(canvas)
    x, y, r = x * wide, y * wide, r * wide
    if shape == "circle":
        pen.ellipse([x - r, y - r, x + r, y + r], fill=255)
    else:
        points = [(x + r * px, y + r * py) for px, py in OUTLINES[shape]]
        pen.polygon(points, fill=255)
    return np.asarray(canvas.reduce(SHARPNESS), "float32")[..., None] / 255


def _ring(n, radii, turn=-math.pi / 2):
    return [
        (
            radii[k % len(radii)] * math.cos(turn + 2 * math.pi * k / n),
            radii[k % len(radii)] * math.sin(turn + 2 * math.pi * k / n),
        )
        for k in range(n)
    ]


def _heart():
    turns = [2 * math.pi * k / 40 for k in range(40)]
    up = [13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t) for t in turns]
    return [(math.sin(t) ** 3, -u / 16 - 0.1) for t, u in zip(turns, up)]


def _cross(a=0.33):
    return [
        (-a, -1),
        (a, -1),
        (a, -a),
        (1, -a),
        (1, a),
        (a, a),
        (a, 1),
        (-a, 1),
        (-a, a),
        (-1, a),
        (-1, -a),
        (-a, -a),
    ]


OUTLINES = {
    "square": [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    "triangle": [(0, -0.95), (1, 0.8), (-1, 0.8)],
    "star": _ring(10, (1.0, 0.42)),
    "cross": _cross(),
    "heart": _heart(),
}


def asked(
    name: str, request: Request, counts: Mapping[str, int], sizes: tuple[int, int] = (16, 128), own: int = 32
) -> tuple[int, list[tuple[str, int]]]:
    """The side of the squares that are asked for, in pixels, and the (split, number) of each scene.

    Args:
        name: of the source.
        request: what is wanted.
        counts: of the scenes in each split.
        sizes: the least and the largest side, in pixels.
        own: side where none is asked for.

    Raises:
        NoSplit: a split that is not among them, nor all.
        ValueError: another size.
    """
    wants_split(name, request.split, (*counts, "all"))
    height, width = request.size or (own, own)
    if height != width or not sizes[0] <= height <= sizes[1]:
        raise ValueError(f"{name} is drawn as squares of {sizes[0]} to {sizes[1]} pixels, got size {height}x{width}.")
    splits = list(counts) if request.split == "all" else [request.split]
    return height, [(split, k) for split in splits for k in range(counts[split])]


def find(kind: str, request: Request, seed: int = 0) -> Source:
    """Scenes of one or two shapes, with all that is true of them.

    Keys: `image`, `label` (the shape of the first thing), `caption`, `mask` (k where the k-th thing is), `attributes`
    int32 (2, 3) (shape, colour, size of each thing, -1 where there is none), `relation` int32 (-1 with one thing), and
    `clip` uint8 (frames, H, W, 3), whose first frame is the image, if frames are asked for. Of the kind "one" also `factors` float32
    (5,): shape, colour, size, x and y, the last two in [0, 1].

    Args:
        kind: "", or "one" for scenes of one thing on black.
        request: squares of 16 to 128 pixels, by default 32.
        seed: of all scenes.

    Raises:
        NoSplit: another split than train, test, all.
        ValueError: another size, or fewer than one frame.
    """
    height, numbers = asked("shapes", request, COUNTS)

    def one(k):
        scene_ = scene(seed, *numbers[k], one=kind == "one")
        image, mask = scene_.draw(height)
        kinds = [(t.shape, t.colour, t.size) for t in scene_.things]
        row = {
            "image": request.fit(image),
            "label": np.int32(kinds[0][0]),
            "caption": scene_.caption.encode(),
            "mask": mask,
            "attributes": np.array(kinds + [(-1, -1, -1)] * (2 - len(kinds)), "int32"),
            "relation": np.int32(-1 if scene_.relation is None else scene_.relation),
        }
        if kind == "one":
            thing = scene_.things[0]
            row["factors"] = np.array([thing.shape, thing.colour, thing.size, thing.x, thing.y], "float32")
        if request.frames:
            row["clip"] = np.stack([request.fit(scene_.draw(height, time)[0]) for time in range(request.frames)])
        return row

    def fetch(rows):
        made = [one(int(k)) for k in rows]
        return {k: np.array([row[k] for row in made], object if k == "caption" else None) for k in made[0]}

    return Source(len(numbers), (height, height, request.channels or 3), fetch, SHAPES, slow=True)
