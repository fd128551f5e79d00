"""Children take the arguments of their parents, and keep them."""

import inspect

import pytest

from keras_imgen import models, networks
from keras_imgen.models import ImageModel
from keras_imgen.models.adversarial import DiffAugment, LeCam
from keras_imgen.models.variational.samplers import GaussianMixture
from keras_imgen.text import Text, Tokenizer

SHAPE = (16, 16, 1)


def _codec(outputs=3):
    return networks.conv_encoder(SHAPE, outputs, width=4), networks.conv_decoder(SHAPE, 3, width=4)


def _players():
    return networks.dcgan_generator(SHAPE, 3, width=4), networks.dcgan_discriminator(SHAPE, width=4)


def _vqvae():
    return networks.vq_encoder(SHAPE, 4, 8), networks.vq_decoder(SHAPE, 4, 8)


def _prior():
    return models.VQVAE(*_vqvae(), codes=8), networks.pixelcnn((4, 4), 8, 8, 2)


def _styles():
    return networks.stylegan2_generator((8, 8, 3), 8, 4, 8, 2), networks.stylegan2_discriminator((8, 8, 3), 4, 8)


def _unpaired():
    translator = lambda: networks.translation_resnet((16, 16, 3), width=4, blocks=1)  # noqa: E731
    judge = lambda: networks.patchgan((16, 16, 3), width=4, depth=1)  # noqa: E731
    return translator(), translator(), judge(), judge()


def _one_way():
    return networks.translation_resnet((16, 16, 3), width=4, blocks=1), networks.patchgan((16, 16, 3), None, 4, 1)


def _paired():
    judge = networks.patchgan((16, 16, 3), condition_channels=3, width=4, depth=1)
    return networks.translation_resnet((16, 16, 3), width=4, blocks=1), judge


def _told(source_channels=None):
    text = Text(Tokenizer.of(["a b"]))
    how = {"vector_dim": 4, "sequence_dim": 4, "source_channels": source_channels}
    players = networks.text_generator(SHAPE, 3, (4, 4), **how), networks.text_discriminator(SHAPE, (4, 4), **how)
    return tuple(networks.TextConditioned(one, networks.text_encoder(text, 4, 1, 2), text) for one in players)


def _content_and_style():
    decoder = networks.style_decoder((8, 8, 8), 3, 1, 1, 1, 8)
    return networks.content_encoder(SHAPE, 4, 1, 1), networks.style_encoder(SHAPE, 6, 4, 1), decoder


def _two_kinds():
    def coders():
        first = networks.content_encoder(SHAPE, 4, 1, 1), networks.style_encoder(SHAPE, 3, 4, 1)
        return *first, networks.style_decoder((8, 8, 8), 3, 1, 1, 1, 8), networks.patchgan(SHAPE, None, 4, 1)

    return *coders(), *coders()


def _restorer(scale=1):
    return (networks.edsr(scale, 3, width=4, blocks=1),)


def _style():
    return networks.adain_encoder(None), networks.adain_decoder(width=4, blocks=1)


def _encoders():
    text = Text(Tokenizer.of(["a word"]))
    texts = networks.TextConditioned(networks.projection(8, 4), networks.text_encoder(text, 8, 1, 2), text)
    return networks.resnet(SHAPE, 4, (8,)), texts


NEEDED = {
    "ArbitraryStyle": _style,
    "Autoencoder": _codec,
    "CLIP": _encoders,
    "CUT": _one_way,
    "CodePrior": _prior,
    "Colorizer": lambda: (networks.colorizer(width=4),),
    "CycleGAN": _unpaired,
    "Diffusion": lambda: (networks.unet(SHAPE, widths=(8,), depth=1, attention=()),),
    "FastStyle": _style,
    "FilmRepairer": lambda: (networks.film_repairer(width=4, blocks=(1,)),),
    "FrameInterpolator": lambda: (networks.flow_interpolator(width=4),),
    "FramePredictor": lambda: (networks.simvp((2, 8, 8, 1), 2, 4, (4,), (1,)),),
    "GAN": _players,
    "IWAE": lambda: _codec(6),
    "InfoVAE": lambda: _codec(6),
    "Inpainter": lambda: (networks.inpainting_unet(),),
    "MUNIT": _two_kinds,
    "MaskedPrior": lambda: (_prior()[0], networks.masked_transformer((4, 4), 8, 8, 1, 2)),
    "MultimodalGAN": lambda: _told(1),
    "Pix2Pix": _paired,
    "RAE": _codec,
    "Segmenter": lambda: (networks.unet(SHAPE, (8,), 1, (), out_channels=1, log_snr=False),),
    "SinGAN": lambda: (
        [networks.singan_generator(3, 4, 2) for _ in "ab"],
        networks.singan_discriminator(3, 4, 2),
        (16, 16, 3),
    ),
    "SinDDM": lambda: (networks.sinddm(1, 4, width=4), SHAPE),
    "StyleGAN2": _styles,
    "StyleVAE": _content_and_style,
    "SuperResolution": lambda: (*_restorer(2), 2),
    "TCVAE": lambda: _codec(6),
    "TextGAN": _told,
    "VAE": lambda: _codec(6),
    "VAEGAN": lambda: (networks.conv_encoder(SHAPE, 6, width=4), *_players()),
    "VQVAE": _vqvae,
    "VideoRestorer": lambda: (networks.video_denoiser(width=4, blocks=(1,)),),
    "WAE": _codec,
    "WGAN": _players,
    "ZeroDCE": lambda: (networks.zero_dce(width=4),),
}

