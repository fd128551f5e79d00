"""What all restoring models are: a network, what it is trained for, and `restore` for any picture."""

import math
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.conditions import Conditions, inputs_of, num_classes
from keras_imgen.inference.endpoints import Endpoints, bound
from keras_imgen.inference.restorer import Form, TiledEndpoint
from keras_imgen.layers.light import small_luma
from keras_imgen.losses import adversarial as adversarial_losses
from keras_imgen.losses import divergence, pixel, terms
from keras_imgen.models import batches
from keras_imgen.models.adversarial.regularizers import Regularizer, discriminator_step
from keras_imgen.models.calls import Pair, call, conditions_of, inputs
from keras_imgen.models.image_model import ImageModel
from keras_imgen.models.restoration import objectives
from keras_imgen.models.saving import apart
from keras_imgen.training import random
from keras_imgen.training.rows import per_row


class Stream(IntEnum):
    """What a restorer draws from the keys of a batch in training."""

    POSTERIOR = 1
    SIGMA = 2
    NOISE = 3
    REGULARIZERS = 4
    MASKS = 5
    MIXTURE = 6


class Restoration(ImageModel):
    """Base of `SuperResolution`, `Denoiser`, `Deblurrer`, `Enhancer`, `Inpainter` and `Colorizer`.

    Trained by residuals alone, against a discriminator, or as a conditional VAE; and by any of the objectives, together.

    Args:
        network: float images (N, H, W, C) in [-1, 1] of any size to restored ones; or called with a dict of `image` and those of
            `sigma` (N,), `mask` (N, H, W, 1), `latent` (N, ceil(H/4), ceil(W/4), D) that it takes.
        objectives: names or `objectives.Objective`s; the loss is their weighted sum.
        discriminator: of target and restored images, (N, H', W', C') to logits of any shape, as `networks.patchgan((None, None, C))`:
            trained against the network (SRGAN, Ledig et al. 2017).
        adversarial: see `losses.adversarial`; the default compares real and restored in pairs (Jolicoeur-Martineau 2018; ESRGAN, Wang et
            al. 2018, compares with the mean).
        adversarial_weight: of that loss; ESRGAN's is 0.005.
        regularizers: terms of the discriminator's loss, `models.adversarial.R1`, ...; the Wasserstein loss needs a `GradientPenalty`.
        encoder: makes it a conditional VAE (Sohn et al. 2015): a network of a dict of `image` and `target` to (N, h, w, 2 D), means and
            log-variances of the latent map that the network takes, as `networks.latent_encoder`. The prior is N(0, I).
        kl_weight: of the KL in nats, per number of the target. With L1 it is the ELBO of a Laplacian whose scale is this weight: take
            the mean error that is to be expected.
        overlap: pixels that tiles share, see `restore`.
        others: see `ImageModel`; the network alone is averaged.

    Learns from batches of `image` and `target`: `fit(images, targets)`, tuples or dicts. Logs `loss`, `psnr` (dB, all channels), each
    objective if there are several, `kl`, and of the discriminator its loss and accuracies.

    Raises:
        ValueError: networks that do not fit each other.
    """

    colour = "each"  # what a gray network does with colours: see `inference.Form`
    second = "target"
    needs_target = True
    scale = 1
    tile = 512  # see `restore`
    consistent = False  # see `SuperResolution`
    blend = "levels"  # how `restore` makes answers weaker: see `inference.strength`

    settings = (
        *ImageModel.settings,
        "network",
        "objectives",
        "discriminator",
        ("adversarial", "loss_pair"),
        "adversarial_weight",
        "regularizers",
        "encoder",
        "kl_weight",
        "overlap",
    )

    def __init__(
        self,
        network: keras.Model,
        objectives: Any = ("l1",),
        discriminator: keras.Model | None = None,
        adversarial: str | adversarial_losses.AdversarialLoss = "relativistic",
        adversarial_weight: float = 0.005,
        regularizers: tuple[Regularizer, ...] = (),
        encoder: keras.Model | None = None,
        kl_weight: float = 0.1,
        overlap: int = 64,
        **kwargs: Any,
    ):
        self.objectives, self.loss_pair = _objectives(objectives), adversarial_losses.get(adversarial)
        self.regularizers = terms.checked(regularizers, "regularizers")
        self.logged = self._names(discriminator, encoder)
        super().__init__(**kwargs)
        self.network, self.discriminator, self.encoder = network, discriminator, encoder
        self.overlap = overlap
        self.adversarial_weight, self.kl_weight = adversarial_weight, kl_weight
        self.trunks = [o.trunk for o in self.objectives if getattr(o, "trunk", None) is not None]
        if self.regularizers and discriminator is None:
            raise ValueError("`regularizers` are terms of the discriminator's loss, and there is no discriminator.")
        state = {"initializer": "zeros", "trainable": False, "aggregation": "mean"}
        self.logit_means = self.add_weight(name="logit_means", shape=(2,), **state) if self.regularizers else None
        # The step that the objectives go by, in evaluation too: JAX does not hand the optimizer to it.
        varies = any(o.varies for o in self.objectives)
        self._step = self.add_weight(name="step", shape=(), **state) if varies else None
        if encoder is not None and self._latent is None:
            raise ValueError(
                f"Expected a network that takes the encoder's `latent`, got one of {', '.join(inputs(network))}."
            )
        self._untracked.form = self._form()
        self._untracked.trained = network if encoder is None else Pair(network, encoder, name=network.name)
        self.finish()

    def _names(self, discriminator, encoder):
        several = tuple(o.name for o in self.objectives) if len(self.objectives) > 1 else ()
        played = ("adversarial", "discriminator_loss", "real_accuracy", "fake_accuracy")
        return (
            "loss",
            "psnr",
            *several,
            *(("kl",) if encoder is not None else ()),
            *(played if discriminator is not None else ()),
            *(term.name for term in self.regularizers),
        )

    def _form(self) -> Form:
        names, shape = inputs(self.network), self.image_shape
        if shape[:2] != (None, None) or shape[-1] not in (1, 3):
            raise ValueError(
                f"Expected a network for images of any size, gray or RGB: (None, None, 1 or 3), got one for {shape}."
            )
        for size in (24, 25):  # an odd one, too: strides have to be hidden
            out = self.compute_output_spec(self._example(size)).shape
            if out[1:3] != (size * self.scale,) * 2:
                raise ValueError(
                    f"Expected a network that enlarges by {self.scale}, got one from {size}x{size} to {out[1]}x{out[2]}."
                    + (" For any size put layers.PadToMultiple first and layers.CropLike last." if size == 25 else "")
                )
        strides = [getattr(layer, "multiple", 1) for layer in self.network._flatten_layers()]
        return Form(
            channels=self.image_shape[-1],
            out=int(out[-1]),
            scale=self.scale,
            multiple=math.lcm(*strides, 4 if "latent" in names else 1),
            colour=self.colour,
            tile=self.tile,
            overlap=self.overlap,
            mask="mask" in names,
            sigma="sigma" in names,
            latent=self._latent,
            consistent=self.consistent,
            blend=self.blend,
            whole=inputs(self.network)["whole"].shape[1] if "whole" in names else None,
        )

    def _example(self, size: int) -> dict[str, keras.KerasTensor]:
        """Symbolic inputs of the network for one image of size x size."""
        found = {k: list(v.shape[1:]) for k, v in inputs(self.network).items()}
        sides, kinds = {"latent": -(-size // 4)}, {k: v.dtype for k, v in inputs(self.network).items()}
        shapes = {k: (1, *(sides.get(k, size) if n is None else n for n in v)) for k, v in found.items()}
        return {k: keras.KerasTensor(shape, kinds[k]) for k, shape in shapes.items()}

    @property
    def _latent(self) -> int | None:
        found = inputs(self.network).get("latent")
        return None if found is None else int(found.shape[-1])

    # === The parts ===

    @property
    def players(self) -> dict[str, keras.Model]:
        against = {} if self.discriminator is None else {"discriminator": self.discriminator}
        return {"network": self._untracked.trained, **against}

    @property
    def averaged_players(self) -> tuple[str, ...]:
        return ("network",)

    @property
    def parts(self) -> dict[str, keras.layers.Layer]:
        return {f"trunk_{i}": trunk for i, trunk in enumerate(self.trunks)}

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {name: keras.optimizers.Adam(2e-4) for name in self.players}

    @property
    def conditions(self) -> Conditions:
        own = ("image", "mask", "sigma", "latent", "whole")
        return conditions_of(self.network, own, getattr(self.network, "num_classes", None), self.class_names)

    @property
    def num_classes(self) -> int | None:
        return num_classes(self.conditions)

    @property
    def image_shape(self) -> tuple[int | None, ...]:
        """(None, None, channels) of the input images."""
        return tuple(inputs(self.network)["image"].shape[1:])

    @property
    def form(self) -> Form:
        """What `inference.restorer` has to know."""
        return self._untracked.form

    # === The step ===

    def pair(self, batch: dict[str, Any], keys: Any) -> tuple[dict[str, Any], Any]:
        """What the network learns from in a batch.

        Args:
            batch: tensors by key.
            keys: (N, 2) of `training.random`.

        Returns:
            (what the network is given, by name; the target).
        """
        given = {k: batch[k] for k in inputs(self.network) if k in batch}
        return {**given, **self.told(batch)}, batch["target"]

    def call(self, given: Any, training: bool = False) -> Any:
        """float32 images, unclipped, from float images in [-1, 1] or a dict of the network's inputs."""
        given = given if isinstance(given, dict) else {"image": given}
        if self._latent is not None and "latent" not in given:
            given = {**given, "latent": ops.zeros(self.latent_shape(given["image"]))}
        if "whole" in inputs(self.network) and "whole" not in given:  # as in training, where a patch is all there is
            given = {**given, "whole": small_luma(given["image"], inputs(self.network)["whole"].shape[1])}
        return ops.cast(call(self.network, given, training), "float32")

    def latent_shape(self, image: Any) -> tuple[Any, ...]:
        """(N, ceil(H/4), ceil(W/4), D) of the latent maps of images (N, H, W, C)."""
        shape = ops.shape(image)
        return (shape[0], -(-shape[1] // 4), -(-shape[2] // 4), self._latent)

    def losses(self, given: dict[str, Any], target: Any, keys: Any, training: bool) -> tuple[Any, dict[str, Any], Any]:
        """What the network is trained for.

        Args:
            given: the network's inputs by name.
            target: images (N, H', W', C') in [-1, 1].
            keys: (N, 2) of `training.random`.
            training: whether networks are in training mode, latents are drawn, and objectives computed as rarely as their `every` says.

        Returns:
            (the loss, the logs, what `call` gives).
        """
        logs = {}
        if self.encoder is not None:
            mean, log_variance = self.posterior(given["image"], target, training)
            if training:
                noise = random.normal(random.fold(keys, Stream.POSTERIOR), known_size(mean))
                given = {**given, "latent": mean + ops.exp(0.5 * log_variance) * noise}
        answer = self.call(given, training=training)
        step = None if self._step is None else ops.cast(ops.copy(self._step), "int32")
        pair = self.pictures_of(target), self.pictures_of(answer)
        loss, several = terms.added(self.objectives, step, lambda i, o: o(*pair), lazy=training)
        if self.encoder is not None:
            per_image = per_row(ops.sum, divergence.kl_normal(mean, log_variance))
            logs["kl"] = ops.mean(per_image)
            numbers = ops.cast(ops.size(target) // ops.shape(target)[0], "float32")
            loss = loss + self.kl_weight * logs["kl"] / numbers
        logs = {**logs, "psnr": ops.mean(pixel.psnr(*pair)), **(several if len(several) > 1 else {})}
        if self.discriminator is not None:
            real = self._discriminate(target, training) if self.loss_pair.pairs else None
            logs["adversarial"] = self.loss_pair.generator(self._discriminate(answer, training), real)
            loss = loss + self.adversarial_weight * logs["adversarial"]
        return loss, {"loss": loss, **logs}, answer

    def posterior(self, image: Any, target: Any, training: bool = False) -> tuple[Any, Any]:
        """Means and log-variances (N, h, w, D) of the latent map, float32.

        Args:
            image: (N, H, W, C) in [-1, 1].
            target: the answer, (N, H', W', C').
            training: whether the encoder is in training mode.
        """
        found = ops.cast(self.encoder({"image": image, "target": target}, training=training), "float32")
        mean, log_variance = ops.split(found, 2, axis=-1)
        return mean, ops.clip(log_variance, -20.0, 10.0)

    def _discriminate(self, images, training=False):
        return ops.cast(self.discriminator(self.pictures_of(images), training=training), "float32")

    def pictures_of(self, answers: Any) -> Any:
        """What is compared of targets and answers, and what the discriminator sees: pictures (N, H, W, C), which these are."""
        return answers

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        keys = self.next_keys(ops.shape(batch[self.pictures[0]])[0])
        given, target = self.pair(batch, keys)
        player = self.players["network"]
        if self._step is not None:
            self._step.assign(ops.cast(terms.iteration(self._optimizer_of(player)), "float32"))
        _, logs, answer = self.minimize(lambda: self.losses(given, target, keys, True), player)
        if self.discriminator is None:
            return logs
        fake = ops.stop_gradient(answer)
        both = lambda: (self._discriminate(target, True), self._discriminate(fake, True), {})  # noqa: E731
        found, _, _ = discriminator_step(
            self, target, fake, both, self._discriminate, random.fold(keys, Stream.REGULARIZERS)
        )
        return {**logs, **found}

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        keys = self.score_keys(batch)
        given, target = self.pair(batch, keys)
        return self.losses(given, target, keys, False)[1]

    def _prepare(self):
        for objective in self.objectives:
            objective.prepare()

    # === What is wrong with the data is said before the first step ===

    @property
    def reads(self) -> tuple[str, ...]:
        return ("image", "target", *inputs(self.network))

    def _check(self, first):
        """Raises ValueError if the model cannot learn from this batch, a dict of NumPy arrays."""
        if self._latent is not None and self.encoder is None:
            raise ValueError("This variational model has no encoder any more, so it can be used but not trained.")
        bound = 4.0 if "target" in first else 1.0  # noise goes beyond
        batches.check(first, self.image_shape, self.num_classes, bound)
        batches.check_conditions(first, self.conditions)
        if self.needs_target or "target" in first:
            height, width = first["image"].shape[1:3]
            batches.check_target(first, (height * self.scale, width * self.scale, self.form.out))
        names = inputs(self.network)
        shape = (*first["image"].shape[:3], 1)
        if "mask" in names and ("mask" not in first or first["mask"].shape != shape):
            found = first["mask"].shape if "mask" in first else f"the keys {sorted(first)}"
            raise ValueError(f"Expected batches with a `mask` of shape {shape}, 1 where to paint; got {found}.")
        if "sigma" in names and "target" in first and "sigma" not in first:
            raise ValueError(
                "Expected pairs with the noise level of each image, `sigma` (N,), which this network is told."
            )

    # === Using ===

    def restore(
        self,
        images: Any,
        *,
        strength: Any = 1.0,
        tile: int | None = None,
        overlap: int | None = None,
        ensemble: bool = False,
        consistent: bool | None = None,
        progress: bool = False,
        ema: bool = True,
        **given: Any,
    ) -> Any:
        """Restored pictures in the depth and kind of what came, gray, RGB or RGBA, 8 or 16 bits or floats: exactly `scale` times as large.

        Args:
            images: a picture (H, W) or (H, W, C), a batch (N, H, W, C), a path, a PIL image, or a list of them. Gray ones stay gray, but
                for a `Colorizer`.
            strength: of the answer, from 0, the picture as it came, to the bit (of a `SuperResolution` its bicubic enlargement), to 1. One
                for all, one for each, or a map (H, W). Between, gray levels are blended, of an `Enhancer` and a `ZeroDCE` stops of light.
            tile: pixels of a tile's side; larger pictures are restored tile by tile, in bounded memory. None is the model's: 512, of
                inpainters 1024.
            overlap: pixels that tiles share; None is the model's.
            ensemble: the mean over eight flips and turns: better, and eight times the work.
            consistent: whether an answer, shrunk again by MATLAB's bicubic, has to be the picture (Bahat and Michaeli 2020). None is the
                model's, see `SuperResolution`.
            progress: show a progress bar.
            ema: with averaged weights.
            **given: where the network takes them: `sigma` (gray levels of 255; estimated where there is none), `masks` (nonzero where to
                paint), `seed` (of a variational model's latents; without one their mean), `exposure` and `grain` (see `Enhancer`),
                `conditions` (what else it is told, by name; see `keras_imgen.conditions`).

        Returns:
            An array for one picture, a list for a list, (N, ...) for a batch.

        Raises:
            ValueError: another shape, type or range.
            FileNotFoundError: no such file.
        """
        endpoint = self.endpoints()["restore"]
        how = {"strength": strength, "tile": tile, "overlap": overlap, "ensemble": ensemble, "consistent": consistent}
        how["progress"] = progress

        def run(tensors):
            names, rows = tuple(tensors), list(tensors.values())
            function = lambda *values: endpoint.call(dict(zip(names, values)))  # noqa: E731
            return self.in_batches(("restore", names), function, rows, len(rows[0]), ema=ema, fill=False, any_size=True)

        return endpoint.answer(run, bound(endpoint, (images,), {**how, **given}))

    def endpoints(self) -> Endpoints:
        def tiles(given, told):
            return self.call({**given, **told})

        form = self.form
        return {
            "restore": TiledEndpoint(
                inputs=(), conditions=self.conditions, signature="tiles", form=form, function=tiles
            )
        }

    def show(
        self, batch: Mapping[str, Any] | None = None, n: int = 16, seed: int = 0, **how: Any
    ) -> dict[str, np.ndarray]:
        told = {k: batch[k] for k in inputs_of(self.conditions) if k in batch}
        how = {**({"masks": batch["mask"]} if "mask" in batch else {}), **({"conditions": told} if told else {}), **how}
        shown = {"image": batch["image"], "answer": self.restore(batch["image"], **how)}
        return {**shown, "target": batch["target"]} if "target" in batch else shown

    # === Saving and serving ===

    def for_inference(self) -> Any:
        """The network with averaged weights alone: the same pictures, without discriminator, encoder, objectives and optimizers."""
        dropped = ("objectives", "discriminator", "adversarial", "regularizers", "encoder")
        copy = type(self).from_config({**{k: v for k, v in self.get_config().items() if k not in dropped}, "ema": None})
        averages = {id(v): average for v, average in self._averages}
        for mine, its in zip(self.network.variables, copy.network.variables, strict=True):
            its.assign(apart(averages.get(id(mine), mine)))
        return copy


def _objectives(given):
    given = given if isinstance(given, list | tuple) else [given]
    if not given:
        raise ValueError("Expected one or several `objectives`, got none.")
    return terms.checked([objectives.get(o) for o in given], "objectives")


def known_size(images: Any) -> tuple[int, int, int]:
    """(height, width, channels) of a batch to draw numbers for.

    Raises:
        ValueError: they are not known before the step.
    """
    shape = tuple(images.shape[1:])
    if None in shape:
        raise ValueError(
            f"Expected batches whose images have a size known beforehand, as those of data.patches; got {shape}. "
            "Use Dataset.map with tf.ensure_shape."
        )
    return shape
