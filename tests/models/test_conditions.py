"""What models are told: labels, vectors and sequences, in training, guidance, exports and their clients."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen import models, networks
from keras_imgen.conditions import Label, Sequence, Vector, encoded, rows_of
from keras_imgen.kinds import described, from_description

SHAPE = (8, 8, 1)
ALL = {"num_classes": 3, "vector_dim": 4, "sequence_dim": 5}
RNG = np.random.default_rng(0)


def randomized(network, seed=0):
    """Weights with which conditions matter, also where they start at zero."""
    rng = np.random.default_rng(seed)
    for v in network.weights:
        v.assign(rng.normal(0, 0.3, v.shape).astype("float32"))
    return network


def net(kind="unet", **told):
    how = {"widths": (8,), "depth": 1, "attention": (8,)} if kind == "unet" else {"width": 16, "depth": 2, "heads": 2}
    return randomized(getattr(networks, kind)(SHAPE, **how, **told))


def told(n=2, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "label": rng.integers(0, 3, n),
        "vector": rng.normal(size=(n, 4)).astype("float32"),
        "sequence": rng.normal(size=(n, 6, 5)).astype("float32"),
    }


def diffusion(*names, **kwargs):
    keys = {"label": "num_classes", "vector": "vector_dim", "sequence": "sequence_dim"}
    return models.Diffusion(net(**{keys[n]: ALL[keys[n]] for n in names}), steps=2, ema=None, **kwargs)


def test_a_model_finds_what_its_network_is_told():
    assert diffusion("label", "vector", "sequence").conditions == (Label(3), Vector(4), Sequence(5))
    assert diffusion().conditions == ()
    own = diffusion("vector", conditions=(Vector(4),))
    again = type(own).from_config(own.get_config())
    assert again.conditions == own.conditions == (Vector(4),)
    assert from_description(described((Label(3), Sequence(5, "text")))) == (
        Label(3),
        Sequence(5, "text"),
    )
    with pytest.raises(ValueError, match="'smell' is known here"):
        from_description([{"kind": "smell"}])


@pytest.mark.parametrize("kind", ["unet", "dit"])
def test_padding_changes_nothing_to_the_bit(kind):
    network, rng = net(kind, sequence_dim=5), np.random.default_rng(1)
    x = {"image": rng.normal(size=(2, *SHAPE)).astype("float32"), "log_snr": np.zeros(2, "float32")}
    values = rng.normal(size=(2, 4, 5)).astype("float32")
    mask = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], bool)

    def answer(values, mask=None):
        return np.array(network({**x, "sequence": values, **({} if mask is None else {"sequence_mask": mask})}))

    expected = answer(values, mask)
    assert np.array_equal(answer(values), answer(values, np.ones((2, 4), bool)))
    other = values.copy()
    other[1, 2:] = 1e6
    assert np.array_equal(answer(other, mask), expected)
    longer = np.pad(values, ((0, 0), (0, 3), (0, 0)), constant_values=7)
    assert np.array_equal(answer(longer, np.pad(mask, ((0, 0), (0, 3)))), expected)
    assert np.abs(expected - answer(values)).max() > 1e-3
    nothing = answer(values, np.zeros((2, 4), bool))
    assert np.isfinite(nothing).all() and np.array_equal(nothing, answer(longer, np.zeros((2, 7), bool)))


@pytest.mark.parametrize("names", [("label",), ("vector",), ("sequence",), ("label", "vector", "sequence")])
def test_guidance_is_the_formula_for_every_condition(names):
    """Ho & Salimans 2022: nothing + scale (told - nothing), of all conditions together."""
    model = diffusion(*names)
    given = rows_of(model.conditions, encoded(model.conditions, {k: told()[k] for k in names}), 2)
    x = ops.convert_to_tensor(RNG.normal(size=(2, *SHAPE)).astype("float32"))
    level = ops.convert_to_tensor(0.6), ops.convert_to_tensor(0.8)
    tensors = {k: ops.convert_to_tensor(v) for k, v in given.items()}
    always = {"guidance_rescale": ops.convert_to_tensor(0.0), "guidance_interval": (-np.inf, np.inf)}
    found = model._guided(x, *level, tensors, {"guidance_scale": ops.full((2,), 3.0), **always})
    nothing = {k: ops.convert_to_tensor(v) for k, v in rows_of(model.conditions, {}, 2).items()}
    first, second = (np.array(model.denoise(x, *level, v)) for v in (tensors, nothing))
    assert np.abs(first - second).max() > 1e-4
    np.testing.assert_allclose(found, second + 3.0 * (first - second), atol=1e-4)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("vector",), marks=pytest.mark.slow),
        pytest.param(("sequence",), marks=pytest.mark.slow),
        ("label", "vector", "sequence"),
    ],
)
def test_what_generate_is_told(names):
    model = diffusion(*names)
    given = {k: told()[k] for k in names}
    plain = model.generate(2, conditions=given)
    assert np.abs(model.generate(2, conditions=given, guidance_scale=7.5).astype(int) - plain).max() > 0
    one = model.generate(1, conditions={k: v[1] for k, v in given.items()}, seed=1)
    assert np.abs(one[0].astype(int) - plain[1]).max() <= 1  # one row for all images
    nothing = model.generate(2, guidance_scale=7.5)
    assert np.array_equal(nothing, model.generate(2))  # nothing is told: there is nothing to guide to
    guided = model.generate(2, conditions=given, guidance_scale=3.0)
    away = {k: told(seed=5)[k][0] for k in names}
    assert not np.array_equal(model.generate(2, conditions=given, guidance_scale=3.0, negative=away), guided)
    if "sequence" in names:
        ragged = [given["sequence"][0, :2], given["sequence"][1]]
        other = given["sequence"].copy()
        other[0, 2:] = 9
        mask = np.array([[1, 1, 0, 0, 0, 0], [1] * 6], bool)
        first = model.generate(2, conditions={**given, "sequence": ragged}, guidance_scale=3.0)
        both = {**given, "sequence": other, "sequence_mask": mask}
        assert np.array_equal(first, model.generate(2, conditions=both, guidance_scale=3.0))
        short = model.generate(2, conditions=given, guidance_scale=3.0, negative={"sequence": given["sequence"][0, :2]})
        assert not np.array_equal(short, guided)


def test_labels_are_short_for_a_condition():
    model = diffusion("label")
    assert np.array_equal(model.generate(labels=[0, 2]), model.generate(conditions={"label": [0, 2]}))
    with pytest.raises(ValueError, match="`labels`, or a 'label' in `conditions`, got both"):
        model.generate(labels=[0], conditions={"label": [1]})


def fixed(length=6, masked=False):
    """A network of sequences of one length, without a mask."""
    image, level = keras.Input((8, 8, 1), name="image"), keras.Input((), name="log_snr")
    given = keras.Input((length, 5), name="sequence")
    h = keras.layers.Add()(
        [image, keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64)(keras.layers.Flatten()(given)))]
    )
    network = keras.Model({"image": image, "log_snr": level, "sequence": given}, h)
    return models.Diffusion(network, steps=2, ema=None, image_shape=SHAPE)


def test_sequences_of_one_length_and_no_mask():
    model, given = fixed(), told()["sequence"]
    assert model.conditions == (Sequence(5, masked=False, length=6),)
    assert model.generate(2).shape == (2, *SHAPE)
    guided = model.generate(2, conditions={"sequence": given}, guidance_scale=3.0, negative={"sequence": given[0]})
    assert guided.shape == (2, *SHAPE)
    for wrong in (given[:, :4], [given[0, :4], given[1]], [np.zeros((7, 5))]):
        with pytest.raises(ValueError, match="of 6 in 'sequence'|of at most 6|of one length"):
            model.generate(conditions={"sequence": wrong})


@pytest.mark.parametrize(
    "build, said",
    [
        (lambda: diffusion("label", conditions=(Label(2),)), "a label of 3 classes, as the network has, got 2"),
        (lambda: diffusion("vector", conditions=(Vector(4, "factor"),)), "got factor"),
        (lambda: diffusion("vector", conditions=(Vector(4), Vector(2))), "of different names, .*got vector"),
        (lambda: type("Other", (Label,), {}), "a condition of the kind 'label' already"),
        (
            lambda: diffusion("vector").generate(guide=diffusion("vector"), negative={"vector": [1, 1, 1, 1]}),
            "got both",
        ),
        (lambda: gan().walk([1, 2], 3, conditions={"vector": np.zeros((2, 2))}), "of one row, the same all the way"),
        (
            lambda: diffusion("sequence").generate(conditions={"sequence": [np.zeros((2, 8)), [[1], [2, 3]]]}),
            "'sequence'",
        ),
        (lambda: diffusion("sequence").generate(conditions={"sequence": [np.zeros((0, 4))]}), "'sequence' of shape"),
    ],
)
def test_more_refusals(build, said):
    with pytest.raises(ValueError, match=said):
        build()


def test_a_condition_of_nobody_is_none():
    model = diffusion("label")
    guided = model.generate(2, labels=[0, 1], guidance_scale=2.0)
    assert np.array_equal(guided, model.generate(2, labels=[0, 1], guidance_scale=2.0, negative={"label": None}))


def test_a_share_of_images_is_told_nothing_in_training(monkeypatch):
    model, seen = diffusion("label", "vector", "sequence", label_dropout=0.5), []
    monkeypatch.setattr(model, "_output", lambda x, a, s, given, training: seen.append(given) or x)
    batch = {"image": np.zeros((400, *SHAPE), "float32"), **told(400)}
    keys = model.next_keys(400)
    for training in (True, False):
        model.loss_of(model.noisy(batch, keys, training), training)
    dropped = np.array(seen[0]["label"]) == 3
    assert 150 < dropped.sum() < 250
    assert np.array_equal(dropped, (np.array(seen[0]["vector"]) == 0).all(1))
    assert np.array_equal(dropped, ~np.array(seen[0]["sequence_mask"]).any(1))
    np.testing.assert_array_equal(np.array(seen[0]["vector"])[~dropped], batch["vector"][~dropped])
    assert np.array(seen[1]["sequence_mask"]).all() and (np.array(seen[1]["label"]) < 3).all()


@pytest.mark.parametrize(
    "given, said",
    [
        ({"vector": np.zeros((2, 3))}, r"'vector' of shape \(4,\) or \(n, 4\)"),
        ({"vector": [0, 1, 2, np.nan]}, "`vector` in"),
        ({"vector": "no"}, "'vector' of shape"),
        ({"sequence": np.zeros(5)}, "'sequence' of shape"),
        ({"sequence": np.zeros((3, 5)), "sequence_mask": np.ones(2, bool)}, "sequence_mask as truth values"),
        ({"sequence_mask": np.ones((2, 2), bool)}, "Expected 'sequence' with 'sequence_mask'"),
        ({"smell": 1}, "conditions of label, vector, sequence, sequence_mask, got 'smell'"),
        ({"vector": np.zeros((3, 4))}, "as many images everywhere, got n: 2, vector: 3"),
    ],
)
def test_refusals(given, said):
    with pytest.raises(ValueError, match=said):
        diffusion("label", "vector", "sequence").generate(2, conditions=given)


def test_batches_without_it_are_refused():
    model = diffusion("vector", "sequence")
    model.compile(run_eagerly=keras.backend.backend() == "tensorflow")
    x, given = np.zeros((4, *SHAPE), "uint8"), told(4)
    for batch, said in (
        ({"vector": given["vector"]}, "conditional on 'sequence': expected batches with that key"),
        ({"vector": given["vector"][:, :2], "sequence": given["sequence"]}, r"'vector' of shape \(batch, 4\)"),
        ({"vector": given["vector"] * np.nan, "sequence": given["sequence"]}, "'vector' holds NaN"),
    ):
        with pytest.raises(ValueError, match=said):
            model.fit({"image": x, **batch}, verbose=0)
    model.fit({"image": x, "vector": given["vector"], "sequence": given["sequence"]}, verbose=0)


def gan(vector=True):
    """A generator and a discriminator that are told a vector."""
    latent, image, given = (
        keras.Input((3,), name="latent"),
        keras.Input(SHAPE, name="image"),
        keras.Input((2,), name="vector"),
    )
    h = keras.layers.Dense(64, activation="tanh")(keras.layers.Concatenate()([latent, given]))
    generator = keras.Model({"latent": latent, "vector": given}, keras.layers.Reshape(SHAPE)(h))
    h = keras.layers.Concatenate()([keras.layers.Flatten()(image), given])
    return models.GAN(generator, keras.Model({"image": image, "vector": given}, keras.layers.Dense(1)(h)))


def test_a_gan_is_told_vectors():
    model = gan()
    assert model.conditions == (Vector(2),)
    model.compile()
    v = RNG.normal(size=(8, 2)).astype("float32")
    model.fit({"image": RNG.integers(0, 256, (8, *SHAPE)).astype("uint8"), "vector": v}, batch_size=4, verbose=0)
    made = model.generate(conditions={"vector": v})
    assert len(made) == 8 and np.array_equal(model.generate(2, conditions={"vector": v[0]})[0], made[0])
    assert not np.array_equal(model.generate(1, conditions={"vector": -v[0]}), made[:1])
    assert model.walk([1, 2], 3, conditions={"vector": v[0]}).shape == (3, *SHAPE)
    with pytest.raises(ValueError, match="conditional on 'vector': expected it in `conditions`"):
        model.generate(2)


def vae():
    image, latent, given = (
        keras.Input(SHAPE, name="image"),
        keras.Input((2,), name="latent"),
        keras.Input((2,), name="vector"),
    )
    h = keras.layers.Concatenate()([keras.layers.Flatten()(image), given])
    encoder = keras.Model({"image": image, "vector": given}, keras.layers.Dense(4)(h))
    h = keras.layers.Dense(64)(keras.layers.Concatenate()([latent, given]))
    return models.VAE(encoder, keras.Model({"latent": latent, "vector": given}, keras.layers.Reshape(SHAPE)(h)))


def test_an_autoencoder_is_told_vectors():
    model = vae()
    model.compile()
    x, v = RNG.integers(0, 256, (8, *SHAPE)).astype("uint8"), RNG.normal(size=(8, 2)).astype("float32")
    model.fit({"image": x, "vector": v}, batch_size=4, verbose=0)
    model.fit_sampler({"image": x, "vector": v}, "gmm", components=2)
    z = model.encode(x, conditions={"vector": v})
    assert z.shape == (8, 2) and model.generate(conditions={"vector": v}).shape == x.shape
    assert np.array_equal(model.decode(z, conditions={"vector": v}), model.reconstruct(x, conditions={"vector": v}))
    assert model.log_likelihood(x, conditions={"vector": v}, samples=4).shape == (8,)
    for call in (model.encode, model.reconstruct):
        with pytest.raises(ValueError, match="conditional on 'vector'"):
            call(x)


@pytest.mark.tensorflow
@pytest.mark.parametrize("kind", [pytest.param("diffusion", marks=pytest.mark.slow), "gan", "vae"])
def test_exports_are_told_it_too(kind, tmp_path):
    from keras_imgen import serving

    model = {"diffusion": lambda: diffusion("label", "vector", "sequence"), "gan": gan, "vae": vae}[kind]()
    model.export(str(tmp_path / "m"))
    served = serving.load(str(tmp_path / "m"))
    assert served.conditions == model.conditions
    v = RNG.normal(size=(2, 2)).astype("float32")
    if kind == "diffusion":
        given = told()
        given["sequence"] = [given["sequence"][0, :2], given["sequence"][1]]
        for scale in (1.0, 4.0):
            ours = model.generate(2, conditions=given, guidance_scale=scale)
            assert np.array_equal(served.generate(2, conditions=given, guidance_scale=scale), ours)
        how = {
            "steps": 3,
            "sampler": "ddim",
            "grid": "trailing",
            "eta": 0.5,
            "guidance_scale": 3.0,
            "guidance_rescale": 0.6,
        }
        how |= {"guidance_interval": (0.1, 3.0), "negative": {"label": 1, "sequence": given["sequence"][1]}}
        ours = model.generate(2, conditions=given, **how)
        assert np.array_equal(served.generate(2, conditions=given, **how), ours)
        for name in ("guidance_rescale", "guidance_interval", "negative", "eta", "grid"):
            less = {k: v for k, v in how.items() if k != name}
            assert not np.array_equal(model.generate(2, conditions=given, **less), ours), name
        old = {k: v for k, v in served._loaded.signatures.items() if k != "sample"}
        served._loaded = SimpleNamespace(signatures=old)
        assert np.array_equal(served.generate(2, conditions=given), model.generate(2, conditions=given))
        with pytest.raises(ValueError, match="of an older version"):
            served.generate(2, conditions=given, guidance_rescale=0.5)
        return
    assert np.array_equal(served.generate(conditions={"vector": v}), model.generate(conditions={"vector": v}))
    if kind == "vae":
        x = np.zeros((2, *SHAPE), "uint8")
        assert np.array_equal(
            served.reconstruct(x, conditions={"vector": v}), model.reconstruct(x, conditions={"vector": v})
        )
    with pytest.raises(ValueError, match="conditional on 'vector'"):
        served.generate(2)


@pytest.mark.slow
def test_the_command_tells_it(tmp_path):
    from typer.testing import CliRunner

    from keras_imgen.cli import app
    from keras_imgen.data.image_io import load_image

    diffusion("label", "vector", "sequence").save(tmp_path / "d.keras")
    gan().save(tmp_path / "g.keras")
    vae().save(tmp_path / "v.keras")
    sequence = told()["sequence"]
    np.save(tmp_path / "s.npy", sequence)

    def command(*words, code=0):
        done = CliRunner().invoke(app, [str(w) for w in words])
        assert done.exit_code == code, done.output
        return done.output

    more = [
        "--condition",
        "vector=0.1,2,0,-1",
        "--condition",
        f"sequence={tmp_path / 's.npy'}",
        "--guidance-scale",
        "3",
    ]
    command("generate", tmp_path / "d.keras", "-n", "3", "--labels", "2", *more, "--out", tmp_path / "d")
    given = {"label": [2] * 3, "vector": [0.1, 2, 0, -1], "sequence": sequence[[0, 1, 0]]}
    expected = keras.models.load_model(tmp_path / "d.keras").generate(3, conditions=given, guidance_scale=3.0)
    for k in range(3):
        assert np.array_equal(load_image(str(tmp_path / "d" / f"image_000{k}.png"))[..., :1], expected[k])
    command("generate", tmp_path / "g.keras", "-n", "2", "--condition", "vector=1,2", "--out", tmp_path / "g")
    command("walk", tmp_path / "g.keras", tmp_path / "w.gif", "--frames", "2", "--condition", "vector=1,2")
    command("reconstruct", tmp_path / "v.keras", tmp_path / "g", "--condition", "vector=1,2", "--out", tmp_path / "r")
    for words, said in (
        (["generate", tmp_path / "g.keras", "--out", tmp_path / "x"], "conditional on 'vector'"),
        (["generate", tmp_path / "g.keras", "--condition", "smell=1", "--out", tmp_path / "x"], "NAME=VALUE of vector"),
        (["generate", tmp_path / "g.keras", "--condition", "vector=a", "--out", tmp_path / "x"], "numbers with commas"),
        (["generate", tmp_path / "d.keras", "--condition", "sequence=1", "--out", tmp_path / "x"], "as a .npy file"),
        (["generate", tmp_path / "d.keras", "--condition", "sequence=no.npy", "--out", tmp_path / "x"], "no.npy"),
    ):
        assert said in command(*words, code=1) and not (tmp_path / "x").exists()


@pytest.mark.slow
def test_grids_tell_what_is_asked_or_examples(tmp_path):
    from keras_imgen.callbacks import SampleGrid
    from keras_imgen.data.image_io import load_image, make_grid

    model = diffusion("label", "vector")
    model.compile()
    batch = {"image": np.zeros((4, *SHAPE), "uint8"), "label": [0, 1, 2, 0], "vector": np.ones((4, 4), "float32")}
    batch["label"] = np.array(batch["label"])
    v = RNG.normal(size=(2, 4)).astype("float32")
    model.fit(batch, verbose=0, callbacks=[SampleGrid(str(tmp_path), n=4, conditions={"vector": v})])
    expected = make_grid(model.generate(4, conditions={"label": [0, 1, 2, 0], "vector": v[[0, 1, 0, 1]]}))
    assert np.array_equal(load_image(str(tmp_path / "epoch_0001.png")), expected)


def restorer():
    """Adds to every pixel what it is told."""
    image, given = keras.Input((None, None, 1), name="image"), keras.Input((1,), name="vector")
    h = keras.layers.Add()([image, keras.layers.Reshape((1, 1, 1))(given)])
    return models.Deblurrer(keras.Model({"image": image, "vector": given}, h))


def test_a_restorer_is_told_vectors():
    model, v = restorer(), np.array([[0.0], [0.5]], "float32")
    assert model.conditions == (Vector(1),)
    x = np.full((2, 12, 20, 1), 100, "uint8")
    found = model.restore(x, conditions={"vector": v}, tile=8, overlap=2)
    assert found.shape == x.shape and (found[0] == 100).all() and (found[1] == 164).all()
    assert (model.restore([x[0], x[1]], conditions={"vector": [0.5]})[0] == 164).all()
    from keras_imgen.callbacks import SampleGrid

    SampleGrid("unused", images=x, conditions={"vector": v})
    image, given = keras.Input((None, None, 1), name="image"), keras.Input((2,), name="vector")
    colours = keras.layers.Concatenate()([image, image]), keras.layers.Reshape((1, 1, 2))(given)
    painter = models.Colorizer(keras.Model({"image": image, "vector": given}, keras.layers.Multiply()(list(colours))))
    assert painter.restore(x, conditions={"vector": [0.0, 1.0]}).shape == (2, 12, 20, 3)
    assert (model.restore(x[0], conditions={"vector": [0.5]}, ensemble=True) == 164).all()
    with pytest.raises(ValueError, match="conditional on 'vector'"):
        model.restore(x)
    model.compile()
    batch = {"image": x, "target": x, "vector": v}
    assert model.fit(batch, verbose=0).history["loss"][0] == pytest.approx(0.25, rel=1e-3)
    with pytest.raises(ValueError, match="conditional on 'vector': expected batches with that key"):
        model.fit(x, x, verbose=0)


@pytest.mark.tensorflow
def test_an_exported_restorer_is_told_it_too(tmp_path):
    import tensorflow as tf

    from keras_imgen import serving

    restorer().export(str(tmp_path / "m"))
    served, v = serving.load(str(tmp_path / "m")), np.array([[0.0], [0.5]], "float32")
    x = np.full((2, 12, 20, 1), 100, "uint8")
    assert (served.restore(x, conditions={"vector": v})[1] == 164).all()
    endpoints = tf.saved_model.load(str(tmp_path / "m")).signatures
    found = endpoints["restore"](images=tf.constant(x), vector=tf.constant(v))["images"].numpy()
    assert (found[0] == 100).all() and (found[1] == 164).all()
    png = tf.io.encode_png(x[0])
    (found,) = endpoints["restore_bytes"](image_bytes=png[None], vector=tf.constant(v[1:]))["image_bytes"].numpy()
    assert (tf.io.decode_png(found).numpy() == 164).all()
