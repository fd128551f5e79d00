"""Reads a picture of coloured shapes: analysis by synthesis, without learned weights and without its caption."""

from dataclasses import dataclass, field
from itertools import combinations, permutations

import numpy as np
from scipy import ndimage

from keras_imgen.data.sources.shapes import BACKGROUNDS, COLOURS
from keras_imgen.metrics.shape_templates import templates

PALETTE = np.array(tuple(COLOURS.values()), "float32")
GROUNDS = np.array(tuple(BACKGROUNDS.values()), "float32")
NAMES = tuple(COLOURS)
NEAR = 60  # levels of 255 (Euclidean, in RGB): a pixel this near to a colour has it
FAINT = 40  # nearer to the background than this is background
EDGE = 0.4  # share of the contrast nearby from which a pixel is part of a thing
UNEXPLAINED = 0.15  # of the energy of what is seen: a thing that leaves more is unreadable
BETTER = 0.6  # two things are read in one blot only where they leave less than this share of what one leaves
ENOUGH = 48  # pixels
LIKELY = 4  # colours of a blot that are tried
SPECK = 0.25  # of the area of the smallest shape: what is smaller is no thing


@dataclass
class Seen:
    """A thing that was read.

    Args:
        shape: one of SHAPES; None where none fits.
        colour: one of COLOURS; None where none is near.
        size: one of SIZES; None where the shape is.
        x: of its centre, as a share of the image.
        y: of its centre, as a share of the image.
        score: the share of its energy (squared contrast to the background) that is explained, at most 1.
    """

    shape: str | None
    colour: str | None
    size: str | None
    x: float
    y: float
    score: float


@dataclass
class Reading:
    """What is in a picture.

    Args:
        things: all that is not background, with those that fit no shape.
        background: one of BACKGROUNDS; None where the border has no one of these colours.
        in_front: pairs of numbers of things: the first hides a part of the second.
    """

    things: list[Seen] = field(default_factory=list)
    background: str | None = None
    in_front: list[tuple[int, int]] = field(default_factory=list)


def read_scene(image: np.ndarray) -> Reading:
    """What is in a picture of coloured shapes on one background, as a program sees it that draws them.

    Connected blots are explained by one thing or by two, one in front of the other, in the colours of the palette: the shape, size
    and place whose drawing is nearest to the pixels, without those that something in front hides. What no drawing explains is
    counted as a thing without shape, so that generated pictures are not read better than they are.

    Args:
        image: uint8 (size, size, 3) of at least 16 pixels; from 24 on it is reliable.

    Raises:
        ValueError: another type or shape.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.shape[0] != image.shape[1]:
        raise ValueError(f"Expected a square uint8 picture (size, size, 3), got {image.dtype} of shape {image.shape}.")
    if len(image) < 16:
        raise ValueError(f"Expected a picture of at least 16 pixels, got {len(image)}.")
    pixels = _smaller(image.astype("float32"))
    name, ground = _background(pixels)
    reading = Reading(background=name)
    contrast = np.linalg.norm(pixels - ground, axis=-1)
    local = ndimage.maximum_filter(contrast, 5)
    blots, count = ndimage.label(contrast > np.maximum(FAINT, EDGE * local), np.ones((3, 3)))
    if not count:
        return reading
    kit = templates(len(pixels))
    quiet = ndimage.maximum_filter(blots, 5) == 0
    noise = float((contrast[quiet] ** 2).mean()) if quiet.any() else 0.0
    least = SPECK * kit.covers.sum(-1).min()
    nearest = ndimage.distance_transform_edt(blots == 0, return_distances=False, return_indices=True)
    cells = blots[tuple(nearest)]  # each pixel belongs to the blot next to it
    for k in range(1, count + 1):
        blot = blots == k
        if blot.sum() < least:
            continue
        own = np.where((cells == k)[..., None], pixels - ground, 0)
        things, is_hidden = _explained(own, blot, PALETTE - ground, kit, noise, least)
        if is_hidden:
            reading.in_front.append((len(reading.things), len(reading.things) + 1))
        reading.things += things
    return reading


def _smaller(pixels):
    """At least ENOUGH pixels wide, by means over blocks: no shape needs more to be told."""
    size = len(pixels)
    block = next(k for k in range(max(size // ENOUGH, 1), 0, -1) if size % k == 0)
    return pixels.reshape(size // block, block, size // block, block, 3).mean((1, 3))


def _background(pixels):
    """Its name, or None, and its colour: the one of most pixels of the border."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])
    far = np.linalg.norm(border[:, None] - GROUNDS, axis=-1)
    k = int(np.bincount(far.argmin(1), minlength=len(GROUNDS)).argmax())
    return tuple(BACKGROUNDS)[k] if (far[:, k] < FAINT).mean() > 0.5 else None, GROUNDS[k]


