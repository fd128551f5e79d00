"""Diffusion: a schedule, a parameterization, a sampler and guidance around one network."""

import json
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from keras import StatelessScope, ops

from keras_imgen.arguments import finite, integer
from keras_imgen.conditions import (
    Conditions,
    Picture,
    checked,
    given_with,
    guided_apart,
    inputs_of,
    is_null,
    num_classes,
    pictures_of,
)
from keras_imgen.data.image_io import to_model_range
from keras_imgen.inference.endpoints import Endpoint, Endpoints, Rows, Seeds
from keras_imgen.inference.requests import batched, one_compiles, rows
from keras_imgen.kinds import from_description
from keras_imgen.layers.attention import is_controlled
from keras_imgen.layers.pictures import to_uint8
from keras_imgen.models.calls import conditions_of
from keras_imgen.models.diffusion import parameterizations, weightings
from keras_imgen.models.diffusion import times as time_distributions
from keras_imgen.models.diffusion.latent import Latents
from keras_imgen.models.image_model import ImageModel
from keras_imgen.networks.text import TextConditioned
from keras_imgen.sampling import guidance, samplers, schedules
from keras_imgen.sampling.options import IMAGE_SCALE, SamplerInput, Sampling, led_away
from keras_imgen.text import text_of
from keras_imgen.training import backend, random
from keras_imgen.training.rows import like

OWN = (
    "image",
    "log_snr",
    "alpha",
    "sigma",
    "target",
    "factor",
)  # what the network and the loss are given besides conditions


_SHARED: ContextVar[tuple] = ContextVar("whose network is traced once, and how it is called", default=(None,))


class Stream(IntEnum):
    """What a diffusion model draws from the keys of a batch in training."""

    NOISE = 0
    TIME = 1
    DROPOUT = 2


class ImageStream(IntEnum):
    """What it draws from the key of an image; the noise of step i has the number i + 1."""

    NOISE = 0
    KNOWN = 1  # the noise of what inpainting keeps: folded once more, by the step


