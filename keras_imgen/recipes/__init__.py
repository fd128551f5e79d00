"""Whole training runs as plain Python, each in one file: read one, copy it, change it."""

import json
import os
from collections.abc import Callable
from importlib import import_module

RECIPES = {
    "digits-diffusion": (
        "digits_diffusion",
        "handwritten digits, 16x16: 1,797 scans from scikit-learn, minutes on a CPU",
    ),
    "shapes-diffusion": ("shapes_diffusion", "coloured shapes, 32x32, drawn on the fly: no data to fetch"),
    "fashion-diffusion": ("fashion_diffusion", "Fashion-MNIST, 28x28: 60,000 pictures of clothes, an hour on a CPU"),
    "digits-dcgan": ("digits_dcgan", "a GAN on the 1,500 digits, 16x16, with DiffAugment: five minutes on a CPU"),
    "fashion-dcgan": ("fashion_dcgan", "a GAN on Fashion-MNIST, 28x28, without labels: 20 minutes on a CPU"),
    "fashion-wgan-gp": ("fashion_wgan_gp", "the same by the Wasserstein distance with gradient penalty"),
    "fashion-cgan": ("fashion_cgan", "a GAN on Fashion-MNIST, conditional on the class: half an hour on a CPU"),
    "shapes-stylegan2": (
        "shapes_stylegan2",
        "StyleGAN2 with adaptive augmentation on coloured shapes, 32x32: three hours on a core, and crude",
    ),
    "edges2shapes-pix2pix": ("edges2shapes_pix2pix", "from outlines to filled shapes, 32x32, learned from pairs"),
    "shapes-cyclegan": ("shapes_cyclegan", "shapes on black to shapes on white, 32x32, learned without pairs"),
    "digits-vae": ("digits_vae", "a conditional VAE on the digits, 16x16, judged in bits per dimension: two minutes"),
    "fashion-vae": ("fashion_vae", "a VAE on Fashion-MNIST, 28x28, with a mixture of Gaussians for its latents"),
    "fashion-rae": ("fashion_rae", "a regularized autoencoder on Fashion-MNIST, with a mixture for its latents"),
    "fashion-vqvae": ("fashion_vqvae", "a VQ-VAE on Fashion-MNIST, then a PixelCNN over its codes, class by class"),
    "fashion-vaegan": ("fashion_vaegan", "a VAE-GAN on Fashion-MNIST: sharp reconstructions"),
    "shapes-beta-vae": ("shapes_beta_vae", "a beta-VAE on single coloured shapes, 32x32: disentangled latents"),
    "photos-sr-x2": (
        "photos_sr:x2",
        "super-resolution of photographs by 2, trained on T91 and BSDS500: 40 minutes on a CPU",
    ),
    "photos-sr-x3": ("photos_sr:x3", "the same by 3"),
    "photos-sr-x4": ("photos_sr:x4", "the same by 4"),
    "photos-srgan-x4": (
        "photos_srgan",
        "super-resolution by 4 against a discriminator: sharper, and further from the truth",
    ),
    "photos-denoise": (
        "photos_denoise:colour",
        "a blind denoiser of colour photographs, sigma 0 to 55: an hour on a CPU",
    ),
    "photos-denoise-gray": ("photos_denoise:gray", "the same for gray ones, and the luma and every channel of others"),
    "photos-deblur": ("photos_repair:deblur", "sharpens photographs out of focus, with a little noise"),
    "photos-lowlight": ("photos_repair:lowlight", "brightens dark photographs and takes their noise away"),
    "photos-zero-dce": ("photos_zero_dce", "brightens dark photographs, learned without any target"),
    "photos-inpaint": ("photos_inpaint", "paints holes in photographs: boxes, strokes, text, irregular ones"),
    "photos-colorize": ("photos_colorize", "gives gray photographs colours"),
    "digits-classifier": ("digits_classifier", "a judge of digits, 16x16: the extractor digits-lenet, under a minute"),
    "fashion-classifier": ("fashion_classifier", "a judge of clothes, 28x28: the extractor fashion-lenet, ten minutes"),
}


def check(name: str) -> None:
    """Raises ValueError if there is no such recipe."""
    if name not in RECIPES:
        raise ValueError(f"There is no recipe {name!r}. Choose one of {', '.join(RECIPES)}.")


def get(name: str) -> Callable[..., str]:
    """The `train` function of a recipe."""
    check(name)
    module, _, function = RECIPES[name][0].partition(":")
    return getattr(import_module(f"keras_imgen.recipes.{module}"), function or "train")


def check_folder(recipe: str, out: str, resume: bool) -> dict:
    """The settings of the run in the folder `out` that is to be resumed, {} for a new run. Imports nothing heavy.

    Raises:
        FileExistsError: a new run in a folder that is not empty, or a finished run.
        FileNotFoundError: nothing to resume.  ValueError: the run of another recipe.
    """
    if not resume:
        if os.path.exists(out) and (not os.path.isdir(out) or os.listdir(out)):
            raise FileExistsError(f"{out} is not empty: resume its run with --resume, or choose another folder.")
        return {}
    path = os.path.join(out, "config.json")
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no run to resume in {out}: it has no config.json.")
    if os.path.exists(os.path.join(out, "report.md")) and not os.path.exists(os.path.join(out, "backup")):
        raise FileExistsError(f"The run in {out} is finished: there is nothing to resume.")
    with open(path) as f:
        config = json.load(f)
    if config.get("recipe") != recipe:
        raise ValueError(f"The run in {out} is of the recipe {config.get('recipe')!r}, not {recipe!r}.")
    return config
