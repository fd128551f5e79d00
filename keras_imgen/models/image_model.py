"""ImageModel: the training step that every model of the package shares, on every backend."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from keras import StatelessScope, ops

from keras_imgen.arguments import integer
from keras_imgen.conditions import Conditions, arguments, in_turn, inputs_of, of_classes
from keras_imgen.data import prepared
from keras_imgen.data.epoch import set_epoch
from keras_imgen.data.files import whole
from keras_imgen.data.host import raised_as_is
from keras_imgen.inference.endpoints import Endpoints, bound
from keras_imgen.inference.requests import answers
from keras_imgen.layers import MinibatchStd
from keras_imgen.layers.pictures import rescale
from keras_imgen.models import batches
from keras_imgen.training import backend, random
from keras_imgen.training.optimizers import OptimizerGroup
from keras_imgen.training.rows import strided
from keras_imgen.training.stop_on_nan import StopOnNaN


class ImageModel(backend.Step):
    """Base of the models that users compile and fit.

    A subclass names its networks in `players`, the scalars it logs in `logged`, and writes `update(batch)` once in `keras.ops`:
    it calls `minimize` for each player and returns its scalars. Saving, resuming, averaging of the weights, loss scaling,
    replicas, gradient accumulation and random numbers are done here.

    Args:
        ema: decay of the exponential moving average of the trained weights, in (0, 1]; None keeps no average.
        ema_gamma: the average's warm-up: at step t the decay is at most (1 - 1/t)^(ema_gamma + 1), the power-function
            average of Karras et al. 2024, "Analyzing and Improving the Training Dynamics of Diffusion Models" (EDM2), eq. 127;
            with `ema=1.0` it is that profile for ever. 6.94 is a relative width of 0.10.
        seed: of the random numbers drawn in training. They are saved with the model.
    """

    logged: tuple[str, ...] = ("loss",)
    pictures: tuple[str, ...] = (
        "image",
        "target",
    )  # what of a batch is pictures, if it is there; the first is x of batches (x, y)
    second = "label"  # what y is
    takes_microbatches = False  # whether `update` gives `minimize` its rows
    microbatches = 1

    def __init__(self, ema: float | None = 0.999, ema_gamma: float = 6.94, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        if ema is not None and not 0.0 < ema <= 1.0:
            raise ValueError(f"Expected `ema` in (0, 1] or None, got {ema!r}.")
        self.ema, self.ema_gamma, self.seed = ema, ema_gamma, seed
        self._trackers = {name: keras.metrics.Mean(name=name) for name in self.logged}
        self._random_state = self.add_weight(
            name="random_state",
            shape=(2,),
            dtype="uint32",
            trainable=False,
            initializer=lambda shape, dtype: ops.convert_to_tensor(np.array([seed, 0], "uint32")),
            aggregation="only_first_replica",
        )
        # In a namespace, which Keras does not look into: it would take the players' weights for the model's own and save them twice.
        self._untracked = SimpleNamespace(averages=[])
        self._compiled_functions: dict = {}

    # === What a subclass gives ===

    @property
    def players(self) -> dict[str, keras.Model]:
        """The networks that are trained, by the name under which `compile` takes their optimizers."""
        raise NotImplementedError

    @property
    def parts(self) -> dict[str, keras.layers.Layer]:
        """What else has weights and is kept with the model, but is not trained by it."""
        return {}

    @property
    def reads(self) -> tuple[str, ...] | None:
        """The keys of a batch that `update` and `score` read, None for all but text. The others never reach a device."""
        return None

    @property
    def averaged_players(self) -> tuple[str, ...]:
        """Names of the players whose weights are averaged: those that make images."""
        return tuple(self.players)

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """What `compile` takes where it is given no optimizer."""
        return {name: keras.optimizers.Adam() for name in self.players}

    def update(self, batch: dict[str, Any]) -> dict[str, Any]:
        """One training step on a batch with images in [-1, 1]; returns the scalars named in `logged`."""
        raise NotImplementedError

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The scalars of `evaluate` on a batch, computed with averaged weights and the same random numbers every time."""
        raise NotImplementedError

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
        self.built = True

    # === Compiling ===

    def compile(self, optimizer: Any = None, **kwargs) -> None:
        """As `keras.Model.compile`, without `loss` (the model has its own). Every optimizer is built at once.

        Args:
            optimizer: of a model with one player: an optimizer or its name; None is the model's default.
            kwargs: of a model of several players `generator_optimizer`, `discriminator_optimizer`, ... by the names in
                `players`; and `jit_compile`, `run_eagerly`, `steps_per_execution`; of some models `microbatches`, so many parts into which
                a batch is cut, one after the other, for less memory.

        Raises:
            ValueError: an optimizer for nobody, an unknown argument.
        """
        names = list(self.players)
        given = {n: kwargs.pop(f"{n}_optimizer") for n in names if f"{n}_optimizer" in kwargs}
        given = {n: o for n, o in given.items() if o is not None}
        taken = ["optimizer"] if len(names) == 1 else [f"{n}_optimizer" for n in names]
        taken += ["jit_compile", "run_eagerly", "steps_per_execution", *["microbatches"] * self.takes_microbatches]
        unknown = sorted(set(kwargs) - {*taken, "auto_scale_loss"})
        if unknown:
            raise ValueError(
                f"{type(self).__name__}.compile() takes {', '.join(taken)}; got {unknown}. Its losses are part of the model."
            )
        if isinstance(optimizer, OptimizerGroup):
            optimizer = optimizer.by_name
        if isinstance(optimizer, dict):
            given, optimizer = {**optimizer, **given}, None
        elif optimizer is not None and len(names) == 1:
            given, optimizer = {names[0]: optimizer}, None
        if optimizer is not None or set(given) - set(names):
            raise ValueError(f"Expected one optimizer for each of {names}, got {optimizer or given!r}.")
        given = {**self.default_optimizers(), **given}
        prepared = {name: self._prepared(given[name], name) for name in names}
        prepared = prepared[names[0]] if len(names) == 1 else OptimizerGroup(prepared)
        self.microbatches = integer("microbatches", kwargs.get("microbatches", 1), 1)
        own = {k: v for k, v in kwargs.items() if k != "microbatches"}
        super().compile(optimizer=prepared, **{**own, "auto_scale_loss": False})
        self._compile_arguments = {k: v for k, v in kwargs.items() if k != "auto_scale_loss"}
        self._compiled_functions.clear()

    def _prepared(self, optimizer, name: str) -> keras.optimizers.Optimizer:
        optimizer = keras.optimizers.get(optimizer)
        network = self.players[name]
        half = any(layer.dtype_policy.name == "mixed_float16" for layer in network._flatten_layers())
        if half and not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        if inner.use_ema:
            raise ValueError("The optimizer has use_ema=True, which overwrites weights: use the model's `ema` instead.")
        if inner.gradient_accumulation_steps and backend.replica_count() > 1:
            raise ValueError(
                "gradient_accumulation_steps does not work under a tf.distribute strategy: use a larger batch."
            )
        if not optimizer.built:
            optimizer.build(network.trainable_variables)
        return optimizer

    def get_compile_config(self) -> dict | None:
        if not self.compiled:
            return None
        return {"optimizer": keras.saving.serialize_keras_object(self.optimizer), **self._compile_arguments}

    def compile_from_config(self, config: dict) -> None:
        self.compile(**{**config, "optimizer": keras.saving.deserialize_keras_object(config["optimizer"])})

    def _optimizer_of(self, network: keras.Model) -> keras.optimizers.Optimizer:
        if not isinstance(self.optimizer, OptimizerGroup):
            return self.optimizer
        return self.optimizer[next(name for name, player in self.players.items() if player is network)]

    # === The primitives of `update` ===

    def minimize(self, loss_fn: Callable[..., Any], network: keras.Model, rows: dict[str, Any] | None = None) -> Any:
        """One optimizer step on a player's trainable variables, then its average; returns what `loss_fn` returned.

        Args:
            loss_fn: returns a scalar mean over this replica's batch, or a tuple of it and more scalars. Without `rows` it is called without
                arguments, and may return anything beside the scalar, as images.
            network: the player.
            rows: tensors (N, ...) by name, with which `loss_fn(rows)` is called, of all or of some rows: with `compile(microbatches=...)`
                the gradients of as many parts are averaged, each by its share of rows.

        The scalar is divided by the replica count and scaled for mixed precision.
        """
        optimizer = self._optimizer_of(network)
        variables = network.trainable_variables
        replicas = backend.replica_count()

        def gradients(*part):
            def scaled():
                result = loss_fn(*part)
                loss = result[0] if isinstance(result, tuple) else result
                return result, optimizer.scale_loss(loss / replicas if replicas > 1 else loss)

            return backend.gradients(self, scaled, variables)

        before = ops.cast(ops.convert_to_tensor(optimizer.iterations), "int32")
        if rows is None:
            result, grads = gradients()
        elif self.microbatches == 1:
            result, grads = gradients(rows)
        else:
            result, grads = weighted_mean(gradients, rows, self.microbatches)
        backend.apply_gradients(optimizer, grads, variables)
        self._average(network, before, ops.cast(ops.convert_to_tensor(optimizer.iterations), "int32"))
        return result

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

    def input_gradient(self, fn: Callable[[Any], Any], x: Any) -> Any:
        """Gradient of sum(fn(x)) with respect to x; can be part of a loss."""
        return backend.input_gradient(self, fn, x)

    def next_keys(self, count: Any) -> Any:
        """Fresh keys (count, 2) for `training.random`, from the model's saved random state. A row of a batch has the same key on however
        many replicas."""
        key = ops.copy(self._random_state.value)  # before it moves on: TensorFlow reads variables late
        self._random_state.assign(key + ops.convert_to_tensor(np.array([0, 1], "uint32")))
        key = random.fold(random.fold(key, 0), 0)  # twice, as earlier versions, whose runs go on
        rows = backend.first_row(count) + ops.arange(count, dtype="int32")
        return random.fold(ops.broadcast_to(key[None], (count, 2)), rows)

    def score_keys(self, batch: dict[str, Any]) -> Any:
        """Keys (N, 2) for `score`: the same for every batch and every time."""
        count = ops.shape(batch[self.pictures[0]])[0]
        rows = backend.first_row(count) + ops.arange(count, dtype="int32")
        return random.fold(random.key(rows), self.seed)

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

    # === Steps, called by the backend ===

    def train_batch(self, data):
        return self._log(self.update(self._read(data)), data)

    def test_batch(self, data):
        with self.averaged():
            scalars = self.score(self._read(data))
        return self._log(scalars, data)

    def as_dict(self, data: Any) -> dict[str, Any]:
        """A batch as Keras hands it over, by key."""
        return batches.as_dict(data, self.second, self.pictures[0])

    def _read(self, data):
        return batches.to_model(self.as_dict(data), self.pictures, self.reads)

    def _log(self, scalars, data):
        count = ops.shape(self.as_dict(data)[self.pictures[0]])[0]
        for name, value in scalars.items():
            self._trackers[name].update_state(value, sample_weight=count)
        return {name: self._trackers[name].result() for name in scalars}

    @property
    def metrics(self):
        return list(self._trackers.values())

    # === fit and evaluate: what is wrong with the data is said before the first step ===

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        **kwargs,
    ):
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
                x, batch_size, shuffle = prepared.shuffled(x, batch_size, self.seed), None, False
        elif validation_split:
            raise ValueError("`validation_split` splits arrays: give other data sets as `validation_data`.")
        elif not isinstance(x, keras.utils.PyDataset):
            shuffle = False  # a tf.data.Dataset or generator has its own order, and Keras would warn
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

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, **kwargs):
        """As `keras.Model.evaluate`, on averaged weights."""
        batches.refuse_weights(sample_weight=sample_weight)
        batch_size = None if batch_size is None else integer("batch_size", batch_size, 1)
        if not kwargs.get("_use_cached_eval_dataset"):  # which `fit` has given, after the first time
            x, y = self._checked(x, y), None
        with raised_as_is():
            return super().evaluate(x, y, batch_size=batch_size, verbose=verbose, **kwargs)

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """As `keras.Model.train_on_batch`."""
        batches.refuse_weights(sample_weight=sample_weight, class_weight=class_weight)
        self._ready()
        return super().train_on_batch(self._checked(x, y), return_dict=return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """As `keras.Model.test_on_batch`, on averaged weights."""
        batches.refuse_weights(sample_weight=sample_weight)
        return super().test_on_batch(self._checked(x, y), return_dict=return_dict)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """As `keras.Model.predict`, on averaged weights; see `predict_batch`."""
        batch_size = None if batch_size is None else integer("batch_size", batch_size, 1)
        return super().predict(x, batch_size, verbose, steps, callbacks)

    def predict_batch(self, data):
        """What the model, called, says to what Keras' `predict` is given, with averaged weights; whole numbers are images in [0, 255]."""
        x = data[0] if isinstance(data, (tuple, list)) else data
        if isinstance(x, dict):
            x = {**x, **{k: rescale(x[k]) for k in self.pictures if k in x}}
        else:
            x = rescale(x)
        with self.averaged():
            return self(x, training=False)

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
        batch = batches.plain(batch, self.num_classes, self.pictures)
        self._check(batch)
        return {k: v for k, v in batch.items() if self.reads is None or k in self.reads}

    def _check(self, batch: dict[str, np.ndarray]) -> None:
        """Raises ValueError if the model cannot learn from this batch."""
        batches.check(batch, self.image_shape, self.num_classes, key=self.pictures[0])
        batches.check_conditions(batch, self.conditions)

    # === Saving ===

    def save(self, filepath, overwrite=True, **kwargs):
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

    def save_own_variables(self, store):
        super().save_own_variables(store)
        for i, state in enumerate(self._seed_states()):
            store[f"seed_{i}"] = state.numpy()

    def load_own_variables(self, store):
        own = {k: store[k] for k in store.keys() if not k.startswith("seed_")}
        super().load_own_variables(own)
        for i, state in enumerate(self._seed_states()):
            state.assign(store[f"seed_{i}"])

    def get_config(self) -> dict:
        return {"name": self.name, "ema": self.ema, "ema_gamma": self.ema_gamma, "seed": self.seed}

    def for_inference(self) -> "ImageModel":
        """A copy with averaged weights, without average and optimizers: a quarter of the size, the same images."""
        copy = type(self).from_config({**self.get_config(), "ema": None})
        averages = {id(v): average for v, average in self._averages}
        for name, network in self.players.items():
            for mine, its in zip(network.variables, copy.players[name].variables, strict=True):
                its.assign(averages.get(id(mine), mine))
        for name, part in self.parts.items():
            for mine, its in zip(part.variables, copy.parts[name].variables, strict=True):
                its.assign(mine)
        own = {v.name: v for v in self._non_trainable_variables}
        for its in copy._non_trainable_variables:
            its.assign(own[its.name])
        return copy

    def forget_functions(self) -> None:
        """Compile all functions anew at their next use: for when a network's policies or other settings were changed."""
        self._compiled_functions.clear()
        self.train_function = self.test_function = self.predict_function = None

    # === Using ===

    def in_batches(
        self,
        name: Any,
        function: Callable[..., Any],
        arrays: list[np.ndarray],
        batch_size: int = 64,
        constants: tuple = (),
        ema: bool = True,
        fill: bool = True,
        any_size: bool = False,
    ) -> np.ndarray:
        """`function(*rows of the arrays, *constants)` with averaged weights, some rows at a time.

        The function is compiled once for each `name`. With `fill` a last batch has as many rows as the others, so that a row's last
        bits do not depend on how many there are. With `any_size` images of other sizes need no other graph, where the backend can.
        """
        run = self.compiled_function(name, function, ema, any_size)
        return answers(lambda *rows: run(*rows, *constants), arrays, batch_size, fill)

    def compiled_function(
        self, name: Any, function: Callable[..., Any], ema: bool = True, any_size: bool = False
    ) -> Callable:
        """`function` of tensors, with averaged weights, compiled: the first for each `name` is kept, and used for all that come after."""
        key = (name, ema, self.jit_compile)
        if key not in self._compiled_functions:

            def averaged(*args):
                with self.averaged(ema):
                    return function(*args)

            self._compiled_functions[key] = backend.jit(self, averaged, any_size)
        return self._compiled_functions[key]

    def told_in_batches(
        self,
        name: Any,
        function: Callable[..., Any],
        arrays: list[np.ndarray],
        told: dict[str, np.ndarray],
        batch_size: int = 64,
        constants: tuple = (),
        ema: bool = True,
        fill: bool = True,
    ) -> np.ndarray:
        """`function(*rows of the arrays, their conditions by name, *constants)`; otherwise as `in_batches`."""
        count, names = len(arrays), tuple(told)  # what is compiled is kept, and must not keep the conditions

        def inner(*given):
            rest = given[count:]
            return function(*given[:count], dict(zip(names, rest)), *rest[len(names) :])

        return self.in_batches(name, inner, [*arrays, *told.values()], batch_size, constants, ema, fill)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the images this model learns and makes."""
        raise NotImplementedError

    @property
    def num_classes(self) -> int | None:
        """The number of labels the model knows, None if it has none."""
        return None

    @property
    def conditions(self) -> Conditions:
        """What the model is told besides noise or a picture."""
        return of_classes(self.num_classes)

    def drawn(self, keys: Any, told: dict[str, Any]) -> dict[str, Any]:
        """Conditions of new images: labels that are null are drawn by the keys (N, 2)."""
        if "label" not in told:
            return told
        labels = random.integers(random.fold(keys, 1), self.num_classes)
        return {**told, "label": ops.where(told["label"] < self.num_classes, told["label"], labels)}

    def told(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The conditions in a batch, as tensors by the names of the networks' inputs; a mask that is not there is true everywhere."""
        found = {}
        for condition in self.conditions:
            for name, one in condition.inputs().items():
                if name in batch:
                    found[name] = ops.cast(batch[name], one.dtype)
                elif condition.key in batch:
                    shape = ops.shape(batch[condition.key])[: 1 + len(one.shape)]
                    found[name] = ops.ones(shape, one.dtype)
        return found

    # === What it answers, and how it is shown ===

    def endpoints(self) -> Endpoints:
        """What the finished model answers, by the name of the method that does: from this follow its export and the client of that, the
        command, and what a run shows and says at its end. The first is what it is for."""
        return {}

    def answer(self, name: str, given: Mapping[str, Any], ema: bool = True) -> np.ndarray:
        """The answer of an endpoint.

        Args:
            name: of the endpoint.
            given: all of its `parameters()`, by name.
            ema: use averaged weights.

        Raises:
            ValueError: what its inputs or conditions refuse.
        """
        endpoint = self.endpoints()[name]

        def run(tensors):
            names = tuple(tensors)
            function = lambda *values: endpoint.call(dict(zip(names, values)))  # noqa: E731
            return self.compiled_function((name, names), function, ema)(*tensors.values())

        return endpoint.answer(run, given)

    def generate(self, *args: Any, ema: bool = True, **kwargs: Any) -> np.ndarray:
        """Images, uint8 (n, height, width, channels). Image k has the seed `seed + k` and can be made again alone. The arguments are those
        of the endpoint `generate`."""
        endpoint = self.endpoints().get("generate")
        if endpoint is None:
            does = next(iter(self.endpoints()), None)
            instead = f"makes images from images: use {does}(images)" if does else "declares no endpoint `generate`"
            raise TypeError(f"{type(self).__name__} {instead}.")
        return self.answer("generate", bound(endpoint, args, kwargs), ema)

    def show(
        self, batch: Mapping[str, Any] | None = None, n: int = 16, seed: int = 0, **how: Any
    ) -> dict[str, np.ndarray]:
        """Pictures to look at, by what they are, as many of each: in sample grids and reports they stand side by side.

        Args:
            batch: what the pictures are made from, as a batch of `fit`: of a model that makes new ones the conditions, which are told in
                turn; those that are not there get examples.
            n: how many new ones.
            seed: picture k has the seed `seed + k`.
            how: passed on to the method that answers.
        """
        told = in_turn(self.conditions, n, {k: v for k, v in (batch or {}).items() if k in inputs_of(self.conditions)})
        return {"sample": self.generate(n, seed=seed, **arguments(told), **how)}

    def export(self, path: str, **how: Any) -> None:
        """Write a SavedModel with this model's endpoints; see `serving.export.export`."""
        from keras_imgen.serving.export import export

        export(self, path, **how)


def weighted_mean(function: Callable[..., Any], rows: dict[str, Any], parts: int) -> Any:
    """The mean of `function(some rows)`, a structure of tensors, over parts of the rows, each by how many it has."""
    total, count = None, ops.shape(next(iter(rows.values())))[0]
    for i in range(parts):
        # A last batch may have fewer rows than parts: then some have one that counts nothing.
        share = ops.cast((count - i + parts - 1) // parts, "float32") / ops.cast(count, "float32")
        found = function({k: strided(v, i, parts) for k, v in rows.items()})
        found = keras.tree.map_structure(lambda v: v * ops.cast(ops.maximum(share, 0.0), v.dtype), found)  # noqa: B023
        total = found if total is None else keras.tree.map_structure(ops.add, total, found)
    return total


def _floats(network: keras.Model) -> list[keras.Variable]:
    return [v for v in network.variables if "float" in v.dtype]


def rows_are_independent(network: keras.Model) -> bool:
    """Whether an image's output in training does not depend on what else is in the batch, as it does with batch norm."""
    return not any(isinstance(v, (keras.layers.BatchNormalization, MinibatchStd)) for v in network._flatten_layers())
