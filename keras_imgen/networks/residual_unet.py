"""The residual U-Net that denoisers and the small inpainter share."""

from collections.abc import Sequence
from typing import Any

from keras import layers

from keras_imgen.layers.initial import SMALL


def residual_unet(
    h: Any,
    channels_out: int,
    widths: Sequence[int],
    blocks: Sequence[int],
    use_bias: bool = True,
    late_skips: bool = False,
    lowest_dilation: int = 1,
    **last: Any,
) -> Any:
    """Residual blocks at each resolution, on the way down and on the way up; what the two ways have at a resolution is added.

    Down by convolutions of 2 x 2 with stride 2, up by their transposes.

    Args:
        h: symbolic (N, H, W, C) whose sides are multiples of 2 ** (len(widths) - 1).
        channels_out: channels of the last convolution.
        widths: features of each resolution, from the highest to the lowest.
        blocks: residual blocks of each resolution, on the way down and on the way up.
        use_bias: of all convolutions.
        late_skips: DRUNet adds what a resolution's blocks on the way down are given, at the end of the way up; True adds what they give, at
            its start, so that their work is not only seen through the resolutions below.
        lowest_dilation: of the lowest blocks' first convolutions, to widen their view.
        **last: arguments of the last convolution, which is float32.

    Returns:
        Symbolic (N, H, W, channels_out).
    """

    def level(h, width, count, name, dilation=1):
        for i in range(count):
            first = {"use_bias": use_bias, "activation": "relu", "dilation_rate": dilation}
            y = conv(h, width, f"{name}_{i}_conv0", **first)
            y = conv(y, width, f"{name}_{i}_conv1", use_bias=use_bias, kernel_initializer=SMALL)
            h = layers.Add(name=f"{name}_{i}_add")([h, y])
        return h

    lowest = len(widths) - 1
    h, starts, ends = conv(h, widths[0], "conv_in", use_bias=use_bias, kernel_initializer="glorot_uniform"), [], []
    for i in range(lowest):
        starts.append(h)
        h = level(h, widths[i], blocks[i], f"down{i}")
        ends.append(h)
        h = layers.Conv2D(widths[i + 1], 2, 2, use_bias=use_bias, name=f"down{i}_half")(h)
    starts.append(h)
    h = level(h, widths[lowest], blocks[lowest], "lowest", lowest_dilation)
    for i in reversed(range(lowest)):
        if not late_skips:
            h = layers.Add(name=f"up{i}_skip")([h, starts[i + 1]])
        h = layers.Conv2DTranspose(widths[i], 2, 2, use_bias=use_bias, name=f"up{i}_double")(h)
        if late_skips:
            h = layers.Add(name=f"up{i}_skip")([h, ends[i]])
        h = level(h, widths[i], blocks[i], f"up{i}")
    h = layers.Add(name="skip_out")([h, starts[0]])
    return layers.Conv2D(channels_out, 3, padding="same", use_bias=use_bias, dtype="float32", name="conv_out", **last)(
        h
    )


def compact_widths(width: int, blocks: Sequence[int]) -> tuple[int, ...]:
    """Features of each resolution of the compact networks: 1, 4/3, 2 and 3 times `width`.

    Args:
        width: features of the highest.
        blocks: residual blocks at each.

    Raises:
        ValueError: blocks for no resolution, or for more than four.
    """
    if not 1 <= len(blocks) <= 4:
        raise ValueError(f"Expected numbers of blocks for 1 to 4 resolutions, got {blocks!r}.")
    return (width, 4 * width // 3, 2 * width, 3 * width)[: len(blocks)]


def conv(h: Any, filters: int, name: str, kernel_initializer: Any = "he_normal", **kwargs: Any) -> Any:
    """A convolution of 3 x 3 that keeps the size.

    Args:
        h: symbolic (N, H, W, C).
        filters: channels of the output.
        name: of the layer.
        kernel_initializer: as Keras' layers take it.
        **kwargs: of `keras.layers.Conv2D`.
    """
    return layers.Conv2D(filters, 3, padding="same", kernel_initializer=kernel_initializer, name=name, **kwargs)(h)