@keras.saving.register_keras_serializable("keras_imgen")
class Diffusion(ImageModel):
    """A diffusion or flow model: x_t = alpha(t) x_0 + sigma(t) eps, and a network that finds x_0.

    The network is a `keras.Model` called with a dict: `image` (N, H, W, C), `log_snr` (N,), and what it is conditional on: `label` (N,)
    (`num_classes` stands for "no label"), vectors (N, D), sequences (N, S, D). An image's output must not depend on the others of the
    batch.
    It sees c_in * x and log-SNR alone, so the same network serves every schedule.

    Args:
        network: `networks.unet`, `networks.dit` or your own with the same inputs.
        schedule: "linear", "cosine", "sigmoid", "condot" (flow matching), "edm", or a `schedules.Schedule`.
        parameterization: what the network predicts: "epsilon", "x0", "v", "flow" or "edm".
        weighting: of the squared error of x_0: "uniform", "snr", "min_snr", "p2", "edm"; None is the network's own squared error.
        times: the distribution of t: "uniform", "logit_normal", "log_normal", or a `times` object. Draws are stratified over the batch.
        label_dropout: the share of images of which no condition is told in training, for classifier-free guidance (Ho & Salimans 2022).
        sampler: the default of `generate`.
        steps: the default of `generate`.
        guidance_scale: the default of `generate`.
        image_shape: (height, width, channels), or of clips (frames, height, width, channels), where the network leaves its size open.
        conditions: what the network is told, see `keras_imgen.conditions`; None finds it by the network's inputs, of a subclass without
            symbolic inputs labels alone.
        image_guidance_scale: the default of `generate`, of a model that is told pictures.
        codec: a trained `VAE`, `VQVAE`, ... in whose latents it works (Rombach et al. 2022), then `network` is of maps (h, w, D) as
            `codec.map_shape` says, or of clips of such maps (frames, h, w, D), each of which is a frame. It does not learn any more, and is
            saved and exported with the model. Call `fit_latents` before `fit`.
        others: see `ImageModel`.

    Raises:
        ValueError: a name that is not known, `label_dropout` outside [0, 1), images of no fixed size, a codec that does not fit.

    Sources: Ho et al. 2020 (DDPM), Song et al. 2021 (score SDE), Kingma et al. 2021 (VDM), Karras et al. 2022 (EDM), Lipman et al. 2023.
    """

    settings = (
        *ImageModel.settings,
        "network",
        "schedule",
        "parameterization",
        "weighting",
        "times",
        "label_dropout",
        "sampler",
        "steps",
        "guidance_scale",
        ("image_shape", "x_shape"),
        ("conditions", "_conditions"),
        "image_guidance_scale",
        "codec",
    )

    def __init__(
        self,
        network: keras.Model,
        schedule: Any = "cosine",
        parameterization: Any = "v",
        weighting: Any = None,
        times: Any = "uniform",
        label_dropout: float = 0.1,
        sampler: str = "dpmpp_2m",
        steps: int = 20,
        guidance_scale: float = 1.0,
        image_shape: tuple[int, int, int] | None = None,
        conditions: Conditions | None = None,
        image_guidance_scale: float = 1.0,
        codec: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.network = network
        self._image_shape = tuple(image_shape or network.image_shape)
        of_frames = codec is not None and len(self._image_shape) > len(codec.map_shape)
        self.latents = None if codec is None else Latents(codec, self._image_shape[0] if of_frames else None)
        if None in self._image_shape or len(self._image_shape) not in (3, 4):
            raise ValueError(
                f"Expected `image_shape` (height, width, channels), or with frames before them, got {self._image_shape}: pass "
                "image_shape=... ."
            )
        if self.latents is not None and self._image_shape != self.latents.shape:
            raise ValueError(
                f"Expected a network of the codec's maps {self.latents.shape}, got one of {self._image_shape}."
            )
        self._conditions = None if conditions is None else tuple(from_description(conditions))
        checked(self.conditions, OWN, getattr(network, "num_classes", None))
        if self.latents is not None and pictures_of(self.conditions):
            raise ValueError("A model that works in latents is told no pictures: leave `codec` or the pictures out.")
        self.schedule = schedules.get(schedule)
        self.parameterization = parameterizations.get(parameterization)
        self.weighting = weightings.get(weighting)
        self.times = time_distributions.get(times)
        if not 0.0 <= label_dropout < 1.0:
            raise ValueError(f"Expected `label_dropout` in [0, 1), got {label_dropout!r}.")
        self.label_dropout = label_dropout
        self.sampler, self.steps, self.guidance_scale = sampler, steps, guidance_scale
        self.image_guidance_scale = image_guidance_scale
        # What is learned from a batch besides the weights, as by batch or spectral norm, needs it whole.
        frozen = {id(v) for v in getattr(network, "frozen_variables", ())}
        self._in_halves = all(id(v) in frozen for v in network.non_trainable_weights)
        self.finish()

    # === What it learns ===

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"network": self.network}

    @property
    def parts(self) -> dict[str, keras.layers.Layer]:
        return {} if self.latents is None else {"latents": self.latents}

    @property
    def codec(self) -> Any:
        """The model in whose latents it works, or None."""
        return None if self.latents is None else self.latents.codec

    @property
    def image_shape(self) -> tuple[int, ...]:
        return self._image_shape if self.latents is None else self.latents.image_shape

    @property
    def x_shape(self) -> tuple[int, ...]:
        """Of what is noised and denoised: an image, or a codec's map of one."""
        return self._image_shape

    def fit_latents(self, images: Any) -> None:
        """Measure the codec's latents, so that those which the model learns have mean 0 and variance 1.

        Args:
            images: those it will learn from, uint8 (N, H, W, C), or batches of them or of dicts with `image`; 10,000 are enough.

        Raises:
            ValueError: a model without a codec, latents that are all alike.
        """
        if self.latents is None:
            raise ValueError("This model works in pixels: it has no latents to be measured.")
        parts = [images[k : k + 64] for k in range(0, len(images), 64)] if isinstance(images, np.ndarray) else images
        self.latents.fit(parts, self.pictures[0])
        self._compiled_functions.clear()

    def encoded(self, images: Any) -> Any:
        """What is noised, (N, *x_shape): of images float32 (N, H, W, C) in [-1, 1] themselves or their standardized latents."""
        return images if self.latents is None else self.latents.encoded(images)

    def _ready(self):
        super()._ready()
        self._measured()

    def _measured(self):
        if self.latents is not None and not float(ops.convert_to_numpy(self.latents.scale)):
            raise ValueError("The codec's latents have not been measured: call fit_latents(images) first.")

    @property
    def conditions(self) -> Conditions:
        if self._conditions is not None:
            return self._conditions
        found = conditions_of(self.network, OWN[:2], getattr(self.network, "num_classes", None), self.class_names)
        size = self.image_shape[-3:-1]  # networks leave the size of pictures open
        return tuple(replace(c, shape=(*size, c.shape[-1])) if isinstance(c, Picture) else c for c in found)

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.pictures[0], *inputs_of(self.conditions))

    @property
    def num_classes(self) -> int | None:
        return num_classes(self.conditions)

    @property
    def second(self) -> str:
        """What y is, in batches (x, y): the label, or the text of a model without labels."""
        text = text_of(self.conditions)
        return "label" if text is None or self.num_classes is not None else text.key

    takes_microbatches = True

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        rows = self.noisy(batch, self.next_keys(ops.shape(batch[self.pictures[0]])[0]), True)
        return {"loss": self.minimize(lambda rows: self.loss_of(rows, True), self.network, rows)}

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"loss": self.loss_of(self.noisy(batch, self.score_keys(batch), False), False)}

    def noisy(self, batch: dict[str, Any], keys: Any, training: bool) -> dict[str, Any]:
        """What the loss of a batch is computed from, row by row. All that is random is drawn here, outside the gradient.

        Args:
            batch: images in [-1, 1] and conditions, by key.
            keys: (N, 2) of `training.random`.
            training: leave conditions out by chance, see `label_dropout`.

        Returns:
            `image` x_t, `alpha`, `sigma`, `target`, `factor` of its squared error, and conditions, (N, ...) by name.
        """
        x0 = self.encoded(batch[self.pictures[0]])
        shape = tuple(x0.shape[1:])
        eps = random.normal(random.fold(keys, Stream.NOISE), shape)
        t = self.times(time_distributions.stratified(random.uniform(random.fold(keys, Stream.TIME))), self.schedule)
        alpha, sigma = (like(v, x0) for v in self.schedule.alpha_sigma(t, ops))
        xt = alpha * x0 + sigma * eps
        conditions = self.told(batch)
        if training and self.label_dropout and conditions:
            chance = random.uniform(random.fold(keys, Stream.DROPOUT))
            nulls, pictures = inputs_of(self.conditions), guided_apart(self.conditions)
            for k, v in conditions.items():  # of a picture and a text also the text alone is left out, to guide by each
                dropped = chance < self.label_dropout * (0.5 if k in pictures else 1.0)
                conditions[k] = ops.where(like(dropped, v), ops.cast(nulls[k].null, v.dtype), v)
        target = self.parameterization.target(x0, eps, alpha, sigma)
        factor = weightings.loss_weight(self.weighting, self.parameterization, alpha, sigma)
        factor = ops.broadcast_to(factor, ops.shape(alpha))
        return {"image": xt, "alpha": alpha, "sigma": sigma, "target": target, "factor": factor, **conditions}

    def loss_of(self, rows: dict[str, Any], training: bool) -> Any:
        """The mean of the weighted squared errors.

        Args:
            rows: those of `noisy`, all or some.
            training: whether the network is in training mode.
        """
        rows = dict(rows)
        x, alpha, sigma, target, factor = (rows.pop(k) for k in ("image", "alpha", "sigma", "target", "factor"))
        return ops.mean(factor * ops.square(self._output(x, alpha, sigma, rows, training) - target))

    # === The denoiser ===

    def _output(self, x, alpha, sigma, conditions, training: bool):
        log_snr = 2.0 * (ops.log(ops.maximum(alpha, 1e-10)) - ops.log(ops.maximum(sigma, 1e-10)))
        log_snr = ops.broadcast_to(ops.reshape(ops.clip(log_snr, -20.0, 20.0), (-1,)), (ops.shape(x)[0],))
        inputs = {"image": self.parameterization.c_in(alpha, sigma) * x, "log_snr": log_snr, **conditions}
        if (self._in_halves or not training) and not is_controlled():
            owner, *halves = _SHARED.get()
            if owner is self:
                output = backend.in_halves(self, halves[0], inputs, halves[1])
            else:
                output = backend.in_halves(self, lambda rows: self.network(rows, training=training), inputs)
        else:
            output = self.network(inputs, training=training)
        return ops.cast(output, "float32")

    def denoise(self, x: Any, alpha: Any, sigma: Any, conditions: dict[str, Any] | None = None) -> Any:
        """The estimate of x_0.

        Args:
            x: x_t (N, H, W, C).
            alpha: of the level; a scalar, or it broadcasts with x.
            sigma: of the level, the same way.
            conditions: (N, ...) by name.
        """
        c_skip, c_out = self.parameterization.coefficients(alpha, sigma, ops)
        return c_skip * x + c_out * self._output(x, alpha, sigma, conditions or {}, False)

    @contextmanager
    def _network_traced_once(self):
        """Inside, all the places in a graph that call the network share one trace of it for each half of a batch."""

        def traced():
            known: dict = {}

            def call(rows):
                names = tuple(rows)
                if names not in known:
                    inner = lambda *values: self.network(dict(zip(names, values)), training=False)  # noqa: E731
                    known[names] = backend.traced_once(inner, large=True)
                return known[names](*rows.values())

            return call

        before = _SHARED.set((self, traced(), traced()))
        try:
            yield
        finally:
            _SHARED.reset(before)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """x_0 from a dict of `image` (N, H, W, C), `alpha` and `sigma` (N,), and the network's conditions."""
        conditions = {k: v for k, v in inputs.items() if k not in ("image", "alpha", "sigma")}
        alpha, sigma = (like(inputs[k], inputs["image"]) for k in ("alpha", "sigma"))
        return self.denoise(inputs["image"], alpha, sigma, conditions)

    def predict_batch(self, data: Any) -> Any:
        x = data[0] if isinstance(data, (tuple, list)) else data
        if not isinstance(x, dict) or {"image", "alpha", "sigma"} - set(x):
            raise ValueError(
                "Expected predict() of a diffusion model with a dict of `image`, `alpha` and `sigma`, of which it tells x_0: "
                "for new images use generate(n), to change some img2img."
            )
        return super().predict_batch(x)

    def _guided(self, x, alpha, sigma, conditions, options, guide=None, negative=None):
        """The denoiser under guidance; `options`, `guide`, `negative`: see `sample`."""
        scale, phi, interval = (options[f"guidance_{k}"] for k in ("scale", "rescale", "interval"))
        if not conditions and guide is None:
            return self.denoise(x, alpha, sigma, conditions)
        log_snr = 2.0 * (ops.log(ops.maximum(alpha, 1e-10)) - ops.log(ops.maximum(sigma, 1e-10)))
        inside = ops.logical_and(log_snr >= interval[0], log_snr <= interval[1])
        wanted = ops.logical_and(ops.any(scale != 1.0), inside)

        def plain():
            return self.denoise(x, alpha, sigma, conditions)

        def guided():
            if guide is not None:
                cond, weak = plain(), guide(x, alpha, sigma, conditions)
            else:
                both = {k: ops.concatenate([v, away[k]]) for k, v in conditions.items()}
                cond, weak = ops.split(self.denoise(ops.concatenate([x, x]), alpha, sigma, both), 2)
            d = guidance.classifier_free(cond, weak, like(scale, x))
            return ops.where(phi > 0, guidance.rescale(d, cond, phi), d)

        pictures = guided_apart(self.conditions)
        away = negative or self.nulls(conditions, but=pictures)
        if guide is not None or not set(pictures) & set(conditions):
            return ops.cond(wanted, guided, plain)
        nothing = {**away, **self.nulls({k: v for k, v in conditions.items() if k in pictures})}

        def guided_twice():
            all_three = {k: ops.concatenate([v, away[k], nothing[k]]) for k, v in conditions.items()}
            found = ops.split(self.denoise(ops.concatenate([x, x, x]), alpha, sigma, all_three), 3)
            d = guidance.of_picture_and_text(*found, like(scale, x), like(image_scale, x))
            return ops.where(phi > 0, guidance.rescale(d, found[0], phi), d)

        image_scale = options["image_guidance_scale"]
        twice = ops.logical_and(ops.any(image_scale != 1.0), inside)
        return ops.cond(twice, guided_twice, lambda: ops.cond(wanted, guided, plain))

    # === Sampling ===

    def sample(
        self,
        seeds: Any,
        table: Any,
        options: dict[str, Any],
        conditions: dict[str, Any],
        start: dict[str, Any] | None = None,
        guide: Callable[..., Any] | None = None,
        negative: dict[str, Any] | None = None,
    ) -> Any:
        """The whole sampling loop in tensors: uint8 (N, H, W, C). It is what `generate` compiles and `export` writes.

        Args:
            seeds: int32 (N,).
            table: (rows, 10), see `samplers`.
            options: dict of `guidance_scale` (N,), `guidance_rescale` (), `guidance_interval` (2,) of log-SNR, and, of a model that is told
                pictures, `image_guidance_scale` (N,).
            conditions: dict of the network's inputs besides the image.
            start: None, or a dict of `image` (N, H, W, C) in [-1, 1] and, to keep a part of it, `mask` (N, H, W, 1), 1 where to paint.
            guide: None, or what tells x_0 as `denoise` does, in place of the model that is told nothing.
            negative: None, or conditions to be guided away from, in place of none; pictures in it are those in `conditions`.
        """
        if guide is None and isinstance(self.network, TextConditioned):  # a text is encoded once, not in every step
            negative = negative or self.nulls(conditions, but=guided_apart(self.conditions))
            conditions, negative = (self.network.encode(told) for told in (conditions, negative))
        keys = random.key(seeds)
        if start is not None and self.latents is not None:
            start = {
                "image": self.encoded(start["image"]),
                **{k: self.latents.cells(start[k]) for k in start if k == "mask"},
            }
        shape = self.x_shape if start is None else tuple(start["image"].shape[1:])
        noise = random.normal(random.fold(keys, ImageStream.NOISE), shape)
        alpha, sigma = table[0, 0], table[0, 1]
        x = sigma * noise if start is None else alpha * start["image"] + sigma * noise
        stochastic = ops.any(table[:, -1] != 0.0)

        def normal(i):
            return ops.cond(
                stochastic, lambda: random.normal(random.fold(keys, i + 1), shape), lambda: ops.zeros_like(x)
            )

        def denoise(x, alpha, sigma):
            return self._guided(x, alpha, sigma, conditions, options, guide, negative)

        after = None
        if start is not None and "mask" in start:

            def after(i, x, alpha, sigma):
                z = random.normal(random.fold(random.fold(keys, ImageStream.KNOWN), i), shape)
                return ops.where(start["mask"] > 0.5, x, alpha * start["image"] + sigma * z)

        with self._network_traced_once():
            x = samplers.run(denoise, x, table, normal, after=after)
        return to_uint8(x if self.latents is None else self.latents.decoded(x))

    def generate(
        self,
        n: int | None = None,
        labels: Any = None,
        seed: int = 0,
        *,
        seeds: Any = None,
        steps: int | None = None,
        sampler: str | None = None,
        grid: str | None = None,
        eta: float | None = None,
        guidance_scale: float | None = None,
        guidance_rescale: float = 0.0,
        guidance_interval: tuple[float, float] | None = None,
        image_guidance_scale: float | None = None,
        guide: "Diffusion | None" = None,
        conditions: dict[str, Any] | None = None,
        negative: dict[str, Any] | None = None,
        batch_size: int = 64,
        ema: bool = True,
    ) -> np.ndarray:
        """New images, uint8 (n, height, width, channels).

        Args:
            n: how many; may be left out where `labels`, `conditions` or `seeds` tell.
            labels: int or ints (n,) for a conditional model; None draws from the model without a label. Short for
                `conditions={"label": ...}`.
            seed: image k has the seed `seed + k`. The same seed is the same image in any batch.
            seeds: those of the images (n,), in place of `seed`.
            steps: of the sampler; None is the model's.
            sampler: its name, see `samplers.table`; None is the model's.
            grid: how the steps are spread, see `samplers.table`; None is the sampler's.
            eta: noise of the steps, 0 for none; None is the sampler's.
            guidance_scale: 1 is the conditional model; above 1 classifier-free guidance (Ho & Salimans 2022), of all conditions together
                but for a picture beside others.
            guidance_rescale: phi in [0, 1] (Lin et al. 2024).
            guidance_interval: (low, high) of sigma/alpha outside which guidance is off (Kynkaanniemi et al. 2024).
            image_guidance_scale: of a model that is told pictures: above 1 it keeps to them more closely (Brooks et al. 2023).
            guide: a weaker model for autoguidance (Karras et al. 2024) in place of the unlabelled one; a `Diffusion` of the same images.
            conditions: what else the network is told, by name: a vector (D,) or (n, D); a sequence (S, D) or (n, S, D), or n of any lengths
                in a list. See `keras_imgen.conditions`.
            negative: conditions that guidance leads away from, in place of none, but for pictures; of one row or n.
            batch_size: images made at a time.
            ema: use averaged weights, of the guide too.

        Raises:
            ValueError: labels outside the range, an unknown sampler, steps < 1, numbers that are not finite or outside their range.
        """
        seeds, told = rows(self.conditions, n, given_with(labels, conditions), seed, seeds)
        guided = guidance_scale, guidance_rescale, guidance_interval, image_guidance_scale
        how = Sampling(steps, sampler, grid, eta, *guided)
        return self._run(seeds, told, negative, self.table(**how.for_table()), how, None, guide, batch_size, ema)

    def image_to_image(
        self,
        images: Any,
        labels: Any = None,
        seed: int = 0,
        *,
        strength: float = 0.6,
        steps: int | None = None,
        **kwargs: Any,
    ) -> np.ndarray:
        """SDEdit (Meng et al. 2022): noise images up to a time and sample from there.

        Args:
            images: uint8 (N, H, W, C).
            labels: int or ints (N,) for a conditional model; None samples without a label.
            seed: image k has the seed `seed + k`.
            strength: the time, in (0, 1].
            steps: of the sampler; None is the model's.
            **kwargs: the others of `generate`, but for `n` and `seeds`.

        Returns:
            uint8 (N, H, W, C).

        Raises:
            ValueError: images of another form, a strength outside its range.
            TypeError: an unknown argument.
        """
        finite("strength", strength, 0.0, 1.0, above=True)
        return self._edit(images, None, labels, seed, strength, 1, {"steps": steps, **kwargs})

    def inpaint(
        self,
        images: Any,
        mask: Any,
        labels: Any = None,
        seed: int = 0,
        *,
        strength: float = 1.0,
        resample: int = 1,
        steps: int | None = None,
        **kwargs: Any,
    ) -> np.ndarray:
        """Paint images anew where a mask is nonzero; the rest is returned untouched.

        The known region is replaced by its noised self after every step.

        Args:
            images: uint8 (N, H, W, C), or clips (N, F, H, W, C).
            mask: (N, H, W, 1) or (N, H, W), nonzero where to paint; of clips (N, F, H, W, 1) or, for whole frames, (N, F).
            labels: int or ints (N,) for a conditional model; None samples without a label.
            seed: image k has the seed `seed + k`.
            strength: the time that it starts from, in (0, 1]: 1 paints anew, below it what is there is painted over, see
                `image_to_image`.
            resample: above 1 it goes back and forth that many times at each noise level (RePaint, Lugmayr et al. 2022), with a
                first-order sampler.
            steps: of the sampler; None is the model's.
            **kwargs: the others of `generate`, but for `n` and `seeds`.

        Returns:
            uint8 (N, H, W, C).

        Raises:
            ValueError: images or a mask of another form, a strength outside its range, `resample` below 1.
            TypeError: an unknown argument.
        """
        finite("strength", strength, 0.0, 1.0, above=True)
        sampler = kwargs.pop("sampler", "ddim" if integer("resample", resample, 1) > 1 else None)
        how = {"steps": steps, "sampler": sampler, **kwargs}
        return self._edit(images, mask, labels, seed, strength, resample, how)

    def _edit(self, images, mask, labels, seed, t_start, resample, kwargs):
        images = np.asarray(images)
        clips = len(self.image_shape) == 4
        sides = ("N", *[self.image_shape[0]] * clips, "H", "W", self.image_shape[-1])
        if (
            images.dtype != np.uint8
            or images.ndim != len(sides)
            or any(isinstance(a, int) and a != b for a, b in zip(sides, images.shape))
        ):
            wanted = ", ".join(map(str, sides))
            raise ValueError(
                f"Expected uint8 {self.pictures[0]}s of shape ({wanted}), got {images.dtype} of shape {images.shape}."
            )
        if self.latents is not None and images.shape[1:] != self.image_shape:
            raise ValueError(f"Expected images {self.image_shape}, which the codec takes, got {images.shape}.")
        start = {"image": to_model_range(images)}
        if mask is not None:
            mask, shape = np.asarray(mask), (*images.shape[:-1], 1)
            if clips and mask.shape == shape[:2]:
                mask = np.broadcast_to(mask[:, :, None, None, None], shape)
            mask = mask[..., None] if mask.ndim == len(shape) - 1 else mask
            if mask.shape != shape:
                raise ValueError(f"Expected a mask of shape {shape}, got {mask.shape}.")
            if mask.dtype.kind not in "biuf" or not np.isfinite(mask).all():
                raise ValueError("Expected a mask of finite numbers, not 0 where to paint.")
            start["mask"] = (mask != 0).astype("float32")
        how, rest = Sampling.split(kwargs)
        own = {"batch_size": 64, "ema": True, "guide": None, "conditions": None, "negative": None}
        if unknown := sorted(set(rest) - set(own)):
            raise TypeError(f"Unexpected arguments {unknown}.")
        rest = {**own, **rest}
        seeds, told = rows(self.conditions, len(images), given_with(labels, rest["conditions"]), seed)
        table = self.table(**how.for_table(), t_start=t_start)
        if resample > 1:
            table = samplers.repaint(table, resample)
        result = self._run(
            seeds, told, rest["negative"], table, how, start, rest["guide"], rest["batch_size"], rest["ema"]
        )
        return result if mask is None else np.where(mask != 0, result, images)

    def table(
        self,
        steps: int | None = None,
        sampler: str | None = None,
        grid: str | None = None,
        eta: float | None = None,
        t_start: float = 1.0,
    ) -> np.ndarray:
        """The sampler's table of coefficients, float64 (rows, 10), see `samplers.table`.

        Args:
            steps: None is the model's.
            sampler: its name; None is the model's.
            grid: how the steps are spread; None is the sampler's.
            eta: noise of the steps; None is the sampler's.
            t_start: the time it starts from, in (0, 1].
        """
        given = {k: v for k, v in {"grid": grid, "eta": eta}.items() if v is not None}
        steps = self.steps if steps is None else steps
        sampler = self.sampler if sampler is None else sampler
        return samplers.table(sampler, self.schedule, steps, t_start=t_start, **given)

    def _run(self, seeds, told, negative, table, how, start, guide, batch_size, ema) -> np.ndarray:
        self._measured()
        scales, phi, interval = how.guidance(self.guidance_scale, len(seeds))
        of_pictures = how.image_guidance(self.conditions, self.image_guidance_scale, len(seeds))
        away = {}
        negative = given_with(None, negative)
        if negative and guide is not None:
            raise ValueError(
                "Expected `guide` or `negative`, got both: each takes the place of the model that is told nothing."
            )
        if guide is not None and any((scale != 1.0).any() for scale in of_pictures.values()):
            raise ValueError(f"Expected `guide` or an `{IMAGE_SCALE}`, got both.")
        if negative:
            told, away = led_away(self.conditions, told, len(seeds), negative)
        elif guide is None and is_null(self.conditions, told):
            scales = np.ones_like(scales)
        names = tuple(sorted(told))
        shapes = None if start is None else tuple((k, v.shape[1:]) for k, v in sorted(start.items()))
        function = self._function(names, bool(away), shapes, guide, ema)
        arrays = [seeds, scales, *of_pictures.values(), *(given[k] for given in (told, away) for k in sorted(given))]
        arrays += [] if start is None else [start[k] for k in sorted(start)]
        constants = (table.astype("float32"), phi, interval)
        made = batched(lambda *parts: function(*constants, *parts), arrays, batch_size, backend.streams(self))
        return np.zeros((0, *self.image_shape), "uint8") if made is None else made

    def _function(self, names, negative, start_shapes, guide, ema):
        if guide is not None and (not isinstance(guide, Diffusion) or guide.x_shape[-1] != self.x_shape[-1]):
            found = f"one of {guide.x_shape}" if isinstance(guide, Diffusion) else type(guide).__name__
            raise ValueError(f"Expected `guide` as a Diffusion of images {self.x_shape}, got {found}.")
        # One for each image size: only the number of rows may vary in a graph.
        cache = (names, negative, start_shapes, id(guide), ema, self.jit_compile)
        if cache not in self._compiled_functions:

            def function(table, phi, interval, seeds, scale, *rest):
                of_pictures, rest = (rest[:1], rest[1:]) if guided_apart(self.conditions) else ((), rest)
                told, rest = dict(zip(names, rest)), rest[len(names) :]
                away, start = (dict(zip(names, rest)), rest[len(names) :]) if negative else (None, rest)
                start = None if start_shapes is None else dict(zip((k for k, _ in start_shapes), start))
                options = {"guidance_scale": scale, "guidance_rescale": phi, "guidance_interval": interval}
                options |= dict(zip((IMAGE_SCALE,), of_pictures))
                weak = (
                    None if guide is None else _with_its_weights(guide, ema)
                )  # before the scope, which has not its variables
                with self.averaged(ema):
                    return self.sample(seeds, table, options, told, start, weak, away)

            both = self
            if guide is not None:  # the guide's weights are arguments of the compiled function, too
                both = SimpleNamespace(variables=[*self.variables, *guide.variables], jit_compile=self.jit_compile)
            self._compiled_functions[cache] = one_compiles(backend.jit(both, function))
        return self._compiled_functions[cache]

    # === Likelihood ===

    def log_likelihood(
        self,
        images: Any,
        labels: Any = None,
        *,
        steps: int = 64,
        probes: int = 1,
        seed: int = 0,
        conditions: dict[str, Any] | None = None,
    ) -> np.ndarray:
        """Log-likelihood of uint8 images in bits per dimension (N,), lower is better, by the probability-flow ODE.

        Heun steps in log(sigma/alpha) carry x/alpha and its log-density; the divergence is Hutchinson's estimate with `probes`
        Rademacher vectors, or exact if `probes` is at least the number of dimensions (Song et al. 2021, section 4.3; dequantised
        uniformly, as there).

        Args:
            images: uint8 (N, H, W, C).
            labels: int or ints (N,) for a conditional model; None is without a label.
            steps: of Heun, 1 or more.
            probes: of the divergence's estimate, 1 or more.
            seed: of the first image's random numbers; image k has `seed + k`.
            conditions: what else the network is told, by name.

        Raises:
            ValueError: images of another form, numbers outside their range, a model that works in latents.
        """
        if self.latents is not None:
            raise ValueError("A model that works in latents has a likelihood of latents, and none of images.")
        from keras_imgen.models.diffusion.likelihood import bits_per_dimension

        return bits_per_dimension(self, np.asarray(images), given_with(labels, conditions), steps, probes, seed)

    # === Saving and serving ===

    def endpoints(self) -> Endpoints:
        def sample(given, told):
            options = {k: v for k, v in given.items() if "guidance" in k}
            away = {k: given.get(f"negative_{one.served}", told[k]) for k, one in inputs_of(self.conditions).items()}
            return self.sample(given["seeds"], given["table"], options, told, negative=away)

        def denoise(given, told):
            return self({**given, **told})

        sampled = SamplerInput(
            self.sampler,
            self.steps,
            float(self.guidance_scale),
            json.dumps(keras.saving.serialize_keras_object(self.schedule)),
            tuple(map(tuple, self.table().tolist())),
            float(self.image_guidance_scale),
        )
        text = text_of(self.conditions)
        negative = (f"negative_{text.key}s",) if text else ()
        of_pictures = (IMAGE_SCALE,) if guided_apart(self.conditions) else ()
        short = {"generate": ("guidance_scale", "table", *of_pictures, *negative)}
        own = {"signature": "sample", "short": short, "null": True, "fill": False}
        level = (Rows("image", self.x_shape), Rows("alpha"), Rows("sigma"))
        return {
            "generate": Endpoint((Seeds(), sampled), self.conditions, **own, function=sample),
            "denoise": Endpoint(level, self.conditions, "x0", null=True, labelled=False, fill=False, function=denoise),
        }


def _with_its_weights(model, ema):
    """`model.denoise` with the weights, averaged or not, that it has where this is called; for use inside the scope of another model."""
    with model.averaged(ema):
        weights = [(v, v.value) for v in model.variables]

    def denoise(*given):
        with StatelessScope(state_mapping=weights):
            return model.denoise(*given)

    return denoise
