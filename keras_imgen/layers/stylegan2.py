"""The parts of StyleGAN2 (Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN")."""

import math
from typing import Any

import keras
from keras import ops

from keras_imgen.training import random

RELU_GAIN = math.sqrt(2.0)


def leaky(x: Any) -> Any:
    """Leaky ReLU of slope 0.2, scaled to keep the variance."""
    return ops.leaky_relu(x, 0.2) * ops.cast(RELU_GAIN, x.dtype)


def _axis_up(x, axis: int):
    """Twice the length, by the filter [1, 3, 3, 1]/4; the edge is repeated."""
    n = x.shape[axis]
    before = ops.concatenate([_cut(x, axis, 0, 1), _cut(x, axis, 0, n - 1)], axis=axis)
    after = ops.concatenate([_cut(x, axis, 1, n), _cut(x, axis, n - 1, n)], axis=axis)
    both = ops.stack([0.25 * before + 0.75 * x, 0.75 * x + 0.25 * after], axis=axis + 1)
    shape = list(x.shape)
    shape[0], shape[axis] = -1, 2 * n
    return ops.reshape(both, shape)


def _cut(x, axis, start, stop, step=1):
    return x[:, start:stop:step] if axis == 1 else x[:, :, start:stop:step]


def upsample(x: Any) -> Any:
    """(N, H, W, C) -> (N, 2H, 2W, C) by the filter [1, 3, 3, 1] in both directions."""
    return _axis_up(_axis_up(x, 1), 2)


def downsample(x: Any) -> Any:
    """(N, 2H, 2W, C) -> (N, H, W, C) by the filter [1, 3, 3, 1]/8 in both directions; the edge is repeated."""
    for axis in (1, 2):
        n = x.shape[axis]
        x = ops.concatenate([_cut(x, axis, 0, 1), x, _cut(x, axis, n - 1, n)], axis=axis)
        a, b, c, d = (_cut(x, axis, i, n + i, 2) for i in range(4))
        x = (a + 3 * b + 3 * c + d) / 8
    return x


class _Equalized(keras.layers.Layer):
    """Weights are drawn from N(0, 1) and scaled by 1/sqrt(fan in) when used (Karras et al. 2018, section 4.1)."""

    def _weights(self, shape, lr_multiplier=1.0):
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=keras.initializers.RandomNormal(0.0, 1.0 / lr_multiplier)
        )
        self._scale = lr_multiplier / math.sqrt(math.prod(shape[:-1]))

    def _kernel(self):
        return ops.convert_to_tensor(self.kernel) * ops.cast(self._scale, self.compute_dtype)


