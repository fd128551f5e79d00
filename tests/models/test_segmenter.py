"""Segmentation: its loss by hand, what it learns, what it refuses, and its use in editing and on the command line."""

import keras
import numpy as np
import pytest
from scipy.special import expit, log_expit
from typer.testing import CliRunner

from keras_imgen import data, models, networks
from keras_imgen.data.image_io import load_image, save_image
from keras_imgen.models.segmenter import marked
from keras_imgen.text import Text, Tokenizer

TEXT = Text(Tokenizer.of(["the red one", "the blue one"], 4))


def flat(channels=3):
    """Logits are a mixture of the channels."""
    image = keras.Input((8, 8, channels), name="image")
    return keras.Model(image, keras.layers.Conv2D(1, 1, name="out")(image))


def told(width=8):
    network = networks.unet((8, 8, 3), (width, width), 1, (), vector_dim=8, out_channels=1, log_snr=False)
    return networks.TextConditioned(network, networks.text_encoder(TEXT, 8, 1, 2), TEXT)


def squares(n=64, seed=0):
    """A red and a blue square on gray in each picture, one of which is asked for."""
    rng = np.random.default_rng(seed)
    images, masks, asked = np.full((n, 8, 8, 3), 128, "uint8"), np.zeros((n, 8, 8, 1), "uint8"), rng.integers(0, 2, n)
    for k in range(n):
        for left, which in zip((0, 4), rng.permutation(2)):
            y, x = rng.integers(0, 5), left + rng.integers(0, 2)
            images[k, y : y + 3, x : x + 3] = ((255, 0, 0), (0, 0, 255))[which]
            masks[k, y : y + 3, x : x + 3] |= which == asked[k]
    texts = np.array(["the red one", "the blue one"])[asked]
    return {"image": images, "mask": masks, "caption": texts}


def test_the_loss_is_cross_entropy_and_dice_and_the_iou_that_of_the_masks():
    rng = np.random.default_rng(0)
    images, masks = rng.integers(0, 256, (6, 8, 8, 3), "uint8"), rng.integers(0, 2, (6, 8, 8, 1), "uint8")
    masks[0] = 0
    model = models.Segmenter(flat(), dice_weight=0.7, image_shape=(8, 8, 3), ema=None)
    model.compile("adam")
    kernel = rng.normal(size=(1, 1, 3, 1)).astype("float32")
    model.network.get_layer("out").set_weights([kernel, np.float32([0.3])])
    logits = (images / 127.5 - 1) @ kernel[0, 0] + 0.3
    entropy = -(masks * log_expit(logits) + (1 - masks) * log_expit(-logits)).mean()
    share, found = expit(logits), logits > 0
    dice = 1 - (2 * (share * masks).sum((1, 2, 3)) + 1) / ((share + masks).sum((1, 2, 3)) + 1)
    iou = (found & (masks > 0)).sum((1, 2, 3)) / (found | (masks > 0)).sum((1, 2, 3))
    scores = model.evaluate(images, masks, batch_size=6, verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(entropy + 0.7 * dice.mean(), rel=1e-5)
    assert scores["iou"] == pytest.approx(iou.mean(), rel=1e-5)
    for given in (masks * 255, masks.astype(bool), masks.astype("float32")):  # whatever is not 0
        assert model.evaluate(images, given, batch_size=6, verbose=0, return_dict=True) == pytest.approx(scores)


def test_nothing_that_is_found_nowhere_is_right_and_sure_logits_stay_finite():
    model = models.Segmenter(flat(), image_shape=(8, 8, 3), ema=None)
    model.compile("adam")
    model.network.get_layer("out").set_weights([np.zeros((1, 1, 3, 1)), np.float32([-1e4])])
    images, masks = np.zeros((2, 8, 8, 3), "uint8"), np.zeros((2, 8, 8, 1), "uint8")
    assert model.evaluate(images, masks, verbose=0, return_dict=True) == pytest.approx({"iou": 1.0, "loss": 0.0})
    full = model.evaluate(images, masks + 1, verbose=0, return_dict=True)
    assert full["iou"] == 0.0 and np.isfinite(full["loss"]) and full["loss"] > 9e3


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    model = models.Segmenter(told(), ema=0.9, name="finder")
    model.compile(keras.optimizers.Adam(0.01))
    rows = squares(256)
    model.fit({"image": rows["image"], "caption": rows["caption"]}, rows["mask"], batch_size=32, epochs=25, verbose=0)
    return model


def test_it_finds_what_the_text_says(trained):
    rows = squares(64, 1)
    found = trained.segment(rows["image"], list(rows["caption"])) > 0
    assert found.shape == (64, 8, 8, 1)
    wanted = rows["mask"] > 0
    iou = (found & wanted).sum((1, 2, 3)) / (found | wanted).sum((1, 2, 3))
    assert iou.mean() > 0.9
    one = trained.segment(rows["image"], "the red one")
    assert {*np.unique(one)} == {0, 255}
    red = (rows["image"] == (255, 0, 0)).all(-1, keepdims=True)
    assert ((one > 0) == red).mean() > 0.97
    assert (trained.segment(rows["image"], "the red one", threshold=1.0) == 0).all()  # none is surer than sure
    batched = trained.segment(rows["image"], "the red one", batch_size=7)
    assert (batched == one).all()


def test_it_says_where_to_edit(trained):
    from keras_imgen.editing.text import edit_by_text

    network = networks.unet((8, 8, 3), (8, 8), 1, (), vector_dim=8)
    painter = models.Diffusion(
        networks.TextConditioned(network, networks.text_encoder(TEXT, 8, 1, 2), TEXT), steps=2, guidance_scale=1.0
    )
    images = squares(4, 2)["image"]
    edited, masks = edit_by_text(painter, images, "the red one", "the blue one", mask=trained.segment, with_masks=True)
    assert (masks == (trained.segment(images, "the red one")[..., 0] > 0)).all() and masks.any()
    assert (edited[~masks] == images[~masks]).all()


def test_what_is_refused(trained):
    images = np.zeros((2, 8, 8, 3), "uint8")
    plain = models.Segmenter(flat(), image_shape=(8, 8, 3))
    plain.compile("adam")
    assert plain.segment(images).shape == (2, 8, 8, 1)
    with pytest.raises(ValueError, match="told no texts"):
        plain.segment(images, "the red one")
    with pytest.raises(ValueError, match=r"Expected batches with a `mask` of shape \(2, 8, 8, 1\).*got the keys"):
        plain.train_on_batch({"image": images})
    with pytest.raises(ValueError, match=r"a `mask` of shape \(2, 8, 8, 1\).*got \(2, 4, 4, 1\)"):
        plain.train_on_batch(images, np.zeros((2, 4, 4, 1), "uint8"))
    with pytest.raises(ValueError, match="threshold"):
        plain.segment(images, threshold=1.5)
    with pytest.raises(ValueError, match=r"Expected uint8 images \(N, 8, 8, 3\)"):
        plain.segment(np.zeros((2, 9, 8, 3), "uint8"))
    with pytest.raises(ValueError, match="dice_weight"):
        models.Segmenter(flat(), dice_weight=-1.0, image_shape=(8, 8, 3))
    with pytest.raises(ValueError, match="image_shape=..."):
        models.Segmenter(
            keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(1, 1)]), image_shape=(None, None, 3)
        )
    with pytest.raises(TypeError, match="use segment"):
        plain.generate(1)


