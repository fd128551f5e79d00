"""What is done for each row of a batch: broadcasting, reductions, gradients, parts of a batch."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.models import Diffusion
from keras_imgen.networks import unet
from keras_imgen.training import backend
from keras_imgen.training.rows import by_frame, like, per_row

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(3, 2), (3, 2, 4, 1), (3, 2, 2, 4, 1)])
def test_one_number_for_each_row(shape):
    x, v = RNG.normal(size=shape).astype("float32"), np.arange(3, dtype="float32")
    assert np.array(like(v, x)).shape == (3, *[1] * (len(shape) - 1))
    np.testing.assert_array_equal(like(v, x) * x, np.einsum("n,n...->n...", v, x))
    np.testing.assert_allclose(per_row(ops.sum, x), x.reshape(3, -1).sum(1), rtol=1e-5)
    assert np.array(per_row(ops.mean, x, keepdims=True)).shape == np.array(like(v, x)).shape


def diffusion(optimizer=None, **kwargs):
    keras.utils.set_random_seed(0)
    model = Diffusion(unet((8, 8, 1), widths=(8,), depth=1, attention=(8,), num_classes=3), ema=None, seed=1)
    rng = np.random.default_rng(0)
    for v in model.network.trainable_variables:  # none is zero, so that all have gradients
        v.assign(rng.normal(0, 0.2, v.shape).astype("float32"))
    model.compile(optimizer or keras.optimizers.SGD(0.1), **kwargs)
    return model


def batch(count):
    return {"image": RNG.uniform(-1, 1, (count, 8, 8, 1)).astype("float32"), "label": RNG.integers(0, 3, count)}


@pytest.mark.one_backend
def test_gradients_of_rows_are_those_of_a_loop():
    model, variables = diffusion(), None
    rows = {k: ops.convert_to_tensor(v) for k, v in batch(5).items()}
    rows = model.noisy(rows, model.score_keys(rows), False)
    variables = model.network.trainable_variables
    losses, gradients = backend.row_gradients(model, lambda rows: model.loss_of(rows, True), rows, variables)
    for i in range(5):
        row = {k: v[i : i + 1] for k, v in rows.items()}

        def one(row=row):
            loss = model.loss_of(row, True)
            return loss, loss

        loss, expected = backend.gradients(model, one, variables)
        np.testing.assert_allclose(losses[i], loss, rtol=1e-5)
        for v, ours, its in zip(variables, gradients, expected, strict=True):
            its = ops.convert_to_numpy(its)
            np.testing.assert_allclose(ours[i], its, rtol=1e-3, atol=1e-5 * max(1, np.abs(its).max()), err_msg=v.path)
    assert all(tuple(g.shape) == (5, *v.shape) for g, v in zip(gradients, variables))


@pytest.mark.parametrize(
    "parts, count, eager",
    [
        pytest.param(2, 8, True, marks=pytest.mark.one_backend),
        (5, 3, True),
        pytest.param(3, 7, False, marks=pytest.mark.slow),
    ],
)
def test_a_batch_in_parts_is_the_batch(parts, count, eager):
    given, after = batch(count), []
    for microbatches in (1, parts):
        model = diffusion(microbatches=microbatches, run_eagerly=eager and keras.backend.backend() == "tensorflow")
        logs = model.train_on_batch(given, return_dict=True)
        after.append((logs["loss"], [np.array(v) for v in model.network.trainable_variables]))
    assert after[0][0] == pytest.approx(after[1][0], rel=1e-5)
    for a, b in zip(after[0][1], after[1][1]):
        np.testing.assert_allclose(a, b, atol=2e-5)


def test_parts_are_kept_in_the_file_and_checked(tmp_path):
    model = diffusion(microbatches=2)
    model.save(tmp_path / "m.keras")
    assert keras.saving.load_model(tmp_path / "m.keras").microbatches == 2
    with pytest.raises(ValueError, match="`microbatches` as a whole number of at least 1"):
        model.compile(microbatches=0)
    from keras_imgen.models import VAE
    from keras_imgen.networks import mlp_decoder, mlp_encoder

    with pytest.raises(ValueError, match="got \\['microbatches'\\]"):
        VAE(mlp_encoder((8, 8, 1), 4, (8,)), mlp_decoder((8, 8, 1), 2, (8,))).compile(microbatches=2)


def test_a_function_of_pictures_on_every_frame():
    clips = np.random.default_rng(0).normal(size=(3, 4, 2, 5)).astype("float32")
    own = np.arange(3, dtype="float32")
    made = np.array(by_frame(lambda x, k: ops.sum(x, axis=1) + k[:, None], clips, own))
    np.testing.assert_allclose(made, clips.sum(2) + own[:, None, None], rtol=1e-5)
