"""What degradations have in common: seeded strengths drawn for each image, chains, and pairs from a dataset."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_imgen.data import epoch
from keras_imgen.libraries import needs_tensorflow

Range = float | Sequence[float]


class Degradation:
    """A random change for the worse: `degradation(images, seed)` -> {"image": uint8, ...}, a function of its arguments.

    A subclass gives `change(x, seed)`, or, where there is more to tell than the image, `apply(x, seed)`. Every image of a batch gets a
    strength of its own. Strengths are a number, or (low, high) between which they are drawn evenly. Of clips (N, F, H, W, C) comes `clip`
    in place of `image`; what is made for pictures changes each frame as a picture by itself.
    """

    of_clips = False  # whether `change` and `apply` take clips, and no pictures

    def change(self, x: Any, seed: Any) -> Any:
        """The image after it. A subclass defines this or `apply`.

        Args:
            x: float32 (N, H, W, C) in [0, 255], a TensorFlow tensor.
            seed: int32 (2,).

        Returns:
            Float (N, h, w, c), not rounded.
        """
        raise NotImplementedError(f"{type(self).__name__} has to define `change` or `apply`.")

    def apply(self, x: Any, seed: Any) -> tuple[Any, dict[str, Any]]:
        """(the image after it, what else there is to tell by name). A subclass defines this or `change`.

        Args:
            x: float32 (N, H, W, C) in [0, 255], a TensorFlow tensor.
            seed: int32 (2,).
        """
        return self.change(x, seed), {}

    def __call__(self, images: Any, seed: Any) -> dict[str, Any]:
        """The degraded images, and what else there is to tell.

        Args:
            images: uint8 (N, H, W, C), or clips (N, F, H, W, C).
            seed: int32 (2,), or a whole number.

        Returns:
            `image` uint8 (N, h, w, c) or `clip` uint8 (N, F, h, w, c), and with some degradations more, as `mask`.

        Raises:
            ValueError: another type or shape, or a size or number of channels that the degradation cannot take.
            ModuleNotFoundError: TensorFlow is not installed.
        """
        needs_tensorflow("A degradation")
        import tensorflow as tf

        images = tf.convert_to_tensor(images)
        ranks = (5,) if self.of_clips else (4, 5)
        if images.dtype != tf.uint8 or images.shape.rank not in ranks:
            wanted = "clips as uint8 (N, F, H, W, C)" if self.of_clips else "images as uint8 (N, H, W, C)"
            raise ValueError(
                f"Expected {wanted}, got {images.dtype.name} of shape {images.shape}: degrade batches before they are rescaled."
            )
        seed = tf.convert_to_tensor(seed, "int32")
        seed = tf.stack([seed, 0]) if seed.shape.rank == 0 else seed
        image, more = applied(self, tf.cast(images, "float32"), seed)
        return {"clip" if images.shape.rank == 5 else "image": rounded(image), **more}

    def __repr__(self) -> str:
        settings = ", ".join(f"{k}={v!r}" for k, v in vars(self).items())
        return f"{type(self).__name__}({settings})"


class Chain(Degradation):
    """One degradation after another, without rounding in between: `Chain(GaussianBlur(1.6), Downscale(3), GaussianNoise(10))`.

    Further keys, as `mask`, are merged.

    Args:
        *degradations: the first one first.

    Raises:
        ValueError: no degradations, or other things; in a call, what is drawn over an image, as `mask`, is followed by a change of size.
    """

    def __init__(self, *degradations: Degradation):
        self.degradations = _checked(degradations)
        self.of_clips = any(step.of_clips for step in degradations)

    def apply(self, x: Any, seed: Any) -> tuple[Any, dict[str, Any]]:
        import tensorflow as tf

        found = {}
        for step, its in zip(self.degradations, seeds(seed, len(self.degradations))):
            x, more = applied(step, tf.cast(x, "float32"), its)
            found.update(more)
        for key, value in found.items():
            drawn = value.shape.rank == x.shape.rank
            if drawn and not value.shape[-3:-1].is_compatible_with(x.shape[-3:-1]):
                raise ValueError(
                    f"`{key}` has size {tuple(value.shape[-3:-1])} and the image {tuple(x.shape[-3:-1])}: "
                    "put what changes the size before what draws on the image."
                )
        return x, found

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.degradations))})"


class Sometimes(Degradation):
    """To some images of a batch, and not to the others.

    Args:
        degradation: what happens to them; it keeps the size, and tells nothing but `target`.
        probability: for each image.

    Raises:
        ValueError: no degradation, or a probability outside [0, 1].
    """

    def __init__(self, degradation: Degradation, probability: float):
        self.degradation = _checked((degradation,))[0]
        self.of_clips = degradation.of_clips
        self.probability = between("probability", probability, 0, 1)[0]

    def apply(self, x: Any, seed: Any) -> tuple[Any, dict[str, Any]]:
        import tensorflow as tf

        one, two = seeds(seed, 2)
        happens = tf.reshape(uniform(x, (0, 1), one) < self.probability, [-1] + [1] * (x.shape.rank - 1))
        changed, more = self.degradation.apply(x, two)
        if set(more) - {"target"}:
            raise ValueError(f"Expected a degradation of images alone, got {self.degradation!r}: use it always.")
        more = {k: tf.where(happens, v, rounded(x)) for k, v in more.items()}
        return tf.where(happens, tf.cast(changed, "float32"), x), more


class Either(Degradation):
    """One of two degradations, drawn anew for each batch, so that the other costs nothing.

    Args:
        first: which happens with `probability`.
        second: otherwise; both give images of one size, and tell the same.
        probability: of the first.

    Raises:
        ValueError: other things than degradations, or a probability outside [0, 1].
    """

    def __init__(self, first: Degradation, second: Degradation, probability: float = 0.5):
        self.first, self.second = _checked((first, second))
        self.of_clips = first.of_clips or second.of_clips
        self.probability = between("probability", probability, 0, 1)[0]

    def apply(self, x: Any, seed: Any) -> tuple[Any, dict[str, Any]]:
        import tensorflow as tf

        one, two = seeds(seed, 2)

        def ways(degradation):
            def way():
                image, more = applied(degradation, x, two)
                return tf.cast(image, "float32"), more

            return way

        return tf.cond(tf.random.stateless_uniform([], one) < self.probability, ways(self.first), ways(self.second))


class Shuffled(Chain):
    """One degradation after another as in `Chain`, in an order that is drawn anew for each batch.

    Args:
        *degradations: which keep the size, and tell nothing beside the image.

    Raises:
        ValueError: no degradations, or other things.
    """

    def apply(self, x: Any, seed: Any) -> tuple[Any, dict[str, Any]]:
        import tensorflow as tf

        count = len(self.degradations)
        *each, one = seeds(seed, count + 1)
        order = tf.argsort(tf.random.stateless_uniform([count], one))
        ways = lambda x: [  # noqa: E731
            lambda d=d, s=s: tf.ensure_shape(tf.cast(applied(d, x, s)[0], "float32"), x.shape)
            for d, s in zip(self.degradations, each)
        ]
        loop = lambda k, x: (k + 1, tf.switch_case(order[k], ways(x)))  # noqa: E731
        return tf.while_loop(lambda k, x: k < count, loop, (0, x))[1], {}


def _checked(degradations):
    for step in degradations:
        if not isinstance(step, Degradation):
            raise ValueError(f"Expected degradations, got {step!r}.")
    if not degradations:
        raise ValueError("Expected at least one degradation.")
    return degradations


def applied(degradation: Degradation, x: Any, seed: Any) -> tuple[Any, dict[str, Any]]:
    """`degradation.apply`, of clips too where it is made for pictures.

    Args:
        degradation: to apply.
        x: float32 (N, H, W, C) or (N, F, H, W, C) in [0, 255].
        seed: int32 (2,).
    """
    import tensorflow as tf

    if x.shape.rank == 4 or degradation.of_clips:
        return degradation.apply(x, seed)
    rows, frames = tf.shape(x)[0], x.shape[1]

    def clips(v):
        shape = tf.concat([[rows, tf.shape(x)[1]], tf.shape(v)[1:]], 0)
        return tf.ensure_shape(tf.reshape(v, shape), (x.shape[0], frames, *v.shape[1:]))

    flat = tf.ensure_shape(tf.reshape(x, tf.concat([[-1], tf.shape(x)[2:]], 0)), (None, *x.shape[2:]))
    image, more = degradation.apply(flat, seed)
    return clips(image), {k: clips(v) for k, v in more.items()}


def degraded(dataset: Any, degradation: Degradation, seed: int = 0) -> Any:
    """Pairs from good pictures or clips: a dataset of batches -> of dicts with `image`, or `clip`, the degraded and `target` the original.

    The changes are a function of (seed, epoch, number of the batch), as those of `load`.

    Args:
        dataset: a `tf.data.Dataset` of dicts with `image`, or with `clip` (N, F, H, W, C), of images, or of (images, labels); uint8
            (N, H, W, C). Other keys stay.
        degradation: what makes `image` of `target`; what it adds (`mask`, or a `target` of its own) comes along.
        seed: of the changes.

    Raises:
        ValueError: batches of another form, or with a `target` already: to degrade twice, use `Chain`.
        ModuleNotFoundError: TensorFlow is not installed.
    """
    needs_tensorflow("data.degraded")
    spec = dataset.element_spec
    if isinstance(spec, tuple):
        if len(spec) != 2:
            raise ValueError(f"Expected batches of images, (images, labels) or dicts, got tuples of {len(spec)}.")
        return degraded(dataset.map(lambda image, label: {"image": image, "label": label}), degradation, seed)
    if not isinstance(spec, dict):
        return degraded(dataset.map(lambda image: {"image": image}), degradation, seed)
    key = "clip" if "clip" in spec else "image"
    if key not in spec:
        raise ValueError(f"Expected batches with the key `image` or `clip`, got {', '.join(spec)}.")
    if "target" in spec:
        raise ValueError("The batches have a `target` already: to degrade twice, use degrade.Chain(first, second).")
    now = epoch.current()

    def pair(i, batch):
        return {**batch, "target": batch[key], **degradation(batch[key], epoch.seed_at(now, seed, -1 - i))}

    return dataset.enumerate().map(pair, num_parallel_calls=2).prefetch(2)


def rounded(x: Any) -> Any:
    """Float -> uint8, clipped; halves go up."""
    import tensorflow as tf

    return tf.cast(tf.floor(tf.clip_by_value(x, 0, 255) + 0.5), "uint8")


def between(name: str, value: Range, low: float, high: float = np.inf) -> tuple[float, float]:
    """A strength as (least, most).

    Args:
        name: what messages call it.
        value: a number, or two in order.
        low: least value.
        high: largest value.

    Raises:
        ValueError: not a number or two in order, or outside [low, high].
    """
    pair = (value, value) if np.ndim(value) == 0 else tuple(value)
    if len(pair) != 2 or not low <= pair[0] <= pair[1] <= high or not np.isfinite(pair[1]):
        top = f"up to {high:g}" if np.isfinite(high) else "or more"
        raise ValueError(f"Expected `{name}` as a number or (low, high) of {low:g} {top}, got {value!r}.")
    return float(pair[0]), float(pair[1])


def seeds(seed: Any, count: int) -> list[Any]:
    """Seeds, int32 (2,), that are independent of each other."""
    import tensorflow as tf

    return tf.unstack(tf.random.split(seed, count))


def uniform(x: Any, pair: tuple[float, float], seed: Any) -> Any:
    """A strength for each image of x: float32 (N, 1, 1, 1), even in [low, high].

    Args:
        x: a tensor (N, ...).
        pair: (low, high).
        seed: int32 (2,).
    """
    import tensorflow as tf

    return tf.random.stateless_uniform([tf.shape(x)[0], 1, 1, 1], seed, *pair)
