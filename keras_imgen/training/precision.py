"""bfloat16 where the machine computes in it: half the memory traffic, and up to twice the speed, in training."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from keras_imgen.training import backend


@contextmanager
def fast_precision() -> Iterator[None]:
    """Networks made inside have the policy `fast_policy`."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(fast_policy())
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def fast_policy() -> str:
    """The policy "mixed_bfloat16" where the hardware computes in it, otherwise "float32".

    On JAX with a GPU that is one of compute capability 8 (Ampere) or later; else a CPU with instructions for it (AVX512-BF16, AMX).
    """
    gpu = backend.accelerator() if keras.backend.backend() == "jax" else None
    if gpu is not None:
        return "mixed_bfloat16" if gpu[1] >= 8.0 else "float32"
    try:
        with open("/proc/cpuinfo") as f:
            flags = next((line for line in f if line.startswith("flags")), "").split()
    except OSError:
        return "float32"
    return "mixed_bfloat16" if {"avx512_bf16", "amx_bf16"} & set(flags) else "float32"


def in_float32(model: keras.Model) -> keras.Model:
    """Let an `ImageModel` that was built, and trained, under a mixed policy compute in float32 from now on; returns it.

    Its weights are float32 already, and optimizers and averages stay.

    Raises:
        ValueError: weights of another dtype.
    """
    layers = [layer for network in model.players.values() for layer in network._flatten_layers()]
    if any(layer.dtype_policy.compute_dtype != "float32" for layer in layers):
        for layer in layers:
            if layer.dtype_policy.variable_dtype != "float32":
                raise ValueError(f"Expected float32 weights, got {layer.dtype_policy.variable_dtype} in {layer.name}.")
            layer.dtype_policy = keras.dtype_policies.get("float32")
        model.forget_functions()
    return model
