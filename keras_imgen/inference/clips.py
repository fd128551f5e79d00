"""Clips of any length and size through a network of windows of frames: a block of frames in memory at a time. NumPy only."""

import inspect
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice, repeat, zip_longest
from typing import Any

import numpy as np

from keras_imgen.arguments import as_numbers, finite, frames8, integer
from keras_imgen.inference.endpoints import REQUIRED, Endpoint, Run, Seen, Tensor, signature
from keras_imgen.inference.pixels import floats, quantized, with_channels
from keras_imgen.inference.restorer import window_of
from keras_imgen.inference.tiling import tiled
from keras_imgen.kinds import Kind

AT_ONCE = 8  # frames that are answered together: networks share work between neighbours


@dataclass(frozen=True)
class ClipForm(Kind):
    """What a network that restores clips takes and gives.

    Args:
        channels: of its frames, 1 or 3.
        radius: frames at each end of a window that are not answered.
        scale: by which it enlarges.
        multiple: of its strides.
        tile: side of its tiles, in pixels.
        overlap: how many pixels they share.
        sigma: whether it takes a noise level.
        mask: whether it takes masks, 1 where to paint, 0 where not, -1 where it shall find out; it gives them as one more channel, above 0
            where it has painted.
    """

    kind = "clips"
    noun = "form"
    channels: int
    radius: int
    scale: int = 1
    multiple: int = 1
    tile: int = 512
    overlap: int = 64
    sigma: bool = False
    mask: bool = False


@dataclass(frozen=True, kw_only=True)
class ClipEndpoint(Endpoint):
    """Clips of any length and size: `stream` around a network of windows of floats.

    Args:
        form: of the network.
        others: see `Endpoint`; its tensors are the network's inputs.
    """

    kind = "clips"
    answers_pictures = False
    form: ClipForm

    def parameters(self) -> inspect.Signature:
        masks = {"masks": None} if self.output == "clips" else {}
        return signature({"clips": REQUIRED}, {**masks, "sigma": None, "tile": None, "overlap": None})

    def needs(self) -> list[str]:
        return ["sigma"] * self.form.sigma

    def tensors(self) -> dict[str, Tensor]:
        mask = {"mask": Tensor((None, None, None, 1), "float32")} if self.form.mask else {}
        sigma = {"sigma": Tensor((), "float32")} if self.form.sigma else {}
        return {"clip": Tensor((None, None, None, self.form.channels), "float32"), **mask, **sigma}

    def answer(self, run: Run, given: Mapping[str, Any], seen: Seen = lambda newest, share: None) -> Any:
        clips, masks = given["clips"], given.get("masks")
        clips = clips if isinstance(clips, list | tuple) else as_numbers(clips)
        many = isinstance(clips, list | tuple) or clips.ndim == 5
        every = list(clips) if many else [clips]
        masks = [masks] * len(every) if masks is None or not many else list(masks)
        if len(masks) != len(every):
            raise ValueError(f"Expected masks for each of {len(every)} clips, got {len(masks)}.")
        levels = self._sigma(given["sigma"], len(every) if many else None)
        how = {"tile": given["tile"], "overlap": given["overlap"]}
        done = []
        for k, (clip, its, sigma) in enumerate(zip(every, masks, levels)):
            clip = checked(clip)
            its = None if its is None else _as_long(its, len(clip))
            done.append(np.stack(list(self.stream(run, clip, masks=its, sigma=sigma, **how))))
            seen(done[-1], (k + 1) / len(every))
        return (np.stack(done) if isinstance(clips, np.ndarray) else done) if many else done[0]

    def stream(self, run: Run, frames: Iterable[np.ndarray], **given: Any) -> Iterator[np.ndarray]:
        """The answer to a clip that comes frame by frame.

        Args:
            run: see `answer`.
            frames: uint8 (H, W, C), all of one shape.
            **given: see the function `stream`.
        """
        return stream(run, self.form, frames, masks_alone=self.output == "masks", **given)

    def _sigma(self, sigma, count):
        if not self.form.sigma or sigma is None:
            return [sigma] * (count or 1)
        levels = finite("sigma", sigma, 0.0, shape=((),) if count is None else ((), (count,)))
        return list(np.broadcast_to(levels, (count or 1,)))


