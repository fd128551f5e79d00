"""What a backend must give: the same functions in both files, each against a closed form on the present one."""

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.training import backend

FILES = [Path(backend.__file__).with_name(f"{name}_backend.py") for name in ("tensorflow", "jax")]
ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3)).astype("float32")
W = np.array([[0.5], [-1.0], [2.0]], "float32")


def line(**compiled):
    """y = x w."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign(W)
    model.compile(**compiled)
    return model


def close(found, expected):
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-5, atol=1e-6)


def check_gradients():
    model, x = line(optimizer="sgd"), ops.convert_to_tensor(X)
    unused, steps = keras.Variable(np.zeros(2, "float32")), model.optimizer.iterations

    def loss():
        steps.assign(steps + 1)
        value = ops.sum(model(x) ** 2)
        return value, 4.0 * value

    value, (of_kernel, of_unused) = backend.gradients(model, loss, [*model.trainable_variables, unused])
    close(value, ((X @ W) ** 2).sum())
    close(of_kernel, 4 * 2 * X.T @ (X @ W))
    close(of_unused, np.zeros(2))
    assert int(steps) == 1  # what the loss assigns is kept


def check_row_gradients():
    model = line()

    def loss(rows):
        assert rows["x"].shape == (1, 3)
        return rows["scale"][0] * ops.sum(model(rows["x"]) ** 2)

    rows = {"x": ops.convert_to_tensor(X), "scale": ops.convert_to_tensor(np.arange(6, dtype="float32"))}
    losses, (found,) = backend.row_gradients(model, loss, rows, model.trainable_variables)
    close(losses, np.arange(6) * (X @ W)[:, 0] ** 2)
    close(found, 2 * np.arange(6)[:, None, None] * (X @ W)[:, :, None] * X[:, :, None])


def check_input_gradient():
    model, x = line(), ops.convert_to_tensor(X)
    slope = lambda x: backend.input_gradient(model, lambda x: ops.sum(x**3, -1), x)  # noqa: E731
    close(slope(x), 3 * X**2)
    close(backend.input_gradient(model, lambda x: ops.sum(slope(x), -1), x), 6 * X)
    close(backend.input_gradient(model, model, x), np.repeat(W.T, 6, 0))


def check_value_and_input_gradient():
    model, x = line(), ops.convert_to_tensor(X)
    (value, double), slope = backend.value_and_input_gradient(model, lambda x: (y := ops.sum(model(x) ** 2), 2 * y), x)
    close(value, ((X @ W) ** 2).sum())
    close(double, 2 * ((X @ W) ** 2).sum())
    close(slope, 2 * (X @ W) @ W.T)


def check_apply_gradients():
    grads = np.array([[3.0], [0.0], [4.0]], "float32")
    for given, steps in (
        ({}, [grads, grads]),
        ({"momentum": 0.5}, [grads, 1.5 * grads]),
        ({"clipnorm": 1.0}, [grads / 5] * 2),
    ):
        model = line(optimizer=keras.optimizers.SGD(0.1, **given))
        model.optimizer.build(model.trainable_variables)
        expected = W
        for k, step in enumerate(steps):
            backend.apply_gradients(model.optimizer, [ops.convert_to_tensor(grads)], model.trainable_variables)
            expected = expected - 0.1 * step
            close(model.layers[0].kernel, expected)
            assert int(model.optimizer.iterations) == k + 1


def check_accelerator():
    with pytest.MonkeyPatch.context() as patch:
        if ON_TENSORFLOW:
            details = {"compute_capability": (9, 0), "device_name": "Card"}
            patch.setattr(backend.tf.config, "get_visible_devices", lambda kind: [kind])
            patch.setattr(backend.tf.config.experimental, "get_device_details", lambda gpu: details)
        else:
            gpu = SimpleNamespace(compute_capability="9.0", device_kind="Card")
            patch.setattr(backend.jax, "devices", lambda: [gpu])
        assert backend.accelerator() == ("Card", 9.0)
        if ON_TENSORFLOW:
            details.clear()
        else:
            gpu.compute_capability = "gfx942"
        assert backend.accelerator() is None  # of another maker


def check_replica_count():
    assert backend.replica_count() == 1


def check_replica_index():
    assert int(backend.replica_index()) == 0


def check_sum_over_replicas():
    close(backend.sum_over_replicas(ops.convert_to_tensor(X)), X)


def check_first_row():
    assert int(backend.first_row(5)) == 0


def check_traced_once():
    traces = []

    @backend.traced_once
    def product(a, b):
        traces.append(1)
        return a * b

    model = line()
    outer = [backend.jit(model, lambda a, b, k=k: product(a, b) + product(b, a) + k) for k in range(2)]
    for k, function in enumerate(outer):
        close(function(X, X + 1), 2 * X * (X + 1) + k)
    assert not ON_TENSORFLOW or len(traces) == 1
    close(product(ops.convert_to_tensor(X), ops.convert_to_tensor(X)), X * X)


def check_streams():
    with pytest.MonkeyPatch.context() as patch:
        for cores, found in ((1, 1), (8, 2)):
            patch.setattr(backend, "cores", lambda: cores)
            assert backend.streams(line(jit_compile=True)) == found
            assert backend.streams(line(jit_compile=False)) == (1 if ON_TENSORFLOW else found)


def check_in_halves():
    model, seen = line(jit_compile=False), []

    def function(rows):
        seen.append(rows["x"].shape[0])
        return model(rows["x"]) * rows["scale"][:, None]

    def halved(x, scale):
        return backend.in_halves(model, function, {"x": ops.reshape(x, (count, 3)), "scale": scale})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "cores", lambda: 2)
        for count in (6, 5, 1):
            x, scale = X[:count], np.arange(count, dtype="float32")
            seen.clear()
            close(halved(ops.convert_to_tensor(x), ops.convert_to_tensor(scale)), scale[:, None] * (x @ W))
            close(backend.jit(model, halved)(x, scale), scale[:, None] * (x @ W))
            parts = [count // 2, count - count // 2] if count > 1 else [1]
            assert seen == ([count, *parts] if ON_TENSORFLOW else [count, count])  # graphs alone are cut
        if ON_TENSORFLOW:  # of a number of rows that is not known, and is 1
            seen.clear()
            of_any = backend.jit(model, lambda x, scale: backend.in_halves(model, function, {"x": x, "scale": scale}))
            for count in (1, 2, 5):
                scale = np.arange(1, count + 1, dtype="float32")
                close(of_any(X[:count], scale), scale[:, None] * (X[:count] @ W))
            assert seen == [None, None]


def check_one_loop():
    @backend.one_loop
    def affine(x, scale):
        return x * scale + 1

    model, slope = line(), np.float32(3)
    large = np.arange(1 << 18, dtype="float32")[None]
    for x in (X, large):
        fixed = lambda x, scale, shape=x.shape: affine(ops.reshape(x, shape), scale)  # noqa: E731
        close(backend.jit(model, fixed)(x, slope), 3 * x + 1)
        close(affine(ops.convert_to_tensor(x), ops.convert_to_tensor(slope)), 3 * x + 1)


def check_jit():
    model, traces = line(jit_compile=False), []

    def function(x, scale):
        traces.append(1)
        return {"y": scale * ops.matmul(x, model.layers[0].kernel), "sum": ops.sum(x)}

    for any_size in (False, True):
        compiled = backend.jit(model, function, any_size)
        traces.clear()
        for count, scale in ((6, 1.0), (6, 2.0), (2, 3.0)):
            found = compiled(X[:count], np.float32(scale))
            assert isinstance(found["y"], np.ndarray)
            close(found["y"], scale * X[:count] @ W)
            close(found["sum"], X[:count].sum())
        assert len(traces) == (1 if ON_TENSORFLOW else 2)  # TensorFlow's graph is for any number of rows
        model.layers[0].kernel.assign(3 * W)  # the variables are those of now
        close(compiled(X, np.float32(1.0))["y"], 3 * X @ W)
        model.layers[0].kernel.assign(W)
    pictures = [np.zeros((1, size, size, 3), "float32") for size in (4, 5)]
    for any_size, graphs in ((False, 2), (True, 1 if ON_TENSORFLOW else 2)):
        traces.clear()
        compiled = backend.jit(model, function, any_size)
        assert [compiled(x, np.float32(1.0))["y"].shape for x in pictures] == [(1, 4, 4, 1), (1, 5, 5, 1)]
        assert len(traces) == graphs


CHECKS = {name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")}


@pytest.mark.parametrize("name", CHECKS)
def test_contract(name, monkeypatch):
    calls, function = [], getattr(backend, name)

    def counted(*args, **kwargs):
        calls.append(1)
        return function(*args, **kwargs)

    monkeypatch.setattr(backend, name, counted)
    CHECKS[name]()
    assert calls


def public(path):
    """Signatures of the functions and classes that a module defines; of a class its methods' names."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found[node.name] = (ast.unparse(node.args), node.returns and ast.unparse(node.returns))
        elif isinstance(node, ast.ClassDef):
            found[node.name] = [n.name for n in node.body if isinstance(n, ast.FunctionDef) and n.name[0] != "_"]
    return found