def _explained(pixels, blot, rays, kit, noise, least):
    """The things of one blot, the nearer one first, and whether it hides a part of the other.

    Args:
        pixels: less the background; 0 in other blots.
        blot: where it is.
        rays: from the background to each colour.
        kit: templates of the size.
        noise: squared distance of a pixel of the background to its colour, which is not to be explained.
        least: area of a thing.
    """
    y, x = ((v + 0.5) / len(pixels) for v in ndimage.center_of_mass(blot))
    inside = pixels[blot]
    far = np.linalg.norm(inside[:, None] - rays, axis=-1)
    counts = np.bincount(far.argmin(1)[far.min(1) < NEAR], minlength=len(rays))
    if not counts.any():
        return [Seen(None, None, None, x, y, 0.0)], False
    likely = [int(c) for c in counts.argsort()[::-1][:LIKELY] if counts[c] >= min(least / 2, counts.max())]

    def nearest(choices):
        return min(choices, key=lambda colours: _mixed(inside, rays[list(colours)])[1].sum())

    best = _Explanation(pixels, blot, rays, kit, noise, nearest(combinations(likely, 1)))
    if len(likely) > 1:
        orders = permutations(nearest(combinations(likely, 2)))
        two = min((_Explanation(pixels, blot, rays, kit, noise, order) for order in orders), key=lambda e: e.left)
        if two.left < BETTER * best.left and two.visible >= least:
            best = two
    if best.unexplained.min() > UNEXPLAINED:
        return [Seen(None, NAMES[likely[0]], None, x, y, 1 - best.unexplained.min())], False
    things = []
    for match, colour, unexplained in zip(best.matches, best.colours, best.unexplained.tolist()):
        shape, size = (match.shape, match.size) if unexplained <= UNEXPLAINED else (None, None)
        things.append(Seen(shape, NAMES[colour], size, match.x, match.y, 1 - unexplained))
    return things, best.hidden >= least / 2


def _mixed(pixels, rays):
    """Pixels (n, 3) as mixtures of the background and one colour, or of two colours: shares (n, k), and squared distances (n,)."""
    corners = [np.zeros(3, "float32"), *rays]
    found = []
    for i, j in [(0, 1), (0, 2), (1, 2)][: 1 if len(rays) == 1 else 3]:
        line = corners[j] - corners[i]
        t = np.clip((pixels - corners[i]) @ line / (line @ line), 0, 1)
        left = ((pixels - corners[i] - t[:, None] * line) ** 2).sum(-1)
        shares = np.zeros((len(pixels), len(corners)), "float32")
        shares[:, i], shares[:, j] = 1 - t, t
        found.append((shares, left))
    shares, left = (np.stack(each) for each in zip(*found))
    which = left.argmin(0), np.arange(len(pixels))
    return shares[which][:, 1:], left[which]


class _Explanation:
    """Of a blot, by things of one or two colours, the nearer one first.

    Args:
        others: see `_explained`.
        colours: one or two numbers in COLOURS.
    """

    def __init__(self, pixels, blot, rays, kit, noise, colours):
        self.colours, rays = colours, rays[list(colours)]
        around = ndimage.binary_dilation(blot, np.ones((3, 3)))
        shares = np.zeros((*blot.shape, len(rays)), "float32")
        shares[around] = _mixed(pixels[around], rays)[0]
        self.matches = [kit.search(shares[..., 0])]
        drawn, self.hidden = [self.matches[0].cover], 0.0  # pixels that the nearer one hides of the other
        if len(rays) == 2:
            visible = 1 - drawn[0]
            self.matches.append(kit.search(shares[..., 1], visible))
            behind = self.matches[1].cover
            drawn.append(visible * behind)
            self.hidden = float((drawn[0] * behind).sum())
        drawn = np.stack(drawn, -1)
        self.visible = float(drawn.sum((0, 1)).min())  # pixels of the thing of which least is seen
        near = around | (drawn.sum(-1) > 0)
        drawn, shares, pixels = drawn[near], shares[near], pixels[near]
        owner = np.maximum(drawn, shares).argmax(-1)
        left = ((pixels - drawn @ rays) ** 2).sum(-1)
        energy = (pixels**2).sum(-1)
        self.left = float(left.sum())
        each_left, each_energy = (np.bincount(owner, v, len(rays)) for v in (left - noise, energy))
        self.unexplained = np.maximum(each_left, 0) / np.maximum(each_energy, 1e-6)
