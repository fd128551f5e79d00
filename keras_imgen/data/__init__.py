"""Where images come from and how they are prepared."""

from keras_imgen.data.augment import Augment
from keras_imgen.data.epoch import set_epoch
from keras_imgen.data.pipeline import SourceInfo, describe, load

__all__ = ["Augment", "SourceInfo", "describe", "load", "set_epoch"]
