"""Which endpoint of a model makes, changes or varies pictures, and what it is told: from what the model declares, for any model."""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_imgen.conditions import Condition, Label, Picture
from keras_imgen.inference.endpoints import Endpoint, Latents, Pictures, RowSeeds, Seeds
from keras_imgen.inference.restorer import TiledEndpoint
from keras_imgen.server.errors import Invalid
from keras_imgen.server.limits import opened
from keras_imgen.server.service import Progress, Service
from keras_imgen.server.version import Version
from keras_imgen.text import text_of

Tell = Callable[[Progress], None]


@dataclass(frozen=True)
class Wish:
    """What pictures a client wants.

    Args:
        prompt: a text, or a label's number or name, as the model takes it; "" for neither.
        seed: of the first picture.
        n: how many.
        size: (width, height), None for what the model makes.
        image: a file of which others are made.
        mask: a file that is transparent where the picture is to be painted.
        others: further arguments of the endpoint.
    """

    prompt: str
    seed: int
    n: int = 1
    size: tuple[int, int] | None = None
    image: bytes | None = None
    mask: bytes | None = None
    others: Mapping[str, Any] = field(default_factory=dict)


def generating(version: Version) -> str | None:
    """The endpoint that makes new pictures, None where there is none.

    Args:
        version: of a model.
    """
    for name, endpoint in version.endpoints.items():
        if _begins_with(endpoint, Seeds) and _makes_pictures(version, endpoint) and _picture_of(endpoint) is None:
            return name
    return None


def editing(version: Version) -> str | None:
    """The endpoint that changes a picture, None where there is none.

    Args:
        version: of a model.
    """
    for name, endpoint in version.endpoints.items():
        if _makes_pictures(version, endpoint) and (endpoint.answers_pictures or _picture_of(endpoint)):
            return name
    return None


def varying(version: Version) -> str | None:
    """The endpoint that gives another picture of the same kind for each seed, or `encode` of a model that decodes numbers; None for none.

    Args:
        version: of a model.
    """
    for name, endpoint in version.endpoints.items():
        drawn = any(isinstance(one, RowSeeds) for one in endpoint.inputs)
        if drawn and endpoint.answers_pictures and _makes_pictures(version, endpoint):
            return name
    decode = version.endpoints.get("decode", Endpoint(()))
    numbers = any(isinstance(one, Latents) and one.codes is None for one in decode.inputs)
    return "encode" if numbers and "encode" in version.endpoints and _makes_pictures(version, decode) else None


async def generate(service: Service, version: Version, wish: Wish, tell: Tell) -> list[np.ndarray]:
    """New pictures (H, W, C).

    Args:
        service: that answers.
        version: of a model that is `generating`.
        wish: of the client.
        tell: how far it is.

    Raises:
        RequestError: a wish that the model cannot fulfil.
    """
    name = generating(version)
    endpoint, others = version.endpoints[name], dict(wish.others)
    if wish.size is not None and "size" in endpoint.parameters().parameters:
        others["size"] = wish.size[::-1]
    elif wish.size is not None:
        _same_size(wish.size, version.description["image_shape"])
    given = {**others, "n": wish.n, "seed": wish.seed, **_told(endpoint, wish.prompt, others)}
    return list(await _call(service, version, name, given, tell))


async def edit(service: Service, version: Version, wish: Wish, tell: Tell) -> list[np.ndarray]:
    """Changed pictures (H, W, C).

    Args:
        service: that answers.
        version: of a model that is `editing`.
        wish: of the client.
        tell: how far it is.

    Raises:
        RequestError: a wish that the model cannot fulfil.
    """
    name = editing(version)
    endpoint = version.endpoints[name]
    painted = isinstance(endpoint, TiledEndpoint) and endpoint.form.mask
    if wish.mask is not None and not painted:
        raise Invalid(f"Expected no `mask`: {version.found.name} changes the whole picture.", param="mask")
    source = _picture_of(endpoint)
    shape = source.shape if source else next((i.shape for i in endpoint.inputs if isinstance(i, Pictures)), None)
    image = await _opened(service, wish.image, "image", shape)
    given = {**wish.others, **_told(endpoint, wish.prompt, wish.others)}
    if source:
        given |= {"n": wish.n, "seed": wish.seed}
        given["conditions"] = {**(given.get("conditions") or {}), source.key: image}
    elif any(isinstance(one, RowSeeds) for one in endpoint.inputs):
        given["seed"] = wish.seed
    elif isinstance(endpoint, TiledEndpoint) and endpoint.form.latent:
        given["seed"] = wish.seed
    if painted:
        mask = await _transparent(service, wish)
        image, given["masks"] = image[..., : min(3, image.shape[-1])], mask
    if not source:
        given["images"] = np.repeat(image[None], wish.n, 0)
    if wish.size is not None:
        scale = endpoint.form.scale if isinstance(endpoint, TiledEndpoint) else 1
        _same_size(wish.size, [side * scale for side in image.shape[:2]])
    return list(await _call(service, version, name, given, tell))