def test_both_backends_give_the_same():
    assert public(FILES[0]) == public(FILES[1])


def test_every_function_has_a_check():
    assert set(CHECKS) == {name for name in public(FILES[0]) if name != "Step"}
    assert set(CHECKS) == {
        n
        for n, f in inspect.getmembers(backend, inspect.isfunction)
        if f.__module__ == backend.__name__ and n[0] != "_"
    }


REPLICAS = """
import json, numpy as np, keras, tensorflow as tf
from keras_imgen.training import backend
cpus = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    weight = keras.Variable(np.zeros(2, "float32"))
    optimizer = keras.optimizers.SGD(1.0, clipnorm=1.0)
    optimizer.build([weight])
@tf.function
def one():
    index = backend.replica_index()
    count = tf.where(tf.equal(index, 0), 3, 2)  # rows of the first and of the second
    gradient = tf.where(tf.equal(index, 0), [6.0, 0.0], [0.0, 8.0])  # each replica's mean is half of it
    backend.apply_gradients(optimizer, [gradient / 2], [weight])
    return index, backend.first_row(count), backend.sum_over_replicas(tf.cast(count, "float32"))
with strategy.scope():
    found = [[int(v) for v in strategy.experimental_local_results(value)] for value in strategy.run(one)]
    count = backend.replica_count()
print(json.dumps({"count": count, "found": found, "weight": np.array(weight).tolist()}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not ON_TENSORFLOW, reason="tf.distribute is TensorFlow's")
def test_two_replicas():
    """Each knows which it is and where its rows begin; sums are the same on both, and the sum of the gradients is clipped."""
    done = subprocess.run([sys.executable, "-c", REPLICAS], check=True, capture_output=True, text=True)
    result = json.loads(done.stdout.strip().splitlines()[-1])
    assert result["count"] == 2 and result["found"] == [[0, 1], [0, 3], [5, 5]]
    np.testing.assert_allclose(result["weight"], [-0.6, -0.8], atol=1e-6)  # of (3, 4)
