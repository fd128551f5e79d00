"""Picture files, folders and globs through something that answers pictures with pictures, each problem named, none in the way of the
rest."""

import glob
import os
import sys
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from keras_imgen.commands import comparing
from keras_imgen.data import image_io, photo_files
from keras_imgen.data.files import LONGEST, below, newer, one_line, shortened, shown, warn_of_skipped

Answer = Callable[[np.ndarray, str, str | None], np.ndarray]


@dataclass(frozen=True)
class Writing:
    """How answers are written.

    Args:
        kind: a key of `photo_files.FORMATS`, or "same": as each picture, where that is one of these.
        quality: of JPEG and WebP, 1 to 100.
        gps: keep where pictures were taken.
        srgb: colours in sRGB, in place of each picture's own profile.
        whole: with the EXIF of the pictures.
    """

    kind: str = "png"
    quality: int = 95
    gps: bool = False
    srgb: bool = True
    whole: bool = False

    def ending(self, path: str) -> str:
        """Of the answer to the picture of this path."""
        if self.kind != "same":
            return photo_files.FORMATS[self.kind]
        return _ending(path) if _ending(path) in photo_files.SAME else ".png"


def _ending(path):
    return os.path.splitext(path)[1].lower()


PNG = Writing()  # of what makes other pictures of pictures


def find(inputs: list[str], out: str | None = None, writing: Writing = PNG) -> dict[str, str]:
    """Paths by the name of their answer: of files, of pictures in folders and below, of what globs match. What lies in the folder `out`,
    earlier answers, is left out, and the folder itself beside other inputs, as a shell's * names it; files of a folder that do not end as
    pictures do are passed over with a warning.

    A name is the path below the folder, with the ending of its kind, and with the file's own ending before it where two would be alike.
    One that would be longer than a name may be is cut.

    Args:
        inputs: paths of files and folders, and globs.
        out: the folder of the answers.
        writing: what the answers are written as.

    Raises:
        FileNotFoundError: an input that is not there, or in which there is no picture.
        ValueError: two answers of one name, or answers that would lie among the pictures or take their place.
    """
    files, endings = [], image_io.endings()
    others = [given for given in inputs if out is None or not os.path.isdir(given) or not _same(given, out)]
    if not others and inputs:
        raise ValueError(f"The answers would lie among the pictures of {inputs[0]}: choose another --out.")
    for given in others:
        if os.path.isdir(given):
            every = below(given, out)
            found = [(n, os.path.join(given, n)) for n in every if os.path.splitext(n)[1].lower() in endings]
            taken = {name for name, _ in found}
            passed = [f"{shown(name)} does not end as a picture does." for name in every if name not in taken]
            warn_of_skipped(given, passed, len(every), stacklevel=2)
        elif os.path.isfile(given):
            found = [(os.path.basename(given), given)]
        else:
            matches = [p for p in glob.glob(given, recursive=True) if os.path.isfile(p)]
            if out is not None and _below(out, _root(given)):
                matches = [p for p in matches if not _below(p, out)]
            found = [(os.path.basename(path), path) for path in matches]
        if not found:
            there = "no pictures in" if os.path.isdir(given) else "no file, folder or match for"
            raise FileNotFoundError(f"There is {there} {given}.")
        files += sorted(found)
    files = list({os.path.realpath(path): (name, path) for name, path in files}.values())
    if writing.kind == "same" and (others := [p for _, p in files if writing.ending(p) != _ending(p)]):
        named = ", ".join(map(shown, others[:5])) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        warnings.warn(f"Files of these kinds are not written, their answers are PNG: {named}.", stacklevel=2)
    wanted = [os.path.splitext(name)[0] + writing.ending(name) for name, _ in files]
    counts = Counter(map(_alike, wanted))
    answers, taken = {}, {}
    for plain, (name, path) in zip(wanted, files):
        ending = writing.ending(name)
        folder, base = os.path.split(plain.removesuffix(ending) if counts[_alike(plain)] == 1 else name)
        answer = os.path.join(folder, shortened(base, LONGEST - len(ending)) + ending)
        key = _alike(answer) if sys.platform in ("darwin", "win32") else answer
        if key in taken:
            raise ValueError(f"{path} and {taken[key]} have the same name: restore them into different folders.")
        if out is not None and _same(os.path.join(out, answer), path):
            raise ValueError(f"{shown(path)} is where its answer would be: choose another --out.")
        answers[answer] = taken[key] = path
    return answers


def _same(a, b):
    return os.path.realpath(a) == os.path.realpath(b)


def _below(path, folder):
    return os.path.realpath(path).startswith(os.path.join(os.path.realpath(folder), ""))


def _root(pattern):
    """The folder that a glob looks in."""
    while glob.has_magic(pattern):
        pattern = os.path.dirname(pattern)
    return pattern or "."


