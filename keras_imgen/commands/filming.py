"""What `keras-imgen video` does: films of any length through a model, with their sound, rate, colours and number of frames. Only a few
frames are in memory at a time."""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import repeat
from typing import Any

import numpy as np

from keras_imgen.commands.common import checked_options, endpoint, in_parts, load_model, parse_conditions
from keras_imgen.data import image_io
from keras_imgen.data.cuts import is_cut, is_duplicate
from keras_imgen.data.film import Film
from keras_imgen.data.film_frame import Frame
from keras_imgen.data.film_writer import FilmWriter
from keras_imgen.inference.clips import ClipEndpoint

Progress = Callable[[Iterable[Frame], int | None], Iterable[Frame]]
LOST = 2  # frames in a row: where more are alike the film stands still


def written(
    made: Iterable[Frame],
    out: str,
    overwrite: bool = False,
    total: int | None = None,
    progress: Progress | None = None,
    **how: Any,
) -> FilmWriter:
    """Frames as a film, which is whole or not there.

    Args:
        made: frames with their times.
        out: path of the film.
        overwrite: replace what is there.
        total: of the frames, where it is known.
        progress: shows how far it is.
        **how: see `FilmWriter`.

    Returns:
        The writer, with `count` and `notes`.

    Raises:
        FileExistsError: it is there already.
    """
    if os.path.exists(out) and not overwrite:
        raise FileExistsError(f"{out} exists already: choose another --out, or give --overwrite.")
    with FilmWriter(out, **how) as writer:
        for image, time, duration in progress(made, total) if progress else made:
            writer.write(image, time, duration)
    return writer


def each(film: Film, change: Callable[[Iterator[np.ndarray]], Iterable[np.ndarray]]) -> Iterator[Frame]:
    """A film through a change of pictures that gives as many as it takes, in their order; it may look ahead.

    Args:
        film: to go through.
        change: from pictures to pictures.

    Raises:
        ValueError: it gives another number of frames.
    """
    waiting: deque = deque()

    def images():
        for image, *when in film:
            waiting.append(when)
            yield image

    for image in change(images()):
        if not waiting:
            raise ValueError("Expected one frame for each, got more.")
        yield Frame(image, *waiting.popleft())
    if waiting:
        raise ValueError(f"Expected one frame for each, got {len(waiting)} fewer.")


# === restore ===


def restorer(
    path: str, masks: str | None = None, smooth: float | None = None, **given: Any
) -> Callable[[Iterator[np.ndarray]], Iterable[np.ndarray]]:
    """The change of pictures that a restoring model makes: of clips by `stream`, of pictures frame by frame.

    Args:
        path: of the model.
        masks: a picture for all frames, or a film or folder with one for each; not black where to paint.
        smooth: share of the answer before, see `editing.framewise`; of models of pictures alone. None is 0.
        **given: what `restore` takes, as `sigma`, `tile`.

    Raises:
        ValueError: the model restores nothing, or a model of clips and `smooth`.
    """
    model = load_model(path)
    known = endpoint(model, "restore", path, "restores no films: it has no restore")
    of_clips = isinstance(known, ClipEndpoint)
    if of_clips and smooth is not None:
        raise ValueError(f"{path} restores clips, which do not flicker: leave --smooth out.")

    def change(images):
        where = _masks(masks)
        if of_clips:
            frames = (image_io.with_channels(image, known.form.channels) for image in images)
            return model.stream(frames, **given, **({} if where is None else {"masks": where}))
        following = repeat(where) if isinstance(where, np.ndarray) else where
        from keras_imgen.editing.framewise import framewise

        def one(image):
            if following is None:
                return model.restore(image, **given)
            mask = next(following, None)
            if mask is None:
                raise ValueError(f"{masks} has fewer masks than the film has frames.")
            return model.restore(image, masks=mask, **given)

        return framewise(images, one, smooth or 0.0)

    return change


