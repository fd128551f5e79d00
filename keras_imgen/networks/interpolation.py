"""Networks that make the picture between two others, at any time."""

from typing import Any

import keras
from keras import layers, ops

from keras_imgen.layers.padding import mirrored
from keras_imgen.layers.warp import backward_warp

STRIDE = 4  # of the features, in pixels of a level
BLOCK = 32  # places of a row whose features are compared at once


@keras.saving.register_keras_serializable("keras_imgen")
class FlowInterpolator(keras.Model):
    """See `flow_interpolator`."""

    def __init__(self, channels: int = 3, width: int = 32, levels: int = 3, radius: int = 3, **kwargs: Any):
        super().__init__(**kwargs)
        self.channels, self.width, self.levels, self.radius = channels, width, levels, radius
        side, wide = width * 3 // 2, 2 * width
        self.features = _convs("features", channels, [(width, 2), (width, 1), (side, 2), (side, 1)], self.dtype_policy)
        matched = 2 * side + (2 * radius + 1) ** 2 + 5
        self.motion = _convs("motion", matched, [(wide, 1)] * 4, self.dtype_policy)
        self.to_flow = _last("to_flow", wide, 2)
        self.enter = _convs("enter", 8 * channels + 5, [(width, 1), (width, 1), (wide, 2)], self.dtype_policy)
        self.middle = _convs("middle", 2 * wide + 2 * side, [(wide, 1), (wide, 1)], self.dtype_policy)
        self.leave = _convs("leave", wide // 4 + width, [(width, 1)], self.dtype_policy)
        self.to_picture = _last("to_picture", width, 4 * (3 + channels))
        self.built = True

    def call(self, given: dict[str, Any], training: bool = False, scale: Any = 1) -> dict[str, Any]:
        height, width = ops.shape(given["first"])[1:3]
        ends = ops.concatenate([given["first"], given["second"]], axis=0)
        images = _padded(ops.cast(ends, "float32"), (STRIDE << (self.levels - 1)) * scale)
        time = ops.cast(given["time"], "float32")
        away = ops.concatenate([time, 1.0 - time], axis=0)[:, None, None, None]  # of each end from the picture between

        flow, flows = None, []
        for level, features in zip(reversed(range(self.levels)), self._features(images, scale)):
            flow = ops.zeros((*ops.shape(features)[:3], 2)) if flow is None else _doubled(flow)
            pixels = ops.cast((STRIDE << level) * scale, "float32")
            own = backward_warp(features, flow / pixels)
            unit = _standardized(own)
            alike = correlation(unit, _other(unit), self.radius)
            hidden = self._hidden([own, _other(own), alike], flow / pixels, _other(flow) / pixels, away)
            flow = flow + 2.0 * pixels * away * self._change(hidden)
            flows.append(flow)

        flow, hidden, own = (_enlarged(x, scale) for x in (flow, hidden, own))
        half = _doubled(flow)
        flow = _doubled(half)
        moved = backward_warp(images, flow)
        known = [half / 16.0, _other(half) / 16.0, ops.broadcast_to(away, (*ops.shape(half)[:3], 1))]
        given_now = ops.concatenate([moved, _other(moved)], axis=-1)
        fine, coarse = _run(self.enter, ops.concatenate([ops.space_to_depth(given_now, 2), *known], axis=-1), keep=1)
        coarse = _run(self.middle, ops.concatenate([coarse, hidden, own, _other(own)], axis=-1))
        fine = _run(self.leave, ops.concatenate([ops.depth_to_space(coarse, 2), fine], axis=-1))
        made = ops.depth_to_space(ops.cast(self.to_picture(fine), "float32"), 2)

        change, weight, added = ops.split(made, [2, 3], axis=-1)
        flow = flow + 2.0 * away * change
        weight = weight - ops.log(ops.maximum(away, 1e-6))
        weight = ops.sigmoid(weight - _other(weight))
        inside = ops.minimum(1.0, 4.0 * away * (1.0 - away))  # at the ends there is nothing to add
        parts = weight * backward_warp(images, flow) + 0.5 * inside * added
        both = lambda x: ops.split(_part(x, (0, 0, 0), (ops.shape(x)[0], height, width)), 2, axis=0)  # noqa: E731
        still = ops.all(given["first"] == given["second"], axis=(1, 2, 3), keepdims=True)
        image = ops.where(still, ops.cast(given["first"], "float32"), ops.add(*both(parts)))
        return {
            "image": image,
            "flow": ops.concatenate(both(flow), axis=-1),
            "weight": both(weight)[0],
            "flows": [ops.concatenate(ops.split(f, 2, axis=0), axis=-1) for f in flows],
        }

    def seen(self, images: Any) -> list[Any]:
        """What motion is found by: features of each level, from the coarsest to a quarter of the resolution.

        Args:
            images: (N, H, W, C) in [-1, 1].
        """
        images = _padded(ops.cast(images, "float32"), STRIDE << (self.levels - 1))
        return self._features(images, 1)

    def optical_flow(self, first: list[Any], second: list[Any], size: tuple[Any, Any]) -> Any:
        """The flow from pictures to others alone, (N, H, W, 2) in pixels, float32, as it is found at a quarter of the resolution: at (x +
        flow[..., 0], y + flow[..., 1]) the second one shows what the first does at (x, y).

        Args:
            first: see `seen`.
            second: of pictures of the same size.
            size: (H, W) of the pictures.
        """
        flow = None
        for level, other, features in zip(reversed(range(self.levels)), first, second):
            flow = ops.zeros((*ops.shape(features)[:3], 2)) if flow is None else _doubled(flow)
            pixels = float(STRIDE << level)
            own = backward_warp(features, flow / pixels)
            alike = correlation(_standardized(own), _standardized(other), self.radius)
            hidden = self._hidden([own, other, alike], flow / pixels, ops.zeros_like(flow), 1.0)
            flow = flow + 2.0 * pixels * self._change(hidden)
        return _part(_doubled(_doubled(flow)), (0, 0, 0), (ops.shape(flow)[0], *size))

    def _features(self, images, scale):
        """Of each level of an image pyramid, from the coarsest."""
        pyramid = [_reduced(images, scale)]
        for _ in range(self.levels - 1):
            pyramid.append(ops.average_pool(pyramid[-1], 2, 2))
        return [_run(self.features, image) for image in reversed(pyramid)]

    def _hidden(self, seen, flow, others, away):
        """What tells the flow of a level: of what is seen there, of the flows of one end and of the other, and how far away it is."""
        known = [flow, others, ops.broadcast_to(away, (*ops.shape(flow)[:3], 1))]
        return _run(self.motion, ops.concatenate([*seen, *(ops.cast(v, seen[0].dtype) for v in known)], axis=-1))

    def _change(self, hidden):
        return ops.cast(self.to_flow(hidden), "float32")  # whatever the layers compute in

    @property
    def settings(self) -> dict[str, int]:
        """The arguments of `flow_interpolator`, but for the name."""
        return {"channels": self.channels, "width": self.width, "levels": self.levels, "radius": self.radius}

    def get_config(self) -> dict[str, Any]:
        return {**self.settings, "name": self.name}


def flow_interpolator(
    channels: int = 3, width: int = 32, levels: int = 3, radius: int = 3, name: str = "flow_interpolator"
) -> keras.Model:
    """Our own, for two CPU cores: flow from coarse to fine by one network for all levels, then one pass at half the resolution.

    Called with a dict of `first` and `second`, (N, H, W, C) in [-1, 1] of any size, and `time` (N,) in [0, 1]; it gives a dict of

        `image`: the picture between them, float32 (N, H, W, C), not clipped;
        `flow`: where it was in the first and where it will be in the second, (N, H, W, 4) in pixels;
        `weight`: what the first counts, (N, H, W, 1);
        `flows`: the same as `flow` of each level, from the coarsest to a quarter of the resolution, of the picture before it is cropped.

    At each level of an image pyramid both pictures' features are fetched along the flows found so far, and compared with what lies up to
    `radius` places beside (PWC-Net, Sun et al. 2018); the same weights serve every level (UPR-Net, Jin et al. 2023). The last pass has
    the fetched pictures, and corrects the flows, weighs the two and adds what neither shows (RIFE, Huang et al. 2022; IFRNet, Kong et al.
    2022). Each half of a batch sees its own end and the other one's by the same weights: played backwards the answer is the same. Two
    pictures that are equal give themselves.

    With `scale`, a whole number, flow is found in pictures so many times smaller: it reaches as much farther, and takes less time and
    memory.

    Args:
        channels: of the pictures.
        width: features at half the resolution; 3/2 as many at a quarter, where motion is found by twice as many.
        levels: of the pyramid; each doubles the reach.
        radius: of the comparison.
        name: of the model.
    """
    return FlowInterpolator(channels, width, levels, radius, name=name)


def correlation(own: Any, other: Any, radius: int) -> Any:
    """Products of the features of each place of one map with those of the places around it in another one, means over the channels:
    (N, H, W, (2 radius + 1)^2), zero beyond the border (Dosovitskiy et al. 2015, "FlowNet").

    Args:
        own: (N, H, W, C).
        other: (N, H, W, C).
        radius: how many places to each side.
    """
    count, height, width, channels = ops.shape(own)
    size, blocks = 2 * radius + 1, -(-width // BLOCK)
    shape = (count, height, blocks, BLOCK, channels)
    wider = blocks * BLOCK - width
    own = ops.reshape(ops.pad(own, ((0, 0), (0, 0), (0, wider), (0, 0))), shape) / channels
    other = ops.reshape(ops.pad(other, ((0, 0), (0, 0), (0, wider), (0, 0))), shape)
    # With the columns around it of the blocks beside; then so many rows above and below.
    ends = _part(other, (0, 0, 0, BLOCK - radius), (*shape[:3], radius)), _part(other, (0,) * 4, (*shape[:3], radius))
    left, right = (ops.pad(v, ((0, 0), (0, 0), beside, (0, 0), (0, 0))) for v, beside in zip(ends, ((1, 0), (0, 1))))
    left, right = (_part(v, (0, 0, at), (*shape[:3], radius)[:3]) for v, at in ((left, 0), (right, 1)))
    other = ops.pad(ops.concatenate([left, other, right], axis=3), ((0, 0), (radius, radius), *((0, 0),) * 3))
    rows = ops.stack([_part(other, (0, k), (count, height)) for k in range(size)], axis=3)
    # Of a block against size rows all products at once; those wanted lie on the diagonals.
    long = BLOCK + 2 * radius
    products = ops.matmul(own[:, :, :, None], ops.transpose(rows, (0, 1, 2, 3, 5, 4)))
    products = ops.reshape(products, (count, height, blocks, size, BLOCK * long))
    products = ops.pad(products, (*((0, 0),) * 4, (0, BLOCK)))
    found = ops.reshape(products, (count, height, blocks, size, BLOCK, long + 1))
    found = _part(found, (0,) * 6, (*shape[:3], size, BLOCK, size))
    found = ops.reshape(ops.transpose(found, (0, 1, 2, 4, 3, 5)), (count, height, blocks * BLOCK, size * size))
    return _part(found, (0, 0, 0), (count, height, width))


def _standardized(x):
    """Of mean 0 and deviation 1 over the channels, so that products of features tell how much they are alike."""
    mean, variance = ops.moments(ops.cast(x, "float32"), axes=-1, keepdims=True)
    return ops.cast((ops.cast(x, "float32") - mean) * ops.rsqrt(variance + 1e-4), x.dtype)


def _part(x, start, size):
    """A slice, by the operation whose gradient is quick: `x[...]` takes TensorFlow on a CPU 40 times as long."""
    rest = ops.shape(x)[len(size) :]
    return ops.slice(x, (*start, *(0 for _ in rest)), (*size, *rest))


def _convs(name, channels, plan, policy):
    """Convolutions of 3 x 3, built: (features, stride) of each."""
    made = []
    for k, (features, stride) in enumerate(plan):
        conv = layers.Conv2D(features, 3, stride, "same", name=f"{name}{k}", dtype=policy)
        conv.build((None, None, None, channels))
        made.append(conv)
        channels = features
    return made


def _last(name, channels, features):
    """A convolution that gives zeros at the start, in float32."""
    conv = layers.Conv2D(features, 3, padding="same", kernel_initializer="zeros", dtype="float32", name=name)
    conv.build((None, None, None, channels))
    return conv


def _run(convs, x, keep=None):
    """Through all of them; with `keep` also what that one gave."""
    kept = None
    for k, conv in enumerate(convs):
        x = ops.leaky_relu(conv(x), 0.1)
        kept = x if k == keep else kept
    return x if keep is None else (kept, x)


def _other(x):
    """The halves of a batch, of the first and of the second picture, in each other's place."""
    first, second = ops.split(x, 2, axis=0)
    return ops.concatenate([second, first], axis=0)


def _doubled(x):
    """(N, 2 H, 2 W, C), bilinear, for sizes that are not known before."""
    for axis in (1, 2):
        size = list(ops.shape(x))
        padded = ops.pad(x, [(1, 1) if k == axis else (0, 0) for k in range(4)], "symmetric")
        before, after = (_part(padded, [at if k == axis else 0 for k in range(4)], size) for at in (0, 2))
        pairs = ops.stack([0.25 * before + 0.75 * x, 0.75 * x + 0.25 * after], axis=axis + 1)
        size[axis] *= 2
        x = ops.reshape(pairs, size)
    return x


def _padded(x, multiple):
    """Mirrored at its last row and column until both sides are multiples, which need not be known before."""
    for axis in (1, 2):
        size = ops.shape(x)[axis]
        if not (isinstance(size, int) and isinstance(multiple, int) and size % multiple == 0):
            x = mirrored(x, ops.arange(-(-size // multiple) * multiple), axis)
    return x


def _reduced(x, factor):
    """Means over squares of pixels."""
    if isinstance(factor, int) and factor == 1:
        return x
    count, height, width, channels = ops.shape(x)
    squares = ops.reshape(x, (count, height // factor, factor, width // factor, factor, channels))
    return ops.mean(squares, axis=(2, 4))


def _enlarged(x, factor):
    """(N, factor H, factor W, C), bilinear."""
    if isinstance(factor, int) and factor == 1:
        return x
    for axis in (1, 2):
        size = ops.shape(x)[axis]
        at = (ops.arange(size * factor, dtype="float32") + 0.5) / ops.cast(factor, "float32") - 0.5
        before = ops.floor(at)
        share = ops.cast(ops.reshape(at - before, (-1, 1) if axis == 2 else (-1, 1, 1)), x.dtype)
        places = (ops.clip(ops.cast(before, "int32") + k, 0, size - 1) for k in (0, 1))
        a, b = (ops.take(x, one, axis=axis) for one in places)
        x = a + share * (b - a)
    return x
