"""Training whose numbers are not finite any more: stopped, with the last good state."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_imgen.arguments import integer


class StopOnNaN(keras.callbacks.Callback):
    """Stops `fit` where losses or weights are not finite any more, and puts back the state of the last epoch that ended well.

    That is at the first step with such losses, or after the first epoch with such weights; `model.not_finite` then says in a line what was
    found. `fit` of an `ImageModel` has one of its own where it is given none.

    Weights, averages, optimizers and random state are kept in memory when the first epoch begins, and after every `every` epochs; put it
    before `BackupAndRestore` and `ModelCheckpoint` in the list, which then see the good state.

    Args:
        every: epochs between copies, for large models.

    Raises:
        ValueError: `every` is no whole number of at least 1.
    """

    def __init__(self, every: int = 1):
        super().__init__()
        self.every, self._kept, self.stopped_epoch = integer("every", every, 1), None, None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.stopped_epoch = self._kept = self.model.not_finite = None

    def _variables(self):
        return [*self.model.variables, *self.model.optimizer.variables]

    def _state(self):
        return [np.array(keras.ops.convert_to_numpy(v)) for v in self._variables()]  # a copy, not a view

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch
        if self._kept is None:  # not before: another callback may have restored a backup
            self._kept, self._kept_epoch = self._state(), epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        bad = [k for k, v in (logs or {}).items() if not np.isfinite(v)]
        if bad and self.stopped_epoch is None:
            self._stop(f"step {batch + 1}", bad)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.stopped_epoch is not None:
            self._restore()  # steps_per_execution may have gone on
            return
        now = self._state()
        bad = [v.path for v, x in zip(self._variables(), now) if not np.isfinite(x.astype("float32")).all()]
        if bad:  # a ReLU hides it from the losses
            self._stop("at its end", bad)
        elif (epoch + 1) % self.every == 0:
            self._kept, self._kept_epoch = now, epoch + 1

    def _stop(self, where, bad):
        self.model.stop_training, self.stopped_epoch = True, self._epoch + 1
        self._restore()
        state = f"at the end of epoch {self._kept_epoch}" if self._kept_epoch else "before its first epoch"
        self.model.not_finite = (
            f"Epoch {self._epoch + 1}, {where}: {', '.join(bad[:5])} is not finite. Training has stopped, and the model is as it was "
            f"{state}. Try smaller rates, float32 where it is mixed precision, and look for NaN in the data."
        )
        warnings.warn(self.model.not_finite, stacklevel=3)

    def _restore(self):
        for v, value in zip(self._variables(), self._kept):
            v.assign(value)
