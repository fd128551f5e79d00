import errno
import json
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


def fit(model, data, folder, epochs=3, *more):
    backup = BackupAndRestore(folder, delete_checkpoint=False)
    return model.fit(data, batch_size=8, epochs=epochs, verbose=0, callbacks=[backup, *more])


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


class KillAfter(keras.callbacks.Callback):
    """So many steps."""

    def __init__(self, steps):
        super().__init__()
        self.left = steps

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left < 0:
            raise Killed


def test_a_backup_inside_an_epoch_has_the_number_of_that_epoch(tiny, data, tmp_path):
    """Killed in the second epoch, and again in its first step after the resume."""
    numbers, folder = [], str(tmp_path / "backup")
    for steps in (3, 0):
        kept = BackupAndRestore(folder, save_freq=1, delete_checkpoint=False)
        with pytest.raises(Killed):
            tiny().fit(data, batch_size=8, epochs=9, verbose=0, callbacks=[kept, KillAfter(steps)])
        (name,) = os.listdir(folder)
        numbers.append(json.loads((tmp_path / "backup" / name / "training_metadata.json").read_text())["epoch"])
    assert numbers == [1, 1]


def test_weights_that_are_not_finite_are_not_kept(tiny, data, tmp_path):
    model = tiny()
    fit(model, data, tmp_path / "backup", 1)
    before, kept = state(model), os.listdir(tmp_path / "backup")
    model.not_finite = "Epoch 2: loss is not finite."
    backup = BackupAndRestore(str(tmp_path / "backup"), save_freq=1)
    backup.set_model(model)
    backup._save_model()
    assert os.listdir(tmp_path / "backup") == kept and same(state(model), before)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs posix_fallocate")
def test_a_backup_without_room_is_said(tiny, data, tmp_path, monkeypatch):
    def full(descriptor, start, size):
        assert size > sum(v.nbytes for v in state(model))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    model = tiny()
    fit(model, data, tmp_path / "backup", 1)
    kept = os.listdir(tmp_path / "backup")
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        fit(model, data, tmp_path / "backup", 2)
    assert str(tmp_path / "backup") in caught.value.filename and os.listdir(tmp_path / "backup") == kept
