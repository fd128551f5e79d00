"""Whole training runs as plain Python, each in one file: read one, copy it, change it.

Every `train` takes these, with defaults of its own:

Args:
    out: the folder of the run, see `run.Run`.
    epochs: how many; None is chosen by the number of pictures.
    batch: pictures of a batch; None is chosen by their size and number.
    seed: of all that is random.
    steps_per_epoch: batches of an epoch, at most; None is as many as the recipe has.
    resume: go on with the run in `out`, which has the same settings.
"""

import inspect
import json
import os
from collections.abc import Callable, Container
from importlib import import_module

from keras_imgen.run_folder import backups, finished, is_empty, remove_leftovers, unlock

RECIPES = {  # the general ones first, which learn from any pictures
    "diffusion": ("diffusion", "a diffusion model of any pictures, class by class where there are classes"),
    "text-to-image": ("text_to_image", "a diffusion model of any pictures with captions, told in words"),
    "gan": ("gan", "a GAN of any pictures (DCGAN), with DiffAugment where they are few"),
    "stylegan2": ("stylegan2", "StyleGAN2 with adaptive augmentation, of pictures of 8, 16, 32, 64, ... pixels"),
    "vae": ("vae", "a variational autoencoder of any pictures: fast to train, soft pictures"),
    "vqvae": ("vqvae", "pictures as small maps of codes, then a PixelCNN over the codes"),
    "super-resolution": ("photos_sr", "enlarges pictures like those given, by 2 (--set scale=3, 4)"),
    "restore": (
        "photos_restore",
        "takes a camera's noise, JPEG's blocks and slight blur from pictures like those given",
    ),
    "deblock": ("photos_restore:deblock_any", "takes the blocks of JPEG from pictures like those given"),
    "denoise": ("photos_denoise", "takes noise from pictures like those given"),
    "deblur": ("photos_deblur", "sharpens pictures like those given"),
    "lowlight": ("photos_lowlight", "brightens dark pictures like those given"),
    "inpaint": ("photos_inpaint", "paints holes in pictures like those given"),
    "colorize": ("photos_colorize", "gives gray pictures like those given colours"),
    "art-single-image": (
        "art_single_image",
        "new art from one painting (--set picture=PATH), of any size and form: half an hour on a core",
    ),
    "digits-diffusion": (
        "digits_diffusion",
        "handwritten digits, 16x16: 1,797 scans from scikit-learn, minutes on a CPU",
    ),
    "shapes-diffusion": ("shapes_diffusion", "coloured shapes, 32x32, drawn on the fly: no data to fetch"),
    "shapes-text": (
        "shapes_text",
        "text-to-image on scenes of coloured shapes, 32x32, or --size 64: an hour and a half on a CPU",
    ),
    "shapes-text-tokens": (
        "shapes_text_tokens",
        "the same as codes of a VQ-VAE, many at a time (MaskGIT, Muse): an hour on a CPU",
    ),
    "shapes-edit": (
        "shapes_edit",
        "changes such scenes as a sentence says, as 'make the red star blue': an hour and a half on a CPU",
    ),
    "shapes-text-gan": (
        "shapes_text_gan",
        "text-to-image on these scenes by a GAN, in one network call: an hour on a core",
    ),
    "shapes-edit-gan": (
        "shapes_edit_gan",
        "changes these scenes as a sentence says by a GAN, in one network call: an hour on a core",
    ),
    "shapes-segment": (
        "shapes_segment",
        "finds in such scenes what a phrase means, as 'the small red one': half an hour on a CPU",
    ),
    "sprites-text": (
        "latent_text:sprites",
        "text-to-image in latents: characters of pixel art, 64x64, by their clothes and what they do",
    ),
    "emoji-text": ("latent_text:emoji", "the same on emoji, 64x64, by their names"),
    "sprites-clip": ("clip:sprites", "CLIP, small: such characters and their captions as vectors on one sphere"),
    "emoji-clip": ("clip:emoji", "the same of emoji and their names"),
    "fashion-diffusion": ("fashion_diffusion", "Fashion-MNIST, 28x28: 60,000 pictures of clothes, an hour on a CPU"),
    "digits-dcgan": ("digits_dcgan", "a GAN on the 1,500 digits, 16x16, with DiffAugment: five minutes on a CPU"),
    "fashion-dcgan": ("fashion_dcgan", "a GAN on Fashion-MNIST, 28x28, without labels: 20 minutes on a CPU"),
    "clips-repair": ("clips_repair", "finds scratches and dust in films and paints them: 20 minutes on a CPU"),
    "clips-sr-x2": ("clips_sr", "super-resolution of clips by 2, five frames at a time: 20 minutes on a CPU"),
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
    "cifar10-diffusion": (
        "known_diffusion:cifar10",
        "CIFAR-10, 32x32, class by class: small on a CPU, `--preset gpu` for ten minutes of a card",
    ),
    "flowers-diffusion": ("known_diffusion:flowers", "the same on photographs of five kinds of flowers, 64x64"),
    "flowers-gan": ("flowers_gan", "a GAN on these flowers, with DiffAugment; it has `--preset gpu`, too"),
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
    "photos-restore": (
        "photos_restore:restore",
        "photographs as they come: a camera's noise, JPEG, slight blur, and Gaussian noise: 40 minutes on a CPU",
    ),
    "photos-restore-x2": (
        "photos_restore_sr:x2",
        "super-resolution by 2 of noisy and blurred photographs, as they come: 40 minutes on a CPU",
    ),
    "photos-restore-x4": ("photos_restore_sr:x4", "the same by 4 (--set start=MODEL: on against a discriminator)"),
    "photos-deblock": ("photos_restore:deblock", "takes the blocks of JPEG of quality 10 to 90 from photographs"),
    "photos-deblur": ("photos_deblur:published", "sharpens photographs out of focus, with a little noise"),
    "photos-lowlight": (
        "photos_lowlight:published",
        "brightens dark photographs, keeps their lamps, and takes their noise away: 40 minutes on a CPU",
    ),
    "photos-zero-dce": ("photos_zero_dce", "brightens dark photographs, learned without any target"),
    "photos-inpaint": ("photos_inpaint:published", "paints holes in photographs: boxes, strokes, text, irregular ones"),
    "photos-colorize": ("photos_colorize:published", "gives gray photographs colours"),
    "photos-style-starry": ("photos_style:starry", "photographs as van Gogh's Starry Night: half an hour on a core"),
    "photos-style-eight": (
        "photos_style:eight",
        "in eight styles, and mixtures of them (--set styles=A,B,... your own)",
    ),
    "photos-cut-ukiyoe": ("photos_cut", "photographs as prints like Hokusai's, learned without pairs (CUT)"),
    "photos-style-vae": ("photos_style_vae", "content and style of pictures as two latents"),
    "photos-adain": ("photos_style:adain", "in any style, which it is shown: an hour on a core"),
    "clips-denoise": ("clips_denoise", "a blind denoiser of clips, five frames at a time: 20 minutes on a CPU"),
    "clips-interpolate": (
        "clips_interpolate",
        "the frame between two, by flow: lost frames, slow motion; half an hour on a CPU",
    ),
    "digits-classifier": ("digits_classifier", "a judge of digits, 16x16: the extractor digits-lenet, under a minute"),
    "sprites-classifier": (
        "sprites_classifier",
        "a judge of such characters, 64x64: clothes, hair, action, direction, minutes",
    ),
    "digits-moving": (
        "digits_moving",
        "the next ten frames of two bouncing digits, 64x64: 20 minutes on a CPU (--set network=convlstm)",
    ),
    "sprites-video": (
        "sprites_video",
        "text-to-video on such characters, 8 frames of 32x32: who does what, in which direction: half an hour on a CPU",
    ),
    "sprites-video-classifier": ("sprites_video:train_classifier", "a judge of such clips, minutes"),
    "fashion-classifier": ("fashion_classifier", "a judge of clothes, 28x28: the extractor fashion-lenet, ten minutes"),
}
BOUND = {  # by the first word of their names
    "digits": "digits of 16x16",
    "fashion": "Fashion-MNIST, 28x28",
    "shapes": "drawn shapes of 32x32",
    "edges2shapes": "drawn shapes of 32x32",
    "clips": "the shared clips",
    "cifar10": "CIFAR-10, 32x32",
    "flowers": "photographs of flowers, 64x64",
    "sprites": "characters of pixel art",
    "emoji": "emoji of 64x64",
}
TAKE = {
    (f"shapes-{name}", "--size") for name in ("text", "text-tokens", "text-gan", "edit", "edit-gan", "segment")
}  # of those that are made for their data
GENERAL = {  # by the rest of them: what to use for other pictures
    "diffusion": "diffusion",
    "text": "text-to-image",
    "gan": "gan",
    "dcgan": "gan",
    "wgan-gp": "gan",
    "cgan": "gan",
    "stylegan2": "stylegan2",
    "vae": "vae",
    "rae": "vae",
    "vaegan": "vae",
    "beta-vae": "vae",
    "vqvae": "vqvae",
}


