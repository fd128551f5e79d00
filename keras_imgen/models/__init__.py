"""What users compile and fit."""

from importlib import import_module

_HOMES = {
    "CycleGAN": "keras_imgen.models.adversarial.cyclegan",
    "Diffusion": "keras_imgen.models.diffusion.diffusion",
    "GAN": "keras_imgen.models.adversarial.gan",
    "ImageModel": "keras_imgen.models.image_model",
    "Pix2Pix": "keras_imgen.models.adversarial.pix2pix",
    "StyleGAN2": "keras_imgen.models.adversarial.stylegan2",
    "WGAN": "keras_imgen.models.adversarial.gan",
}
__all__ = list(_HOMES)


def __getattr__(name: str):
    # On demand: serving reads the samplers below this package and must not pull in what trains.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
