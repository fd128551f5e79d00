"""Pictures and maps seen along a flow."""

from typing import Any

from keras import ops


def backward_warp(image: Any, flow: Any) -> Any:
    """What an image shows where a flow points to, bilinear; beyond its border it goes on as its last row and column. Differentiable in
    both. A flow of whole pixels moves an image exactly.

    The four neighbours of every place lie beside each other, so that one gather of their 4 C numbers fetches all of them.

    Args:
        image: (N, H, W, C) of any float type.
        flow: float32 (N, H, W, 2) in pixels: the answer at (x, y) is the image at (x + flow[..., 0], y + flow[..., 1]).

    Returns:
        (N, H, W, C), of the image's type.
    """
    count, height, width, channels = ops.shape(image)
    last = lambda n: ops.cast(n - 1, "float32")  # noqa: E731
    x = ops.clip(flow[..., 0] + ops.arange(width, dtype="float32"), 0.0, last(width))
    y = ops.clip(flow[..., 1] + ops.arange(height, dtype="float32")[:, None], 0.0, last(height))
    left, top = ops.floor(x), ops.floor(y)
    right, below = (ops.cast((a - b)[..., None], image.dtype) for a, b in ((x, left), (y, top)))

    right_of = ops.concatenate([image[:, :, 1:], image[:, :, -1:]], axis=2)
    pairs = ops.concatenate([image, right_of], axis=-1)
    fours = ops.concatenate([pairs, ops.concatenate([pairs[:, 1:], pairs[:, -1:]], axis=1)], axis=-1)
    row = ops.arange(count, dtype="int32")[:, None, None] * height + ops.cast(top, "int32")
    places = ops.reshape(row * width + ops.cast(left, "int32"), (-1,))
    found = ops.take(ops.reshape(fours, (-1, 4 * channels)), places, axis=0)
    found = ops.reshape(found, (count, height, width, 4 * channels))
    pairs = found[..., : 2 * channels] + below * (found[..., 2 * channels :] - found[..., : 2 * channels])
    return pairs[..., :channels] + right * (pairs[..., channels:] - pairs[..., :channels])
