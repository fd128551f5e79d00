"""Residual GAN networks for small pictures (SNGAN, Miyato et al. 2018, appendix B; BigGAN, Brock et al. 2019)."""

import keras
from keras import layers

from keras_imgen.layers import ConditionalBatchNorm
from keras_imgen.networks import adversarial as common


def resnet_gan_generator(
    image_shape: tuple[int, int, int],
    latent_dim: int = 128,
    width: int = 128,
    num_classes: int | None = None,
    normalization: str | None = "batch",
    name: str = "resnet_gan_generator",
) -> keras.Model:
    """Latents (N, latent_dim) to images (N, *image_shape) in [-1, 1]: residual blocks that double the size.

    Args:
        image_shape: (height, width, channels), of sides that can be halved down to 4..15.
        latent_dim: length of a latent.
        width: channels everywhere, as SNGAN has them for 32 pixels.
        num_classes: adds the input `label`; the scale and shift of every batch norm then depend on label and latent.
        normalization: "batch" or None.
        name: of the model.

    Raises:
        ValueError: a size that cannot be halved down to 4..15.
    """
    common.check_normalization(normalization, ("batch", None))
    times, (h0, w0) = common.levels(image_shape)
    inputs = common.generator_inputs(latent_dim, num_classes)
    condition = common.latent_and_label(inputs, num_classes)

    def norm(h, name):
        if normalization and num_classes is not None:
            return ConditionalBatchNorm(name=name)(h, condition)
        return common.normalization(normalization, name)(h)

    h = layers.Dense(h0 * w0 * width, name="dense")(condition)
    h = layers.Reshape((h0, w0, width), name="reshape")(h)
    for i in range(times):
        y = layers.ReLU(name=f"relu{i}a")(norm(h, f"norm{i}a"))
        y = layers.UpSampling2D(2, name=f"up{i}")(y)
        y = layers.Conv2D(width, 3, padding="same", kernel_initializer="he_normal", name=f"conv{i}a")(y)
        y = layers.ReLU(name=f"relu{i}b")(norm(y, f"norm{i}b"))
        y = layers.Conv2D(width, 3, padding="same", kernel_initializer="he_normal", name=f"conv{i}b")(y)
        skip = layers.Conv2D(width, 1, name=f"skip{i}")(h)  # before the upsampling: the two commute
        h = layers.Add(name=f"add{i}")([layers.UpSampling2D(2, name=f"up_skip{i}")(skip), y])
    h = layers.ReLU(name="relu_out")(common.normalization(normalization, "norm_out")(h))
    h = layers.Conv2D(image_shape[-1], 3, padding="same", activation="tanh", dtype="float32", name="conv_out")(h)
    return keras.Model(inputs, h, name=name)


def resnet_gan_discriminator(
    image_shape: tuple[int, int, int],
    width: int = 128,
    num_classes: int | None = None,
    conditioning: str = "projection",
    normalization: str | None = "spectral",
    name: str = "resnet_gan_discriminator",
) -> keras.Model:
    """Images (N, *image_shape) to logits (N, 1): residual blocks that halve the size, two that keep it, the sum over places.

    Args:
        image_shape: (height, width, channels), of sides that can be halved down to 4..15.
        width: channels everywhere.
        num_classes: adds the input `label`.
        conditioning: "concat", "projection" or "auxiliary".
        normalization: "spectral", or None for gradient penalties.
        name: of the model.

    Raises:
        ValueError: a size that cannot be halved down to 4..15.
    """
    common.check_normalization(normalization, ("spectral", None))
    times, _ = common.levels(image_shape)
    spectral = normalization == "spectral"
    conv = common.convolution(spectral)
    inputs, h = common.discriminator_inputs(image_shape, num_classes, conditioning)
    for i in range(min(times, 2) + 2):
        down = i < min(times, 2)
        y = h if i == 0 else layers.ReLU(name=f"relu{i}a")(h)
        y = conv(width, 3, padding="same", kernel_initializer="he_normal", name=f"conv{i}a")(y)
        y = layers.ReLU(name=f"relu{i}b")(y)
        y = conv(width, 3, padding="same", kernel_initializer="he_normal", name=f"conv{i}b")(y)
        if down:
            y = layers.AveragePooling2D(2, name=f"pool{i}")(y)
            h = layers.AveragePooling2D(2, name=f"pool_skip{i}")(h)
        if h.shape[-1] != width:
            h = conv(width, 1, padding="same", name=f"skip{i}")(h)
        h = layers.Add(name=f"add{i}")([h, y])
    h = layers.GlobalAveragePooling2D(name="pool")(layers.ReLU(name="relu_out")(h))
    return keras.Model(inputs, common.head(h, inputs, num_classes, conditioning, spectral), name=name)
