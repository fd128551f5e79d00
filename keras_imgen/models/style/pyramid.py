"""A picture at several sizes, in tensors: what the models of a single image share."""

from typing import Any

import numpy as np
from keras import ops

from keras_imgen.arguments import finite, integer
from keras_imgen.inference.canvas import level_sizes, resizing


def resized(images: Any, down: Any, across: Any) -> Any:
    """Images of another size, by the matrices of `canvas.resizing`; in a graph these may be of any size.

    Args:
        images: float32 (N, H, W, C).
        down: (new height, H).
        across: (new width, W).
    """
    return ops.einsum("bw,nawc->nabc", across, ops.einsum("ah,nhwc->nawc", down, images))


class Pyramid:
    """The sizes of a picture and the matrices between them.

    Args:
        size: (height, width) of the finest level.
        factor: between a level and the next, in (1, 4].
        levels: how many, at least 2.

    Raises:
        ValueError: a number outside its range.
    """

    def __init__(self, size: tuple[int, int], factor: float, levels: int):
        self.factor, self.levels = float(finite("factor", factor, 1.0, 4.0, above=True)), integer("levels", levels, 2)
        self.sizes = level_sizes(size, self.factor, self.levels)
        self._smaller = [resizing(size, one) for one in self.sizes[:-1]]
        self._larger = [resizing(a, b) for a, b in zip(self.sizes, self.sizes[1:])]

    def of(self, images: Any) -> list[Any]:
        """Each level of images (N, H, W, C) of the finest size, the coarsest first."""
        return [*(resized(images, *matrices) for matrices in self._smaller), images]

    def enlarged(self, images: Any, level: int) -> Any:
        """Images of the level before, of the size of this one.

        Args:
            images: float32 (N, h, w, C).
            level: 1, 2, ...
        """
        return resized(images, *self._larger[level - 1])


def detail(picture: np.ndarray, factor: float, levels: int) -> tuple[float, ...]:
    """What each level of a picture has beyond the one before, enlarged: the root mean square difference in [-1, 1], (levels - 1,).

    Args:
        picture: uint8 (H, W, C).
        factor: between a level and the next, in (1, 4].
        levels: how many, at least 2.

    Raises:
        ValueError: a number outside its range.
    """
    pyramid = Pyramid(picture.shape[:2], factor, levels)
    every = pyramid.of(ops.convert_to_tensor(picture[None].astype("float32") / 127.5 - 1.0))
    lacking = [every[k] - pyramid.enlarged(every[k - 1], k) for k in range(1, levels)]
    return tuple(float(ops.sqrt(ops.mean(ops.square(one)))) for one in lacking)
