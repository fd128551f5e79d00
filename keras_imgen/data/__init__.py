"""Where images come from and how they are prepared."""

from keras_imgen.data.augment import Augment
from keras_imgen.data.epoch import set_epoch
from keras_imgen.data.pipeline import SourceInfo, describe, load
from keras_imgen.data.video_io import save_video

__all__ = ["Augment", "SourceInfo", "describe", "load", "save_video", "set_epoch"]
