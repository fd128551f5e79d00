"""Photographs damaged as in `data.degrade`, but by another pipeline than models learn from, in NumPy, OpenCV and Pillow: other curves,
noise, demosaicing, resizing and files. Picture k of a benchmark has the seed k."""

import io

import numpy as np

MATRIX = np.array(
    [[1.64, -0.52, -0.12], [-0.21, 1.49, -0.28], [0.03, -0.50, 1.47]]
)  # camera to display, none of the training's
GAMMA = 2.2


def light(picture):
    """uint8 -> light, 1 of white, by a plain power; what is white was up to four times as bright."""
    return (picture / 255.0) ** GAMMA


def shown(scene):
    return (255 * np.clip(scene, 0, 1) ** (1 / GAMMA) + 0.5).astype("uint8")


def taken(scene, rng, photons=(250, 6000), files=True):
    """A picture uint8 of light (H, W, 3), by a camera that counts so many photons for white: Poisson's, read noise of 2 to 6 of them, 12
    bits, RGGB, OpenCV's edge-aware or variable-gradients demosaicing, a median of the colours, an unsharp mask; then files."""
    import cv2

    white = np.exp(rng.uniform(*np.log(photons)))
    scene = cv2.GaussianBlur(scene, (0, 0), rng.uniform(0.3, 0.6))  # a lens, and the filter before a sensor
    gains = np.array([rng.uniform(1.6, 2.5), 1.0, rng.uniform(1.4, 2.2)])
    raw = np.clip(scene @ np.linalg.inv(MATRIX / MATRIX.sum(1, keepdims=True)).T / gains, 0, 1)
    mosaic = raw[..., 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = raw[::2, ::2, 0], raw[1::2, 1::2, 2]
    counted = rng.poisson(mosaic * white) / white + rng.normal(0, rng.uniform(2, 6) / white, mosaic.shape)
    levels = np.round(np.clip(256 + 3839 * counted, 0, 4095))  # a black level of 256
    sixteen = np.clip((levels - 256) * 16 + 2048, 0, 65535).astype("uint16")
    if rng.random() < 0.5:
        seen = cv2.demosaicing(sixteen, cv2.COLOR_BayerRGGB2RGB_EA).astype("float64")
    else:  # in 8 bits alone: of the square root, so that shadows keep theirs
        root = np.sqrt(np.maximum(sixteen.astype("float64"), 0) / 65535)
        seen = (cv2.demosaicing((255 * root).astype("uint8"), cv2.COLOR_BayerRGGB2RGB_VNG) / 255.0) ** 2 * 65535
    seen = np.clip((seen - 2048) / (3839 * 16) * gains, 0, 1)
    picture = shown(seen @ (MATRIX / MATRIX.sum(1, keepdims=True)).T)
    if rng.random() < 0.6:
        luma = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)
        luma[..., 1:] = np.stack([cv2.medianBlur(luma[..., c].copy(), 3) for c in (1, 2)], -1)
        picture = cv2.cvtColor(luma, cv2.COLOR_YCrCb2RGB)
    amount = rng.uniform(0, 0.6)
    picture = cv2.addWeighted(picture, 1 + amount, cv2.GaussianBlur(picture, (0, 0), 1.1), -amount, 0)
    return filed(picture, rng) if files else picture


def filed(picture, rng):
    """Resized and back with Lanczos in every third picture, then one or two files: JPEG by libjpeg at qualities and subsamplings that
    cameras and sites use, or WebP."""
    from PIL import Image

    image = Image.fromarray(picture)
    if rng.random() < 1 / 3:
        factor = rng.uniform(0.75, 1.3)
        there = tuple(max(1, round(factor * n)) for n in image.size)
        image = image.resize(there, Image.Resampling.LANCZOS).resize(image.size, Image.Resampling.HAMMING)
    for _ in range(rng.integers(1, 3)):
        file = io.BytesIO()
        if rng.random() < 0.3:
            image.save(file, "WEBP", quality=int(rng.integers(60, 95)), method=4)
        else:
            image.save(file, "JPEG", quality=int(rng.integers(55, 96)), subsampling=int(rng.choice([0, 1, 2])))
        image = Image.open(file).convert("RGB")
    return np.asarray(image)


def in_the_dark(picture, rng, stops):
    """(a dark picture with lamps, the scene in good light with the same lamps), uint8: Gaussian lamps and halos, light that varies over the
    picture, then `taken`."""
    import cv2

    height, width = picture.shape[:2]
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    uneven = cv2.GaussianBlur(rng.normal(0, 1, (height, width)), (0, 0), max(height, width) / 6)
    lack = np.maximum(stops + 0.6 * uneven / (uneven.std() + 1e-9) * min(1.0, stops), 0)
    lamps = np.zeros((height, width, 3))
    for _ in range(rng.integers(1, 4)):
        distance2 = (rows - rng.uniform(0, height / max(height, width))) ** 2 + (columns - rng.uniform(0, 1)) ** 2
        size, colour = rng.uniform(0.008, 0.03), 2.0 ** (rng.uniform(-0.2, 0.6) * np.array([1.0, 0.0, -1.0]))
        profile = 6 * np.exp(-distance2 / size**2) + rng.uniform(0.1, 0.5) * np.exp(-distance2 / (6 * size) ** 2)
        lamps += profile[..., None] * colour
    scene = light(picture)
    beyond = np.where(picture >= 250, rng.uniform(1, 5), 1.0)
    return taken(scene * beyond * 2.0 ** -lack[..., None] + lamps, rng, (1500, 12000)), shown(scene + lamps)


def small(picture, scale, rng):
    """1/scale of the size, blurred a little, by Pillow's box or Lanczos, with a camera's noise, out of files."""
    import cv2
    from PIL import Image

    blurred = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 0.5 * scale))
    size = (picture.shape[1] // scale, picture.shape[0] // scale)
    how = Image.Resampling.BOX if rng.random() < 0.5 else Image.Resampling.LANCZOS
    return taken(light(np.asarray(Image.fromarray(blurred).resize(size, how))), rng, (1500, 20000))
