"""Metrics of samples while a model learns."""

import time
from collections.abc import Sequence
from typing import Any

import keras

from keras_imgen.conditions import arguments, given_with, in_turn, of


class SampleMetrics(keras.callbacks.Callback):
    """Evaluates samples after every k-th epoch and puts the numbers into the epoch's logs, as `val_kernel`.

    `ModelCheckpoint`, `EarlyStopping`, `ReduceLROnPlateau`, `TensorBoard` and `MetricLog` see them if they come later in the
    list of callbacks. Samples are made with averaged weights and the same seeds every time.

    Args:
        real: real images, as for `metrics.evaluate`.
        extractor: see `metrics.extractors.get`. With "inceptionv3" the names are `val_fid` and `val_kid`.
        metrics: keys of `metric_names.METRICS` that need features alone.
        n: samples.
        every: epochs between evaluations; the last epoch has one in any case.
        labels: as in `SampleGrid`.
        seed: sample k has the seed `seed + k`.
        max_share: an evaluation that would take their time above this share of the training's is left out, but for the first
            and the last epoch's. None: never.
        conditions: what else the model is told, as in `SampleGrid`.
        **generate: passed on to `model.generate`, as `steps=10`.

    Raises:
        ValueError: `every` below 1, `n` below 2, `max_share` not above 0.
    """

    def __init__(
        self,
        real: Any,
        extractor: Any,
        metrics: Sequence[str] = ("kernel",),
        n: int = 1000,
        every: int = 1,
        labels: Any = None,
        seed: int = 0,
        max_share: float | None = 0.5,
        conditions: dict[str, Any] | None = None,
        **generate: Any,
    ):
        super().__init__()
        from keras_imgen.metrics import evaluation, extractors

        if every < 1 or n < 2:
            raise ValueError(
                f"Expected `every` of at least 1 epoch and `n` of at least 2 samples, got {every!r} and {n!r}."
            )
        if max_share is not None and max_share <= 0:
            raise ValueError(f"Expected `max_share` above 0 or None, got {max_share!r}.")
        self.metrics, self.extractor = evaluation.feature_metrics(metrics, extractors.get(extractor))
        self.real, self.n, self.every, self.labels, self.seed = real, n, every, labels, seed
        self.max_share, self.conditions, self._generate = max_share, conditions, generate
        self._reference, self._training, self._judging, self._last = None, 0.0, 0.0, 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        from keras_imgen.metrics.features import reference

        self._reference = self._reference or reference(self.real, self.extractor)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._training += time.perf_counter() - self._began
        last = epoch + 1 == self.params.get("epochs")
        if (epoch + 1) % self.every and not last:
            return
        if (
            self.max_share
            and not last
            and self._judging + self._last > self.max_share * self._training
            and self._judging
        ):
            return
        from keras_imgen.metrics import evaluation
        from keras_imgen.metrics.features import extract

        started = time.perf_counter()
        told = in_turn(of(self.model), self.n, given_with(self.labels, self.conditions))
        samples = extract(
            self.model.generate(self.n, seed=self.seed, **arguments(told), **self._generate), self.extractor
        )
        for name, value in evaluation.values(self.metrics, self._reference, samples, self.extractor, self.seed).items():
            logs[f"val_{name}"] = value
        self._last = time.perf_counter() - started
        self._judging += self._last
