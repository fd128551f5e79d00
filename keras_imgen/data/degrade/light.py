"""Too little light, and no colour."""

from typing import Any

from keras_imgen.data.degrade.base import Degradation, Range, between, seeds, uniform
from keras_imgen.data.degrade.noise import counted, normal


class LowLight(Degradation):
    """A picture taken in the dark (after Lore et al. 2017, LLNet, with the noise of a sensor).

        dark = 255 · gain · (x / 255)^gamma
        y = Poisson(dark · photons / 255) · 255 / photons + N(0, read²)

    Args:
        gamma: exponent of the darkening, number or (low, high), at least 1.
        gain: factor of the darkening, number or (low, high) in (0, 1].
        photons: counted for a white pixel of 255: the fewer, the more shot noise.
        read: standard deviation of the read noise, in gray levels.
    """

    def __init__(
        self,
        gamma: Range = (2.0, 3.5),
        gain: Range = (0.3, 0.7),
        photons: Range = (500, 5000),
        read: Range = (0.0, 2.0),
    ):
        self.gamma, self.gain = between("gamma", gamma, 1, 10), between("gain", gain, 1e-3, 1)
        self.photons, self.read = between("photons", photons, 1, 1e6), between("read", read, 0, 50)

    def change(self, x: Any, seed: Any) -> Any:
        import tensorflow as tf

        s = seeds(seed, 6)
        dark = 255 * uniform(x, self.gain, s[0]) * tf.pow(tf.clip_by_value(x / 255, 0, 1), uniform(x, self.gamma, s[1]))
        return counted(dark, uniform(x, self.photons, s[2]), s[3]) + uniform(x, self.read, s[4]) * normal(x, s[5])


class Gray(Degradation):
    """Colour (N, H, W, 3) -> its BT.601 luma (N, H, W, 1), for models that colour it again: as Pillow's `convert("L")`, to the bit.

    Raises:
        ValueError: images with another number of channels.
    """

    def change(self, x: Any, seed: Any) -> Any:
        if x.shape[-1] != 3:
            raise ValueError(f"Expected images with 3 channels to make gray, got shape {x.shape}.")
        return luma(x)


def luma(x: Any) -> Any:
    """(N, H, W, 3) -> (N, H, W, 1), in Pillow's integer weights: exact in float32."""
    import tensorflow as tf

    return tf.reduce_sum(x * tf.constant([19595.0, 38470.0, 7471.0]) / 65536, -1, keepdims=True)
