"""Where images come from and how they are prepared."""

from keras_imgen.data import degrade
from keras_imgen.data.augment import Augment
from keras_imgen.data.clips import clips, windows
from keras_imgen.data.cuts import find_cuts, find_duplicates, is_cut, is_duplicate
from keras_imgen.data.degrade import degraded
from keras_imgen.data.epoch import set_epoch
from keras_imgen.data.film import Film
from keras_imgen.data.film_writer import FilmWriter
from keras_imgen.data.moving import joined, moving, with_flow
from keras_imgen.data.photos import patches, photos
from keras_imgen.data.pipeline import SourceInfo, describe, load
from keras_imgen.data.styled import styled
from keras_imgen.data.unpaired import unpaired
from keras_imgen.data.video_io import save_video
from keras_imgen.data.zipped import zipped

__all__ = [
    "Augment",
    "Film",
    "FilmWriter",
    "SourceInfo",
    "clips",
    "degrade",
    "degraded",
    "describe",
    "find_cuts",
    "find_duplicates",
    "is_cut",
    "is_duplicate",
    "joined",
    "load",
    "moving",
    "patches",
    "photos",
    "save_video",
    "set_epoch",
    "styled",
    "unpaired",
    "windows",
    "with_flow",
    "zipped",
]
