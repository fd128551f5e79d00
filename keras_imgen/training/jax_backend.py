"""What JAX does in its own way: everything that changes passes through a `StatelessScope`."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from keras import StatelessScope, tree

from keras_imgen.cores import cores
from keras_imgen.training.jax_steps import SeveralSteps


def _now(v):
    return v.value


class Step(SeveralSteps):
    """train_step, test_step and predict_step of `ImageModel` on JAX: the state goes in and comes out as lists of arrays."""

    def train_step(self, state: Any, data: Any) -> Any:
        """`train_batch` of a batch: (logs, the state after it), the state as lists of arrays."""
        return self._stateless(
            self.train_batch,
            (self.trainable_variables, self.non_trainable_variables, self.optimizer.variables, self.metrics_variables),
            state,
            data,
        )

    def test_step(self, state: Any, data: Any) -> Any:
        """`test_batch` of a batch: (logs, the state after it), the state as lists of arrays."""
        return self._stateless(
            self.test_batch,
            (self.trainable_variables, self.non_trainable_variables, self.metrics_variables),
            state,
            data,
        )

    def predict_step(self, state: Any, data: Any) -> Any:
        """`predict_batch` of a batch: (outputs, the variables that are not trained after it)."""
        groups = (self.trainable_variables, self.non_trainable_variables)
        outputs, (_, non_trainable) = self._stateless(self.predict_batch, groups, state, data)
        return outputs, non_trainable

    def _stateless(self, fn, groups, state, data):
        mapping = [pair for group, values in zip(groups, state) for pair in zip(group, values)]
        with StatelessScope(state_mapping=mapping) as scope:
            logs = fn(data)
        return logs, tuple([scope.get_current_value(v) for v in group] for group in groups)


def _all_variables(model):
    optimizer = getattr(model, "optimizer", None)
    return [*model.variables, *(optimizer.variables if optimizer is not None else ())]


def gradients(model: Any, loss_fn: Callable[..., Any], variables: list[Any]) -> tuple[Any, list[Any]]:
    """(loss, gradients of the scaled loss with respect to the variables); what `loss_fn` assigns (batch statistics) is kept.

    Args:
        model: the model that learns.
        loss_fn: gives (loss, loss as scaled by the caller), both scalars.
        variables: trainable variables of the model.
    """
    chosen = {id(v) for v in variables}
    rest = [v for v in _all_variables(model) if id(v) not in chosen]
    mapping = [(v, _now(v)) for v in rest]  # a nested scope inherits nothing: map all

    def f(values):
        with StatelessScope(state_mapping=[*mapping, *zip(variables, values)]) as scope:
            loss, scaled = loss_fn()
        return scaled, (loss, [scope.get_current_value(v) for v in rest])

    (_, (loss, updates)), grads = jax.value_and_grad(f, has_aux=True)([_now(v) for v in variables])
    for (v, old), new in zip(mapping, updates):
        if new is not old:
            v.assign(new)
    return loss, grads


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
    chosen = {id(v) for v in variables}
    rest = [(v, _now(v)) for v in _all_variables(model) if id(v) not in chosen]

    def one(values, row):
        with StatelessScope(state_mapping=[*rest, *zip(variables, values)]):
            return loss_fn({k: v[None] for k, v in row.items()})

    return jax.vmap(jax.value_and_grad(one), in_axes=(None, 0))([_now(v) for v in variables], rows)


def input_gradient(model: Any, fn: Callable[[Any], Any], x: Any) -> Any:
    """Gradient of sum(fn(x)) with respect to x, itself differentiable (R1, gradient penalties).

    Args:
        model: the model whose variables `fn` reads.
        fn: f(x) -> tensor.
        x: tensor (N, ...).
    """
    return value_and_input_gradient(model, lambda x: (fn(x).sum(),), x)[1]


def value_and_input_gradient(model: Any, fn: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """(fn(x), the gradient of its first scalar with respect to x).

    Args:
        model: the model whose variables `fn` reads.
        fn: f(x) -> (scalar, whatever else).
        x: tensor (N, ...).
    """
    mapping = [(v, _now(v)) for v in _all_variables(model)]

    def f(x):
        with StatelessScope(state_mapping=mapping):
            found = fn(x)
        return found[0], found

    (_, found), slope = jax.value_and_grad(f, has_aux=True)(x)
    return found, slope


def apply_gradients(optimizer: Any, grads: list[Any], variables: list[Any]) -> None:
    """One optimizer step. `stateless_apply`, since `apply` of a loss-scaling optimizer assigns inside a `cond`.

    Args:
        optimizer: a Keras optimizer, built.
        grads: a gradient for each variable.
        variables: those that are changed.
    """
    if not variables:  # of a frozen player
        return
    values, state = optimizer.stateless_apply(
        [_now(v) for v in optimizer.variables], grads, [_now(v) for v in variables]
    )
    for v, new in zip([*variables, *optimizer.variables], [*values, *state]):
        v.assign(new)


def accelerator() -> tuple[str, float] | None:
    """Name and compute capability of the first NVIDIA GPU that is computed on, None without one."""
    device = jax.devices()[0]
    capability = str(getattr(device, "compute_capability", ""))  # "9.0", of another maker "gfx942"
    return (device.device_kind, float(capability)) if capability.replace(".", "").isdigit() else None


def replica_count() -> int:
    """1: data parallelism on JAX shards one global batch, so there is one logical replica."""
    return 1


def sum_over_replicas(x: Any) -> Any:
    """x: there is one logical replica."""
    return x


def replica_index() -> Any:
    """0: there is one logical replica."""
    return 0


def first_row(count: int) -> Any:
    """0: there is one logical replica."""
    return 0


def traced_once(function: Callable[..., Any], large: bool = False) -> Callable[..., Any]:
    """`function` as it is.

    Args:
        function: of tensors.
        large: of no effect here.
    """
    return function


def one_loop(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` as it is: XLA makes one loop of it."""
    return function


def streams(model: Any) -> int:
    """How many batches to make at a time: on a CPU two, since an op's end leaves cores idle."""
    return 2 if jax.default_backend() == "cpu" and cores() > 1 else 1


def in_halves(
    model: Any,
    fn: Callable[[dict[str, Any]], Any],
    rows: dict[str, Any],
    second: Callable[[dict[str, Any]], Any] | None = None,
) -> Any:
    """fn(rows): XLA runs op after op, so there is nothing to gain from parts.

    Args:
        model: the model that `fn` belongs to.
        fn: f(rows) -> tensor (N, ...).
        rows: tensors (N, ...) by name.
        second: of no effect here.
    """
    return fn(rows)


def jit(model: Any, fn: Callable[..., Any], any_size: bool = False) -> Callable[..., Any]:
    """`fn` compiled for each set of shapes, with the model's present variables as arguments.

    Args:
        model: the model whose variables `fn` reads.
        fn: f(*tensors) -> tensor, or a structure of them.
        any_size: of no effect here: each set of shapes is compiled for itself.

    Returns:
        f(*arrays) -> NumPy arrays in the structure of what `fn` gives.
    """

    @jax.jit
    def compiled(values, *args):
        with StatelessScope(state_mapping=list(zip(model.variables, values))):
            return fn(*args)

    return lambda *args: tree.map_structure(np.asarray, compiled([v.value for v in model.variables], *args))
