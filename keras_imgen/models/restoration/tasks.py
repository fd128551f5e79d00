"""The tasks: what each of them learns from, and what it does with colours."""

from typing import Any

import keras
from keras import ops

from keras_imgen.conditions import Amount, Conditions
from keras_imgen.losses import exposure
from keras_imgen.models.calls import call, inputs
from keras_imgen.models.image_model import ImageModel
from keras_imgen.models.restoration.lab import lab, rgb
from keras_imgen.models.restoration.restoration import Restoration, Stream, known_size
from keras_imgen.networks import light_curves
from keras_imgen.training import random
from keras_imgen.training.rows import like

AMOUNTS = (Amount("exposure", -5.0, 5.0), Amount("grain", 0.0, 1.0))


@keras.saving.register_keras_serializable("keras_imgen")
class SuperResolution(Restoration):
    """Enlarges pictures by a whole factor.

    Args:
        network: enlarges by `scale`, as `networks.edsr(scale)`. One of gray pictures enlarges the luma of coloured ones, whose colours are
            enlarged by bicubic.
        scale: 2, 3, 4, ...
        consistent: whether pictures are taken for what MATLAB's antialiased bicubic made of larger ones, as in the published protocol, so
            that `restore` gives answers which, shrunk again, are the picture. False for pictures that came about otherwise: with
            noise, JPEG or another blur, which would come back, too.
        others: see `Restoration`.

    Raises:
        ValueError: `scale` below 2.

    Learns from `image` and a `target` of `scale` times its size: `data.degraded(data.patches(...), data.degrade.Downscale(scale))`.
    """

    colour = "luma"

    settings = (*Restoration.settings, "scale", "consistent")

    def __init__(
        self, network: keras.Model, scale: int, objectives: Any = ("l1",), consistent: bool = True, **kwargs: Any
    ):
        if scale < 2:
            raise ValueError(f"Expected `scale` of 2 or more, got {scale!r}.")
        self.scale, self.consistent = scale, bool(consistent)
        super().__init__(network, objectives, **kwargs)


@keras.saving.register_keras_serializable("keras_imgen")
class Denoiser(Restoration):
    """Takes noise away.

    Args:
        network: of noisy pictures; blind, or, if it takes `sigma`, told the noise level, as `networks.ffdnet()`. One of gray pictures
            restores each channel of coloured ones.
        sigma: of the Gaussian noise that it learns to take away, in gray levels of 255: (lowest, highest), drawn for each image, or one
            level (Zhang et al. 2017, DnCNN; 2018, FFDNet).
        objectives: the squared error by default, whose best answer is the posterior mean.
        gaussian_share: of pairs, the share in whose place it learns from the target with Gaussian noise of `sigma`, so that a model for
            noise of other kinds knows that, too; only for a blind network.
        others: see `Restoration`.

    Raises:
        ValueError: `sigma` of another form, a share outside [0, 1], or one for a network that is told the noise level.

    Learns from clean images alone, to which it adds noise, neither clipped nor rounded; or from `image` and `target` (and `sigma`),
    for noise of other kinds.
    """

    needs_target = False

    settings = (*Restoration.settings, "sigma", "gaussian_share")

    def __init__(
        self,
        network: keras.Model,
        sigma: float | tuple[float, float] = (0.0, 55.0),
        objectives: Any = ("mse",),
        gaussian_share: float = 0.0,
        **kwargs: Any,
    ):
        self.sigma = noise_levels(sigma)
        if not 0 <= gaussian_share <= 1 or (gaussian_share and "sigma" in inputs(network)):
            raise ValueError(
                f"Expected `gaussian_share` in [0, 1], and 0 for a network that is told the noise level, got {gaussian_share!r}."
            )
        self.gaussian_share = gaussian_share
        super().__init__(network, objectives, **kwargs)

    def pair(self, batch: dict[str, Any], keys: Any) -> tuple[dict[str, Any], Any]:
        if "target" not in batch:
            image, sigma = noisy(batch["image"], self.sigma, keys)
            given = {"image": image, **self.told(batch)}
            return ({**given, "sigma": sigma} if "sigma" in inputs(self.network) else given), batch["image"]
        given, target = super().pair(batch, keys)
        if self.gaussian_share:
            here = random.uniform(random.fold(keys, Stream.MIXTURE)) < self.gaussian_share
            image, _ = noisy(target, self.sigma, keys)
            given = {**given, "image": ops.where(like(here, target), image, given["image"])}
        return given, target


