"""The space in which a diffusion model works: pictures themselves, or the standardized latents of a codec."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.layers.pictures import rescale
from keras_imgen.training.rows import by_frame

ENOUGH = 10_000  # pictures, of which mean and scale of latents are known well


@keras.saving.register_keras_serializable("keras_imgen")
class Latents(keras.layers.Layer):
    """A codec's maps of latents, of mean 0 and variance 1, and back (Rombach et al. 2022, "High-Resolution Image Synthesis with Latent
    Diffusion Models", section G). Its weights do not learn.

    Args:
        codec: a model with `map_shape`, `to_map` and `from_map`, as `VAE` and `VQVAE`. Of one with averaged weights, these are taken.
        frames: of clips whose frames the codec encodes, each by itself; None for what the codec is of.

    Raises:
        ValueError: a model that has them not, or is told conditions.
    """

    def __init__(self, codec: Any, frames: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.frames = frames
        if not hasattr(codec, "to_map") or not hasattr(codec, "from_map"):
            raise ValueError(f"Expected `codec` as a VAE, a VQVAE or a model like them, got {type(codec).__name__}.")
        if codec.codec_conditions:
            told = ", ".join(condition.key for condition in codec.codec_conditions)
            raise ValueError(f"Expected a codec that is told nothing, got one that is told {told}.")
        self.codec = codec if codec.ema is None else codec.for_inference()
        self.codec.trainable = False
        shape = (self.codec.map_shape[-1],)
        state = {"trainable": False, "autocast": False, "dtype": "float32"}
        self.mean = self.add_weight(name="mean", shape=shape, initializer="zeros", **state)
        self.scale = self.add_weight(name="scale", shape=(), initializer="zeros", **state)  # 0 until it is fitted
        self.built = True

    @property
    def shape(self) -> tuple[int, ...]:
        """(h, w, D), of clips (frames, h, w, D)."""
        return self.codec.map_shape if self.frames is None else (self.frames, *self.codec.map_shape)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Of what is encoded."""
        return self.codec.image_shape if self.frames is None else (self.frames, *self.codec.image_shape)

    def _each(self, function, *images):
        return function(*images) if self.frames is None else by_frame(function, *images)

    def fit(self, batches: Any, key: str = "image") -> None:
        """Measure the mean of each channel and the standard deviation of all.

        Args:
            batches: of pictures uint8 or float32 in [-1, 1] (N, H, W, C), or dicts with them; those of ENOUGH pictures are looked at.
            key: of the pictures in a dict.

        Raises:
            ValueError: latents that are all alike.
        """
        count, total, squares = 0, 0.0, 0.0
        for batch in batches:
            images = batch[key] if isinstance(batch, dict) else batch
            images = rescale(ops.convert_to_tensor(images))
            maps = ops.convert_to_numpy(self._each(self.codec.to_map, images))
            flat = maps.reshape(-1, maps.shape[-1]).astype("float64")
            count, total, squares = count + len(flat), total + flat.sum(0), squares + (flat**2).sum(0)
            if count >= ENOUGH * np.prod(self.codec.map_shape[:2]):
                break
        mean = total / max(count, 1)
        variance = float(np.mean(squares / max(count, 1) - mean**2))
        if not variance > 1e-12:
            raise ValueError(f"The codec's latents of {count:,} places are all alike: it tells no pictures apart.")
        self.mean.assign(mean)
        self.scale.assign(variance**-0.5)

    def encoded(self, images: Any) -> Any:
        """Standardized maps (N, h, w, D) of images float32 (N, H, W, C) in [-1, 1]."""
        return ops.stop_gradient((self._each(self.codec.to_map, images) - self.mean) * self.scale)

    def decoded(self, maps: Any) -> Any:
        """Images float32 (N, H, W, C) in [-1, 1]."""
        return self._each(self.codec.from_map, maps / self.scale + self.mean)

    def cells(self, mask: Any) -> Any:
        """Masks (N, H, W, 1), 1 where to paint, as masks of the places of a map: 1 where a part of the place is to be painted."""
        h, w, _ = self.codec.map_shape
        height, width = self.codec.image_shape[:2]

        def shrunk(mask):
            return ops.max_pool(mask, (-(-height // h), -(-width // w)), padding="same")[:, :h, :w]

        return self._each(shrunk, mask)
