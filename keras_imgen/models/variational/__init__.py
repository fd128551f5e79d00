"""Autoencoders of all kinds."""

from keras_imgen.models.variational import second_stage  # noqa: F401 - adds itself to the samplers of latents
