"""Two pictures of two texts that attend alike, so that they differ where the texts do: prompt-to-prompt."""

from difflib import SequenceMatcher
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_imgen.arguments import finite, integer
from keras_imgen.data.image_io import to_uint8
from keras_imgen.editing.fuse import as_mask, fuse
from keras_imgen.editing.inversion import Followed, follow, guidance_of, invert
from keras_imgen.editing.told import of_pixel_model
from keras_imgen.inference.requests import rows
from keras_imgen.layers.attention import AttentionControl
from keras_imgen.models import Diffusion
from keras_imgen.models.diffusion.diffusion import ImageStream
from keras_imgen.networks.text import TextConditioned
from keras_imgen.sampling import samplers
from keras_imgen.text import text_of
from keras_imgen.training import random


class Edited(NamedTuple):
    """What `prompt_to_prompt` returns.

    Args:
        images: uint8 (N, H, W, C), of the first text.
        edited: uint8 (N, H, W, C), of the second.
    """

    images: np.ndarray
    edited: np.ndarray


def prompt_to_prompt(
    model: Diffusion,
    find: str | list[str],
    make: str | list[str],
    images: Any = None,
    *,
    cross: float = 0.8,
    own: float = 0.4,
    mask: Any = None,
    strength: float = 1.0,
    steps: int = 50,
    guidance_scale: float | None = None,
    negative: str | list[str] | None = None,
    seed: int = 0,
    batch_size: int = 64,
    ema: bool = True,
) -> Edited:
    """Pictures of one text, and the same as another says (Hertz et al. 2022, "Prompt-to-prompt image editing with cross-attention
    control").

    Both are made side by side from the same noise. For a part of the way each place of the second picture attends to the words that the
    texts share as its place in the first does, to a word in another's place as that did to the other, and to the picture itself likewise.
    Without pictures new ones are made, by DDIM; given ones are inverted first, exactly, as by `inversion.invert`.

    Args:
        model: a diffusion model of pixels, told texts by their words: its network has a `sequence`.
        find: what the first shows: a text, or one for each.
        make: what the second is to show, the same way.
        images: uint8 (N, H, W, C), which show `find`; None makes new ones.
        cross: up to which share of the way attention to the words is that of the first, in [0, 1]; 1 keeps the most.
        own: up to which share attention within the picture is.
        mask: nonzero where the edit is wanted, see `fuse.fuse`; None is everywhere.
        strength: up to which time given pictures are inverted, in (0, 1].
        steps: 1 or more.
        guidance_scale: of new pictures, and of the edit of given ones; None is the model's.
        negative: what guidance leads away from; None is the model that is told nothing.
        seed: new picture k has the noise of `generate` of `seed + k`.
        batch_size: pictures at a time.
        ema: use averaged weights.

    Raises:
        ValueError: texts for another number of pictures, numbers outside their range, a model that is not told words.
    """
    text = text_of(getattr(model, "conditions", ()))
    if text is None or not isinstance(model.network, TextConditioned) or "sequence" not in model.network.takes:
        raise ValueError("Expected a model whose network attends to the words of a text: one with sequence_dim=... .")
    cross, own = (float(finite(name, v, 0.0, 1.0)) for name, v in (("cross", cross), ("own", own)))
    several = [len(v) for v in (images, find, make) if v is not None and not isinstance(v, str)]
    count = max(several, default=1)
    if images is not None and not len(images):
        return Edited(*[of_pixel_model(model, images).copy() for _ in range(2)])
    if images is None:
        shape = model.x_shape
        of_pixel_model(model, np.zeros((1, *shape), "uint8"))
        alpha, sigma = samplers.levels(model.schedule, integer("steps", steps, 1))
        levels, how = sigma / alpha, "ddim"
        keys = random.key(ops.convert_to_tensor(rows((), count, {}, seed)[0]))
        start = ops.convert_to_numpy(random.normal(random.fold(keys, ImageStream.NOISE), shape))[:, None]
    else:
        images = of_pixel_model(model, images)
        rest = {"batch_size": batch_size, "ema": ema}
        start, levels, how = invert(model, images, find, steps=steps, strength=strength, **rest)
        levels = levels[::-1]

    first = guidance_of(model, count, find, 1.0 if images is not None else guidance_scale, negative)
    second = guidance_of(model, count, make, guidance_scale, negative)
    numbers = [rows[text.key] for rows, *_ in (first, second)]
    aligned, kept = map(np.stack, zip(*(alignment(*pair) for pair in zip(*numbers))))
    control = AttentionControl(aligned, kept, *(np.full(count, v, "float32") for v in (cross, own)))
    state = np.repeat(start[:, :, None] * np.float32(levels[0]), 2, 2)
    made = follow(model, state, levels, how, False, Followed(*map(list, zip(first, second))), batch_size, ema, control)
    before, after = (to_uint8(made[:, :, k].mean(axis=1)) for k in (0, 1))
    before = before if images is None else images
    return Edited(before, after if mask is None else fuse(before, after, as_mask(mask, before.shape)))


def alignment(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How the tokens of a text become those of another.

    Args:
        first: numbers of tokens (S,), 0 is padding.
        second: the same.

    Returns:
        (float32 (S, S): the share of the weight of each token of the first that each of the second takes: of one in the same place of the
        texts' common order all, of some that were replaced an equal part; float32 (S,): 1 for tokens that are new, which keep their own).
    """
    aligned = np.zeros((len(first), len(second)), "float32")
    ends = [int(np.count_nonzero(numbers)) for numbers in (first, second)]
    pairs = SequenceMatcher(None, *(numbers[:end].tolist() for numbers, end in zip((first, second), ends)), False)
    for what, a, b, c, d in pairs.get_opcodes():
        if what == "equal":
            aligned[range(a, b), range(c, d)] = 1.0
        elif what == "replace":
            aligned[a:b, c:d] = 1.0 / (d - c)
    return aligned, (aligned.sum(0) == 0).astype("float32")