def check(name: str, given: Container[str] = ()) -> None:
    """Refuse a recipe that is not there, or options that it does not have.

    Args:
        name: of the recipe.
        given: names of options; a recipe that is made for its data takes no data, size or channels.

    Raises:
        ValueError: what is wrong, in one line.
    """
    if name not in RECIPES:
        raise ValueError(f"There is no recipe {name!r}. Choose one of {', '.join(RECIPES)}.")
    bound, _, rest = name.partition("-")
    asked = [f"--{option}" for option in ("data", "size", "channels") if option in given]
    asked = [option for option in asked if (name, option) not in TAKE]
    if bound in BOUND and asked:
        other = f"for your own pictures use `keras-imgen train {GENERAL[rest]} --data ...`" if rest in GENERAL else ""
        raise ValueError(f"{name} is made for {BOUND[bound]}: {other or f'it has no {asked[0]}'}.")


def works_in_halves(name: str) -> bool:
    """Whether its model computes halves of a batch side by side, as those of diffusion do, see `cores.one_thread_per_op`."""
    return name.rpartition("-")[2] in ("diffusion", "text", "image", "edit", "video")


def get(name: str) -> Callable[..., str]:
    """The `train` function of a recipe.

    Raises:
        ValueError: there is no such recipe.
    """
    check(name)
    module, _, function = RECIPES[name][0].partition(":")
    return getattr(import_module(f"keras_imgen.recipes.{module}"), function or "train")


