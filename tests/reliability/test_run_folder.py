"""Who works in a run's folder, what counts as a backup, and what stays of runs that were killed."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from keras_imgen import recipes, run_folder


def backup(folder, name, *parts):
    os.makedirs(folder / "backup" / name)
    for part in parts:
        (folder / "backup" / name / part).write_bytes(b"x")


def begun(tmp_path, *files):
    (tmp_path / "config.json").write_text(json.dumps({"recipe": "digits-dcgan", "epochs": 2}))
    for name in files:
        (tmp_path / name).write_bytes(b"x")
    return str(tmp_path)


def test_a_backup_counts_only_with_weights_and_epoch(tmp_path):
    backup(tmp_path, "00000001", *run_folder.BACKUP)
    backup(tmp_path, "00000002", "training_metadata.json")
    backup(tmp_path, "00000003.0123abcd.partial", *run_folder.BACKUP)
    assert run_folder.backups(str(tmp_path / "backup")) == ["00000001"]


def test_an_epoch_is_not_taken_without_its_weights(tmp_path):
    """The number of an epoch alone would leave an untrained model for a trained one."""
    import keras
    import numpy as np

    from keras_imgen.callbacks import BackupAndRestore

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    os.makedirs(tmp_path / "00000007")
    (tmp_path / "00000007" / "training_metadata.json").write_text('{"epoch": 3, "batch": 0}')
    kept = BackupAndRestore(str(tmp_path), delete_checkpoint=False)
    history = model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=3, verbose=0, callbacks=[kept])
    assert history.epoch == [0, 1, 2] and os.listdir(tmp_path) == ["00000010"]


def test_a_trained_model_is_never_replaced_by_a_beginner(tmp_path):
    """Killed by an older version while its backup was removed: the epoch's number was left of it."""
    backup(tmp_path, "00000002", "training_metadata.json")
    with pytest.raises(FileExistsError, match="beginning anew would replace the model"):
        recipes.check_folder("digits-dcgan", begun(tmp_path, "model.keras"), True)
    with pytest.raises(FileExistsError, match="is finished"):
        recipes.check_folder("digits-dcgan", begun(tmp_path, "report.md"), True)


def test_leftovers_of_killed_processes_go_and_do_not_stand_in_the_way(tmp_path):
    (tmp_path / "config.0123abcd.partial.json").write_text("{")
    assert recipes.check_folder("digits-dcgan", str(tmp_path), False) == {}  # killed before anything had begun
    backup(tmp_path, "00000002.0123abcd.partial", "latest.weights.h5")
    os.makedirs(tmp_path / "saved_model.89abcdef.partial" / "variables")
    (tmp_path / "a.partial.png").write_bytes(b"a picture of the user's")
    run_folder.remove_leftovers(str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == ["a.partial.png", "backup"] and os.listdir(tmp_path / "backup") == []


def test_a_folder_goes_in_one_step(tmp_path, monkeypatch):
    backup(tmp_path, "00000001", *run_folder.BACKUP)
    monkeypatch.setattr(run_folder.shutil, "rmtree", lambda *a, **k: None)  # killed before the first of its files went
    run_folder.remove(str(tmp_path / "backup"))
    (left,) = os.listdir(tmp_path)
    assert run_folder.is_leftover(left) and run_folder.backups(str(tmp_path / left)) == ["00000001"]
    assert run_folder.finished(begun(tmp_path, "report.md"))


def test_a_folder_is_one_process_s(tmp_path):
    child = "import sys; from keras_imgen.run_folder import lock; mine = lock(sys.argv[1]); print('mine', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", child, str(tmp_path)]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "mine\n"
    with pytest.raises(FileExistsError, match="Another process is training in"):
        run_folder.lock(str(tmp_path))
    first.kill()
    first.wait()
    held = run_folder.lock(str(tmp_path))  # the lock ends with its process, however that ends
    assert run_folder.lock(str(tmp_path)) is held  # one process may resume what it has itself broken off
    second = subprocess.run(command, input="", capture_output=True, text=True)
    assert second.returncode == 1 and "Another process is training in" in second.stderr
    del held
    assert subprocess.run(command, input="", capture_output=True).returncode == 0


@pytest.mark.parametrize("text", ["", "{", "[1]", "7", "\xff"])
def test_settings_that_are_damaged_are_named(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_bytes(text.encode("latin1"))
    with pytest.raises(ValueError, match=f"{path} is damaged: expected the settings of a run"):
        recipes.check_folder("digits-dcgan", str(tmp_path), True)


def test_a_stage_that_was_stopped_is_not_built_upon(tmp_path):
    from keras_imgen.recipes.run import Run

    settings = {"seed": 0, "data": "digits"}
    whole = Run("vqvae", str(tmp_path / "run"), False, **settings)
    stage = whole.stage("tokenizer")
    stage._begin()
    stage._stopped = "Epoch 2: loss is not finite."
    with pytest.raises(RuntimeError, match="loss is not finite. See "):
        stage._report(1, "float32", {}, [], "Use it:", "line")
    assert run_folder.finished(str(tmp_path / "run" / "tokenizer"))
    with pytest.raises(RuntimeError, match="The stage tokenizer of the run in .* was stopped: Epoch 2"):
        Run("vqvae", str(tmp_path / "run"), True, **settings).stage("tokenizer")


def test_a_next_stage_begins_alike_whether_the_first_was_trained_just_now(tmp_path):
    import keras

    from keras_imgen.recipes.run import Run

    drawn = []
    for resume in (False, True):
        stage = Run("vqvae", str(tmp_path / "run"), resume, seed=3, data="digits").stage("tokenizer")
        if stage is not None:
            stage._begin()
            stage._stopped = None
            keras.random.normal((5,), seed=None)  # it trained
            stage._report(1, "float32", {}, [], "Use it:", "line")
        drawn.append(np.array(keras.initializers.GlorotUniform()((4, 4))))
    assert stage is None and np.array_equal(*drawn)


def test_a_finished_stage_keeps_no_lock_of_a_process_that_was_killed(tmp_path):
    from keras_imgen.recipes.run import Run

    settings = {"seed": 0, "data": "digits"}
    stage = Run("vqvae", str(tmp_path / "run"), False, **settings).stage("tokenizer")
    stage._begin()
    stage._stopped = None
    stage._report(1, "float32", {}, [], "Use it:", "line")
    left = tmp_path / "run" / "tokenizer" / run_folder.LOCK
    left.write_text("")  # it died between the report and this
    assert Run("vqvae", str(tmp_path / "run"), True, **settings).stage("tokenizer") is None
    assert not left.exists()
