"""Picture files in a folder; sub-folders are classes."""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_imgen.data import image_io
from keras_imgen.data.files import below, one_line, shown, warn_of_frames, warn_of_skipped
from keras_imgen.data.sources.base import NoSplit, Request, Source

SPLITS = ("train", "test", "validation", "val")


def find(path: str, request: Request) -> Source:
    """Every picture file below `path`, in the order of its names.

    Each is decoded once before training; what cannot be read is skipped, named in a warning and in `skipped`; of animations the first
    frame is taken, with a warning. A folder with the sub-folders `train`, `test` or `val` has these splits.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no picture in it, or pictures of different sizes and no `size`.
    """
    path = os.path.expanduser(path)
    if not os.path.isdir(path):
        raise FileNotFoundError(f"There is no folder {path}.")
    splits = [s for s in SPLITS if os.path.isdir(os.path.join(path, s))]
    if splits and request.split != "all":
        wanted = "val" if request.split == "validation" and "val" in splits else request.split
        if wanted not in splits:
            raise NoSplit(f"{path} has no split {request.split!r}. Expected one of: {', '.join(splits)}.")
        path = os.path.join(path, wanted)
    elif not splits and request.split not in ("train", "all"):
        raise NoSplit(f"{path} has no sub-folder {request.split!r}: use split='all', or make one.")
    files = below(path)
    channels, shapes, frames, bad = request.channels, {}, {}, []

    def look(name):
        whole_name = os.path.join(path, name)
        try:
            image = image_io.load_image(whole_name, channels)
            frames[name] = image_io.frames(whole_name)
            return name, image.shape, None
        except ValueError as error:
            return name, None, str(error).replace(shown(whole_name), shown(name))
        except OSError as error:
            return name, None, f"{shown(name)} cannot be opened: {one_line(error)}."

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, shape, problem in pool.map(look, files):
            if problem:
                bad.append(problem)
            else:
                shapes[name] = shape
    warn_of_skipped(path, bad, len(files), stacklevel=4)
    warn_of_frames(path, frames, stacklevel=4)
    if not shapes:
        raise ValueError(f"There are no pictures in {path}: {len(files)} files, none that can be read.")
    if channels is None:  # one form for all: colour where any has it
        channels = 1 if {s[-1] for s in shapes.values()} == {1} else 3
    sizes = {s[:2] for s in shapes.values()}
    if request.size is None and len(sizes) > 1:
        raise ValueError(f"The pictures in {path} have {len(sizes)} different sizes: pass size=... to `load`.")
    size = request.size or sizes.pop()
    names = list(shapes)
    classes = sorted({name.split(os.sep)[0] for name in names if os.sep in name})
    flat = [name for name in names if os.sep not in name]
    if classes and flat:
        warnings.warn(
            f"{path}: {len(flat)} pictures lie beside the class folders and are left out, as {shown(flat[0])}.",
            stacklevel=4,
        )
        names = [name for name in names if os.sep in name]
        bad += [f"{shown(name)} lies beside the class folders." for name in flat]
    wanted = Request(request.split, size, channels, request.resize)

    def read(k):
        return wanted.fit(image_io.load_image(os.path.join(path, names[k]), channels))

    def fetch(rows):
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            batch = {"image": np.stack(list(pool.map(read, rows)))}
        if classes:
            labels = [classes.index(names[k].split(os.sep)[0]) for k in rows]
            batch["label"] = np.array(labels, "int32")
        return batch

    class_names = [shown(name) for name in classes] or None
    return Source(len(names), (*size, channels), fetch, class_names, slow=True, skipped=bad)
