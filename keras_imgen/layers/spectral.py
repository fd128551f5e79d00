"""Dense and convolution layers whose weights are divided by their spectral norm."""

from typing import Any

import keras
from keras import ops


class _Spectral:
    """The kernel as a matrix (inputs, outputs) over its largest singular value, found by power iteration
    (Miyato et al. 2018, "Spectral Normalization for GANs", algorithm 1).

    One iteration in every pass with `training=True`; its vector `u` is saved with the weights. The gradient passes through sigma.
    """

    def build(self, input_shape: tuple) -> None:
        super().build(input_shape)
        self.u = self.add_weight(
            name="u", shape=(1, self.kernel.shape[-1]), initializer="random_normal", trainable=False
        )

    def normalized(self, training: bool) -> Any:
        """The kernel that is used, in the kernel's shape."""
        kernel = ops.convert_to_tensor(self.kernel)
        matrix = ops.cast(ops.reshape(kernel, (-1, kernel.shape[-1])), "float32")
        fixed, u = ops.stop_gradient(matrix), ops.cast(self.u, "float32")
        v = _unit(ops.matmul(u, ops.transpose(fixed)))
        if training:
            u = _unit(ops.matmul(v, fixed))
            self.u.assign(ops.cast(ops.stop_gradient(u), self.u.dtype))
            v = _unit(ops.matmul(u, ops.transpose(fixed)))
        sigma = ops.matmul(ops.matmul(v, matrix), ops.transpose(_unit(u)))[0, 0]
        return ops.cast(kernel / ops.cast(sigma, kernel.dtype), self.compute_dtype)

    def save_own_variables(self, store: Any) -> None:
        keras.layers.Layer.save_own_variables(self, store)  # Dense and Conv2D save kernel and bias alone

    def load_own_variables(self, store: Any) -> None:
        keras.layers.Layer.load_own_variables(self, store)

    def _finish(self, y):
        y = y if self.bias is None else ops.add(y, self.bias)
        return y if self.activation is None else self.activation(y)


def _unit(v):
    return v / (ops.sqrt(ops.sum(ops.square(v))) + 1e-12)


@keras.saving.register_keras_serializable("keras_imgen")
class SpectralDense(_Spectral, keras.layers.Dense):
    """`keras.layers.Dense` with spectral normalisation."""

    def call(self, x: Any, training: bool = False) -> Any:
        return self._finish(ops.matmul(x, self.normalized(training)))


@keras.saving.register_keras_serializable("keras_imgen")
class SpectralConv2D(_Spectral, keras.layers.Conv2D):
    """`keras.layers.Conv2D` with spectral normalisation."""

    def call(self, x: Any, training: bool = False) -> Any:
        return self._finish(ops.conv(x, self.normalized(training), list(self.strides), self.padding))
