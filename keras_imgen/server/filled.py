"""What a person filled in, as the arguments of an endpoint, and what can be said of them."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_imgen.server import films
from keras_imgen.server.errors import Invalid
from keras_imgen.server.fields import Field
from keras_imgen.server.limits import Limits, opened


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
    given = {**{f.name: f.default for f in fields if f.required}, **{k: v for k, v in given.items() if v is not None}}
    found: dict[str, Any] = {}
    for field in sorted(fields, key=lambda field: field.control in ("picture", "film", "mask")):  # those take the most
        value = given.get(field.name)
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
    if "clips" in found and "masks" in found:  # players show films of oblong pixels in another size
        height, width = found["clips"].shape[1:3]
        rows, columns = (np.arange(n) * m // n for n, m in zip((height, width), found["masks"].shape))
        found["masks"] = found["masks"][rows][:, columns]
    return found


_WANTED = {
    "picture": "choose a picture",
    "film": "choose a film",
    "mask": "paint over a part of the picture",
    "text": "write what you want",
}


def _file(field, value, kind="a PNG or JPEG file"):
    try:
        if not isinstance(value, str):
            raise ValueError
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise Invalid(f"Expected `{field.name}` as {kind} in base64.") from None


def _opened(field, value, limits, **how):
    return opened(_file(field, value), field.name, limits, **how)


def _read_film(field, value, given, limits):
    from keras_imgen.data.image_io import as_frames, resize  # lazy: the package of data needs Keras

    count, height, width, channels = field.shape
    file = _file(field, value, "a film")
    if count and films.ending_of(file) is None:  # its frames, side by side
        strip = resize(opened(file, field.name, limits, channels=channels), (height, width * count))
        clip = as_frames(strip, count)
    else:
        times = given.get("factor", 1)
        clip = films.opened(file, field.name, limits, channels, max(1, times) if isinstance(times, int) else 1)
        if count and len(clip) < count:
            raise Invalid(f"Expected `{field.name}` of {count} frames or more, got {len(clip)}.", param=field.name)
        clip = np.stack([resize(frame, (height, width)) for frame in clip[-count:]]) if count else clip
    return clip[None] if field.rows else clip


def _read_picture(field, value, given, limits):
    if field.shape is None:  # any kind
        return _opened(field, value, limits, keep_depth=True)
    from keras_imgen.data.image_io import resize  # lazy: the package of data needs Keras

    height, width, channels = field.shape
    picture = _opened(field, value, limits, channels=channels)
    if None not in (height, width):
        picture = resize(picture, (height, width))
    return picture[None] if field.rows else picture


def _read_mask(field, value, given, limits):
    mask = _opened(field, value, limits, channels=1, background=0) > 127  # (H, W, 1)
    if not mask.any():
        raise Invalid(f"Expected `{field.name}`: paint over a part of the picture.")
    if mask.all():
        raise Invalid(f"Expected `{field.name}` over a part of the picture, got all of it: nothing would be known.")
    return mask[..., 0]


def _read_number(field, value, given, limits):
    if isinstance(value, bool) or not isinstance(value, int if field.whole else int | float):
        kind = "a whole number" if field.whole else "a number"
        raise Invalid(f"Expected `{field.name}` as {kind}, got {json.dumps(value)[:60]}.")
    if abs(value) > 2**63:
        raise Invalid(f"Expected `{field.name}` as a number below 2^63.")
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
    """One for each row, in turn, by number or by name."""
    values = value if isinstance(value, list) else [value]
    values = [field.names.index(v) if isinstance(v, str) and v in field.names else v for v in values]
    if not values or any(isinstance(v, bool) or not isinstance(v, int) for v in values):
        named = ", or their names" if field.names else ""
        raise Invalid(f"Expected `{field.name}` as whole numbers in 0..{len(field.choices) - 1}{named}.")
    limits.check_rows(field.name, len(values))
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
    "film": _read_film,
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
        elif field.control in ("picture", "mask", "film"):
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
