"""The noise from which a diffusion model makes a given picture, and pictures from it under other conditions.

In the coordinates y = x/alpha and s = sigma/alpha every schedule is the same flow, dy/ds = (y - D(y; s)) / s: the noise that the network
sees in y. It is followed from the picture upwards, and from there down again.
"""

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_imgen.arguments import finite, integer, shown
from keras_imgen.data.image_io import to_model_range, to_uint8
from keras_imgen.editing.fuse import as_mask, fuse
from keras_imgen.editing.told import Told, conditions_of, encoded_once, of_pixel_model
from keras_imgen.inference.requests import rows
from keras_imgen.layers import attention
from keras_imgen.layers.attention import AttentionControl
from keras_imgen.models import Diffusion
from keras_imgen.sampling import guidance, samplers
from keras_imgen.sampling.options import Sampling, led_away
from keras_imgen.training.rows import like

HOW = {"ddim": 1, "exact": 2}  # how many states each carries
MIX = 0.93  # of EDICT in 50 steps; in n the root that makes n of them as much


class Inverted(NamedTuple):
    """Pictures as `invert` leaves them, and as `reconstruct` takes them.

    Args:
        noise: float32 (N, states, H, W, C), near N(0, 1) if it went all the way up; of "exact" two states.
        levels: float64 (steps + 1,), the rising sigma/alpha of the way.
        how: "ddim" or "exact".
    """

    noise: np.ndarray
    levels: np.ndarray
    how: str


def invert(
    model: Diffusion,
    images: Any,
    conditions: Told = None,
    *,
    steps: int = 50,
    how: str = "exact",
    strength: float = 1.0,
    guidance_scale: Any = 1.0,
    negative: Told = None,
    batch_size: int = 64,
    ema: bool = True,
) -> Inverted:
    """Pictures as noise.

    "ddim" takes DDIM's steps backwards, as if the noise that the network sees were the same at the next level (Song et al. 2021): it is
    near where many steps are taken and no guidance. "exact" is EDICT (Wallace et al. 2023): two states of which each is changed by what
    the network says of the other, so that every step can be undone to the last bits; it takes two calls a step.

    Args:
        model: a diffusion model.
        images: uint8 (N, H, W, C), of the model's channels and a size that its network takes.
        conditions: what the pictures show: a text, a text for each, or conditions by name; None is nothing.
        steps: 1 or more.
        how: "exact" or "ddim".
        strength: up to which time, in (0, 1]; below 1 the structure stays in any edit.
        guidance_scale: 1 is none; one for all pictures or one for each.
        negative: what guidance leads away from; None is the model that is told nothing.
        batch_size: pictures at a time.
        ema: use averaged weights.

    Raises:
        ValueError: pictures of another form, numbers outside their range, conditions that the model does not take.
    """
    images = of_pixel_model(model, images)
    if how not in HOW:
        raise ValueError(f"Expected `how` as one of {', '.join(HOW)}, got {shown(how)}.")
    strength = float(finite("strength", strength, 0.0, 1.0, above=True))
    alpha, sigma = samplers.levels(model.schedule, integer("steps", steps, 1) + 1, t_start=strength)
    levels = (sigma / alpha)[-2::-1]  # without clean data: at the least level there is noise far below a gray level
    state = np.repeat(to_model_range(images)[:, None], HOW[how], 1)
    one = Followed(*([v] for v in guidance_of(model, len(images), conditions, guidance_scale, negative)))
    noise = follow(model, state[:, :, None], levels, how, True, one, batch_size, ema)[:, :, 0]
    return Inverted(noise / np.float32(levels[-1]), levels, how)


def reconstruct(
    model: Diffusion,
    inverted: Inverted,
    conditions: Told = None,
    *,
    guidance_scale: Any = 1.0,
    negative: Told = None,
    batch_size: int = 64,
    ema: bool = True,
) -> np.ndarray:
    """Pictures from their noise: under the conditions and the guidance of `invert` those that it was given, under others edited ones.

    Args:
        model: that of `invert`.
        inverted: what it returned.
        others: see `invert`.

    Returns:
        uint8 (N, H, W, C).

    Raises:
        ValueError: noise of another form, numbers outside their range, conditions that the model does not take.
    """
    noise, levels, how = inverted
    if how not in HOW or np.ndim(noise) != 5 or np.shape(noise)[1] != HOW[how]:
        raise ValueError(f"Expected what `invert` returned, got {shown(how)} with noise of shape {np.shape(noise)}.")
    state = np.asarray(noise, "float32") * np.float32(levels[-1])
    one = Followed(*([v] for v in guidance_of(model, len(state), conditions, guidance_scale, negative)))
    return to_uint8(
        follow(model, state[:, :, None], levels[::-1], how, False, one, batch_size, ema)[:, :, 0].mean(axis=1)
    )


def reword(
    model: Diffusion,
    images: Any,
    find: Told,
    make: Told,
    *,
    mask: Any = None,
    strength: float = 0.8,
    guidance_scale: Any = None,
    negative: Told = None,
    **how: Any,
) -> np.ndarray:
    """Pictures inverted under what they show, and made again under what they are to show.

    Args:
        model: a conditional diffusion model.
        images: uint8 (N, H, W, C), of the model's channels and a size that its network takes.
        find: what the pictures show: a text, a text for each, or conditions by name.
        make: what they are to show, the same way.
        mask: nonzero where the edit is wanted, see `fuse.fuse`; None is everywhere.
        strength: up to which time they are inverted, in (0, 1].
        guidance_scale: of the edit; None is the model's.
        negative: what its guidance leads away from; None is the model that is told nothing.
        **how: others of `invert`: `steps`, `how`, `batch_size`, `ema`.

    Returns:
        uint8 (N, H, W, C), as given outside the mask.

    Raises:
        ValueError: pictures or a mask of another form, numbers outside their range, conditions that the model does not take.
    """
    images = of_pixel_model(model, images)
    inside = None if mask is None else as_mask(mask, images.shape)
    inverted = invert(model, images, find, strength=strength, **how)
    scale = model.guidance_scale if guidance_scale is None else guidance_scale
    rest = {k: v for k, v in how.items() if k in ("batch_size", "ema")}
    edited = reconstruct(model, inverted, make, guidance_scale=scale, negative=negative, **rest)
    return edited if inside is None else fuse(images, edited, inside)


