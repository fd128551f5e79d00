"""What people write who know Keras works on a model of every kind, or is refused in words."""

import csv
import glob
import warnings

import keras
import numpy as np
import pytest
from keras import callbacks as kc

from keras_imgen import load_model, models, networks

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (24, 8, 8, 1)).astype("uint8")
LARGE = X.repeat(2, 1).repeat(2, 2)
Y = RNG.integers(0, 3, 24)


def diffusion(classes=None):
    net = networks.unet((8, 8, 1), widths=(8,), depth=1, attention=(), num_classes=classes)
    return models.Diffusion(net, steps=2, ema=0.9)


def gan(classes=None):
    pair = networks.mlp_generator((8, 8, 1), 4, (8,), classes), networks.mlp_discriminator((8, 8, 1), (8,), classes)
    return models.GAN(*pair, classes, ema=0.9)


def vae():
    return models.VAE(networks.mlp_encoder((8, 8, 1), 8, (8,)), networks.mlp_decoder((8, 8, 1), 4, (8,)), ema=0.9)


def pix2pix():
    pair = networks.translation_unet((8, 8, 1), 1, width=4, depth=2), networks.patchgan((8, 8, 1), 1, 4, 1)
    return models.Pix2Pix(*pair, ema=0.9)


def enlarger():
    return models.SuperResolution(networks.espcn(2), scale=2, ema=0.9)


KINDS = {"diffusion": diffusion, "gan": gan, "vae": vae, "pix2pix": pix2pix, "super-resolution": enlarger}
QUICK = ("gan", "vae")
every_kind = pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[] if kind in QUICK else [pytest.mark.slow]) for kind in KINDS]
)


# Where many models take a few steps each; on TensorFlow it spares the compiling, most of their time.
EAGER = {"run_eagerly": keras.backend.backend() == "tensorflow"}


def made(kind, rate=1e-3, optimizer=keras.optimizers.Adam, **how):
    keras.utils.set_random_seed(0)
    model = KINDS[kind]()
    if len(model.players) == 1:
        model.compile(optimizer(rate), **how)
    else:
        model.compile(**{f"{n}_optimizer": optimizer(rate * (k + 1)) for k, n in enumerate(model.players)}, **how)
    return model


def arrays(kind):
    """(x, y) as the kind learns from."""
    return (X, {"pix2pix": 255 - X, "super-resolution": LARGE}.get(kind))


def state(model):
    return [np.array(keras.ops.convert_to_numpy(v)) for v in [*model.variables, *model.optimizer.variables]]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


