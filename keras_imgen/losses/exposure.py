"""What an enhanced picture should be without a target: the four losses of Zero-DCE (Guo et al. 2020, section 3.2). Images (N, H, W, 3) in
[0, 1]; scalars."""

from typing import Any

from keras import ops


def spatial_consistency(image: Any, enhanced: Any, region: int = 4) -> Any:
    """Differences of neighbouring regions are kept (eq. 4).

    Args:
        image: the picture, (N, H, W, 3) in [0, 1].
        enhanced: what was made of it, of the same shape.
        region: side of the regions, in pixels.
    """
    before, after = (_regions(ops.mean(x, axis=-1, keepdims=True), region) for x in (image, enhanced))
    change = lambda a, b: ops.square(ops.abs(a[0] - a[1]) - ops.abs(b[0] - b[1]))  # noqa: E731
    down = change((after[:, 1:], after[:, :-1]), (before[:, 1:], before[:, :-1]))
    right = change((after[:, :, 1:], after[:, :, :-1]), (before[:, :, 1:], before[:, :, :-1]))
    places = ops.cast(ops.size(before), "float32")
    return 2.0 * (ops.sum(down) + ops.sum(right)) / places  # each pair counts for both of its regions


def exposure(enhanced: Any, level: float = 0.6, region: int = 16) -> Any:
    """The distance of every region's mean gray level from `level` (eq. 5), squared as in the authors' program.

    Args:
        enhanced: (N, H, W, 3) in [0, 1].
        level: the wanted gray level, in [0, 1].
        region: side of the regions, in pixels.
    """
    return ops.mean(ops.square(_regions(ops.mean(enhanced, axis=-1, keepdims=True), region) - level))


def colour_constancy(enhanced: Any) -> Any:
    """How far the means of red, green and blue differ: the gray world (eq. 6), the root of the sum as in the authors' program."""
    mean = ops.mean(enhanced, axis=(1, 2))
    squares = ops.square(mean - ops.roll(mean, 1, axis=-1))
    return ops.mean(ops.sqrt(ops.sum(ops.square(squares), axis=-1) + 1e-12))


def smoothness(maps: Any) -> Any:
    """Squared differences of neighbours in the curve maps (N, H, W, K), summed over the maps (eq. 7): total variation."""
    down, right = maps[:, 1:] - maps[:, :-1], maps[:, :, 1:] - maps[:, :, :-1]
    return 2.0 * sum(ops.mean(ops.sum(ops.square(d), axis=-1)) for d in (down, right))


def _regions(x, size):
    return ops.average_pool(x, (size, size), (size, size), padding="valid")
