"""Finished models where they are used: SavedModels and their client. No training code."""

from keras_imgen.serving.client import ServedModel, load

__all__ = ["ServedModel", "load"]
