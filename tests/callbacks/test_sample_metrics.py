import keras
import numpy as np
import pytest

from keras_imgen.callbacks import MetricLog, SampleMetrics
from keras_imgen.data import load
from keras_imgen.run_log import read_log


class Digits(keras.Model):
    """Learns nothing; its samples are real digits."""

    num_classes = None

    def __init__(self, images):
        super().__init__()
        self.images, self.seeds = images, []
        self.dense = keras.layers.Dense(1)

    def call(self, x):
        return self.dense(x)

    def generate(self, n, labels=None, seed=0):
        self.seeds.append(seed)
        return self.images[:n]


@pytest.fixture
def fitted(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_IMGEN_CACHE", str(tmp_path))
    real = load("digits", "train", 16, 100, shuffle=False)
    images = np.concatenate([np.asarray(b["image"]) for b in real])
    model = Digits(images)
    model.compile("sgd", "mse")

    def fit(epochs, after=(), **kwargs):
        judge = SampleMetrics(real, "digits-lenet", n=200, seed=5, **kwargs)
        x = np.zeros((8, 2), "float32")
        return model, model.fit(x, x[:, :1], epochs=epochs, verbose=0, callbacks=[judge, *after]).history

    return fit


def test_numbers_are_in_the_logs_every_second_epoch_and_at_the_end(fitted, tmp_path):
    log = str(tmp_path / "log.jsonl")
    model, history = fitted(5, [MetricLog(log)], every=2, max_share=None, metrics=["kernel", "frechet"])
    assert len(history["val_kernel"]) == 3 and len(set(history["val_kernel"])) == 1  # same seeds, same number
    assert [("val_frechet" in line) for line in read_log(log)] == [False, True, False, True, True]
    assert model.seeds == [5, 5, 5]


def test_the_best_epoch_can_be_kept(fitted, tmp_path):
    path = str(tmp_path / "best.weights.h5")
    checkpoint = keras.callbacks.ModelCheckpoint(
        path, "val_kernel", mode="min", save_best_only=True, save_weights_only=True
    )
    fitted(1, [checkpoint])
    assert checkpoint.best is not None and np.isfinite(checkpoint.best)


def test_a_time_budget_leaves_out_all_but_the_first_and_the_last(fitted):
    _, history = fitted(6, max_share=1e-6)
    assert len(history["val_kernel"]) == 2


def test_what_cannot_be_asked_for(fitted):
    for wrong in ({"metrics": ["memorisation"]}, {"metrics": ["kid"]}, {"every": 0}, {"max_share": 0}):
        with pytest.raises(ValueError, match="Choose|FID|KID|Expected"):
            fitted(1, **wrong)
