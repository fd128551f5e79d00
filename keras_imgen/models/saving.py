"""How a model is written and read again: whole files, and everything that the next step depends on."""

from operator import attrgetter
from typing import Any

from keras import ops
from keras.saving import deserialize_keras_object, serialize_keras_object

from keras_imgen.data.files import whole
from keras_imgen.kinds import Kind, described
from keras_imgen.losses.adversarial import AdversarialLoss, config_of


class Saving:
    """How an `ImageModel` is saved."""

    def save(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """As `keras.Model.save`; the file is written beside an old one and then takes its place, so it is always whole."""
        if not overwrite:
            return super().save(filepath, overwrite=False, **kwargs)
        with whole(filepath) as beside:
            super().save(beside, **kwargs)

    def _seed_states(self):
        found = {}
        for layer in self._flatten_layers():
            for generator in getattr(layer, "_seed_generators", ()):
                found[id(generator)] = generator.state
        return list(found.values())

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        for i, state in enumerate(self._seed_states()):
            store[f"seed_{i}"] = state.numpy()

    def load_own_variables(self, store: Any) -> None:
        own = {k: store[k] for k in store.keys() if not k.startswith("seed_")}
        super().load_own_variables(own)
        for i, state in enumerate(self._seed_states()):
            state.assign(store[f"seed_{i}"])

    settings: tuple[str | tuple[str, str], ...] = ("ema", "ema_gamma", "seed", "class_names")
    # The arguments of `__init__` that a file keeps: each the name of an attribute, too, or (name, attribute).

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this model again, named in `settings`."""
        pairs = [(one, one) if isinstance(one, str) else one for one in self.settings]
        return {"name": self.name, **{name: _saved(attrgetter(attribute)(self)) for name, attribute in pairs}}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The model that `get_config` describes."""
        return cls(**{k: _loaded(v) for k, v in config.items()})

    def for_inference(self) -> Any:
        """A copy with averaged weights, without average and optimizers: a quarter of the size, the same images."""
        copy = type(self).from_config({**self.get_config(), "ema": None})
        averages = {id(v): average for v, average in self._averages}
        for name, network in self.players.items():
            for mine, its in zip(network.variables, copy.players[name].variables, strict=True):
                its.assign(apart(averages.get(id(mine), mine)))
        for name, part in self.parts.items():
            for mine, its in zip(part.variables, copy.parts[name].variables, strict=True):
                its.assign(apart(mine))
        own = {v.name: v for v in self._non_trainable_variables}
        for its in copy._non_trainable_variables:
            its.assign(apart(own[its.name]))
        return copy


def apart(variable: Any) -> Any:
    """A variable's value in memory of its own: under JAX an assignment shares it, and a training step of one of the two frees it."""
    return ops.copy(ops.convert_to_tensor(variable))


def _saved(value):
    if isinstance(value, AdversarialLoss):
        return config_of(value)
    several = isinstance(value, list | tuple)
    if several and value and all(isinstance(one, Kind) for one in value):
        return described(value)
    return [_saved(one) for one in value] if several else serialize_keras_object(value)


def _loaded(value):
    """What a config describes; what is no description, as an object that a subclass has loaded itself, as it is."""
    if isinstance(value, dict):
        return deserialize_keras_object(value) if "class_name" in value else {k: _loaded(v) for k, v in value.items()}
    return [_loaded(one) for one in value] if isinstance(value, list) else value
