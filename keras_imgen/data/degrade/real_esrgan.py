"""What happens to a picture on its way through the internet, twice (Wang et al. 2021, Real-ESRGAN, arXiv:2107.10833)."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from keras_imgen.arguments import integer
from keras_imgen.data.degrade.base import Degradation, between, seeds, uniform
from keras_imgen.data.degrade.blur import convolved, normalised, squared_distance
from keras_imgen.data.degrade.compression import compressed
from keras_imgen.data.degrade.light import luma
from keras_imgen.data.degrade.noise import counted, normal
from keras_imgen.data.degrade.resize import scaled, small_size

RADIUS = 10  # of the largest kernel; sizes are odd, from 7 to 21


@dataclass(frozen=True, repr=False)
class Stage:
    """Ranges and probabilities of one round of blur, resizing, noise and JPEG; the defaults are the first round's.

    Args:
        blur: probability of any blur.
        sinc: probability that it is a sinc kernel, which rings.
        kernels: else the probabilities of Gaussian, generalised Gaussian and plateau kernels, in the order isotropic, anisotropic,
            generalised isotropic, generalised anisotropic, plateau isotropic, plateau anisotropic.
        sigma: standard deviations, in pixels.
        beta_generalised: the shapes of generalised Gaussians, half of them below 1.
        beta_plateau: the shapes of plateaus, half of them below 1.
        resize: probabilities of larger, smaller, as it is.
        factor: (smallest, largest).
        gaussian: probability of Gaussian noise, else Poisson.
        sigma_noise: in gray levels.
        scale_poisson: of the shot noise of 256 photons for white.
        gray: probability that all channels have the same noise.
        quality: of JPEG, in [1, 100].

    Raises:
        ValueError: a value outside its range, or probabilities that do not sum to one.
    """

    blur: float = 1.0
    sinc: float = 0.1
    kernels: tuple[float, ...] = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
    sigma: tuple[float, float] = (0.2, 3.0)
    beta_generalised: tuple[float, float] = (0.5, 4.0)
    beta_plateau: tuple[float, float] = (1.0, 2.0)
    resize: tuple[float, float, float] = (0.2, 0.7, 0.1)
    factor: tuple[float, float] = (0.15, 1.5)
    gaussian: float = 0.5
    sigma_noise: tuple[float, float] = (1, 30)
    scale_poisson: tuple[float, float] = (0.05, 3.0)
    gray: float = 0.4
    quality: tuple[float, float] = (30, 95)

    def __post_init__(self):
        for name in ("blur", "sinc", "gaussian", "gray"):
            between(name, getattr(self, name), 0, 1)
        for name, low, high in (
            ("sigma", 0.05, 20),
            ("beta_generalised", 0.1, 10),
            ("beta_plateau", 0.1, 10),
            ("sigma_noise", 0, 255),
            ("scale_poisson", 0, 10),
            ("quality", 1, 100),
        ):
            object.__setattr__(self, name, between(name, getattr(self, name), low, high))
        for name, count in (("kernels", 6), ("resize", 3)):
            value = getattr(self, name)
            if len(value) != count or min(value) < 0 or abs(sum(value) - 1) > 1e-6:
                raise ValueError(f"Expected `{name}` as {count} probabilities of sum 1, got {value!r}.")
        if not 0 < self.factor[0] <= 1 <= self.factor[1]:
            raise ValueError(f"Expected `factor` as (smallest, largest) around 1, got {self.factor!r}.")

    def __repr__(self):
        changed = [f for f in fields(self) if getattr(self, f.name) != f.default]
        return f"Stage({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in changed)})"


FIRST = Stage()
SECOND = Stage(
    blur=0.8,
    sigma=(0.2, 1.5),
    resize=(0.3, 0.4, 0.3),
    factor=(0.3, 1.2),
    sigma_noise=(1, 25),
    scale_poisson=(0.05, 2.5),
)


class RealESRGAN(Degradation):
    """Blur, random resizing, noise and JPEG, twice; then 1/scale of the size and a sinc filter, before or after the second JPEG.

    (N, H, W, 1 or 3) -> (N, H / scale, W / scale, same). The sizes and methods of resizing, and the order of the last steps, are shared by
    a batch, which thus stays one tensor; kernels, noise and qualities are each image's own. Unlike the authors' code: Poisson noise takes
    256 photons for white (theirs counts the picture's gray levels and rounds up to a power of two), JPEG is the real one, and the target is
    not sharpened.

    Args:
        scale: whole number, at least 1.
        first: ranges and probabilities of the first round; by default the paper's.
        second: those of the second round; by default the paper's.
        final_sinc: probability of the last sinc filter.

    Raises:
        ValueError: images of unknown size, or that `scale` does not divide, or with neither 1 nor 3 channels.
    """

    def __init__(self, scale: int = 4, first: Stage = FIRST, second: Stage = SECOND, final_sinc: float = 0.8):
        self.scale, self.first, self.second = integer("scale", scale, 1), first, second
        self.final_sinc = between("final_sinc", final_sinc, 0, 1)[0]

    def change(self, x: Any, seed: Any) -> Any:
        import tensorflow as tf

        height, width = small_size(x, self.scale)
        s = seeds(seed, 12)
        shape = x.shape
        x = convolved(x, _kernels(x, self.first, s[0]))
        x = _resized(x, shape[1], shape[2], self.first, s[1])
        x = _noisy(x, self.first, s[2])
        x = compressed(x, uniform(x, self.first.quality, s[3])[:, 0, 0, 0])
        x = convolved(x, _kernels(x, self.second, s[4]))
        x = _resized(x, height, width, self.second, s[5])
        x = _noisy(x, self.second, s[6])
        ringing = _final_kernels(x, self.final_sinc, s[7])
        quality = uniform(x, self.second.quality, s[8])[:, 0, 0, 0]
        method = tf.random.stateless_uniform([], s[9], 0, 3, "int32")

        def small(x):
            return convolved(scaled(x, [height, width], method), ringing)

        x = tf.cond(
            tf.random.stateless_uniform([], s[10]) < 0.5,
            lambda: compressed(small(x), quality),
            lambda: small(compressed(x, quality)),
        )
        return tf.ensure_shape(x, (shape[0], height, width, shape[3]))


def _chosen(u, probabilities):
    """The index, int32, of what a number u, even in [0, 1), picks."""
    import tensorflow as tf

    ends = tf.constant(np.cumsum(probabilities)[:-1], "float32")
    return tf.reduce_sum(tf.cast(u[..., None] >= ends, "int32"), -1)


def _kernels(x, stage: Stage, seed):
    """float32 (N, 21, 21)."""
    import tensorflow as tf

    s = seeds(seed, 9)

    def draw(pair, seed):
        return uniform(x, pair, seed)[..., 0]

    def around_one(pair, seeds_):
        low, high = (min(pair[0], 1), 1), (1, max(pair[1], 1))
        return tf.where(draw((0, 1), seeds_[0]) < 0.5, draw(low, seeds_[1]), draw(high, seeds_[1]))

    kind = _chosen(draw((0, 1), s[0]), stage.kernels)
    isotropic = kind % 2 == 0
    along = draw(stage.sigma, s[1])
    across = tf.where(isotropic, along, draw(stage.sigma, s[2]))
    distance = squared_distance(RADIUS, along, across, draw((0, np.pi), s[3]))
    beta = tf.where(kind >= 4, around_one(stage.beta_plateau, seeds(s[4], 2)), 1.0)
    beta = tf.where((kind >= 2) & (kind < 4), around_one(stage.beta_generalised, seeds(s[4], 2)), beta)
    distance = tf.pow(distance, beta)
    smooth = tf.where(kind >= 4, 1 / (1 + distance), tf.exp(-0.5 * distance))
    half = tf.random.stateless_uniform(tf.shape(along), s[5], 3, RADIUS + 1, "int32")
    lowest = tf.where(half < 6, np.pi / 3, np.pi / 5)
    cutoff = lowest + draw((0, 1), s[6]) * (np.pi - lowest)
    found = tf.where(draw((0, 1), s[7]) < stage.sinc, _sinc(cutoff), smooth)
    return tf.where(draw((0, 1), s[8]) < stage.blur, _within(found, half), _impulse())


def _final_kernels(x, probability, seed):
    import tensorflow as tf

    s = seeds(seed, 3)
    cutoff = uniform(x, (np.pi / 3, np.pi), s[0])[..., 0]
    half = tf.random.stateless_uniform(tf.shape(cutoff), s[1], 3, RADIUS + 1, "int32")
    return tf.where(uniform(x, (0, 1), s[2])[..., 0] < probability, _within(_sinc(cutoff), half), _impulse())


def _sinc(cutoff):
    """The ideal round low-pass filter that ends at `cutoff` (N, 1, 1): c J₁(c r) / (2π r), (N, 21, 21)."""
    import tensorflow as tf

    offset = np.arange(-RADIUS, RADIUS + 1)
    r = tf.constant(np.hypot(offset, offset[:, None]), "float32")
    away = cutoff * tf.math.special.bessel_j1(cutoff * r) / (2 * np.pi * tf.maximum(r, 1))
    return tf.where(r == 0, tf.square(cutoff) / (4 * np.pi), away)


def _within(kernels, half):
    """Cut to 2 half + 1 rows and columns, of sum one."""
    import tensorflow as tf

    offset = np.abs(np.arange(-RADIUS, RADIUS + 1))
    far = tf.constant(np.maximum(offset, offset[:, None]), "int32")
    return normalised(tf.where(far <= half, kernels, 0.0))


def _impulse():
    import tensorflow as tf

    kernel = np.zeros((1, 2 * RADIUS + 1, 2 * RADIUS + 1), "float32")
    kernel[0, RADIUS, RADIUS] = 1
    return tf.constant(kernel)


def _resized(x, height: int, width: int, stage: Stage, seed):
    """To a random multiple of (height, width), by a random method, both of the whole batch."""
    import tensorflow as tf

    u, share, method = tf.unstack(tf.random.stateless_uniform([3], seed))
    way = _chosen(u, stage.resize)
    low, high = stage.factor
    factor = tf.stack([1 + share * (high - 1), low + share * (1 - low), 1.0])[way]
    size = tf.cast(tf.maximum(factor * tf.constant([height, width], "float32"), 1), "int32")
    return scaled(x, size, tf.cast(3 * method, "int32"))


def _noisy(x, stage: Stage, seed):
    import tensorflow as tf

    s = seeds(seed, 6)
    x = tf.clip_by_value(x, 0, 255)
    gaussian, gray = (uniform(x, (0, 1), s[i]) < p for i, p in ((0, stage.gaussian), (1, stage.gray)))
    seen = tf.where(gray, luma(x), x) if x.shape[-1] == 3 else x
    seen = tf.where(gaussian, 0.0, seen)  # counting is the slow part: no photons where they are not looked at
    shot = uniform(x, stage.scale_poisson, s[2]) * (counted(seen, 256.0, s[3]) - seen)
    noise = tf.where(gaussian, uniform(x, stage.sigma_noise, s[4]) * normal(x, s[5]), shot)
    return tf.clip_by_value(x + tf.where(gray, noise[..., :1], noise), 0, 255)