def guidance_of(
    model: Diffusion, count: int, conditions: Told, scale: Any, negative: Told
) -> tuple[dict[str, Any], dict[str, Any], np.ndarray]:
    """(rows of conditions, those that guidance leads away from, its scales (N,)).

    Args:
        model: whose they are.
        count: N.
        conditions: see `invert`.
        scale: see `invert`; None is the model's.
        negative: see `invert`.

    Raises:
        ValueError: conditions that the model does not take, a scale that is no number.
    """
    told = rows(model.conditions, count, conditions_of(model, conditions, "conditions"))[1]
    scales, _, _ = Sampling(guidance_scale=scale).guidance(model.guidance_scale, count)
    return *led_away(model.conditions, told, count, conditions_of(model, negative, "negative")), scales


class Followed(NamedTuple):
    """Pictures that go the way together: one, or one and what it becomes.

    Args:
        told: conditions (N, ...) by name, of each.
        away: what guidance leads away from, of each.
        scales: of the guidance (N,), of each.
    """

    told: list[dict[str, Any]]
    away: list[dict[str, Any]]
    scales: list[np.ndarray]


def follow(
    model: Diffusion,
    state: np.ndarray,
    levels: np.ndarray,
    how: str,
    up: bool,
    followed: Followed,
    batch_size: int,
    ema: bool,
    control: AttentionControl | None = None,
) -> np.ndarray:
    """States float32 (N, states, pictures, H, W, C) at the first of the levels, taken to the last.

    Args:
        model: a diffusion model of pixels.
        state: in the coordinates x/alpha.
        levels: sigma/alpha, (steps + 1,).
        how: "ddim" or "exact".
        up: whether the levels rise.
        followed: what each of the pictures is told.
        batch_size: rows at a time.
        ema: use averaged weights.
        control: of the attention of the second picture by the first.
    """
    names, count = tuple(followed.told[0]), len(followed.told)
    guided, controls = any((scales != 1.0).any() for scales in followed.scales), control is not None
    given = [t[k] for t in (*followed.told, *(followed.away if guided else ())) for k in names]

    def function(state, scales, *given):
        *given, levels, mix = given
        last = ops.shape(levels)[0] - 1
        ways = AttentionControl(*given[-4:]) if controls else None
        sets = [dict(zip(names, given[k * len(names) :])) for k in range(count * (2 if guided else 1))]
        told = encoded_once(model, {k: ops.concatenate([one[k] for one in sets]) for k in names})

        def noise(y, s, step):
            x = ops.concatenate([y[:, k] for k in range(count)])
            both = ops.concatenate([x, x]) if guided else x
            with attention.controlled(ways and ways.at(step / last, ops.shape(y)[0])):
                d = model.denoise(both, ops.ones_like(s), s, told)
            if guided:
                scale = ops.concatenate([scales[:, k] for k in range(count)])
                d = guidance.classifier_free(*ops.split(d, 2), like(scale, x))
            return ops.stack(ops.split((x - d) / s, count), axis=1)

        def ddim(i, y):
            y = y[:, 0]
            return (y + (levels[i + 1] - levels[i]) * noise(y, levels[i], i))[:, None]

        def undo(i, state):
            """Backwards what `edict` does from level i + 1 to i."""
            low, high = levels[i], levels[i + 1]
            first, x, y = _ordered(i, state)
            y = (y - (1 - mix) * x) / mix
            x = (x - (1 - mix) * y) / mix
            y = y - (low - high) * noise(x, high, i)
            x = x - (low - high) * noise(y, high, i)
            return _ordered_back(first, x, y)

        def edict(i, state):
            high, low = levels[i], levels[i + 1]
            first, x, y = _ordered(last - 1 - i, state)
            x = x + (low - high) * noise(y, high, i)
            y = y + (low - high) * noise(x, high, i)
            x = mix * x + (1 - mix) * y
            y = mix * y + (1 - mix) * x
            return _ordered_back(first, x, y)

        step = ddim if how == "ddim" else undo if up else edict
        body = lambda i, state: ops.reshape(step(i, state), ops.shape(state))  # noqa: E731
        return ops.fori_loop(0, last, body, state)

    mix = np.float32(MIX ** (50.0 / (len(levels) - 1)))
    arrays = [state, np.stack(followed.scales, 1), *given, *(control or ())]
    name = ("inversion", how, up, names, guided, controls, state.shape[1:])
    return model.in_batches(name, function, arrays, batch_size, (levels.astype("float32"), mix), ema, fill=False)


def _ordered(step, state):
    """(whether the first state is first in this step, the first, the second): they take turns, so that they do not part."""
    first = ops.equal(step % 2, 0)
    return first, ops.where(first, state[:, 0], state[:, 1]), ops.where(first, state[:, 1], state[:, 0])


def _ordered_back(first, x, y):
    return ops.stack([ops.where(first, x, y), ops.where(first, y, x)], axis=1)
