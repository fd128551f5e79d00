"""What is known of a film, and of a frame of it."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from keras_imgen.data.film_colour import Colours


class Frame(NamedTuple):
    """A frame of a film.

    Args:
        image: uint8 (H, W, 3), or (H, W, 4) with alpha.
        time: when it is first seen, in seconds.
        duration: how long it is seen, in seconds.
    """

    image: np.ndarray
    time: Fraction
    duration: Fraction


class Facts(NamedTuple):
    """What a film's header and its first frame say. Times are in seconds.

    Args:
        rate: frames in a second; of a variable one the mean.
        size: (height, width) of an upright frame.
        count: of the frames, None where the file does not say.
        duration: of the film, None where the file does not say.
        time_base: of its time stamps, as 1/24000.
        colours: what its numbers mean.
        aspect: width of a pixel by its height.
        sound: codec of its first audio track, as "aac", or "unknown"; None without.
        origin: what its own clock shows when the film begins.
    """

    rate: Fraction
    size: tuple[int, int]
    count: int | None
    duration: Fraction | None
    time_base: Fraction
    colours: Colours = Colours()
    aspect: Fraction = Fraction(1)
    sound: str | None = None
    origin: Fraction = Fraction(0)
