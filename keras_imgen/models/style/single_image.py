"""SinDDM: diffusion that learns the patches of one picture at several sizes, and makes new ones of any size."""

import json
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.arguments import finite, integer
from keras_imgen.data.image_io import to_model_range
from keras_imgen.inference.canvas import Canvas, level_sizes, resizing
from keras_imgen.inference.endpoints import Endpoint, Endpoints, Seeds
from keras_imgen.layers.pictures import to_uint8
from keras_imgen.models.diffusion import parameterizations
from keras_imgen.models.diffusion.times import stratified
from keras_imgen.models.image_model import ImageModel
from keras_imgen.models.style.pyramid import Pyramid, resized
from keras_imgen.sampling import samplers, schedules
from keras_imgen.sampling.coarse_to_fine import LevelSamplerInput, share, tables
from keras_imgen.training import random
from keras_imgen.training.rows import like


class Stream(IntEnum):
    """What is drawn from the key of a row at a level; of new pictures the noise of step i has the number i + 2."""

    NOISE = 0
    TIME = 1
    KNOWN = 1  # the noise of what `outpaint` keeps: folded once more, by the step


@keras.saving.register_keras_serializable("keras_imgen")
class SinDDM(ImageModel):
    """One network of a small field of view denoises one picture at every level of a pyramid; new pictures are made from coarse to fine.

    `fit` takes batches that repeat the picture, at its finest size; every level of every row is learned from in every step.

    Args:
        network: `networks.sinddm`, or your own of `image` (N, H, W, C) of any size, `log_snr` (N,) and `level` (N,); an output that sees
            the whole picture learns it by heart.
        image_shape: (height, width, channels) of the picture.
        factor: between a level and the next, in (1, 4].
        levels: of the pyramid, at least 2, see `inference.canvas.levels_for`: so many that the network sees about two fifths of the
            coarsest picture (section 4). More of it, and compositions are learned by heart.
        starts: sigma / alpha at which each finer level begins, above 0: one number for all, or (levels - 1,). More changes more of what the
            coarser levels say. The paper's is what the level has beyond the one before, see `style.pyramid.detail`.
        parameterization: what the network predicts: "v", "epsilon", "x0", "flow" or "edm".
        sampler: the default of `generate`.
        steps: of each level, the default of `generate`.
        others: see `ImageModel`.

    Raises:
        ValueError: a number outside its range, `starts` of another length, an unknown name.

    Source: Kulikov et al. 2023, "SinDDM: A Single Image Denoising Diffusion Model". The loss is the mean square in place of the mean
    absolute error; the schedule is the cosine in continuous time.
    """

    settings = (
        *ImageModel.settings,
        "network",
        "image_shape",
        "factor",
        "levels",
        "starts",
        "parameterization",
        "sampler",
        "steps",
    )

    def __init__(
        self,
        network: keras.Model,
        image_shape: tuple[int, int, int],
        factor: float = 1.4,
        levels: int = 4,
        starts: float | Sequence[float] = 0.3,
        parameterization: Any = "v",
        sampler: str = "dpmpp_2m",
        steps: int = 20,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._pyramid = Pyramid(tuple(image_shape[:2]), factor, levels)
        self.network, self._image_shape = network, tuple(image_shape)
        self.factor, self.levels = self._pyramid.factor, self._pyramid.levels
        starts = finite("starts", starts, 0.0, 10.0, above=True, shape=((), (levels - 1,)))
        self.starts = tuple(float(one) for one in np.broadcast_to(starts, (levels - 1,)))
        self.parameterization = parameterizations.get(parameterization)
        self.schedule = schedules.Cosine()
        self.sampler, self.steps = sampler, steps
        self.finish()

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"network": self.network}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self._image_shape

    @property
    def reads(self) -> tuple[str, ...]:
        return ("image",)

    # === What it learns ===

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        rows = self.noisy(batch["image"], self.next_keys(ops.shape(batch["image"])[0]))
        return {"loss": self.minimize(lambda: self.loss_of(rows, True), self.network)}

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"loss": self.loss_of(self.noisy(batch["image"], self.score_keys(batch)), False)}

    def noisy(self, images: Any, keys: Any) -> list[dict[str, Any]]:
        """What the loss is computed from, of each level.

        Args:
            images: float32 (N, *image_shape) in [-1, 1].
            keys: (N, 2) of `training.random`.

        Returns:
            Dicts of `image` x_t, `alpha`, `sigma` and `target`, (N, ...).
        """
        every, found = self._pyramid.of(images), []
        for k, x0 in enumerate(every):
            own = random.fold(keys, k)
            eps = random.normal(random.fold(own, Stream.NOISE), tuple(x0.shape[1:]))
            start = None if k == 0 else self.starts[k - 1]
            last = 1.0 if k == 0 else float(self.schedule.time(-2.0 * np.log(start), np))
            t = last * stratified(random.uniform(random.fold(own, Stream.TIME)))
            alpha, sigma = (like(v, x0) for v in self.schedule.alpha_sigma(t, ops))
            if k:
                gamma = share(sigma / alpha, start, ops)
                x0 = gamma * self._pyramid.enlarged(every[k - 1], k) + (1.0 - gamma) * x0
            target = self.parameterization.target(x0, eps, alpha, sigma)
            found.append({"image": alpha * x0 + sigma * eps, "alpha": alpha, "sigma": sigma, "target": target})
        return found

    def loss_of(self, rows: list[dict[str, Any]], training: bool) -> Any:
        """The mean over the levels of the network's mean squared error.

        Args:
            rows: see `noisy`.
            training: whether the network is in training mode.
        """
        errors = [
            ops.mean(ops.square(self._output(v["image"], v["alpha"], v["sigma"], k, training) - v["target"]))
            for k, v in enumerate(rows)
        ]
        return sum(errors) / len(errors)

    def _output(self, x, alpha, sigma, level, training):
        count = ops.shape(x)[0]
        log_snr = 2.0 * (ops.log(ops.maximum(alpha, 1e-10)) - ops.log(ops.maximum(sigma, 1e-10)))
        inputs = {
            "image": self.parameterization.c_in(alpha, sigma) * x,
            "log_snr": ops.broadcast_to(ops.reshape(ops.clip(log_snr, -20.0, 20.0), (-1,)), (count,)),
            "level": ops.full((count,), level, dtype="int32"),
        }
        return ops.cast(self.network(inputs, training=training), "float32")

    def denoise(self, x: Any, alpha: Any, sigma: Any, level: int) -> Any:
        """The estimate of the clean mixture of a level and the one before it, of the coarsest the clean picture.

        Args:
            x: x_t (N, H, W, C).
            alpha: of the noise level; a scalar, or it broadcasts with x.
            sigma: of the noise level, the same way.
            level: 0 for the coarsest.
        """
        c_skip, c_out = self.parameterization.coefficients(alpha, sigma, ops)
        return c_skip * x + c_out * self._output(x, alpha, sigma, level, False)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """What the network says, float32 (N, H, W, C), to a dict of its inputs."""
        return ops.cast(self.network(inputs, training=training), "float32")

    # === Sampling ===

    def sample(
        self,
        seeds: Any,
        table: Any,
        matrices: dict[str, Any],
        start: Any = None,
        known: dict[str, Any] | None = None,
    ) -> Any:
        """New pictures uint8 (N, H, W, C) in tensors: what `generate` compiles and `export` writes.

        Args:
            seeds: int32 (N,).
            table: (levels, rows, 10), see `coarse_to_fine.tables`.
            matrices: see `canvas.Canvas`; where there is a `start`, those of the levels after it alone.
            start: float32 (N, h, w, C), what the level before the first of `matrices` answered; None begins with the coarsest.
            known: what is to stay of each level, `known_k` (N, h, w, C) and `mask_k` (N, h, w, 1), 1 where it is; None is nothing.
        """
        keys, count, known = random.key(seeds), ops.shape(seeds)[0], known or {}
        first = min(int(name.removeprefix("down_")) for name in matrices if name.startswith("down_"))
        x = start
        for k in range(first - 1 if start is None else first, self.levels):
            if x is None:
                height, width = (ops.shape(matrices[f"{name}_{first}"])[1] for name in ("down", "across"))
                below = None
            else:
                below = resized(x, matrices[f"down_{k}"], matrices[f"across_{k}"])
                height, width = ops.shape(below)[1:3]
            shape = (height, width, self.image_shape[-1])
            kept = (known[f"known_{k}"], known[f"mask_{k}"]) if known else None
            x = self._level(k, random.fold(keys, k), table[k], (count, *shape), below, kept)
        return to_uint8(x)

    def _level(self, level, keys, table, shape, below, kept):
        """The clean picture of a level; `below` is the answer of the level before, enlarged, None at the coarsest."""
        noise = random.normal(random.fold(keys, Stream.NOISE), shape[1:])
        x = table[0, 1] * noise if below is None else table[0, 0] * below + table[0, 1] * noise
        stochastic = ops.any(table[:, -1] != 0.0)

        def normal(i):
            drawn = lambda: random.normal(random.fold(keys, i + 2), shape[1:])  # noqa: E731
            return ops.cond(stochastic, drawn, lambda: ops.zeros_like(x))

        def denoise(u, reduced, sigma):
            if below is None:
                found = self.denoise(u, reduced, sigma, level)
            else:
                alpha = ops.sqrt(1.0 - ops.square(sigma))
                mixed = self.denoise(u + (alpha - reduced) * below, alpha, sigma, level)
                gamma = 1.0 - reduced / alpha
                found = (mixed - gamma * below) / (1.0 - gamma)
            return ops.clip(found, -1.0, 1.0)

        after = None
        if kept is not None:

            def after(i, x, alpha, sigma):
                z = random.normal(random.fold(random.fold(keys, Stream.KNOWN), i), shape[1:])
                return ops.where(kept[1] > 0.5, alpha * kept[0] + sigma * z, x)

        return samplers.run(denoise, x, table, normal, after)

    def restyle(
        self,
        pictures: Any,
        level: int = 1,
        seed: int = 0,
        *,
        steps: int | None = None,
        sampler: str | None = None,
        batch_size: int = 8,
        ema: bool = True,
    ) -> np.ndarray:
        """Pictures with the patches of the one that was learned: they are made small, and made anew from there on. Also for what was glued
        into the picture, to fit in (harmonization).

        Args:
            pictures: uint8 (N, H, W, C), of any size.
            level: the first that is made, in 1..levels - 1; a lower one keeps less.
            seed: picture k has the seed `seed + k`.
            steps: of each level; None is the model's.
            sampler: its name; None is the model's.
            batch_size: pictures made at a time.
            ema: use averaged weights.

        Returns:
            uint8 (N, H, W, C).

        Raises:
            ValueError: pictures of another form, a level outside its range.
        """
        pictures = self._pictures(pictures)
        level = integer("level", level, 1, self.levels - 1)
        canvas, size = self._canvas(), pictures.shape[1:3]
        small = level_sizes(size, self.factor, self.levels)[level - 1]
        down, across = resizing(size, small)
        start = np.einsum("ah,nhwc,bw->nabc", down, to_model_range(pictures), across, optimize=True).astype("float32")
        matrices = {k: v for k, v in canvas.matrices(size).items() if int(k.rpartition("_")[2]) >= level}
        return self._made(len(pictures), seed, matrices, {"start": start}, steps, sampler, batch_size, ema)

    def outpaint(
        self,
        picture: Any,
        size: tuple[int, int],
        n: int = 1,
        seed: int = 0,
        *,
        steps: int | None = None,
        sampler: str | None = None,
        batch_size: int = 8,
        ema: bool = True,
    ) -> np.ndarray:
        """A picture in the middle of a larger one: new on all sides, itself untouched.

        Args:
            picture: uint8 (H, W, C), as large as the one that was learned, or a part of that.
            size: (height, width) of the answers, at least that of the picture.
            n: how many.
            seed: answer k has the seed `seed + k`.
            steps: of each level; None is the model's.
            sampler: its name; None is the model's.
            batch_size: pictures made at a time.
            ema: use averaged weights.

        Returns:
            uint8 (n, *size, C).

        Raises:
            ValueError: a picture of another form, a size below its own.
        """
        (picture,) = self._pictures(np.asarray(picture)[None])
        canvas = self._canvas()
        size, own = canvas.size(size), picture.shape[:2]
        if any(a < b for a, b in zip(size, own, strict=True)):
            raise ValueError(f"Expected a `size` of at least {own}, that of the picture, got {size}.")
        margins = [((a - b) // 2, a - b - (a - b) // 2) for a, b in zip(size, own, strict=True)]
        filled = np.pad(
            to_model_range(picture), [*margins, (0, 0)], "edge"
        )  # so that its edges stay when it is made small
        inside = np.pad(np.ones((*own, 1), "float32"), [*margins, (0, 0)])
        known = {}
        for k, one in enumerate(level_sizes(size, self.factor, self.levels)):
            down, across = resizing(size, one)
            small, mask = (np.einsum("ah,hwc,bw->abc", down, v, across, optimize=True) for v in (filled, inside))
            known |= {f"known_{k}": small.astype("float32"), f"mask_{k}": (mask > 0.99).astype("float32")}
        n = integer("n", n, 0)
        rows = {k: np.broadcast_to(v, (n, *v.shape)) for k, v in known.items()}
        made = self._made(n, seed, canvas.matrices(size), rows, steps, sampler, batch_size, ema)
        return np.where(inside > 0, np.pad(picture, [*margins, (0, 0)]), made)

    def _pictures(self, pictures):
        pictures = np.asarray(pictures)
        if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[-1] != self.image_shape[-1]:
            raise ValueError(
                f"Expected uint8 pictures (H, W, {self.image_shape[-1]}), got {pictures.dtype} {pictures.shape[1:]}."
            )
        return pictures

    def _made(self, n, seed, matrices, rows, steps, sampler, batch_size, ema):
        table = self._levels().made(steps, sampler).astype("float32")
        names, others = tuple(rows), tuple(matrices)

        def function(seeds, *given):
            some, table, *rest = given[: len(names)], *given[len(names) :]
            known = dict(zip(names, some))
            return self.sample(seeds, table, dict(zip(others, rest)), known.pop("start", None), known)

        seeds = (integer("seed", seed) + np.arange(n, dtype="int64") & 0xFFFFFFFF).astype("uint32").view("int32")
        constants = (table, *matrices.values())
        return self.in_batches(
            (names, others), function, [seeds, *rows.values()], batch_size, constants, ema, fill=False
        )

    def _canvas(self):
        return Canvas(self.image_shape[:2], self.factor, self.levels)

    def _levels(self):
        schedule = json.dumps(keras.saving.serialize_keras_object(self.schedule))
        table = tables(self.sampler, self.schedule, self.steps, self.starts)
        return LevelSamplerInput(self.sampler, self.steps, schedule, self.starts, tuple(map(tuple, table.tolist())))

    def endpoints(self) -> Endpoints:
        def sample(given, told):
            matrices = {k: v for k, v in given.items() if k.startswith(("down_", "across_"))}
            return self.sample(given["seeds"], given["table"], matrices)

        inputs = (Seeds(), self._canvas(), self._levels())
        return {
            "generate": Endpoint(
                inputs,
                signature="sample",
                short={"generate": ()},
                labelled=False,
                batch_size=8,
                fill=False,
                function=sample,
            )
        }
