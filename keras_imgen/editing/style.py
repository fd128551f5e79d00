"""Style transfer by optimisation: what is learned is the picture itself (Gatys et al. 2016)."""

import hashlib
import os
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import cv2
import keras
import numpy as np
from scipy.optimize import Bounds, minimize

from keras_imgen.arguments import as_numbers, finite, integer, shown
from keras_imgen.data.files import whole
from keras_imgen.data.image_io import resize, scaled, to_model_range, to_uint8
from keras_imgen.inference.stylizer import mixing_weights
from keras_imgen.losses import style
from keras_imgen.networks import style_trunk
from keras_imgen.training import backend

SMALLEST = 32  # pixels that trunks take
STARTS = ("content", "style", "noise")
MEMORY = 50  # steps after which optimizers begin anew and the state is written: a resumed run takes the same steps
OnStep = Callable[[int, np.ndarray, dict[str, float]], Any]


def stylize(
    content: Any,
    styles: Any,
    *,
    weights: Any = None,
    masks: Any = None,
    terms: Sequence[str | style.StyleTerm] = ("gram", "mean_variance"),
    style_weight: float = 1.0,
    content_weight: float = 0.05,
    smoothness: float = 0.05,
    trunk: str | keras.Model = "squeezenet",
    content_layers: tuple[int, ...] = (2,),
    style_scale: float = 1.0,
    method: str = "lbfgs",
    steps: int = 100,
    levels: int = 2,
    start: str = "content",
    seed: int = 0,
    state: str | None = None,
    on_step: OnStep | None = None,
) -> np.ndarray:
    """A picture that shows what one shows and looks like another: its maps are near the content's, their statistics near the style's.

    Coarse to fine: each level begins with the answer of the one half as large (Gatys et al. 2017, "Controlling Perceptual Factors").

    Args:
        content: uint8 (H, W, 3).
        styles: uint8 (h, w, 3), or a list of several.
        weights: of the styles, numbers of at least 0; None is all alike. What is aimed at is the mean of their descriptors.
        masks: where each style goes: a list of (H, W) for each style, nonzero inside; None mixes all of them everywhere.
        terms: of the style, names or `losses.style.StyleTerm`s of different names.
        style_weight: of their sum; with 0 there is nothing to do, and the content comes back.
        content_weight: of `losses.style.Content`.
        smoothness: of `losses.style.total_variation`.
        trunk: a name of `networks.style_trunk`, or a model of images in [0, 255] to a list of maps.
        content_layers: numbers of the trunk's outputs that the content is compared in.
        style_scale: longest side of the styles, as a share of that of the content: smaller ones have smaller strokes.
        method: "lbfgs" (SciPy's L-BFGS-B) or "adam" (Keras').
        steps: of each level.
        levels: sizes, each half of the next; the last is that of the content.
        start: "content", "style" (the first, cut to the size) or "noise".
        seed: of the noise.
        state: a .npz file that keeps what was reached every 50 steps, and from which the same call goes on, to the same answer as if never
            stopped; it is removed at the end.
        on_step: called after each step with its number, the picture uint8 (H', W', 3) and the terms by name; where it gives True, the
            optimisation ends there, and the state stays, that of the last 50 steps.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: another form, an unknown name, a number out of range; a state of another call.
        FileNotFoundError: the trunk's weights are not here.
    """
    content = one_picture("content", content)
    styles = [one_picture("styles", s) for s in (styles if isinstance(styles, list | tuple) else [styles])]
    weights = mixing_weights(weights, len(styles))
    masks = None if masks is None else _regions(masks, len(styles), content.shape[:2])
    for name, value in (("style_weight", style_weight), ("content_weight", content_weight), ("smoothness", smoothness)):
        finite(name, value, 0.0)
    finite("style_scale", style_scale, 0.0, above=True)
    steps, levels = integer("steps", steps, 1), integer("levels", levels, 1)
    for name, value, known in (("method", method, METHODS), ("start", start, STARTS)):
        if value not in known:
            raise ValueError(f"Expected `{name}` as one of {', '.join(known)}, got {shown(value)}.")
    if style_weight == 0:
        return content.copy()
    terms = style.checked(terms)
    trunk = trunk if isinstance(trunk, keras.Model) else style_trunk(trunk)
    told = (weights.tolist(), [t.get_config() for t in terms], style_weight, content_weight, smoothness)
    told += (trunk.name, content_layers, style_scale, method, steps, levels, start, seed)
    kept = _State(state, _digest(content, *styles, *(masks or ()), repr(told)))

    sizes = [_halved(content.shape[:2], levels - 1 - k) for k in range(levels)]
    picture = _begin(content, styles[0], sizes[0], start, seed)
    done = 0
    if kept.found:
        done, picture = int(kept.found["done"]), kept.found["picture"]
    for level, size in enumerate(sizes):
        if done >= (level + 1) * steps:
            continue
        if picture.shape[:2] != size:
            picture = to_model_range(scaled(to_uint8(picture), size))
        longest = round(max(size) * style_scale)
        evaluate = objective(
            trunk,
            terms,
            (style_weight, content_weight, smoothness),
            scaled(content, size),
            [scaled(s, _fit(s.shape[:2], longest)) for s in styles],
            weights,
            masks,
            content_layers,
        )
        walk = METHODS[method]
        while done < (level + 1) * steps:
            count = min(MEMORY, (level + 1) * steps - done)
            reached, stopped = walk(evaluate, picture, count, done, on_step)
            if stopped:  # the state is that of the last whole part, from which the same call goes on
                return scaled(to_uint8(reached), content.shape[:2])
            picture, done = reached, done + count
            kept.write(done=done, picture=picture)
    kept.remove()
    return to_uint8(picture)