def resumed(name: str, config: dict) -> dict:
    """Of the settings of a run those that the recipe takes.

    Args:
        name: of the recipe.
        config: the run's settings.
    """
    return {key: config[key] for key in inspect.signature(get(name)).parameters if key in config}


def check_folder(recipe: str, out: str, resume: bool) -> dict:
    """The settings of the run in the folder `out` that is to be resumed, {} for a new run. Imports nothing heavy.

    Args:
        recipe: its name.
        out: the folder.
        resume: whether its run is to go on.

    Raises:
        FileExistsError: a new run in a folder that is not empty, or a finished run.
        FileNotFoundError: nothing to resume.
        ValueError: the run of another recipe.
    """
    if not resume:
        if os.path.exists(out) and (not os.path.isdir(out) or not is_empty(out)):
            raise FileExistsError(f"{out} is not empty: resume its run with --resume, or choose another folder.")
        return {}
    path = os.path.join(out, "config.json")
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no run to resume in {out}: it has no config.json.")
    if finished(out):
        remove_leftovers(out)
        unlock(None, out)  # of a process that was killed at its very end
        raise FileExistsError(f"The run in {out} is finished: there is nothing to resume.")
    if os.path.exists(os.path.join(out, "model.keras")) and not backups(os.path.join(out, "backup")):
        raise FileExistsError(
            f"The run in {out} has a trained model, but neither report nor backup: it cannot go on, and beginning anew would replace "
            "the model. Choose another folder."
        )
    try:
        with open(path, encoding="utf-8") as f:
            config = dict(json.load(f))
    except (ValueError, TypeError):
        raise ValueError(
            f"{path} is damaged: expected the settings of a run, as JSON. The run cannot be resumed."
        ) from None
    if config.get("recipe") != recipe:
        raise ValueError(f"The run in {out} is of the recipe {config.get('recipe')!r}, not {recipe!r}.")
    return config


def kept(out: str) -> bool:
    """Whether a run that was interrupted can go on from the end of an epoch: its own, or one of an earlier stage."""
    stages = [os.path.join(out, name) for name in os.listdir(out)] if os.path.isdir(out) else []
    return any(backups(os.path.join(place, "backup")) or finished(place) for place in [out, *stages])