def test_masks_are_shown_by_darkness(trained):
    rows = squares(3, 4)
    shown = trained.show(rows)
    assert [*shown] == ["image", "answer", "target"]
    inside = rows["mask"][..., 0] > 0
    assert (shown["target"][inside] == rows["image"][inside]).all()
    assert (shown["target"][~inside] == rows["image"][~inside] // 4).all()
    assert (shown["answer"] == marked(rows["image"], trained.segment(rows["image"], list(rows["caption"])))).all()


def test_the_command_writes_masks_of_the_pictures_sizes(trained, tmp_path):
    from keras_imgen.cli import app

    trained.save(tmp_path / "finder.keras")
    rows = squares(2, 5)
    for k, image in enumerate(rows["image"]):
        save_image(str(tmp_path / f"{k}.png"), image.repeat(5 - k, 0).repeat(3, 1))
    run = lambda *words: CliRunner().invoke(app, ["segment", str(tmp_path / "finder.keras"), *map(str, words)])  # noqa: E731
    done = run(tmp_path / "0.png", tmp_path / "1.png", "--find", "the red one", "--out", tmp_path / "out")
    assert done.exit_code == 0 and "2 masks" in done.output, done.output
    direct = trained.segment(rows["image"], "the red one")
    for k in range(2):
        mask = load_image(str(tmp_path / "out" / f"{k}.png"), 1)
        assert mask.shape == (8 * (5 - k), 24, 1) and {*np.unique(mask)} <= {0, 255}
        wide = direct[k].repeat(5 - k, 0).repeat(3, 1)
        assert (mask == wide).mean() > 0.9
    for words, message in (
        ([tmp_path / "0.png", "--find", "the red one", "--out", tmp_path / "out"], "--overwrite"),
        ([tmp_path / "0.png", "--out", tmp_path / "other"], "Expected --find"),
        ([tmp_path / "0.png", "--find", "a", "--threshold", "2", "--out", tmp_path / "other"], "threshold"),
    ):
        refused = run(*words)
        assert refused.exit_code != 0 and message in refused.output, refused.output
    assert not (tmp_path / "other").exists()


def test_phrases_and_masks_of_scenes_are_what_it_learns_from():
    batch = next(iter(data.load("shapes:segment", "validation", batch=4, columns=("image", "mask", "caption"))))
    assert {k: tuple(v.shape) for k, v in batch.items()} == {
        "image": (4, 32, 32, 3),
        "mask": (4, 32, 32, 1),
        "caption": (4,),
    }
