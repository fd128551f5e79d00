"""Adversarial training that goes wrong, said aloud."""

import warnings
from typing import Any

import keras
import numpy as np


class CollapseMonitor(keras.callbacks.Callback):
    """Warns, once for each reason until it has passed, after an epoch in which a GAN shows signs of collapse.

    It reads the logs: `diversity`, `real_accuracy` and `fake_accuracy` of `GAN`, and of `SampleMetrics`, if that comes before it in the
    list, `val_modes` (classes that occur, by a classifier). `signs` holds the reasons of each epoch that had any, from 1.

    Args:
        diversity: the smallest spread of generated images, relative to that of real ones.
        accuracy: the largest fraction that the discriminator may get right of both real and generated images.
        modes: the smallest number of classes that occur; None is not looked at.
    """

    def __init__(self, diversity: float = 0.3, accuracy: float = 0.99, modes: int | None = None):
        super().__init__()
        self.diversity, self.accuracy, self.modes = diversity, accuracy, modes
        self.signs: dict[int, list[str]] = {}
        self._said: set[str] = set()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs, now = logs or {}, {}
        if logs.get("diversity", np.inf) < self.diversity:
            now["diversity"] = (
                f"the generator has collapsed: images of a batch are {logs['diversity']:.2f} times as far apart as real ones. "
                "Try a larger batch, regularizers=[R1(gamma=10)], or a smaller rate for the generator"
            )
        won = min(logs.get("real_accuracy", 0.0), logs.get("fake_accuracy", 0.0))
        if won > self.accuracy:
            now["accuracy"] = (
                f"the discriminator has won: it gets {won:.1%} right, and its gradients tell the generator little. "
                "Try a stronger R1, a smaller rate for the discriminator, or augment=AdaptiveAugment() if there are few images"
            )
        if self.modes is not None and logs.get("val_modes", np.inf) < self.modes:
            now["modes"] = f"modes are missing: {logs['val_modes']:.0f} classes occur, of {self.modes} expected"
        for reason, text in now.items():
            if reason not in self._said:
                warnings.warn(f"Epoch {epoch + 1}: {text}.", stacklevel=2)
        if now:
            self.signs[epoch + 1] = sorted(now)
        self._said = set(now)
