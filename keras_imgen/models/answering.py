"""A finished model: its functions compiled once, its endpoints, how it is shown and exported."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_imgen.conditions import arguments, in_turn, inputs_of, of, pictures_of
from keras_imgen.inference.endpoints import Endpoints, bound
from keras_imgen.inference.requests import answers
from keras_imgen.training import backend


class Answering:
    """What an `ImageModel` answers."""

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
        """Images, uint8 (n, height, width, channels). Image k has the seed `seed + k` and can be made again alone.

        Args:
            *args: those of the endpoint `generate`.
            ema: use averaged weights.
            **kwargs: those of the endpoint `generate`.

        Raises:
            TypeError: the model has no such endpoint.
        """
        endpoint = self.endpoints().get("generate")
        if endpoint is None:
            does = next(iter(self.endpoints()), None)
            instead = f"makes no new images: use {does}(images)" if does else "declares no endpoint `generate`"
            raise TypeError(f"{type(self).__name__} {instead}.")
        return self.answer("generate", bound(endpoint, args, kwargs), ema)

    def generates(self) -> bool:
        """Whether it makes new images: by an endpoint `generate`, or a `generate` of its own."""
        return "generate" in self.endpoints() or type(self).generate is not Answering.generate

    def show(
        self, batch: Mapping[str, Any] | None = None, n: int = 16, seed: int = 0, **how: Any
    ) -> dict[str, np.ndarray]:
        """Pictures to look at, by what they are, as many of each: in sample grids and reports they stand side by side.

        Args:
            batch: what the pictures are made from, as a batch of `fit`: of a model that makes new ones the conditions, which are told in
                turn; those that are not there get examples.
            n: how many new ones.
            seed: picture k has the seed `seed + k`.
            **how: passed on to the method that answers.
        """
        known = of(self)
        told = in_turn(known, n, {k: v for k, v in (batch or {}).items() if k in inputs_of(known)})
        pictures = {k: told[k] for k in pictures_of(known) if k in told}
        return {**pictures, "sample": self.generate(n, seed=seed, **arguments(told), **how)}

    def export(self, path: str, **how: Any) -> None:
        """Write a SavedModel with this model's endpoints.

        Args:
            path: the folder to write.
            **how: see `serving.export.export`.
        """
        from keras_imgen.serving.export import export

        export(self, path, **how)

    # === Compiled functions ===

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
        """`function(*rows of the arrays, *constants)`, compiled, some rows at a time.

        Args:
            name: hashable; the function is compiled once for each.
            function: of tensors, to a tensor with as many rows.
            arrays: (N, ...) each.
            batch_size: rows at a time.
            constants: further arguments of the function, for all rows.
            ema: use averaged weights.
            fill: give a last batch as many rows as the others, so that a row's last bits do not depend on how many there are.
            any_size: let images of other sizes need no other graph, where the backend can.
        """
        run = self.compiled_function(name, function, ema, any_size)
        return answers(lambda *rows: run(*rows, *constants), arrays, batch_size, fill)

    def compiled_function(
        self, name: Any, function: Callable[..., Any], ema: bool = True, any_size: bool = False
    ) -> Callable:
        """A function of tensors, compiled: the first for each name is kept, and used for all that come after.

        Args:
            name: hashable.
            function: of tensors.
            ema: use averaged weights.
            any_size: let images of other sizes need no other graph, where the backend can.
        """
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
        """`function(*rows of the arrays, their conditions by name, *constants)`; otherwise as `in_batches`.

        Args:
            told: conditions (N, ...) by name.
            others: see `in_batches`.
        """
        count, names = len(arrays), tuple(told)  # what is compiled is kept, and must not keep the conditions

        def inner(*given):
            rest = given[count:]
            return function(*given[:count], dict(zip(names, rest)), *rest[len(names) :])

        return self.in_batches(name, inner, [*arrays, *told.values()], batch_size, constants, ema, fill)

    def forget_functions(self) -> None:
        """Compile all functions anew at their next use: for when a network's policies or other settings were changed."""
        self._compiled_functions.clear()
        self.train_function = self.test_function = self.predict_function = None
