"""Several optimizers, one for each player, as the one `Optimizer` object that Keras trains, saves and resumes."""

import keras


@keras.saving.register_keras_serializable("keras_imgen")
class OptimizerGroup(keras.optimizers.Optimizer):
    """Optimizers by name. Its variables are theirs; the learning rate is the first one's, and setting it scales the others alike."""

    def __init__(self, optimizers: dict[str, keras.optimizers.Optimizer], name: str = "optimizer_group"):
        super().__init__(learning_rate=0.0, name=name)
        self.optimizers = dict(optimizers)

    def __getitem__(self, name: str) -> keras.optimizers.Optimizer:
        return self.optimizers[name]

    @property
    def variables(self):
        return [v for optimizer in self.optimizers.values() for v in optimizer.variables]

    @property
    def iterations(self):
        return next(iter(self.optimizers.values())).iterations

    @property
    def learning_rate(self):
        return next(iter(self.optimizers.values())).learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        ratio = float(value) / float(self.learning_rate)
        for optimizer in self.optimizers.values():
            optimizer.learning_rate = float(optimizer.learning_rate) * ratio

    def finalize_variable_values(self, var_list):
        pass  # no optimizer of a group overwrites weights at the end of fit: the model keeps its own average

    def save_own_variables(self, store):
        pass  # each optimizer is walked and saved under its own path

    def load_own_variables(self, store):
        pass

    def get_config(self):
        return {
            "name": self.name,
            "optimizers": {k: keras.saving.serialize_keras_object(v) for k, v in self.optimizers.items()},
        }

    @classmethod
    def from_config(cls, config):
        optimizers = {k: keras.saving.deserialize_keras_object(v) for k, v in config["optimizers"].items()}
        return cls(optimizers, name=config["name"])
