import numpy as np
import pytest
from keras import ops

from keras_imgen import networks
from keras_imgen.data.imresize import imresize
from keras_imgen.models import SinDDM
from keras_imgen.models.style.pyramid import Pyramid, detail
from keras_imgen.sampling.coarse_to_fine import tables
from keras_imgen.sampling.schedules import Cosine
from keras_imgen.training import random

SHAPE = (20, 28, 3)
PICTURE = np.random.default_rng(0).integers(0, 256, SHAPE, "uint8")


@pytest.fixture(scope="module")
def model():
    return SinDDM(networks.sinddm(3, 3, width=4), SHAPE, levels=3, starts=(0.3, 0.2), steps=4, ema=None)


def test_levels_are_those_of_imresize():
    pyramid = Pyramid((20, 28), 1.4, 3)
    assert pyramid.sizes == [(10, 14), (14, 20), (20, 28)]
    x = PICTURE.astype("float32")
    every = [np.asarray(v)[0] for v in pyramid.of(ops.convert_to_tensor(x[None]))]
    for level, size in zip(every, pyramid.sizes):
        np.testing.assert_allclose(level, imresize(x, size), atol=1e-3)
    larger = np.asarray(pyramid.enlarged(ops.convert_to_tensor(every[1][None]), 2))[0]
    np.testing.assert_allclose(larger, imresize(every[1].astype("float64"), (20, 28)), atol=1e-3)
    np.testing.assert_allclose(detail(PICTURE, 1.4, 3)[1], np.sqrt(np.mean((larger - x) ** 2)) / 127.5, rtol=1e-4)


def test_tables_are_of_the_mixture():
    """alpha' = alpha (1 - gamma), so that the shift by the enlarged picture follows from sigma alone."""
    coarse, fine = tables("dpmpp_2m", Cosine(), 6, [0.25])
    alpha = np.sqrt(1 - fine[:, 1] ** 2)
    gamma = np.minimum(fine[:, 1] / alpha / 0.25, 0.55)
    np.testing.assert_allclose(fine[:, 0], alpha * (1 - gamma), rtol=1e-6)
    np.testing.assert_allclose(fine[0, 1] / alpha[0], 0.25, rtol=1e-6)
    np.testing.assert_allclose(np.hypot(coarse[:, 0], coarse[:, 1]), 1.0, rtol=1e-6)


def test_it_learns_the_mixture(model):
    keys = random.key(ops.convert_to_tensor(np.arange(3, dtype="int32")))
    x0 = ops.convert_to_tensor(np.repeat(PICTURE[None], 3, 0).astype("float32") / 127.5 - 1)
    every = model._pyramid.of(x0)
    for k, rows in enumerate(model.noisy(x0, keys)):
        x, alpha, sigma, target = (np.asarray(rows[name], "float64") for name in ("image", "alpha", "sigma", "target"))
        s, clean = sigma / alpha, np.asarray(every[k])
        if k:
            gamma = np.minimum(s / model.starts[k - 1], 0.55)
            clean = gamma * np.asarray(model._pyramid.enlarged(every[k - 1], k)) + (1 - gamma) * clean
            assert (s <= model.starts[k - 1] * 1.0001).all()
        np.testing.assert_allclose(alpha * x - sigma * target, clean, atol=1e-4)  # v of alpha² + sigma² = 1
        assert 0.9 < ((x - alpha * clean) / sigma).std() < 1.1


@pytest.mark.parametrize("sampler", ["dpmpp_2m", "ddpm"])
def test_an_exact_denoiser_gives_the_picture_back(model, sampler, monkeypatch):
    every = [np.asarray(v)[0] for v in model._pyramid.of(ops.convert_to_tensor(PICTURE[None] / np.float32(127.5) - 1))]
    inside = [np.clip(v, -1, 1) for v in every]

    def exact(x, alpha, sigma, level):
        if level == 0:
            return ops.zeros_like(x) + inside[0]
        gamma = ops.minimum(sigma / alpha / model.starts[level - 1], 0.55)
        below = model._pyramid.enlarged(ops.convert_to_tensor(inside[level - 1][None]), level)
        return gamma * below + (1 - gamma) * inside[level]

    monkeypatch.setattr(model, "denoise", exact)
    model.forget_functions()
    made = model.generate(2, seed=3, sampler=sampler, steps=3)
    model.forget_functions()
    assert np.abs(made.astype(int) - PICTURE).max() <= 1


def test_any_size_row_by_row(model):
    several = model.generate(3, seed=5, size=(9, 31))
    assert several.shape == (3, 9, 31, 3) and (several[0] != several[1]).any()
    alone = model.generate(1, seed=7, size=(9, 31))
    assert np.abs(several[2].astype(int) - alone[0]).max() <= 1
    for size in ((9,), (0, 9), (9.5, 9), (9, 99999)):
        with pytest.raises(ValueError, match="Expected `size`"):
            model.generate(1, size=size)


@pytest.mark.slow
def test_restyled_and_outpainted(model):
    assert model.restyle(PICTURE[None, :15], level=2).shape == (1, 15, 28, 3)
    with pytest.raises(ValueError, match="of at most 2"):
        model.restyle(PICTURE[None], level=3)
    part = PICTURE[:10, :12]
    wider = model.outpaint(part, (12, 40), n=2, seed=1)
    assert wider.shape == (2, 12, 40, 3) and (wider[:, 1:11, 14:26] == part).all() and (wider[0] != wider[1]).any()
    with pytest.raises(ValueError, match="at least"):
        model.outpaint(PICTURE, (12, 40))


def test_the_field_of_view():
    network = networks.sinddm(1, 2, width=4)
    rng = np.random.default_rng(0)
    for v in network.trainable_variables:
        v.assign(rng.normal(size=v.shape) * 0.3)
    x = np.zeros((1, 49, 49, 1), "float32")
    dotted = x.copy()
    dotted[0, 24, 24] = 5.0
    told = {"log_snr": np.zeros(1, "float32"), "level": np.ones(1, "int32")}
    seen = [np.asarray(network({"image": v, **told}))[0, :, :, 0] for v in (x, dotted)]
    rows, columns = np.nonzero(seen[0] != seen[1])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 40, 8, 40)


def test_what_is_refused():
    with pytest.raises(ValueError, match="starts"):
        SinDDM(networks.sinddm(3, 3, width=4), SHAPE, levels=3, starts=(0.3,) * 3)
    with pytest.raises(ValueError, match="factor"):
        SinDDM(networks.sinddm(3, 3, width=4), SHAPE, factor=1.0)
