"""The metrics of every epoch as lines of JSON."""

import json
import os
import time
from typing import Any

import keras

from keras_imgen.data.files import write_text
from keras_imgen.run_log import read_log


class MetricLog(keras.callbacks.Callback):
    """Appends {"epoch": 1, "seconds": 2.5, "loss": ...} to a file after every epoch; epochs count from 1.

    A run that starts again at an epoch first drops the lines of that epoch and later ones: the file is that of one run. An epoch that was
    cut off by a loss that is not finite has no line.

    Args:
        path: of the file, one line of JSON for each epoch.
    """

    def __init__(self, path: str):
        super().__init__()
        self.path, self._started = path, None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._started = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._started is None:  # not in on_train_begin: the epoch to resume from is only known here
            lines = [line for line in read_log(self.path) if line["epoch"] <= epoch]
            os.makedirs(os.path.dirname(os.path.abspath(self.path)), exist_ok=True)
            write_text(self.path, "".join(json.dumps(line) + "\n" for line in lines))
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if getattr(self.model, "not_finite", None):
            return
        line = {"epoch": epoch + 1, "seconds": round(time.perf_counter() - self._started, 3)}
        line.update({k: float(v) for k, v in (logs or {}).items()})
        with open(self.path, "a") as f:
            f.write(json.dumps(line) + "\n")
