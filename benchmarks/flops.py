"""Floating-point operations of a JAX function: two for each multiplication and addition of its matrix products and convolutions."""

import math
from typing import Any


def flops(function: Any, *args: Any) -> float:
    """Of one call, without running it; forward and backward, whatever the function has.

    What a loop of an unknown number of rounds has is counted once, and of a branch the dearest. Zeros that stride puts between places
    in gradients and transposed convolutions are not counted, those of padding are.
    """
    import jax

    return _of(jax.make_jaxpr(function)(*args).jaxpr)


def _of(jaxpr) -> float:
    return sum(_one(equation) for equation in jaxpr.eqns)


def _one(equation) -> float:
    name, given = equation.primitive.name, equation.params
    if name == "dot_general":
        (contracted, _), _ = given["dimension_numbers"]
        left = equation.invars[0].aval.shape
        return 2.0 * math.prod(equation.outvars[0].aval.shape) * math.prod(left[i] for i in contracted)
    if name == "conv_general_dilated":
        kernel, spec = equation.invars[1].aval.shape, given["dimension_numbers"].rhs_spec
        each = math.prod(kernel) // kernel[spec[0]]  # products of one output number
        return 2.0 * math.prod(equation.outvars[0].aval.shape) * each / math.prod(given["lhs_dilation"])
    if name == "cond":
        return max(_of(branch.jaxpr) for branch in given["branches"])
    inner = [v for v in given.values() for v in (v if isinstance(v, (tuple, list)) else (v,))]
    inner = [getattr(v, "jaxpr", v) for v in inner]
    return given.get("length", 1) * sum(_of(v) for v in inner if hasattr(v, "eqns"))
