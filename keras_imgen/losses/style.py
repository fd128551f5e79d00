"""What a picture looks like in a trunk's maps (N, h, w, c), apart from what it shows: descriptors, and the terms that compare them.

What is aimed at is described once, and descriptors of several pictures can be averaged: a mixture of styles is the mean of theirs, in
whatever order they come.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen import named_parts
from keras_imgen.losses import terms
from keras_imgen.losses.terms import Schedule, Term


def places_of(maps: Any, places: Any = None) -> Any:
    """(N, P, c) float32 of maps (N, h, w, c).

    Args:
        maps: of one layer.
        places: int32 (P,), numbers of the places h w that count; None is all.
    """
    shape = ops.shape(maps)
    flat = ops.reshape(ops.cast(maps, "float32"), (shape[0], shape[1] * shape[2], shape[3]))
    return flat if places is None else ops.take(flat, places, axis=1)


def gram(flat: Any) -> Any:
    """Inner products of the channels (N, c, c), the mean over the places of (N, P, c) (Gatys et al. 2016, equation 3)."""
    return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / ops.cast(ops.shape(flat)[1], "float32")


def moments(flat: Any) -> Any:
    """Mean and deviation of each channel of (N, P, c), (N, 2, c) (Li et al. 2017, "Demystifying Neural Style Transfer", section 4.1.3)."""
    mean = ops.mean(flat, axis=1)
    return ops.stack([mean, ops.sqrt(ops.mean(ops.square(flat - mean[:, None]), axis=1) + 1e-6)], axis=1)


def quantiles(flat: Any, count: int) -> Any:
    """The numbers of each channel of (N, P, c) in order, at `count` places from the least to the largest: (N, count, c).

    The mean squared difference of two of these is the squared Wasserstein distance of the distributions, in one dimension.
    """
    ordered = ops.sort(flat, axis=1)
    last = ops.cast(ops.shape(flat)[1] - 1, "float32")
    at = (ops.arange(count, dtype="float32") + 0.5) / count * last
    low = ops.cast(ops.floor(at), "int32")
    share = (at - ops.floor(at))[None, :, None]
    high = ops.minimum(low + 1, ops.shape(flat)[1] - 1)
    return (1.0 - share) * ops.take(ordered, low, axis=1) + share * ops.take(ordered, high, axis=1)


def squared_size(target: Any) -> Any:
    """The sum of the squares of each row of (N, ...): (N,)."""
    return ops.sum(ops.square(target), axis=tuple(range(1, len(target.shape))))


def relative(target: Any, found: Any, size: Any = None) -> Any:
    """Squared error of a descriptor (N, ...) as a share of the target's squared size, the mean over rows: 0 where they agree, 1 of zeros.
    So layers and trunks of any scale count alike.

    Args:
        target: what is aimed at.
        found: what there is.
        size: (N,) in place of the targets' own. Where targets are random parts of one picture, this is to be the mean over many: then the
            gradient is that of the whole picture on average, and dark parts do not count most.
    """
    size = squared_size(target) if size is None else size
    return ops.mean(squared_size(found - target) / (size + 1e-8))


def total_variation(images: Any) -> Any:
    """Mean absolute difference of neighbours below and beside, of images (N, H, W, C) (Rudin et al. 1992; Mahendran & Vedaldi 2015)."""
    images = ops.cast(images, "float32")
    return ops.mean(ops.abs(images[:, 1:] - images[:, :-1])) + ops.mean(ops.abs(images[:, :, 1:] - images[:, :, :-1]))


class StyleTerm(Term):
    """A term that compares descriptors of several layers, the mean over them. A subclass writes `describe_layer`.

    Args:
        weight: by which it counts, of at least 0; or a schedule of the iteration.
        layers: numbers of the trunk's outputs that count; None is all.
        every: see `losses.terms.Term`.
    """

    def __init__(self, weight: float | Schedule = 1.0, layers: tuple[int, ...] | None = None, every: int = 1):
        super().__init__(every, weight=weight)
        self.layers = None if layers is None else tuple(layers)

    def describe_layer(self, flat: Any) -> Any:
        """The descriptor of one layer.

        Args:
            flat: (N, P, c), of its places.
        """
        raise NotImplementedError

    def describe(self, maps: list[Any], places: list[Any] | None = None) -> list[Any]:
        """The descriptors of all layers that count.

        Args:
            maps: the trunk's outputs.
            places: of every output the numbers of the places that count; None is all.
        """
        numbers = range(len(maps)) if self.layers is None else self.layers
        return [self.describe_layer(places_of(maps[k], None if places is None else places[k])) for k in numbers]

    def __call__(self, targets: list[Any], found: list[Any], sizes: list[Any] | None = None) -> Any:
        sizes = [None] * len(targets) if sizes is None else sizes
        return sum(map(relative, targets, found, sizes)) / len(targets)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layers": self.layers}


class Content(StyleTerm):
    """The maps themselves, place by place: what the picture shows (Gatys et al. 2016, equation 1, as a share of the target's size)."""

    def describe_layer(self, flat: Any) -> Any:
        return flat


class Gram(StyleTerm):
    """`gram`: how channels go together (Gatys et al. 2016; as a share of the target's size)."""

    def describe_layer(self, flat: Any) -> Any:
        return gram(flat)


class MeanVariance(StyleTerm):
    """`moments`: what AdaIN brings in line."""

    @property
    def name(self) -> str:
        return "mean_variance"

    def describe_layer(self, flat: Any) -> Any:
        return moments(flat)


class Histogram(StyleTerm):
    """The distribution of every channel, which Gram matrices leave open (Risser et al. 2017, as a Wasserstein distance).

    Args:
        count: quantiles of each distribution.
        others: see `StyleTerm`.
    """

    def __init__(
        self, weight: float | Schedule = 1.0, layers: tuple[int, ...] | None = None, every: int = 1, count: int = 256
    ):
        super().__init__(weight, layers, every)
        self.count = count

    def describe_layer(self, flat: Any) -> Any:
        return quantiles(flat, self.count)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "count": self.count}