# What parents take besides networks.
VALUES = {
    "adversarial": "hinge",
    "adversarial_weight": 0.1,
    "augment": DiffAugment("cutout"),
    "auxiliary_weight": 0.5,
    "beta": 2.0,
    "capacity": 1.5,
    "class_names": ("one", "two"),
    "content_layers": (1,),
    "content_weight": 0.3,
    "contrastive_weight": 0.4,
    "critic_steps": 3,
    "ema": 0.9,
    "ema_gamma": 3.0,
    "free_bits": 0.1,
    "identity_weight": 0.8,
    "kl_weight": 0.2,
    "likelihood": "bernoulli",
    "loss": "hinge",
    "matching_weight": 0.6,
    "noise": 0.3,
    "objectives": ("mse",),
    "overlap": 32,
    "regularizers": (LeCam(0.3),),
    "seed": 5,
    "shared_fakes": False,
    "sigma": (5.0, 25.0),
    "smoothness": 0.1,
    "style_weight": 2.0,
    "temperature": 0.5,
    "terms": ("histogram",),
}
FRESH = {
    "discriminator": lambda: networks.patchgan((None, None, 3), width=4, depth=1),
    "sampler": lambda: GaussianMixture(3, components=2),
    "trunk": lambda: networks.adain_encoder(None, "trunk"),
}
NETWORKS = {
    "encoder",
    "decoder",
    "generator",
    "network",
    "num_classes",
    "vqvae",
}  # given above, or for those of other networks

# Their docstrings say why.
REFUSED = {
    "IWAE": {"beta", "capacity", "free_bits"},
    "MultimodalGAN": {"augment"},
    "TCVAE": {"capacity", "free_bits"},
    "VAEGAN": {"likelihood"},
    "ZeroDCE": {
        *("objectives", "discriminator", "adversarial", "adversarial_weight"),
        *("regularizers", "encoder", "kl_weight"),
    },
}


def parameters(function):
    return inspect.signature(function).parameters.values()


def own(cls):
    """What its own `__init__` names."""
    return [p.name for p in parameters(cls.__init__) if p.name != "self" and p.kind is not p.VAR_KEYWORD]


def taken(cls):
    """What `__init__` names, and where it has **kwargs what the next one in line names."""
    found = set()
    for c in (c for c in cls.__mro__ if "__init__" in vars(c)):
        found |= set(own(c))
        if not any(p.kind is p.VAR_KEYWORD for p in parameters(c.__init__)):
            break
    return found


@pytest.mark.parametrize("name", sorted(set(models.__all__) - {"ImageModel"}))
def test_children_take_what_their_parents_take(name):
    cls, needed = getattr(models, name), NEEDED.get(name, _restorer)
    parents = [c for c in cls.__mro__[1:] if issubclass(c, ImageModel) and "__init__" in vars(c)]
    inherited = {k for parent in parents for k in own(parent)}
    assert {"ema", "ema_gamma", "seed"} <= inherited <= taken(cls)
    refused, others = REFUSED.get(name, set()), {"dataset_size": 48} if name == "TCVAE" else {}
    positional = own(cls)[: len(needed())]
    given = {k: FRESH[k]() if k in FRESH else VALUES[k] for k in inherited - NETWORKS - refused - set(positional)}
    model = cls(*needed(), **others, **given)
    config = model.get_config()
    for k in given:
        assert config[k] == given[k] if isinstance(given[k], int | float) else k in {*config, "likelihood"}, k
    for k in refused:
        assert f"`{k}`" in cls.__doc__, k
        with pytest.raises(ValueError, match="not apply"):
            cls(*needed(), **others, **{k: VALUES.get(k, 1)})
