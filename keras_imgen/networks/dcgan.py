"""DCGAN (Radford et al. 2016): strided convolutions alone."""

import keras
from keras import layers

from keras_imgen.layers.initial import normal
from keras_imgen.networks import adversarial as common


def dcgan_generator(
    image_shape: tuple[int, int, int],
    latent_dim: int = 128,
    width: int = 64,
    num_classes: int | None = None,
    normalization: str | None = "batch",
    name: str = "dcgan_generator",
) -> keras.Model:
    """Latents (N, latent_dim) to images (N, *image_shape) in [-1, 1], by transposed convolutions of size 4.

    Args:
        image_shape: (height, width, channels), 16 to 128 pixels a side, such as 28, 32, 64.
        latent_dim: length of a latent.
        width: channels before the last layer; each level below has twice as many, at most 8 width.
        num_classes: adds the input `label`, one-hot beside the latent.
        normalization: "batch" or None.
        name: of the model.

    Raises:
        ValueError: a size that cannot be halved down to 4..15.
    """
    common.check_normalization(normalization, ("batch", None))
    times, (h0, w0) = common.levels(image_shape)
    start = normal(0.02) if normalization else "he_normal"
    widths = [min(width * 2**i, 8 * width) for i in reversed(range(times))]
    inputs = common.generator_inputs(latent_dim, num_classes)
    h = common.latent_and_label(inputs, num_classes)
    h = layers.Dense(h0 * w0 * widths[0], use_bias=not normalization, kernel_initializer=start, name="dense")(h)
    h = layers.Reshape((h0, w0, widths[0]), name="reshape")(h)
    for i, out in enumerate([*widths[1:], None]):
        h = common.normalization(normalization, f"norm{i}")(h)
        h = layers.ReLU(name=f"relu{i}")(h)
        last = out is None
        h = layers.Conv2DTranspose(
            image_shape[-1] if last else out,
            4,
            2,
            "same",
            use_bias=last or not normalization,
            kernel_initializer=start,
            activation="tanh" if last else None,
            dtype="float32" if last else None,
            name="conv_out" if last else f"conv{i}",
        )(h)
    return keras.Model(inputs, h, name=name)


def dcgan_discriminator(
    image_shape: tuple[int, int, int],
    width: int = 64,
    num_classes: int | None = None,
    conditioning: str = "projection",
    normalization: str | None = None,
    dropout: float = 0.0,
    name: str = "dcgan_discriminator",
) -> keras.Model:
    """Images (N, *image_shape) to logits (N, 1), by convolutions of size 4 with stride 2 and leaky ReLU.

    Args:
        image_shape: (height, width, channels), 16 to 128 pixels a side.
        width: channels of the first level; each further one has twice as many, at most 8 width.
        num_classes: adds the input `label`.
        conditioning: "concat", "projection" or "auxiliary".
        normalization: None, "spectral", or "batch" as in the paper (not with gradient penalties).
        dropout: rate in [0, 1) after every level.
        name: of the model.

    Raises:
        ValueError: a size that cannot be halved down to 4..15.
    """
    common.check_normalization(normalization, (None, "batch", "spectral"))
    times, _ = common.levels(image_shape)
    spectral = normalization == "spectral"
    conv = common.convolution(spectral)
    start = normal(0.02) if normalization == "batch" else "he_normal"
    inputs, h = common.discriminator_inputs(image_shape, num_classes, conditioning)
    for i in range(times):
        out = width * 2 ** min(i, 3)
        h = conv(out, 4, 2, "same", kernel_initializer=start, name=f"conv{i}")(h)
        if i:
            h = common.normalization(normalization, f"norm{i}")(h)
        h = layers.LeakyReLU(0.2, name=f"leaky{i}")(h)
        if dropout:
            h = layers.Dropout(dropout, name=f"dropout{i}")(h)
    h = layers.Flatten(name="flatten")(h)
    return keras.Model(inputs, common.head(h, inputs, num_classes, conditioning, spectral), name=name)
