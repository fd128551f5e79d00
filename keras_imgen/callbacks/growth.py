"""Levels of a model that learn one after the other."""

from typing import Any

import keras

from keras_imgen.arguments import integer


class Growth(keras.callbacks.Callback):
    """Moves a `SinGAN` on from level to level, the coarsest first. A resumed run goes on at the level of its epoch.

    Args:
        epochs: of each level; the finest has all that follow.

    Raises:
        ValueError: `epochs` below 1; in `fit`, a model without levels.
    """

    def __init__(self, epochs: int):
        super().__init__()
        self.epochs = integer("epochs", epochs, 1)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not hasattr(self.model, "level"):
            raise ValueError(f"{type(self.model).__name__} has no levels to grow by: leave Growth out.")
        level = min(epoch // self.epochs, self.model.levels - 1)
        if level != self.model.level:
            self.model.level = level
            self.model.make_train_function()
