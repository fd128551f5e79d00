"""The U-ViT (Bao et al. 2023, "All are Worth Words: A ViT Backbone for Diffusion Models"): self-attention over picture and words together."""

from typing import Any

import keras
from keras import layers, ops

from keras_imgen.layers import Attention, Positions
from keras_imgen.layers.one_pass import gelu
from keras_imgen.networks import conditions
from keras_imgen.networks.dit import Unpatch

PIXEL = 16  # numbers of a pixel before the last convolution


@keras.saving.register_keras_serializable("keras_imgen")
class UViT(conditions.Conditioned):
    """See `uvit`."""

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        patch: int = 4,
        width: int = 160,
        depth: int = 7,
        heads: int = 5,
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
        if depth % 2 == 0:
            raise ValueError(f"Expected an odd depth, as many blocks before the middle one as after it, got {depth}.")
        given = conditions.inputs(channels, num_classes, vector_dim, sequence_dim, source_channels)
        embedding = conditions.embedding(given, width, num_classes)

        patches = layers.Conv2D(width, patch, strides=patch, name="patches")(conditions.entering(given))
        patches = Positions(name="positions")(patches)
        told = (layers.Reshape((1, width), name="level")(embedding),)
        if "sequence" in given:
            told += (layers.Dense(width, name="words")(given["sequence"]), given["sequence_mask"])
        h, keep = Together(name="together")(patches, *told)
        before = []
        for i in range(depth):
            if i > depth // 2:
                h = layers.Concatenate(name=f"block{i}_concat")([h, before.pop()])
                h = layers.Dense(width, name=f"block{i}_skip")(h)
            h = TokenBlock(heads, name=f"block{i}")(h, keep)
            if i < depth // 2:
                before.append(h)
        h = layers.LayerNormalization(name="norm_out")(First(name="first")(h, patches))
        h = layers.Dense(patch * patch * PIXEL, name="pixels")(h)
        h = layers.Activation("silu", name="activation")(Unpatch(patch, name="unpatch")(h, given["image"]))
        h = layers.Conv2D(channels, 3, padding="same", kernel_initializer="zeros", dtype="float32", name="conv_out")(h)
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
class Together(layers.Layer):
    """Tokens of several kinds (N, T, C) one after another, and which of all may be seen, bool (N, sum of T): those of the last kind that
    its mask keeps, and all others."""

    def call(self, patches: Any, level: Any, words: Any = None, keep: Any = None) -> tuple[Any, Any]:
        tokens = ops.concatenate([patches, level] if words is None else [patches, level, words], axis=1)
        seen = ops.ones(ops.shape(tokens)[:2], "bool")
        if keep is not None:
            seen = ops.concatenate([seen[:, : ops.shape(patches)[1] + 1], ops.cast(keep, "bool")], axis=1)
        return tokens, seen

    def compute_output_spec(self, patches: Any, level: Any, words: Any = None, keep: Any = None) -> tuple[Any, Any]:
        n, _, width = patches.shape
        spec = keras.KerasTensor
        return spec((n, None, width), patches.dtype), spec((n, None), "bool")


@keras.saving.register_keras_serializable("keras_imgen")
class First(layers.Layer):
    """The first of tokens (N, T, C), as many as the second has (N, P, D): (N, P, C)."""

    def call(self, tokens: Any, like: Any) -> Any:
        return tokens[:, : ops.shape(like)[1]]

    def compute_output_shape(self, tokens_shape: tuple, like_shape: tuple) -> tuple:
        return (*like_shape[:2], tokens_shape[-1])


@keras.saving.register_keras_serializable("keras_imgen")
class TokenBlock(layers.Layer):
    """Self-attention of tokens (N, T, C), seeing those that a mask (N, T) keeps, and an MLP; norms before both (pre-norm).

    Args:
        heads: of attention; the width of the tokens must be a multiple of it.
    """

    def __init__(self, heads: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.heads = heads

    def build(self, x_shape: tuple, keep_shape: tuple | None = None) -> None:
        width, p = x_shape[-1], {"dtype": self.dtype_policy}
        self.norm_attention = layers.LayerNormalization(name="norm_attention", **p)
        self.attention = Attention(self.heads, zero=False, name="attention", **p)
        self.norm = layers.LayerNormalization(name="norm", **p)
        self.up = layers.Dense(4 * width, activation=gelu, name="up", **p)
        self.down = layers.Dense(width, name="down", **p)
        for layer in (self.norm_attention, self.attention, self.norm, self.up):
            layer.build(x_shape)
        self.down.build((*x_shape[:-1], 4 * width))

    def call(self, x: Any, keep: Any = None) -> Any:
        normed = self.norm_attention(x)
        x = x + self.attention(normed, normed, keep)
        return x + self.down(self.up(self.norm(x)))

    def compute_output_shape(self, x_shape: tuple, keep_shape: tuple | None = None) -> tuple:
        return x_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "heads": self.heads}


def uvit(
    image_shape: tuple[int, int, int],
    patch: int = 4,
    width: int = 160,
    depth: int = 7,
    heads: int = 5,
    num_classes: int | None = None,
    vector_dim: int | None = None,
    sequence_dim: int | None = None,
    source_channels: int | None = None,
    name: str = "uvit",
) -> keras.Model:
    """A transformer whose every block sees picture, noise level and words together, called like `unet`: a dict of `image` (N, H, W, C),
    `log_snr` (N,) and its conditions.

    Long skip connections join its first blocks to its last (Bao et al. 2023); a convolution makes the pixels of neighbouring patches fit.

    Args:
        image_shape: (height, width, channels); other sizes that the patch divides work as well.
        patch: side of the squares of pixels that become tokens.
        width: of the tokens; 4 and `heads` divide it.
        depth: number of blocks, odd.
        heads: of attention.
        num_classes: adds the input `label` (N,), 0..num_classes, where num_classes is no label.
        vector_dim: adds the input `vector` (N, vector_dim).
        sequence_dim: adds the input `sequence` (N, S, sequence_dim), as from a text encoder.
        source_channels: adds the input `source`, a picture uint8 (N, H, W, source_channels) that the new one is made of.
        name: of the model.

    Returns:
        A model with float32 output (N, H, W, C), zero at the start.

    Raises:
        ValueError: a size that the patch does not divide, a width that 4 or the heads do not, an even depth.
    """
    return UViT(
        image_shape, patch, width, depth, heads, num_classes, vector_dim, sequence_dim, source_channels, name=name
    )
