"""Several steps in one dispatch on JAX, where Keras sends them one by one."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import jax
import jax.numpy as jnp
import keras


class SeveralSteps(keras.Model):
    """With `compile(steps_per_execution=k)` on a GPU, k training steps are one compiled scan over their batches, stacked on the device.

    The host then hands over one program and looks at logs once in k steps. What is no whole group of k batches of one shape goes
    step by step, as does everything on a CPU, where convolutions inside a loop take XLA 25 times as long.
    """

    def make_train_function(self, force: bool = False) -> None:
        """As Keras', which calls it before it trains.

        Args:
            force: make it anew.
        """
        if self.train_function is not None and not force:
            return
        super().make_train_function(force)
        compiled = self.jit_compile and not self.run_eagerly and keras.distribution.distribution() is None
        if self.steps_per_execution > 1 and compiled and loops_pay():
            self.train_function = in_groups(self.train_step, self.train_function, self.steps_per_execution)


def loops_pay() -> bool:
    """Whether a compiled loop of steps is as fast as the steps."""
    return jax.default_backend() != "cpu"


def in_groups(step: Callable[..., Any], one_by_one: Callable[..., Any], size: int) -> Callable[..., Any]:
    """f(state, batches) -> (logs of the last step, state), as Keras calls it for each group of batches.

    Args:
        step: f(state, batch) -> (logs, state).
        one_by_one: the same as what is returned, for groups that are not whole.
        size: batches of a whole group.
    """

    def scanned(state, batches):
        stacked = jax.tree.map(lambda *rows: jnp.stack(rows), *batches)
        state, logs = jax.lax.scan(lambda state, batch: step(state, batch)[::-1], state, stacked)
        return jax.tree.map(lambda each: each[-1], logs), state

    scanned = jax.jit(scanned, donate_argnums=0)

    def train(state: Any, iterator: Iterator) -> tuple[Any, Any]:
        batches = list(islice(iterator, size))
        shapes = {str(jax.tree.map(lambda v: (v.shape, v.dtype), batch)) for batch in batches}
        if len(batches) == size and len(shapes) == 1:
            return scanned(state, batches)
        return one_by_one(state, iter(batches))

    return train
