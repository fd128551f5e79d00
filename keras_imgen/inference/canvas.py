"""The size of new pictures of models that work from coarse to fine, and the pyramid of sizes below it. NumPy only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_imgen.arguments import as_numbers, shown
from keras_imgen.bicubic import resizing_matrix
from keras_imgen.conditions import Conditions
from keras_imgen.inference.endpoints import Input, Request, Tensor

LARGEST = 4096  # pixels of a side


def level_sizes(size: tuple[int, int], factor: float, levels: int) -> list[tuple[int, int]]:
    """(height, width) of each level of a pyramid, the coarsest first; the last is `size` itself.

    Args:
        size: (height, width) of the finest.
        factor: between a level and the next, above 1.
        levels: how many.
    """
    return [tuple(max(1, round(n / factor ** (levels - 1 - k))) for n in size) for k in range(levels)]


def levels_for(size: tuple[int, int], factor: float, coarsest: int) -> int:
    """How many levels take a picture down to about `coarsest` pixels of its longest side, at least two.

    Args:
        size: (height, width) of the picture.
        factor: between a level and the next, above 1.
        coarsest: longest side of the coarsest level, in pixels.
    """
    return max(2, 1 + round(np.log(max(size) / coarsest) / np.log(factor)))


def resizing(old: tuple[int, int], new: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The matrices D (new height, old height) and A (new width, old width), float32, with which a picture x becomes D x A', by the
    antialiased bicubic of `data.imresize`.

    Args:
        old: (height, width).
        new: (height, width).
    """
    return tuple(resizing_matrix(a, b, b / a).astype("float32") for a, b in zip(old, new, strict=True))


@dataclass(frozen=True)
class Canvas(Input):
    """The size of new pictures, as the matrices that enlarge each level to the next: a graph of them works at any size.

    Args:
        own: (height, width) where none is given.
        factor: between a level and the next.
        levels: of the pyramid.
    """

    kind = "canvas"
    own: tuple[int, int]
    factor: float
    levels: int

    def arguments(self) -> dict[str, Any]:
        return {"size": None}

    def tensors(self, conditions: Conditions) -> dict[str, Tensor]:
        return {k: Tensor((None, None), "float32", False, v) for k, v in self.matrices(self.own).items()}

    def matrices(self, size: tuple[int, int]) -> dict[str, np.ndarray]:
        """`down_k` and `across_k`, see `resizing`, from level k - 1 to level k = 1, 2, ...

        Args:
            size: (height, width) of the finest level.
        """
        sizes, found = level_sizes(size, self.factor, self.levels), {}
        for k in range(1, self.levels):
            found[f"down_{k}"], found[f"across_{k}"] = resizing(sizes[k - 1], sizes[k])
        return found

    def size(self, given: Any) -> tuple[int, int]:
        """(height, width) of what a user asks for; None is the model's own.

        Raises:
            ValueError: not two whole numbers in 1..4096.
        """
        if given is None:
            return self.own
        asked = as_numbers(given)
        if asked.dtype.kind not in "iu" or asked.shape != (2,) or not ((asked > 0) & (asked <= LARGEST)).all():
            raise ValueError(f"Expected `size` as (height, width) in pixels, of 1 to {LARGEST}, got {shown(given)}.")
        return tuple(map(int, asked))

    def encode(self, given: Mapping[str, Any], request: Request) -> None:
        request.constants |= self.matrices(self.size(given["size"]))
