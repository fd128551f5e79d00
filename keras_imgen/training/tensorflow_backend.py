"""What TensorFlow does in its own way: gradients by tape, replicas of a strategy, compiled functions."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import tree

from keras_imgen.cores import cores

LOOP = 1 << 18  # elements from which on a pass saves more than the start of another program takes


class Step(keras.Model):
    """train_step, test_step and predict_step of `ImageModel` on TensorFlow."""

    def train_step(self, data: Any) -> Any:
        """The logs of `train_batch`."""
        return self.train_batch(data)

    def test_step(self, data: Any) -> Any:
        """The logs of `test_batch`."""
        return self.test_batch(data)

    def predict_step(self, data: Any) -> Any:
        """The outputs of `predict_batch`."""
        return self.predict_batch(data)


def gradients(model: Any, loss_fn: Callable[..., Any], variables: list[Any]) -> tuple[Any, list[Any]]:
    """(loss, gradients of the scaled loss with respect to the variables).

    Args:
        model: the model that learns.
        loss_fn: gives (loss, loss as scaled by the caller), both scalars.
        variables: trainable variables of the model.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        for v in variables:
            tape.watch(v.value)
        loss, scaled = loss_fn()
    return loss, tape.gradient(scaled, [v.value for v in variables], unconnected_gradients="zero")


def row_gradients(
    model: Any, loss_fn: Callable[..., Any], rows: dict[str, Any], variables: list[Any]
) -> tuple[Any, list[Any]]:
    """(losses (N,), gradients (N, *shape) with respect to each variable) of `loss_fn(rows)` for every row alone.

    Args:
        model: the model that learns.
        loss_fn: scalar of a dict of tensors (1, ...). What it assigns is lost.
        rows: tensors (N, ...) by name.
        variables: trainable variables of the model.
    """
    values = [v.value for v in variables]

    def one(row):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            for value in values:
                tape.watch(value)
            loss = loss_fn({k: v[None] for k, v in row.items()})
        return loss, tape.gradient(loss, values, unconnected_gradients="zero")

    return tf.vectorized_map(one, rows)


def input_gradient(model: Any, fn: Callable[[Any], Any], x: Any) -> Any:
    """Gradient of sum(fn(x)) with respect to x, itself differentiable (R1, gradient penalties).

    Args:
        model: the model whose variables `fn` reads.
        fn: f(x) -> tensor.
        x: tensor (N, ...).
    """
    return value_and_input_gradient(model, lambda x: (fn(x),), x)[1]


