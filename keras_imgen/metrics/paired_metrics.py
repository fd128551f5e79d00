"""The paired metrics as Keras metrics, for `compile(metrics=[...])`, and the protocols of super-resolution and denoising."""

from typing import Any

import keras
from keras import ops

from keras_imgen.metrics import paired


class PairedMetric(keras.metrics.Metric):
    """The mean over images of a function of (target, image); every image weighs the same, however it was batched.

    Args:
        data_range: of the images that come: 2 for the model range [-1, 1], 1 for [0, 1], 255; see `low`.
        channels: see `metrics.psnr`.
        shave: see `metrics.psnr`.
        quantize: round images, and their luma, to 256 levels first, as the programs behind published numbers do.
        low: the least value of that range; by default -1 for a range of 2, otherwise 0.
        name: of the metric; by default the class's.
    """

    function = None

    def __init__(
        self,
        data_range: float = 2.0,
        channels: str = "all",
        shave: int = 0,
        quantize: bool = False,
        low: float | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name or type(self).__name__.lower(), **kwargs)
        self.data_range, self.channels, self.shave, self.quantize = data_range, channels, shave, quantize
        self.low = (-1.0 if data_range == 2 else 0.0) if low is None else low
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        pair = [(ops.cast(v, "float32") - self.low) * (255.0 / self.data_range) for v in (y_true, y_pred)]
        if self.quantize:
            pair = [ops.round(ops.clip(v, 0.0, 255.0)) for v in pair]
        if self.channels == "y" and pair[0].shape[-1] == 3:
            pair = [paired.luma(v) for v in pair]
            pair = [ops.round(v) for v in pair] if self.quantize else pair
        values = type(self).function(*pair, data_range=255.0, shave=self.shave)
        weights = ops.ones_like(values)
        if sample_weight is not None:
            weights = weights * ops.reshape(ops.cast(sample_weight, "float32"), (-1,))
        self.total.assign_add(ops.sum(ops.cast(values * weights, self.dtype)))
        self.count.assign_add(ops.sum(ops.cast(weights, self.dtype)))

    def result(self) -> Any:
        return ops.divide_no_nan(self.total, self.count)

    @property
    def protocol(self) -> str:
        """What was computed, in words."""
        where = "luma of BT.601" if self.channels == "y" else "all channels"
        return (
            f"{type(self).__name__} on {where}, {self.shave} px of border left out, "
            f"{'rounded to 8 bits' if self.quantize else 'not rounded'}, mean over images"
        )

    def get_config(self) -> dict[str, Any]:
        names = ("data_range", "channels", "shave", "quantize", "low")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _metric(name: str, function, text: str) -> type:
    made = type(name, (PairedMetric,), {"function": staticmethod(function), "__doc__": text, "__module__": __name__})
    return keras.saving.register_keras_serializable("keras_imgen")(made)


MAE = _metric("MAE", paired.mae, "Mean absolute error, in levels of 255. Arguments as `PairedMetric`.")
PSNR = _metric("PSNR", paired.psnr, "Peak signal-to-noise ratio in dB. Arguments as `PairedMetric`.")
SSIM = _metric("SSIM", paired.ssim, "Structural similarity. Arguments as `PairedMetric`.")
MSSSIM = _metric("MSSSIM", paired.ms_ssim, "Multi-scale structural similarity. Arguments as `PairedMetric`.")


def super_resolution(scale: int, data_range: float = 2.0) -> list[PairedMetric]:
    """PSNR and SSIM as published for super-resolution: 8-bit, luma, `scale` pixels of border left out.

    The input is `imresize(mod_crop(target, scale), scale=1 / scale)` of `keras_imgen.data.imresize`.

    Args:
        scale: of the enlargement.
        data_range: of the images that come, as for `PairedMetric`.
    """
    how = {"data_range": data_range, "channels": "y", "shave": scale, "quantize": True}
    return [PSNR(name=f"psnr_x{scale}", **how), SSIM(name=f"ssim_x{scale}", **how)]


def denoising(data_range: float = 2.0) -> list[PairedMetric]:
    """PSNR and SSIM as published for Gaussian denoising: all channels, whole picture, clipped and rounded to 8 bits.

    The input is the target plus Gaussian noise of sigma/255 of the range, neither clipped nor rounded.

    Args:
        data_range: of the images that come, as for `PairedMetric`.
    """
    return [PSNR(data_range=data_range, quantize=True), SSIM(data_range=data_range, quantize=True)]
