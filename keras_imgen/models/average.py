"""The exponential moving average of a model's weights: how it is made, moved and used."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
from keras import StatelessScope, ops


class Averaged:
    """What an `ImageModel` has of its average."""

    def finish(self) -> None:
        """Called by a subclass at the end of its `__init__`, when its networks are built: makes the averages."""
        if self.ema is not None:
            for name in self.averaged_players:
                for v in _floats(self.players[name]):  # with the statistics of batch norm, which belong to the weights
                    average = self.add_weight(
                        name=f"ema_{name}",
                        shape=v.shape,
                        dtype=v.dtype,
                        trainable=False,
                        autocast=v._autocast,
                        aggregation="only_first_replica",
                    )
                    average.assign(ops.copy(v))  # JAX donates buffers: the two must not share one
                    self._untracked.averages.append((v, average))
        self.built = self._untracked.finished = True

    def _average(self, network, before, after) -> None:
        if self.ema is None:
            return
        step = ops.cast(after, "float32")
        decay = ops.minimum(self.ema, (1.0 - 1.0 / ops.maximum(step, 1.0)) ** (self.ema_gamma + 1.0))
        keep = ops.where(after > before, decay, 1.0)  # no step was taken: skipped (overflow) or still accumulating
        mine = {id(v) for v in network.variables}
        for v, average in self._averages:
            if id(v) in mine:
                average.assign(average + ops.cast(1.0 - keep, v.dtype) * (v - average))

    @property
    def _averages(self) -> list[tuple[keras.Variable, keras.Variable]]:
        return self._untracked.averages

    @contextmanager
    def averaged(self, use: bool = True) -> Iterator[None]:
        """Inside, the players have their averaged weights. For use in traced functions as well."""
        if not use or not self._averages:
            yield
            return
        values = {id(v): v.value for v in self.variables}
        values.update({id(v): average.value for v, average in self._averages})
        with StatelessScope(state_mapping=[(v, values[id(v)]) for v in self.variables]):
            yield


def _floats(network: keras.Model) -> list[keras.Variable]:
    frozen = {id(v) for v in getattr(network, "frozen_variables", ())}
    return [v for v in network.variables if "float" in v.dtype and id(v) not in frozen]
