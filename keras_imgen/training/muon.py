"""Muon for networks of convolutions."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_imgen")
class ConvMuon(keras.optimizers.Muon):
    """Muon (Jordan et al. 2024) whose matrices are the kernels of convolutions too, flattened to (height * width * channels in, out).

    Keras's own leaves kernels of convolutions to Adam. A step makes all directions of a kernel grow alike: U V' of the momentum's U S V',
    by Newton-Schulz iterations, of the size that Adam's step has (Liu et al. 2025, "Muon is Scalable for LLM Training"). Biases, and the
    layers named in `exclude_layers`, are Adam's. A restorer of 0.6M weights is after 1,000 steps of it where Adam is after more than
    4,000, and a step takes as long (`python -m benchmarks.restoration optimizers`).

    Args:
        learning_rate: or a schedule; about 3e-3.
        adam_lr_ratio: Adam's rate is this times `learning_rate`.
        weight_decay: of the matrices.
        exclude_layers: expressions for paths of variables: by default the first and the last layer of our restorers.
        kwargs: see `keras.optimizers.Muon`.
    """

    def __init__(
        self,
        learning_rate=3e-3,
        adam_lr_ratio: float = 1 / 3,
        weight_decay: float | None = None,
        adam_weight_decay: float | None = None,
        exclude_layers: list[str] | None = None,
        name: str = "conv_muon",
        **kwargs,
    ):
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
        return super()._should_use_adamw(_Flat(variable) if len(variable.shape) == 4 else variable)

    def zeropower_via_newtonschulz5(self, x, steps):
        matrix = super().zeropower_via_newtonschulz5(ops.reshape(x, (-1, x.shape[-1])), steps)
        return ops.reshape(matrix, x.shape)

    def lr_adjust(self, x):
        rows = 1
        for size in x.shape[:-1]:
            rows *= size
        return x if self.rms_rate is None else x * (max(rows, x.shape[-1]) ** 0.5 * self.rms_rate)


class _Flat:
    """A kernel of a convolution as the matrix that it is."""

    def __init__(self, variable):
        self.path, self.shape = variable.path, (None, variable.shape[-1])
