"""What `keras-imgen generate`, `translate` and `reconstruct` do: pictures by an endpoint of a model, in a folder."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_imgen.commands.common import (
    checked_options,
    endpoint,
    in_parts,
    load_model,
    nothing_replaced,
    parse_conditions,
)
from keras_imgen.commands.pictures import by_name
from keras_imgen.conditions import arguments, given_with, in_turn, of
from keras_imgen.data import image_io
from keras_imgen.data.captioned_grid import captioned_grid
from keras_imgen.data.files import read_text
from keras_imgen.data.video_io import save_video
from keras_imgen.text import text_of

PART = 256  # images made at a time: whole batches, so that the parts do not show in the pictures


def generate(
    path: str,
    out: str,
    n: int,
    labels: list[int | str] | None,
    conditions: list[str] | None,
    seed: int,
    options: Mapping[str, Any],
    overwrite: bool,
    precision: str | None = None,
    prompts: list[str] | None = None,
    negative: str | None = None,
) -> str:
    """Write new pictures into a folder: image_0000.png ..., or clip_0000.gif ..., and of the first 100 grid.png.

    Args:
        path: of the model.
        out: the folder; made when the model has not refused.
        n: how many.
        labels: numbers or names, told in turn; [] for none, None for all in turn.
        conditions: further ones, as NAME=VALUE.
        seed: picture k has the seed `seed + k`.
        options: of the endpoint `generate`.
        overwrite: replace what is there.
        precision: "bfloat16" or "float32"; None is as the model was saved.
        prompts: texts, told in turn; None or [] for none.
        negative: a text that all are led away from.

    Returns:
        What was made, in words.

    Raises:
        ValueError: what the model refuses.
        FileExistsError: pictures are there already.
    """
    model = load_model(path)
    if precision and not os.path.isdir(path):
        from keras_imgen.training.precision import compute_in

        compute_in(model, {"bfloat16": "mixed_bfloat16"}.get(precision, precision))
    given = checked_options(model, options)
    given_by_name = parse_conditions(of(model), conditions)
    if labels == [] and "label" in given_by_name:
        raise ValueError("Expected --labels none, or a label by --condition, got both.")
    text = text_of(of(model))
    if (prompts or negative) and text is None:
        raise ValueError(f"{path} is told no texts: leave --prompt and --negative out.")
    if text:
        if prompts and text.key in given_by_name:
            raise ValueError(f"Expected --prompt or --condition {text.key}=..., got both.")
        if text.key in given_by_name:
            prompts = [given_by_name[text.key]]
        prompts = prompts or list(text.prompts)
        given_by_name |= {text.key: prompts} if prompts else {}
        if negative:
            if "negative" not in model.endpoints()["generate"].parameters().parameters:
                raise ValueError(f"{model.name} is not led away from texts: leave --negative out.")
            given = {**given, "negative": {text.key: negative}}
    clips = len(model.image_shape) == 4
    name = "clip_{:04d}.gif" if clips else "image_{:04d}.png"
    if clips:  # the command has looked for pictures before the model was loaded
        nothing_replaced(out, map(name.format, range(n)), overwrite)
    told = in_turn(of(model), n, given_with(labels or None, given_by_name))
    if labels == []:
        told.pop("label", None)
    about = {"model": model.name, **{k: str(v) for k, v in given.items() if k != "negative"}}
    about |= {"negative": negative} if negative else {}
    for start, images in in_parts(model, n, seed, told, PART, **given):
        os.makedirs(out, exist_ok=True)  # not before: a model may refuse
        for k, image in enumerate(images, start):
            place = os.path.join(out, name.format(k))
            own = {"label": str(told["label"][k])} if "label" in told else {}
            own |= {"caption": prompts[k % len(prompts)]} if prompts else {}
            if clips:
                save_video(place, image)
            else:
                image_io.save_image(place, image, {**about, "seed": str(seed + k), **own})
        if start == 0:
            told_in_words = prompts and not clips
            words = [prompts[k % len(prompts)] for k in range(len(images[:100]))] if told_in_words else []
            grid = captioned_grid(images[:100], words) if words else image_io.make_grid(images[:100])
            image_io.save_image(os.path.join(out, "grid.png"), grid, {**about, "seed": str(seed)})
    return f"{n} {'clip' if clips else 'image'}{'s' if n > 1 else ''}"


def read_prompts(path: str) -> list[str]:
    """The lines of a text file that are not empty.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no text in it, or another encoding.
    """
    lines = [line for line in map(str.strip, read_text(path).splitlines()) if line]
    if not lines:
        raise ValueError(f"{path} has no prompts: expected one on each line.")
    return lines


def answer(
    path: str,
    pictures: str,
    out: str,
    overwrite: bool,
    name: str,
    otherwise: str,
    label: int | None = None,
    conditions: list[str] | None = None,
) -> int:
    """Write a model's answers to the pictures of a folder, as PNG under the same names; returns how many.

    Args:
        path: of the model.
        pictures: the folder; other sizes are cropped to the model's, if it has one.
        out: the folder of the answers.
        overwrite: replace what is there.
        name: of the endpoint.
        otherwise: what is said of a model that has none of this name.
        label: of all the pictures.
        conditions: further ones of all the pictures, as NAME=VALUE.

    Raises:
        FileNotFoundError: no such folder.
        FileExistsError: pictures are there already.
        ValueError: what the model refuses.
    """
    if not os.path.isdir(pictures):
        raise FileNotFoundError(f"There is no folder {pictures}.")
    found = by_name(pictures)
    names = [f"{stem}.png" for stem in found]
    nothing_replaced(out, names, overwrite)
    model = load_model(path)
    known = endpoint(model, name, path, otherwise).conditions
    told = arguments(given_with(label, parse_conditions(known, conditions)))
    height, width, channels = model.image_shape
    paths = list(found.values())
    free = None in (height, width)
    together = 1 if free else 64
    for start in range(0, len(paths), together):
        part = slice(start, start + together)
        images = [image_io.load_image(path, channels) for path in paths[part]]
        images = images if free else [image_io.resize(one, (height, width)) for one in images]
        answers = getattr(model, name)(np.stack(images), **told)
        os.makedirs(out, exist_ok=True)  # not before the first answer: a model may refuse
        for file, source, answered in zip(names[part], paths[part], answers):
            image_io.save_image(
                os.path.join(out, file), answered, {"model": model.name, "from": os.path.basename(source)}
            )
    return len(found)
