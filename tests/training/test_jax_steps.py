"""Several steps in one dispatch on JAX are the same steps: weights, optimizers, averages, random state and logs."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest

if keras.backend.backend() != "jax":
    pytest.skip("of JAX alone", allow_module_level=True)

sys.path.append(str(Path(__file__).parents[1] / "models"))

from toy import duel, images, state  # noqa: E402

from keras_imgen.callbacks import BackupAndRestore  # noqa: E402
from keras_imgen.training import jax_steps  # noqa: E402

GROUP = {"compile_kwargs": {"steps_per_execution": 3}}


@pytest.fixture
def grouped(monkeypatch):
    """Counts how often each way is gone: whole groups, and single batches or parts of groups."""
    ways, in_groups = {"whole": 0, "rest": 0}, jax_steps.in_groups

    def counted(step, one_by_one, size):
        def rest(state, iterator):
            ways["rest"] += 1
            return one_by_one(state, iterator)

        train = in_groups(step, rest, size)

        def both(state, iterator):
            ways["whole"] += 1
            return train(state, iterator)

        return both

    monkeypatch.setattr(jax_steps, "loops_pay", lambda: True)
    monkeypatch.setattr(jax_steps, "in_groups", counted)
    return ways


def test_they_are_the_same_steps_and_go_on_after_a_backup(grouped, tmp_path):
    x = images(88)[:80]  # five batches: a whole group and two
    alone, together, cut = duel(), duel(**GROUP), duel(**GROUP)
    logs = [m.fit(x, batch_size=16, epochs=2, verbose=0).history for m in (alone, together)]
    assert grouped == {"whole": 4, "rest": 2}
    for name, values in logs[0].items():
        np.testing.assert_allclose(values, logs[1][name], rtol=1e-6)
    for a, b in zip(state(alone), state(together), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)
    for epochs in (1, 2):  # the second goes on where the first ended
        backup = BackupAndRestore(str(tmp_path), delete_checkpoint=False)
        cut.fit(x, batch_size=16, epochs=epochs, verbose=0, callbacks=[backup])
    for a, b in zip(state(together), state(cut), strict=True):
        np.testing.assert_array_equal(a, b)


def test_batches_that_cannot_be_stacked_go_one_by_one():
    def step(state, batch):
        return {"sum": batch["x"].sum()}, state + batch["x"].sum()

    def one_by_one(state, batches):
        for batch in batches:
            logs, state = step(state, batch)
            calls.append(batch["x"].shape)
        return logs, state

    calls, train = [], jax_steps.in_groups(step, one_by_one, 2)
    batches = [{"x": np.full(n, v, "float32")} for n, v in ((4, 1.0), (4, 2.0), (4, 3.0), (2, 4.0))]
    data = iter(batches)
    logs, total = train(np.float32(0), data)
    assert (float(logs["sum"]), float(total), calls) == (8.0, 12.0, [])
    logs, total = train(total, data)
    assert (float(logs["sum"]), float(total), calls) == (8.0, 32.0, [(4,), (2,)])


def test_on_a_cpu_steps_stay_single():
    model = duel(**GROUP)
    model.make_train_function()
    assert "in_groups" not in model.train_function.__qualname__
