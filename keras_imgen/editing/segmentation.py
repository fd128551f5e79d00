"""Where in a picture a diffusion model sees what a text means."""

from typing import Any

import numpy as np
from keras import ops
from scipy import ndimage

from keras_imgen.arguments import finite, integer
from keras_imgen.conditions import of_one_length
from keras_imgen.data.image_io import to_model_range
from keras_imgen.editing.fuse import grown
from keras_imgen.editing.told import Told, conditions_of, encoded_once, of_model
from keras_imgen.inference.requests import rows
from keras_imgen.models import Diffusion
from keras_imgen.training import random

EXTREME = 0.01  # the share of pixels that differ most, whose difference counts as equal
UNSEEN = 2 / 255  # a gray level, in [-1, 1]


def segment(
    model: Diffusion,
    images: Any,
    find: Told,
    make: Told = "",
    *,
    threshold: float = 0.5,
    grow: float | None = None,
    time: float = 0.4,
    noises: int = 10,
    seed: int = 0,
    batch_size: int = 64,
    ema: bool = True,
) -> np.ndarray:
    """Where in pictures the model sees what a text means (DiffEdit: Couairon et al. 2023).

    Pictures are noised, and denoised once under `find` and once under `make`; a pixel's score is how much the two estimates differ, in
    the mean over several noises, relative to the most. Two texts that differ in one thing alone show it best: "a red star above a blue
    circle" and "a green star above a blue circle"; then "a red star" and "a green star". "a red star" and nothing differ in all else as
    well: the model takes a text for the whole picture.

    Args:
        model: a conditional diffusion model.
        images: uint8 (N, H, W, C), of the model's channels and a size that its network takes.
        find: a text that describes the pictures, a text for each, or conditions by name.
        make: what differs from it, the same way; "" is a model that is told nothing.
        threshold: of the score, in [0, 1].
        grow: pixels by which the mask is widened; None is one for every 16 of the shorter side.
        time: of the noise level, in (0, 1]; later sees more of the picture as changeable.
        noises: how many are averaged, 1 or more.
        seed: picture k is noised by `seed + k`.
        batch_size: pictures at a time.
        ema: use averaged weights.

    Returns:
        bool (N, H, W); empty where the model makes less than a gray level of difference.

    Raises:
        ValueError: pictures of another form, numbers outside their range, conditions that the model does not take.
    """
    threshold = float(finite("threshold", threshold, 0.0, 1.0))
    score = difference(model, images, find, make, time=time, noises=noises, seed=seed, batch_size=batch_size, ema=ema)
    sides = score.shape[1:]
    grow = min(sides) // 16 if grow is None else grow
    masks = np.zeros(score.shape, bool)
    for one, mask in zip(score, masks):
        one = ndimage.gaussian_filter(one, min(sides) / 64)
        most = np.quantile(one, 1.0 - EXTREME)
        mask[:] = (one >= np.float32(threshold) * most) & (most > UNSEEN)
    return grown(masks, grow)


def difference(
    model: Diffusion,
    images: Any,
    find: Told,
    make: Told = "",
    *,
    time: float = 0.4,
    noises: int = 10,
    seed: int = 0,
    batch_size: int = 64,
    ema: bool = True,
) -> np.ndarray:
    """How much the estimates of noised pictures under two texts differ: float32 (N, H, W), of pictures in [-1, 1].

    Args:
        others: see `segment`.

    Raises:
        ValueError: pictures of another form, numbers outside their range, conditions that the model does not take.
    """
    images = of_model(model, images)
    time = float(finite("time", time, 0.0, 1.0, above=True))
    noises = integer("noises", noises, 1)
    seeds, told = rows(model.conditions, len(images), conditions_of(model, find, "find"), seed)
    others = rows(model.conditions, len(images), conditions_of(model, make, "make"), like=told)[1]
    told, others = of_one_length(model.conditions, told, others)
    shape, names = images.shape[1:] if model.latents is None else model.x_shape, tuple(told)

    def function(images, seeds, *given):
        told, others = (dict(zip(names, given[k : k + len(names)])) for k in (0, len(names)))
        alpha, sigma, count = given[2 * len(names) :]
        told, others = encoded_once(model, told), encoded_once(model, others)
        both = {k: ops.concatenate([v, others[k]]) for k, v in told.items()}
        keys, x0 = random.key(seeds), model.encoded(images)

        def body(i, total):
            x = alpha * x0 + sigma * random.normal(random.fold(keys, i + 1), shape)
            a, b = ops.split(model.denoise(ops.concatenate([x, x]), alpha, sigma, both), 2)
            return ops.reshape(total + ops.mean(ops.abs(a - b), axis=-1), ops.shape(total))

        return ops.fori_loop(0, count, body, ops.zeros_like(x0[..., 0])) / ops.cast(count, "float32")

    level = [np.float32(v) for v in model.schedule.alpha_sigma(np.float64(time), np)]
    arrays = [to_model_range(images), seeds, *told.values(), *(others[k] for k in names)]
    constants = (*level, np.int32(noises))
    found = model.in_batches(("difference", names, shape), function, arrays, batch_size, constants, ema, fill=False)
    (height, width), (h, w) = images.shape[1:3], shape[:2]  # a map of latents has larger places
    return found.repeat(-(-height // h), 1).repeat(-(-width // w), 2)[:, :height, :width]
