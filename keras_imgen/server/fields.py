"""What a person fills in to ask an endpoint, made from the inputs and conditions that it declares; `filled` reads it back."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from keras_imgen.conditions import Amount, Condition, Label, Picture, guided_apart
from keras_imgen.inference.between import FasterEndpoint
from keras_imgen.inference.canvas import LARGEST, Canvas
from keras_imgen.inference.clips import ClipEndpoint
from keras_imgen.inference.continued import Ahead
from keras_imgen.inference.endpoints import REQUIRED, Endpoint, Input, Latents, Number, Pictures, Rows, RowSeeds, Seeds
from keras_imgen.inference.endpoints import Told as ToldRows
from keras_imgen.inference.restorer import TiledEndpoint
from keras_imgen.inference.stylizer import StyleWeights
from keras_imgen.sampling.coarse_to_fine import LevelSamplerInput
from keras_imgen.sampling.options import GRIDS, IMAGE_SCALE, SAMPLERS, SamplerInput
from keras_imgen.server.limits import FRAMES, Limits
from keras_imgen.text import Text

FASTER = 16  # times as many frames, at most


@dataclass(frozen=True)
class Field:
    """One thing that a person fills in.

    Args:
        name: the argument that it becomes; "conditions.caption" is the caption in `conditions`.
        control: how it is filled in, a key of `filled.READERS`.
        help: what it does, in a line.
        default: what it shows to begin with, None for nothing; what is left as it is need not be sent.
        required: whether it cannot be left empty.
        low: the least number.
        high: the largest number.
        ends: of a slider, where numbers may go on.
        whole: whether numbers are whole.
        choices: of which one is chosen, or examples of a text.
        names: of several numbers, or of labels.
        shape: of several numbers, or (height, width, channels) of a picture, or of a film with frames before them; None of what may be
            any.
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
    if isinstance(endpoint, ClipEndpoint):
        found += _of_clips(endpoint, limits)
    if isinstance(endpoint, FasterEndpoint):
        found += _of_pairs(endpoint, limits)
    elsewhere = {one.key for one in endpoint.inputs if isinstance(one, ToldRows)}
    drawn = any(isinstance(one, Seeds) for one in endpoint.inputs)
    for one in endpoint.conditions:
        if one.key not in elsewhere:
            short = endpoint.labelled and one.key == "label" and not isinstance(endpoint, TiledEndpoint)
            needed = one.needed and not endpoint.null and not (drawn and one.key == "label")
            found.append(_of_condition(one, "labels" if short else f"conditions.{one.key}", needed))
    order = ("film", "picture", "mask", "text", "labels")
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
    frames = len(one.shape) == 4
    said = (
        f"{one.shape[0]} frames or more, of which the last are taken; or a picture of them side by side."
        if frames
        else _becomes(one.shape)
    )
    control = "film" if frames else "picture"
    yield Field(one.argument, control, said, required=True, shape=tuple(one.shape), rows=True)


@_of_input.register
def _(one: Ahead, endpoint, limits):
    yield Field("frames", "number", "How many more.", 10, True, 1, FRAMES, (1, 20), whole=True)


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
        said = "How strong the noise is, in gray levels of 255; empty is estimated."
        yield Field("sigma", "number", said, low=0, ends=(0.0, 75.0))
    if form.latent is not None:
        yield Field("seed", "seed", "One of many answers; empty is the most likely one.", whole=True, low=0)
    yield _number("strength", "Of the answer; 0 leaves the picture as it is.", 1.0, 0.0, 1.0)
    yield Field(
        "ensemble",
        "flag",
        "Eight answers, to the picture turned and mirrored, in one: a little better, eight times as long.",
        more=True,
    )


def _of_clips(endpoint, limits):
    said = f"Up to {limits.rows} frames, fewer of large ones."
    yield Field("clips", "film", said, required=True, shape=(None, None, None, endpoint.form.channels))
    if endpoint.form.mask and endpoint.output == "clips":
        said = "Paint over what is to be made anew in all frames; nothing: the model finds it, frame by frame."
        yield Field("masks", "mask", said)
    if endpoint.form.sigma:
        said = "How strong the noise is, in gray levels of 255."
        yield Field("sigma", "number", said, 20.0, True, low=0, ends=(0.0, 75.0))


def _of_pairs(endpoint, limits):
    channels = next(one for one in endpoint.pair.inputs if isinstance(one, Pictures)).shape[-1]
    said = f"Up to {limits.rows} frames with those that are made, fewer of large ones."
    yield Field("clip", "film", said, required=True, shape=(None, None, None, channels))
    said = "How many times as many frames a second. Over a cut the nearer one is repeated."
    yield Field("factor", "number", said, 2, True, 2, FASTER, (2, FASTER), whole=True)


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
    return Field(name, "labels", said, None, required, choices=choices, names=one.names, more=more)


@_of_condition.register
def _(one: Text, name, required, said="", more=False):
    said = said or "In words; (words:1.5) weigh more."
    return Field(name, "text", said, None, required, choices=() if more else tuple(one.prompts), more=more)


@_of_condition.register
def _(one: Picture, name, required, said="", more=False):
    return Field(name, "picture", said or _becomes(one.shape), None, required, shape=tuple(one.shape), more=more)


def _becomes(shape):
    """What a picture loses on its way to a model."""
    height, width, channels = shape[-3:]
    size = "" if None in (height, width) else f"It becomes {width} x {height} pixels: the middle of it, scaled. "
    return size + ("" if channels == 4 else "What is transparent becomes white.")


def _number(name, said, default, low, high, whole=False, more=False):
    default = int(default) if whole else float(default)
    ends = (min(0.0, 2 * default) if low is None else low, max(2.0, 4 * default) if high is None else high)
    return Field(name, "number", said, default, False, low, high, ends, whole, more=more)
