"""What `keras-imgen stylize` does: the way from a picture to its stylised one, of a model, by optimisation, or without learning."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from keras_imgen.arguments import finite
from keras_imgen.commands.common import load_model
from keras_imgen.data import image_io
from keras_imgen.editing.colour import keep_colours as with_colours
from keras_imgen.editing.fuse import fuse

# Of `editing.style.stylize`: what other options say, and what is not for a line.
NOT_SET = "weights", "masks", "state", "on_step"


class Way(NamedTuple):
    """How pictures are stylised.

    Args:
        pictures: which: a file, a folder, or a glob.
        answer: from a picture and the path of its mask, or None, to the stylised one.
        about: what is written into the answers.
    """

    pictures: str
    answer: Callable[[np.ndarray, str | None], np.ndarray]
    about: dict[str, str]


def way(
    words: list[str],
    optimise: bool,
    classical: str | None,
    alpha: float,
    weights: str | None,
    keep_colours: bool,
    options: Mapping[str, Any],
) -> Way:
    """What the command line says.

    Args:
        words: [MODEL] PICTURES [STYLE].
        optimise: see `editing.style.stylize`; `alpha` is the style's weight then.
        classical: see `editing.classical.CLASSICAL`; with an `alpha` below 1 what comes out is blended with the picture.
        alpha: in [0, 1].
        weights: of several styles, as "1,2".
        keep_colours: the answer's luminance with the colours that the picture had.
        options: of `editing.style.stylize`.

    Raises:
        ValueError: words that are missing or too many, an unknown way, what a model refuses.
        FileNotFoundError: no such file.
    """
    alpha = float(finite("--alpha", alpha, 0.0, 1.0))
    if optimise and classical:
        raise ValueError("Expected --optimise or --classical, got both.")
    if options and not optimise:
        raise ValueError(f"--set {next(iter(options))}: only --optimise has such settings.")
    shares = None if weights is None else [_number(part) for part in weights.split(",")]
    given = list(words) if optimise or classical else list(words[1:])
    if not 1 <= len(given) <= 2:
        first = "" if optimise or classical else "MODEL "
        raise ValueError(f"Expected {first}PICTURES STYLE, got {' '.join(words)}.")
    pictures, said = given[0], given[1] if len(given) == 2 else None
    if optimise:
        change, name = _optimised(said, shares, alpha, options), "optimisation"
    elif classical:
        change, name = _classical(classical, said, shares, alpha), classical
    else:
        change, name = _of_model(words[0], said, shares, alpha)

    def answer(image, mask):
        made = change(image)
        if keep_colours:
            made = _each_uint8(image, made, lambda a, b: with_colours(a[None], b[None])[0])
        if mask is not None:
            where = image_io.load_image(mask, 1)[..., 0]
            if where.shape != image.shape[:2]:
                sizes = ("x".join(map(str, x.shape[1::-1])) for x in (image, where))
                raise ValueError("Expected a mask of the picture's size, {}, got {}.".format(*sizes))
            inside = _each_uint8(image, made, lambda a, b: fuse(a[None], b[None], where, "feather")[0])
            made = (
                inside
                if image.dtype == np.uint8
                else np.where(where[..., None] != 0, inside.astype(image.dtype) * 257, _coloured(image))
            )
        return made

    about = {"style": said or "", "alpha": f"{alpha:g}", "model": name}
    return Way(pictures, answer, {k: v for k, v in about.items() if v})


def _number(text):
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"Expected --weights as numbers with commas between, got {text!r}.") from None


def _styles(said):
    if said is None:
        raise ValueError("Expected a picture of the style: MODEL PICTURES STYLE, or --optimise PICTURES STYLE.")
    return [image_io.load_image(path, 3) for path in said.split(",")]


def _of_model(path, said, shares, alpha):
    model = load_model(path)
    if "transfer" in model.endpoints():
        return _in_style_of(model, said, shares, alpha), model.name
    if not hasattr(model, "stylize"):
        raise ValueError(f"{path} stylises no pictures: expected a model of style, or --optimise or --classical.")
    count = getattr(model, "num_styles", None)
    if count is None:
        styles = _styles(said)
        return lambda image: model.stylize(image, styles, weights=shares, alpha=alpha), model.name
    try:
        numbers = [int(part) for part in said.split(",")] if said else list(range(count))[:1]
    except ValueError:
        raise ValueError(
            f"{path} has learned {count} styles: expected numbers in 0..{count - 1}, got {said}."
        ) from None
    if wrong := [n for n in numbers if not 0 <= n < count]:
        raise ValueError(f"{path} has learned {count} styles: expected numbers in 0..{count - 1}, got {wrong[0]}.")
    if len(shares or numbers) != len(numbers):
        raise ValueError(f"Expected a weight for each of {len(numbers)} styles, got {len(shares)}.")
    mixed = np.zeros(count)
    np.add.at(mixed, numbers, shares or [1.0] * len(numbers))
    return lambda image: model.stylize(image, mixed, alpha=alpha), model.name


def _in_style_of(model, said, shares, alpha):
    """A change by content and style of a picture."""
    styles = _styles(said)
    if len(styles) > 1 or shares:
        raise ValueError(f"{model.name} takes one style at a time, got {said}: leave the others and --weights out.")
    shape = model.image_shape
    if None not in shape[:2]:
        raise ValueError(f"{model.name} takes pictures of {shape[1]}x{shape[0]} alone: call its `transfer`.")
    return lambda image: _in_colour(image, lambda rgb: model.transfer(rgb[None], styles[0][None], alpha=alpha)[0])


def _optimised(said, shares, alpha, options):
    from keras_imgen.editing.style import stylize
    from keras_imgen.networks import style_trunk

    known = [
        k for k, p in inspect.signature(stylize).parameters.items() if p.kind is p.KEYWORD_ONLY and k not in NOT_SET
    ]
    if unknown := [k for k in options if k not in known]:
        raise ValueError(f"--set {unknown[0]}: --optimise has {', '.join(known)}.")
    how = {"style_weight": alpha, "trunk": "squeezenet", **options}
    several = lambda v, kind: [kind(one) for one in (v if isinstance(v, list | tuple) else str(v).split(","))]  # noqa: E731
    how |= {k: several(how[k], kind) for k, kind in (("terms", str), ("content_layers", int)) if k in how}
    styles, how["trunk"] = _styles(said), style_trunk(how["trunk"])
    return lambda image: _in_colour(image, lambda rgb: stylize(rgb, styles, weights=shares, **how))


def _classical(name, said, shares, alpha):
    from keras_imgen.editing.classical import CLASSICAL, FILTERS

    if name not in CLASSICAL:
        raise ValueError(f"Expected --classical {', '.join(CLASSICAL)}; got {name}.")
    if shares is not None:
        raise ValueError("--weights are of several styles: --classical takes one.")
    styles = [] if name in FILTERS and said is None else _styles(said)
    if len(styles) > 1:
        raise ValueError(f"Expected one style with --classical, got {len(styles)}.")

    def change(rgb):
        made = CLASSICAL[name](rgb, styles[0] if styles else rgb)
        return made if alpha == 1 else image_io.to_uint8(_blend(rgb, made, alpha))

    return lambda image: _in_colour(image, change)


def _blend(a, b, share):
    return image_io.to_model_range(a) * (1 - share) + image_io.to_model_range(b) * share


def _in_colour(image, change):
    """A change of uint8 RGB for a picture of any kind: gray becomes coloured, alpha is kept, 16 bits become 8."""
    shown = _as_uint8(image)
    made = change(image_io.with_channels(shown[..., :3], 3))
    return np.concatenate([made, shown[..., 3:]], -1) if image.shape[-1] == 4 else made


def _coloured(image):
    """Gray as RGB; others as they are."""
    return np.repeat(image, 3, -1) if image.shape[-1] == 1 else image


def _as_uint8(image):
    return image if image.dtype == np.uint8 else np.round(image / 257).astype("uint8")


def _each_uint8(image, made, change):
    """A change of the picture and its answer, both uint8 RGB; alpha is kept."""
    before, after = (_as_uint8(v) for v in (image, made))
    found = change(image_io.with_channels(before[..., :3], 3), np.ascontiguousarray(after[..., :3]))
    return np.concatenate([found, after[..., 3:]], -1) if after.shape[-1] == 4 else found