@keras.saving.register_keras_serializable("keras_imgen")
class EqualizedDense(_Equalized):
    """A dense layer with the equalised learning rate (Karras et al. 2018, section 4.1).

    Args:
        units: numbers of the output.
        activate: whether `leaky` follows.
        lr_multiplier: learns as if the learning rate were multiplied by it.
        bias: where the bias starts.
    """

    def __init__(
        self, units: int, activate: bool = False, lr_multiplier: float = 1.0, bias: float = 0.0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.units, self.activate, self.lr_multiplier, self.start = units, activate, lr_multiplier, bias

    def build(self, shape: tuple) -> None:
        self._weights((shape[-1], self.units), self.lr_multiplier)
        start = keras.initializers.Constant(self.start / self.lr_multiplier)
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer=start)

    def call(self, x: Any) -> Any:
        y = ops.matmul(x, self._kernel()) + self.bias * ops.cast(self.lr_multiplier, self.compute_dtype)
        return leaky(y) if self.activate else y

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (*shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        config = {"units": self.units, "activate": self.activate, "lr_multiplier": self.lr_multiplier}
        return {**super().get_config(), **config, "bias": self.start}


@keras.saving.register_keras_serializable("keras_imgen")
class EqualizedConv2D(_Equalized):
    """A convolution with the equalised learning rate (Karras et al. 2018, section 4.1).

    Args:
        filters: channels of the output.
        size: side of the square kernel, in pixels.
        activate: whether `leaky` follows.
        down: filter and halve the picture after it.
        use_bias: whether there is a bias.
    """

    def __init__(
        self,
        filters: int,
        size: int = 3,
        activate: bool = True,
        down: bool = False,
        use_bias: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters, self.size, self.activate, self.down, self.use_bias = filters, size, activate, down, use_bias

    def build(self, shape: tuple) -> None:
        self._weights((self.size, self.size, shape[-1], self.filters))
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros") if self.use_bias else None

    def call(self, x: Any) -> Any:
        if self.down and self.size == 1:  # the two commute, and this order is cheaper
            x = downsample(x)
        y = ops.conv(x, self._kernel(), 1, "same")
        if self.down and self.size > 1:
            y = downsample(y)
        y = y if self.bias is None else y + self.bias
        return leaky(y) if self.activate else y

    def compute_output_shape(self, shape: tuple) -> tuple:
        half = (lambda n: n // 2) if self.down else (lambda n: n)
        return (shape[0], half(shape[1]), half(shape[2]), self.filters)

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "size", "activate", "down", "use_bias")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("keras_imgen")
class ModulatedConv2D(_Equalized):
    """A convolution whose input channels are scaled by a style and whose outputs are brought back to unit variance (eqs. 1 and 3).

    Scaling the activations before and after one shared convolution is the same as modulating the weights for each image. Call with
    x (N, H, W, C), w (N, D) and keys (N, 2) for the noise, or None: -> (N, H, W, filters), twice as large with `up`.

    Args:
        filters: channels of the output.
        size: side of the square kernel, in pixels.
        demodulate: bring the outputs back to unit variance, and let `leaky` follow.
        up: double the picture after it.
        noise: add noise of a learned strength.
    """

    def __init__(
        self, filters: int, size: int = 3, demodulate: bool = True, up: bool = False, noise: bool = True, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.filters, self.size, self.demodulate, self.up, self.noise = filters, size, demodulate, up, noise

    def build(self, x_shape: tuple, w_shape: tuple | None = None, keys_shape: tuple | None = None) -> None:
        self._weights((self.size, self.size, x_shape[-1], self.filters))
        self.style = EqualizedDense(x_shape[-1], bias=1.0, name="style", dtype=self.dtype_policy)
        self.style.build(w_shape)
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        self.strength = self.add_weight(name="strength", shape=(), initializer="zeros") if self.noise else None

    def call(self, x: Any, w: Any, keys: Any = None) -> Any:
        kernel, style = self._kernel(), ops.cast(self.style(w), self.compute_dtype)
        y = ops.conv(x * style[:, None, None, :], kernel, 1, "same")
        if self.up:
            y = upsample(y)
        if self.demodulate:
            power = ops.sum(ops.square(ops.cast(kernel, "float32")), axis=(0, 1))
            total = ops.matmul(ops.square(ops.cast(style, "float32")), power)
            y = y * ops.cast(ops.rsqrt(total + 1e-8), y.dtype)[:, None, None, :]
        if self.noise and keys is not None:
            noise = ops.cast(random.normal(keys, (*y.shape[1:3], 1)), y.dtype)
            y = y + noise * ops.cast(self.strength, y.dtype)
        y = y + self.bias
        return leaky(y) if self.demodulate else y

    def get_config(self) -> dict[str, Any]:
        names = ("filters", "size", "demodulate", "up", "noise")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("keras_imgen")
class MinibatchStd(keras.layers.Layer):
    """Adds a channel that tells how much the images of the batch differ (Karras et al. 2018, section 3).

    The mean over places and channels of the standard deviation over the whole batch: the discriminator sees a collapse.
    """

    def call(self, x: Any) -> Any:
        v = ops.cast(x, "float32")
        deviation = ops.mean(ops.sqrt(ops.mean(ops.square(v - ops.mean(v, axis=0)), axis=0) + 1e-8))
        shape = (ops.shape(x)[0], *x.shape[1:3], 1)
        return ops.concatenate([x, ops.cast(ops.broadcast_to(deviation, shape), x.dtype)], axis=-1)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return (*shape[:-1], shape[-1] + 1)
