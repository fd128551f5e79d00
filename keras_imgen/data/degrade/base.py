"""What degradations have in common: seeded strengths drawn for each image, chains, and pairs from a dataset."""

from collections.abc import Sequence

import numpy as np

from keras_imgen.data import epoch

Range = float | Sequence[float]


class Degradation:
    """A random change for the worse: `degradation(images, seed)` -> {"image": uint8, ...}, a function of its arguments.

    A subclass gives `change(x, seed)`: float32 in [0, 255], (N, H, W, C), and a seed, int32 (2,), -> float, a TensorFlow tensor;
    or, where there is more to tell than the image, `apply(x, seed)` -> (float image, dict). Every image of a batch gets a strength
    of its own. Strengths are a number, or (low, high) between which they are drawn evenly.
    """

    def change(self, x, seed):
        raise NotImplementedError(f"{type(self).__name__} has to define `change` or `apply`.")

    def apply(self, x, seed) -> tuple:
        return self.change(x, seed), {}

    def __call__(self, images, seed) -> dict:
        """images: uint8 (N, H, W, C).  seed: int32 (2,), or a whole number.

        Raises:
            ValueError: another type or shape, or a size or number of channels that the degradation cannot take.
        """
        import tensorflow as tf

        images = tf.convert_to_tensor(images)
        if images.dtype != tf.uint8 or images.shape.rank != 4:
            raise ValueError(
                f"Expected images as uint8 (N, H, W, C), got {images.dtype.name} of shape {images.shape}: "
                "degrade batches before they are rescaled."
            )
        seed = tf.convert_to_tensor(seed, "int32")
        seed = tf.stack([seed, 0]) if seed.shape.rank == 0 else seed
        image, more = self.apply(tf.cast(images, "float32"), seed)
        return {"image": rounded(image), **more}

    def __repr__(self) -> str:
        settings = ", ".join(f"{k}={v!r}" for k, v in vars(self).items())
        return f"{type(self).__name__}({settings})"


class Chain(Degradation):
    """One degradation after another, without rounding in between: `Chain(GaussianBlur(1.6), Downscale(3), GaussianNoise(10))`.
    Further keys, as `mask`, are merged.

    Raises:
        ValueError: what is drawn over an image, as `mask`, is followed by a change of size.
    """

    def __init__(self, *degradations: Degradation):
        for step in degradations:
            if not isinstance(step, Degradation):
                raise ValueError(f"Expected degradations, got {step!r}.")
        if not degradations:
            raise ValueError("Expected at least one degradation.")
        self.degradations = degradations

    def apply(self, x, seed):
        import tensorflow as tf

        found = {}
        for step, its in zip(self.degradations, seeds(seed, len(self.degradations))):
            x, more = step.apply(tf.cast(x, "float32"), its)
            found.update(more)
        for key, value in found.items():
            if not value.shape[1:3].is_compatible_with(x.shape[1:3]):
                raise ValueError(
                    f"`{key}` has size {tuple(value.shape[1:3])} and the image {tuple(x.shape[1:3])}: "
                    "put what changes the size before what draws on the image."
                )
        return x, found

    def __repr__(self) -> str:
        return f"Chain({', '.join(map(repr, self.degradations))})"


def degraded(dataset, degradation: Degradation, seed: int = 0):
    """Pairs from good pictures: a dataset of batches -> of dicts with `image` the degraded, `target` the original and what the
    degradation adds (`mask`). The changes are a function of (seed, epoch, number of the batch), as those of `load`.

    Args:
        dataset: a `tf.data.Dataset` of dicts with `image`, of images, or of (images, labels); uint8 (N, H, W, C). Other keys stay.

    Raises:
        ValueError: batches of another form, or with a `target` already: to degrade twice, use `Chain`.
    """

    spec = dataset.element_spec
    if isinstance(spec, tuple):
        if len(spec) != 2:
            raise ValueError(f"Expected batches of images, (images, labels) or dicts, got tuples of {len(spec)}.")
        return degraded(dataset.map(lambda image, label: {"image": image, "label": label}), degradation, seed)
    if not isinstance(spec, dict):
        return degraded(dataset.map(lambda image: {"image": image}), degradation, seed)
    if "image" not in spec:
        raise ValueError(f"Expected batches with the key `image`, got {', '.join(spec)}.")
    if "target" in spec:
        raise ValueError("The batches have a `target` already: to degrade twice, use degrade.Chain(first, second).")
    now = epoch.current()

    def pair(i, batch):
        return {**batch, "target": batch["image"], **degradation(batch["image"], epoch.seed_at(now, seed, -1 - i))}

    return dataset.enumerate().map(pair, num_parallel_calls=2).prefetch(2)


def rounded(x):
    """Float -> uint8, clipped; halves go up."""
    import tensorflow as tf

    return tf.cast(tf.floor(tf.clip_by_value(x, 0, 255) + 0.5), "uint8")


def between(name: str, value: Range, low: float, high: float = np.inf) -> tuple[float, float]:
    """A strength as (least, most), both in [low, high].

    Raises:
        ValueError: not a number or two in order, or outside.
    """
    pair = (value, value) if np.ndim(value) == 0 else tuple(value)
    if len(pair) != 2 or not low <= pair[0] <= pair[1] <= high or not np.isfinite(pair[1]):
        top = f"up to {high:g}" if np.isfinite(high) else "or more"
        raise ValueError(f"Expected `{name}` as a number or (low, high) of {low:g} {top}, got {value!r}.")
    return float(pair[0]), float(pair[1])


def seeds(seed, count: int) -> list:
    """Seeds, int32 (2,), that are independent of each other."""
    import tensorflow as tf

    return tf.unstack(tf.random.split(seed, count))


def uniform(x, pair: tuple[float, float], seed):
    """A strength for each image of x: float32 (N, 1, 1, 1), even in [low, high]."""
    import tensorflow as tf

    return tf.random.stateless_uniform([tf.shape(x)[0], 1, 1, 1], seed, *pair)
