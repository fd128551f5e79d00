"""The posterior of a restoration that has many answers."""

import keras
from keras import layers

from keras_imgen.layers import PixelUnshuffle


def latent_encoder(
    scale: int, channels: int = 3, latent_channels: int = 4, width: int = 32, name: str = "latent_encoder"
) -> keras.Model:
    """What of the target the image does not tell: the encoder of a conditional VAE (Sohn et al. 2015), for `edsr(latent_channels=...)`.

    Called with a dict of `image` (N, H, W, C) and `target` (N, scale H, scale W, C): mean and log-variance of a latent,
    (N, ceil(H/4), ceil(W/4), 2 latent_channels), float32, zero at the start (the standard normal prior). For every H, W >= 1.

    Args:
        scale: how much larger the target is.
        channels: of both pictures.
        latent_channels: of the latent.
        width: channels of the first level; 2 and 4 times as many at the next ones.
        name: of the model.
    """
    image = keras.Input((None, None, channels), name="image")
    target = keras.Input((None, None, channels), name="target")
    h = PixelUnshuffle(scale, name="unshuffle")(target) if scale > 1 else target
    h = layers.Concatenate(name="image_and_target")([image, h])
    for i, (features, stride) in enumerate(
        [(width, 1), (2 * width, 2), (2 * width, 1), (4 * width, 2), (4 * width, 1)]
    ):
        h = layers.Conv2D(
            features, 3, stride, "same", activation="silu", kernel_initializer="he_normal", name=f"conv{i}"
        )(h)
    out = layers.Conv2D(2 * latent_channels, 1, kernel_initializer="zeros", dtype="float32", name="out")
    return keras.Model({"image": image, "target": target}, out(h), name=name)
