"""What users compile and fit."""

from importlib import import_module

_HOMES = {
    "ArbitraryStyle": "keras_imgen.models.style.arbitrary",
    "Autoencoder": "keras_imgen.models.variational.autoencoder",
    "CLIP": "keras_imgen.models.contrastive",
    "CUT": "keras_imgen.models.adversarial.cut",
    "CodePrior": "keras_imgen.models.variational.code_prior",
    "Colorizer": "keras_imgen.models.restoration.tasks",
    "CycleGAN": "keras_imgen.models.adversarial.cyclegan",
    "Deblurrer": "keras_imgen.models.restoration.tasks",
    "Denoiser": "keras_imgen.models.restoration.tasks",
    "Diffusion": "keras_imgen.models.diffusion.diffusion",
    "Enhancer": "keras_imgen.models.restoration.tasks",
    "FastStyle": "keras_imgen.models.style.fast",
    "FilmRepairer": "keras_imgen.models.video.repairer",
    "FrameInterpolator": "keras_imgen.models.video.interpolator",
    "FramePredictor": "keras_imgen.models.video.prediction",
    "GAN": "keras_imgen.models.adversarial.gan",
    "IWAE": "keras_imgen.models.variational.vae",
    "ImageModel": "keras_imgen.models.image_model",
    "InfoVAE": "keras_imgen.models.variational.vae",
    "Inpainter": "keras_imgen.models.restoration.tasks",
    "MUNIT": "keras_imgen.models.adversarial.munit",
    "MaskedPrior": "keras_imgen.models.variational.masked_prior",
    "MultimodalGAN": "keras_imgen.models.adversarial.text_gan",
    "Pix2Pix": "keras_imgen.models.adversarial.pix2pix",
    "RAE": "keras_imgen.models.variational.autoencoder",
    "Segmenter": "keras_imgen.models.segmenter",
    "SinDDM": "keras_imgen.models.style.single_image",
    "SinGAN": "keras_imgen.models.style.singan",
    "StyleGAN2": "keras_imgen.models.adversarial.stylegan2",
    "StyleVAE": "keras_imgen.models.style.style_vae",
    "SuperResolution": "keras_imgen.models.restoration.tasks",
    "TCVAE": "keras_imgen.models.variational.vae",
    "TextGAN": "keras_imgen.models.adversarial.text_gan",
    "VAE": "keras_imgen.models.variational.vae",
    "VAEGAN": "keras_imgen.models.variational.vaegan",
    "VQVAE": "keras_imgen.models.variational.vqvae",
    "VideoRestorer": "keras_imgen.models.video.restorer",
    "WAE": "keras_imgen.models.variational.autoencoder",
    "WGAN": "keras_imgen.models.adversarial.gan",
    "ZeroDCE": "keras_imgen.models.restoration.tasks",
}
__all__ = list(_HOMES)


def __getattr__(name: str):
    # On demand: serving reads the samplers below this package and must not pull in what trains.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
