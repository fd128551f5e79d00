"""ImageModel: the training step that every model of the package shares, on every backend."""

from collections.abc import Callable, Container, Sequence
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_imgen.arguments import integer
from keras_imgen.conditions import Conditions, inputs_of, of_classes
from keras_imgen.layers import MinibatchStd
from keras_imgen.models import batches
from keras_imgen.models.answering import Answering
from keras_imgen.models.average import Averaged
from keras_imgen.models.fitting import Fitting
from keras_imgen.models.saving import Saving
from keras_imgen.text import Text
from keras_imgen.training import backend, random
from keras_imgen.training.optimizers import OptimizerGroup
from keras_imgen.training.rows import strided

LABELS = 1  # the random stream of labels that are drawn for new images


class ImageModel(Averaged, Answering, Fitting, Saving, backend.Step):
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
        class_names: of the labels, for people and for `generate(labels=["rose"])`; () where they have none.

    Raises:
        ValueError: `ema` outside its range.
    """

    logged: tuple[str, ...] = ("loss",)
    second = "label"  # what y is
    takes_microbatches = False  # whether `update` gives `minimize` its rows
    microbatches = 1

    def __init__(
        self,
        ema: float | None = 0.999,
        ema_gamma: float = 6.94,
        seed: int = 0,
        class_names: Sequence[str] = (),
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if ema is not None and not 0.0 < ema <= 1.0:
            raise ValueError(f"Expected `ema` in (0, 1] or None, got {ema!r}.")
        self.ema, self.ema_gamma, self.seed, self.class_names = ema, ema_gamma, seed, tuple(map(str, class_names))
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
        self._untracked = SimpleNamespace(averages=[], finished=False)
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
    def pictures(self) -> tuple[str, ...]:
        """The keys of a batch under which pictures lie, if they are there; the first is x of batches (x, y). Of clips it is `clip`."""
        return ("clip",) if len(self.image_shape) == 4 else ("image", "target")

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
        """One training step.

        Args:
            batch: tensors by key, images in [-1, 1].

        Returns:
            The scalars named in `logged`.
        """
        raise NotImplementedError

    def score(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The scalars of `evaluate` on a batch, computed with averaged weights and the same random numbers every time.

        Args:
            batch: tensors by key, images in [-1, 1].
        """
        raise NotImplementedError

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(height, width, channels) of the images this model learns and makes; of clips (frames, height, width, channels)."""
        raise NotImplementedError

    @property
    def num_classes(self) -> int | None:
        """The number of labels the model knows, None if it has none."""
        return None

    @property
    def conditions(self) -> Conditions:
        """What the model is told besides noise or a picture."""
        return of_classes(self.num_classes, self.class_names)

    def drawn(self, keys: Any, told: dict[str, Any]) -> dict[str, Any]:
        """Conditions of new images: labels that are null are drawn.

        Args:
            keys: (N, 2) of `training.random`.
            told: conditions (N, ...) by name.
        """
        if "label" not in told:
            return told
        labels = random.integers(random.fold(keys, LABELS), self.num_classes)
        return {**told, "label": ops.where(told["label"] < self.num_classes, told["label"], labels)}

    def nulls(self, told: dict[str, Any], but: Container[str] = ()) -> dict[str, Any]:
        """The same conditions, but of a model that is told nothing.

        Args:
            told: conditions (N, ...) by name.
            but: names of those that stay as they are.
        """
        nulls = inputs_of(self.conditions)
        return {k: v if k in but else ops.full_like(v, nulls[k].null) for k, v in told.items()}

    def told(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The conditions in a batch, as tensors by the names of the networks' inputs; a mask that is not there is true everywhere, and
        tokens without weights weigh 1, but for their padding."""
        found = {}
        for condition in self.conditions:
            for name, one in condition.inputs().items():
                if name in batch:
                    found[name] = ops.cast(batch[name], one.dtype)
                elif isinstance(condition, Text) and condition.key in batch:
                    found[name] = ops.cast(ops.not_equal(batch[condition.key], 0), one.dtype)
                elif condition.key in batch:
                    shape = ops.shape(batch[condition.key])[: 1 + len(one.shape)]
                    found[name] = ops.ones(shape, one.dtype)
        return found

    # === Compiling ===

    def compile(self, optimizer: Any = None, **kwargs: Any) -> None:
        """As `keras.Model.compile`, without `loss` (the model has its own). Every optimizer is built at once.

        Args:
            optimizer: of a model with one player: an optimizer or its name; None is the model's default.
            **kwargs: of a model of several players `generator_optimizer`, `discriminator_optimizer`, ... by the names in
                `players`; and `jit_compile`, `run_eagerly`, `steps_per_execution`; of some models `microbatches`, so many parts into which
                a batch is cut, one after the other, for less memory.

        Raises:
            ValueError: an optimizer for nobody, an unknown argument; a class whose `__init__` does not end with `self.finish()`.
        """
        if not self._untracked.finished:
            raise ValueError(
                f"{type(self).__name__} has no averages yet: its __init__ has to end with self.finish(), when its networks are built."
            )
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
        """One optimizer step on a player's trainable variables, then its average.

        The scalar is divided by the replica count and scaled for mixed precision.

        Args:
            loss_fn: returns a scalar mean over this replica's batch, or a tuple of it and more scalars. Without `rows` it is called without
                arguments, and may return anything beside the scalar, as images.
            network: the player.
            rows: tensors (N, ...) by name, with which `loss_fn(rows)` is called, of all or of some rows: with `compile(microbatches=...)`
                the gradients of as many parts are averaged, each by its share of rows.

        Returns:
            What `loss_fn` returned.
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

    # === Steps, called by the backend ===

    def train_batch(self, data: Any) -> dict[str, Any]:
        """A step of `fit` on what Keras hands over; returns the means of the epoch so far, by name."""
        return self._log(self.update(self._read(data)), data)

    def test_batch(self, data: Any) -> dict[str, Any]:
        """A step of `evaluate`, as `train_batch`."""
        with self.averaged():
            scalars = self.score(self._read(data))
        return self._log(scalars, data)

    def _read(self, data):
        return batches.to_model(self.as_dict(data), self.pictures, self.reads)

    def _log(self, scalars, data):
        count = ops.shape(self.as_dict(data)[self.pictures[0]])[0]
        for name, value in scalars.items():
            self._trackers[name].update_state(value, sample_weight=count)
        return {name: self._trackers[name].result() for name in scalars}

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self._trackers.values())


def weighted_mean(function: Callable[..., Any], rows: dict[str, Any], parts: int) -> Any:
    """The mean of a function over parts of the rows, each by how many it has.

    Args:
        function: `function(some rows)` gives a structure of tensors.
        rows: tensors (N, ...) by name.
        parts: how many.
    """
    total, count = None, ops.shape(next(iter(rows.values())))[0]
    for i in range(parts):
        # A last batch may have fewer rows than parts: then some have one that counts nothing.
        share = ops.cast((count - i + parts - 1) // parts, "float32") / ops.cast(count, "float32")
        found = function({k: strided(v, i, parts) for k, v in rows.items()})
        found = keras.tree.map_structure(lambda v: v * ops.cast(ops.maximum(share, 0.0), v.dtype), found)  # noqa: B023
        total = found if total is None else keras.tree.map_structure(ops.add, total, found)
    return total


def rows_are_independent(network: keras.Model) -> bool:
    """Whether an image's output in training does not depend on what else is in the batch, as it does with batch norm."""
    return not any(isinstance(v, (keras.layers.BatchNormalization, MinibatchStd)) for v in network._flatten_layers())
