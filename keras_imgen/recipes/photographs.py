"""What the recipes for restoration learn from: random patches of photographs, those of the published sets or your own."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_imgen.arguments import integer
from keras_imgen.data import patches, photos, sources
from keras_imgen.recipes.own_pictures import SOURCES, absolute, rows_of

PUBLISHED = (
    "t91",
    "bsds500:train",
    "bsds500:test",
)  # BSDS500's val, of which BSD68 and BSD100 are, is what benchmarks judge by
CHOOSING = 40  # of BSDS500's in PUBLISHED, the same for every recipe and seed: tested with, so that what is chosen is chosen by them
FEW = 30


@dataclass
class Photographs:
    """Square patches of photographs.

    Args:
        learn: batches to learn from, dicts with `image` uint8 (batch, size, size, channels).
        test: batches to test with.
        channels: 1 or 3.
        settings: for the run's config; none of the published sets.
        notes: what was chosen, in sentences.
    """

    learn: Any
    test: Any
    channels: int
    settings: dict
    notes: list[str]

    def tell(self, network: str, weights: int, epochs: int, steps: int, batch: int) -> None:
        """Print what was chosen where the pictures are the user's, and warn if they are few.

        Args:
            network: in words.
            weights: how many it has.
            epochs: of training.
            steps: of an epoch.
            batch: patches of a batch.
        """
        if not self.settings:
            return
        plan = f"Training: {epochs} epochs of {steps} steps with batches of {batch} patches drawn at random."
        print("\n".join([*self.notes, plan, f"Network: {network}, {weights:,} weights."]), flush=True)
        if self.settings["pictures"] < FEW:
            warnings.warn(
                f"{self.settings['pictures']} pictures are few: the network may do less well on others. Give more, or fewer --epochs.",
                stacklevel=2,
            )


def photographs(
    recipe: str,
    data: Any,
    patch: int,
    judged: int,
    batch: int,
    steps: int,
    *,
    channels: int | None = 3,
    size: int | None = None,
    limit: int | None = None,
    seed: int = 0,
    multiple: int = 1,
    published: tuple[str, ...] = PUBLISHED,
    halves: bool = False,
) -> Photographs:
    """Patches to learn from, and others to test with.

    Args:
        recipe: its name; those named photos-... learn from the published sets where `data` is None.
        data: what `data.photos` takes, or a name that `data.load` takes.
        patch: pixels of a side, in training. Where more than a tenth of your pictures are smaller, the patches are.
        judged: pixels of a side, in the test.
        batch: patches of a batch.
        steps: of an epoch.
        channels: 1 or 3; None is 1 if all pictures are gray, else 3.
        size: in place of `patch`.
        limit: at most so many pictures: the first ones of photographs, of other sources any.
        seed: of what is drawn.
        multiple: patches have a multiple of so many pixels.
        published: the sets to learn from where `data` is None, but for 40 pictures, which are held out for the test.
        halves: learn from every picture at half its size, too: a patch then shows more of the scene.

    Of your pictures a tenth, at least one and at most twenty, is held out for the test.

    Raises:
        ValueError: no pictures, fewer than two as large as a patch, a size that is no multiple.
        FileNotFoundError: no such place.
    """
    least = 8 * multiple if multiple > 1 else 16
    if channels not in (None, 1, 3):
        raise ValueError(f"Expected channels of 1 or 3, got {channels!r}.")
    if limit is not None:
        integer("limit", limit, 2)
    if size is not None and (size % multiple or not least <= size <= 512):
        raise ValueError(f"Expected a size of {least} to 512 pixels that {multiple} divides, got {size}.")
    if data is None and recipe.startswith("photos-"):
        if limit is not None or size is not None:
            raise ValueError(f"{recipe} learns from its own sets where no data are given: leave size and limit out.")
        held, kept = _chosen([photos(name, channels) for name in published])
        learn = patches(_halved(kept, patch) if halves else kept, patch, batch, steps, channels=channels, seed=seed)
        test = patches(held, judged, batch, 20, channels=channels, flips=False)
        return Photographs(learn, test, channels, {}, [])
    source = [absolute(one) for one in data] if isinstance(data, list | tuple) else absolute(data)
    every, channels = _whole(source, channels, limit)
    sides = sorted(min(p.shape[:2]) for p in every)
    patch = size or max(least, min(patch, sides[len(sides) // 10]) // multiple * multiple)
    large = [p for p in every if min(p.shape[:2]) >= patch]
    if len(large) < 2:
        raise ValueError(
            f"Expected at least 2 pictures of {patch} pixels or more on each side, got {len(large)} of {len(every)}: the smaller sides "
            f"are {sides[0]} to {sides[-1]} pixels."
        )
    order = np.random.default_rng(seed & 0x7FFFFFFF).permutation(len(large))
    count = min(max(1, round(len(large) / 10)), 20)
    held, kept = [large[k] for k in sorted(order[:count])], [large[k] for k in sorted(order[count:])]
    judged = max(patch, min(judged, *(n for p in held for n in p.shape[:2])) // multiple * multiple)
    small = f"; {len(every) - len(large)} smaller ones are left out" if len(every) > len(large) else ""
    notes = [
        f"{len(kept):,} pictures of {source}, {'gray' if channels == 1 else 'colour'}, in patches of {patch}x{patch}{small}; {count} more "
        "are held out for the test, drawn by the seed, never learned from."
    ]
    learn = patches(_halved(kept, patch) if halves else kept, patch, batch, steps, channels=channels, seed=seed)
    test = patches(held, judged, batch, min(20, 4 * count), channels=channels, flips=False)
    settings = {"data": source, "size": patch, "channels": channels, "limit": limit, "pictures": len(kept)}
    return Photographs(learn, test, channels, settings, notes)


def _chosen(sets) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Of the sets' pictures those to test with, and the rest."""
    every = [p for one in sets for p in one]
    large = np.flatnonzero([min(p.shape[:2]) >= 256 for p in every])  # of T91 none
    held = set(np.random.default_rng(0).permutation(large)[: min(CHOOSING, len(large) // 2)].tolist())
    return [every[k] for k in sorted(held)], [p for k, p in enumerate(every) if k not in held]


def _halved(pictures, least: int) -> list[np.ndarray]:
    """And half as large, as far as a side of `least` pixels is left."""
    import cv2

    small = [p for p in pictures if min(p.shape[:2]) >= 2 * least]
    sizes = [(p.shape[1] // 2, p.shape[0] // 2) for p in small]
    halves = [cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p, size in zip(small, sizes)]
    return [*pictures, *(h.reshape(*h.shape[:2], p.shape[2]) for h, p in zip(halves, small))]


def _whole(source, channels, limit) -> tuple[list[np.ndarray], int]:
    """Pictures in their own sizes, and their channels."""
    if isinstance(source, str) and source.partition(":")[0] in SOURCES:
        found = sources.find(source, sources.Request("train", None, channels or 3))
        every = list(rows_of(found, limit, np.random.default_rng(0))["image"])
    else:
        every = photos(source, channels or 3, limit)
    if channels is None:
        channels = 1 if all((p == p[..., :1]).all() for p in every) else 3
        every = [p[..., :channels] for p in every]
    return every, channels
