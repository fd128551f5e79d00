"""Picture files, each looked at once before it is used."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_imgen.data import image_io
from keras_imgen.data.files import one_line, shown, warn_of_frames, warn_of_skipped
from keras_imgen.data.sources.base import Request


class PictureFiles:
    """The files of a folder that can be read as pictures: `names`, and the `shape` that they are brought to.

    What cannot be read is named in a warning and in `skipped`; of animations the first frame is taken, with a warning.

    Args:
        folder: that holds them.
        files: their paths in it.
        request: size and channels that are wanted; None keeps the size, and takes gray where all are gray.
        skipped: a sentence for each file that was left out before.

    Raises:
        ValueError: none that can be read, or pictures of different sizes and no size that is wanted.
    """

    def __init__(self, folder: str, files: list[str], request: Request, skipped: Iterable[str] = ()):
        self.folder, self.skipped, shapes, frames = folder, [*skipped], {}, {}
        count, channels = len(files) + len(self.skipped), request.channels

        def look(name):
            path = os.path.join(folder, name)
            try:
                shape = image_io.load_image(path, channels).shape
                frames[name] = image_io.frames(path)
                return name, shape, None
            except ValueError as error:
                return name, None, str(error).replace(shown(path), shown(name))
            except OSError as error:
                return name, None, f"{shown(name)} cannot be opened: {one_line(error)}."

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for name, shape, problem in pool.map(look, files):
                if problem:
                    self.skipped.append(problem)
                else:
                    shapes[name] = shape
        warn_of_skipped(folder, self.skipped, count, stacklevel=5)
        warn_of_frames(folder, frames, stacklevel=5)
        if not shapes:
            raise ValueError(f"There are no pictures in {folder}: {count} files, none that can be read.")
        if channels is None:  # one form for all: colour where any has it
            channels = 1 if {s[-1] for s in shapes.values()} == {1} else 3
        sizes = {s[:2] for s in shapes.values()}
        if request.size is None and len(sizes) > 1:
            raise ValueError(f"The pictures in {folder} have {len(sizes)} different sizes: pass size=... to `load`.")
        size = request.size or sizes.pop()
        self.names, self.shape = [*shapes], (*size, channels)
        self._wanted = Request(request.split, size, channels, request.resize)

    def fetch(self, rows: np.ndarray) -> np.ndarray:
        """uint8 (rows, *shape) of the names with these numbers."""

        def read(k):
            path = os.path.join(self.folder, self.names[k])
            return self._wanted.fit(image_io.load_image(path, self._wanted.channels))

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return np.stack(list(pool.map(read, rows)))
