"""Forms: what a person fills in to ask an endpoint, made from the inputs and conditions that it declares, and read back as arguments."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from keras_imgen.conditions import Amount, Condition, Label, Picture, guided_apart
from keras_imgen.inference.canvas import LARGEST, Canvas
from keras_imgen.inference.endpoints import REQUIRED, Endpoint, Input, Latents, Number, Pictures, Rows, RowSeeds, Seeds
from keras_imgen.inference.endpoints import Told as ToldRows
from keras_imgen.inference.restorer import TiledEndpoint
from keras_imgen.inference.stylizer import StyleWeights
from keras_imgen.sampling.coarse_to_fine import LevelSamplerInput
from keras_imgen.sampling.options import GRIDS, IMAGE_SCALE, SAMPLERS, SamplerInput
from keras_imgen.server.errors import Invalid, TooLarge
from keras_imgen.server.service import Limits, size_of
from keras_imgen.text import Text


@dataclass(frozen=True)
class Field:
    """One thing that a person fills in.

    Args:
        name: the argument that it becomes; "conditions.caption" is the caption in `conditions`.
        control: how it is filled in, a key of `READERS`.
        help: what it does, in a line.
        default: what it shows to begin with, None for nothing; what is left as it is need not be sent.
        required: whether it cannot be left empty.
        low: the least number.
        high: the largest number.
        ends: of a slider, where numbers may go on.
        whole: whether numbers are whole.
        choices: of which one is chosen, or examples of a text.
        names: of several numbers.
        shape: of several numbers, or (height, width, channels) of a picture; None of what may be any.
        rows: whether the argument has a row for each picture.
        more: whether most people leave it alone.
    """

    name: str
    control: str
    help: str = ""
    default: Any = None
    required: bool = False
    low: float | None = None
    high: float | None = None
    ends: tuple[float, float] | None = None
    whole: bool = False
    choices: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    shape: tuple[int | None, ...] | None = None
    rows: bool = False
    more: bool = False

    def about(self) -> dict[str, Any]:
        """As JSON, without what it does not have."""
        found = {k: v for k, v in asdict(self).items() if v is not None and v != () and v is not False and v != ""}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}


# === What each kind of input and condition asks for ===


def fields_of(endpoint: Endpoint, limits: Limits) -> list[Field]:
    """All that a person can fill in, what has to be first.

    Args:
        endpoint: that is asked.
        limits: of a request.
    """
    found = [field for one in endpoint.inputs for field in _of_input(one, endpoint, limits)]
    if isinstance(endpoint, TiledEndpoint):
        found += _of_form(endpoint)
    elsewhere = {one.key for one in endpoint.inputs if isinstance(one, ToldRows)}
    drawn = any(isinstance(one, Seeds) for one in endpoint.inputs)
    for one in endpoint.conditions:
        if one.key not in elsewhere:
            short = endpoint.labelled and one.key == "label" and not isinstance(endpoint, TiledEndpoint)
            needed = one.needed and not endpoint.null and not (drawn and one.key == "label")
            found.append(_of_condition(one, "labels" if short else f"conditions.{one.key}", needed))
    order = ("picture", "mask", "text", "labels")
    found.sort(key=lambda field: order.index(field.control) if field.control in order else len(order))
    return sorted(found, key=lambda field: field.more)


@singledispatch
def _of_input(one: Input, endpoint: Endpoint, limits: Limits) -> Iterator[Field]:
    """Of a kind that is not known here: its arguments, as JSON."""
    for name, default in one.arguments().items():
        yield Field(name, "json", default=None if default is REQUIRED else default, required=default is REQUIRED)


SEED = "The same seed gives the same picture."


@_of_input.register
def _(one: Seeds, endpoint, limits):
    yield Field("n", "count", "", 1, low=1, high=limits.rows, ends=(1, min(16, limits.rows)), whole=True)
    yield Field("seed", "seed", SEED, 0, whole=True)


@_of_input.register
def _(one: RowSeeds, endpoint, limits):
    yield Field("seed", "seed", SEED, 0, whole=True)


@_of_input.register
def _(one: Pictures, endpoint, limits):
    yield Field(one.argument, "picture", required=True, shape=tuple(one.shape), rows=True)


@_of_input.register
def _(one: Latents, endpoint, limits):
    if one.codes is None:
        how = {"default": np.zeros(one.shape).tolist(), "ends": (-3.0, 3.0)}
    else:
        how = {"default": np.zeros(one.shape, int).tolist(), "low": 0, "high": one.codes - 1, "whole": True}
        how["ends"] = (0, one.codes - 1)
    yield Field(
        "latents", "numbers", "A picture as the model has it inside.", required=True, shape=one.shape, rows=True, **how
    )


@_of_input.register
def _(one: Rows, endpoint, limits):
    if one.shape:
        default = np.zeros(one.shape).tolist()
        yield Field(one.name, "numbers", "", default, True, ends=(-1.0, 1.0), shape=one.shape, rows=True)
    else:
        yield Field(one.name, "number", required=True, ends=(0.0, 1.0), rows=True)


@_of_input.register
def _(one: ToldRows, endpoint, limits):
    condition = next(c for c in endpoint.conditions if c.key == one.key)
    yield Field(one.argument, "text", required=True, choices=getattr(condition, "prompts", ()), rows=True)


@_of_input.register
def _(one: Number, endpoint, limits):
    whole = one.low is not None and one.low >= 1 and float(one.default).is_integer()
    yield _number(one.name, "", one.default, one.low, one.high, whole)


@_of_input.register
def _(one: StyleWeights, endpoint, limits):
    if one.count > 1:
        names = tuple(f"style {k}" for k in range(one.count))
        default = [1.0, *[0.0] * (one.count - 1)]
        yield Field(
            "styles",
            "numbers",
            "How much of each.",
            default,
            True,
            0,
            None,
            (0.0, 1.0),
            names=names,
            shape=(one.count,),
        )


@_of_input.register
def _(one: Canvas, endpoint, limits):
    largest = min(LARGEST, int(limits.pixels**0.5))
    ends = (min(16, *one.own), min(largest, 4 * max(one.own)))
    names = ("height", "width")
    yield Field("size", "numbers", "In pixels.", list(one.own), False, 1, largest, ends, True, names=names, shape=(2,))


@_of_input.register
def _(one: LevelSamplerInput, endpoint, limits):
    yield from _sampler(one)


@_of_input.register
def _(one: SamplerInput, endpoint, limits):
    pictures = guided_apart(endpoint.conditions)
    yield from _sampler(one)
    if endpoint.conditions:
        said = "How closely to keep to what is asked for; 1 is no guidance."
        yield _number("guidance_scale", said, one.guidance_scale, None, None)
    if pictures:
        said = "How closely to keep to the picture; 1 is no guidance."
        yield _number(IMAGE_SCALE, said, one.image_guidance_scale, None, None)
    for condition in endpoint.conditions:
        if condition.key not in pictures:
            yield _of_condition(condition, f"negative.{condition.key}", False, "What to lead away from.", more=True)
    yield Field("grid", "choice", "How the steps are spread.", choices=GRIDS, more=True)
    yield Field("eta", "number", "Noise in each step, 0 for none.", low=0, ends=(0.0, 1.0), more=True)
    yield _number("guidance_rescale", "Against colours that guidance makes too strong.", 0.0, 0.0, 1.0, more=True)
    said = "Noise levels (sigma / alpha) between which guidance is on."
    yield Field(
        "guidance_interval", "numbers", said, low=0, ends=(0.0, 80.0), names=("low", "high"), shape=(2,), more=True
    )


def _sampler(one):
    said = "More take longer, and are finer up to a point."
    yield Field("steps", "number", said, one.steps, low=1, ends=(1, max(50, 2 * one.steps)), whole=True)
    yield Field("sampler", "choice", "How noise becomes a picture.", one.sampler, choices=SAMPLERS)


def _of_form(endpoint):
    form = endpoint.form
    yield Field("images", "picture", required=True)
    if form.mask:
        yield Field("masks", "mask", "Paint over what is to be made anew.", required=True)
    if form.sigma:
        yield Field(
            "sigma", "number", "How strong the noise is, in gray levels of 255.", required=True, low=0, ends=(0.0, 75.0)
        )
    if form.latent is not None:
        yield Field("seed", "seed", "One of many answers; empty is the most likely one.", whole=True, low=0)
    yield Field(
        "ensemble",
        "flag",
        "Eight answers, to the picture turned and mirrored, in one: a little better, eight times as long.",
        more=True,
    )


@singledispatch
def _of_condition(one: Condition, name: str, required: bool, said: str = "", more: bool = False) -> Field:
    """Numbers, of the shape of its first input."""
    shape = next(iter(one.inputs().values())).shape
    return Field(name, "numbers", said, None, required, ends=(-3.0, 3.0), shape=shape, more=more)


@_of_condition.register
def _(one: Amount, name, required, said="", more=False):
    return Field(name, "number", said, 0.0, required, one.low, one.high, (one.low, one.high), more=more)


@_of_condition.register
def _(one: Label, name, required, said="", more=False):
    choices = tuple(map(str, range(one.num_classes)))
    return Field(name, "labels", said, None, required, choices=choices, more=more)


@_of_condition.register
def _(one: Text, name, required, said="", more=False):
    said = said or "In words; (words:1.5) weigh more."
    return Field(name, "text", said, None, required, choices=() if more else tuple(one.prompts), more=more)


@_of_condition.register
def _(one: Picture, name, required, said="", more=False):
    return Field(name, "picture", said, None, required, shape=tuple(one.shape), more=more)


def _number(name, said, default, low, high, whole=False, more=False):
    default = int(default) if whole else float(default)
    ends = (min(0.0, 2 * default) if low is None else low, max(2.0, 4 * default) if high is None else high)
    return Field(name, "number", said, default, False, low, high, ends, whole, more=more)


# === What a person filled in, as arguments ===


def arguments_of(fields: Sequence[Field], given: Any, limits: Limits) -> dict[str, Any]:
    """Arguments of an endpoint.

    Args:
        fields: of the endpoint.
        given: values by the names of fields, in JSON: numbers, lists, texts, files as base64. What is missing has its default.
        limits: of a request.

    Raises:
        Invalid: another form, or something that is missing.
        TooLarge: a picture of too many pixels.
    """
    if not isinstance(given, dict):
        raise Invalid("Expected `arguments` as an object, by the names that /api/models lists.")
    known = {field.name for field in fields}
    if unknown := [name for name in given if name not in known]:
        raise Invalid(f"Expected no argument {unknown[0]!r:.60}: /api/models lists those that there are.")
    found: dict[str, Any] = {}
    for field in fields:
        value = given.get(field.name)
        if value is None and field.required:
            value = field.default
        if value is None:
            if field.required:
                raise Invalid(f"Expected `{field.name}`: {_WANTED.get(field.control, 'fill it in')}.")
            continue
        whole, _, part = field.name.partition(".")
        read = READERS[field.control](field, value, given, limits)
        if part:
            found.setdefault(whole, {})[part] = read
        else:
            found[whole] = read
    return found


_WANTED = {"picture": "choose a picture", "mask": "paint over a part of the picture", "text": "write what you want"}


def _file(field, value, limits):
    if not isinstance(value, str):
        raise Invalid(f"Expected `{field.name}` as a PNG or JPEG file in base64.")
    try:
        text = base64.b64decode(value, validate=True)
    except ValueError:
        raise Invalid(f"Expected `{field.name}` as a PNG or JPEG file in base64.") from None
    width, height = size_of(text, field.name)
    if width * height > limits.pixels:
        raise TooLarge(f"Expected `{field.name}` of at most {limits.pixels} pixels, got {width} x {height}.")
    return text


def _read_picture(field, value, given, limits):
    from keras_imgen.data.image_io import load_image, resize  # lazy: the package of data needs Keras

    text = _file(field, value, limits)
    try:
        if field.shape is None:  # any kind
            return load_image(text, keep_depth=True)
        *size, channels = field.shape
        picture = load_image(text, channels)
    except ValueError as error:
        raise Invalid(f"Expected `{field.name}` as a whole PNG or JPEG file: {error}") from error
    picture = picture if None in size else resize(picture, tuple(size))
    return picture[None] if field.rows else picture


def _read_mask(field, value, given, limits):
    from keras_imgen.data.image_io import load_image  # lazy: the package of data needs Keras

    text = _file(field, value, limits)
    try:
        mask = load_image(text, 1, background=0) > 127  # (H, W, 1)
    except ValueError as error:
        raise Invalid(f"Expected `{field.name}` as a whole PNG file: {error}") from error
    if not mask.any():
        raise Invalid(f"Expected `{field.name}`: paint over a part of the picture.")
    return mask


def _read_number(field, value, given, limits):
    if isinstance(value, bool) or not isinstance(value, int if field.whole else int | float):
        kind = "a whole number" if field.whole else "a number"
        raise Invalid(f"Expected `{field.name}` as {kind}, got {json.dumps(value)[:60]}.")
    if not (-np.inf if field.low is None else field.low) <= value <= (np.inf if field.high is None else field.high):
        ends = " to ".join("any" if end is None else f"{end:g}" for end in (field.low, field.high))
        raise Invalid(f"Expected `{field.name}` from {ends}, got {value:g}.")
    return [value] if field.rows else value


def _read_numbers(field, value, given, limits):
    dtype = "int64" if field.whole else "float32"
    try:
        found = np.array(value)
        fits = found.dtype.kind in ("i" if field.whole else "if") and found.ndim == len(field.shape)
        if not fits or any(a not in (None, b) for a, b in zip(field.shape, found.shape)):
            raise ValueError
    except (ValueError, OverflowError):
        kind = "whole numbers" if field.whole else "numbers"
        sides = " x ".join("any" if side is None else str(side) for side in field.shape)
        raise Invalid(f"Expected `{field.name}` as {sides} {kind}.") from None
    found = found.astype(dtype)
    return found[None] if field.rows else found


def _read_labels(field, value, given, limits):
    """One for each row, in turn."""
    values = value if isinstance(value, list) else [value]
    if not values or any(isinstance(v, bool) or not isinstance(v, int) for v in values):
        raise Invalid(f"Expected `{field.name}` as whole numbers in 0..{len(field.choices) - 1}.")
    count = given.get("n", 1)
    rows = count if isinstance(count, int) and 0 < count <= limits.rows else 1
    return np.resize(np.array(values), rows)


def _read_text(field, value, given, limits):
    if not isinstance(value, str):
        raise Invalid(f"Expected `{field.name}` as a text.")
    return [value] if field.rows else value


def _read_choice(field, value, given, limits):
    if value not in field.choices:
        raise Invalid(f"Expected `{field.name}` as one of {', '.join(field.choices)}, got {json.dumps(value)[:60]}.")
    return value


def _read_flag(field, value, given, limits):
    if not isinstance(value, bool):
        raise Invalid(f"Expected `{field.name}` as true or false.")
    return value


READERS: dict[str, Callable[[Field, Any, Mapping[str, Any], Limits], Any]] = {
    "seed": _read_number,
    "count": _read_number,
    "number": _read_number,
    "numbers": _read_numbers,
    "choice": _read_choice,
    "labels": _read_labels,
    "text": _read_text,
    "flag": _read_flag,
    "picture": _read_picture,
    "mask": _read_mask,
    "json": lambda field, value, given, limits: value,
}


# === What can be said of a call ===


def of_row(fields: Sequence[Field], given: Mapping[str, Any], row: int) -> dict[str, Any]:
    """What a person has to fill in for one row of an answer alone; of files their SHA-256.

    Args:
        fields: of the endpoint.
        given: as for `arguments_of`.
        row: its number.
    """
    found = {k: v for k, v in given.items() if v is not None}
    for field in fields:
        value = found.get(field.name, field.default)
        if value is None:
            continue
        if field.control == "seed":
            found[field.name] = value + row
        elif field.control == "count":
            found[field.name] = 1
        elif field.control == "labels":
            values = value if isinstance(value, list) else [value]
            found[field.name] = values[row % len(values)]
        elif field.control in ("picture", "mask"):
            found[field.name] = f"sha256:{hashlib.sha256(base64.b64decode(value)).hexdigest()}"
    return found


def named_in(message: str, fields: Sequence[Field]) -> str | None:
    """The field that an error's message names, None where it names none.

    Args:
        message: of the error.
        fields: of the endpoint.
    """
    places = {}
    for field in fields:
        words = {field.name, field.name.rpartition(".")[2], field.name.replace(".", " ")}
        if "negative." not in field.name or "negative" in message:
            found = re.search(rf"(?<![\w.])(?:{'|'.join(map(re.escape, sorted(words)))})(?!\w|\.\w)", message)
            if found:
                places[field.name] = found.start()
    return min(places, key=places.get, default=None)


def notes_on(endpoint: Endpoint, fields: Sequence[Field], given: Mapping[str, Any]) -> list[str]:
    """What a person should know of texts: words that the model has not learned.

    Args:
        endpoint: that is asked.
        fields: of the endpoint.
        given: as for `arguments_of`.
    """
    texts = [c for c in endpoint.conditions if isinstance(c, Text)]
    said = []
    for field in fields:
        if field.control == "text" and isinstance(given.get(field.name), str) and texts:
            for word, near in texts[0].tokenizer.unknown(given[field.name]).items():
                known = f" Near it are {', '.join(near)}." if near else ""
                said.append(f"The model has not learned the word “{word}”.{known}")
    return list(dict.fromkeys(said))
