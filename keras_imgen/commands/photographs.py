"""What `keras-imgen restore` does with each picture: which models it goes through, how strongly, and to what size."""

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from keras_imgen.arguments import finite
from keras_imgen.commands import choosing, restoring
from keras_imgen.commands.common import endpoint, load_model, parse_conditions
from keras_imgen.commands.restoring import Answer, Writing
from keras_imgen.data.files import shown
from keras_imgen.inference.measures import noise_level
from keras_imgen.inference.pixels import resized

LARGEST = 16.0  # factor of an enlargement
POLL = 2.0  # seconds between looks at a folder that is watched


@dataclass(frozen=True)
class Wish:
    """What is wanted of the pictures.

    Args:
        auto: choose models for each.
        models: the folder of those to choose from.
        x: by what to enlarge.
        strength: of the answers, 0 to 1.
        face_safe: weaker on faces.
        conditions: what else the model is told, as NAME=VALUE.
        given: further arguments of `restore`; those that are None are left out. Of `sigma` and `exposure` the models that take it.
    """

    auto: bool = False
    models: str = "saved_models"
    x: float | None = None
    strength: float = 1.0
    face_safe: bool = False
    conditions: list[str] | None = None
    given: Mapping[str, Any] = field(default_factory=dict)


def split(words: list[str], wish: Wish) -> tuple[str | None, list[str]]:
    """(The path of the model, None where it is chosen; the pictures): it is chosen with `auto`, and with `x` if the first word is none.

    Args:
        words: [MODEL] PICTURES....
        wish: the options.

    Raises:
        ValueError: words or options that do not fit each other.
    """
    if wish.x is not None and not 1 < finite("--x", wish.x) <= LARGEST:
        raise ValueError(f"Expected --x above 1 and up to {LARGEST:g}, got {wish.x:g}.")
    finite("--strength", wish.strength, 0.0, 1.0)
    if wish.auto and _is_model(words[0]):
        raise ValueError(f"--auto chooses the models itself, from --models: leave {words[0]} out.")
    if wish.auto or (wish.x is not None and not _is_model(words[0])):
        if wish.conditions:
            raise ValueError("--condition is of one model: name it.")
        return None, words
    if len(words) < 2:
        raise ValueError(f"Expected MODEL PICTURES, got {words[0]} alone; without a model give --auto or --x.")
    return words[0], words[1:]


def plan(model: str | None, wish: Wish, say: Callable[[str], None]) -> tuple[Answer, dict[str, str]]:
    """What answers pictures.

    Args:
        model: the path of one, None to choose.
        wish: the options.
        say: takes lines of what was chosen and found.

    Returns:
        (what answers them, what is written into the answers).

    Raises:
        ValueError: options that do not fit the model.
        FileNotFoundError: no such model, or folder of models.
    """
    opened = lru_cache(8)(_opened)
    if model is not None:
        loaded, form, takes = opened(model)
        if wish.x is not None and form.scale < wish.x:
            able = f"enlarges by {form.scale}" if form.scale > 1 else "does not enlarge"
            raise ValueError(f"--x {wish.x:g}: {model} {able}; without a model one is chosen from --models.")
        if "exposure" in wish.given and "exposure" not in takes:
            raise ValueError(f"--exposure: {model} is told none.")
        return _answer(lambda image, path: [model], opened, wish, say), {"model": loaded.name}
    models, passed = choosing.look(wish.models)
    say(f"{wish.models}: {', '.join(f'{one.name} ({one.task})' for one in models) or 'no restoring models'}.")
    if passed:
        say(f"Passed over: {', '.join(passed)}.")
    if wish.auto:

        def steps(image, path):
            chosen, why = choosing.choose(image, models, wish.x)
            say(f"{shown(path)}: {why}.")
            return [one.path for one in chosen]

        return _answer(steps, opened, wish, say), {"model": "chosen for the picture"}
    chosen = choosing.enlarger(models, wish.x)
    say(f"By {wish.x:g}: {chosen.name}.")
    return _answer(lambda image, path: [chosen.path], opened, wish, say), {"model": chosen.name}


def _is_model(word):
    return word.endswith(".keras") or os.path.isfile(os.path.join(word, "saved_model.pb"))


def _opened(path):
    """(model, its form, the arguments of its `restore`)."""
    model = load_model(path)
    found = endpoint(model, "restore", path, "restores no pictures: it has no restore")
    return model, found.form, tuple(found.parameters().parameters)


def _answer(steps, opened, wish, say):
    def answer(image, path, mask):
        strength, said = wish.strength, []
        if wish.face_safe and wish.strength > 0:
            from keras_imgen.commands.faces import spared

            kept, count = spared(image)
            strength = strength if kept is None else strength * kept
            said += [f"{count} face{'s' if count > 1 else ''}: weaker there"] if count else []
        found = image
        for step in steps(image, path):
            model, form, takes = opened(step)
            how = {
                k: v for k, v in wish.given.items() if v is not None and (k in takes or k not in ("exposure", "sigma"))
            }
            if form.sigma:
                how.setdefault("sigma", noise_level(found))
                said += [] if "sigma" in wish.given else [f"noise of {how['sigma']:.1f} gray levels"]
            elif not wish.auto and "sigma" in wish.given:
                how["sigma"] = wish.given["sigma"]  # refused, in the model's own words
            else:
                how.pop("sigma", None)
            if wish.conditions:
                how["conditions"] = parse_conditions(model.conditions, wish.conditions)
            found = model.restore(found, masks=mask, strength=strength, **how)
        if said:
            say(f"{shown(path)}: {', '.join(said)}.")
        if wish.x is not None:
            size = tuple(max(1, round(n * wish.x)) for n in image.shape[:2])
            found = found if found.shape[:2] == size else resized(found, size)
        return found

    return answer


def watched(folder: str, out: str, writing: Writing) -> Iterator[dict[str, str]]:
    """What comes into a folder, as `restoring.find` gives it, when it has not changed for a while; without end. What is there already comes
    first, if it is not finished.

    Args:
        folder: that is looked at.
        out: of the answers.
        writing: what they are written as.
    """
    seen, tried, first = {}, {}, True
    while True:
        try:
            with warnings.catch_warnings():
                if not first:  # what is passed over was said
                    warnings.simplefilter("ignore")
                files = restoring.find([folder], out, writing)
        except FileNotFoundError:  # none yet
            files = {}
        first = False
        states = {path: _state(path) for path in files.values()}
        settled = {n: p for n, p in files.items() if states[p] and states[p] == seen.get(p) != tried.get(p)}
        if ready := restoring.unfinished(settled, out):
            yield ready
        tried.update({p: states[p] for p in settled.values()})
        seen = states
        time.sleep(POLL)


def _state(path):
    try:
        found = os.stat(path)
        return found.st_mtime_ns, found.st_size
    except OSError:  # it is gone
        return None
