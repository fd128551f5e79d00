"""How far a picture is from another's content and from a third one's style, in a trunk that none of it was made with."""

from functools import lru_cache
from typing import Any

import keras
import numpy as np

from keras_imgen.arguments import as_numbers, shown
from keras_imgen.data.image_io import to_model_range
from keras_imgen.losses import style
from keras_imgen.metrics.paired import ssim
from keras_imgen.networks import style_trunk

JUDGE = "efficientnet-lite0"


def style_distance(
    contents: Any, styles: Any, answers: Any, trunk: str | keras.Model = JUDGE, content_layers: tuple[int, ...] = (2,)
) -> dict[str, np.ndarray]:
    """What stylised pictures have of the style and of the content, a number for each picture.

    The trunk has to be another than the one that the pictures were made with: whoever optimises a distance has a small one. The two
    distances say different things, and only pairs of them can be compared: nothing is gained by more style and less content.

    Args:
        contents: N pictures uint8 (H, W, 3), of any sizes.
        styles: N pictures uint8 (h, w, 3), of any sizes.
        answers: N pictures uint8, each of the size of its content.
        trunk: a name of `networks.style_trunk`, or a model of images in [0, 255] to a list of maps.
        content_layers: numbers of the trunk's outputs in which contents are compared.

    Returns:
        By name, float64 (N,): "style distance [TRUNK]", the mean of `losses.style`'s relative Gram and moment distances over all layers
        (0 of the style itself, near 1 of a gray picture); "content distance [TRUNK]", the relative squared distance of the maps (0 of the
        content itself); "structure", SSIM of the lumas; "colour distance", the sliced Wasserstein distance of the colours, in gray levels.

    Raises:
        ValueError: not as many of each, or pictures of another form.
    """
    counts = {len(contents), len(styles), len(answers)}
    if len(counts) > 1 or counts == {0}:
        raise ValueError(
            f"Expected as many contents, styles and answers, got {len(contents)}, {len(styles)}, {len(answers)}."
        )
    trunk = trunk if isinstance(trunk, keras.Model) else style_trunk(trunk)
    terms, content = (style.Gram(), style.MeanVariance()), style.Content(layers=content_layers)
    names = f"style distance [{trunk.name}]", f"content distance [{trunk.name}]", "structure", "colour distance"
    look_at = lru_cache(8)(
        lambda shape, data: style.as_maps(trunk, to_model_range(np.frombuffer(data, "uint8").reshape(1, *shape)))
    )
    rows = []
    for triple in zip(contents, styles, answers):
        given = [_picture(name, one) for name, one in zip(("contents", "styles", "answers"), triple)]
        if given[0].shape != given[2].shape:
            raise ValueError(f"Expected an answer of the size of its content, {given[0].shape}, got {given[2].shape}.")
        *maps, made = (look_at(one.shape, one.tobytes()) for one in given)
        look = np.mean([float(term(term.describe(maps[1]), term.describe(made))) for term in terms])
        far = float(content(content.describe(maps[0]), content.describe(made)))
        structure = float(ssim(given[0][None], given[2][None], channels="y")[0])
        rows.append((look, far, structure, colour_distance(given[1], given[2])))
    return dict(zip(names, np.array(rows, "float64").T))


def colour_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Sliced Wasserstein distance of the colours of two pictures of any sizes, in gray levels: the mean over 32 directions.

    Args:
        first: uint8 (H, W, 3).
        second: uint8 (h, w, 3).
    """
    directions = np.random.default_rng(0).normal(size=(3, 32))
    directions /= np.linalg.norm(directions, axis=0)
    at = (np.arange(512) + 0.5) / 512
    a, b = (np.quantile(one.reshape(-1, 3) @ directions, at, axis=0) for one in (first, second))
    return float(np.abs(a - b).mean())


def _picture(name, image):
    found = as_numbers(image)
    if found.dtype != np.uint8 or found.ndim != 3 or found.shape[-1] != 3:
        raise ValueError(f"Expected `{name}` as uint8 (H, W, 3), got {shown(found)}.")
    return found
