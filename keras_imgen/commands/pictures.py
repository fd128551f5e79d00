"""The pictures in a folder."""

import os

from keras_imgen.data import image_io
from keras_imgen.data.files import one_line, shown, warn_of_frames, warn_of_skipped


def by_name(folder: str) -> dict[str, str]:
    """The pictures of a folder: their names without ending, and paths; what is no picture is skipped, and of animations the first
    frame taken, with a warning.

    Raises:
        ValueError: no pictures, two of one name.
    """
    paths = {n: os.path.join(folder, n) for n in sorted(os.listdir(folder)) if not n.startswith(".")}
    paths = {name: path for name, path in paths.items() if not os.path.isdir(path)}
    found, frames, bad = {}, {}, []
    for name, path in paths.items():
        try:
            image_io.load_image(path)
        except (ValueError, FileNotFoundError) as error:  # as of a link to a file that is gone
            bad.append(str(error) if isinstance(error, ValueError) else f"{shown(path)}: {one_line(error)}.")
            continue
        frames[name] = image_io.frames(path)
        if (stem := os.path.splitext(name)[0]) in found:
            raise ValueError(f"{folder} has two pictures named {stem}.")
        found[stem] = path
    warn_of_skipped(folder, bad, len(paths), stacklevel=2)
    warn_of_frames(folder, frames, stacklevel=2)
    if not found:
        raise ValueError(f"There are no pictures in {folder}.")
    return found
