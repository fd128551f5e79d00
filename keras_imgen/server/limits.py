"""What a request may take, and the words in which more is refused: rows, pixels, texts, whatever protocol it came by."""

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from keras_imgen.conditions import Conditions, Label, inputs_of
from keras_imgen.inference.clips import ClipEndpoint
from keras_imgen.inference.endpoints import Endpoint, bound
from keras_imgen.inference.restorer import TiledEndpoint
from keras_imgen.server.errors import Invalid, TooLarge
from keras_imgen.serving.signatures import Signature

STEPS = 1000  # of a sampler, at most
FRAMES = 1000  # of a prediction
SIDE = 4096  # of a tensor that all rows share, at most
TEXT = 10_000  # characters of a text, at most


@dataclass(frozen=True)
class Limits:
    """Of one request.

    Args:
        rows: of all its tensors.
        pixels: of one picture, width x height, and a quarter of those of all pictures together.
        seconds: until it is answered.
        body: bytes.
    """

    rows: int = 256
    pixels: int = 1 << 24
    seconds: float = 120.0
    body: int = 64 << 20

    def check_rows(self, name: str, count: int) -> None:
        """Refuse more rows than a request may have.

        Args:
            name: of what has them.
            count: how many.

        Raises:
            TooLarge: more.
        """
        if count > self.rows:
            raise TooLarge(f"Expected at most {self.rows} rows in `{name}`, got {count}.", param=name)

    def check_pixels(self, name: str, width: int, height: int) -> None:
        """Refuse a picture of more pixels than one may have.

        Args:
            name: of the picture.
            width: of it.
            height: of it.

        Raises:
            TooLarge: more.
        """
        if width * height > self.pixels:
            said = f"Expected `{name}` of at most {self.pixels} pixels, got {width} x {height}."
            raise TooLarge(said, param=name)


def check_tensors(
    tensors: Mapping[str, np.ndarray], signature: Signature, limits: Limits, conditions: Conditions = ()
) -> None:
    """Refuse tensors that would take too much, before anything is decoded, and labels that there are not: TensorFlow's own error may be
    that something else was cancelled, or none.

    Args:
        tensors: by name, of any form yet.
        signature: that is asked.
        limits: of the request.
        conditions: that the model is told.

    Raises:
        TooLarge: too many rows, pixels or characters.
        Invalid: bytes that are no picture, another label.
    """
    for name, array in tensors.items():
        shared = name in signature.inputs and not signature.inputs[name].rows
        if array.ndim and not shared:
            limits.check_rows(name, len(array))
        elif max(array.shape, default=0) > SIDE:
            raise TooLarge(f"Expected `{name}` with sides of at most {SIDE}, got {array.shape}.", param=name)
        if array.dtype == object and not name.endswith("_bytes"):
            _check_texts(name, array.reshape(-1).tolist())
    _check_pictures(tensors.items(), limits)
    labels = {
        f"{sign}{c.key}s": c.num_classes for c in conditions if isinstance(c, Label) for sign in ("", "negative_")
    }
    for name in labels.keys() & tensors.keys():
        found = tensors[name]
        if found.dtype.kind in "iu" and found.size and not 0 <= found.min() <= found.max() <= labels[name]:
            said = (
                f"Expected `{name}` in 0..{labels[name]}, of which the last is none, got {found.min()}..{found.max()}."
            )
            raise Invalid(said, param=name)


def checked_arguments(given: Mapping[str, Any], endpoint: Endpoint, limits: Limits) -> dict[str, Any]:
    """All arguments of an endpoint, those that are given and the defaults of others.

    Args:
        given: by name; pictures are arrays.
        endpoint: that is asked.
        limits: of the request.

    Raises:
        TooLarge: what would take too much, in a list as in an array.
        Invalid: other arguments; paths, which the method in Python takes.
    """
    told = inputs_of(endpoint.conditions)
    for name, value, of_condition in _values(given):
        one = len(told[name].shape) if of_condition and name in told else 0  # sides of what all rows share
        if isinstance(endpoint, TiledEndpoint) and name in ("images", "masks") and isinstance(value, np.ndarray):
            one = 3  # of one picture
        if isinstance(endpoint, ClipEndpoint) and name == "masks" and isinstance(value, np.ndarray) and value.ndim == 2:
            one = 2  # of all frames
        if isinstance(value, list | tuple | np.ndarray) and _sides(value) > one:
            limits.check_rows(name, len(value))
        _check_texts(name, value if isinstance(value, list | tuple) else [value])
    _check_pictures(_arrays(given), limits)
    try:
        every = bound(endpoint, (), given)
    except TypeError as error:
        known = ", ".join(endpoint.parameters().parameters)
        raise Invalid(f"{error}: expected arguments of {known}.") from error
    if isinstance(endpoint, TiledEndpoint):
        for name in ("images", "masks"):
            found = every[name] if isinstance(every[name], list | tuple) else [every[name]]
            if not all(isinstance(one, np.ndarray) or (one is None and name == "masks") for one in found):
                raise Invalid(f"Expected `{name}` as an array uint8 (N, H, W, C), or a list of arrays (H, W, C).")
    else:
        _check_numbers(every, limits)
    return every


