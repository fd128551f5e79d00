"""Numbers that are not what an argument stands for are refused in one line that names it, by models in memory and by served ones alike."""

import keras
import numpy as np
import pytest

from keras_imgen import models, networks, serving
from keras_imgen.arguments import finite, integer
from keras_imgen.conditions import Label
from keras_imgen.inference.requests import rows
from keras_imgen.sampling.options import guidance_limits

NAN, INF = float("nan"), float("inf")
NO_NUMBER = (NAN, INF, -INF, "x", [], True, 1e39)
NOT_WHOLE = (1.5, 4.0, "4", True, NAN, [1], 2**63)
SHAPE = (8, 8, 1)
LABEL = (Label(3),)
IMAGES = np.zeros((2, *SHAPE), "uint8")
HOLES = np.ones((2, 8, 8))


def make(kind):
    if kind == "diffusion":
        return models.Diffusion(networks.unet(SHAPE, widths=(8,), depth=1, attention=(), num_classes=3), steps=2)
    if kind == "gan":
        players = networks.mlp_generator(SHAPE, 2, (8,)), networks.mlp_discriminator(SHAPE, (8,))
        return models.GAN(*players)
    if kind == "vae":
        return models.VAE(networks.mlp_encoder(SHAPE, 4, (8,)), networks.mlp_decoder(SHAPE, 2, (8,)))
    return models.Denoiser(networks.ffdnet(1, width=8, depth=2))


@pytest.fixture(scope="module")
def found():
    return {kind: make(kind) for kind in ("diffusion", "gan", "vae", "denoiser")}


@pytest.fixture(scope="module")
def served(found, tmp_path_factory):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("SavedModels are written by TensorFlow")
    place = tmp_path_factory.mktemp("served")
    for kind, model in found.items():
        model.export(str(place / kind))
    return {kind: serving.load(str(place / kind)) for kind in found}


def refused(name, values, call):
    for value in values:
        with pytest.raises(ValueError) as caught:
            call(value)
        said = str(caught.value)
        assert name in said and "\n" not in said and len(said) < 200, said


def everywhere(found):
    """What models in memory and served ones have."""
    many = {"diffusion": "generate", "gan": "generate", "vae": "generate"}
    for kind, method in many.items():
        call = getattr(found[kind], method)
        refused("`seed`", (*NOT_WHOLE, "x", None, [1, 2], np.arange(2), 2**70), lambda v: call(1, seed=v))
        refused("seeds", (1.5, ["x"], [1.0, 2.0], [[1], [2, 3]], [2**70], [True], NAN), lambda v: call(seeds=v))
        refused("`n`", (*NOT_WHOLE, -1), lambda v: call(v))
        refused("`batch_size`", (0, -1, None, *NOT_WHOLE), lambda v: call(1, batch_size=v))
    call = found["diffusion"].generate
    scales = (*NO_NUMBER, [1.0, NAN], [1.0, 2.0, 3.0], [[1.0, 2.0]])
    refused("`guidance_scale`", scales, lambda v: call(2, guidance_scale=v))
    refused("`steps`", (0, -1, *NOT_WHOLE), lambda v: call(1, steps=v))
    refused("sampler", ("", "no", 5, ["ddim"]), lambda v: call(1, sampler=v))
    refused("labels", (2**40, -1, 3, 1.5, [0, NAN], "x", [[1], [2, 3]], True), lambda v: call(labels=v))
    refused("`truncation`", (0, -1.0, 1e-60, *NO_NUMBER), lambda v: found["gan"].generate(1, truncation=v))
    latents = np.zeros((2, 2))
    refused("latents", (latents * NAN, latents + INF, latents + 1e300, "x"), lambda v: found["vae"].decode(v))
    refused("`batch_size`", (0, 1.5, None), lambda v: found["vae"].encode(IMAGES, batch_size=v))
    restore = found["denoiser"].restore
    refused("`sigma`", (-1, [1.0, NAN], [1.0], [[1.0, 2.0]], *NO_NUMBER), lambda v: restore(IMAGES, sigma=v))
    refused("`sigma`", (NAN, [5.0]), lambda v: restore(IMAGES[0], sigma=v))
    refused("`tile`", (0, *NOT_WHOLE), lambda v: restore(IMAGES, sigma=1, tile=v))
    refused("`overlap`", (-1, *NOT_WHOLE), lambda v: restore(IMAGES, sigma=1, overlap=v))


def test_models(found):
    everywhere(found)


def test_served_models(served):
    everywhere(served)


