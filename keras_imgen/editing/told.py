"""What the functions of this room are given: a conditional diffusion model, pictures, and what these are said to show."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_imgen.arguments import shown
from keras_imgen.conditions import pictures_of
from keras_imgen.editing.fuse import pictures
from keras_imgen.models import Diffusion
from keras_imgen.networks.text import TextConditioned
from keras_imgen.text import text_of

Told = str | Sequence[str] | Mapping[str, Any] | None  # a text, one for each picture, or conditions by name


def of_model(model: Any, images: Any) -> np.ndarray:
    """Pictures for a diffusion model, looked at.

    Args:
        model: the model.
        images: uint8 (N, H, W, C).

    Raises:
        ValueError: another model, or pictures of another form.
    """
    if not isinstance(model, Diffusion):
        raise ValueError(f"Expected a Diffusion, got {type(model).__name__}.")
    if sources := pictures_of(model.conditions):
        raise ValueError(
            f"{model.name} is told pictures ({', '.join(sources)}): call its `generate` with the instruction instead."
        )
    images = pictures("images", images)
    if images.shape[-1] != model.image_shape[-1]:
        raise ValueError(f"Expected pictures of {model.image_shape[-1]} channels, got {images.shape}.")
    return images


def of_pixel_model(model: Any, images: Any) -> np.ndarray:
    """The same, for what is done to the pixels that a model works in.

    Args:
        model: the model.
        images: uint8 (N, H, W, C).

    Raises:
        ValueError: another model, one that works in latents, or pictures of another form.
    """
    images = of_model(model, images)
    if model.latents is not None:
        raise ValueError(f"{model.name} works in latents: expected a model that works in pixels.")
    return images


def conditions_of(model: Any, told: Told, name: str) -> dict[str, Any]:
    """Conditions by name.

    Args:
        model: whose they are.
        told: a text, a text for each picture, or conditions by name; None and "" are nothing.
        name: what messages call it.

    Raises:
        ValueError: a text for a model that takes none.
    """
    if told is None or isinstance(told, str) and not told:
        return {}
    if isinstance(told, Mapping):
        return {k: v for k, v in told.items() if v is not None}
    text = text_of(model.conditions)
    if text is None:
        known = ", ".join(c.key for c in model.conditions) or "nothing"
        raise ValueError(f"Expected `{name}` as a dict of conditions, of a model told {known}, got {shown(told)}.")
    return {text.key: told}


def encoded_once(model: Any, told: dict[str, Any]) -> dict[str, Any]:
    """Conditions as tensors, with what the network's encoder makes of a text, so that no step does it again.

    Args:
        model: whose they are.
        told: (N, ...) by name.
    """
    return model.network.encode(told) if isinstance(model.network, TextConditioned) else told