def _masks(path):
    """(H, W) of a picture, a generator of such of what moves; None of None."""
    if path is None:
        return None
    picture = os.path.splitext(path)[1].lower() in image_io.endings() and not os.path.isdir(path)
    if picture and image_io.frames(path) == 1:
        return image_io.load_image(path, 1)[..., 0]
    return (frame.image.max(-1) for frame in Film(path))


# === interpolate ===


def rate(text: str) -> Fraction:
    """Frames in a second: "25", "24000/1001", "12.5"; 23.976, 29.97 and 59.94 are what is meant by them, thousandths of 1001.

    Raises:
        ValueError: not of this form, or not above 0.
    """
    try:
        found = Fraction(text)
    except (ValueError, ZeroDivisionError):
        found = Fraction(0)
    if not 0 < found <= 1000:
        raise ValueError(f"Expected a rate as 25 or 24000/1001, got {text!r}.")
    meant = Fraction(round(found * 1001 / 1000) * 1000, 1001)
    return meant if found.denominator > 1 and "." in text and abs(meant - found) < Fraction(1, 200) else found


def faster(
    frames: Iterable[Frame],
    between: Callable,
    times: Callable[[Fraction, Fraction], list[Fraction]],
    slow: Fraction = Fraction(1),
) -> Iterator[Frame]:
    """Frames at other times, made where there was none. The given ones stay as they are; over a cut the nearer one is repeated.

    Args:
        frames: of a film.
        between: two pictures and times (T,) in (0, 1) -> uint8 (T, H, W, C).
        times: begin and end of a frame -> the times wanted from the one on and before the other.
        slow: how many times as long the film becomes.
    """

    def span(frame, end, after=None):
        wanted = times(frame.time, end)
        shares = [float((t - frame.time) / (end - frame.time)) for t in wanted]
        new = [s for s in shares if s > 0]
        if after is None or not new:
            images = [frame.image] * len(new)
        elif is_cut(frame.image, after.image):
            images = [frame.image if s < 0.5 else after.image for s in new]
        else:
            images = list(between(frame.image, after.image, np.array(new, "float32")))
        images = [frame.image] * (len(shares) - len(new)) + images
        for image, begin, stop in zip(images, wanted, [*wanted[1:], end]):
            yield Frame(image, begin * slow, (stop - begin) * slow)

    last = None
    for frame in frames:
        if last is not None:
            yield from span(last, frame.time, frame)
        last = frame
    if last is not None:
        yield from span(last, last.time + last.duration)


def refilled(frames: Iterable[Frame], between: Callable) -> Iterator[Frame]:
    """One or two frames that only repeat the one before are made anew, from those around; where the film stands still it stays as it is.

    Args:
        frames: of a film.
        between: see `faster`.
    """
    last, alike, still = None, [], False
    for frame in frames:
        if last is not None and is_duplicate(last.image, frame.image):
            alike.append(frame)
            if still or len(alike) > LOST:
                yield from alike
                alike, still = [], True
            continue
        if alike and not is_cut(last.image, frame.image):
            shares = [float((one.time - last.time) / (frame.time - last.time)) for one in alike]
            made = between(last.image, frame.image, np.array(shares, "float32"))
            alike = [one._replace(image=image) for one, image in zip(alike, made)]
        yield from alike
        yield frame
        last, alike, still = frame, [], False
    yield from alike


def interpolated(
    film: Film,
    between: Callable,
    factor: Fraction | None,
    fps: Fraction | None,
    slow: Fraction = Fraction(1),
    fill: bool = False,
) -> tuple[Iterator[Frame], Fraction, int | None]:
    """A film at another rate: its frames, the rate, and how many to expect.

    Args:
        film: to go through.
        between: see `faster`.
        factor: how many times as many frames a second; None is 1, or, without `fps` and `slow`, 2.
        fps: frames in a second instead.
        slow: how many times as long the film becomes.
        fill: see `refilled`.

    Raises:
        ValueError: `factor` and `fps`, or one of them not above 0.
    """
    if factor and fps:
        raise ValueError("Expected --factor or --fps, got both.")
    new = fps or film.rate * (factor or (1 if slow != 1 or fill else 2))
    parts = new * slow / film.rate

    def divided(begin, end):  # each frame's own time, however long it is
        return [begin + (end - begin) * k / int(parts) for k in range(int(parts))]

    origin: list[Fraction] = []  # the grid's, at the first frame, which stays as it is wherever the film begins

    def on_grid(begin, end):
        if not origin:
            origin.append(begin)
        grid, first = new * slow, origin[0]
        return [first + k / grid for k in range(math.ceil((begin - first) * grid), math.ceil((end - first) * grid))]

    times = divided if fps is None and parts.denominator == 1 else on_grid
    frames = refilled(film, between) if fill else film
    return faster(frames, between, times, slow), new, film.length and round(film.length * parts)


