import os

import pytest

import keras_imgen  # noqa: F401 (before Keras, which a plugin of pytest may import: TensorFlow reads its settings once)


@pytest.fixture
def other_backend():
    """The environment of a process with the other backend. Most of the time of a small program on JAX is compilation: there is less."""
    pytest.importorskip("jax")
    import keras

    name = {"tensorflow": "jax", "jax": "tensorflow"}[keras.backend.backend()]
    quick = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    return {**os.environ, "KERAS_BACKEND": name, "XLA_FLAGS": quick}
