"""Generator and discriminator of dense layers, as in the first GAN (Goodfellow et al. 2014)."""

import math

import keras
from keras import layers

from keras_imgen.networks.adversarial import discriminator_inputs, generator_inputs, head, latent_and_label


def mlp_generator(
    image_shape: tuple[int, int, int],
    latent_dim: int = 64,
    widths: tuple[int, ...] = (256, 256),
    num_classes: int | None = None,
    final: str | None = "tanh",
    name: str = "mlp_generator",
) -> keras.Model:
    """Latents (N, latent_dim) to images (N, *image_shape) in [-1, 1].

    Args:
        image_shape: (height, width, channels).
        latent_dim: length of a latent.
        widths: of the hidden layers.
        num_classes: adds the input `label`, one-hot beside the latent.
        final: the last activation.
        name: of the model.
    """
    inputs = generator_inputs(latent_dim, num_classes)
    h = latent_and_label(inputs, num_classes)
    for i, width in enumerate(widths):
        h = layers.Dense(width, activation="relu", kernel_initializer="he_normal", name=f"dense{i}")(h)
    h = layers.Dense(math.prod(image_shape), activation=final, dtype="float32", name="dense_out")(h)
    return keras.Model(inputs, layers.Reshape(tuple(image_shape), dtype="float32", name="image_out")(h), name=name)


def mlp_discriminator(
    image_shape: tuple[int, int, int],
    widths: tuple[int, ...] = (256, 256),
    num_classes: int | None = None,
    conditioning: str = "projection",
    name: str = "mlp_discriminator",
) -> keras.Model:
    """Images (N, *image_shape) to logits (N, 1).

    Args:
        image_shape: (height, width, channels).
        widths: of the hidden layers.
        num_classes: adds the input `label`.
        conditioning: "concat", "projection" or "auxiliary".
        name: of the model.
    """
    inputs, h = discriminator_inputs(image_shape, num_classes, conditioning)
    h = layers.Flatten(name="flatten")(h)
    for i, width in enumerate(widths):
        h = layers.Dense(width, kernel_initializer="he_normal", name=f"dense{i}")(h)
        h = layers.LeakyReLU(0.2, name=f"leaky{i}")(h)
    return keras.Model(inputs, head(h, inputs, num_classes, conditioning), name=name)