def interpolator(path: str) -> Callable:
    """`between` of a model.

    Raises:
        ValueError: it has none.
    """
    model = load_model(path)
    if not hasattr(model, "between"):
        raise ValueError(f"{path} makes no frames between others: expected a FrameInterpolator.")
    return model.between


# === stylize ===


def stylizer(answer: Callable, strength: float) -> Callable[[Iterator[np.ndarray]], Iterable[np.ndarray]]:
    """The change of pictures by `stylizing.way`, without flicker.

    Args:
        answer: of a `Way`.
        strength: see `editing.framewise`.
    """
    from keras_imgen.editing.framewise import framewise

    return lambda images: framewise(images, lambda image: answer(image, None), strength)


# === generate ===


def generated(
    path: str,
    n: int,
    seed: int,
    labels: list[int] | None,
    prompts: list[str] | None,
    conditions: list[str] | None,
    options: Mapping[str, Any],
    scale: int = 1,
) -> list[np.ndarray]:
    """New clips of a model, side by side: the frames, uint8 (H, W, C).

    Args:
        path: of the model.
        n: how many clips.
        seed: clip k has the seed `seed + k`.
        labels: told in turn; [] for none, None for all in turn.
        prompts: texts, told in turn.
        conditions: further ones, as NAME=VALUE.
        options: of `generate`.
        scale: so many pixels for one.

    Raises:
        ValueError: the model makes no clips, or what it refuses.
    """
    from keras_imgen.conditions import given_with, in_turn, of
    from keras_imgen.text import text_of

    model = load_model(path)
    how = checked_options(model, options)
    if len(model.image_shape) != 4:
        raise ValueError(f"{path} makes pictures, not clips: use `keras-imgen generate`.")
    by_name, text = parse_conditions(of(model), conditions), text_of(of(model))
    if prompts and text is None:
        raise ValueError(f"{path} is told no texts: leave --prompt out.")
    if text and text.key not in by_name and (prompts or text.prompts):
        by_name[text.key] = prompts or list(text.prompts)
    told = in_turn(of(model), n, given_with(labels or None, by_name))
    if labels == []:
        told.pop("label", None)
    made = np.concatenate([part for _, part in in_parts(model, n, seed, told, 64, **how)])
    return [image_io.make_grid(frames, scale=scale, gap=2 * (n > 1)) for frames in made.swapaxes(0, 1)]


def continued(path: str, film: Film, frames: int) -> Iterator[Frame]:
    """A film, at the size of a model that predicts, and so many frames after its last one.

    Args:
        path: of the model.
        film: to go on with.
        frames: how many.

    Raises:
        ValueError: the model predicts nothing, the film is too short.
    """
    model = load_model(path)
    endpoint(model, "predict_frames", path, "does not go on with films: it has no predict_frames")
    given, height, width, channels = model.image_shape
    known: deque = deque(maxlen=given)
    for frame in film:
        image = image_io.resize(image_io.with_channels(frame.image, channels), (height, width))
        known.append(image)
        yield frame._replace(image=image)
    if len(known) < given:
        raise ValueError(f"{film.path} has {len(known)} frames: the model goes on from {given}.")
    for k, image in enumerate(model.predict_frames(np.stack(known), frames)):
        yield Frame(image, frame.time + frame.duration + k / film.rate, 1 / film.rate)
