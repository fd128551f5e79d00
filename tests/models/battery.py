"""A model of every class as small as they come, what it learns from and what it answers; the same on every backend."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_imgen import models, networks
from keras_imgen.models.adversarial import R1, AdaptiveAugment, DiffAugment, GradientPenalty, LeCam
from keras_imgen.models.restoration.objectives import Style
from keras_imgen.text import Text, Tokenizer

SHAPE = (8, 8, 1)
ROWS = 9  # with batches of 4 the last one has a single image


def images(n=48, size=8, channels=1):
    """(pictures, labels)"""
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (n, size, size, channels), "uint8"), rng.integers(0, 3, n).astype("int32")


PICTURES, LABELS = images(ROWS)
COLOUR = images(ROWS, 16, 3)[0]
TRIPLES = np.random.default_rng(3).integers(0, 256, (ROWS, 3, 16, 16, 3), "uint8")
FLOWS = np.random.default_rng(4).uniform(0, 1, (ROWS, 16, 16, 5)).astype("float32")
HOLES = (np.random.default_rng(2).random((ROWS, *SHAPE)) < 0.3).astype("uint8")
LONG = np.random.default_rng(3).integers(0, 256, (ROWS, 7, 8, 8, 1), "uint8")
SPOTS = (np.random.default_rng(4).random(LONG.shape) < 0.2).astype("uint8")
ALONE = {"image": PICTURES}
MOVING = {
    "clip": np.random.default_rng(3).integers(0, 256, (ROWS, 3, *SHAPE), "uint8"),
    "label": LABELS,
    "source": PICTURES,
}
CLIPS = {"clip": np.random.default_rng(3).integers(0, 256, (ROWS, 6, *SHAPE), "uint8")}
LABELLED = {"image": PICTURES, "label": LABELS}
PAIRS = {"image": PICTURES, "target": 255 - PICTURES}
CAPTIONED = {"image": PICTURES, "caption": np.array([f"number {label}" for label in LABELS])}
TEXT = Text(Tokenizer.of(["number 0 1 2"]))


class Case(NamedTuple):
    build: Callable[[], Any]
    data: dict[str, np.ndarray]
    answer: Callable[[Any], np.ndarray]  # of a model in memory and of a served one


def drawn(model):
    return model.generate(3, seed=5)


def of_two_sizes(model):
    """And flattened: one array for both."""
    return np.concatenate([model.generate(3, seed=5).ravel(), model.generate(2, size=(5, 12)).ravel()])


def labelled(model):
    return model.generate(labels=[2, 0, 1], seed=5)


def reconstructed(model):
    return model.reconstruct(PICTURES)


def translated(model):
    return model.translate(PICTURES)


def both_ways(model):
    return np.stack([model.translate(PICTURES), model.translate_back(PICTURES)])


def restored(model, **given):
    return model.restore(PICTURES, **given)


# === Networks, without dropout, which Keras draws otherwise on each backend ===


def coder(latents=3, outputs=6, **kwargs):
    return networks.mlp_encoder(SHAPE, outputs, (8,), **kwargs), networks.mlp_decoder(SHAPE, latents, (8,), **kwargs)


def convolutions():
    encoder = networks.conv_encoder(SHAPE, 6, width=4, num_classes=3)
    return encoder, networks.conv_decoder(SHAPE, 3, width=4, factor=2, num_classes=3)


def players(classes=None):
    return networks.mlp_generator(SHAPE, 4, (8,), classes), networks.mlp_discriminator(SHAPE, (8,), classes)


def gan(**kwargs):
    """With all that has a state: ADA, LeCam, lazy R1, averages, two optimizers."""
    given = {"regularizers": [R1(0.1, every=2), LeCam()], "augment": AdaptiveAugment(images=200, p=0.2), **kwargs}
    return models.GAN(*players(3), num_classes=3, **given)


def vqvae():
    return models.VQVAE(networks.vq_encoder(SHAPE, 4, 8), networks.vq_decoder(SHAPE, 4, 8), codes=8)


def prior(network=networks.pixelcnn, first=None, **kwargs):
    return models.CodePrior(first or vqvae(), network((2, 2), 8, 8, num_classes=3, **kwargs), 3)


def masked_prior():
    network = networks.masked_transformer((2, 2), 8, 8, depth=1, heads=2, num_classes=3, dropout=0.0)
    return models.MaskedPrior(vqvae(), network, 3, steps=2)


def vaegan():
    critic = networks.dcgan_discriminator(SHAPE, width=4)
    return models.VAEGAN(networks.mlp_encoder(SHAPE, 8, (8,)), networks.mlp_generator(SHAPE, 4, (8,)), critic)


def stylegan2():
    sizes = {"width": 4, "largest": 4, "num_classes": 3}
    generator = networks.stylegan2_generator(SHAPE, 4, depth=1, **sizes)
    return models.StyleGAN2(generator, networks.stylegan2_discriminator(SHAPE, **sizes), 3, path_length_every=2)


def pix2pix():
    return models.Pix2Pix(
        networks.translation_unet(SHAPE, 1, width=4, depth=2, dropout=0.0), networks.patchgan(SHAPE, 1, 4, 1)
    )


def cyclegan():
    generators = [networks.translation_resnet(SHAPE, width=4, blocks=1, downs=1) for _ in range(2)]
    critics = [networks.patchgan(SHAPE, width=4, depth=1) for _ in range(2)]
    return models.CycleGAN(*generators, *critics, buffer=6, identity_weight=5.0)


def cut():
    """With all that draws: places, and mirrored images."""
    generator = networks.translation_resnet(SHAPE, width=4, blocks=1, downs=1)
    heads = networks.patch_heads((1, 8, 8), units=8)
    return models.CUT(generator, networks.patchgan(SHAPE, width=4, depth=1), patches=9, flip=True, heads=heads)


def munit():
    def coders():
        first = networks.content_encoder(SHAPE, 4, 1, 1), networks.style_encoder(SHAPE, 3, 4, 1)
        return *first, networks.style_decoder((4, 4, 8), 3, 1, 1, 1, 8), networks.patchgan(SHAPE, None, 4, 1)

    return models.MUNIT(*coders(), *coders())


def in_many_styles(model):
    drawn, back = model.translate(PICTURES, seed=5), model.translate_back(PICTURES)
    return np.stack([drawn, back, model.translate_like(PICTURES, PICTURES[::-1])])


def style_vae():
    coders = networks.content_encoder(SHAPE, 4, 1, 1), networks.style_encoder(SHAPE, 6, 4, 1)
    trunk = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3)])
    terms = {"content_objectives": "l1", "style_objectives": Style(trunk=trunk, every=2)}
    return models.StyleVAE(*coders, networks.style_decoder((4, 4, 8), 3, 1, 1, 1, 8), **terms)


def content_and_style(model):
    """All that it answers with pictures."""
    drawn = model.generate(conditions={"image": PICTURES}, seed=5)
    moved = model.transfer(PICTURES, PICTURES[::-1], alpha=0.5)
    coded = model.decode(model.encode_content(PICTURES), model.encode_style(PICTURES))
    return np.stack([drawn, moved, coded, model.reconstruct(PICTURES)])


def diffusion():
    return models.Diffusion(networks.dit(SHAPE, patch=4, width=8, depth=1, heads=1, num_classes=3), steps=2)


def told_texts():
    network = networks.dit(SHAPE, patch=4, width=8, depth=1, heads=1, vector_dim=8, sequence_dim=8)
    network = networks.TextConditioned(network, networks.text_encoder(TEXT, 8, 1, 2), TEXT)
    return models.Diffusion(network, steps=2)


def adversarial_texts(source_channels=None):
    how = {"vector_dim": 8, "sequence_dim": 8, "source_channels": source_channels}
    players = (
        networks.text_generator(SHAPE, 4, (4, 8), 1, attention=(8,), **how),
        networks.text_discriminator(SHAPE, (4, 8), **how),
    )
    players = [networks.TextConditioned(network, networks.text_encoder(TEXT, 8, 1, 2), TEXT) for network in players]
    given = {"loss": "hinge", "regularizers": (), "shared_fakes": True}
    return (models.MultimodalGAN if source_channels else models.TextGAN)(*players, **given)


def of_clips():
    return models.Diffusion(networks.unet((3, *SHAPE), (4, 4), 1, (4,), num_classes=3, source_channels=1), steps=2)


def clip_coders():
    return networks.clip_encoder((6, *SHAPE), 6, 2), networks.clip_decoder((6, *SHAPE), 3, 2)


def singan():
    generators = [networks.singan_generator(1, 4, 2) for _ in range(2)]
    return models.SinGAN(generators, networks.singan_discriminator(1, 4, 2), SHAPE)


def segmenter():
    how = {"num_classes": 3, "out_channels": 1, "log_snr": False}
    return models.Segmenter(networks.unet(SHAPE, (4, 4), 1, (), **how))


def stylizer(kind, **how):
    encoder, trunk = networks.adain_encoder(None), networks.adain_encoder(None, "trunk")
    how = {"trunk": trunk, "content_layers": (1,), "terms": ("gram", "sliced_wasserstein"), **how}
    return kind(encoder, networks.adain_decoder(width=4, blocks=1), **how)


def predictor():
    return models.FramePredictor(networks.simvp((3, 8, 8, 1), 2, 4, (4, 4), (1, 1)))


def clip():
    texts = networks.TextConditioned(networks.projection(8, 4), networks.text_encoder(TEXT, 8, 1, 2), TEXT)
    return models.CLIP(networks.resnet(SHAPE, 4, (8,)), texts)


def bits(vectors):
    """The bytes of floats."""
    return np.ascontiguousarray(vectors).view("uint8")


def flat(channels_in=1, channels_out=1):
    """One convolution that takes what it is given."""
    image = keras.Input((None, None, channels_in), name="image")
    return keras.Model(image, keras.layers.Conv2D(channels_out, 3, padding="same", dtype="float32")(image))


def against_a_critic():
    critic = networks.patchgan((None, None, 1), width=4, depth=1)
    terms = [GradientPenalty(every=2), LeCam()]
    how = {"adversarial": "wasserstein", "adversarial_weight": 0.1, "regularizers": terms}
    return models.SuperResolution(networks.espcn(2, 1), 2, ["l1", "dssim"], discriminator=critic, **how)


def told_holes():
    return models.Inpainter(networks.inpainting_unet(1, width=4, depth=1))


def video_restorer():
    return models.VideoRestorer(networks.video_denoiser(1, width=4, blocks=(1,), noise_map=True), (0, 55))


def film_repairer():
    return models.FilmRepairer(networks.film_repairer(1, width=4, blocks=(1,)))


def repaired(model):
    return np.concatenate([model.restore(LONG), model.find(LONG), model.restore(LONG, masks=SPOTS)])


ANNEALED = keras.optimizers.schedules.PolynomialDecay(0.0, 10, 1.0)
LARGE = PICTURES.repeat(2, 1).repeat(2, 2)

# By class; what follows a dash tells one of a class from another.
CASES = {
    "Autoencoder": Case(lambda: models.Autoencoder(*coder(6), noise=0.3), ALONE, reconstructed),
    "RAE": Case(lambda: models.RAE(*coder(6), decoder_penalty="gradient"), ALONE, reconstructed),
    "RAE-l2": Case(lambda: models.RAE(*coder(6)), ALONE, reconstructed),
    "WAE": Case(lambda: models.WAE(*coder(6)), ALONE, reconstructed),
    "VAE": Case(
        lambda: models.VAE(*convolutions(), 3, likelihood="discretized_logistic", capacity=3.0, beta=4.0),
        LABELLED,
        labelled,
    ),
    "VAE-clip": Case(lambda: models.VAE(*clip_coders()), CLIPS, drawn),
    "VAE-annealed": Case(lambda: models.VAE(*coder(), beta=ANNEALED, free_bits=0.1), ALONE, drawn),
    "IWAE": Case(lambda: models.IWAE(*coder(), likelihood="bernoulli", samples=4), ALONE, drawn),
    "TCVAE": Case(lambda: models.TCVAE(*coder(), dataset_size=ROWS), ALONE, drawn),
    "InfoVAE": Case(lambda: models.InfoVAE(*coder()), ALONE, drawn),
    "VQVAE": Case(vqvae, ALONE, reconstructed),
    "CodePrior": Case(lambda: prior(depth=1), LABELLED, labelled),
    "CodePrior-transformer": Case(
        lambda: prior(networks.code_transformer, depth=1, heads=2, dropout=0.0), LABELLED, labelled
    ),
    "MaskedPrior": Case(masked_prior, LABELLED, labelled),
    "VAEGAN": Case(vaegan, ALONE, drawn),
    "GAN": Case(gan, LABELLED, labelled),
    "GAN-vgan": Case(
        lambda: models.GAN(
            networks.vgan_generator((6, *SHAPE), 4, 2),
            networks.vgan_discriminator((6, *SHAPE), 2),
            augment=DiffAugment(),
        ),
        CLIPS,
        drawn,
    ),
    "GAN-mocogan": Case(
        lambda: models.GAN(
            networks.mocogan_generator((6, *SHAPE), 3, 2, 2, 3), networks.mocogan_discriminator((6, *SHAPE), 2, 3), 3
        ),
        {**CLIPS, "label": LABELS},
        labelled,
    ),
    "WGAN": Case(lambda: models.WGAN(*players(), critic_steps=2), ALONE, drawn),
    "StyleGAN2": Case(stylegan2, LABELLED, lambda model: model.generate(labels=[2, 0, 1], truncation=0.7)),
    "TextGAN": Case(
        adversarial_texts,
        CAPTIONED,
        lambda model: model.generate(conditions={"caption": ["number 1", "2", ""]}, truncation=0.7),
    ),
    "MultimodalGAN": Case(
        lambda: adversarial_texts(1),
        {**CAPTIONED, "source": 255 - PICTURES},
        lambda model: model.generate(conditions={"caption": ["number 1", "2", ""], "source": PICTURES[:3]}, seed=5),
    ),
    "Pix2Pix": Case(pix2pix, PAIRS, translated),
    "CycleGAN": Case(cyclegan, PAIRS, both_ways),
    "CUT": Case(cut, PAIRS, translated),
    "MUNIT": Case(munit, PAIRS, in_many_styles),
    "StyleVAE": Case(style_vae, ALONE, content_and_style),
    "Diffusion": Case(diffusion, LABELLED, labelled),
    "Diffusion-clip": Case(
        of_clips, MOVING, lambda model: model.generate(labels=[2, 0, 1], conditions={"source": PICTURES[:3]}, seed=5)
    ),
    "SinDDM": Case(
        lambda: models.SinDDM(networks.sinddm(1, 2, width=4), SHAPE, levels=2, steps=3), ALONE, of_two_sizes
    ),
    "SinGAN": Case(singan, ALONE, of_two_sizes),
    "Diffusion-text": Case(
        told_texts,
        CAPTIONED,
        lambda model: model.generate(conditions={"caption": ["number 1", "2", ""]}, guidance_scale=2.0),
    ),
    "FramePredictor": Case(predictor, CLIPS, lambda model: model.predict_frames(CLIPS["clip"], 5)),
    "FramePredictor-convlstm": Case(
        lambda: models.FramePredictor(networks.convlstm((3, 8, 8, 1), 3, (4, 4))),
        CLIPS,
        lambda model: model.predict_frames(CLIPS["clip"][:, :3], 3),
    ),
    "Segmenter": Case(
        segmenter, {"image": PICTURES, "mask": HOLES, "label": LABELS}, lambda model: model.segment(PICTURES, labels=1)
    ),
    "CLIP": Case(
        clip,
        {"image": PICTURES, "caption": np.array([f"number {label}" for label in LABELS])},
        lambda model: bits(np.concatenate([model.embed_images(PICTURES), model.embed_texts(["number 1", "2", ""])])),
    ),
    "SuperResolution": Case(against_a_critic, {"image": PICTURES, "target": LARGE}, restored),
    "Denoiser-mixed": Case(
        lambda: models.Denoiser(flat(), gaussian_share=0.5), {"image": PICTURES, "target": PICTURES}, restored
    ),
    "Denoiser": Case(
        lambda: models.Denoiser(networks.ffdnet(1, width=4, depth=2)), ALONE, lambda model: restored(model, sigma=20)
    ),
    "Deblurrer": Case(lambda: models.Deblurrer(flat()), PAIRS, restored),
    "Enhancer": Case(lambda: models.Enhancer(flat()), PAIRS, restored),
    "Enhancer-lowlight": Case(
        lambda: models.Enhancer(networks.lowlight_unet(1, 6, (1,), 8)),
        PAIRS,
        lambda model: restored(model, exposure=0.5, grain=[0.1 * k for k in range(ROWS)]),
    ),
    "Inpainter": Case(told_holes, {**PAIRS, "mask": HOLES}, lambda model: restored(model, masks=HOLES)),
    "Colorizer": Case(lambda: models.Colorizer(flat(1, 2)), {"image": COLOUR}, restored),
    "VideoRestorer": Case(video_restorer, {"clip": LONG}, lambda model: model.restore(LONG, sigma=20)),
    "FilmRepairer": Case(film_repairer, {"clip": np.where(SPOTS, 255, LONG), "target": LONG, "mask": SPOTS}, repaired),
    "FastStyle": Case(
        lambda: stylizer(models.FastStyle, num_styles=3),
        {"image": COLOUR, "style": COLOUR[::-1], "label": LABELS},
        lambda model: model.stylize(COLOUR, styles=LABELS, alpha=0.7),
    ),
    "ArbitraryStyle": Case(
        lambda: stylizer(models.ArbitraryStyle),
        {"image": COLOUR, "style": COLOUR[::-1]},
        lambda model: model.stylize(COLOUR, COLOUR[::-1]),
    ),
    "FrameInterpolator": Case(
        lambda: models.FrameInterpolator(networks.flow_interpolator(width=4, levels=2), ["laplacian", "census"]),
        {"clip": TRIPLES, "flow": FLOWS},
        lambda model: model.between(TRIPLES[:, 0], TRIPLES[:, 2], np.linspace(0.2, 0.8, ROWS)),
    ),
    "ZeroDCE": Case(
        lambda: models.ZeroDCE(networks.zero_dce(width=4)), {"image": COLOUR}, lambda model: model.restore(COLOUR)
    ),
}


def compiled(model, optimizer=keras.optimizers.Adam, rate=1e-3, **how):
    """With weights from NumPy, so that every backend starts alike."""
    rng = np.random.default_rng(0)
    for network in [*model.players.values(), *model.parts.values()]:
        for v in network.variables:
            if len(v.shape) > 1:
                v.assign(rng.normal(size=v.shape) / np.sqrt(np.prod(v.shape[:-1])))
    if hasattr(model, "codebook"):
        model.codebook.assign(rng.normal(size=model.codebook.shape))
    for v, average in model._averages:
        average.assign(np.array(v))
    names = list(model.players)
    rates = {name: optimizer(rate * (1 + k)) for k, name in enumerate(names)}
    given = {"optimizer": rates[names[0]]} if len(names) == 1 else {f"{n}_optimizer": o for n, o in rates.items()}
    model.compile(**given, **how)
    return model


def make(name, *args, **kwargs):
    return compiled(CASES[name].build(), *args, **kwargs)


def state(model):
    """Every number that a resumed run needs, as NumPy arrays."""
    return [np.array(v) for v in [*model.variables, *model.optimizer.variables]]
