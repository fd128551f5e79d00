"""Signs of collapse are said, and a run that is no number stops with its last good state."""

import sys
from pathlib import Path

import keras
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from toy import duel, images, state

from keras_imgen.callbacks import BackupAndRestore, CollapseMonitor, StopOnNaN
from keras_imgen.models import GAN
from keras_imgen.networks import mlp_discriminator, mlp_generator


@pytest.mark.slow
def test_a_collapsed_generator_and_a_discriminator_that_has_won():
    keras.utils.set_random_seed(0)
    model = GAN(mlp_generator((4, 4, 1)), mlp_discriminator((4, 4, 1)), regularizers=())
    for v in model.generator.trainable_variables:
        v.assign(v * 0)  # always the same gray
    model.compile(generator_optimizer=keras.optimizers.SGD(0.0), discriminator_optimizer=keras.optimizers.Adam(1e-2))
    monitor = CollapseMonitor()
    with pytest.warns(UserWarning) as said:
        model.fit(images(), batch_size=16, epochs=8, verbose=0, callbacks=[monitor])
    said = [str(w.message) for w in said if "Epoch" in str(w.message)]
    assert sum("collapsed" in text for text in said) == 1 and sum("has won" in text for text in said) == 1
    assert monitor.signs[8] == ["accuracy", "diversity"]


def test_modes_from_the_logs():
    monitor = CollapseMonitor(modes=10)
    with pytest.warns(UserWarning, match="7 classes occur, of 10"):
        monitor.on_epoch_end(0, {"val_modes": 7.0})


def test_nan_stops_the_run_with_the_last_good_state(tmp_path):
    model = duel(keras.optimizers.SGD)

    class Poison(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.good = state(self.model) if epoch == 2 else getattr(self, "good", None)

        def on_train_batch_begin(self, batch, logs=None):
            if self.good is not None and batch == 1:
                self.model.maker.trainable_variables[0].assign(self.model.maker.trainable_variables[0] * np.nan)

    poison, stop = Poison(), StopOnNaN()
    callbacks = [poison, stop, BackupAndRestore(str(tmp_path), delete_checkpoint=False)]
    with pytest.warns(UserWarning, match="Epoch 3, step 2"):
        model.fit(images(), batch_size=16, epochs=9, verbose=0, callbacks=callbacks)
    assert stop.stopped_epoch == 3
    for a, b in zip(state(model), poison.good, strict=True):
        np.testing.assert_array_equal(a, b)
    fresh = duel(keras.optimizers.SGD)
    fresh.fit(images(), batch_size=16, epochs=3, verbose=0, callbacks=[BackupAndRestore(str(tmp_path))])
    assert all(np.isfinite(v.astype("float64")).all() for v in state(fresh))


def test_a_resumed_run_goes_back_to_its_backup(tmp_path):
    """Not to the weights that the model had before the backup was read."""
    kept = lambda: BackupAndRestore(str(tmp_path), delete_checkpoint=False)  # noqa: E731
    first = duel(keras.optimizers.SGD)
    first.fit(images(), batch_size=16, epochs=1, verbose=0, callbacks=[kept()])
    good, model = state(first), duel(keras.optimizers.SGD)

    class Poison(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.maker.trainable_variables[0].assign(self.model.maker.trainable_variables[0] * np.nan)

    with pytest.warns(UserWarning, match="Epoch 2, step 1"):
        model.fit(images(), batch_size=16, epochs=3, verbose=0, callbacks=[StopOnNaN(), kept(), Poison()])
    for a, b in zip(state(model), good, strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_that_are_nan_behind_finite_losses():
    model, stop = duel(keras.optimizers.SGD), StopOnNaN()

    class Hidden(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.maker.trainable_variables[0].assign(self.model.maker.trainable_variables[0] * np.nan)

    with pytest.warns(UserWarning, match="Epoch 2, at its end: .*kernel"):
        model.fit(images(), batch_size=16, epochs=5, verbose=0, callbacks=[Hidden(), stop])
    assert stop.stopped_epoch == 2 and all(np.isfinite(v.astype("float64")).all() for v in state(model))
