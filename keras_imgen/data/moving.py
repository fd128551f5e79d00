"""`moving`: parts of photographs in motion over each other, with the exact picture between and its exact flow."""

from typing import Any

import cv2
import numpy as np

from keras_imgen.arguments import finite, integer
from keras_imgen.data.clips import bordered
from keras_imgen.data.flow import optical_flow, warped
from keras_imgen.data.photos import pictures_of
from keras_imgen.data.pipeline import by_step, of_length
from keras_imgen.libraries import needs_tensorflow

DOUBT = 12.0  # gray levels: where a frame moved along a flow is off by more, the flow is not believed


def moving(
    source: Any,
    size: int,
    batch: int = 4,
    steps: int = 1000,
    *,
    frames: int = 3,
    speed: float = 6.0,
    layers: int = 4,
    halfway: float = 0.5,
    plain: float = 0.0,
    borders: float = 0.0,
    channels: int = 3,
    seed: int = 0,
) -> Any:
    """Frames of a photograph, and of shapes cut from others that pass over it, each along a smooth affine path of its own: as a
    `tf.data.Dataset` of dicts; a batch is a function of (seed, epoch, step).

    Args:
        source: what `photos` takes, or a list of uint8 arrays (height, width, C). They stay decoded in memory.
        size: side of a square, in pixels.
        batch: runs in a batch.
        steps: batches of an epoch.
        frames: of a run, an odd number; more than three follow each other evenly.
        speed: pixels from the first frame to the last, the standard deviation on each axis; of the photograph behind half as many.
        layers: at most so many, with the one behind.
        halfway: of three frames, the share of the runs whose middle one is half way; of the others its time is drawn from [0.1, 0.9].
        plain: share of the shapes that are of one colour; half of these are thin and long, as poles and wires are.
        borders: share of the runs that get black borders, see `windows`.
        channels: 1 or 3.
        seed: of all that is drawn.

    Returns:
        `steps` batches of `clip` uint8 (batch, frames, size, size, C), `time` float32 (batch,) of the middle one, `flow` float32 (batch,
        size, size, 5): where what it shows was in the first and is in the last, (u, v) in pixels, and 1 where it counts, 0 under a border.

    Raises:
        ValueError: no photograph, a number out of range.
        FileNotFoundError: as `photos`.
        ModuleNotFoundError: TensorFlow is not installed.
    """
    needs_tensorflow("data.moving")
    size, batch, steps = integer("size", size, 8), integer("batch", batch, 1), integer("steps", steps, 1)
    layers, speed = integer("layers", layers, 1), float(finite("speed", speed, 0.0))
    halfway, frames = float(finite("halfway", halfway, 0.0, 1.0)), integer("frames", frames, 3)
    plain, borders = float(finite("plain", plain, 0.0, 1.0)), float(finite("borders", borders, 0.0, 1.0))
    if frames % 2 == 0:
        raise ValueError(f"Expected an odd number of `frames`, got {frames}.")
    pictures = pictures_of(source, channels)

    def draw(epoch, step):
        rng = np.random.default_rng([seed & 0x7FFFFFFF, epoch, step, 2])
        clips, flows = (
            np.empty((batch, frames, size, size, channels), "uint8"),
            np.ones((batch, size, size, 5), "float32"),
        )
        times = np.where(rng.random(batch) < halfway, 0.5, rng.uniform(0.1, 0.9, batch)).astype("float32")
        if frames > 3:
            times[:] = 0.5
        for k, time in enumerate(times):
            every = np.linspace(0.0, 1.0, frames)
            every[frames // 2] = time
            run, flows[k, ..., :4] = _run(pictures, size, every, speed, layers, plain, rng)
            clips[k], flows[k, ..., 4] = bordered(run, borders, rng)
        return {"clip": clips, "time": times, "flow": flows}

    columns = {
        "clip": ("uint8", (batch, frames, size, size, channels)),
        "time": ("float32", (batch,)),
        "flow": ("float32", (batch, size, size, 5)),
    }
    return by_step(draw, columns, steps)


def with_flow(dataset: Any) -> Any:
    """Batches of `clip` of three frames -> the same with `time`, 0.5, and `flow`, see `moving`, by OpenCV's DIS flow from the middle frame
    to the others. Where a frame that is moved along it differs from the middle one the flow does not count.

    Args:
        dataset: a `tf.data.Dataset` of dicts, as of `windows`.
    """
    needs_tensorflow("data.moving.with_flow")
    import tensorflow as tf

    def found(clips):
        return np.stack([_found(clip) for clip in clips])

    def add(batch):
        count, _, height, width, _ = batch["clip"].shape
        flow = tf.numpy_function(found, [batch["clip"]], "float32", stateful=False)
        return {**batch, "time": tf.fill((count,), 0.5), "flow": tf.ensure_shape(flow, (count, height, width, 5))}

    return dataset.map(add, num_parallel_calls=2)


def joined(first: Any, second: Any) -> Any:
    """Batches of two data sets as one batch each: the rows of the first, then those of the second.

    Args:
        first: a `tf.data.Dataset` of dicts, of known length.
        second: one of the same length, which has all keys of the first; others of its are left out.
    """
    needs_tensorflow("data.moving.joined")
    import tensorflow as tf

    both = tf.data.Dataset.zip(first, second)
    return of_length(both.map(lambda a, b: {k: tf.concat([a[k], b[k]], 0) for k in a}), int(first.cardinality()))


def _found(clip):
    first, middle, last = clip
    flows = [optical_flow(middle, end) for end in (first, last)]
    errors = [np.abs(warped(end, f) - middle).mean(-1) for end, f in zip((first, last), flows)]
    sure = np.maximum(*(cv2.blur(e, (5, 5)) for e in errors)) < DOUBT
    return np.concatenate([*flows, sure[..., None].astype("float32")], -1)


def _run(pictures, size, times, speed, layers, plain, rng):
    """(frames uint8 (T, size, size, C), the middle one's flows to the first and the last (size, size, 4))."""
    frames = np.zeros((len(times), size, size, pictures[0].shape[-1]), "float32")
    y, x = np.mgrid[:size, :size].astype("float32")
    places, flow, middle = np.stack([x, y, np.ones_like(x)], -1), np.zeros((size, size, 4), "float32"), len(times) // 2
    for k in range(1 + rng.integers(layers)):
        picture = pictures[rng.integers(len(pictures))]
        path = _path(size, picture.shape[:2], speed / 2 if k == 0 else speed, rng)
        ways = [path(time) for time in times]  # from a place of a frame to one of the picture
        one_colour = k > 0 and plain > 0 and rng.random() < plain
        if k == 0:
            covers = [np.ones((size, size, 1), "float32")] * len(times)
        else:
            draw = _strip if one_colour and rng.random() < 0.5 else _shape
            shape = draw(picture.shape[:2], ways[middle], size, rng)
            how = {"flags": cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP}
            covers = [cv2.warpAffine(shape, way[:2], (size, size), **how)[..., None] for way in ways]
        if one_colour:
            shown = [rng.normal(picture[rng.integers(len(picture)), 0], 30)] * len(times)
        else:
            how = {"flags": cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, "borderMode": cv2.BORDER_REFLECT_101}
            shown = [cv2.warpAffine(picture, way[:2], (size, size), **how).reshape(size, size, -1) for way in ways]
        for frame, cover, one in zip(frames, covers, shown):
            frame += cover * (one - frame)
        back = [np.linalg.inv(ways[end]) @ ways[middle] for end in (0, -1)]
        own = np.concatenate([(places @ way.T)[..., :2] - places[..., :2] for way in back], -1)
        flow = np.where(covers[middle] > 0.5, own, flow)
    return np.round(frames).clip(0, 255).astype("uint8"), flow.astype("float32")


def _path(size, sides, speed, rng):
    """Time -> matrix (3, 3) from places of a square to places of a picture: both turn, grow and move about their middles."""
    zoom = np.exp(rng.uniform(-0.2, 0.3)) * max(1.0, 1.1 * size / min(sides)) ** -1
    angle, turn, growth = rng.uniform(-np.pi, np.pi), rng.normal(0, 0.04), rng.normal(0, 0.03)
    move, bend = rng.normal(0, speed, 2), rng.normal(0, 0.05 * speed, 2)
    if rng.random() < 0.15:  # what stands still, or turns on the spot
        move, bend = move * 0, bend * 0
    half, reach = np.array([size, size]) / 2, np.array(sides[::-1]) / 2
    centre = reach + rng.uniform(-1, 1, 2) * np.maximum(reach - 0.7 * size * zoom, 0)

    def at(time):
        s, a = zoom * np.exp(growth * (time - 0.5)), angle + turn * (time - 0.5)
        turned = s * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        moved = half + move * (time - 0.5) + 4 * bend * (time - 0.5) ** 2
        return np.vstack([np.column_stack([turned, centre - turned @ moved]), [0, 0, 1]])

    return at


def _shape(sides, way, size, rng):
    """float32 (H, W) in [0, 1]: a blob with soft edges about a place of the frame whose way to the picture this is."""
    centre = way @ [*rng.uniform(0, size, 2), 1.0]
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 12)))
    lengths = rng.uniform(0.3, 1.0, len(angles)) * size * rng.uniform(0.1, 0.6)
    corners = centre[:2] + lengths[:, None] * np.stack([np.cos(angles), np.sin(angles)], -1)
    return _filled(sides, corners, rng.choice([0.5, 0.8, 2.0]))


def _strip(sides, way, size, rng):
    """float32 (H, W) in [0, 1]: a long thin one, upright or level in the frame as often as at any angle."""
    centre = way @ [*rng.uniform(0, size, 2), 1.0]
    angle = rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.03) if rng.random() < 0.5 else rng.uniform(0, np.pi)
    along = np.array([np.cos(angle), np.sin(angle)]) * size * rng.uniform(0.3, 2.0)
    across = np.array([-np.sin(angle), np.cos(angle)]) * rng.uniform(0.4, 4.0)
    along, across = way[:2, :2] @ along, way[:2, :2] @ across
    corners = [centre[:2] + a * along + b * across for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))]
    return _filled(sides, np.array(corners), rng.choice([0.3, 0.6, 1.5]))


def _filled(sides, corners, softness):
    cover = np.zeros(sides, "float32")
    cv2.fillPoly(cover, [np.round(corners * 8).astype("int32")], 1.0, cv2.LINE_AA, 3)
    return cv2.GaussianBlur(cover, (0, 0), softness)