def objective(
    trunk: keras.Model,
    terms: Sequence[style.StyleTerm],
    scales: tuple[float, float, float],
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    weights: np.ndarray,
    masks: Sequence[np.ndarray] | None = None,
    content_layers: tuple[int, ...] = (2,),
) -> Callable[[np.ndarray], tuple[float, dict[str, float], np.ndarray]]:
    """What `stylize` makes small: f(picture float32 (H, W, 3)) -> (loss, the terms by name, the gradient), of pictures of one size.

    Args:
        trunk: of images in [0, 255] to a list of maps.
        terms: of the style.
        scales: `style_weight`, `content_weight`, `smoothness`.
        content: uint8 (H, W, 3).
        styles: uint8 (h, w, 3) each.
        weights: of the styles (count,).
        masks: bool (H, W) of each style; None mixes them everywhere.
        content_layers: see `stylize`.
    """
    shown = style.Content(layers=content_layers)
    maps = lambda image: style.as_maps(trunk, to_model_range(image)[None])  # noqa: E731
    original = shown.describe(content_maps := maps(content))
    looks = [[term.describe(maps(one)) for term in terms] for one in styles]
    if masks is None:
        regions = [(None, [style.mixed([look[k] for look in looks], weights) for k in range(len(terms))], 1.0)]
    else:
        sides = [tuple(m.shape[1:3]) for m in content_maps]
        regions = [
            ([_inside(mask, size) for size in sides], look, float(weight / weights.sum()))
            for mask, look, weight in zip(masks, looks, weights)
        ]

    def loss(x):
        found = style.as_maps(trunk, x)
        values = {"content": shown(original, shown.describe(found)), "smoothness": style.total_variation(x)}
        for k, term in enumerate(terms):
            parts = [share * term(look[k], term.describe(found, places)) for places, look, share in regions]
            values[term.name] = sum(parts)
        return style.weighted(values, terms, *scales), values

    plain = SimpleNamespace(jit_compile=False, variables=trunk.variables)  # XLA would compile for minutes
    compiled = backend.jit(plain, lambda x: backend.value_and_input_gradient(trunk, loss, x))

    def evaluate(picture):
        (total, values), slope = compiled(picture[None].astype("float32"))
        return float(total), {name: float(v) for name, v in values.items()}, slope[0]

    return evaluate


def _lbfgs(evaluate, picture, steps, done, on_step):
    """So many steps of L-BFGS-B in [-1, 1]: (the picture, whether `on_step` ended it)."""
    state = {"step": done, "values": {}}

    def function(x):
        total, state["values"], slope = evaluate(x.reshape(picture.shape))
        return total, slope.astype("float64").ravel()

    def callback(x):
        state["step"] += 1
        if on_step is not None and on_step(state["step"], to_uint8(x.reshape(picture.shape)), state["values"]):
            raise StopIteration

    start = np.clip(picture.astype("float64"), -1, 1).ravel()
    options = {"maxiter": steps, "maxcor": 20, "maxfun": 4 * steps, "ftol": 0.0, "gtol": 0.0}
    how = {"method": "L-BFGS-B", "jac": True, "bounds": Bounds(-1.0, 1.0), "options": options}
    found = minimize(function, start, callback=callback, **how)
    return found.x.reshape(picture.shape).astype("float32"), found.status == 99