class SlicedWasserstein(Histogram):
    """The distributions along random directions among the channels (Heitz et al. 2021), as many as channels, the same in every step.

    Args:
        seed: of the directions.
        others: see `Histogram`.
    """

    def __init__(
        self,
        weight: float | Schedule = 1.0,
        layers: tuple[int, ...] | None = None,
        every: int = 1,
        count: int = 256,
        seed: int = 0,
    ):
        super().__init__(weight, layers, every, count)
        self.seed = seed

    @property
    def name(self) -> str:
        return "sliced_wasserstein"

    def describe_layer(self, flat: Any) -> Any:
        channels = flat.shape[-1]
        directions = np.random.default_rng([self.seed, channels]).normal(size=(channels, channels))
        directions = (directions / np.linalg.norm(directions, axis=0)).astype("float32")
        return quantiles(ops.matmul(flat, ops.convert_to_tensor(directions)), self.count)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


STYLES = named_parts.register(
    "style_term", gram=Gram, mean_variance=MeanVariance, histogram=Histogram, sliced_wasserstein=SlicedWasserstein
)
named_parts.register("style_term", content=Content)


def get(term: Any) -> StyleTerm:
    """A term of style by its name, with weight 1, its config, or itself: gram, mean_variance, histogram, sliced_wasserstein.

    Raises:
        ValueError: anything else.
    """
    return named_parts.find("style term", StyleTerm, STYLES, term)


def checked(given: Any) -> tuple[StyleTerm, ...]:
    """Terms of style, of different names.

    Args:
        given: names, configs or terms, one or several. Their weights are numbers, and each counts in every step.

    Raises:
        ValueError: none, an unknown name, two of one name, `Content`, which has a weight of its own, or a term that varies.
    """
    given = given if isinstance(given, list | tuple) else [given]
    if not given:
        raise ValueError("Expected one or several `terms`, got none.")
    found = terms.checked([get(one) for one in given], "terms")
    if wrong := [term.name for term in found if isinstance(term, Content) or term.varies]:
        raise ValueError(f"Expected `terms` of style whose weights are numbers, each in every step, got {wrong[0]}.")
    return found


def weighted(
    values: dict[str, Any], terms: tuple[StyleTerm, ...], style_weight: float, content_weight: float, smoothness: float
) -> Any:
    """The loss of style transfer, a scalar.

    Args:
        values: `content`, `smoothness` and each of the terms, scalars by name, without weights.
        terms: of the style.
        style_weight: of their sum.
        content_weight: of `content`.
        smoothness: of `smoothness`.
    """
    loss = style_weight * sum(term.weight * values[term.name] for term in terms)
    return loss + content_weight * values["content"] + smoothness * values["smoothness"]


def mixed(descriptors: list[list[Any]], weights: Any) -> list[Any]:
    """The mean of several pictures' descriptors.

    Args:
        descriptors: of every picture, of every layer.
        weights: a number for each picture, not all zero.
    """
    weights = np.asarray(weights, "float32") / np.sum(weights)
    return [sum(float(w) * d for w, d in zip(weights, layer, strict=True)) for layer in zip(*descriptors)]


def as_maps(trunk: keras.Model, images: Any) -> list[Any]:
    """The maps of float images (N, H, W, 3) in [-1, 1].

    Args:
        trunk: of images in [0, 255], see `networks.style_trunk`.
        images: gray ones are repeated.
    """
    images = (ops.cast(images, "float32") + 1.0) * 127.5
    found = trunk(ops.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images, training=False)
    return list(found) if isinstance(found, list | tuple) else [found]
