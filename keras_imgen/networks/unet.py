"""The U-Net of diffusion models (Ronneberger et al. 2015; Ho et al. 2020; Dhariwal & Nichol 2021), of pictures and of clips."""

from typing import Any

import keras
from keras import layers

from keras_imgen.layers import (
    Attention,
    EachFrame,
    Fold,
    GroupNorm,
    Positions,
    TemporalAttention,
    TemporalConv,
    Unfold,
)
from keras_imgen.networks import conditions


@keras.saving.register_keras_serializable("keras_imgen")
class UNet(conditions.Conditioned):
    """See `unet`."""

    def __init__(
        self,
        image_shape: tuple[int, ...],
        widths: tuple[int, ...] = (32, 64, 96, 128),
        depth: int = 2,
        attention: tuple[int, ...] = (8,),
        num_classes: int | None = None,
        vector_dim: int | None = None,
        sequence_dim: int | None = None,
        dropout: float = 0.0,
        source_channels: int | None = None,
        out_channels: int | None = None,
        log_snr: bool = True,
        positions: bool = False,
        **kwargs: Any,
    ):
        *time, height, width, channels = image_shape
        frames = time[0] if time else None
        stride = 2 ** (len(widths) - 1)
        if height % stride or width % stride:
            raise ValueError(
                f"Expected a height and width divisible by {stride} for {len(widths)} widths, got {height}x{width}."
            )
        if positions and any(width % 4 for width in widths):
            raise ValueError(f"Expected widths that 4 divides, for positions, got {tuple(widths)}.")
        if frames is not None and any(width % 2 for width in widths):
            raise ValueError(f"Expected even widths, for clips, got {tuple(widths)}.")
        given = conditions.inputs(channels, num_classes, vector_dim, sequence_dim, source_channels, log_snr, frames)
        embedding = conditions.embedding(given, 4 * widths[0], num_classes)
        if frames is not None and embedding is not None:
            embedding = EachFrame(frames, name="embedding_of_frames")(embedding)
        sequence, mask = given.get("sequence"), given.get("sequence_mask")

        def block(h, out, name, resolution):
            skip = h if h.shape[-1] == out else layers.Conv2D(out, 1, name=f"{name}_skip")(h)
            y = GroupNorm(activation="silu", name=f"{name}_norm1")(h)
            y = layers.Conv2D(out, 3, padding="same", name=f"{name}_conv1")(y)
            modulated = () if embedding is None else (layers.Dense(2 * out, name=f"{name}_modulation")(embedding),)
            y = GroupNorm(activation="silu", name=f"{name}_norm2")(y, *modulated)
            if dropout:
                y = layers.Dropout(dropout, name=f"{name}_dropout")(y)
            y = layers.Conv2D(out, 3, padding="same", kernel_initializer="zeros", name=f"{name}_conv2")(y)
            h = layers.Add(name=f"{name}_add")([skip, y])
            if resolution in attention:
                h = SpatialAttention(positions, name=f"{name}_attention")(h)
                if sequence is not None:
                    h = SpatialAttention(positions, frames, name=f"{name}_cross_attention")(h, sequence, mask)
            if frames is None:
                return h
            h = TemporalConv(frames, name=f"{name}_time_conv")(h)
            return TemporalAttention(frames, name=f"{name}_time_attention")(h) if resolution in attention else h

        h = conditions.entering(given)
        h = h if frames is None else Fold(name="fold")(h)
        h = layers.Conv2D(widths[0], 3, padding="same", name="conv_in")(h)
        skips = []
        for level, out in enumerate(widths):
            for i in range(depth):
                h = block(h, out, f"down{level}_{i}", height >> level)
                skips.append(h)
            if level < len(widths) - 1:
                h = layers.AveragePooling2D(2, name=f"down{level}_pool")(h)
        h = block(h, widths[-1], "middle", height >> (len(widths) - 1))
        for level, out in reversed(list(enumerate(widths))):
            for i in range(depth):
                h = layers.Concatenate(name=f"up{level}_{i}_concat")([h, skips.pop()])
                h = block(h, out, f"up{level}_{i}", height >> level)
            if level:
                h = layers.UpSampling2D(2, name=f"up{level}_resize")(h)
        h = GroupNorm(activation="silu", name="norm_out")(h)
        last = out_channels or channels
        h = layers.Conv2D(last, 3, padding="same", kernel_initializer="zeros", dtype="float32", name="conv_out")(h)
        h = h if frames is None else Unfold(frames, dtype="float32", name="unfold")(h)
        super().__init__(given, h, **kwargs)
        self.image_shape, self.num_classes = tuple(image_shape), num_classes
        self._arguments = {
            "image_shape": tuple(image_shape),
            "widths": tuple(widths),
            "depth": depth,
            "attention": tuple(attention),
            "num_classes": num_classes,
            "vector_dim": vector_dim,
            "sequence_dim": sequence_dim,
            "dropout": dropout,
            "source_channels": source_channels,
            "out_channels": out_channels,
            "log_snr": log_snr,
            "positions": positions,
        }

    def get_config(self) -> dict[str, Any]:
        return {**self._arguments, "name": self.name}


