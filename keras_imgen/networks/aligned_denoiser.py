"""A denoiser of clips that follows what moves: neighbours are laid on a frame along the flow, averaged, and the mean is denoised."""

import keras
from keras import layers, ops

from keras_imgen.layers import Fold, MiddleFrames, RowsAsFrames
from keras_imgen.networks.denoising import without_noise
from keras_imgen.networks.motion import AlongMotion, WeightedMean, weigher


def aligned_denoiser(
    channels: int = 3,
    width: int = 48,
    blocks: tuple[int, ...] = (2, 2, 1),
    radius: int = 2,
    flow: dict[str, int] | None = None,
    name: str = "aligned_denoiser",
) -> keras.Model:
    """Blind; called with a dict of `clip` (N, F, H, W, C) in [-1, 1] -> (N, F - 2 radius, H, W, C), float32, not clipped.

    Every frame is denoised by itself, and in the answers motion is found (as in DVDnet, Tassano et al. 2019). Each noisy neighbour is laid
    on the frame twice, along the flow and as it stands, and a small network weighs these, the frame itself among them, place by place. The
    mean has less noise than the frame; the same denoiser is given it, and how much of the noise is left at each place. Where nothing beside
    is of use, the answer is that of a denoiser of single frames.

    It is for trained weights to begin with, see `begin_with`; the flow does not learn.

    Args:
        channels: of the frames.
        width: of the denoiser, see `networks.compact_denoiser`.
        blocks: of the denoiser.
        radius: frames to each side that are made use of.
        flow: arguments of `networks.flow_interpolator`, which finds the motion; None are its defaults.
        name: of the model.

    Raises:
        ValueError: blocks for no resolution, or for more than four.
    """
    exact = {"dtype": "float32"}
    clip = keras.Input((None, None, None, channels), name="clip")
    denoiser, rows = _denoiser(channels, width, blocks), Fold(name="rows", **exact)(clip)
    clean = RowsAsFrames(name="clean", **exact)([denoiser([rows, ops.ones_like(rows[..., :1])]), clip])
    laid = AlongMotion(radius, {**(flow or {}), "channels": channels}, name="laid", **exact)
    values, seen = laid([clip, clean])
    logits = weigher(seen.shape[-1])(seen)
    middle = Fold(name="middle_rows", **exact)(MiddleFrames(radius, name="middle", **exact)(clip))
    mean, left = WeightedMean(4 * radius, name="mean", **exact)([middle, values, logits])
    h = denoiser([mean, left])
    return keras.Model({"clip": clip}, RowsAsFrames(name="out", **exact)([h, clip]), name=name)


def _denoiser(channels: int, width: int, blocks: tuple[int, ...]) -> keras.Model:
    """`compact_denoiser` that is told how much of the noise is left (N, H, W, 1), too: 1 is all of it."""
    image, left = keras.Input((None, None, channels), name="image"), keras.Input((None, None, 1), name="left")
    seen = layers.Concatenate(name="both")([image, left])
    return keras.Model([image, left], without_noise(image, seen, width, blocks), name="denoiser")
