"""Parts of a restorer's loss: each a small object with a weight, logged under its name."""

import warnings
from typing import Any

import keras
from keras import ops

from keras_imgen import named_parts
from keras_imgen.losses import motion, perceptual, pixel, style
from keras_imgen.losses.terms import Schedule, Term
from keras_imgen.networks import squeezenet11, style_trunk


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


class InTrunk(Objective):
    """Base of what compares images by the maps of a trained network.

    Args:
        weight: see `Objective`.
        trunk: a model of images in [0, 255], (N, H, W, 3), with one or several maps (N, h, w, c) as outputs; None: SqueezeNet 1.1 with
            the ImageNet weights under KERAS_IMGEN_DATA. A trunk of your own is saved with the model, weights and all.
        layers: numbers of the outputs that count; None is all.
        every: see `losses.terms.Term`.
    """

    def __init__(
        self,
        weight: float | Schedule = 1.0,
        *,
        trunk: keras.Model | None = None,
        layers: tuple[int, ...] | None = None,
        every: int = 1,
    ):
        super().__init__(weight, every)
        self.trunk, self.layers, self._loaded = trunk, layers, trunk

    def prepare(self) -> None:
        if self._loaded is None:
            self._loaded = self.load()

    def load(self) -> keras.Model:
        """The trunk where none was given."""
        return squeezenet11("imagenet")

    def maps(self, image: Any) -> list[Any]:
        """Those that count, (N, h, w, c) each.

        Args:
            image: float32 (N, H, W, C) in [-1, 1], C of 1 or 3.
        """
        maps = style.as_maps(self._loaded, image)
        return maps if self.layers is None else [maps[k] for k in self.layers]

    def get_config(self) -> dict[str, Any]:
        # The trunk itself: of one that several objectives have, Keras then notes that it is one; its weights are in a file once.
        return {**super().get_config(), "trunk": self.trunk, "layers": self.layers}


class Perceptual(InTrunk):
    """Squared distance of feature maps (Johnson et al. 2016; the content loss of SRGAN, Ledig et al. 2017), between 0 and 4. Maps are
    scaled to unit length (Zhang et al. 2018), so that a weight means the same for every trunk.

    Args:
        others: see `InTrunk`.
    """

    def __call__(self, target: Any, image: Any) -> Any:
        wanted, maps = ([perceptual.unit_length(m) for m in self.maps(one)] for one in (target, image))
        return perceptual.feature_distance([ops.stop_gradient(m) for m in wanted], maps)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Perceptual":
        if config.get("style"):  # of earlier files, where it weighed less than a millionth
            warnings.warn("`Perceptual` compares Gram matrices no longer: add `Style()`, of weight 1.", stacklevel=2)
        return super().from_config({k: v for k, v in config.items() if k != "style"})


class Style(InTrunk):
    """How the channels of feature maps go together, which is what colours and textures are, and not where they are: the squared distance
    of Gram matrices (Gatys et al. 2016), as a share of the target's, the mean over layers. 0 where they agree, 1 for an image without
    any features; a weight means the same for every trunk.

    Args:
        weight: see `Objective`; of 100 or more there is a warning, since it was a thousand before it was of a share.
        trunk: None: `networks.style_trunk()`.
        others: see `InTrunk`.
    """

    def __init__(self, weight: float | Schedule = 1.0, **kwargs: Any):
        super().__init__(weight, **kwargs)
        if not callable(weight) and weight >= 100:
            warnings.warn(
                f"`Style` is a share of the target's now, of a weight near 1: {weight:g} drowns all else.", stacklevel=2
            )

    def load(self) -> keras.Model:
        return style_trunk()

    def __call__(self, target: Any, image: Any) -> Any:
        term = style.Gram()
        wanted, found = (term.describe(self.maps(one)) for one in (target, image))
        return term([ops.stop_gradient(w) for w in wanted], found)


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
