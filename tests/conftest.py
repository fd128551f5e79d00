import os

import pytest

if worker := os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw"):
    # As many processes as cores: threads of their own only get in each other's way, and graphs for one core are smaller.
    os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1", OMP_NUM_THREADS="1")
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker) % len(cores)]})

import keras_imgen  # noqa: F401 (before Keras, which a plugin of pytest may import: TensorFlow reads its settings once)


def pytest_collection_modifyitems(items):
    import keras

    items.sort(
        key=lambda item: item.get_closest_marker("long") is None
    )  # stable: no process waits for another's last test
    if keras.backend.backend() != "tensorflow":
        for item in items:
            if item.get_closest_marker("tensorflow"):
                item.add_marker(pytest.mark.skip(reason="needs TensorFlow"))


@pytest.fixture
def other_backend():
    """The environment of a process with the other backend. Most of the time of a small program on JAX is compilation: there is less."""
    pytest.importorskip("jax")
    import keras

    name = {"tensorflow": "jax", "jax": "tensorflow"}[keras.backend.backend()]
    quick = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    return {**os.environ, "KERAS_BACKEND": name, "XLA_FLAGS": quick}
