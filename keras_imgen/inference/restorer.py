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
from keras_imgen.inference.endpoints import REQUIRED, Endpoint, Run, Seen, Tensor, signature
from keras_imgen.inference.requests import rows
from keras_imgen.inference.tiling import out_of_memory, tiled
from keras_imgen.kinds import Kind

LUMA = np.array([0.299, 0.587, 0.114], "float32")  # BT.601, full range: as JPEG has it


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
        names = ("masks", "sigma", "seed", "conditions", "tile", "overlap", "ensemble", "progress")
        named = {k: v for k, v in restore.__kwdefaults__.items() if k in names}
        return signature({"images": REQUIRED}, {**dict.fromkeys(self.amounts()), **named})

    def amounts(self) -> list[str]:
        """The names of conditions that are arguments of their own."""
        return [one.key for one in self.conditions if isinstance(one, Amount)]

    def needs(self) -> list[str]:
        return ["masks"] * self.form.mask + ["sigma"] * self.form.sigma

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
    seed: int | None = None,
    conditions: Mapping[str, Any] | None = None,
    known: Conditions = (),
    tile: int | None = None,
    overlap: int | None = None,
    ensemble: bool = False,
    progress: bool = False,
    seen: Seen = lambda newest, share: None,
) -> Any:
    """Restored pictures: an array for one picture, a list for a list, (N, ...) for a batch.

    Args:
        run: float32 arrays (N, h, w, C), one for each of the network's inputs, in [-1, 1], to float32 (N, h scale, w scale, out).
        form: what the network takes and gives.
        images: uint8, uint16 or floats in [-1, 1]: (H, W), (H, W, 1 | 3 | 4), (N, H, W, C); a path; a PIL image; or a list of them.
        masks: (H, W) or (H, W, 1), nonzero where to paint, a path or a PIL image; one for all, or a list or (N, H, W[, 1]), one for each.
        sigma: noise level in gray levels of 255, one for all or one for each image.
        seed: of the latent map of a variational model; None takes its mean, zero.
        conditions: what else the network is told, by name; of one row for all or one for each image.
        known: the conditions that the model takes.
        tile: see `tiling.tiled`; None is the model's.
        overlap: see `tiling.tiled`; None is the model's; of more than half a tile, half a tile is used.
        ensemble: the mean of the answers to the eight flips and turns of the picture, turned back (Timofte et al. 2016).
        progress: show progress bars.
        seen: told the pictures (N, H, W, C) that are worked on, finished from the top, black below, and the share of all that is.

    Returns:
        The depth and kind of each input, floats as float32, (H scale, W scale, C) exactly. Alpha is kept, enlarged by bicubic; colours are
        restored premultiplied by it.

    Raises:
        ValueError: another shape, type or range; masks or sigma missing, or not wanted.
        FileNotFoundError: no such file.
    """
    tile = form.tile if tile is None else integer("tile", tile, 1)
    overlap = min(form.overlap if overlap is None else integer("overlap", overlap, 0), tile // 2)
    how = {"tile": tile, "overlap": overlap, "ensemble": ensemble}
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
    sigmas = _for_each("sigma", sigma, form.sigma, len(pictures), np.ndim(sigma) > 0)
    told = rows(known, len(pictures), conditions or {}, null=False)[1]
    at_once = max(1, tile * tile // max(1, images.shape[1] * images.shape[2])) if batch else 1
    done, start = [], 0
    while start < len(pictures):
        part = slice(start, start + at_once)
        stack = [as_array(picture) for picture in pictures[part]]
        stack = np.stack(stack) if len(stack) > 1 else stack[0][None]
        seeds = None if seed is None else [seed + start + k for k in range(len(stack))]
        track = _track(progress, start + len(stack), len(pictures))

        def written(out, share):
            seen(out, (start + share * len(stack)) / len(pictures))

        try:
            told_now = {k: v[part] for k, v in told.items()}
            told_now = (masks[part], sigmas[part], seeds, told_now)
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


def as_array(picture: Any) -> np.ndarray:
    """A picture as uint8, uint16 or float32, (H, W), or (H, W, 1 | 3 | 4).

    Raises:
        ValueError: another shape, type or range.
    """
    if not isinstance(picture, np.ndarray):
        from keras_imgen.data.image_io import load_image

        if hasattr(picture, "__array__") and not isinstance(picture, Image.Image):
            picture = np.asarray(picture)
        else:
            return load_image(picture, keep_depth=True)  # a path or a PIL image
    if picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[-1] not in (1, 3, 4)) or not picture.size:
        raise ValueError(
            f"Expected a picture (height, width), or with 1, 3 or 4 channels, got an array of shape {picture.shape}."
        )
    if picture.dtype.kind == "f":
        if not np.isfinite(picture).all():
            raise ValueError("The picture holds NaN or infinity.")
        if np.abs(picture).max() > 4:  # noise goes beyond [-1, 1], but not so far
            raise ValueError(f"Expected floats in [-1, 1], got up to {np.abs(picture).max():g}: pass uint8 instead.")
        return picture.astype("float32")
    if picture.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"Expected uint8, uint16 or floats in [-1, 1], got {picture.dtype}.")
    return picture


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


