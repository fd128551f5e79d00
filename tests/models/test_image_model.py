"""The training step on the present backend: against formulas, across ways to run it, after a death, over replicas."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from toy import duel, images, state

from keras_imgen import load_model
from keras_imgen.callbacks import BackupAndRestore


def equal(a, b):
    assert len(a) == len(b)
    for x, y in zip(a, b):
        np.testing.assert_array_equal(x, y)


def close(a, b, atol):
    for x, y in zip(a, b):
        np.testing.assert_allclose(x.astype("float64"), y.astype("float64"), atol=atol)


def test_power_function_average():
    """A weight that moves by known steps: its average has the weights (k/T)^(gamma+1) - ((k-1)/T)^(gamma+1)."""
    gamma = 2.0
    model = duel(keras.optimizers.SGD, ema=1.0, ema_gamma=gamma)
    v, average = model._averages[0]
    seen = []
    for _ in range(12):
        model.train_on_batch(images(16))
        seen.append(np.array(v, "float64"))
    k, total = np.arange(1, 13), 12
    weights = (k / total) ** (gamma + 1) - ((k - 1) / total) ** (gamma + 1)
    np.testing.assert_allclose(average, np.tensordot(weights, np.array(seen), 1), atol=1e-6)


def test_constant_average_after_its_warm_up():
    model = duel(keras.optimizers.SGD, ema=0.5, ema_gamma=50.0)
    v, average = model._averages[0]
    for _ in range(30):  # (1 - 1/t)^51 stays under 1/2 until t = 75
        before = np.array(average)
        model.train_on_batch(images(8))
        t = int(model.optimizer.iterations)
        decay = min(0.5, (1 - 1 / t) ** 51)
        np.testing.assert_allclose(average, decay * before + (1 - decay) * np.array(v), atol=1e-6)


@pytest.fixture(scope="module")
def reference():
    """(state, logs) of what other ways to train are compared with."""
    model = duel()
    logs = model.fit(images(), batch_size=16, epochs=2, verbose=0).history
    return state(model), logs


@pytest.mark.one_backend
@pytest.mark.parametrize("how", [{"jit_compile": True}, {"run_eagerly": True}, {"steps_per_execution": 2}])
def test_ways_to_run_agree(how, reference):
    model = duel(compile_kwargs=how)
    model.fit(images(), batch_size=16, epochs=2, verbose=0)
    close(state(model), reference[0], 2e-5)


def test_gradient_accumulation_equals_the_large_batch():
    x = images(32)
    model = duel(lambda lr: keras.optimizers.SGD(lr, gradient_accumulation_steps=2))
    before = [np.array(a) for _, a in model._averages]
    model.train_on_batch(x[:16])
    equal(before, [np.array(a) for _, a in model._averages])  # no step yet: nothing to average
    model.train_on_batch(x[16:])
    assert any((np.array(a) != b).any() for (_, a), b in zip(model._averages, before))
    assert int(model.optimizer["critic"].iterations) == 1


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_scales_every_optimizer(policy, reference):
    keras.config.set_dtype_policy(policy)
    try:
        model = duel()
        history = model.fit(images(), batch_size=16, epochs=2, verbose=0).history
    finally:
        keras.config.set_dtype_policy("float32")
    scaling = [isinstance(o, keras.optimizers.LossScaleOptimizer) for o in model.optimizer.optimizers]
    assert all(scaling) == (policy == "mixed_float16")
    assert np.isfinite(list(history.values())).all()
    np.testing.assert_allclose(history["critic_loss"], reference[1]["critic_loss"], atol=0.03)


def test_logs_are_means_over_the_epoch():
    model = duel(keras.optimizers.SGD, lr=0.0)
    x = images(48)
    logs = model.evaluate(x, batch_size=32, verbose=0, return_dict=True)
    whole = model.evaluate(x, batch_size=48, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["critic_loss"], whole["critic_loss"], rtol=1e-5)


def test_saved_model_goes_on_to_the_bit(tmp_path):
    x = images()
    model = duel(dropout=0.3)
    model.fit(x, batch_size=16, epochs=2, verbose=0)
    model.save(tmp_path / "m.keras")
    model.fit(x, batch_size=16, epochs=4, initial_epoch=2, verbose=0)
    loaded = load_model(str(tmp_path / "m.keras"))
    loaded.fit(x, batch_size=16, epochs=4, initial_epoch=2, verbose=0)
    equal(state(model), state(loaded))


CHILD = """
import sys, os, keras
sys.path.insert(0, {tests!r})
from toy import duel, images
from keras_imgen.callbacks import BackupAndRestore
class Die(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2: os._exit(9)
duel(dropout=0.3).fit(images(), batch_size=16, epochs=4, verbose=0, callbacks=[BackupAndRestore(sys.argv[1]), Die()])
"""


def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    child = [sys.executable, "-c", CHILD.format(tests=os.path.dirname(__file__)), str(tmp_path / "backup")]
    assert subprocess.run(child).returncode == 9
    whole, resumed = duel(dropout=0.3), duel(dropout=0.3)
    whole.fit(images(), batch_size=16, epochs=4, verbose=0)
    backup = BackupAndRestore(str(tmp_path / "backup"))
    history = resumed.fit(images(), batch_size=16, epochs=4, verbose=0, callbacks=[backup])
    assert history.epoch == [2, 3]
    equal(state(whole), state(resumed))


OTHER = """
import sys, numpy as np, keras
sys.path.insert(0, {tests!r})
from toy import duel, images, state
model = duel(keras.optimizers.SGD)
for _ in range(3): model.train_on_batch(images())
np.savez(sys.argv[1], *state(model))
"""


@pytest.mark.tensorflow
def test_the_other_backend_learns_the_same(tmp_path, other_backend):
    model = duel(keras.optimizers.SGD)
    for _ in range(3):
        model.train_on_batch(images())
    child = OTHER.format(tests=os.path.dirname(__file__))
    subprocess.run([sys.executable, "-c", child, str(tmp_path / "o.npz")], check=True, env=other_backend)
    there = np.load(tmp_path / "o.npz")
    close(state(model), [there[k] for k in there], 1e-5)


REPLICAS = """
import sys, json, numpy as np, keras, tensorflow as tf
sys.path.insert(0, {tests!r})
from toy import duel, images, state
cpus = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    model = duel(keras.optimizers.SGD)
    keys = strategy.run(lambda: model.next_keys(2))
keys = [np.array(k) for k in strategy.experimental_local_results(keys)]
different = bool((keys[0] != keys[1]).all())
with strategy.scope():
    model = duel(keras.optimizers.SGD)
    for v in model.maker.trainable_variables: v.assign(v * 0)  # fakes do not depend on the noise, which replicas draw apart
    model.maker.trainable = False
data = tf.data.Dataset.from_tensor_slices(images(32)).batch(16)
history = model.fit(data, epochs=2, verbose=0).history
print(json.dumps({{"different": different, "history": history, "critic": [np.array(v).tolist() for v in model.critic.variables],
                   "average": [np.array(a).tolist() for _, a in model._averages]}}))
"""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_two_replicas_equal_one_device():
    child = REPLICAS.format(tests=os.path.dirname(__file__))
    done = subprocess.run([sys.executable, "-c", child], check=True, capture_output=True, text=True)
    result = json.loads(done.stdout.strip().splitlines()[-1])
    assert result["different"]
    model = duel(keras.optimizers.SGD)
    for v in model.maker.trainable_variables:
        v.assign(v * 0)
    model.maker.trainable = False
    history = model.fit(images(32), batch_size=16, epochs=2, shuffle=False, verbose=0).history
    close([np.array(v) for v in model.critic.variables], [np.array(v) for v in result["critic"]], 1e-6)
    close([np.array(a) for _, a in model._averages], [np.array(a) for a in result["average"]], 1e-6)
    np.testing.assert_allclose(history["critic_loss"], result["history"]["critic_loss"], rtol=1e-5)


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (np.zeros((4, 4, 4, 3), "uint8"), "1 channel"),
        (np.full((4, 4, 4, 1), 200.0, "float32"), r"\[-1, 1\]"),
        (np.full((4, 4, 4, 1), np.nan, "float32"), "NaN"),
        (np.zeros((4, 8, 8, 1), "uint8"), "size 4x4"),
        (np.zeros((0, 4, 4, 1), "uint8"), "empty"),
        (np.zeros((4, 4, 4), "uint8"), "shape"),
        (None, "None"),
    ],
)
def test_bad_images_are_refused_before_the_first_step(batch, words):
    model = duel()
    before = state(model)
    with pytest.raises(ValueError, match=words):
        model.fit(batch, verbose=0)
    equal(before, state(model))


def test_compile_says_what_it_expects():
    model = duel()
    with pytest.raises(ValueError, match="maker"):
        model.compile(optimizer="adam")
    with pytest.raises(ValueError, match="maker"):
        model.compile(optimizer={"forger": "adam"})
    with pytest.raises(ValueError, match="losses are part"):
        model.compile(maker_optimizer="adam", critic_optimizer="adam", loss="mse")