def noise_levels(sigma: float | tuple[float, float]) -> tuple[float, float]:
    """(lowest, highest) of one level or of two.

    Raises:
        ValueError: `sigma` of another form.
    """
    low, high = sigma if isinstance(sigma, list | tuple) else (sigma, sigma)
    if not 0 <= low <= high or not high > 0:
        raise ValueError(f"Expected `sigma` as (low, high) with 0 <= low <= high, in gray levels, got {sigma!r}.")
    return float(low), float(high)


def noisy(images: Any, levels: tuple[float, float], keys: Any) -> tuple[Any, Any]:
    """(images with Gaussian noise, neither clipped nor rounded; its standard deviations (N,) in gray levels).

    Args:
        images: (N, ..., C) in [-1, 1], of a size known beforehand.
        levels: (lowest, highest), between which each image's is drawn.
        keys: (N, 2) of `training.random`.
    """
    low, high = levels
    sigma = low + (high - low) * random.uniform(random.fold(keys, Stream.SIGMA))
    noise = random.normal(random.fold(keys, Stream.NOISE), known_size(images))
    return images + noise * like(sigma, images) / 127.5, sigma


@keras.saving.register_keras_serializable("keras_imgen")
class Deblurrer(Restoration):
    """Sharpens what is out of focus or was moved.

    Args:
        others: see `Restoration`. A network of gray pictures restores each channel of coloured ones.

    Learns from `image` and `target`: `data.degraded(..., data.degrade.GaussianBlur())`, `MotionBlur()`.
    """


@keras.saving.register_keras_serializable("keras_imgen")
class Enhancer(Restoration):
    """Makes dark, flat or discoloured pictures look as their targets do. A gray picture stays gray: a `Colorizer` gives colours.

    A network that takes `exposure` or `grain`, as `networks.lowlight_unet()`, gives `restore` arguments of these names: by how many stops
    the picture is to be brighter than it finds right, in [-5, 5], and the share of the noise that stays, in [0, 1]. Both are 0 where they
    are not given, and in training.

    Args:
        others: see `Restoration`.

    Learns from `image` and `target`: `data.degraded(..., data.degrade.Darkness())`, `LowLight()`, or pairs of photographs.
    """

    blend = "stops"

    @property
    def conditions(self) -> Conditions:
        return (*super().conditions, *(one for one in AMOUNTS if one.key in inputs(self.network)))

    def call(self, given: Any, training: bool = False) -> Any:
        given = given if isinstance(given, dict) else {"image": given}
        missing = [one.key for one in AMOUNTS if one.key in inputs(self.network) and one.key not in given]
        return super().call({**given, **dict.fromkeys(missing, ops.zeros(ops.shape(given["image"])[:1]))}, training)


@keras.saving.register_keras_serializable("keras_imgen")
class ZeroDCE(Restoration):
    """Enhances dark pictures, and learns it from pictures alone, without targets (Guo et al. 2020).

    Args:
        network: from an image to the maps (N, H, W, 3 K) of its K curves, as `networks.zero_dce()`.
        spatial_weight: of `losses.exposure.spatial_consistency`; the defaults of all four are the authors'.
        exposure_weight: of `losses.exposure.exposure`.
        colour_weight: of `losses.exposure.colour_constancy`.
        smoothness_weight: of `losses.exposure.smoothness`.
        level: the mean gray level wanted, in [0, 1].
        others: see `Restoration`. What compares with a target is refused, since there is none: `objectives`; `discriminator`,
            `adversarial`, `adversarial_weight` and `regularizers`; `encoder` and `kl_weight`.

    Raises:
        ValueError: what is refused.

    Learns from images of all exposures, 16 pixels or more on a side. Logs the four losses.
    """

    logged = ("loss", "spatial", "exposure", "colour", "smoothness")
    needs_target = False
    blend = "stops"

    settings = (
        *ImageModel.settings,
        "network",
        "spatial_weight",
        "exposure_weight",
        "colour_weight",
        "smoothness_weight",
        "level",
        "overlap",
    )

    def __init__(
        self,
        network: keras.Model,
        spatial_weight: float = 1.0,
        exposure_weight: float = 10.0,
        colour_weight: float = 5.0,
        smoothness_weight: float = 200.0,
        level: float = 0.6,
        overlap: int = 64,
        **kwargs: Any,
    ):
        compared = {"objectives", "discriminator", "adversarial", "adversarial_weight", "regularizers"}
        if unused := sorted(set(kwargs) & (compared | {"encoder", "kl_weight"})):
            raise ValueError(f"Zero-DCE has losses of its own: {', '.join(unused)} do not apply.")
        self.spatial_weight, self.exposure_weight = spatial_weight, exposure_weight
        self.colour_weight, self.smoothness_weight = colour_weight, smoothness_weight
        self.level = level
        super().__init__(network, overlap=overlap, **kwargs)

    def _names(self, discriminator, encoder):
        return type(self).logged

    def call(self, given: Any, training: bool = False) -> Any:
        image = given["image"] if isinstance(given, dict) else given
        return ops.cast(light_curves(image, self.network(image, training=training)), "float32")

    def _check(self, first):
        super()._check(first)
        if min(first["image"].shape[1:3]) < 16:
            raise ValueError(f"Expected images of 16 pixels or more on each side, got {first['image'].shape[1:3]}.")

    def pair(self, batch: dict[str, Any], keys: Any) -> tuple[dict[str, Any], Any]:
        return {"image": batch["image"]}, None

    def losses(self, given: dict[str, Any], target: Any, keys: Any, training: bool) -> tuple[Any, dict[str, Any], Any]:
        maps = ops.cast(self.network(given["image"], training=training), "float32")
        image = light_curves(given["image"], maps)
        before, after = (given["image"] + 1.0) / 2.0, (image + 1.0) / 2.0
        logs = {
            "spatial": exposure.spatial_consistency(before, after),
            "exposure": exposure.exposure(after, self.level),
            "colour": exposure.colour_constancy(after),
            "smoothness": exposure.smoothness(maps),
        }
        loss = sum(getattr(self, f"{name}_weight") * value for name, value in logs.items())
        return loss, {"loss": loss, **logs}, image