class Judge(kc.Callback):
    """Logs a number that grows, and keeps the weights after each epoch."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def on_epoch_end(self, epoch, logs=None):
        logs["judge"] = float(epoch)
        self.weights.append(self.model.get_weights())


@every_kind
def test_callbacks_of_keras(kind, tmp_path):
    model, judge = made(kind), Judge()
    x, y = arrays(kind)
    given = [
        judge,
        kc.LearningRateScheduler(lambda epoch, rate: rate / 2),
        kc.ReduceLROnPlateau(monitor="judge", factor=0.1, patience=2, mode="min"),
        kc.ModelCheckpoint(str(tmp_path / "best.keras"), monitor="judge", mode="min", save_best_only=True),
        kc.ModelCheckpoint(str(tmp_path / "{epoch}.weights.h5"), save_weights_only=True),
        kc.ModelCheckpoint(str(tmp_path / "steps.keras"), save_freq=2),
        kc.BackupAndRestore(str(tmp_path / "backup"), save_freq=2, delete_checkpoint=False),
        kc.CSVLogger(str(tmp_path / "log.csv")),
        kc.TerminateOnNaN(),
        kc.EarlyStopping(monitor="judge", mode="min", patience=2, restore_best_weights=True),
    ]
    history = model.fit(x, y, batch_size=8, epochs=9, verbose=0, callbacks=given, validation_data=(x, y)).history
    assert history["judge"] == [0.0, 1.0, 2.0]  # and then stopped
    assert same(model.get_weights(), judge.weights[0])
    name = "learning_rate" if len(model.players) == 1 else "learning_rate_{}"
    for k, player in enumerate(model.players):  # each rate is halved from its own, and cut at the end by the plateau
        rates = history[name.format(player)]
        np.testing.assert_allclose(
            rates, 1e-3 * (1 if len(model.players) == 1 else k + 1) * 0.5 ** np.arange(1, 4), rtol=1e-5
        )
    best, again = load_model(str(tmp_path / "best.keras")), made(kind)
    assert same(best.get_weights(), judge.weights[0])
    again.load_weights(str(tmp_path / "3.weights.h5"))
    assert same(again.get_weights(), judge.weights[2])
    with open(tmp_path / "log.csv") as f:
        rows = list(csv.DictReader(f))
    assert [row["judge"] for row in rows] == ["0.0", "1.0", "2.0"] and any(k.startswith("val_") for k in rows[0])
    assert (tmp_path / "steps.keras").exists() and (tmp_path / "backup").exists()


def test_tensorboard(tmp_path):
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from keras_imgen.callbacks import SampleGrid

    grid = SampleGrid(str(tmp_path / "samples"), n=4, tensorboard=str(tmp_path / "logs"))
    made("gan").fit(X, batch_size=8, epochs=2, verbose=0, callbacks=[kc.TensorBoard(str(tmp_path / "logs")), grid])
    seen = event_accumulator.EventAccumulator(str(tmp_path / "logs")).Reload().Tags()
    assert seen["tensors"] == ["samples"]
    epochs = event_accumulator.EventAccumulator(str(tmp_path / "logs" / "train")).Reload().Tags()
    assert "epoch_generator_loss" in epochs["tensors"]


class Batches(keras.utils.PyDataset):
    def __init__(self, rows, **kwargs):
        super().__init__(**kwargs)
        self.rows = rows

    def __len__(self):
        return 3

    def __getitem__(self, k):
        return tuple(v[8 * k : 8 * k + 8] for v in self.rows if v is not None)


class Loader:
    """Batches again and again, as a data loader of PyTorch."""

    def __init__(self, rows):
        self.batches = Batches(rows)

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        return ([*self.batches[k]] for k in range(len(self)))


@pytest.mark.tensorflow
@pytest.mark.parametrize("kind", [pytest.param(k, marks=[pytest.mark.slow] * (k != "vae")) for k in KINDS])
def test_forms_of_data_are_one(kind):
    import jax.numpy as jnp
    import tensorflow as tf

    x, y = arrays(kind)
    second = KINDS[kind]().second
    as_dict = {"image": x, **({} if y is None else {second: y})}
    pieces = tf.data.Dataset.from_tensor_slices(x if y is None else (x, y))

    def tf_tensor(given):
        return None if given is None else tf.constant(given)

    def endless():
        while True:
            yield from (b for b in Batches((x, y)))

    forms = {
        "arrays": lambda fit: fit(x, y, batch_size=8, shuffle=False),
        "dict": lambda fit: fit(as_dict, batch_size=8, shuffle=False),
        "int64": lambda fit: fit(x.astype("int64"), y, batch_size=8, shuffle=False),
        "tf.data": lambda fit: fit(pieces.batch(8)),
        "tf.data of dicts": lambda fit: fit(tf.data.Dataset.from_tensor_slices(as_dict).batch(8)),
        "endless tf.data": lambda fit: fit(pieces.batch(8).repeat(), steps_per_epoch=3),
        "PyDataset with workers": lambda fit: fit(Batches((x, y), workers=2), shuffle=False),
        "generator": lambda fit: fit(endless(), steps_per_epoch=3),
        "a loader": lambda fit: fit(Loader((x, y))),
        "TensorFlow's tensors": lambda fit: fit(*map(tf_tensor, (x, y)), batch_size=8, shuffle=False),
        "JAX's in a dict": lambda fit: fit(
            {k: jnp.asarray(v) for k, v in as_dict.items()}, batch_size=8, shuffle=False
        ),
        "train_on_batch": None,
    }
    expected = None
    for name, fit in forms.items():
        model = made(kind, optimizer=keras.optimizers.SGD, **EAGER)
        if fit is None:
            for _ in range(2):
                for batch in range(3):
                    model.train_on_batch(*Batches((x, y))[batch])
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)  # nothing to warn of
                fit(lambda *a, **k: model.fit(*a, epochs=3, initial_epoch=1, verbose=0, **k))
        expected = expected or state(model)
        for mine, its in zip(
            state(model), expected, strict=True
        ):  # graphs of an unknown number of rows round otherwise
            np.testing.assert_allclose(mine, its, atol=1e-6, err_msg=name)


@every_kind
def test_validation_split_is_the_last_rows(kind):
    x, y = arrays(kind)
    split = made(kind, **EAGER).fit(x, y, 8, 1, 0, validation_split=0.25).history
    rest = None if y is None else y[18:]
    whole = (
        made(kind, **EAGER).fit(x[:18], None if y is None else y[:18], 8, 1, 0, validation_data=(x[18:], rest)).history
    )
    assert split == whole


@every_kind
def test_weights_copies_and_summaries(kind, capsys):
    model = made(kind)
    x, y = arrays(kind)
    model.fit(x, y, batch_size=8, verbose=0)
    other = keras.models.clone_model(model)
    other.set_weights(model.get_weights())
    assert same(model.get_weights(), other.get_weights()) and type(other) is type(model)
    model.summary()
    assert "params" in capsys.readouterr().out
    first = model.optimizer.learning_rate
    model.optimizer.learning_rate = 0.5 * float(first)
    rates = getattr(model.optimizer, "rates", [float(model.optimizer.learning_rate)])
    np.testing.assert_allclose(rates, 0.5e-3 * np.arange(1, len(rates) + 1), rtol=1e-5)


def test_predict_is_what_the_model_says_when_called():
    x = X / np.float32(127.5) - 1
    for kind, method in (("super-resolution", "restore"), ("pix2pix", "translate"), ("vae", "reconstruct")):
        model = made(kind)
        model.fit(*arrays(kind), batch_size=8, verbose=0)
        how = {"consistent": False} if kind == "super-resolution" else {}  # `predict` is the network alone
        expected = getattr(model, method)(X, **how)
        for said in (model.predict(X, verbose=0), model.predict(x, verbose=0), model.predict_on_batch(X)):
            shown = np.round(np.clip(said, -1, 1) * 127.5 + 127.5)
            assert np.abs(shown - expected).max() <= 1, kind
    assert made("gan").predict(np.zeros((3, 4), "float32"), verbose=0).shape == (3, 8, 8, 1)
    model, level = made("diffusion"), np.full(24, 0.5**0.5, "float32")
    noisy = {"image": x, "alpha": level, "sigma": level}
    assert model.predict(noisy, verbose=0).shape == X.shape
    with pytest.raises(ValueError, match=r"for new images use generate\(n\)"):
        model.predict(X, verbose=0)


@pytest.mark.tensorflow
@every_kind
def test_weights_of_samples_are_refused_in_words(kind):
    import tensorflow as tf

    model, (x, y) = made(kind), arrays(kind)
    ones = np.ones(24)
    triple = tf.data.Dataset.from_tensor_slices((x, x if y is None else y, ones)).batch(8)
    for call in (
        lambda: model.fit(x, y, sample_weight=ones, verbose=0),
        lambda: model.fit(x, y, class_weight={0: 1.0}, verbose=0),
        lambda: model.evaluate(x, y, sample_weight=ones, verbose=0),
        lambda: model.train_on_batch(x, y, sample_weight=ones),
        lambda: model.fit(triple, verbose=0),
        lambda: model.fit(x, y, validation_data=(x, x if y is None else y, ones), verbose=0),
    ):
        with pytest.raises(ValueError, match="There is no `(sample|class)_weight` here"):
            call()


def test_swapping_the_average_is_refused():
    model = made("vae")
    with pytest.raises(ValueError, match="leave SwapEMAWeights out"):
        model.fit(X, batch_size=8, verbose=0, callbacks=[kc.SwapEMAWeights()])
    with pytest.raises(ValueError, match="use the model's `ema`"):
        model.compile(keras.optimizers.Adam(use_ema=True))


@pytest.mark.parametrize("make", [pytest.param(diffusion, marks=pytest.mark.slow), gan])
def test_labels_in_every_plain_form(make):
    losses = []
    for labels in (Y, Y.astype("int64")[:, None], Y.astype("float64"), np.eye(3)[Y], np.eye(3, dtype="uint8")[Y]):
        keras.utils.set_random_seed(0)
        model = make(3)
        model.compile(**EAGER)
        losses.append(model.fit(X, labels, batch_size=8, verbose=0).history)
    assert all(loss == losses[0] for loss in losses)
    for labels, said in ((np.eye(3)[Y] * 0.5, "one-hot"), (Y + 2**32, "Expected labels in 0..2"), (Y - 1, "-1..1")):
        with pytest.raises(ValueError, match=said):
            model.fit(X, labels, verbose=0)


@pytest.mark.tensorflow
def test_what_is_wrong_with_a_later_batch_is_said():
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    model = diffusion(3)
    model.compile(**EAGER)
    late = Y.copy()
    late[20] = 99
    batches = [
        tf.data.Dataset.from_tensor_slices((X, late)).batch(8),
        Batches((X, late)),
        Loader((X, late)),
        (b for b in Batches((X, late))),
    ]
    for data in batches:
        with pytest.raises(ValueError, match=r"Expected labels in 0\.\.2, got .*99"):
            model.fit(data, verbose=0, shuffle=False)
    hole = (X / 127.5 - 1).astype("float32")
    hole[20, 0, 0] = np.nan
    for data in (tf.data.Dataset.from_tensor_slices(hole).batch(8), Batches((hole,)), hole):
        with pytest.raises(ValueError, match="hold NaN"):
            made("vae", **EAGER).fit(data, verbose=0, shuffle=False)


@every_kind
def test_a_rate_that_diverges_stops_with_the_last_good_state(kind):
    """At the first step whose loss is no number; weights, average and optimizers are those before the first epoch."""
    model = made(kind, 1e38, **EAGER)
    before = state(model)
    with pytest.warns(UserWarning, match="is not finite. Training has stopped, and the model is as it was before"):
        model.fit(*arrays(kind), batch_size=4, epochs=3, verbose=0)
    assert same(state(model), before) and model.not_finite.startswith("Epoch 1")


def test_floats_in_0_1_are_warned_of():
    with pytest.warns(UserWarning, match=r"lie in \[0, 1\], and are taken as in \[-1, 1\].*images \* 2 - 1"):
        made("vae", **EAGER).fit(X / 255.0, batch_size=8, verbose=0)


@pytest.mark.parametrize("size", [0, -3, 2.5, True, "8"])
def test_batch_size_is_a_number_of_images(size):
    model = made("vae")
    for name, call in {"fit": model.fit, "evaluate": model.evaluate, "predict": model.predict}.items():
        with pytest.raises(ValueError, match="Expected `batch_size` as a whole number of at least 1, got"):
            call(X, batch_size=size, verbose=0)
            pytest.fail(name)
    with pytest.raises(ValueError, match="Expected `validation_batch_size` as"):
        model.fit(X, validation_data=(X,), validation_batch_size=size, verbose=0)


def test_validation_has_the_batches_that_are_asked_for():
    seen = []
    count = kc.LambdaCallback(on_test_batch_end=lambda batch, logs: seen.append(batch))
    for given, batches in (({}, 4), ({"validation_batch_size": 12}, 2)):
        seen.clear()
        made("vae", **EAGER).fit(X, batch_size=6, validation_data=(X,), verbose=0, callbacks=[count], **given)
        assert len(seen) == batches


def test_rows_of_unequal_number_and_lists_are_refused():
    for given in ((X, Y[:20]), ({"image": X, "label": Y[:20]},)):
        with pytest.raises(ValueError, match="Expected as many rows of each, got 24 of 'image', 20 of 'label'"):
            model = gan(3)
            model.compile()
            model.fit(*given, verbose=0)
    with pytest.raises(ValueError, match="Expected images .*, got a list"):
        made("vae").fit([X], verbose=0)


def test_truth_values_are_black_and_white():
    losses = [made("vae", **EAGER).fit(x, batch_size=8, verbose=0).history for x in (X > 99, (X > 99) * np.uint8(255))]
    assert losses[0] == losses[1]


@pytest.mark.tensorflow
def test_batches_of_several_sizes():
    """Of a model that takes any: tf.data, and a loader."""
    import tensorflow as tf

    rows = [RNG.integers(0, 256, (2, n, n, 1)).astype("uint8") for n in (8, 12, 16)]
    pairs = [(x, x.repeat(2, 1).repeat(2, 2)) for x in rows]
    spec = (tf.TensorSpec([None, None, None, 1], "int64"),) * 2
    data = tf.data.Dataset.from_generator(
        lambda: (tuple(x.astype("int64") for x in p) for p in pairs), output_signature=spec
    )
    data = data.apply(tf.data.experimental.assert_cardinality(3))  # Keras counts one too many of what does not say
    losses = [
        made("super-resolution", **EAGER).fit(d, verbose=0, epochs=2).history["loss"] for d in (pairs_of(pairs), data)
    ]
    np.testing.assert_allclose(*losses, rtol=1e-5)


def pairs_of(pairs):
    loader = Loader((np.zeros(8),))
    loader.batches = pairs
    return loader


def test_a_frozen_player_is_said_and_stands_still():
    model = made("gan")
    model.generator.trainable = False
    before, judge = model.generator.get_weights(), model.discriminator.get_weights()
    with pytest.warns(UserWarning, match="The generator is frozen"):
        model.fit(X, batch_size=8, verbose=0)
    assert same(model.generator.get_weights(), before) and not same(model.discriminator.get_weights(), judge)
    part = made("vae")
    part.encoder.layers[-1].trainable = False
    with pytest.raises(ValueError, match=r"What is trainable in the autoencoder has changed since compile\(\)"):
        part.fit(X, batch_size=8, verbose=0)
    part.compile("adam")
    kept = part.encoder.layers[-1].get_weights()
    part.fit(X, batch_size=8, verbose=0)
    assert same(part.encoder.layers[-1].get_weights(), kept)


def test_nothing_is_left_of_a_checkpoint_that_failed(tmp_path):
    made("vae").save(tmp_path / "model.keras")
    assert glob.glob(str(tmp_path / "*")) == [str(tmp_path / "model.keras")]
