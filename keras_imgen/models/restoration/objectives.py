"""Parts of a restorer's loss: each a small object with a weight, logged under its name."""

from typing import Any

import keras
from keras import ops

from keras_imgen import named_parts
from keras_imgen.losses import motion, perceptual, pixel
from keras_imgen.losses.terms import Schedule, Term


class Objective(Term):
    """A term of a restorer's loss, logged without its weight: called with target and restored images, float32 (N, H, W, C) in [-1, 1].

    Args:
        weight: by which it counts, of at least 0; or a schedule of the iteration.
        every: see `losses.terms.Term`.
    """

    def __init__(self, weight: float | Schedule = 1.0, every: int = 1):
        super().__init__(every, weight=weight)

    def prepare(self) -> None:
        """Load what it needs; called before training, outside of compiled functions."""


class L1(Objective):
    """Mean absolute error: sharper than the squared one, and the usual choice (Lim et al. 2017)."""

    def __call__(self, target: Any, image: Any) -> Any:
        return pixel.l1(target, image)


class MSE(Objective):
    """Mean squared error, which PSNR measures."""

    def __call__(self, target: Any, image: Any) -> Any:
        return pixel.mse(target, image)


class Charbonnier(Objective):
    """The absolute error, smooth at zero: `losses.pixel.charbonnier`."""

    def __call__(self, target: Any, image: Any) -> Any:
        return pixel.charbonnier(target, image)


class DSSIM(Objective):
    """(1 - SSIM) / 2: `losses.pixel.dssim`."""

    def __call__(self, target: Any, image: Any) -> Any:
        return pixel.dssim(target, image)


class Laplacian(Objective):
    """Errors on the levels of a pyramid, for what moves: `losses.motion.laplacian`."""

    def __call__(self, target: Any, image: Any) -> Any:
        return motion.laplacian(target, image)


class Census(Objective):
    """How differently pixels stand to their neighbours, whatever the brightness: `losses.motion.census`."""

    def __call__(self, target: Any, image: Any) -> Any:
        return motion.census(target, image)


class Perceptual(Objective):
    """Squared distance of feature maps (Johnson et al. 2016; the content loss of SRGAN, Ledig et al. 2017), and of their Gram matrices.
    Maps are scaled to unit length (Zhang et al. 2018), so that a weight means the same for every trunk.

    Args:
        weight: see `Objective`; the distance is between 0 and 4.
        style: weight of the Gram matrices (Gatys et al. 2016), which know textures but not where they are, beside that of the maps.
            They are small: weights of a thousand are usual.
        trunk: a model of images in [0, 255], (N, H, W, 3), with one or several maps (N, h, w, c) as outputs; None: SqueezeNet 1.1 with
            the ImageNet weights under KERAS_IMGEN_DATA. A trunk of your own is saved with the model, weights and all.
        layers: numbers of the outputs that count; None is all.
        every: see `losses.terms.Term`.

    Raises:
        ValueError: a weight below 0.
    """

    def __init__(
        self,
        weight: float | Schedule = 1.0,
        style: float = 0.0,
        trunk: keras.Model | None = None,
        layers: tuple[int, ...] | None = None,
        every: int = 1,
    ):
        super().__init__(weight, every)
        if style < 0:
            raise ValueError(f"Expected `style` of at least 0, got {style!r}.")
        self.style, self.trunk, self.layers, self._loaded = style, trunk, layers, trunk

    def prepare(self) -> None:
        if self._loaded is None:
            from keras_imgen.networks import squeezenet11

            self._loaded = squeezenet11("imagenet")

    def __call__(self, target: Any, image: Any) -> Any:
        wanted, maps = [ops.stop_gradient(m) for m in self._maps(target)], self._maps(image)
        distance = perceptual.feature_distance(wanted, maps)
        return distance + self.style * perceptual.style_distance(wanted, maps) if self.style else distance

    def _maps(self, image):
        image = (ops.cast(image, "float32") + 1.0) * 127.5
        maps = self._loaded(ops.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image, training=False)
        maps = maps if isinstance(maps, list | tuple) else [maps]
        return [perceptual.unit_length(m) for m in (maps if self.layers is None else [maps[k] for k in self.layers])]

    def get_config(self) -> dict[str, Any]:
        trunk = None if self.trunk is None else keras.saving.serialize_keras_object(self.trunk)
        return {**super().get_config(), "style": self.style, "trunk": trunk, "layers": self.layers}


class Style(Perceptual):
    """Squared distance of the Gram matrices of feature maps alone (Gatys et al. 2016), which know colours and textures but not where they
    are.

    Args:
        others: see `Perceptual`; weights of a thousand are usual.
    """

    def __init__(
        self,
        weight: float | Schedule = 1.0,
        trunk: keras.Model | None = None,
        layers: tuple[int, ...] | None = None,
        every: int = 1,
    ):
        super().__init__(weight, 0.0, trunk, layers, every)

    def __call__(self, target: Any, image: Any) -> Any:
        wanted = [ops.stop_gradient(m) for m in self._maps(target)]
        return perceptual.style_distance(wanted, self._maps(image))

    def get_config(self) -> dict[str, Any]:
        return {k: v for k, v in super().get_config().items() if k != "style"}


OBJECTIVES = named_parts.register(
    "objective",
    l1=L1,
    mse=MSE,
    charbonnier=Charbonnier,
    dssim=DSSIM,
    laplacian=Laplacian,
    census=Census,
    perceptual=Perceptual,
    style=Style,
)


def get(objective: Any) -> Objective:
    """An objective by its name, with weight 1, its config, or itself: l1, mse, charbonnier, dssim, laplacian,
    census, perceptual, style.

    Raises:
        ValueError: anything else.
    """
    return named_parts.find("objective", Objective, OBJECTIVES, objective)
