"""Films as folders of pictures: nothing is lost, and their times lie beside them in film.json."""

import json
import math
import os
import re
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from keras_imgen.data import image_io
from keras_imgen.data.files import parse_json, read_text, shown, warn_of_lost_frames, write_text
from keras_imgen.data.film_frame import Facts, Frame

TIMES = "film.json"


class FrameFolder:
    """See `Film`."""

    def __init__(self, path: str, alpha: bool):
        self.path, self.channels = path, 4 if alpha else 3
        self.lost: str | None = None
        names = [name for name in os.listdir(path) if not name.startswith(".")]  # as what macOS puts beside each file
        names = [name for name in names if os.path.splitext(name)[1].lower() in image_io.endings()]
        self.names = sorted(names, key=lambda n: [(int(d or -1), r) for d, r in re.findall(r"(\d*)(\D*)", n)])
        if not self.names:
            raise ValueError(f"There are no pictures in {shown(path)}.")
        rate, self._times, last = self._told()
        clock = math.lcm(rate.numerator, *(time.denominator for time in self._times))
        self._ends = [*self._times[1:], self._times[-1] + last]
        self.facts = Facts(rate, self._load(0).shape[:2], len(names), self._ends[-1], Fraction(1, clock))

    def read(self, start: Fraction) -> Iterator[Frame]:
        """See `Film.read`."""
        lost = 0
        for k, (time, end) in enumerate(zip(self._times, self._ends)):
            if end <= start:
                continue
            try:
                image = self._load(k)
            except ValueError:
                lost += 1
                continue
            if image.shape[:2] != self.facts.size:
                (height, width), name = self.facts.size, shown(os.path.join(self.path, self.names[k]))
                raise ValueError(f"{name} is {image.shape[1]}x{image.shape[0]}, the first frame {width}x{height}.")
            yield Frame(image, time, end - time)
        if lost:
            self.lost = warn_of_lost_frames(self.path, len(self.names) - lost, len(self.names), stacklevel=3)

    def times(self) -> list[Fraction]:
        """See `Film.times`."""
        return [*self._times]

    def _load(self, k):
        return image_io.load_image(os.path.join(self.path, self.names[k]), self.channels, background=0)

    def _told(self):
        """The rate, the time of each picture, and how long the last one is seen."""
        path = os.path.join(self.path, TIMES)
        if not os.path.isfile(path):
            rate = Fraction(25)
            return rate, [k / rate for k in range(len(self.names))], 1 / rate
        try:
            told = parse_json(read_text(path), shown(path))
            rate, times, last = Fraction(told["rate"]), [Fraction(t) for t in told["times"]], Fraction(told["last"])
        except (TypeError, KeyError, ZeroDivisionError) as error:
            raise ValueError(f"{shown(path)} is not in the form of a film's times: {error!r}.") from None
        if len(times) != len(self.names):
            raise ValueError(
                f"{shown(path)} has {len(times)} times of {len(self.names)} pictures: remove it, or bring them back."
            )
        return rate, times, last


class FolderSink:
    """See `FilmWriter`."""

    def __init__(self, path: str, rate: Fraction):
        self.path, self.rate, self.times, self.last = path, rate, [], 1 / rate
        os.mkdir(path)

    def put(self, image: np.ndarray, time: Fraction, duration: Fraction) -> None:
        """One more frame."""
        image_io.save_image(os.path.join(self.path, f"{len(self.times):06d}.png"), image)
        self.times.append(str(time))
        self.last = duration

    def close(self) -> None:
        """The times come last."""
        told = {"rate": str(self.rate), "times": self.times, "last": str(self.last)}
        write_text(os.path.join(self.path, TIMES), json.dumps(told))

    def abort(self) -> None:
        """Nothing is open."""
