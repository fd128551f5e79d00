"""Your own pictures: any source of `data.load`, as pictures to learn from and some that are held out, and what follows from their size
and number."""

import os
import shlex
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from keras_imgen.arguments import integer
from keras_imgen.data import Augment, load, sources
from keras_imgen.data.photos import SETS
from keras_imgen.recipes.saved import whole_path

SOURCES = (
    "digits",
    "shapes",
    "fashion_mnist",
    "sprites",
    "emoji",
    "flickr8k",
    "tfds",
    "npz",
)  # of `data.load`, besides folders
BYTES = 4 << 30  # of decoded pictures
FEW = 1000  # a model of images learns fewer by heart
LEAST_OF_A_CLASS = 10
STEPS = (100, 1000)  # of an epoch: few pictures are shown several times in it, of many a part


@dataclass
class OwnPictures:
    """Square pictures, and their labels if the model is to be told them.

    Args:
        source: the name that `data.load` takes.
        images: uint8 (N, size, size, channels), to learn from.
        labels: ints (N,), or None.
        captions: the texts of each picture, or None.
        test: those that are held out, `image` and `label` or `captions`, by key.
        flip: whether left and right are exchanged at random.
        settings: for the run's config.
        notes: what was chosen, in sentences.
    """

    source: str
    images: np.ndarray
    labels: np.ndarray | None
    captions: list[tuple[str, ...]] | None
    test: dict[str, Any]
    flip: bool
    settings: dict
    notes: list[str] = field(default_factory=list)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(size, size, channels)."""
        return self.images.shape[1:]

    @property
    def size(self) -> int:
        """Pixels of a side."""
        return self.images.shape[1]

    @property
    def num_classes(self) -> int | None:
        """Of the labels, None for a model that is not told them."""
        return None if self.labels is None else len(self.settings["classes"])

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of the labels, () for a model that is not told them."""
        return () if self.labels is None else tuple(self.settings["classes"])

    @property
    def few(self) -> bool:
        """Whether a model may learn them by heart."""
        return len(self.images) < FEW

    def plan(
        self, epochs: int | None, batch: int | None, steps_per_epoch: int | None, usual_batch: int, usual_steps: int
    ) -> tuple[int, int, int]:
        """What is given of a training's length, and what follows for the rest.

        Args:
            epochs: None is chosen.
            batch: pictures of a batch; None is chosen.
            steps_per_epoch: at most so many; None for no bound.
            usual_batch: where no batch is given; fewer of few pictures.
            usual_steps: in all epochs, where none are given.

        Returns:
            (epochs, batch, steps of an epoch).

        Raises:
            ValueError: a batch of more pictures than there are.
        """
        count = len(self.images)
        if batch is None:
            batch = min(usual_batch, 1 << (count.bit_length() - 1))
            if batch < usual_batch:
                self.notes.append(
                    f"Batches of {batch} in place of {usual_batch}: {_pictures(count)} there to learn from."
                )
        elif batch > count:
            raise ValueError(f"Expected a batch of at most the {count} pictures that are learned from, got {batch}.")
        once = count // batch
        steps = min(once * -(-STEPS[0] // once), STEPS[1])
        steps = min(steps, steps_per_epoch or steps)
        epochs = epochs or max(1, round(usual_steps / steps))
        seen = steps * batch / count
        self.notes.append(
            f"Training: {epochs} epochs of {steps} steps with batches of {batch}; in an epoch every picture is seen "
            f"{seen:.1f} times."
        )
        return epochs, batch, steps

    def batches(self, batch: int, steps: int, seed: int) -> tuple[Any, Any]:
        """Data sets, in an order that depends on (seed, epoch).

        Args:
            batch: pictures of a batch.
            steps: batches of an epoch.
            seed: of the order.

        Returns:
            (what `fit` takes, what `evaluate` takes).
        """
        times = -(-steps * batch // len(self.images))
        arrays = {"image": self.images, **({} if self.labels is None else {"label": self.labels})}
        if times > 1:
            arrays = {k: np.concatenate([v] * times) for k, v in arrays.items()}
        if self.captions is not None:
            arrays["captions"] = self.captions * times
        augment = Augment(flip="horizontal") if self.flip else None
        return load(arrays, batch=batch, seed=seed, augment=augment).take(steps), load(self.test, "test", batch=batch)

    def tell(self, network: str, weights: int, by_heart: bool = True) -> None:
        """Print what was chosen, and warn of what few pictures lead to.

        Args:
            network: in words.
            weights: how many it has.
            by_heart: whether a model of this kind learns few pictures by heart.
        """
        print("\n".join([*self.notes, f"Network: {network}, {weights:,} weights."]), flush=True)
        if self.few and by_heart:
            warnings.warn(
                f"{_pictures(len(self.images))} few: the model may learn them by heart. `keras-imgen evaluate MODEL --data "
                f"{shlex.quote(self.source)} --metrics memorisation` compares its pictures with them.",
                stacklevel=2,
            )


def own_pictures(
    data: str | None,
    size: int | None = None,
    channels: int | None = None,
    *,
    seed: int = 0,
    conditional: bool | None = None,
    flip: bool | None = None,
    limit: int | None = None,
    captioned: bool = False,
    works: Callable[[int], bool],
) -> OwnPictures:
    """Decode the pictures of a source and choose what was left open.

    Args:
        data: see `data.load`, a name.
        size: the pictures are cropped to squares of so many pixels, 8 to 256; None is their own, if they are squares of one size
            that works, else 64.
        channels: 1 or 3; None as they are.
        seed: of what is drawn.
        conditional: tell the model the classes; None does if there are two or more, each with at least ten pictures.
        flip: exchange left and right at random; None does with coloured pictures.
        limit: at most so many pictures, drawn by the seed.
        captioned: tell the model the captions, not the classes; then `flip` is off where nobody asks, as captions may name sides.
        works: whether the networks can take a size.

    Held out is the split "test" or "validation", if the source has one, else a tenth of the pictures, at least one and at most 1,000.

    Raises:
        ValueError: no source, a size that does not work, too many or too few pictures, classes or captions asked for that are not there.
        FileNotFoundError: no such folder or file.
    """
    source, rng = absolute(data), np.random.default_rng(seed & 0x7FFFFFFF)
    if channels not in (None, 1, 3):
        raise ValueError(f"Expected channels of 1 or 3, got {channels!r}.")
    if limit is not None:
        integer("limit", limit, 2)
    if size is not None and not (8 <= size <= 256 and works(size)):
        near = sorted((s for s in range(8, 257) if works(s)), key=lambda s: abs(s - size))[:2]
        raise ValueError(f"This recipe cannot take a size of {size} pixels: use {near[0]} or {near[1]}.")
    found, note = _found(source, size, channels, works)
    if captioned and found.refused:
        raise ValueError(found.refused)
    if captioned and found.captions is None:
        raise ValueError(
            f"There are no captions in {source} that this recipe reads: put NAME.txt beside NAME.png, or see docs/data.md for other forms; "
            "coco:PATH, npz:PATH, emoji, sprites, flickr8k and shapes:text have some, too."
        )
    rows = rows_of(found, limit, rng)
    held = next(filter(None, (_split(source, name, found.shape) for name in ("test", "validation"))), None)
    if held is not None:
        test, told = rows_of(held, 2000, rng), "from the source's own split for tests"
    else:
        order = rng.permutation(len(rows["image"]))
        count = min(max(1, round(len(order) / 10)), 1000)
        if len(order) < 2:
            raise ValueError(
                f"Expected at least 2 pictures, one to learn from and one to test with, got 1 in {source}."
            )
        test, told = ({k: v[np.sort(order[:count])] for k, v in rows.items()}, "drawn by the seed, never learned from")
        rows = {k: v[np.sort(order[count:])] for k, v in rows.items()}
    images, names = rows["image"], None if "label" not in rows else [str(n) for n in found.class_names]
    if held is not None and names and list(held.class_names or []) != list(found.class_names):
        raise ValueError(f"The classes of {source} are not the same in its split for tests.")
    flip = images.shape[-1] == 3 and not captioned if flip is None else flip
    side = "x".join(map(str, images.shape[1:3]))
    notes = [
        f"{len(images):,} pictures of {source}, {side}, {'gray' if images.shape[-1] == 1 else 'colour'}; {len(test['image']):,} more "
        f"are held out for the test, {told}.",
        *([note] if note else []),
    ]
    if captioned:
        conditional = False
        notes.append(f"{sum(map(len, rows['captions'])):,} captions, of which each picture gets one in each epoch.")
    else:
        told, conditional = _classes(names, rows.get("label"), conditional)
        notes.append(told)
        if found.refused:
            notes.append(f"Captions are not read: {found.refused}")
    if flip:
        notes.append(
            "Left and right are exchanged at random: --set flip=false where they are not alike, as in writing."
        )
    keys = ("image", "label") if conditional else ("image", "captions") if captioned else ("image",)
    settings = {"data": source, "size": images.shape[1], "channels": images.shape[-1], "conditional": conditional}
    settings |= {"flip": flip, "limit": limit, "pictures": len(images), "classes": names}
    test = {k: list(test[k]) if k == "captions" else test[k] for k in keys}
    labels, captions = rows["label"] if conditional else None, list(rows["captions"]) if captioned else None
    if captioned:  # the vocabulary follows from them
        settings["captions"] = zlib.crc32(repr(captions).encode())
    return OwnPictures(source, images, labels, captions, test, flip, settings, notes)


def _pictures(count: int) -> str:
    return "1 picture is" if count == 1 else f"{count:,} pictures are"


def absolute(data: str | None) -> str:
    """A source's name with the whole path, so that its run can be resumed from anywhere.

    Raises:
        ValueError: none.
    """
    if not isinstance(data, str) or not data:
        raise ValueError(
            "There are no pictures to learn from: give --data folder:PATH, or another of `keras-imgen datasets`."
        )
    kind, _, path = data.partition(":")
    if kind in ("folder", "npz", "coco") and path:
        return f"{kind}:{whole_path(path)}"
    place = os.path.expanduser(data.partition(".zip:")[0] + ".zip" if ".zip:" in data else data)
    known = kind in SOURCES or data in SETS or not os.path.exists(place)
    return data if known else whole_path(data)


def _found(source, size, channels, works):
    """(the source at the size, a sentence about a size that was chosen)."""
    note = ""
    if size is None:
        try:
            own = sources.find(source, sources.Request("train", None, channels))
            size = own.shape[0] if own.shape[0] == own.shape[1] and works(own.shape[0]) else None
        except ValueError:  # of several sizes, or a fault that shows again below
            pass
        if size is None:
            size, note = (
                64,
                "They are cropped to squares of 64 pixels, as their sizes differ or do not fit: --size for others.",
            )
    found = sources.find(source, sources.Request("train", (size, size), channels))
    if found.shape[2] not in (1, 3):
        found = sources.find(source, sources.Request("train", (size, size), 3))
    return found, note


def _split(source, name, shape):
    """The source's split of that name, None if it has none."""
    request = sources.Request(name, tuple(shape[:2]), shape[2])
    try:
        return sources.find(source, request)
    except sources.NoSplit:
        return None


def rows_of(found: Any, limit: int | None, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Images uint8 (N, ...), labels (N,) and tuples of captions (N,) of a source, by key.

    Args:
        found: a source of `data.sources`.
        limit: at most so many, of a stream the first, else drawn; None is all.
        rng: of the draw.

    Raises:
        ValueError: more pictures than memory is for, pictures of another type.
    """
    chosen = np.arange(found.count)
    if limit is not None and limit < found.count:
        chosen = chosen[:limit] if found.fetch is None else np.sort(rng.permutation(found.count)[:limit])
    if (size := len(chosen) * prod(found.shape)) > BYTES:
        most = BYTES // prod(found.shape)
        raise ValueError(
            f"{len(chosen):,} pictures take {size / 2**30:.1f} GiB: more than 4 are not held in memory. Use --set limit={most}, "
            "or a smaller size."
        )
    if found.fetch is None:
        parts = found.stream.take(len(chosen)).batch(256).as_numpy_iterator()
    else:
        parts = (found.fetch(chosen[i : i + 256]) for i in range(0, len(chosen), 256))
    rows, at = {}, 0
    for part in parts:
        for k in ("image", "label"):
            if k in part:
                rows.setdefault(k, np.empty((len(chosen), *part[k].shape[1:]), part[k].dtype))
                rows[k][at : at + len(part[k])] = part[k]
        at += len(part["image"])
    rows = {k: v[:at] for k, v in rows.items()}
    if rows["image"].dtype != np.uint8:
        raise ValueError(f"Expected pictures as uint8, 0 to 255, got {rows['image'].dtype}.")
    if "label" in rows and (rows["label"].ndim != 1 or rows["label"].dtype.kind not in "iu" or not found.class_names):
        del rows["label"]
    if found.captions is not None:
        rows["captions"] = np.empty(len(rows["image"]), object)
        rows["captions"][:] = [found.captions[k] for k in chosen[: len(rows["image"])].tolist()]
    return rows


def _classes(names, labels, conditional: bool | None) -> tuple[str, bool]:
    """(a sentence about the classes, whether the model is told them)."""
    if names is None or len(names) < 2:
        if conditional:
            raise ValueError(
                "There are no classes: put the pictures into one sub-folder for each, or leave `conditional` out."
            )
        return "No classes were found: the model is not conditional.", False
    counts = np.bincount(labels, minlength=len(names))
    shown = ", ".join(f"{k} {name} ({n})" for k, (name, n) in enumerate(zip(names[:10], counts)))
    shown = f"{len(names)} classes, by their labels: {shown}{', ...' if len(names) > 10 else ''}"
    if conditional is False:
        return f"{shown}. The model is not told them, as was asked.", False
    least = 1 if conditional else LEAST_OF_A_CLASS
    if counts.min() < least:
        small = f"{names[int(counts.argmin())]} has {counts.min()}"
        if conditional:
            raise ValueError(f"Expected pictures of every class to learn from: {small}.")
        return (
            f"{shown}. The model is not told them, as {small} pictures, fewer than {least}: --set conditional=true does.",
            False,
        )
    return f"{shown}. The model is conditional on them: --set conditional=false leaves that out.", True


# === Sizes that networks can take ===


def halves(size: int) -> bool:
    """Whether it can be halved once or more, down to 15 or less: what U-Nets, DCGANs and convolutional autoencoders need."""
    times = 0
    while size % 2 == 0 and size > 4:
        size, times = size // 2, times + 1
    return times > 0 and size <= 15


def power_of_two(size: int) -> bool:
    """Whether it is one: what StyleGAN2 needs."""
    return size & (size - 1) == 0


def multiple_of_four(size: int) -> bool:
    """Whether it is one: what VQ-VAEs need."""
    return size % 4 == 0
