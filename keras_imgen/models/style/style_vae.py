"""StyleVAE: a picture as two latents, where things are and how they are painted."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.arguments import integer
from keras_imgen.conditions import Conditions, Picture
from keras_imgen.inference.endpoints import Endpoint, Endpoints, Number, Pictures, Rows, Seeds, bound
from keras_imgen.layers.padding import of_any_size
from keras_imgen.layers.pictures import rescale, to_uint8
from keras_imgen.losses import divergence, terms
from keras_imgen.models import batches
from keras_imgen.models.calls import Pair
from keras_imgen.models.image_model import ImageModel
from keras_imgen.models.restoration import objectives as named
from keras_imgen.training import random
from keras_imgen.training.rows import per_row

GROUPS = "objectives", "content_objectives", "style_objectives"


@keras.saving.register_keras_serializable("keras_imgen")
class StyleVAE(ImageModel):
    """A variational autoencoder (Kingma & Welling 2014) of content and style, after MUNIT's autoencoder (Huang et al. 2018, section 3.1).

    The content is maps (N, h, w, C) that are instance-normalised, so that they hold no mean and deviation, and the style a vector (N, D)
    with a posterior and the prior N(0, I), which sets those of the decoder's channels (AdaIN, Huang & Belongie 2017).

    With networks for (None, None, C) it takes pictures of any size, once it has learned; `decode` answers in multiples of the strides.

    Args:
        content_encoder: images to content, as `networks.content_encoder((64, 64, 3))`.
        style_encoder: images to 2 D numbers, mean and log-variance, as `networks.style_encoder((64, 64, 3), 2 * 8)`.
        decoder: called with a dict of `content` and `style`, as `networks.style_decoder((16, 16, 256), 8)`.
        objectives: names or `models.restoration.objectives.Objective`s, of images and their reconstructions.
        content_objectives: of images and what they become in the style of others of the batch, as `Perceptual()`.
        style_objectives: of those others and what the first become in their style, as `Style()`.
        kl_weight: of the KL in nats, per number of an image. With L1 it is the ELBO of a Laplacian whose scale is this weight: take the
            mean error that is to be expected.
        others: see `ImageModel`.

    Raises:
        ValueError: networks that do not fit each other, no `objectives`, two of one name.

    Learns from batches of `image`, of all styles mixed. Logs `loss`, `kl` (nats per image) and each objective, those of transferred
    images as `content_NAME` and `style_NAME`.
    """

    pictures = ("image",)

    settings = (*ImageModel.settings, "content_encoder", "style_encoder", "decoder", *GROUPS, "kl_weight")

    def __init__(
        self,
        content_encoder: keras.Model,
        style_encoder: keras.Model,
        decoder: keras.Model,
        objectives: Any = ("l1",),
        content_objectives: Any = (),
        style_objectives: Any = (),
        kl_weight: float = 0.1,
        **kwargs: Any,
    ):
        for name, given in zip(GROUPS, (objectives, content_objectives, style_objectives)):
            given = given if isinstance(given, list | tuple) else [given]
            setattr(self, name, terms.checked([named.get(one) for one in given], name))
        if not self.objectives:
            raise ValueError("Expected one or several `objectives`, got none: nothing would tell pictures apart.")
        self.logged = ("loss", "kl", *(prefix + o.name for prefix, group in self._groups() for o in group))
        super().__init__(**kwargs)
        self.content_encoder, self.style_encoder, self.decoder = content_encoder, style_encoder, decoder
        self.kl_weight = kl_weight
        if not isinstance(decoder.input, dict) or set(decoder.input) != {"content", "style"}:
            raise ValueError("Expected a decoder of 'content' and 'style': networks.style_decoder.")
        shapes = self.image_shape, self.content_shape, (2 * self.style_dim,)
        found = [tuple(n.output_shape[1:]) for n in (decoder, content_encoder, style_encoder)]
        if found != [*shapes]:
            raise ValueError(
                "Expected a decoder to images, a content encoder and a style encoder (mean and log-variance) of "
                f"{', '.join(map(str, shapes))}, got {', '.join(map(str, found))}."
            )
        every = [o for _, group in self._groups() for o in group]
        self.trunks = [o.trunk for o in every if getattr(o, "trunk", None) is not None]
        # The step that schedules go by, in evaluation too: JAX does not hand the optimizer to it.
        state = {"initializer": "zeros", "trainable": False, "aggregation": "mean"}
        self._step = self.add_weight(name="step", shape=(), **state) if any(o.varies for o in every) else None
        self._untracked.trained = Pair(content_encoder, style_encoder, decoder, name="networks")
        self.finish()

    def _groups(self):
        return tuple(zip(("", "content_", "style_"), (getattr(self, name) for name in GROUPS)))

    # === The parts ===

    @property
    def players(self) -> dict[str, keras.Model]:
        return {"networks": self._untracked.trained}

    @property
    def parts(self) -> dict[str, keras.layers.Layer]:
        return {f"trunk_{i}": trunk for i, trunk in enumerate(self.trunks)}

    @property
    def reads(self) -> tuple[str, ...]:
        return self.pictures

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return tuple(self.content_encoder.input_shape[1:])

    @property
    def content_shape(self) -> tuple[int, int, int]:
        """(h, w, C) of an image's content."""
        return tuple(self.decoder.input["content"].shape[1:])

    @property
    def style_dim(self) -> int:
        """Length of a style."""
        return int(self.decoder.input["style"].shape[-1])

    @property
    def conditions(self) -> Conditions:
        """What `generate` is told: the pictures whose content it keeps."""
        return (Picture(self.image_shape, "image"),)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {"networks": keras.optimizers.Adam(2e-4)}

    # === The step ===

    def losses(self, batch: dict[str, Any], keys: Any, training: bool) -> tuple[Any, dict[str, Any]]:
        """What the networks are trained for.

        Args:
            batch: `image` (N, H, W, C) in [-1, 1].
            keys: (N, 2) of `training.random`.
            training: whether networks are in training mode, styles are drawn, and objectives computed as rarely as their `every` says.

        Returns:
            (the loss, scalars to log).
        """
        image = batch["image"]
        content, (style, log_variance) = self.content_of(image, training), self.posterior(image, training)
        per_image = per_row(ops.sum, divergence.kl_normal(style, log_variance))
        kl, numbers = ops.mean(per_image), ops.cast(ops.prod(ops.shape(image)[1:]), "float32")
        if training:
            style = style + ops.exp(0.5 * log_variance) * random.normal(keys, (self.style_dim,))
        made = {"": (image, self.images_of(content, style, training))}
        if self.content_objectives or self.style_objectives:  # in the style of the row before
            moved = self.images_of(content, ops.roll(style, 1, axis=0), training)
            made |= {"content_": (image, moved), "style_": (ops.roll(image, 1, axis=0), moved)}
        step = None if self._step is None else ops.cast(ops.copy(self._step), "int32")
        loss, logs = self.kl_weight * kl / numbers, {"kl": kl}
        for prefix, group in self._groups():
            loss, found = terms.added(group, step, lambda i, o: o(*made[prefix]), loss, lazy=training)
            logs |= {prefix + name: value for name, value in found.items()}
        return loss, {"loss": loss, **logs}

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        keys, player = self.next_keys(ops.shape(batch["image"])[0]), self.players["networks"]
        if self._step is not None:
            self._step.assign(ops.cast(terms.iteration(self._optimizer_of(player)), "float32"))
        return self.minimize(lambda: self.losses(batch, keys, True), player)[1]

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        return self.losses(batch, None, False)[1]

    def _prepare(self):
        for _, group in self._groups():
            for objective in group:
                objective.prepare()

    def _check(self, batch):
        batches.check(batch, self.image_shape, None)

    # === Content, style and images, in tensors ===

    def content_of(self, images: Any, training: bool = False) -> Any:
        """Content float32 (N, h, w, C) of images (N, H, W, C) in [-1, 1]."""
        return ops.cast(self.content_encoder(images, training=training), "float32")

    def posterior(self, images: Any, training: bool = False) -> tuple[Any, Any]:
        """Means and log-variances (N, D) of the styles of images (N, H, W, C) in [-1, 1], float32."""
        mean, log_variance = ops.split(ops.cast(self.style_encoder(images, training=training), "float32"), 2, axis=-1)
        return mean, ops.clip(log_variance, -20.0, 10.0)

    def images_of(self, content: Any, style: Any, training: bool = False) -> Any:
        """Images float32 (N, H, W, C) in [-1, 1].

        Args:
            content: (N, h, w, C).
            style: (N, D).
            training: whether the decoder is in training mode.
        """
        return ops.cast(self.decoder({"content": content, "style": style}, training=training), "float32")

    def painted(self, images: Any, style: Any) -> Any:
        """Images (N, H, W, C) in [-1, 1] in styles (N, D), uint8; of any size, where the networks take any, within a mirrored margin."""
        run = lambda x: self.images_of(self.content_of(x), style)  # noqa: E731
        return to_uint8(of_any_size(self.content_encoder, run, images))

    def call(self, images: Any, training: bool = False) -> Any:
        """Reconstructions, float32, of images in [-1, 1]."""
        return self.images_of(self.content_of(images, training), self.posterior(images, training)[0], training)

    def endpoints(self) -> Endpoints:
        def transfer(given, told):
            images, other = (rescale(given[k]) for k in ("content_images", "style_images"))
            own, style = self.posterior(images)[0], self.posterior(other)[0]
            return self.painted(images, own + given["alpha"] * (style - own))

        def generate(given, told):
            style = random.normal(random.key(given["seeds"]), (self.style_dim,))
            return self.painted(rescale(told["image"]), style)

        def reconstruct(given, told):
            images = rescale(given["images"])
            return self.painted(images, self.posterior(images)[0])

        def of(function, *inputs, output="images", conditions=()):
            many = 1 if None in self.image_shape else 32
            how = {"labelled": False, "batch_size": many, "fill": False, "function": function}
            return Endpoint(inputs, conditions, output, **how)

        image = Pictures(self.image_shape)
        pair = (Pictures(self.image_shape, name, name) for name in ("content_images", "style_images"))
        rows = Rows("content", self.content_shape), Rows("style", (self.style_dim,))
        return {
            "transfer": of(transfer, *pair, Number("alpha", 1.0, 0.0, 1.0)),
            "generate": of(generate, Seeds(), conditions=self.conditions),
            "reconstruct": of(reconstruct, image),
            "encode_content": of(
                lambda given, told: self.content_of(rescale(given["images"])), image, output="content"
            ),
            "encode_style": of(lambda given, told: self.posterior(rescale(given["images"]))[0], image, output="style"),
            "decode": of(lambda given, told: to_uint8(self.images_of(given["content"], given["style"])), *rows),
        }

    # === For users: NumPy in, NumPy out ===

    def _answer(self, name, args, ema, **kwargs):
        *given, batch_size = args
        pictures = [one for one in map(np.asarray, given) if one.ndim == 4 and one.dtype == np.uint8]
        batch_size = min((batches.at_a_time(one, batch_size) for one in pictures), default=batch_size)
        return self.answer(name, bound(self.endpoints()[name], (*given, batch_size), kwargs), ema)

    def transfer(
        self, content_images: Any, style_images: Any, batch_size: int = 32, *, alpha: float = 1.0, ema: bool = True
    ) -> np.ndarray:
        """Pictures in the style of others, uint8 (N, H, W, C).

        Args:
            content_images: uint8 (N, H, W, C), what is to be seen.
            style_images: uint8 (N, H, W, C), each the style of the one in its row.
            batch_size: images at a time.
            alpha: of the way from the pictures' own style to the other, in [0, 1]; at 0 they are reconstructed.
            ema: use averaged weights.

        Raises:
            ValueError: pictures of another form, not as many of both, `alpha` out of range.
        """
        return self._answer("transfer", (content_images, style_images, batch_size), ema, alpha=alpha)

    def reconstruct(self, images: Any, batch_size: int = 32, *, ema: bool = True) -> np.ndarray:
        """uint8 images (N, H, W, C) after encoding and decoding.

        Args:
            images: uint8 (N, H, W, C).
            batch_size: images at a time.
            ema: use averaged weights.

        Raises:
            ValueError: pictures of another form.
        """
        return self._answer("reconstruct", (images, batch_size), ema)

    def encode_content(self, images: Any, batch_size: int = 32, *, ema: bool = True) -> np.ndarray:
        """Content float32 (N, h, w, C); see `encode`.

        Args:
            others: see `reconstruct`.
        """
        return self._answer("encode_content", (images, batch_size), ema)

    def encode_style(self, images: Any, batch_size: int = 32, *, ema: bool = True) -> np.ndarray:
        """Styles float32 (N, D); see `encode`.

        Args:
            others: see `reconstruct`.
        """
        return self._answer("encode_style", (images, batch_size), ema)

    def encode(self, images: Any, batch_size: int = 32, *, ema: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """(content (N, h, w, C), styles (N, D), the means of their posteriors), float32.

        Args:
            others: see `reconstruct`.

        Raises:
            ValueError: pictures of another form.
        """
        return self.encode_content(images, batch_size, ema=ema), self.encode_style(images, batch_size, ema=ema)

    def decode(self, content: Any, style: Any, batch_size: int = 32, *, ema: bool = True) -> np.ndarray:
        """uint8 images (N, H, W, C).

        Args:
            content: (N, h, w, C), as of `encode`.
            style: (N, D), as of `encode`, or drawn from N(0, I).
            batch_size: images at a time.
            ema: use averaged weights.

        Raises:
            ValueError: numbers of another shape, NaN or infinity.
        """
        return self._answer("decode", (content, style, batch_size), ema)

    def interpolate(self, image: np.ndarray, start: np.ndarray, stop: np.ndarray, frames: int = 8) -> np.ndarray:
        """A picture in the styles on the way between those of two others, uint8 (frames, H, W, C).

        Args:
            image: uint8 (H, W, C), whose content is kept.
            start: uint8 (H, W, C), of the first style.
            stop: uint8 (H, W, C), of the last.
            frames: number of pictures, at least two.

        Raises:
            ValueError: fewer than two frames, pictures of another form.
        """
        share = np.linspace(0.0, 1.0, integer("frames", frames, 2), dtype="float32")[:, None]
        content, first, last = self.encode_content(image[None]), *(self.encode_style(v[None]) for v in (start, stop))
        made = self.decode(np.repeat(content, frames, 0), (1 - share) * first + share * last)
        return made[:, : image.shape[0], : image.shape[1]]

    def show(
        self, batch: Mapping[str, Any] | None = None, n: int = 16, seed: int = 0, **how: Any
    ) -> dict[str, np.ndarray]:
        """Pictures of a batch, reconstructed, in the style of the one before, and in one that is drawn."""
        images = np.asarray((batch or {})["image"])
        found = {"image": images, "reconstruction": self.reconstruct(images)}
        drawn = self.generate(len(images), seed=seed, conditions={"image": images}, **how)
        return {**found, "transfer": self.transfer(images, np.roll(images, 1, axis=0)), "sample": drawn}