def size_of(text: bytes, name: str) -> tuple[int, int]:
    """(width, height) of a PNG or JPEG file, from its header.

    Args:
        text: its bytes.
        name: what messages call it.

    Raises:
        Invalid: another file.
        TooLarge: of more pixels than Pillow would open.
    """
    try:
        with Image.open(BytesIO(text), formats=("PNG", "JPEG")) as image:
            return image.size
    except Image.DecompressionBombError as error:
        raise TooLarge(f"Expected `{name}` of fewer pixels: {error}", param=name) from error
    except (OSError, ValueError, SyntaxError, struct.error) as error:
        raise Invalid(f"Expected `{name}` as PNG or JPEG files.", param=name) from error


def opened(file: bytes, name: str, limits: Limits, **how: Any) -> np.ndarray:
    """A picture (H, W, C) that a client sent as a PNG or JPEG file.

    Args:
        file: its bytes.
        name: what messages call it.
        limits: of the request.
        **how: as for `data.image_io.load_image`.

    Raises:
        Invalid: another file, or one that is damaged.
        TooLarge: more pixels.
    """
    from keras_imgen.data.image_io import load_image  # lazy: the package of data needs Keras

    limits.check_pixels(name, *size_of(file, name))
    try:
        return load_image(file, **how)
    except ValueError as error:
        raise Invalid(f"Expected `{name}` as a whole PNG or JPEG file: {error}", param=name) from error


def _check_numbers(every, limits):
    """Of new pictures: how many, how large, in how many steps."""
    n, size = every.get("n"), every.get("size")
    if isinstance(n, int):
        limits.check_rows("n", n)
    for name, most in (("steps", STEPS), ("frames", FRAMES)):
        if isinstance(every.get(name), int) and every[name] > most:
            raise TooLarge(f"Expected `{name}` of at most {most}, got {every[name]}.", param=name)
    if isinstance(size, list | tuple) and all(isinstance(side, int) for side in size):
        if math.prod(map(abs, size)) * (n if isinstance(n, int) else 1) > 4 * limits.pixels:
            said = f"Expected `n` pictures of `size` of at most {4 * limits.pixels} pixels together."
            raise TooLarge(said, param="size")


def _check_texts(name, values):
    longest = max((len(value) for value in values if isinstance(value, str | bytes)), default=0)
    if longest > TEXT:
        raise TooLarge(f"Expected texts of at most {TEXT} characters in `{name}`, got {longest}.", param=name)


def _check_pictures(arrays, limits):
    """Of their headers, where they are files."""
    pixels = 0
    for name, array in arrays:
        if array.dtype == object and name.endswith("_bytes"):
            sizes = [size_of(text, name) for text in array.reshape(-1)]
        elif array.dtype in (np.uint8, np.uint16) and array.ndim > 2:
            height, width = array.shape[-3:-1] if array.ndim > 3 else array.shape[:2]
            sizes = [(width, height)] * (len(array) if array.ndim > 3 else 1)
        else:
            continue
        for width, height in sizes:
            limits.check_pixels(name, width, height)
            pixels += width * height
            if pixels > 4 * limits.pixels:
                said = f"Expected pictures of at most {4 * limits.pixels} pixels together, got more in `{name}`."
                raise TooLarge(said, param=name)


def _values(given: Mapping[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    """(name, value, whether it is one of several conditions) of all arguments."""
    for name, value in given.items():
        if isinstance(value, Mapping):
            yield from ((key, one, True) for key, one in value.items())
        else:
            yield name, value, False


def _arrays(given: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    """(name, array) of all arrays in arguments, also in lists."""
    for name, value, _ in _values(given):
        for one in value if isinstance(value, list | tuple) else [value]:
            if isinstance(one, np.ndarray):
                yield name, one


def _sides(value):
    """How many sides an array has, or the first of lists in lists; a text has one."""
    sides = 0
    while isinstance(value, list | tuple) and value:
        sides, value = sides + 1, value[0]
    return sides + (value.ndim if isinstance(value, np.ndarray) else isinstance(value, str | bytes))
