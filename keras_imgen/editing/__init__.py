"""What is done with finished models: ways through latent spaces, attributes, edits by text, and pictures of all of these; and what is done
to pictures without a model: colours, textures, filters, films."""

from keras_imgen.editing import (
    classical,
    clips,
    colour,
    film,
    film_masks,
    film_steady,
    filters,
    framewise,
    fuse,
    inversion,
    latents,
    quilting,
    segmentation,
    text,
)

__all__ = [
    "classical",
    "clips",
    "colour",
    "film",
    "film_masks",
    "film_steady",
    "filters",
    "framewise",
    "fuse",
    "inversion",
    "latents",
    "quilting",
    "segmentation",
    "text",
]