def value_and_input_gradient(model: Any, fn: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """(fn(x), the gradient of its first scalar with respect to x).

    Args:
        model: the model whose variables `fn` reads.
        fn: f(x) -> (scalar, whatever else).
        x: tensor (N, ...).
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        found = fn(x)
    return found, tape.gradient(found[0], x)


def apply_gradients(optimizer: Any, grads: list[Any], variables: list[Any]) -> None:
    """One optimizer step. Over several replicas the sum is clipped, not each replica's part.

    Args:
        optimizer: a Keras optimizer, built.
        grads: a gradient for each variable.
        variables: those that are changed.
    """
    replicas = replica_count()
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if replicas > 1 and inner is optimizer and (inner.clipnorm or inner.global_clipnorm or inner.clipvalue):
        grads = tf.distribute.get_replica_context().all_reduce("sum", grads)
        grads = [g / replicas for g in optimizer._clip_gradients(grads)]  # the optimizer sums them again
    optimizer.apply(grads, variables)


def accelerator() -> tuple[str, float] | None:
    """Name and compute capability of the first NVIDIA GPU that is computed on, None without one."""
    for gpu in tf.config.get_visible_devices("GPU"):
        details = tf.config.experimental.get_device_details(gpu)
        if "compute_capability" in details:
            major, minor = details["compute_capability"]
            return details["device_name"], float(f"{major}.{minor}")
    return None


def replica_count() -> int:
    """How many replicas the strategy has."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def sum_over_replicas(x: Any) -> Any:
    """The sum of every replica's tensor, on each of them."""
    return tf.distribute.get_replica_context().all_reduce("sum", x) if replica_count() > 1 else x


def replica_index() -> Any:
    """Which replica this is; 0 outside of one."""
    context = tf.distribute.get_replica_context()
    return context.replica_id_in_sync_group if context else 0


def first_row(count: int) -> Any:
    """Where this replica's `count` rows begin in the batch of all replicas."""
    if replica_count() == 1 or tf.distribute.get_replica_context() is None:
        return 0
    counts = sum_over_replicas(tf.one_hot(replica_index(), replica_count()) * tf.cast(count, "float32"))
    return tf.cast(tf.reduce_sum(tf.where(tf.range(replica_count()) < replica_index(), counts, 0.0)), "int32")


def traced_once(function: Callable[..., Any], large: bool = False) -> Callable[..., Any]:
    """`function` of tensors; graphs that call it share one trace for each of its shapes.

    Args:
        function: of tensors.
        large: it stays one program in the graphs that call it, in place of a copy at each call: they are ready sooner. No two calls may
            run side by side.
    """
    traced = tf.function(function, autograph=False, experimental_attributes={"_noinline": True} if large else None)

    @functools.wraps(function)
    def call(*tensors):
        return (traced if tf.inside_function() else function)(*tensors)

    return call


def one_loop(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, all of it elementwise, in one pass over large tensors of a CPU: without XLA each op would be one.

    Args:
        function: of tensors, the first of them as large as what it gives.
    """

    @functools.wraps(function)
    def call(*tensors):
        large = (tensors[0].shape.num_elements() or 0) >= LOOP  # None where a side is not known
        if large and tf.inside_function() and _on_cpu():
            return tf.function(function, autograph=False, jit_compile=True)(*tensors)
        return function(*tensors)

    return call


def streams(model: Any) -> int:
    """How many batches to make at a time: on a CPU two under XLA, where an op's end leaves cores idle.

    Without XLA one: TensorFlow's oneDNN kernels crash when two threads run the same function (seen with TensorFlow 2.21).
    """
    return 2 if model.jit_compile is True and _cores() > 1 else 1


def in_halves(
    model: Any,
    fn: Callable[[dict[str, Any]], Any],
    rows: dict[str, Any],
    second: Callable[[dict[str, Any]], Any] | None = None,
) -> Any:
    """fn(rows), as two calls on half of the rows each, so that ops of one run beside those of the other.

    On a CPU many an op is too small for all cores: worth 8 % of a U-Net's step in training and in sampling on two, and 20 % where
    `cores.one_thread_per_op`. XLA runs op after op, so there, and on a GPU, it is one call.

    Args:
        model: the model that `fn` belongs to.
        fn: f(rows) -> tensor (N, ...).
        rows: tensors (N, ...) by name.
        second: `fn` again, for the second half, where it is `traced_once(large=True)`: oneDNN's kernels must not run twice at a time.
    """
    first = next(iter(rows.values()))
    if model.jit_compile is True or not tf.inside_function() or _cores() == 1 or first.shape[0] == 1:
        return fn(rows)
    count = first.shape[0] or tf.shape(first)[0]
    half = count // 2
    before = {k: v[: tf.maximum(half, 1) if first.shape[0] is None else half] for k, v in rows.items()}
    made = tf.concat([fn(before), (second or fn)({k: v[half:] for k, v in rows.items()})], 0)
    return made[-count:] if first.shape[0] is None else made  # of a single row both made it


def _cores() -> int:
    """Of the CPU, as far as it computes: with a GPU one."""
    return cores() if _on_cpu() else 1


def _on_cpu():
    return not tf.config.list_logical_devices("GPU")


def jit(model: Any, fn: Callable[..., Any], any_size: bool = False) -> Callable[..., Any]:
    """`fn` as one graph for each set of inner shapes; the first axis is free from the first call on.

    A graph of a known number of rows is optimized differently, so its last bits would differ from those of an exported model.
    Variables are captured.

    Args:
        model: the model whose variables `fn` reads.
        fn: f(*tensors) -> tensor, or a structure of them.
        any_size: all axes but the last are free, unless XLA compiles.

    Returns:
        f(*arrays) -> NumPy arrays in the structure of what `fn` gives.
    """
    functions = {}
    any_size = any_size and model.jit_compile is not True

    def free(shape):
        if any_size and shape.rank > 1:
            return [*[None] * (shape.rank - 1), shape[-1]]
        return [None, *shape[1:]] if shape.rank else []

    def call(*args):
        tensors = [tf.convert_to_tensor(a) for a in args]
        specs = tuple(tf.TensorSpec(free(t.shape), t.dtype) for t in tensors)
        if specs not in functions:
            own = functools.partial(fn)  # TensorFlow warns of retracing where functions of one source are many
            functions[specs] = tf.function(own, specs, autograph=False, jit_compile=model.jit_compile is True)
        return tree.map_structure(lambda t: t.numpy(), functions[specs](*tensors))

    return call