def _adam(evaluate, picture, steps, done, on_step):
    """So many steps of Adam, clipped to [-1, 1]: (the picture, whether `on_step` ended it)."""
    x = keras.Variable(picture, name="picture")
    optimizer = keras.optimizers.Adam(0.04, beta_2=0.99)
    for step in range(done + 1, done + steps + 1):
        _, values, slope = evaluate(keras.ops.convert_to_numpy(x))
        optimizer.apply([keras.ops.convert_to_tensor(slope)], [x])
        x.assign(keras.ops.clip(x, -1.0, 1.0))
        if on_step is not None and on_step(step, to_uint8(keras.ops.convert_to_numpy(x)), values):
            return keras.ops.convert_to_numpy(x), True
    return keras.ops.convert_to_numpy(x), False


METHODS = {"lbfgs": _lbfgs, "adam": _adam}


def one_picture(name: str, image: Any) -> np.ndarray:
    """uint8 (H, W, 3), looked at.

    Args:
        name: what messages call it.
        image: what was passed.

    Raises:
        ValueError: another form, or a side below 32 pixels.
    """
    found = as_numbers(image)
    if found.dtype != np.uint8 or found.ndim != 3 or found.shape[-1] != 3 or min(found.shape[:2]) < SMALLEST:
        raise ValueError(f"Expected `{name}` as uint8 (H, W, 3) of {SMALLEST} pixels or more, got {shown(found)}.")
    return found


def _regions(masks, count, size):
    """bool (H, W) of each style."""
    found = [as_numbers(m) for m in masks]
    if len(found) != count or any(m.shape[:2] != size or m.ndim > 3 for m in found):
        raise ValueError(
            f"Expected `masks` as {count} of shape {size}, one for each style, got {[m.shape for m in found]}."
        )
    found = [m.reshape(size) != 0 for m in found]
    if not all(m.any() for m in found):
        raise ValueError("Expected `masks` that each have a pixel inside.")
    return found


def _inside(mask, size):
    """Numbers of the places of a map of this size that lie inside, at least one."""
    share = cv2.resize(mask.astype("float32"), size[::-1], interpolation=cv2.INTER_AREA)
    return np.flatnonzero(share >= min(0.5, share.max())).astype("int32")


def _halved(size, times):
    """A size halved so often, as long as its shorter side has 64 pixels."""
    factor = min(1.0, max(2**-times, 64 / min(size)))
    return tuple(max(SMALLEST, round(n * factor)) for n in size)


def _fit(size, longest):
    """A size with this longest side, and no side below what trunks take."""
    return tuple(max(SMALLEST, round(n * longest / max(size))) for n in size)


def _begin(content, look, size, start, seed):
    if start == "noise":
        return np.random.default_rng(seed).uniform(-1, 1, (*size, 3)).astype("float32")
    return to_model_range(scaled(content, size) if start == "content" else resize(look, size))


def _digest(*given):
    found = hashlib.sha256()
    for one in given:
        found.update(one.encode() if isinstance(one, str) else repr(one.shape).encode() + one.tobytes())
    return found.hexdigest()


class _State:
    """What was reached, in a file."""

    def __init__(self, path, digest):
        self.path, self.digest, self.found = path, digest, None
        if path is not None and not str(path).endswith(".npz"):
            raise ValueError(f"Expected `state` as a .npz file, got {shown(path)}.")
        if path is not None and os.path.exists(path):
            with np.load(path, allow_pickle=False) as file:
                self.found = {k: file[k] for k in file}
            if str(self.found["digest"]) != digest:
                raise ValueError(
                    f"{path} is of another picture or of other settings: remove it, or take another `state`."
                )

    def write(self, **arrays):
        if self.path is not None:
            with whole(self.path) as beside:
                np.savez(beside, digest=self.digest, **arrays)

    def remove(self):
        if self.path is not None and os.path.exists(self.path):
            os.remove(self.path)
