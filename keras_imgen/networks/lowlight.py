"""Light for dark pictures, learned from pairs: a gain for each place, and the noise."""

import keras
from keras import layers

from keras_imgen.layers import Brighten, CropLike, LogLight, PadToMultiple, PixelShuffle, PixelUnshuffle, Planes
from keras_imgen.networks.residual_unet import compact_widths, residual_unet

SMOOTH = 8  # places at half the resolution that share a gain
OUT = 24  # features, of which noise and gains are made


def lowlight_unet(
    channels: int = 3,
    width: int = 32,
    blocks: tuple[int, ...] = (1, 2, 2),
    whole: int = 64,
    name: str = "lowlight_unet",
) -> keras.Model:
    """Our own: what is too much, noise, is subtracted, then the light is multiplied by a smooth map, by less where it is bright.

    Called with `image` (N, H, W, C) in [-1, 1], `whole` (N, whole, whole, 1), the luma of the whole picture of which the image may be a
    tile, `exposure` (N,), stops by which it is to be brighter than the network finds right, and `grain` (N,), the share of the noise that
    stays. A U-Net at half the resolution sees the picture, the logarithm of its light, and the whole in a few numbers. The stops that it
    gives are means over 16 x 16 pixels, with slopes between them (after HDRnet, Gharbi et al. 2017, local and global features, and
    illumination as a smooth map, Wang et al. 2019, "Underexposed Photo Enhancement"). What is smooth over 33 x 33 pixels of what is
    subtracted is no noise: a veil of light, and all of it goes. `layers.Brighten` keeps white white. It starts as the
    identity.

    Args:
        channels: of the picture.
        width: features at half the resolution; 4/3 and 2 times as many at a quarter and an eighth.
        blocks: residual blocks of each of at most four resolutions, see `residual_unet`.
        whole: side of the small picture, in pixels, a multiple of 8.
        name: of the model.

    Raises:
        ValueError: blocks for no resolution, or for more than four.
    """
    widths = compact_widths(width, blocks)
    image, small = keras.Input((None, None, channels), name="image"), keras.Input((whole, whole, 1), name="whole")
    exposure, grain = keras.Input((), name="exposure"), keras.Input((), name="grain")

    seen = LogLight(name="whole_light")(small)
    for k, features in enumerate((16, 32, 32)):
        seen = layers.Conv2D(features, 3, 2, "same", activation="relu", name=f"whole_conv{k}")(seen)
    seen = layers.GlobalAveragePooling2D(name="whole_mean")(seen)
    seen = layers.Dense(16, activation="relu", name="whole_out")(seen)

    h = PixelUnshuffle(2, name="unshuffle")(PadToMultiple(2 * SMOOTH, name="pad")(LogLight(name="light")(image)))
    h = residual_unet(Planes(name="whole_beside")([h, seen]), OUT, widths, blocks, late_skips=True)

    start = {"kernel_initializer": "zeros", "dtype": "float32"}
    noise = PixelShuffle(2, dtype="float32", name="shuffle")(layers.Conv2D(4 * channels, 1, name="noise", **start)(h))
    noise = CropLike(dtype="float32", name="noise_crop")([noise, image])
    veil = _means(noise, 4 * SMOOTH + 1, "veil")  # as around a lamp, of which no share stays
    noise = layers.Subtract(dtype="float32", name="noise_alone")([noise, veil])
    taken = layers.Rescaling(-1.0, 1.0, dtype="float32", name="taken_share")(grain)
    taken = layers.Reshape((1, 1, 1), name="taken")(taken)
    noise = layers.Multiply(dtype="float32", name="noise_taken")([noise, taken])
    stops = layers.Conv2D(1, 1, name="stops", **start)(layers.AveragePooling2D(SMOOTH, name="smooth")(h))
    stops = layers.UpSampling2D(2 * SMOOTH, dtype="float32", name="stops_everywhere")(stops)
    stops = _means(stops, 2 * SMOOTH + 1, "stops")  # steps become slopes
    stops = CropLike(dtype="float32", name="stops_crop")([stops, image])
    shared = layers.Add(dtype="float32", name="stops_shared")(
        [layers.Dense(1, name="whole_stops", **start)(seen), layers.Reshape((1,), name="exposure_row")(exposure)]
    )
    stops = layers.Add(dtype="float32", name="stops_all")([stops, layers.Reshape((1, 1, 1), name="shared")(shared)])
    clean = layers.Subtract(dtype="float32", name="clear")([image, veil])
    clean = layers.Subtract(dtype="float32", name="clean")([clean, noise])
    out = Brighten(dtype="float32", name="out")([clean, stops])
    return keras.Model({"image": image, "whole": small, "exposure": exposure, "grain": grain}, out, name=name)


def _means(h, side, name):
    """Over squares around each pixel."""
    for axis, sides in (("rows", (side, 1)), ("columns", (1, side))):
        h = layers.AveragePooling2D(sides, 1, "same", dtype="float32", name=f"{name}_{axis}")(h)
    return h
