"""p(x|z): what a decoder's output says about the image, in nats per image."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.training.rows import per_row


class Likelihood(keras.layers.Layer):
    """Base. `factor` is how many channels of the decoder's output one channel of the image needs.

    `discrete` is whether log_prob is that of the 256 levels; a density in [-1, 1] otherwise, which bits per dimension turn into
    that of the levels, 1/127.5 apart, at their centres. None: of something else, which has no bits per dimension.
    """

    factor, discrete = 1, False

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.built = True

    def log_prob(self, x: Any, output: Any) -> Any:
        """log p(x|z), (N,), in nats.

        Args:
            x: images (N, H, W, C) in [-1, 1].
            output: of the decoder, (N, H, W, factor C).
        """
        raise NotImplementedError

    def mean(self, output: Any) -> Any:
        """Images (N, H, W, C) in [-1, 1]."""
        return ops.cast(output, "float32")


@keras.saving.register_keras_serializable("keras_imgen.likelihoods")
class Gaussian(Likelihood):
    """N(output, sigma^2) with one sigma for all pixels, learned (sigma-VAE, Rybkin et al. 2021) or given.

    Args:
        sigma: of images in [-1, 1]; None is learned, from 1 on.

    Raises:
        ValueError: `sigma` of 0 or below.
    """

    def __init__(self, sigma: float | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if sigma is not None and not sigma > 0:
            raise ValueError(f"Expected `sigma` above 0 or None, got {sigma!r}.")
        self.sigma = sigma
        self._tenth = self.add_weight(
            name="tenth_of_log_sigma",
            shape=(),
            initializer=keras.initializers.Constant(math.log(sigma or 1.0) / 10),
            trainable=sigma is None,
            autocast=False,
        )

    @property
    def log_sigma(self) -> Any:
        """Held as a tenth, so that Adam moves it ten times as fast as the networks' weights: it has far to go. The learned one stays above
        half a gray level: a fit of the last bit would pay for everything else."""
        value, floor = 10.0 * ops.convert_to_tensor(self._tenth), math.log(1 / 255)
        return value if self.sigma is not None else floor + ops.softplus(value - floor)

    def log_prob(self, x: Any, output: Any) -> Any:
        z = (x - ops.cast(output, "float32")) * ops.exp(-self.log_sigma)
        return -per_row(ops.sum, 0.5 * ops.square(z) + self.log_sigma + 0.5 * math.log(2 * math.pi))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sigma": self.sigma}


@keras.saving.register_keras_serializable("keras_imgen.likelihoods")
class Bernoulli(Likelihood):
    """The output is the logit of a pixel's being white. For gray images the cross-entropy with their brightness: not the likelihood of an
    image, but what most VAEs of black and white pictures report."""

    discrete = None

    def log_prob(self, x: Any, output: Any) -> Any:
        logits = ops.cast(output, "float32")
        target = 0.5 * (x + 1.0)
        return per_row(ops.sum, target * logits - ops.softplus(logits))

    def mean(self, output: Any) -> Any:
        return 2.0 * ops.sigmoid(ops.cast(output, "float32")) - 1.0


@keras.saving.register_keras_serializable("keras_imgen.likelihoods")
class DiscretizedLogistic(Likelihood):
    """The mass of a logistic distribution on each of the 256 levels (Kingma et al. 2016, section 5.3; Salimans et al. 2017, eq. 2).

    The output has two channels for one of the image: all means, then all log scales.
    """

    factor, discrete = 2, True

    def log_prob(self, x: Any, output: Any) -> Any:
        mean, log_scale = ops.split(ops.cast(output, "float32"), 2, axis=-1)
        log_scale = ops.clip(log_scale, -7.0, 7.0)
        inverse, half = ops.exp(-log_scale), 1.0 / 255
        upper, lower = (x + half - mean) * inverse, (x - half - mean) * inverse
        # log(sigmoid(upper) - sigmoid(lower)), from sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)).
        width = 2 * half * inverse
        inner = -ops.softplus(-upper) - ops.softplus(lower) + ops.log(-ops.expm1(-width))
        edges = ops.where(x > 1 - half, -ops.softplus(lower), inner)
        return per_row(ops.sum, ops.where(x < -1 + half, -ops.softplus(-upper), edges))

    def mean(self, output: Any) -> Any:
        return ops.split(ops.cast(output, "float32"), 2, axis=-1)[0]


LIKELIHOODS = {"gaussian": Gaussian, "bernoulli": Bernoulli, "discretized_logistic": DiscretizedLogistic}


def get(likelihood: Any) -> Likelihood:
    """A `Likelihood` from its name or config.

    Raises:
        ValueError: an unknown name.
    """
    if isinstance(likelihood, Likelihood):
        return likelihood
    if isinstance(likelihood, dict):
        return keras.saving.deserialize_keras_object(likelihood)
    if likelihood not in LIKELIHOODS:
        raise ValueError(f"Unknown likelihood {likelihood!r}. Expected one of: {', '.join(LIKELIHOODS)}.")
    return LIKELIHOODS[likelihood]()


def bits_per_dimension(nats: Any, image_shape: tuple[int, ...], discrete: bool) -> Any:
    """Bits per dimension of the 256 levels.

    Args:
        nats: negative log-likelihood per image, or its bound.
        image_shape: (height, width, channels).
        discrete: whether the likelihood is that of the levels; a density in [-1, 1] otherwise.
    """
    size = int(np.prod(image_shape))
    return (nats + (0.0 if discrete else size * math.log(127.5))) / (size * math.log(2.0))
