import os

import keras
import numpy as np
import pytest

from keras_imgen.callbacks import BackupAndRestore


class Killed(BaseException):
    """Stands for the death of the process: nothing but `finally` runs."""


def state(model):
    return [np.array(v) for v in [*model.variables, *model.optimizer.variables]]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


class KillAt(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise Killed


def fit(model, data, folder, epochs=3, *more):
    backup = BackupAndRestore(folder, delete_checkpoint=False)
    return model.fit(data, batch_size=8, epochs=epochs, verbose=0, callbacks=[backup, *more])


@pytest.mark.slow
def test_killed_and_resumed_is_uninterrupted_to_the_bit(tiny, data, tmp_path):
    whole = tiny()
    fit(whole, data, tmp_path / "a")
    cut = tiny()
    with pytest.raises(Killed):
        fit(cut, data, tmp_path / "b", 3, KillAt(2))
    resumed = tiny()
    history = fit(resumed, data, tmp_path / "b")
    assert history.epoch == [2]
    assert same(state(whole), state(resumed))


@pytest.mark.parametrize("where", ["rename", *(pytest.param(w, marks=pytest.mark.slow) for w in ("weights", "number"))])
def test_death_while_a_backup_is_written_leaves_the_one_before(tiny, data, tmp_path, monkeypatch, where):
    folder = str(tmp_path / "backup")
    model = tiny()
    fit(model, data, folder, 1)
    after_one = state(model)

    def die(*args, **kwargs):
        raise Killed

    def torn(filepath, **kwargs):
        with open(filepath, "wb") as f:
            f.write(b"half")
        raise Killed

    if where == "weights":
        model.save_weights = torn
    elif where == "number":
        monkeypatch.setattr("keras.src.callbacks.backup_and_restore.json.dumps", die)
    else:
        monkeypatch.setattr("keras_imgen.callbacks.backup.os.replace", die)
    monkeypatch.setattr("keras_imgen.callbacks.backup.shutil.rmtree", lambda *a, **k: None)  # the dead do not clean up
    with pytest.raises(Killed):
        fit(model, data, folder, 2)
    monkeypatch.undo()
    assert len(os.listdir(folder)) == 2  # the whole one and the torn one
    resumed = tiny()
    assert fit(resumed, data, folder, 1).epoch == []
    assert same(after_one, state(resumed))
    assert fit(resumed, data, folder, 2).epoch == [1]
    assert os.listdir(folder) == ["00000002"]


def test_it_goes_at_the_end_unless_told_otherwise(tiny, data, tmp_path):
    tiny().fit(data, epochs=1, verbose=0, callbacks=[BackupAndRestore(str(tmp_path / "backup"))])
    assert not (tmp_path / "backup").exists()
