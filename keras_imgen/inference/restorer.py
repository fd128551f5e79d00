"""Any picture a person has, gray, colour, alpha, 16 bits, any size, through a network of floats of one kind. NumPy and Pillow only."""

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from keras_imgen.arguments import finite, integer
from keras_imgen.conditions import Amount, Conditions, inputs_of
from keras_imgen.inference.agreement import agreeing
from keras_imgen.inference.endpoints import REQUIRED, Endpoint, Run, Seen, Tensor, signature
from keras_imgen.inference.measures import noise_level
from keras_imgen.inference.pixels import (
    as_array,
    enlarged,
    floats,
    premultiplied,
    quantized,
    same_channels,
    share_of,
    unmultiplied,
    with_channels,
    with_luma,
)
from keras_imgen.inference.requests import rows
from keras_imgen.inference.strength import blended, shares, strengths
from keras_imgen.inference.tiling import out_of_memory, tiled
from keras_imgen.kinds import Kind


@dataclass(frozen=True)
class Form(Kind):
    """What a restoring network takes and gives.

    Args:
        channels: of its input.
        out: channels of its output.
        scale: by which it enlarges.
        multiple: of its strides.
        colour: what a gray network does with a colour picture: "luma" restores the luma and enlarges the colours by bicubic, "each"
            restores every channel, "drop" looks at the luma alone, and gives colours.
        tile: side of its tiles, in pixels.
        overlap: how many pixels they share.
        mask: whether it takes one.
        sigma: whether it takes a noise level.
        latent: channels of its latent map, at a quarter of the size; None without one.
        consistent: whether pictures are taken for what MATLAB's bicubic made of larger ones, so that answers have to agree with them.
        blend: how its answers are made weaker, see `strength.blended`.
        whole: side of the small luma of the whole picture that it sees beside every tile; None without one.
    """

    kind = "restorer"
    noun = "form"
    channels: int
    out: int
    scale: int = 1
    multiple: int = 1
    colour: str = "each"
    tile: int = 512
    overlap: int = 64
    mask: bool = False
    sigma: bool = False
    latent: int | None = None
    consistent: bool = False
    blend: str = "levels"
    whole: int | None = None


@dataclass(frozen=True, kw_only=True)
class TiledEndpoint(Endpoint):
    """Pictures of any kind and size, tile by tile: `restore` around a network of floats.

    Args:
        form: of the network.
        others: see `Endpoint`; its tensors are the network's inputs.
    """

    kind = "tiled"
    answers_pictures = True
    form: Form

    def parameters(self) -> inspect.Signature:
        names = (
            "masks",
            "sigma",
            "strength",
            "seed",
            "conditions",
            "tile",
            "overlap",
            "ensemble",
            "consistent",
            "progress",
        )
        named = {k: v for k, v in restore.__kwdefaults__.items() if k in names}
        return signature({"images": REQUIRED}, {**dict.fromkeys(self.amounts()), **named})

    def amounts(self) -> list[str]:
        """The names of conditions that are arguments of their own."""
        return [one.key for one in self.conditions if isinstance(one, Amount)]

    def needs(self) -> list[str]:
        return ["masks"] * self.form.mask

    def tensors(self) -> dict[str, Tensor]:
        own = {"image": self.form.channels, "mask": self.form.mask and 1, "latent": self.form.latent}
        maps = {k: Tensor((None, None, n), "float32") for k, n in own.items() if n}
        whole = {"whole": Tensor((self.form.whole, self.form.whole, 1), "float32")} if self.form.whole else {}
        sigma = {"sigma": Tensor((), "float32")} if self.form.sigma else {}
        return {**maps, **whole, **super().tensors(), **sigma}

    def answer(self, run: Run, given: Mapping[str, Any], seen: Seen = lambda newest, share: None) -> Any:
        served = {name: one.served for name, one in inputs_of(self.conditions).items()}

        def some(arrays):
            return run({served.get(k, k): v for k, v in arrays.items()})

        how = {k: v for k, v in given.items() if k not in ("images", *self.amounts())}
        amounts = {k: given[k] for k in self.amounts() if given.get(k) is not None}
        how["conditions"] = {**(given.get("conditions") or {}), **amounts}
        return restore(some, self.form, given["images"], known=self.conditions, seen=seen, **how)


