"""Things in films: their masks followed along the flow, and what they hide brought in from other frames."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import cv2
import numpy as np

from keras_imgen.arguments import as_numbers, shown
from keras_imgen.data.flow import optical_flow, warped
from keras_imgen.metrics.flicker import clip

EDGE = 3, 5  # pixels inside and outside of a mask's edge that are looked at again
ROW = 1024  # pixels looked up beside each other
ROUND = 10  # pixels around a mask where the flow is still that of the thing


def tracked(frames: Iterable[np.ndarray], mask: np.ndarray) -> Iterator[np.ndarray]:
    """The mask of a thing in every frame, from that in the first one: moved along the flow from frame to frame, and its edge, some pixels
    to either side, found anew by the colours (GrabCut, Rother et al. 2004). What is hidden for some frames is lost.

    Args:
        frames: uint8 (H, W, C) of 1 or 3 channels, one after the other.
        mask: (H, W), nonzero where the thing is in the first frame.

    Yields:
        uint8 (H, W), 255 where it is.

    Raises:
        ValueError: a mask of another size.
    """
    last, now = None, (np.asarray(mask) != 0).astype("float32")
    for frame in frames:
        if now.shape != frame.shape[:2]:
            raise ValueError(f"Expected a mask of the frames' size, {frame.shape[:2]}, got {now.shape}.")
        if last is not None:
            now = warped(now[..., None], optical_flow(frame, last))[..., 0]
            now = _with_edge(frame, (now > 0.5).astype("uint8"))
        last = frame
        yield np.where(now > 0.5, 255, 0).astype("uint8")


def _with_edge(frame, mask):
    inner, outer = (cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * n + 1,) * 2) for n in EDGE)
    sure, wide = cv2.erode(mask, inner), cv2.dilate(mask, outer)
    if not sure.any() or wide.all():
        return mask.astype("float32")
    state = np.where(wide == 0, cv2.GC_BGD, np.where(mask, cv2.GC_PR_FGD, cv2.GC_PR_BGD)).astype("uint8")
    state[sure > 0] = cv2.GC_FGD
    cv2.setRNGSeed(0)
    colours = frame if frame.shape[-1] == 3 else frame.repeat(3, -1)
    cv2.grabCut(
        np.ascontiguousarray(colours), state, None, np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK
    )
    found = (state & 1).astype("float32")  # surely or probably
    return found if 0.5 < found.sum() / mask.sum() < 2 else mask.astype("float32")


def telea(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A picture whose mask is painted from its border inwards (Telea 2004).

    Args:
        image: uint8 (H, W, C).
        mask: uint8 (H, W), nonzero where to paint.
    """
    return cv2.inpaint(image, mask, 5, cv2.INPAINT_TELEA).reshape(image.shape)


def removed(frames: Any, masks: Any, fill: Callable[[np.ndarray, np.ndarray], np.ndarray] = telea) -> np.ndarray:
    """A clip without the things that masks mark: what they hide comes from the nearest frame, before or after, in which it is seen, along
    the flow of what is around them (after Xu et al. 2019, "Deep Flow-Guided Video Inpainting", with classical flow); what no frame shows is
    painted once, and follows the flow from there.

    Args:
        frames: uint8 (F, H, W, C) of one shot; it is all in memory.
        masks: (F, H, W) or (F, H, W, 1), or (H, W) for all frames, nonzero where the thing is, a little wider than it is.
        fill: (picture, mask uint8 (H, W)) -> picture: `telea`, or `lambda image, mask: model.restore(image, masks=mask)` of an `Inpainter`.

    Returns:
        uint8 (F, H, W, C); where the masks are zero the clip is as it was.

    Raises:
        ValueError: masks of another size, or a clip of another form.
    """
    given = clip("frames", frames)
    hole = as_numbers(masks) != 0
    hole = hole[..., 0] if hole.ndim == 4 else hole
    if hole.shape not in (given.shape[:3], given.shape[1:3]):
        raise ValueError(f"Expected `masks` of shape {given.shape[:3]}, got {shown(as_numbers(masks))}.")
    hole = np.broadcast_to(hole, given.shape[:3])
    count = len(given)
    ways = [_around(given, hole, step) for step in (-1, 1)]
    result, open_ = given.copy(), hole.copy()
    while True:
        found = [_sources(open_, ways[0], range(1, count)), _sources(open_, ways[1], range(count - 2, -1, -1))]
        for t in range(count):
            far = [np.where(f[t, ..., 0] < 0, np.inf, np.abs(f[t, ..., 0] - t)) for f in found]
            best = np.where((far[0] <= far[1])[..., None], found[0][t], found[1][t])
            for source in np.unique(best[..., 0][open_[t]]):
                if source >= 0:
                    here = open_[t] & (best[..., 0] == source)
                    result[t][here] = _at(result[int(source)], best[here][:, 1:])
        open_ = open_ & (found[0][..., 0] < 0) & (found[1][..., 0] < 0)
        left = open_.sum((1, 2))
        if not left.any():
            return result
        t = int(left.argmax())
        painted = fill(result[t], np.where(open_[t], 255, 0).astype("uint8"))
        result[t][open_[t]] = painted[open_[t]]
        open_[t] = False