async def vary(service: Service, version: Version, wish: Wish, tell: Tell) -> list[np.ndarray]:
    """Other pictures (H, W, C) of the same kind.

    Latents z of a picture become sqrt(1 - s^2) z + s e with e ~ N(0, I) and s the further argument `strength`, by default 0.5: what was
    drawn from N(0, I), as a variational autoencoder has it, is still.

    Args:
        service: that answers.
        version: of a model that is `varying`.
        wish: of the client.
        tell: how far it is.

    Raises:
        RequestError: a wish that the model cannot fulfil.
    """
    name = varying(version)
    endpoint, others = version.endpoints[name], dict(wish.others)
    (shape,) = [one.shape for one in endpoint.inputs if isinstance(one, Pictures)]
    image = await _opened(service, wish.image, "image", shape)
    if wish.size is not None:
        _same_size(wish.size, image.shape)
    if name != "encode":
        given = {**others, "images": np.repeat(image[None], wish.n, 0), "seed": wish.seed}
        return list(await _call(service, version, name, given, tell))
    strength = others.pop("strength", 0.5)
    if not isinstance(strength, int | float) or not 0 <= strength <= 1:
        raise Invalid(f"Expected `strength` in [0, 1], got {strength!r}.", param="strength")
    latents = await _call(service, version, name, {**others, "images": image[None]}, lambda progress: None)
    noise = [np.random.default_rng(wish.seed + k).standard_normal(latents.shape[1:]) for k in range(wish.n)]
    varied = math.sqrt(1 - strength**2) * latents + strength * np.stack(noise)
    return list(await _call(service, version, "decode", {**others, "latents": varied.astype("float32")}, tell))


def _begins_with(endpoint, kind):
    return bool(endpoint.inputs) and isinstance(endpoint.inputs[0], kind)


def _makes_pictures(version, endpoint):
    return endpoint.output == "images" and len(version.description["image_shape"]) == 3  # no clips


def _picture_of(endpoint: Endpoint) -> Picture | None:
    """The picture that new ones are told, None where there is none."""
    if not _begins_with(endpoint, Seeds):
        return None
    return next((one for one in endpoint.conditions if isinstance(one, Picture)), None)


def _told(endpoint: Endpoint, prompt: str, others: Mapping[str, Any]) -> dict[str, Any]:
    """The argument `conditions` with the prompt: a text, or the number or name of a label, as the model takes it."""
    conditions = others.get("conditions") or {}
    if not isinstance(conditions, Mapping):
        raise Invalid("Expected `conditions` as an object.", param="conditions")
    asked: Condition | None = text_of(endpoint.conditions)
    value: Any = prompt
    if asked is None and prompt:
        asked = next((one for one in endpoint.conditions if isinstance(one, Label)), None)
        if asked is None:
            raise Invalid("Expected `prompt` empty: this model takes no text.", param="prompt")
        try:
            value = asked.number(prompt)
        except ValueError as error:
            said = f"Expected `prompt` as the number or name of a label, or empty: this model takes no text. {error}"
            raise Invalid(said, param="prompt") from error
    return {"conditions": {**conditions, **({asked.key: value} if asked else {})}} if asked or conditions else {}


def _same_size(asked, shape):
    height, width = shape[:2]
    if asked != (width, height):
        raise Invalid(f"Expected `size` of {width}x{height}, or auto: the model makes no other.", param="size")


async def _opened(service, file, name, shape=None):
    """A picture (H, W, C) that was sent, with the channels and of the size that the model takes."""
    channels = None if shape is None else shape[-1]
    image = await asyncio.to_thread(opened, file or b"", name, service.limits, channels=channels)
    if shape is not None and any(a not in (None, b) for a, b in zip(shape, image.shape)):
        height, width = image.shape[:2]
        raise Invalid(f"Expected `{name}` of {shape[1]}x{shape[0]} pixels, got {width}x{height}.", param=name)
    return image


async def _transparent(service, wish):
    """True (H, W, 1) where a picture is to be painted: where the mask, or without one the picture itself, is transparent."""
    name = "image" if wish.mask is None else "mask"
    found = await _opened(service, wish.image if wish.mask is None else wish.mask, name)
    if found.shape[-1] != 4:
        said = "Expected a `mask`, or an `image`, that is transparent (alpha 0) where to paint: a PNG file with alpha."
        raise Invalid(said, param="mask")
    return found[..., 3:] == 0


async def _call(service, version, name, given, tell):
    try:
        return await service.call(version.found.name, name, given, version.found.version, progress=tell)
    except Invalid as error:
        raise Invalid(
            str(error), param=error.param or next((k for k in given if f"`{k}`" in str(error)), None)
        ) from error
