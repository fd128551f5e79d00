"""Editing pictures by text: find what one text means, paint there what another says, and leave the rest to the bit.

For any `Diffusion` that is conditional: what is said here as a text may be a dict of conditions as well, as {"label": 3}.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_imgen.arguments import finite, shown
from keras_imgen.editing.fuse import WAYS, as_mask, fuse
from keras_imgen.editing.segmentation import segment
from keras_imgen.editing.told import Told, conditions_of, of_model
from keras_imgen.models import Diffusion


def edit(
    model: Diffusion,
    images: Any,
    mask: Any,
    make: Told,
    *,
    negative: Told = None,
    strength: float = 1.0,
    resample: int = 1,
    seed: int = 0,
    **how: Any,
) -> np.ndarray:
    """Paint inside a mask what a text says; the rest is returned untouched.

    Args:
        model: a conditional diffusion model.
        images: uint8 (N, H, W, C), of the model's channels and a size that its network takes.
        mask: (N, H, W), (N, H, W, 1) or (H, W) for all pictures, nonzero where to paint.
        make: a text, a text for each picture, or conditions by name.
        negative: what guidance leads away from, the same way.
        strength: 1 paints anew; below it what is there is noised to that time and painted over, so that its structure stays (SDEdit:
            Meng et al. 2022).
        resample: above 1 it goes back and forth that many times at each noise level, for a better fit to the surroundings (RePaint:
            Lugmayr et al. 2022).
        seed: picture k has the seed `seed + k`.
        **how: the others of `Diffusion.inpaint`: `steps`, `sampler`, `guidance_scale`, ...

    Returns:
        uint8 (N, H, W, C).

    Raises:
        ValueError: pictures or a mask of another form, numbers outside their range, conditions that the model does not take.
        TypeError: an unknown argument.
    """
    images = of_model(model, images)
    inside = as_mask(mask, images.shape)
    how = {**how, "conditions": conditions_of(model, make, "make")}
    if negative:
        how["negative"] = conditions_of(model, negative, "negative")
    strength = float(finite("strength", strength, 0.0, 1.0, above=True))
    if not inside.any():
        return images.copy()
    return model.inpaint(images, inside, seed=seed, strength=strength, resample=resample, **how)


def edit_by_text(
    model: Diffusion,
    images: Any,
    find: Told,
    make: Told,
    *,
    mask: Any = None,
    how: str = "poisson",
    width: float | None = None,
    segmentation: Mapping[str, Any] | None = None,
    with_masks: bool = False,
    seed: int = 0,
    **painting: Any,
) -> Any:
    """Replace in pictures what one text means by what another says: `segment`, `edit`, `fuse`.

    Args:
        model: a conditional diffusion model.
        images: uint8 (N, H, W, C), of the model's channels and a size that its network takes.
        find: what the pictures show, see `segment`; None with a mask.
        make: what they are to show, see `edit`.
        mask: where to paint, in place of `segment`: an array, or f(images, find) that gives it.
        how: the edit is joined to the picture, see `fuse`.
        width: of "feather", in pixels, see `fuse`.
        segmentation: other arguments of `segment`, by name.
        with_masks: whether to return the masks too.
        seed: picture k has the seed `seed + k`.
        **painting: others of `edit`: `strength`, `resample`, `negative`, `steps`, `guidance_scale`, ...

    Returns:
        uint8 (N, H, W, C), as given outside the masks; or (that, masks bool (N, H, W)).

    Raises:
        ValueError: pictures or a mask of another form, numbers outside their range, conditions that the model does not take.
        TypeError: an unknown argument.
    """
    images = of_model(model, images)
    if how not in WAYS:
        raise ValueError(f"Expected `how` as one of {', '.join(WAYS)}, got {shown(how)}.")
    if mask is None:
        masks = segment(model, images, find, make, **{"seed": seed, **(segmentation or {})})
    else:
        masks = as_mask(mask(images, find) if callable(mask) else mask, images.shape)
    edited = edit(model, images, masks, make, seed=seed, **painting)
    fused = fuse(images, edited, masks, how, width)
    return (fused, masks) if with_masks else fused