def _at(image, places):
    """The colours (N, C) at places (N, 2) of x and y, in rows: OpenCV has no wide ones."""
    rows = np.resize(places.astype("float32"), (-(-len(places) // ROW), ROW, 2))
    found = cv2.remap(image, rows, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found.reshape(-1, image.shape[-1])[: len(places)]


def _around(frames, hole, step):
    """Flows to the frame before (-1) or after (1), inside of the holes as it is around them; None where there is no such frame."""
    found = []
    for t in range(len(frames)):
        if not 0 <= t + step < len(frames):
            found.append(None)
            continue
        wide = cv2.dilate(hole[t].astype("uint8"), np.ones((2 * ROUND + 1,) * 2, "uint8"))
        found.append(_filled(optical_flow(frames[t], frames[t + step]), 1.0 - wide))
    return found


def _filled(flow, known):
    """A field with its unknown parts as smooth as it goes: means of what is known, on ever coarser grids."""
    weight = known.astype("float32")[..., None]
    height, width = weight.shape[:2]
    if min(height, width) == 1 or weight.all():
        return flow
    size = (-(-width // 2), -(-height // 2))
    small, share = (cv2.resize(v, size, interpolation=cv2.INTER_AREA) for v in (flow * weight, weight))
    small = small / np.maximum(share, 1e-6)[..., None]
    coarse = _filled(small, share > 0) if (share > 0).any() else np.zeros_like(small)
    return np.where(weight > 0, flow, cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))


def _sources(hole, flows, order):
    """Of each hole's pixels the frame that shows it and its place there, float32 (F, H, W, 3): -1 where none does.

    Args:
        hole: bool (F, H, W).
        flows: to the frame that lies before in the order.
        order: numbers of the frames but the first.
    """
    count, height, width = hole.shape
    y, x = np.mgrid[:height, :width].astype("float32")
    found = np.full((count, height, width, 3), -1, "float32")
    for t in order:
        flow, step = flows[t], -1 if order.step == 1 else 1
        to_x, to_y = x + flow[..., 0], y + flow[..., 1]
        near_x, near_y = np.round(to_x).astype(int), np.round(to_y).astype(int)
        inside = hole[t] & (near_x >= 0) & (near_x < width) & (near_y >= 0) & (near_y < height)
        rows, columns = near_y[inside], near_x[inside]
        there = found[t + step][rows, columns]
        seen = ~hole[t + step][rows, columns]
        direct = np.stack([np.full(seen.shape, t + step, "float32"), to_x[inside], to_y[inside]], -1)
        onwards = there + np.stack([0 * there[:, 0], to_x[inside] - near_x[inside], to_y[inside] - near_y[inside]], -1)
        onwards[there[:, 0] < 0] = -1
        found[t][inside] = np.where(seen[:, None], direct, onwards)
    return found