@keras.saving.register_keras_serializable("keras_imgen")
class SpatialAttention(layers.Layer):
    """x + attention over its places, or from its places to a sequence (N, S, D) with its mask (N, S); x is (N, H, W, C).

    Args:
        positions: whether it knows where a place is, by `layers.Positions`.
        frames: x are the frames of clips, so many of each, to which sequence and mask belong; None of pictures.
    """

    def __init__(self, positions: bool = False, frames: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.positions, self.frames = positions, frames

    def build(self, x_shape: tuple, sequence_shape: tuple | None = None, keep_shape: tuple | None = None) -> None:
        channels = x_shape[-1]
        heads = channels // 32 if channels % 32 == 0 else 1
        self.norm = GroupNorm(dtype=self.dtype_policy)
        self.attention = Attention(heads, dtype=self.dtype_policy)
        if self.positions:
            self.places = Positions(dtype=self.dtype_policy)
            self.places.build(x_shape)
        self.norm.build(x_shape)
        self.attention.build((x_shape[0], None, channels), sequence_shape)

    def call(self, x: Any, sequence: Any = None, keep: Any = None) -> Any:
        shape = keras.ops.shape(x)
        tokens = self.norm(x)
        if self.frames is not None and sequence is not None:
            sequence = keras.ops.repeat(sequence, self.frames, axis=0)
            keep = None if keep is None else keras.ops.repeat(keep, self.frames, axis=0)
        if self.positions:
            tokens = self.places(tokens)
        else:
            tokens = keras.ops.reshape(tokens, (shape[0], shape[1] * shape[2], shape[3]))
        return x + keras.ops.reshape(self.attention(tokens, sequence, keep), shape)

    def compute_output_shape(
        self, x_shape: tuple, sequence_shape: tuple | None = None, keep_shape: tuple | None = None
    ) -> tuple:
        return x_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "positions": self.positions, "frames": self.frames}


def unet(
    image_shape: tuple[int, ...],
    widths: tuple[int, ...] = (32, 64, 96, 128),
    depth: int = 2,
    attention: tuple[int, ...] = (8,),
    num_classes: int | None = None,
    vector_dim: int | None = None,
    sequence_dim: int | None = None,
    dropout: float = 0.0,
    source_channels: int | None = None,
    out_channels: int | None = None,
    log_snr: bool = True,
    positions: bool = False,
    name: str = "unet",
) -> keras.Model:
    """A U-Net, called with a dict of `image` (N, H, W, C), `log_snr` (N,) and the conditions it was made with.

    Of clips (N, F, H, W, C) it is factorised in space and time (Ho et al. 2022, "Video Diffusion Models"): all of the above works on every
    frame by itself, and after each block look `TemporalConv` and, where there is attention, `TemporalAttention` from frame to frame. At the
    start they are the identity: with the weights of a network of pictures, by `copy_weights`, it does to every frame what that does.

    Args:
        image_shape: (height, width, channels), or of clips (frames, height, width, channels); other heights and widths that the stride
            2^(len(widths) - 1) divides work as well.
        widths: channels at each resolution, each half of the one before.
        depth: residual blocks at each resolution.
        attention: resolutions (heights at `image_shape`) with self-attention, and cross-attention to the sequence.
        num_classes: adds the input `label` (N,), 0..num_classes, where num_classes is no label.
        vector_dim: adds the input `vector` (N, vector_dim).
        sequence_dim: adds the input `sequence` (N, S, sequence_dim), as from a text encoder.
        dropout: rate in [0, 1) between the two convolutions of a block.
        source_channels: adds the input `source`, a picture uint8 (N, H, W, source_channels) that the new one is made of, or the clip, as
            its first frame.
        out_channels: of the output; None is those of the images.
        log_snr: whether it is told the noise level, as for diffusion; without the input is left out.
        positions: whether attention is told where in the picture it is, by sines and cosines; without, zeros beyond the edge tell.
        name: of the model.

    Returns:
        A model with float32 output (N, H, W, out_channels), or (N, F, H, W, out_channels), zero at the start.

    Raises:
        ValueError: a size that the stride does not divide; widths that 4 does not, with `positions`, or odd ones, of clips.
    """
    return UNet(
        image_shape,
        widths,
        depth,
        attention,
        num_classes,
        vector_dim,
        sequence_dim,
        dropout,
        source_channels,
        out_channels,
        log_snr,
        positions,
        name=name,
    )
