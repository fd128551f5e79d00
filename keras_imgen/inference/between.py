"""Frames between frames, for a model in memory and for a served one alike. NumPy only."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_imgen.arguments import as_numbers
from keras_imgen.inference.endpoints import REQUIRED, Endpoint, Request, signature


@dataclass(frozen=True, kw_only=True)
class BetweenEndpoint(Endpoint):
    """Two pictures and the times of those wanted between them.

    Args:
        others: see `Endpoint`.
    """

    kind = "between"
    answers_pictures = False  # of one picture it makes nothing

    def parameters(self) -> inspect.Signature:
        return signature({"first": REQUIRED, "second": REQUIRED, "times": REQUIRED}, {})

    def request(self, given: Mapping[str, Any]) -> Request:
        times = np.atleast_1d(as_numbers(given["times"]))
        ends = {k: as_numbers(given[k]) for k in ("first", "second")}
        if len({v.shape for v in ends.values()}) > 1:
            raise ValueError(
                f"Expected two pictures of one size, got {ends['first'].shape} and {ends['second'].shape}."
            )
        ends = {k: np.broadcast_to(v, (len(times), *v.shape)) if v.ndim == 3 else v for k, v in ends.items()}
        request = super().request({**ends, "times": times, "conditions": None})
        if (bad := (request.rows["times"] < 0) | (request.rows["times"] > 1)).any():
            raise ValueError(f"Expected `times` in [0, 1], got {request.rows['times'][bad][0]:g}.")
        return request

    def answer(self, run: Any, given: Mapping[str, Any], **how: Any) -> np.ndarray:
        return super().answer(run, {**given, "batch_size": self.batch_size}, **how)
