"""Muon for networks of convolutions."""

import math
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_imgen")
class ConvMuon(keras.optimizers.Muon):
    """Muon (Jordan et al. 2024) for the kernels of two-dimensional convolutions too, flattened: the last axis against the others.

    Keras's own leaves them to Adam. A step makes all directions of a kernel grow alike: U V' of the momentum's U S V', by Newton-Schulz
    iterations, of the size that Adam's step has (Liu et al. 2025, "Muon is Scalable for LLM Training"). Everything else, biases and
    other kernels, is Adam's. `python -m benchmarks.restoration optimizers` measures what it gains.

    Args:
        learning_rate: or a schedule; about 3e-3 for some thousand steps, less for more.
        adam_lr_ratio: Adam's rate is this times `learning_rate`.
        weight_decay: of the matrices, times `learning_rate`; None for none.
        adam_weight_decay: of the rest, times `learning_rate`; None for none.
        exclude_layers: regular expressions; a variable whose path has one of them is Adam's. By default layers called conv_in and
            conv_out, which are the first and the last of many restorers.
        name: of the optimizer.
        **kwargs: see `keras.optimizers.Muon`.

    Raises:
        ValueError: `exclude_layers` is a single text.
    """

    def __init__(
        self,
        learning_rate: Any = 3e-3,
        adam_lr_ratio: float = 1 / 3,
        weight_decay: float | None = None,
        adam_weight_decay: float | None = None,
        exclude_layers: list[str] | None = None,
        name: str = "conv_muon",
        **kwargs: Any,
    ):
        if isinstance(exclude_layers, str):
            raise ValueError(f"Expected `exclude_layers` as a list of expressions, got {exclude_layers!r}.")
        super().__init__(
            learning_rate,
            adam_lr_ratio=adam_lr_ratio,
            weight_decay=weight_decay,
            adam_weight_decay=adam_weight_decay,
            exclude_layers=["conv_in", "conv_out"] if exclude_layers is None else list(exclude_layers),
            name=name,
            **kwargs,
        )

    def _should_use_adamw(self, variable):
        kernel = len(variable.shape) == 4 and variable.path.endswith("kernel")
        return super()._should_use_adamw(_Flat(variable) if kernel else variable)

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """Keras's, of the kernel as a matrix."""
        matrix = super().zeropower_via_newtonschulz5(ops.reshape(x, (-1, x.shape[-1])), steps)
        return ops.reshape(matrix, x.shape)

    def lr_adjust(self, x: Any) -> Any:
        """Keras's, of the kernel as a matrix."""
        if self.rms_rate is None:
            return x
        return x * (max(math.prod(x.shape[:-1]), x.shape[-1]) ** 0.5 * self.rms_rate)


class _Flat:
    """A kernel of a convolution as the matrix that it is."""

    def __init__(self, variable: Any):
        self.path, self.shape = variable.path, (None, variable.shape[-1])