def _alike(name: str) -> str:
    """The same for names that some file systems take for one: A and a, composed letters and others."""
    return unicodedata.normalize("NFC", name).casefold()


def unfinished(files: Mapping[str, str], out: str) -> dict[str, str]:
    """Those of the files of `find` whose answer is not there, is not whole, which is said, or is older than the picture.

    Args:
        files: paths by the name of their answer.
        out: the folder of the answers.
    """
    left = {}
    for name, path in files.items():
        answer = os.path.join(out, name)
        if newer(answer, path):
            try:
                image_io.load_image(answer, limited=False)
                continue
            except ValueError as error:
                warnings.warn(f"{one_line(error)}: it is made again.", stacklevel=2)
        left[name] = path
    return left


def answered(
    answer: Answer,
    about: Mapping[str, str],
    files: Mapping[str, str],
    out: str,
    masks: str | None = None,
    compare: bool = False,
    writing: Writing = PNG,
) -> Iterator[tuple[str, str | None]]:
    """Write the answer to each of the files of `find`. Of an animation or a file of several pages the first is answered, with a warning, as
    there is of what the answer's file cannot hold.

    Args:
        answer: from a picture, as `image_io.load_image(..., keep_depth=True)` gives it, its path and the path of its mask, if there is one,
            to the picture that is written.
        about: what is written into the answers.
        files: paths by the name of their answer.
        out: the folder of the answers.
        masks: a picture, or a folder of pictures with the names of the answers, not black where something is to be done.
        compare: write its `comparing.comparison` as well: the picture and its answer side by side.
        writing: how the answers are written.

    Yields:
        (path, None or what was wrong with it).

    Raises:
        ValueError: an answer would lie where the comparisons go.
    """
    if compare and (taken := [name for name in files if name.split(os.sep)[0] == "compare"]):
        raise ValueError(
            f"--compare writes into {os.path.join(out, 'compare')}, where {taken[0]} goes: rename that folder."
        )
    for name, path in files.items():
        try:
            image = image_io.load_image(path, keep_depth=True, own_colours=not writing.srgb)
            origin = photo_files.origin(path)
            restored = answer(image, path, _mask(masks, name))
            kept, lost = _kept(origin, image, writing)
            place = os.path.join(out, name)
            os.makedirs(os.path.dirname(place) or ".", exist_ok=True)
            about_it = {**about, "from": os.path.basename(path)}
            lost += photo_files.save_photo(place, restored, kept, about_it, writing.quality, writing.gps)
            if compare:
                comparing.compare(comparing.comparison(out, name), image, restored)
        except (
            Exception
        ) as error:  # whatever it is, as memory that runs out in one of the backends, the others come next
            named = getattr(error, "filename", None)
            yield path, (f"{named}: " if named and named != path else "") + one_line(error)
        else:
            if several := origin.several():
                warnings.warn(f"{shown(path)}: {several}.", stacklevel=2)
            if lost:
                warnings.warn(f"{shown(path)}: not kept are {'; '.join(lost)}.", stacklevel=2)
            yield path, None


def _mask(masks, name):
    if masks is None or not os.path.isdir(masks):
        return masks
    plain = os.path.join(masks, name)
    return plain if os.path.exists(plain) else os.path.splitext(plain)[0] + ".png"


def _kept(origin, image, writing):
    """What of a file goes into that of its answer, and what does not."""
    if not writing.whole:
        return None, []
    if not writing.srgb or origin.profile is None:
        return origin, []
    if image.dtype == np.uint16:
        return origin, ["colours in sRGB: those of 16 bits stay in the profile of the picture"]
    return replace(origin, profile=None), []


def each(answers: Iterable[tuple[str, str | None]], files: Mapping[str, str], say: Callable[[str], None]) -> int:
    """How many of the answers were wrong; each is named, and the time that is left shown, by the pixels that are.

    Args:
        answers: of `answered`.
        files: that it answers.
        say: takes a line for each that was wrong.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    pixels = {path: int(np.prod(photo_files.origin(path).size)) for path in files.values()}
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), TextColumn("left")
    bad = 0
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=len(files) < 2) as progress:
        task = progress.add_task(f"0 of {len(files)}", total=sum(pixels.values()))
        for done, (path, problem) in enumerate(answers, 1):
            progress.update(task, advance=pixels.get(path, 1), description=f"{done} of {len(files)}")
            if problem:
                bad += 1
                say(f"{shown(path)}: {problem}")
    return bad


def tell_done(count: int, bad: int, out: str, what: str) -> None:
    """Say how many there are; the exit code is 1 if some are missing.

    Args:
        count: of the pictures.
        bad: of those that failed.
        out: the folder of the answers.
        what: was done to them.

    Raises:
        typer.Exit: some are missing.
    """
    import typer

    done = count - bad
    typer.echo(f"{done} picture{'' if done == 1 else 's'} in {out}" + (f", {bad} could not be {what}" if bad else ""))
    if bad:
        raise typer.Exit(1)
