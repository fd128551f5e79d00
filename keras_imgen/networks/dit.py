"""The diffusion transformer (Peebles & Xie 2023, "Scalable Diffusion Models with Transformers")."""

from typing import Any

import keras
from keras import layers, ops

from keras_imgen.layers import Attention, Positions
from keras_imgen.layers.one_pass import gelu
from keras_imgen.networks import conditions


@keras.saving.register_keras_serializable("keras_imgen")
class DiT(conditions.Conditioned):
    """See `dit`."""

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        patch: int = 2,
        width: int = 128,
        depth: int = 6,
        heads: int = 4,
        num_classes: int | None = None,
        vector_dim: int | None = None,
        sequence_dim: int | None = None,
        source_channels: int | None = None,
        **kwargs: Any,
    ):
        height, across, channels = image_shape
        if height % patch or across % patch:
            raise ValueError(f"Expected a height and width divisible by the patch of {patch}, got {height}x{across}.")
        if width % heads or width % 4:
            raise ValueError(f"Expected a width that 4 and heads={heads} divide, got {width}.")
        given = conditions.inputs(channels, num_classes, vector_dim, sequence_dim, source_channels)
        embedding = conditions.embedding(given, width, num_classes)

        h = layers.Conv2D(width, patch, strides=patch, name="patches")(conditions.entering(given))
        h = Positions(name="positions")(h)
        for i in range(depth):
            h = Block(heads, name=f"block{i}")(h, embedding, given.get("sequence"), given.get("sequence_mask"))
        modulation = layers.Dense(2 * width, kernel_initializer="zeros", name="modulation_out")(embedding)
        h = ModulatedNorm(name="norm_out")(h, modulation)
        h = layers.Dense(patch * patch * channels, kernel_initializer="zeros", dtype="float32", name="pixels")(h)
        h = Unpatch(patch, dtype="float32", name="unpatch")(h, given["image"])
        super().__init__(given, h, **kwargs)
        self.image_shape, self.num_classes = tuple(image_shape), num_classes
        self._arguments = {
            "image_shape": tuple(image_shape),
            "patch": patch,
            "width": width,
            "depth": depth,
            "heads": heads,
            "num_classes": num_classes,
            "vector_dim": vector_dim,
            "sequence_dim": sequence_dim,
            "source_channels": source_channels,
        }

    def get_config(self) -> dict[str, Any]:
        return {**self._arguments, "name": self.name}


@keras.saving.register_keras_serializable("keras_imgen")
class ModulatedNorm(layers.Layer):
    """Layer normalisation without parameters, then x (1 + scale) + shift of a modulation (N, 2C); moments in float32."""

    def call(self, x: Any, modulation: Any) -> Any:
        shift, scale = ops.split(modulation[:, None], 2, axis=-1)
        wide = ops.cast(x, "float32")
        mean, variance = ops.moments(wide, axes=-1, keepdims=True)
        return ops.cast((wide - mean) * ops.rsqrt(variance + 1e-6), x.dtype) * (1 + scale) + shift

    def compute_output_shape(self, x_shape: tuple, modulation_shape: tuple | None = None) -> tuple:
        return x_shape


@keras.saving.register_keras_serializable("keras_imgen")
class Block(layers.Layer):
    """Attention, cross-attention where there is a sequence, and an MLP; each modulated and gated by the embedding (adaLN-Zero).

    Args:
        heads: of attention; the width of the tokens must be a multiple of it.
    """

    def __init__(self, heads: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.heads = heads

    def build(
        self,
        x_shape: tuple,
        embedding_shape: tuple,
        sequence_shape: tuple | None = None,
        keep_shape: tuple | None = None,
    ) -> None:
        width, p = x_shape[-1], {"dtype": self.dtype_policy}
        self.norm = ModulatedNorm(**p)
        self.norm.build(x_shape)
        self.modulation = layers.Dense(6 * width, kernel_initializer="zeros", name="modulation", **p)
        self.modulation.build(embedding_shape)
        self.attention = Attention(self.heads, zero=False, name="attention", **p)
        self.attention.build(x_shape)
        self.up = layers.Dense(4 * width, activation=gelu, name="up", **p)
        self.up.build(x_shape)
        self.down = layers.Dense(width, name="down", **p)
        self.down.build((*x_shape[:-1], 4 * width))
        if sequence_shape is not None:
            self.cross = Attention(self.heads, name="cross_attention", **p)
            self.cross.build(x_shape, sequence_shape)

    def call(self, x: Any, embedding: Any, sequence: Any = None, keep: Any = None) -> Any:
        m = ops.split(self.modulation(embedding), 6, axis=-1)
        x = x + m[2][:, None] * self.attention(self.norm(x, ops.concatenate(m[0:2], axis=-1)))
        if sequence is not None:
            x = x + self.cross(x, sequence, keep)
        return x + m[5][:, None] * self.down(self.up(self.norm(x, ops.concatenate(m[3:5], axis=-1))))

    def compute_output_shape(
        self,
        x_shape: tuple,
        embedding_shape: tuple | None = None,
        sequence_shape: tuple | None = None,
        keep_shape: tuple | None = None,
    ) -> tuple:
        return x_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "heads": self.heads}


@keras.saving.register_keras_serializable("keras_imgen")
class Unpatch(layers.Layer):
    """Tokens (N, H/p · W/p, p·p·C) -> (N, H, W, C), of the size of the second input.

    Args:
        patch: p, side of the squares in pixels.
    """

    def __init__(self, patch: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.patch = patch

    def call(self, tokens: Any, image: Any) -> Any:
        _, h, w, c = ops.shape(image)
        p = self.patch
        x = ops.reshape(tokens, (-1, h // p, w // p, p, p, c))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, h, w, c))

    def compute_output_shape(self, tokens_shape: tuple, image_shape: tuple) -> tuple:
        return image_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "patch": self.patch}


def dit(
    image_shape: tuple[int, int, int],
    patch: int = 2,
    width: int = 128,
    depth: int = 6,
    heads: int = 4,
    num_classes: int | None = None,
    vector_dim: int | None = None,
    sequence_dim: int | None = None,
    source_channels: int | None = None,
    name: str = "dit",
) -> keras.Model:
    """A diffusion transformer, called like `unet`: a dict of `image` (N, H, W, C), `log_snr` (N,) and its conditions.

    Args:
        image_shape: (height, width, channels); other sizes that the patch divides work as well.
        patch: side of the squares of pixels that become tokens.
        width: of the tokens; 4 and `heads` divide it.
        depth: number of blocks.
        heads: of attention.
        num_classes: adds the input `label` (N,), 0..num_classes, where num_classes is no label.
        vector_dim: adds the input `vector` (N, vector_dim).
        sequence_dim: adds the input `sequence` (N, S, sequence_dim), as from a text encoder.
        source_channels: adds the input `source`, a picture uint8 (N, H, W, source_channels) that the new one is made of.
        name: of the model.

    Returns:
        A model with float32 output (N, H, W, C), zero at the start (adaLN-Zero).

    Raises:
        ValueError: a size that the patch does not divide, a width that 4 or the heads do not.
    """
    return DiT(
        image_shape, patch, width, depth, heads, num_classes, vector_dim, sequence_dim, source_channels, name=name
    )