def restore(
    run: Callable[[dict[str, np.ndarray]], np.ndarray],
    form: Form,
    images: Any,
    *,
    masks: Any = None,
    sigma: Any = None,
    strength: Any = 1.0,
    seed: int | None = None,
    conditions: Mapping[str, Any] | None = None,
    known: Conditions = (),
    tile: int | None = None,
    overlap: int | None = None,
    ensemble: bool = False,
    consistent: bool | None = None,
    progress: bool = False,
    seen: Seen = lambda newest, share: None,
) -> Any:
    """Restored pictures: an array for one picture, a list for a list, (N, ...) for a batch.

    Args:
        run: float32 arrays (N, h, w, C), one for each of the network's inputs, in [-1, 1], to float32 (N, h scale, w scale, out).
        form: what the network takes and gives.
        images: uint8, uint16 or floats in [-1, 1]: (H, W), (H, W, 1 | 3 | 4), (N, H, W, C); a path; a PIL image; or a list of them. A gray
            picture stays gray, if the network is not there for colours (`form.colour` of "drop").
        masks: (H, W) or (H, W, 1), nonzero where to paint, a path or a PIL image; one for all, or a list or (N, H, W[, 1]), one for each.
        sigma: noise level in gray levels of 255, one for all or one for each image; None is that of `measures.noise_level`.
        strength: of the answer, in [0, 1]: 0 is the picture as it came, to the bit, or of what enlarges the bicubic enlargement. One for
            all, one for each image, or a map (H, W) of the picture's size.
        seed: of the latent map of a variational model; None takes its mean, zero.
        conditions: what else the network is told, by name; of one row for all or one for each image.
        known: the conditions that the model takes.
        tile: see `tiling.tiled`; None is the model's.
        overlap: see `tiling.tiled`; None is the model's; of more than half a tile, half a tile is used.
        ensemble: the mean of the answers to the eight flips and turns of the picture, turned back (Timofte et al. 2016).
        consistent: whether an answer, shrunk again, has to be the picture, see `agreement.agreeing`; None is the model's. Not of pictures
            that are transparent in places.
        progress: show progress bars.
        seen: told the pictures (N, H, W, C) that are worked on, finished from the top, black below, and the share of all that is.

    Returns:
        The depth and kind of each input, floats as float32, (H scale, W scale, C) exactly. Alpha is kept, enlarged by bicubic; colours are
        restored premultiplied by it.

    Raises:
        ValueError: another shape, type or range; masks missing, or something that is not wanted.
        FileNotFoundError: no such file.
    """
    tile = form.tile if tile is None else integer("tile", tile, 1)
    overlap = min(form.overlap if overlap is None else integer("overlap", overlap, 0), tile // 2)
    if consistent and form.scale == 1:
        raise ValueError("This model does not enlarge: leave `consistent` out.")
    how = {"tile": tile, "overlap": overlap, "ensemble": ensemble}
    how["consistent"] = form.consistent if consistent is None else consistent
    if seed is not None and form.latent is None:
        raise ValueError("This model has no latents: leave `seed` out.")
    if seed is not None:
        integer("seed", seed, 0)
    images = images.numpy() if hasattr(images, "numpy") else images
    batch = isinstance(images, np.ndarray) and images.ndim == 4
    many = batch or isinstance(images, list | tuple)
    pictures = images if many else [images]
    shape = getattr(masks, "shape", ())
    one_each = isinstance(masks, list | tuple) or len(shape) > 3 or (len(shape) == 3 and shape[-1] != 1)
    masks = _for_each("masks", masks, form.mask, len(pictures), many and one_each)
    if form.sigma and sigma is not None:
        sigma = finite("sigma", sigma, 0.0, shape=((), (len(pictures),)) if many else ((),))
    sigmas = _for_each("sigma", sigma, form.sigma and sigma is not None, len(pictures), np.ndim(sigma) > 0)
    strength = strengths(strength, len(pictures), many)
    told = rows(known, len(pictures), conditions or {}, null=False)[1]
    at_once = max(1, tile * tile // max(1, images.shape[1] * images.shape[2])) if batch else 1
    done, start = [], 0
    while start < len(pictures):
        part = slice(start, start + at_once)
        stack = [as_array(picture) for picture in pictures[part]]
        levels = [noise_level(x) if form.sigma and s is None else s for x, s in zip(stack, sigmas[part])]
        stack = np.stack(stack) if len(stack) > 1 else stack[0][None]
        seeds = None if seed is None else [seed + start + k for k in range(len(stack))]
        track = _track(progress, start + len(stack), len(pictures))

        def written(out, share):
            seen(out, (start + share * len(stack)) / len(pictures))

        try:
            told_now = {k: v[part] for k, v in told.items()}
            told_now = (masks[part], levels, strength[part], seeds, told_now)
            done.extend(_restored(run, form, stack, *told_now, track=track, written=written, **how))
        except Exception as error:
            if len(stack) == 1 or not out_of_memory(error):
                raise
            at_once = len(stack) // 2  # fewer pictures before smaller tiles
        else:
            start += len(stack)
    if batch:
        shape = (images.shape[1] * form.scale, images.shape[2] * form.scale, images.shape[3])
        return np.stack(done) if done else np.zeros((0, *shape), images.dtype)
    return done if many else done[0]


def _for_each(name, given, wanted, count, many):
    if wanted and given is None:
        raise ValueError(f"This model needs `{name}`.")
    if not wanted and given is not None:
        raise ValueError(f"This model takes no `{name}`: leave it out.")
    if given is None or not many:
        return [given] * count
    if len(given) != count:
        raise ValueError(f"Expected as many `{name}` as images, {count}, got {len(given)}.")
    return list(given)


def _track(progress, k, count):
    if not progress:
        return iter
    from rich.progress import track

    return lambda bands: track(bands, f"picture {k} of {count}")


# === Pictures of one size ===


def _restored(
    run, form, pictures, masks, sigmas, strength, seeds, told, *, tile, overlap, ensemble, consistent, track, written
):
    """`restore` for a stack (N, H, W) or (N, H, W, C)."""
    flat = pictures.ndim == 3
    pictures = pictures[..., None] if flat else pictures
    alpha, colours = (pictures[..., 3:], pictures[..., :3]) if pictures.shape[-1] == 4 else (None, pictures)
    count, height, width, channels = colours.shape
    scale, every = form.scale, slice(0, width)
    gray_for_colour = form.channels == 1 and channels == 3
    each, luma = (gray_for_colour and form.colour == way for way in ("each", "luma"))
    out_channels = form.out if form.colour == "drop" else channels
    gray = same_channels(colours) if channels == 3 and form.colour != "drop" else np.zeros(count, bool)
    consistent = consistent and (alpha is None or share_of(alpha.min()) == 1)
    shape = (count, height * scale, width * scale, out_channels + (alpha is not None))
    out = np.zeros(shape, pictures.dtype)
    mask = np.stack([_mask(m, (height, width)) for m in masks]) if form.mask else None
    latent = None if form.latent is None else _latents(form.latent, count, height, width, seeds)
    share = shares(strength, (height, width))

    def window(rows, columns):
        """Floats, premultiplied."""
        found = floats(window_of(colours, rows, columns))
        return found if alpha is None else premultiplied(found, share_of(window_of(alpha, rows, columns)))

    def read(rows, columns):
        found = window(rows, columns)
        arrays = {"came": found, "image": found if each else with_channels(found, form.channels)}
        if mask is not None:
            arrays["mask"] = window_of(mask, rows, columns)
        if latent is not None:
            arrays["latent"] = window_of(latent, *(slice(s.start // 4, -(-s.stop // 4)) for s in (rows, columns)))
        return arrays

    constants = {**told, **({"sigma": np.array(sigmas, "float32")} if form.sigma else {})}
    if form.whole:
        constants["whole"] = _whole(window, height, width, form.whole)

    def call(arrays):
        if not each:
            return run({**arrays, **constants})
        planes = [arrays["image"][..., k : k + 1] for k in range(channels)]
        return np.concatenate([run({**arrays, "image": plane, **constants}) for plane in planes], -1)

    def answer(arrays):
        came = arrays.pop("came")
        if share is not None and not share.any():  # nothing of it is wanted
            return with_channels(enlarged(came, scale), out_channels)
        values = _ensemble(call, arrays) if ensemble else call(arrays)
        if gray.all():
            values, came = with_channels(values, 1), came[..., :1]
        else:
            values = with_luma(enlarged(came, scale), values) if luma else with_channels(values, out_channels)
            values = np.where(gray[:, None, None, None], with_channels(values, 1), values) if gray.any() else values
        return agreeing(values, came, scale) if consistent else values

    def write(rows, values):
        values = with_channels(values, out_channels)
        if share is not None:
            (before,) = _rows_of(lambda r: [enlarged(window(r, every), scale)], rows, height, scale)
            (part,) = (
                _rows_of(lambda r: [enlarged(share[:, r], scale)], rows, height, scale)
                if share.size > count
                else (share,)
            )
            values = blended(with_channels(before, out_channels), values, np.clip(part, 0, 1), form.blend)
        if alpha is not None:
            (opacity,) = _rows_of(lambda r: [enlarged(alpha[:, r], scale)], rows, height, scale)
            values = unmultiplied(values, share_of(opacity))
            out[:, rows, :, -1:] = opacity
        values = quantized(values, pictures.dtype)
        for known in (mask, share):  # what is known, or to stay, comes back untouched
            if known is not None and scale == 1:
                values = np.where((known[:, rows] if known.size > count else known) == 0, colours[:, rows], values)
        out[:, rows, :, :out_channels] = values
        written(out, rows.stop / out.shape[1])

    tiled(answer, read, write, (height, width), scale, tile, overlap, form.multiple, track)
    return out[..., 0] if flat and out.shape[-1] == 1 else out


def _rows_of(enlarged, rows, height, scale, context=4):
    """Rows of enlarged pictures, from the few rows that they need: a bicubic kernel reaches two pixels."""
    start, stop = max(0, rows.start // scale - context), min(height, -(-rows.stop // scale) + context)
    part = slice(rows.start - start * scale, rows.stop - start * scale)
    return [x[:, part] for x in enlarged(slice(start, stop))]


def _ensemble(call, arrays):
    total = 0.0
    for k in range(8):
        total = total + _turn_back(call({name: _turn(v, k) for name, v in arrays.items()}), k)
    return total / 8


def _turn(x, k):
    x = np.rot90(x, k % 4, axes=(1, 2))
    return np.ascontiguousarray(x[:, :, ::-1] if k >= 4 else x)


def _turn_back(x, k):
    return np.rot90(x[:, :, ::-1] if k >= 4 else x, -(k % 4), axes=(1, 2))


def window_of(array: np.ndarray, rows: slice, columns: slice) -> np.ndarray:
    """A part of each picture of a stack, mirrored beyond its end.

    Args:
        array: (N, H, W, C).
        rows: of the part.
        columns: of the part.
    """
    part = array[:, rows, columns]
    missing = [(0, s.stop - s.start - n) for s, n in zip((rows, columns), part.shape[1:])]
    return np.pad(part, [(0, 0), *missing, (0, 0)], mode="symmetric") if any(m[1] for m in missing) else part


def _whole(window, height, width, side):
    """The luma of pictures as the means of side x side parts, (N, side, side, 1), as `layers.light.small_luma` has it."""
    top, left = (np.minimum(np.arange(side) * n // side, n - 1) for n in (height, width))
    bottom, right = (np.maximum((np.arange(side) + 1) * n // side, s + 1) for n, s in ((height, top), (width, left)))
    rows = [with_channels(window(slice(a, b), slice(0, width)), 1).mean(1) for a, b in zip(top, bottom)]
    return np.stack([np.stack([r[:, a:b].mean(1) for a, b in zip(left, right)], 1) for r in rows], 1)


def _latents(channels, count, height, width, seeds):
    shape = (-(-height // 4), -(-width // 4), channels)
    if seeds is None:
        return np.zeros((count, *shape), "float32")
    return np.stack([np.random.default_rng(seed).standard_normal(shape, "float32") for seed in seeds])


def _mask(mask, size):
    given = f" from {mask}" if isinstance(mask, str | os.PathLike) else ""
    if isinstance(mask, Image.Image) or not hasattr(mask, "__array__"):
        from keras_imgen.data.image_io import load_image

        mask = load_image(mask, keep_depth=True)
        mask = (mask[..., :3] * np.uint16(mask[..., 3:] > 0) if mask.shape[-1] == 4 else mask).any(-1)
    mask = np.asarray(mask)
    mask = mask[..., 0] if mask.ndim == 3 and mask.shape[-1] == 1 else mask
    if mask.dtype.kind not in "biuf" or not np.isfinite(mask).all():
        raise ValueError(f"Expected a mask of finite numbers, not 0 where to paint{given}.")
    if mask.shape != size:
        raise ValueError(f"Expected a mask of shape {size}, as the picture, got {mask.shape}{given}.")
    return (mask != 0).astype("float32")[..., None]