@keras.saving.register_keras_serializable("keras_imgen")
class Inpainter(Restoration):
    """Paints holes; what is known comes back untouched.

    Args:
        network: called with `image` and `mask` (N, H, W, 1), 1 where to paint, as `networks.inpainting_unet()`.
        others: see `Restoration`.

    Raises:
        ValueError: a network that takes no mask.

    Learns from `image`, `mask` and `target`: `data.degraded(..., data.degrade.Holes())`. `restore(images, masks=...)`. What is painted into
    a large hole depends on much around it, so that tiles are large.
    """

    tile = 1024

    def __init__(self, network: keras.Model, objectives: Any = ("l1",), overlap: int = 192, **kwargs: Any):
        if "mask" not in inputs(network):
            raise ValueError(f"Expected a network that takes a `mask`, got one of {', '.join(inputs(network))}.")
        super().__init__(network, objectives, overlap=overlap, **kwargs)

    def pair(self, batch: dict[str, Any], keys: Any) -> tuple[dict[str, Any], Any]:
        given, target = super().pair(batch, keys)
        return {**given, "mask": ops.cast(ops.not_equal(given["mask"], 0), "float32")}, target

    def call(self, given: Any, training: bool = False) -> Any:
        mask = given["mask"]
        return mask * super().call(given, training=training) + (1.0 - mask) * given["image"]


@keras.saving.register_keras_serializable("keras_imgen")
class Colorizer(Restoration):
    """Gives gray pictures colours, and keeps their lightness.

    Args:
        network: from lightness (N, H, W, 1) in [-1, 1] to a* and b* over 110 (N, H, W, 2), as `networks.colorizer()`.
        overlap: much, since colours depend on what is around.
        others: see `Restoration`; targets and answers are compared as RGB.

    Learns from coloured images alone; or from gray `image` and coloured `target`.
    """

    colour = "drop"
    needs_target = False

    def __init__(self, network: keras.Model, objectives: Any = ("l1",), overlap: int = 256, **kwargs: Any):
        super().__init__(network, objectives, overlap=overlap, **kwargs)

    def _check(self, first):
        if first["image"].shape[-1:] == (1,) and "target" in first:
            first = {**first, "image": first["image"].repeat(3, -1)}
        super()._check(first)

    def pair(self, batch: dict[str, Any], keys: Any) -> tuple[dict[str, Any], Any]:
        if "target" in batch:
            return super().pair(batch, keys)
        return {"image": batch["image"], **self.told(batch)}, batch["image"]

    @property
    def image_shape(self) -> tuple[int | None, ...]:
        return (None, None, 3)

    def call(self, given: Any, training: bool = False) -> Any:
        image = given["image"] if isinstance(given, dict) else given
        lightness = lab(ops.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image)[..., :1]
        given = {**(given if isinstance(given, dict) else {}), "image": lightness / 50.0 - 1.0}
        colours = ops.cast(call(self.network, given, training), "float32") * 110.0
        return rgb(ops.concatenate([lightness, colours], axis=-1))
