"""What is done with finished models: ways through latent spaces, attributes, and pictures of both."""

from keras_imgen.editing import latents

__all__ = ["latents"]
