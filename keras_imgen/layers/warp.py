"""Pictures and maps seen along a flow."""

from typing import Any

from keras import ops


def backward_warp(image: Any, flow: Any) -> Any:
    """What an image shows where a flow points to, bilinear; beyond its border it goes on as its last row and column. Differentiable in
    both. A flow of whole pixels moves an image exactly.

    Args:
        image: (N, H, W, C) of any float type.
        flow: float32 (N, H, W, 2) in pixels: the answer at (x, y) is the image at (x + flow[..., 0], y + flow[..., 1]).

    Returns:
        (N, H, W, C), of the image's type.
    """
    count, height, width, channels = ops.shape(image)
    last = lambda n: ops.cast(n - 1, "float32")  # noqa: E731
    u, v = ops.split(flow, 2, axis=-1)
    x = ops.clip(u + ops.arange(width, dtype="float32")[:, None], 0.0, last(width))
    y = ops.clip(v + ops.arange(height, dtype="float32")[:, None, None], 0.0, last(height))
    left, top = ops.floor(x), ops.floor(y)
    right, below = (ops.cast(a - b, image.dtype) for a, b in ((x, left), (y, top)))

    places = ops.reshape(image, (-1, channels))
    first = ops.arange(count, dtype="int32")[:, None, None, None] * height
    columns = [ops.cast(n, "int32") for n in (left, ops.minimum(left + 1.0, last(width)))]
    rows = [(first + ops.cast(n, "int32")) * width for n in (top, ops.minimum(top + 1.0, last(height)))]
    (a, b), (c, d) = ([ops.take(places, (r + c)[..., 0], axis=0) for c in columns] for r in rows)
    above = a + right * (b - a)
    return above + below * (c + right * (d - c) - above)
