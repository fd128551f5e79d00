"""`Film`: any film or folder of frames, read as a stream: upright RGB pictures with their exact times."""

import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from keras_imgen.data.files import shown
from keras_imgen.data.film_frame import Facts, Frame


class Film:
    """A film: MP4, MOV, AVI, MKV, WebM, GIF, APNG and whatever else PyAV reads, or a folder of pictures in the order of their names.

    Going through it gives each `Frame`, turned upright, in constant memory, again and again. `facts` says what is known beforehand. A
    folder has 25 frames a second, or what its film.json says (see `FilmWriter`).

    Args:
        path: of a file, or of a folder.
        alpha: keep it, as a fourth channel; otherwise what is transparent lies over black.
        pixels: of a frame of a file: of much more, from a million on, none is decoded, whatever the file says of itself; None is any.
        kinds: of files that are read, by FFmpeg's names, as "mov" or "gif"; None is all that it knows, play lists among them.

    Raises:
        FileNotFoundError: there is none.
        ValueError: no frame of it can be read.
        ModuleNotFoundError: a file, and PyAV is not installed.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        alpha: bool = False,
        *,
        pixels: int | None = None,
        kinds: Sequence[str] | None = None,
    ):
        self.path = os.fspath(path)
        if not os.path.exists(self.path):
            raise FileNotFoundError(f"There is no {shown(self.path)}.")
        if os.path.isdir(self.path):
            from keras_imgen.data.film_folder import FrameFolder

            self._reader: Any = FrameFolder(self.path, alpha)
        else:
            from keras_imgen.data.film_file import FilmFile

            self._reader = FilmFile(self.path, alpha, pixels, kinds)
        self.facts: Facts = self._reader.facts

    def __iter__(self) -> Iterator[Frame]:
        return self.read()

    def __getattr__(self, name: str) -> Any:  # film.rate is film.facts.rate
        if name in Facts._fields:
            return getattr(self.facts, name)
        raise AttributeError(f"A Film has no {name!r}: it has {', '.join(Facts._fields)}.")

    def read(self, start: Fraction | float = 0) -> Iterator[Frame]:
        """The frames that are seen from a time on; the first may have begun before. Of MP4, MOV, MKV and WebM what lies before the key
        frame there is not decoded.

        What is damaged or cut off is said in a warning, with how many frames could be read, when the last of them is reached.

        Args:
            start: in seconds.
        """
        return self._reader.read(Fraction(start))

    def times(self) -> list[Fraction]:
        """When each frame is seen, in seconds; nothing is decoded."""
        return self._reader.times()

    @property
    def lost(self) -> str | None:
        """What was damaged or cut off, in a sentence, once the last frame is reached; None for nothing."""
        return self._reader.lost

    @property
    def length(self) -> int | None:
        """How many frames to expect, to show how far it is."""
        return self.count or (round(self.duration * self.rate) if self.duration else None)
