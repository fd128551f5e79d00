"""Two handwritten digits that move through a square and bounce off its edges, as in Moving MNIST (Srivastava et al. 2015)."""

import cv2
import numpy as np

from keras_imgen.data import image_io
from keras_imgen.data.sources.base import Request, Source
from keras_imgen.data.sources.fashion_mnist import read_idx
from keras_imgen.data.sources.shapes import asked

COUNTS = {"train": 20_000, "validation": 1_000, "test": 2_000}
PARTS = {"train": (0, 8), "validation": (8, 9), "test": (9, 10)}  # of every ten hundreds of scans: mostly other hands
DIGIT, SPEED = 28 / 64, 3.6 / 64  # side of a digit and its way from frame to frame, as shares of the square


def digits(request: Request) -> tuple[np.ndarray, np.ndarray]:
    """Scans uint8 (N, H, W) and what they show, int32: the test scans of MNIST where they are in `data_dir` or in the folder mnist10k under
    KERAS_IMGEN_DATA, else those of scikit-learn, 8x8."""
    try:
        scans, shown = (read_idx(request.file("mnist10k", f"t10k-{kind}.gz")) for kind in _FILES)
    except FileNotFoundError:
        from sklearn.datasets import load_digits

        scans, shown = load_digits(return_X_y=True)
        scans = np.round(scans.reshape(-1, 8, 8) * (255 / 16)).astype("uint8")
    return scans, shown.astype("int32")


_FILES = "images-idx3-ubyte", "labels-idx1-ubyte"


def find(_: str, request: Request, seed: int = 0) -> Source:
    """Keys: `clip` uint8 (frames, H, W, 1), if frames are asked for; `image`, its first frame; `digits` int32 (2,), which they are.

    No scan is in two splits. Both go straight on at one speed; where they overlap the brighter one shows.

    Args:
        _: nothing.
        request: squares of 32 to 128 pixels, by default 64.
        seed: of all clips.

    Raises:
        NoSplit: another split than train, validation, test, all.
        ValueError: another size, or fewer than one frame.
    """
    size, numbers = asked("moving_digits", request, COUNTS, sizes=(32, 128), own=64)
    scans, shown = digits(request)
    own = {
        split: np.flatnonzero((np.arange(len(scans)) // 100 % 10 >= first) & (np.arange(len(scans)) // 100 % 10 < end))
        for split, (first, end) in PARTS.items()
    }
    side = round(size * DIGIT)

    def one(k):
        split, number = numbers[k]
        rng = np.random.default_rng([seed, *split.encode(), number])
        chosen, angle = rng.choice(own[split], 2), rng.uniform(0, 2 * np.pi, 2)
        way = SPEED * size * np.arange(request.frames or 1)[:, None, None] * np.stack([np.sin(angle), np.cos(angle)], 1)
        span = size - side
        place = (rng.uniform(0, span, (2, 2)) + way) % (2 * span)  # (frames, 2 digits, down and right)
        place = np.minimum(place, 2 * span - place).round().astype(int)
        clip = np.zeros((len(place), size, size), "uint8")
        for digit, scan in enumerate(chosen):
            drawn = cv2.resize(scans[scan], (side, side), interpolation=cv2.INTER_CUBIC)
            for frame, (top, left) in zip(clip, place[:, digit]):
                part = frame[top : top + side, left : left + side]
                np.maximum(part, drawn, out=part)
        clip = image_io.with_channels(clip[..., None], request.channels)
        row = {"image": clip[0], "digits": shown[chosen]}
        return row | ({"clip": clip} if request.frames else {})

    def fetch(rows):
        made = [one(int(k)) for k in rows]
        return {key: np.stack([row[key] for row in made]) for key in made[0]}

    return Source(len(numbers), (size, size, request.channels or 1), fetch)
