"""Clips out of the films of a folder: no clip spans a cut."""

import os
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np

from keras_imgen.data import image_io
from keras_imgen.data.cuts import is_cut
from keras_imgen.data.files import below, one_line, shown, warn_of_skipped
from keras_imgen.data.film import Film
from keras_imgen.data.sources.base import Request, Source
from keras_imgen.data.sources.splits import part_of_folder

FILMS = ".mp4 .m4v .mov .avi .mkv .webm .gif .apng .mpg .mpeg .wmv .flv .ts .m2ts .3gp .ogv".split()
DRAWS = 50  # until a place without a cut is found


def find(path: str, request: Request) -> Source:
    """Runs of frames of the films below `path`; sub-folders with two pictures or more are films too.

    Keys: `clip` uint8 (frames, H, W, C), if frames are asked for, and `image`, its first frame. A film of n frames gives n // length
    clips, one of each stretch of `length` = (frames - 1) stride + 1 frames, from a place in it that is drawn by (seed, film, number), or
    anywhere where a cut lies there. Only what lies between a key frame and the clip's end is decoded. What cannot be read, or is too
    short, is skipped and named. A folder with the sub-folders `train`, `test` or `val` has these splits.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no film in it, films of different sizes and no `size`, or, on reading, none without a cut in 50 draws.
    """
    root, part = part_of_folder(path, request.split)
    path = os.path.join(root, part) if part else root
    films, skipped, times = {}, [], {}
    length = ((request.frames or 1) - 1) * request.stride + 1
    names = sorted(_names(path))
    for name in names:
        try:
            film = Film(os.path.join(path, name))
            found = film.times()
        except (ValueError, OSError) as error:
            skipped.append(f"{one_line(error).replace(shown(os.path.join(path, name)), shown(name))}.")
            continue
        if len(found) < length:
            skipped.append(f"{shown(name)} has {len(found)} frames, fewer than {length}.")
        else:
            films[name], times[name] = film, found
    warn_of_skipped(path, skipped, len(names), stacklevel=4)
    if not films:
        raise ValueError(f"There are no films in {path}: {len(names)} files, none that can be used.")
    sizes = {film.size for film in films.values()}
    if request.size is None and len(sizes) > 1:
        raise ValueError(f"The films in {path} have {len(sizes)} different sizes: pass size=... to `load`.")
    rows = [(name, k) for name in films for k in range(len(times[name]) // length)]
    numbers = {name: k for k, name in enumerate(films)}

    def one(row):
        name, k = rows[row]
        rng = np.random.default_rng([request.seed & 0x7FFFFFFF, numbers[name], k])
        last = len(times[name]) - length
        for draw in range(DRAWS):
            begin = rng.integers(last + 1) if draw else min(k * length + rng.integers(length), last)
            clip = _run(films[name], times[name][begin], length)
            if clip is not None:
                return np.stack([request.fit(frame) for frame in clip[:: request.stride]])
        raise ValueError(f"{shown(name)}: in {DRAWS} draws no {length} frames without a cut: ask for shorter clips.")

    def fetch(rows):
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            clips = np.stack(list(pool.map(one, rows)))
        return {"image": clips[:, 0]} | ({"clip": clips} if request.frames else {})

    size = request.size or sizes.pop()
    return Source(len(rows), (*size, request.channels or 3), fetch, slow=True, skipped=skipped)


def _names(path: str) -> Iterator[str]:
    pictures, folders = image_io.endings() - {".gif", ".apng"}, defaultdict(int)
    for name in below(path):
        ending = os.path.splitext(name)[1].lower()
        if ending in FILMS:
            yield name
        elif ending in pictures:
            folders[os.path.dirname(name)] += 1
    yield from (folder for folder, count in folders.items() if count > 1 and folder)


def _run(film, begin, length):
    """So many frames from a time on; None if a cut lies between them, or some cannot be read."""
    found = []
    for frame in islice(film.read(begin), length):
        if found and is_cut(found[-1], frame.image):
            return None
        found.append(frame.image)
    return found if len(found) == length else None
