"""What a VAE's latents are used for: the KL of each, and a warning when it falls to nothing."""

import json
import os
import warnings
from typing import Any

import keras

from keras_imgen.data.files import write_text
from keras_imgen.run_log import read_log


class PosteriorMonitor(keras.callbacks.Callback):
    """Warns, once until it has passed, after an epoch in which the posterior has collapsed: the latents say next to nothing.

    Args:
        log: a file to which {"epoch": 1, "kl_per_dimension": [...]} is appended after every epoch, nats; epochs count from 1.
        min_active: the fraction of the latent numbers that has to be exceeded by those with more than 0.01 nats each (the active units of
            Burda et al. 2016).

    Raises:
        ValueError: `min_active` outside [0, 1]; in `fit`, a model without a posterior.
    """

    def __init__(self, log: str | None = None, min_active: float = 0.1):
        super().__init__()
        if not 0.0 <= min_active <= 1.0:
            raise ValueError(f"Expected `min_active` in [0, 1], got {min_active!r}.")
        self.log, self.min_active, self._said = log, min_active, False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if not hasattr(self.model, "kl_per_dimension"):
            raise ValueError(f"PosteriorMonitor watches a VAE's posterior; {type(self.model).__name__} has none.")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        from keras_imgen.models.variational.vae import ACTIVE

        kl = [float(v) for v in self.model.kl_per_dimension]
        used = sum(v > ACTIVE for v in kl)
        if self.log is not None:
            lines = [line for line in read_log(self.log) if line["epoch"] <= epoch]
            lines.append({"epoch": epoch + 1, "kl_per_dimension": [round(v, 5) for v in kl]})
            os.makedirs(os.path.dirname(os.path.abspath(self.log)), exist_ok=True)
            write_text(self.log, "".join(json.dumps(line) + "\n" for line in lines))
        collapsed = used <= self.min_active * len(kl)
        if collapsed and not self._said:
            warnings.warn(
                f"Epoch {epoch + 1}: the posterior has collapsed: {used} of {len(kl)} latent numbers have a KL above {ACTIVE} nats, "
                f"{sum(kl):.2f} in all. Try free_bits=0.1, a beta that starts at 0, or a weaker decoder.",
                stacklevel=2,
            )
        self._said = collapsed