def test_what_models_in_memory_have_besides(found):
    diffusion, gan, vae = (found[k] for k in ("diffusion", "gan", "vae"))
    for call in (
        lambda **how: diffusion.generate(1, **how),
        lambda **how: diffusion.image_to_image(IMAGES, **how),
        lambda **how: diffusion.inpaint(IMAGES, HOLES, **how),
    ):
        refused("`guidance_rescale`", (-0.1, 1.1, *NO_NUMBER), lambda v: call(guidance_rescale=v))
        intervals = ((NAN, 1.0), (0.0, NAN), (INF, INF), (2.0, 1.0), (1.0,), 1.0, "xy", (-1, 1))
        refused("`guidance_interval`", intervals, lambda v: call(guidance_interval=v))
        refused("`eta`", (-1, *NO_NUMBER), lambda v: call(sampler="ddim", eta=v))
        refused("`steps`", (0, 1.5, "x", True), lambda v: call(steps=v))
        refused("grid", ([1.0, NAN], [0.5, 0.7], [NAN, NAN], "no"), lambda v: call(steps=2, grid=v))
        refused("`batch_size`", (0, 1.5, None), lambda v: call(batch_size=v))
    refused("`strength`", (0.0, 1.5, *NO_NUMBER), lambda v: diffusion.image_to_image(IMAGES, strength=v))
    refused("`resample`", (0, *NOT_WHOLE), lambda v: diffusion.inpaint(IMAGES, HOLES, resample=v))
    refused("mask", (HOLES * NAN, HOLES + INF, HOLES.astype(str)), lambda v: diffusion.inpaint(IMAGES, v))
    refused("`steps`", (0, *NOT_WHOLE), lambda v: diffusion.log_likelihood(IMAGES, steps=v))
    refused("`probes`", (0, *NOT_WHOLE), lambda v: diffusion.log_likelihood(IMAGES, probes=v))
    refused("`guide`", (3, "x", gan), lambda v: diffusion.generate(1, guide=v))
    refused("`frames`", (1, *NOT_WHOLE), lambda v: gan.walk([0, 1], frames=v))
    refused("seeds", ([1.5, 2], ["x", "y"], [1], [], 3, NAN), lambda v: gan.walk(v))
    refused("seeds", (1.5, "x"), lambda v: gan.interpolate(0, v))
    refused("`samples`", (0, *NOT_WHOLE), lambda v: vae.log_likelihood(IMAGES, samples=v))
    refused("`seed`", NOT_WHOLE, lambda v: vae.log_likelihood(IMAGES, seed=v))
    refused("`components`", (0, *NOT_WHOLE), lambda v: vae.fit_sampler(IMAGES, "gmm", components=v))
    refused("`seed`", (-1, *NOT_WHOLE), lambda v: vae.fit_sampler(IMAGES, "normal", seed=v))


def test_masks_and_latents_of_restoring_models():
    painter = models.Inpainter(networks.inpainting_unet(1, width=8, depth=2))
    refused("mask", (HOLES * NAN, HOLES + INF, HOLES.astype(str)), lambda v: painter.restore(IMAGES, masks=v))
    several = models.Enhancer(networks.edsr(1, 1, width=8, blocks=1, latent_channels=1))
    refused("`seed`", (-1, *NOT_WHOLE), lambda v: several.restore(IMAGES, seed=v))


def test_what_is_right_is_taken_as_it_is():
    """NumPy's numbers and every int of 64 bits, of which the last 32 count, as ever."""
    for seed in (0, -1, 7, np.int32(7), np.int64(2**40 + 7), 2**63 - 1, -(2**63), np.array(7)):
        ints, labels = rows((), 3, {}, seed)
        expected = [(int(seed) + k) % 2**32 for k in range(3)]
        assert ints.dtype == np.int32 and ints.view("uint32").tolist() == expected and labels == {}
    assert rows(LABEL, None, {"label": 2})[1]["label"].tolist() == [2]
    assert rows(LABEL, np.int64(2), {})[1]["label"].tolist() == [3, 3]
    assert rows((), None, {}, seeds=5)[0].tolist() == [5]
    assert integer("n", np.uint8(3)) == 3 and finite("x", np.float64(0.5)) == np.float32(0.5)
    np.testing.assert_allclose(guidance_limits((0.5, 2.0)), [-2 * np.log(2), 2 * np.log(2)], rtol=1e-6)
    np.testing.assert_array_equal(guidance_limits((0, INF)), [-INF, INF])  # open ends have a meaning