def stream(
    run: Run,
    form: ClipForm,
    frames: Iterable[np.ndarray],
    *,
    masks: np.ndarray | Iterable[np.ndarray] | None = None,
    sigma: float | None = None,
    tile: int | None = None,
    overlap: int | None = None,
    masks_alone: bool = False,
) -> Iterator[np.ndarray]:
    """Restored frames, one for each, a dozen of them in memory. The clip is reflected at its ends: before the first come the third and the
    second.

    Args:
        run: float32 arrays (1, F, h, w, C), one for each of the network's inputs, in [-1, 1], to float32 (1, F - 2 radius, ...).
        form: what the network takes and gives.
        frames: uint8 (H, W, C), or (H, W), all of one shape.
        masks: (H, W) for all frames, or (H, W) or (H, W, 1) for each, nonzero where to paint; None lets the network find out.
        sigma: noise level in gray levels of 255.
        tile: pixels of a tile's side, see `tiling.tiled`; None is the model's.
        overlap: pixels that tiles share; None is the model's.
        masks_alone: give the masks that the network finds in place of the frames, uint8 (H, W, 1), 255 where to paint.

    Raises:
        ValueError: frames or masks of another shape or type, or masks of another number; sigma missing, or sigma or masks not wanted.
    """
    if (sigma is None) == form.sigma:
        raise ValueError(f"This model {'needs' if form.sigma else 'takes no'} `sigma`.")
    if masks is not None and not form.mask:
        raise ValueError("This model takes no `masks`: leave them out.")
    tile = form.tile if tile is None else integer("tile", tile, 1)
    overlap = min(form.overlap if overlap is None else integer("overlap", overlap, 0), tile // 2)
    first: list[tuple] = []

    def items():
        one = masks is None or getattr(masks, "ndim", None) == 2
        for frame, mask in zip(frames, repeat(masks)) if one else zip_longest(frames, masks):
            if frame is None or (mask is None and not one):
                raise ValueError(f"Expected a mask for each frame, got {'more' if frame is None else 'fewer'} masks.")
            found = np.asarray(frame), None if mask is None else np.asarray(mask)
            first.append(found[0].shape) if not first else None
            yield _checked(*found, first[0], form)

    for block in _blocks(reflected(items(), form.radius), 2 * form.radius, AT_ONCE):
        stack = np.stack([frame for frame, _ in block])
        mask = None if block[0][1] is None else np.stack([mask for _, mask in block])
        yield from _restored(run, form, stack, mask, masks_alone, sigma, tile, overlap)


def checked(clip: Any) -> np.ndarray:
    """uint8 (F, H, W, C) of 1 or 3 channels.

    Raises:
        ValueError: another form.
    """
    return frames8("a clip as uint8 (F, H, W, 1 or 3), or several", clip, 4)


def _as_long(masks, count):
    """Masks of a clip: one for all of its frames, or one for each."""
    masks = as_numbers(masks)
    masks = np.broadcast_to(masks, (count, *masks.shape)) if masks.ndim == 2 else masks
    if len(masks) != count:
        raise ValueError(f"Expected a mask for each of {count} frames, or one for all of them, got {len(masks)}.")
    return masks


def _checked(frame, mask, shape, form):
    if frame.dtype != np.uint8 or frame.ndim not in (2, 3) or frame.shape != shape or 0 in shape:
        raise ValueError(f"Expected frames uint8 (H, W, C) of one shape, {shape}, got {frame.dtype} {frame.shape}.")
    channels = 1 if frame.ndim == 2 else frame.shape[-1]
    if channels not in (1, 3) or channels > form.channels:
        raise ValueError(f"Expected frames with {form.channels} channel(s), got {channels}.")
    if mask is not None and mask.shape not in (shape[:2], (*shape[:2], 1)):
        raise ValueError(f"Expected masks of the frames' size {shape[:2]}, got {mask.shape}.")
    return frame, None if mask is None else (mask != 0).reshape(*shape[:2], 1)


def reflected(items: Iterable[Any], radius: int) -> Iterator[Any]:
    """Items with `radius` more at each end: c b | a b c d | c b. One alone is repeated.

    Args:
        items: any, of any number.
        radius: how many more.
    """
    items = iter(items)
    head = list(islice(items, radius + 1))
    if len(head) <= radius:
        yield from (head[k] for k in reflected_places(len(head), radius))
        return
    yield from reversed(head[1:])
    last = deque(maxlen=radius + 1)
    for item in chain(head, items):
        last.append(item)
        yield item
    yield from list(last)[-2::-1]


def reflected_places(count: int, radius: int) -> list[int]:
    """The places of `reflected`, of so many items.

    Args:
        count: of the items.
        radius: how many more.
    """
    period = max(1, 2 * count - 2)
    places = [k % period for k in range(-radius, count + radius)] if count else []
    return [min(k, period - k) if count > 1 else 0 for k in places]


def _blocks(items, extra, count):
    """Runs of at most count + extra items; those before share the last `extra`."""
    held: list[Any] = []
    for item in items:
        held.append(item)
        if len(held) == count + extra:
            yield held
            held = held[count:]
    if len(held) > extra:
        yield held


def _restored(run, form, frames, masks, masks_alone, sigma, tile, overlap):
    """uint8 (F - 2 radius, H scale, W scale[, C]), restored frames or masks, of F frames (H, W[, C])."""
    flat = frames.ndim == 3
    frames = frames[..., None] if flat else frames
    size, channels, radius = frames.shape[1:3], frames.shape[-1], form.radius
    middle = frames[radius : len(frames) - radius]
    shape = (len(middle), size[0] * form.scale, size[1] * form.scale, 1 if masks_alone else channels)
    out = np.empty(shape, "uint8")
    given = None if masks is None else masks.astype("float32")

    def read(rows, columns):
        arrays = {"clip": with_channels(floats(window_of(frames, rows, columns)), form.channels)}
        if form.mask:
            unknown = (*arrays["clip"].shape[:-1], 1)
            arrays["mask"] = np.full(unknown, -1.0, "float32") if given is None else window_of(given, rows, columns)
        return arrays

    def call(arrays):
        constants = {"sigma": np.array([sigma], "float32")} if form.sigma else {}
        return run({**{k: v[None] for k, v in arrays.items()}, **constants})[0]

    def write(rows, values):
        if form.mask:
            painted = values[..., -1:] > 0 if given is None else masks[radius : len(masks) - radius, rows]
        if masks_alone:
            out[:, rows] = painted * np.uint8(255)
            return
        out[:, rows] = quantized(with_channels(values[..., : form.channels], channels), np.uint8)
        if form.mask:  # what is known comes back untouched
            out[:, rows] = np.where(painted, out[:, rows], middle[:, rows])

    tiled(call, read, write, size, form.scale, tile, overlap, form.multiple)
    return out[..., 0] if flat and not masks_alone else out
