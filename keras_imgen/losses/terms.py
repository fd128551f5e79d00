"""Terms of a loss: a weight, a name, how often. What a model is trained for is their sum, and each is logged under its own name."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
from keras import ops

from keras_imgen.named_parts import Part

Schedule = keras.optimizers.schedules.LearningRateSchedule


class Term(Part):
    """A named part of a loss: called with what its model has to show it, it gives a scalar, which is logged under its `name`.

    A subclass writes `__call__`. The loss has `weight` times the scalar, and the logs have it as it is; with `weighted = True` the weight
    is in the scalar already, and so in the logs.

    Args:
        every: with k it is computed in one step of k, where it counts, and is logged, k times (lazy regularisation, Karras et al. 2020,
            "Analyzing and Improving the Image Quality of StyleGAN", section 3.1). In evaluation it is always computed, and counts once.
        **weights: `weight`, and what else weighs, by name: numbers of at least 0, or schedules of the iteration. They become attributes.

    Raises:
        ValueError: `every` below 1, a weight below 0.
    """

    weight: float | Schedule = 1.0
    weighted = False
    every = 1
    _weights: tuple[str, ...] = ()

    def __init__(self, every: int = 1, **weights: float | Schedule):
        if every < 1:
            raise ValueError(f"Expected `every` of at least 1 step, got {every!r}.")
        for name, value in weights.items():
            if not callable(value) and not value >= 0:
                raise ValueError(f"Expected `{name}` of at least 0, got {value!r}.")
            setattr(self, name, value)
        self.every, self._weights = every, tuple(weights)

    @property
    def name(self) -> str:
        """What the logs call it."""
        return type(self).__name__.lower()

    @property
    def varies(self) -> bool:
        """Whether what it adds depends on the iteration."""
        return self.every > 1 or any(callable(getattr(self, name)) for name in ("weight", *self._weights))

    def __call__(self, *args: Any) -> Any:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        names = (*self._weights, *(["every"] if self.every > 1 else []))  # which an __init__ of one's own need not take
        return {k: keras.saving.serialize_keras_object(getattr(self, k)) for k in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Term":
        of = keras.saving.deserialize_keras_object
        return cls(**{k: of(v) if isinstance(v, dict | list) else v for k, v in config.items()})


def checked(terms: Iterable[Term], what: str) -> tuple[Term, ...]:
    """The terms, whose names have to differ.

    Args:
        terms: those of one loss.
        what: the argument that they were given as.

    Raises:
        ValueError: two of one name.
    """
    terms = tuple(terms)
    names = [term.name for term in terms]
    if len(set(names)) < len(names):
        raise ValueError(f"Expected each of the `{what}` once, got {', '.join(names)}: the logs can name each once.")
    return terms


def added(
    terms: Iterable[Term], iteration: Any, call: Callable[[int, Term], Any], loss: Any = 0.0, lazy: bool = True
) -> tuple[Any, dict[str, Any]]:
    """A loss with terms added to it, one after the other.

    Args:
        terms: of different names, see `checked`.
        iteration: how many steps were taken, an int32 scalar; None will do where no term `varies`.
        call: `call(i, term)` gives the scalar of the i-th term.
        loss: what they are added to, a scalar.
        lazy: False, in evaluation, computes those of `every` > 1 too.

    Returns:
        (the sum, the scalars to log by the names of the terms).
    """
    terms = tuple(terms)
    values = [lazily(term.every if lazy else 1, iteration, lambda: call(i, term)) for i, term in enumerate(terms)]
    for term, value in zip(terms, values):  # after all of them: the order of ops decides the last bits of gradients
        loss = loss + (value if term.weighted else at(term.weight, iteration) * value)
    return loss, {term.name: value for term, value in zip(terms, values)}


def lazily(every: int, iteration: Any, function: Callable[[], Any], *state: Any) -> Any:
    """`function()` in one step of `every`, and so many times as large there; 0 in the steps between.

    Args:
        every: 1 or more.
        iteration: how many steps were taken, an int32 scalar.
        function: gives a scalar; with `state` a tuple of the scalar and what becomes of the state.
        state: tensors that stay as they are in the steps between.

    Returns:
        What `function` gives, float32.
    """
    if every == 1 and not state:
        return function()

    def due():
        value, *rest = function() if state else (function(),)
        return tuple(ops.cast(v, "float32") for v in (every * value, *rest))

    def between():
        return ops.zeros((), "float32"), *(ops.cast(v, "float32") for v in state)

    found = ops.cond(iteration % every == 0, due, between)
    return found if state else found[0]


def at(weight: Any, iteration: Any) -> Any:
    """A weight at a step.

    Args:
        weight: a number, which stays as it is, or a schedule, of which it is the value, float32.
        iteration: how many steps were taken, an int32 scalar.
    """
    return ops.cast(weight(iteration), "float32") if callable(weight) else weight


def iteration(optimizer: keras.optimizers.Optimizer) -> Any:
    """How many steps an optimizer has taken, an int32 scalar: what schedules of weights and lazy terms go by."""
    return ops.cast(ops.convert_to_tensor(optimizer.iterations), "int32")
