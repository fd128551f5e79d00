"""What models that give pictures another look have in common: an encoder that stays as it is, AdaIN, and a decoder that is trained."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.arguments import finite, integer
from keras_imgen.inference.endpoints import Endpoint, Endpoints, Input, Number, Pictures
from keras_imgen.inference.stylizer import MARGIN, colours_of, stylized
from keras_imgen.layers.adain import AdaIN, statistics
from keras_imgen.layers.padding import framed, within_margin
from keras_imgen.layers.pictures import rescale, to_uint8
from keras_imgen.losses import style
from keras_imgen.models import batches
from keras_imgen.models.image_model import ImageModel
from keras_imgen.networks import style_trunk
from keras_imgen.networks.trunks import OUTPUTS
from keras_imgen.training.rows import strided

DECAY = 0.99  # of the descriptors' mean sizes
IDENTITY = 4  # every so many-th row is painted in its own look, too


class Stylizer(ImageModel):
    """Base of `FastStyle` and `ArbitraryStyle`: maps of the content get the statistics of a style, its *look*, at every size (AdaIN, Huang
    & Belongie 2017), and the decoder paints a picture from them.

    Args:
        encoder: float images (N, H, W, 3) in [-1, 1] -> a list of maps, as `networks.adain_encoder`. It is not trained.
        decoder: such a list -> images, as `networks.adain_decoder`.
        terms: of the style's loss, names or `losses.style.StyleTerm`s of different names.
        style_weight: of their sum.
        content_weight: of `losses.style.Content`.
        smoothness: of `losses.style.total_variation`.
        identity_weight: of the mean squared error of pictures painted in their own look, which is what alpha = 0 gives.
        trunk: a model of images in [0, 255] to a list of maps, in which the losses are taken; None is `networks.style_trunk()`, loaded
            where training begins. One of your own is saved with the model.
        content_layers: numbers of the trunk's outputs in which contents are compared.
        others: see `ImageModel`; `pictures` of a batch are `image` and `style`, the look that it is to get.

    Logs `loss`, `content`, each term, `smoothness` and `identity`.
    """

    pictures = ("image", "style")
    tile, overlap = 1024, 192
    settings = (
        *ImageModel.settings,
        "encoder",
        "decoder",
        "terms",
        "style_weight",
        "content_weight",
        "smoothness",
        "identity_weight",
        "trunk",
        "content_layers",
    )

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model,
        terms: Any = ("gram", "mean_variance"),
        style_weight: float = 1.0,
        content_weight: float = 0.1,
        smoothness: float = 0.2,
        identity_weight: float = 10.0,
        trunk: keras.Model | None = None,
        content_layers: tuple[int, ...] = (2,),
        **kwargs: Any,
    ):
        self.terms = style.checked(terms)
        self.logged = ("loss", "content", *(t.name for t in self.terms), "smoothness", "identity")
        super().__init__(**kwargs)
        self.encoder, self.decoder, self.trunk = encoder, decoder, trunk
        self.style_weight, self.content_weight = style_weight, content_weight
        self.smoothness, self.identity_weight = smoothness, identity_weight
        self.content_layers = tuple(content_layers)
        self._sizes = [int(m.shape[-1]) for m in encoder.outputs]
        self._strides = [64 // shape[1] for shape in encoder.compute_output_shape((1, 64, 64, 3))]
        self._adain = AdaIN()
        self._adain.built = True  # it has no weights; JAX asks
        self._untracked.trunk = trunk

    def finish(self) -> None:
        # Of the descriptors of each style: moving averages of their sizes, and of 1, by which they are divided.
        width = sum(len(term.layers or self.trunk_layers) for term in self.terms) + 1
        state = {"initializer": "zeros", "trainable": False, "aggregation": "mean"}
        self.descriptor_sizes = self.add_weight(name="descriptor_sizes", shape=(self.num_classes or 1, width), **state)
        super().finish()

    # === The parts ===

    @property
    def parts(self) -> dict[str, keras.layers.Layer]:
        return {"encoder": self.encoder, **({} if self.trunk is None else {"trunk": self.trunk})}

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {name: keras.optimizers.Adam(1e-3) for name in self.players}

    @property
    def image_shape(self) -> tuple[int | None, int | None, int]:
        """(None, None, 3): pictures of any size."""
        return (None, None, 3)

    @property
    def trunk_layers(self) -> range:
        """Numbers of the trunk's outputs."""
        return range(len(OUTPUTS if self.trunk is None else self.trunk.outputs))

    @property
    def look_size(self) -> int:
        """Channels of all maps together."""
        return sum(self._sizes)

    @property
    def multiple(self) -> int:
        """What divides the sides of pictures that the encoder takes."""
        return max(self._strides)

    # === Looks ===

    def sums(self, images: Any, shares: Any) -> Any:
        """What `look` is made of, of tiles: see `inference.stylizer.stylized`.

        Args:
            images: (1, h, w, 3) in [-1, 1].
            shares: (1, h, w, 1), what each pixel counts.
        """
        found = [[], [], []]
        for maps, stride in zip(self.encoder(images, training=False), self._strides):
            maps, share = ops.cast(maps, "float32"), ops.average_pool(shares, stride, stride)
            for several, value in zip(found, (ops.ones_like(maps), maps, ops.square(maps))):
                several.append(ops.sum(value * share, axis=(0, 1, 2)))
        return ops.stack([ops.concatenate(one, axis=0) for one in found])

    def call(self, given: Any, training: bool = False) -> Any:
        """float32 images, unclipped.

        Args:
            given: a dict of `image` (N, H, W, 3) in [-1, 1], sides divisible by the encoder's stride, `look` (N, 2, D), and, where those of
                `image` are not meant, the statistics `own` (N, 2, D).
            training: whether the decoder is in training mode.
        """
        return self.painted(self.encoder(given["image"], training=False), given["look"], given.get("own"), training)

    def painted(self, maps: list[Any], look: Any, own: Any = None, training: bool = False) -> Any:
        """float32 images from maps with another look.

        Args:
            maps: the encoder's.
            look: (N, 2, D).
            own: statistics of the maps, (N, 2, D); None takes them from the maps.
            training: whether the decoder is in training mode.
        """
        wanted, known = self._split(look), [None] * len(maps) if own is None else self._split(own)
        given = [self._adain(m, *pair, None if own is None else its) for m, pair, its in zip(maps, wanted, known)]
        return ops.cast(self.decoder(given, training=training), "float32")

    def _split(self, look):
        """(mean, deviation), each (N, 1, 1, C), of every map."""
        found, start = [], 0
        for size in self._sizes:
            part = look[:, :, None, None, start : start + size]
            found.append((part[:, 0], part[:, 1]))
            start += size
        return found

    # === The step ===

    def wanted(self, batch: dict[str, Any]) -> Any:
        """The looks that the pictures of a batch are to get, (N, 2, D)."""
        raise NotImplementedError

    def sizes(self, batch: dict[str, Any], own: Any, training: bool) -> Any:
        """What errors of descriptors are shares of, (N, D) float32 of all layers of all terms, see `losses.style.relative`.

        Args:
            batch: tensors by key.
            own: squared sizes of the targets, (N, D).
            training: whether it is a step of training.
        """
        raise NotImplementedError

    def mean_sizes(self, own: Any, label: Any, training: bool) -> Any:
        """Moving averages of the sizes of styles, which move in training, for each row of a batch: (N, D); of a style that
        nothing was learned from yet, the target's own.

        Args:
            own: see `sizes`.
            label: number of the style of each row, (N,) integers; None: there is one.
            training: whether it is a step of training.
        """
        rows = ops.shape(own)[0]
        label = ops.zeros((rows,), "int32") if label is None else label
        known = ops.copy(self.descriptor_sizes)
        if training:
            given = ops.concatenate([own, ops.ones_like(own[:, :1])], axis=-1)
            which = ops.one_hot(label, known.shape[0], dtype="float32")
            count = ops.sum(which, axis=0)[:, None]
            mean = ops.matmul(ops.transpose(which), given) / ops.maximum(count, 1.0)
            known = known + (1.0 - DECAY) * ops.where(count > 0.0, mean - known, 0.0)
            self.descriptor_sizes.assign(known)
        found = ops.take(known, label, axis=0)
        return ops.where(found[:, -1:] > 0.0, found[:, :-1] / ops.maximum(found[:, -1:], 1e-6), own)

    def losses(self, batch: dict[str, Any], training: bool) -> tuple[Any, dict[str, Any]]:
        """(the loss, what is logged).

        Args:
            batch: tensors by key.
            training: whether the decoder is in training mode.
        """
        image = batch["image"]
        maps = self.encoder(image, training=False)
        made = self.painted(maps, self.wanted(batch), None, training)
        few = [strided(m, 0, IDENTITY) for m in maps]
        again = ops.cast(self.decoder(few, training=training), "float32")
        trunk, shown = self._untracked.trunk, style.Content(layers=self.content_layers)
        found, original = style.as_maps(trunk, made), style.as_maps(trunk, image)
        looks = style.as_maps(trunk, batch["style"])
        logs = {"content": shown(shown.describe(original), shown.describe(found))}
        targets = [term.describe(looks) for term in self.terms]
        own = ops.stack([style.squared_size(one) for target in targets for one in target], axis=-1)
        sizes = ops.unstack(self.sizes(batch, ops.stop_gradient(own), training), axis=-1)
        for term, target in zip(self.terms, targets):
            logs[term.name] = term(target, term.describe(found), [sizes.pop(0) for _ in target])
        logs["smoothness"] = style.total_variation(made)
        logs["identity"] = ops.mean(ops.square(again - strided(image, 0, IDENTITY)))
        loss = style.weighted(logs, self.terms, self.style_weight, self.content_weight, self.smoothness)
        loss = loss + self.identity_weight * logs["identity"]
        return loss, {"loss": loss, **logs}

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        return self.minimize(lambda: self.losses(batch, True), next(iter(self.players.values())))[1]

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        return self.losses(batch, False)[1]

    def _prepare(self):
        if self._untracked.trunk is None:
            self._untracked.trunk = style_trunk()

    def _check(self, first):
        for key in self.pictures:
            batches.check(first, self.image_shape, None, key=key)
        height, width = first["image"].shape[1:3]
        if height % self.multiple or width % self.multiple:
            raise ValueError(
                f"Expected images whose sides {self.multiple} divides, got {height}x{width}: take patches of such a size."
            )
        batches.check_conditions(first, self.conditions)

    # === Using ===

    def whole(self, images: Any, look: Any, alpha: Any) -> Any:
        """Pictures of any size in one piece, as uint8 (N, H, W, 3).

        Args:
            images: uint8 (N, H, W, 3), or float32 in [-1, 1].
            look: float32 (N, 2, D).
            alpha: a number in [0, 1].
        """

        def run(x):
            maps = self.encoder(x, training=False)
            own = look_of(maps)
            return self.painted(maps, alpha * look + (1.0 - alpha) * own, own)

        return to_uint8(within_margin(run, rescale(images), MARGIN, self.multiple))

    def look(self, images: Any) -> Any:
        """Mean and deviation of every channel of every map of whole pictures: float32 (N, 2, D).

        Args:
            images: uint8 (N, H, W, 3), or float32 in [-1, 1].
        """
        return look_of(self.encoder(framed(rescale(images), MARGIN, self.multiple), training=False))

    def looks_of(self, given: Any) -> Any:
        """The looks (N, 2, D) of what the endpoint's further input has, a tensor with a row for each picture."""
        raise NotImplementedError

    def _endpoints(self, styles: Input) -> Endpoints:
        def stylize(given, told):
            return self.whole(given["images"], self.looks_of(given["styles"]), given["alpha"])

        inputs = (Pictures((None, None, 3)), styles, Number("alpha", 1.0, 0.0, 1.0))
        return {"stylize": Endpoint(inputs, labelled=False, batch_size=1, function=stylize)}

    def show(
        self, batch: Mapping[str, Any] | None = None, n: int = 16, seed: int = 0, **how: Any
    ) -> dict[str, np.ndarray]:
        """Pictures of a batch, the styles that they are to get, and the answers."""
        images, styles = (to_uint8(rescale(np.asarray(batch[key]))) for key in ("image", "style"))
        images, styles = np.asarray(images), np.asarray(styles)
        return {"image": images, "style": styles, "answer": self.stylize(images, self.told_by(batch), **how)}

    def told_by(self, batch: Mapping[str, Any]) -> Any:
        """What `stylize` is given as `styles` for a batch of arrays."""
        raise NotImplementedError

    def _side(self, tile):
        return self.tile if tile is None else integer("tile", tile, 64)

    def _in_one(self, colours, tile):
        """Whether a picture is answered in one piece."""
        return colours.dtype == np.uint8 and colours.shape[0] * colours.shape[1] <= tile * tile

    def _stylized(self, images, looks, alpha, tile, overlap, ema):
        """The answer to one picture or several, each in its look (2, D), or all in the only one."""
        alpha = float(finite("alpha", alpha, 0.0, 1.0))
        tile = self._side(tile)
        overlap = min(self.overlap if overlap is None else integer("overlap", overlap, 0), tile // 2)
        batch = getattr(images, "ndim", 0) == 4
        several = batch or isinstance(images, list | tuple)
        pictures = list(images) if several else [images]
        if len(looks) not in (1, len(pictures)):
            raise ValueError(
                f"Expected one style for all pictures or one for each of {len(pictures)}, got {len(looks)}."
            )
        looks = list(looks) * (len(pictures) if len(looks) == 1 else 1)
        in_one = self.compiled_function("whole", self.whole, ema, any_size=True)
        sums = self.compiled_function("sums", self.sums, ema, any_size=True)
        paint = lambda image, own, look: self.call({"image": image, "own": own, "look": look})  # noqa: E731
        paint = self.compiled_function("paint", paint, ema, any_size=True)

        def answer(picture, look):
            colours, opacity = colours_of(picture)
            if self._in_one(colours, tile):
                made = in_one(colours[None], look[None].astype("float32"), np.float32(alpha))[0]
            else:
                made = stylized(sums, paint, colours, look, alpha, tile, overlap, self.multiple)
            return made if opacity is None else np.concatenate([made, opacity], -1)

        done = [answer(*pair) for pair in zip(pictures, looks)]
        if batch:
            return np.stack(done) if done else np.zeros((0, *images.shape[1:3], 3), images.dtype)
        return done if several else done[0]


def look_of(maps: list[Any]) -> Any:
    """Mean and deviation of every channel of maps (N, h, w, c): float32 (N, 2, D)."""
    found = [statistics(m) for m in maps]
    return ops.stack([ops.concatenate([one[k][:, 0, 0] for one in found], axis=-1) for k in (0, 1)], axis=1)
