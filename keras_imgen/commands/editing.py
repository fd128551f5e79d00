"""What `keras-imgen edit` and `segment` do: pictures changed as a sentence says, and where in them is what one means."""

import os
import warnings
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from keras_imgen.commands.common import endpoint, load_model, parse_conditions
from keras_imgen.conditions import arguments, of, pictures_of
from keras_imgen.data import image_io
from keras_imgen.text import text_of


def edit(
    path: str,
    files: Mapping[str, str],
    out: str,
    make: str,
    find: str | None,
    mask: str | None,
    seed: int,
    options: Mapping[str, Any],
) -> int:
    """Write pictures that were changed into a folder, as PNG; returns how many.

    A model that is told a picture and a text is told `make`, an instruction. Another one paints what `make` says where it sees what `find`
    says, or where a mask is not black; the rest stays to the bit.

    Args:
        path: of the model.
        files: pictures by the names of their answers; other sizes are cropped to the model's.
        out: the folder.
        make: an instruction, or what is to be seen.
        find: what is seen and has to go, of a model that is not told pictures.
        mask: a picture, not black where to paint, of the same.
        seed: picture k has the seed `seed + k`.
        options: of `Diffusion.generate` or `editing.text.edit_by_text`.

    Raises:
        ValueError: what the model refuses, or a model that is told no texts.
    """
    model = load_model(path)
    conditions = of(model)
    text, sources = text_of(conditions), pictures_of(conditions)
    if text is None:
        raise ValueError(f"{path} is told no texts: expected a model of text-to-image, or of pictures and texts.")
    height, width, channels = model.image_shape
    shape = lambda image: image_io.resize(image, (height, width))  # noqa: E731
    given = {place: image_io.load_image(place, channels) for place in files.values()}
    images = np.stack([shape(image) for image in given.values()])
    if sources:
        if find or mask:
            raise ValueError(f"{path} is told what to do in one sentence: leave --find and --mask out.")
        told = {sources[0]: images, text.key: make}
        changed = model.generate(conditions=told, seed=seed, **options)
    else:
        if os.path.isdir(path):
            raise ValueError(f"{path} is a SavedModel: expected a .keras file to edit with.")
        if (find is None) == (mask is None):
            raise ValueError(
                f"{path} makes pictures of texts: expected --find, what has to go, or --mask, where to paint."
            )
        from keras_imgen.editing.text import edit_by_text

        hole = None if mask is None else image_io.load_image(mask, 1)
        for place, image in given.items():
            if hole is not None and hole.shape[:2] != image.shape[:2]:
                sizes = ("x".join(map(str, x.shape[1::-1])) for x in (image, hole))
                raise ValueError("Expected a mask of the size of {}, {}, got {}.".format(place, *sizes))
        where = None if hole is None else shape(hole)[..., 0] > 0
        changed, masks = edit_by_text(model, images, find, make, mask=where, seed=seed, with_masks=True, **options)
        nothing = [place for place, mask in zip(given, masks) if not mask.any()]
        if find and len(nothing) == len(masks):
            raise ValueError(
                f"Nothing in {nothing[0]}{' or any other picture' if nothing[1:] else ''} looks like {find!r} to the model."
            )
        if find and nothing:
            warnings.warn(
                f"Nothing that looks like {find!r} was found in {', '.join(nothing)}: copied as it is.", stacklevel=2
            )
    about = {"model": model.name, "caption": make, **({"find": find} if find else {})}
    for k, ((name, place), image) in enumerate(zip(files.items(), changed)):
        answer = os.path.join(out, name)
        os.makedirs(os.path.dirname(answer), exist_ok=True)  # not before: a model may refuse
        image_io.save_image(answer, image, {**about, "from": os.path.basename(place), "seed": str(seed + k)})
    return len(changed)


def segment(
    path: str, files: Mapping[str, str], out: str, find: str | None, threshold: float, conditions: list[str] | None
) -> int:
    """Write masks into a folder, as PNG of the pictures' own sizes, white where it is; returns how many.

    Args:
        path: of the model, a `Segmenter`.
        files: pictures by the names of their masks; the model sees them stretched to its size.
        out: the folder.
        find: what is looked for, of a model that is told texts.
        threshold: of the probability, in [0, 1].
        conditions: others, as NAME=VALUE.

    Raises:
        ValueError: what the model refuses, another kind of model, or no text for one that is told texts.
    """
    model = load_model(path)
    known = endpoint(model, "segment", path, "does not segment").conditions
    told, text = parse_conditions(known, conditions), text_of(known)
    if (find is None) != (text is None):
        raise ValueError(
            f"{path} is told no texts: leave --find out." if find else f"Expected --find, what {path} is to look for."
        )
    told |= {text.key: find} if find else {}
    height, width, channels = model.image_shape
    for name, place in files.items():
        image = image_io.load_image(place, channels)
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).reshape(1, height, width, channels)
        mask = model.segment(small, threshold=threshold, batch_size=1, **arguments(told))[0]
        mask = cv2.resize(mask, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        about = {"model": model.name, "from": os.path.basename(place), **({"find": find} if find else {})}
        answer = os.path.join(out, name)
        os.makedirs(os.path.dirname(answer), exist_ok=True)  # not before: a model may refuse
        image_io.save_image(answer, np.where(mask[..., None] > 127, 255, 0).astype("uint8"), about)
    return len(files)
