"""Several optimizers, one for each player, as the one `Optimizer` object that Keras trains, saves and resumes."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_imgen")
class OptimizerGroup(keras.optimizers.Optimizer):
    """Optimizers by the name of their player, which becomes theirs: `group["generator"]`.

    `optimizers` lists them, as Keras' callbacks expect of several: `LearningRateScheduler` and `ReduceLROnPlateau` set the rate
    of each, and log it as `learning_rate_generator`, ... `learning_rate` reads the first one's; setting it scales all others by
    the same factor.

    Args:
        optimizers: by the names of their players.
        name: of the group.
    """

    def __init__(self, optimizers: dict[str, keras.optimizers.Optimizer], name: str = "optimizer_group"):
        super().__init__(learning_rate=0.0, name=name)
        self.optimizers = list(optimizers.values())
        for player, optimizer in optimizers.items():
            optimizer.name = player
        self._rates = self.rates

    def __getitem__(self, name: str) -> keras.optimizers.Optimizer:
        return next(optimizer for optimizer in self.optimizers if optimizer.name == name)

    @property
    def by_name(self) -> dict[str, keras.optimizers.Optimizer]:
        """The optimizers by the names of their players."""
        return {optimizer.name: optimizer for optimizer in self.optimizers}

    @property
    def variables(self) -> list[Any]:
        """Those of all optimizers."""
        return [v for optimizer in self.optimizers for v in optimizer.variables]

    @property
    def iterations(self) -> Any:
        """The steps of the first optimizer."""
        return self.optimizers[0].iterations

    @property
    def rates(self) -> list[float]:
        """The learning rate of each optimizer."""
        return [float(ops.convert_to_numpy(optimizer.learning_rate)) for optimizer in self.optimizers]

    @property
    def learning_rate(self) -> float:
        """That of the first optimizer; setting it scales all others by the same factor."""
        return self.rates[0]

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        now = self.rates
        if now[0]:  # of a rate of zero the others cannot be told: they stay in the proportion that they had
            self._rates = now
        first = self._rates[0]
        for optimizer, rate in zip(self.optimizers, self._rates):
            optimizer.learning_rate = float(value) * (rate / first if first else 1.0)

    def finalize_variable_values(self, var_list: list[Any]) -> None:
        pass  # no optimizer of a group overwrites weights at the end of fit: the model keeps its own average

    def save_own_variables(self, store: Any) -> None:
        pass  # each optimizer is walked and saved under its own path

    def load_own_variables(self, store: Any) -> None:
        pass

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "optimizers": {k: keras.saving.serialize_keras_object(v) for k, v in self.by_name.items()},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "OptimizerGroup":
        optimizers = {k: keras.saving.deserialize_keras_object(v) for k, v in config["optimizers"].items()}
        return cls(optimizers, name=config["name"])
