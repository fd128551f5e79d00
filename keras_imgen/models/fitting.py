"""fit, evaluate and their like: what is wrong with the data is said before the first step."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_imgen.arguments import integer
from keras_imgen.data import prepared
from keras_imgen.data.batches import Batches
from keras_imgen.data.epoch import set_epoch
from keras_imgen.data.host import raised_as_is
from keras_imgen.layers.pictures import rescale
from keras_imgen.models import batches
from keras_imgen.training.stop_on_nan import StopOnNaN


class Fitting:
    """How an `ImageModel` is given its data."""

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """As `keras.Model.fit`. Arrays and dicts of arrays are shuffled by (seed, epoch), so a resumed run sees the same order. A loss
        that is not finite stops it with a warning and the last good state, see `callbacks.StopOnNaN`.

        Raises:
            ValueError: a batch that does not fit the model: channels, size, range, labels, NaN; the first one before the first step.
                `sample_weight`, `class_weight`: the losses are means over a batch.
        """
        batches.refuse_weights(sample_weight=sample_weight, class_weight=class_weight)
        sizes = {"batch_size": batch_size, "validation_batch_size": kwargs.pop("validation_batch_size", None)}
        batch_size, of_validation = (None if n is None else integer(k, n, 1) for k, n in sizes.items())
        self._ready()
        x = self._checked(x, y)
        if prepared.is_array(x):
            x, rest = prepared.split(x, validation_split)
            validation_data = rest if validation_data is None else validation_data
            batch_size = 32 if batch_size is None else batch_size
            of_validation = of_validation or batch_size
            if shuffle:
                x, batch_size = prepared.shuffled(x, batch_size, self.seed), None
        elif validation_split:
            raise ValueError("`validation_split` splits arrays: give other data sets as `validation_data`.")
        if isinstance(x, Batches):
            steps = kwargs.get("steps_per_epoch")
            # Keras would go on in the middle of an order in the next epoch, and a resumed run not.
            if steps and steps < len(x):
                x, kwargs["steps_per_epoch"] = x.take(steps), None
        if not isinstance(x, keras.utils.PyDataset) or isinstance(x, Batches):
            shuffle = False  # it has an order of its own, or none; for a tf.data.Dataset or generator Keras would warn
        if validation_data is not None:
            vx, vy, weights = keras.utils.unpack_x_y_sample_weight(validation_data)
            batches.refuse_weights(sample_weight=weights)
            validation_data = self._checked(vx, vy)
            if prepared.is_array(validation_data):
                kwargs["validation_batch_size"] = of_validation or batch_size
        own = [keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: set_epoch(epoch))]
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks.append(own[0])
        else:
            given = keras.tree.flatten(callbacks or [])
            if any(isinstance(c, keras.callbacks.SwapEMAWeights) for c in given):
                raise ValueError(
                    "The model keeps its own average, `ema`, with which it is evaluated and used: leave SwapEMAWeights out."
                )
            if not any(isinstance(c, StopOnNaN) for c in given):
                own.append(StopOnNaN())
            callbacks = [*own, *given]
        how = {"epochs": epochs, "verbose": verbose, "callbacks": callbacks, "validation_data": validation_data}
        with raised_as_is():
            history = super().fit(x, batch_size=batch_size, shuffle=shuffle, **how, **kwargs)
        set_epoch(max(epochs, 1) - 1)  # also where a backup left nothing to do: what comes next reads the same order
        return history

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> Any:
        """As `keras.Model.evaluate`, on averaged weights."""
        batches.refuse_weights(sample_weight=sample_weight)
        batch_size = None if batch_size is None else integer("batch_size", batch_size, 1)
        if not kwargs.get("_use_cached_eval_dataset"):  # which `fit` has given, after the first time
            x, y = self._checked(x, y), None
        with raised_as_is():
            return super().evaluate(x, y, batch_size=batch_size, verbose=verbose, **kwargs)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """As `keras.Model.train_on_batch`."""
        batches.refuse_weights(sample_weight=sample_weight, class_weight=class_weight)
        self._ready()
        return super().train_on_batch(self._checked(x, y), return_dict=return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """As `keras.Model.test_on_batch`, on averaged weights."""
        batches.refuse_weights(sample_weight=sample_weight)
        return super().test_on_batch(self._checked(x, y), return_dict=return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """As `keras.Model.predict`, on averaged weights; see `predict_batch`."""
        batch_size = None if batch_size is None else integer("batch_size", batch_size, 1)
        return super().predict(x, batch_size, verbose, steps, callbacks)

    def predict_batch(self, data: Any) -> Any:
        """What the model, called, says to what Keras' `predict` is given, with averaged weights; whole numbers are images in [0, 255]."""
        x = data[0] if isinstance(data, (tuple, list)) else data
        if isinstance(x, dict):
            x = {**x, **{k: rescale(x[k]) for k in self.pictures if k in x}}
        else:
            x = rescale(x)
        with self.averaged():
            return self(x, training=False)

    def _prepare(self):
        """Load what training and evaluation need and use does not, as trunks; called before a step is compiled."""

    def make_train_function(self, force: bool = False) -> Any:
        """As `keras.Model.make_train_function`, which Keras calls before it trains."""
        self._prepare()
        return super().make_train_function(force)

    def make_test_function(self, force: bool = False) -> Any:
        """As `keras.Model.make_test_function`, which Keras calls before it evaluates."""
        self._prepare()
        return super().make_test_function(force)

    def _ready(self):
        """Refuse what is not compiled, or was when other weights were trainable; say which player stands still."""
        if not self.compiled:
            raise ValueError(f"This {type(self).__name__} is not compiled. Call compile(optimizer=...) before fit().")
        for name, network in self.players.items():
            optimizer = self._optimizer_of(network)
            known = getattr(optimizer, "inner_optimizer", optimizer)._trainable_variables
            now = network.trainable_variables
            if not now:
                warnings.warn(f"The {name} is frozen (trainable=False): it does not learn.", stacklevel=3)
            elif {id(v) for v in now} != {id(v) for v in known}:
                raise ValueError(f"What is trainable in the {name} has changed since compile(): call compile() again.")

    def _checked(self, x, y=None):
        return prepared.prepared(x, y, self)

    def plain(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """A batch as it was given in the form that the model reads, and no more of it.

        Raises:
            ValueError: a batch that it cannot learn from.
        """
        batch = batches.with_texts(batch, self.conditions)
        batch = batches.plain(batch, self.num_classes, self.pictures)
        self._check(batch)
        return {k: v for k, v in batch.items() if self.reads is None or k in self.reads}

    def _check(self, batch: dict[str, np.ndarray]) -> None:
        """Raises ValueError if the model cannot learn from this batch."""
        batches.check(batch, self.image_shape, self.num_classes, key=self.pictures[0])
        batches.check_conditions(batch, self.conditions)

    def as_dict(self, data: Any) -> dict[str, Any]:
        """A batch as Keras hands it over, by key."""
        return batches.as_dict(data, self.second, self.pictures[0])
