"""What is done with finished models: ways through latent spaces, attributes, edits by text, and pictures of all of these."""

from keras_imgen.editing import fuse, inversion, latents, segmentation, text

__all__ = ["fuse", "inversion", "latents", "segmentation", "text"]