def _restored(run, form, pictures, masks, sigmas, seeds, told, *, tile, overlap, ensemble, track, written):
    """`restore` for a stack (N, H, W) or (N, H, W, C)."""
    flat = pictures.ndim == 3
    pictures = pictures[..., None] if flat else pictures
    alpha, colours = (pictures[..., 3:], pictures[..., :3]) if pictures.shape[-1] == 4 else (None, pictures)
    count, height, width, channels = colours.shape
    gray_for_colour = form.channels == 1 and channels == 3
    each, luma = (gray_for_colour and form.colour == way for way in ("each", "luma"))
    out_channels = form.out if form.colour == "drop" else channels
    shape = (count, height * form.scale, width * form.scale, out_channels + (alpha is not None))
    out = np.zeros(shape, pictures.dtype)
    mask = np.stack([_mask(m, (height, width)) for m in masks]) if form.mask else None
    latent = None if form.latent is None else _latents(form.latent, count, height, width, seeds)

    def window(rows, columns):
        """Floats, premultiplied."""
        found = floats(_window(colours, rows, columns))
        return found if alpha is None else _premultiplied(found, _share(_window(alpha, rows, columns)))

    def read(rows, columns):
        found = window(rows, columns)
        arrays = {"image": found if each else with_channels(found, form.channels)}
        if mask is not None:
            arrays["mask"] = _window(mask, rows, columns)
        if latent is not None:
            arrays["latent"] = _window(latent, *(slice(s.start // 4, -(-s.stop // 4)) for s in (rows, columns)))
        return arrays

    def write(rows, values):
        if luma:
            enlarged = lambda r: [_enlarged(c, form.scale) for c in _chroma(window(r, slice(0, width)))]  # noqa: E731
            values = _from_luma(values, *_rows_of(enlarged, rows, height, form.scale))
        else:
            values = with_channels(values, out_channels)
        if alpha is not None:
            (opacity,) = _rows_of(lambda r: [_enlarged(alpha[:, r], form.scale)], rows, height, form.scale)
            values = _unmultiplied(values, _share(opacity))
            out[:, rows, :, -1:] = opacity
        values = quantized(values, pictures.dtype)
        if mask is not None:  # what is known comes back untouched
            values = np.where(mask[:, rows] == 0, colours[:, rows], values)
        out[:, rows, :, :out_channels] = values
        written(out, rows.stop / out.shape[1])

    constants = {**told, **({"sigma": np.array(sigmas, "float32")} if form.sigma else {})}
    if form.whole:
        constants["whole"] = _whole(window, height, width, form.whole)

    def call(arrays):
        if not each:
            return run({**arrays, **constants})
        planes = [arrays["image"][..., k : k + 1] for k in range(channels)]
        return np.concatenate([run({**arrays, "image": plane, **constants}) for plane in planes], -1)

    function = (lambda arrays: _ensemble(call, arrays)) if ensemble else call
    tiled(function, read, write, (height, width), form.scale, tile, overlap, form.multiple, track)
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


def _window(array, rows, columns):
    """Rows and columns of a stack, mirrored beyond its end."""
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


# === Numbers and colours ===


def floats(x: np.ndarray) -> np.ndarray:
    """uint8, uint16 or float32 -> float32 in [-1, 1]."""
    return x if x.dtype == np.float32 else x.astype("float32") / np.float32(_top(x.dtype) / 2) - 1


def _share(x):
    return np.clip((floats(x) + 1) / 2, 0, 1)


def _top(dtype):
    return 65535.0 if dtype == np.uint16 else 255.0


def quantized(x: np.ndarray, dtype: Any) -> np.ndarray:
    """Floats as uint8, uint16 or float32, clipped to [-1, 1] and rounded.

    Args:
        x: of any shape.
        dtype: wanted.
    """
    x = np.clip(x, -1.0, 1.0)
    if dtype == np.float32:
        return x
    return np.round((x + 1) * np.float32(_top(dtype) / 2)).astype(dtype)


def _premultiplied(x, share):
    return (x + 1) * share - 1


def _unmultiplied(x, share):
    return np.where(share > 0, (x + 1) / np.maximum(share, 1e-6) - 1, -1.0)


def with_channels(x: np.ndarray, channels: int) -> np.ndarray:
    """Floats (..., C) with 1 or 3 channels: gray is repeated, of colours the luma is taken.

    Args:
        x: of 1 or 3 channels.
        channels: wanted, 1 or 3.
    """
    if x.shape[-1] == channels:
        return x
    return np.repeat(x, channels, -1) if x.shape[-1] == 1 else (x @ LUMA)[..., None]


def _chroma(x):
    """Cb and Cr (N, h, W, 1) of RGB in [-1, 1]."""
    y = x @ LUMA
    return (((x[..., 2] - y) / 1.772)[..., None], ((x[..., 0] - y) / 1.402)[..., None])


def _from_luma(y, cb, cr):
    r, b = y + 1.402 * cr, y + 1.772 * cb
    g = (y - LUMA[0] * r - LUMA[2] * b) / LUMA[1]
    return np.concatenate([r, g, b], -1)


def _enlarged(planes, scale):
    """(N, h, W, 1) by bicubic, in its own depth."""
    if scale == 1:
        return planes
    size = (planes.shape[2] * scale, planes.shape[1] * scale)
    wide = planes.dtype == np.uint16  # which Pillow resizes as floats
    x = planes[..., 0].astype("float32") if wide else planes[..., 0]
    big = np.stack([np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BICUBIC)) for plane in x])
    return (np.clip(np.round(big), 0, 65535).astype("uint16") if wide else big)[..., None]
