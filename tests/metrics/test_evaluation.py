import json
import os

import keras
import numpy as np
import pytest

from keras_imgen import metrics
from keras_imgen.data import load
from keras_imgen.metrics import classifier_accuracy, evaluate, extractors
from keras_imgen.metrics.classifier_accuracy import train_classifier
from keras_imgen.metrics.features import batches, extract, reference


@pytest.fixture(scope="module")
def digits():
    found = {}
    for split in ("train", "test"):
        parts = list(load("digits", split, 16, 100, shuffle=False, drop_remainder=False))
        found[split] = tuple(np.concatenate([np.asarray(p[k]) for p in parts]) for k in ("image", "label"))
    return found


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_IMGEN_CACHE", str(tmp_path / "cache"))
    return str(tmp_path / "cache")


@pytest.fixture(scope="module")
def judge():
    return extractors.get("digits-lenet")


def test_one_number_for_each_metric_with_floor_and_protocol(digits, judge):
    x, _ = digits["train"]
    noise = np.random.default_rng(0).normal(0, 40, x[:500].shape)
    noisy = np.clip(x[:500] + noise, 0, 255).astype("uint8")
    with pytest.warns(UserWarning, match="500 samples are few"):
        bad = evaluate(noisy, x, judge, held_out=digits["test"][0], model="noise")
    with pytest.warns(UserWarning, match="500 samples are few"):
        good = evaluate(x[:500], x, judge, held_out=digits["test"][0])
    assert bad["frechet"] > 3 * good["frechet"] and bad["kernel"] > 3 * good["kernel"]
    assert bad["precision"] < good["precision"] and good["precision"] == 1.0
    assert good["memorisation"] == 1.0 and bad["memorisation"] < 0.9  # the training images themselves
    first = bad.results[0]
    assert first.name == f"Fréchet classifier distance [{judge.identity}]" and first.floor < first.value
    about = bad.protocol
    assert (about["samples"], about["real images"], about["held-out images"]) == (500, 1500, 297)
    assert about["extractor"] == judge.identity and about["model"] == "noise" and "Pillow" in about["resizer"]
    assert json.loads(json.dumps(bad.to_dict()))["protocol"]["floor"] == "297 real images against 1500 others"


def test_datasets_and_arrays_are_the_same(digits, judge):
    x, _ = digits["train"]
    data = load("digits", "train", 16, 64, shuffle=False, drop_remainder=False)
    for found in (extract(data, judge), extract(x, judge)):
        assert len(found) == 1500
    np.testing.assert_allclose(extract(data, judge).rows, extract(x, judge).rows, atol=1e-4)


def test_the_reference_is_kept_by_content(digits, judge, cache, monkeypatch):
    x = digits["train"][0][:300]
    first = reference(x, judge)
    assert len(os.listdir(cache)) == 1
    monkeypatch.setattr("keras_imgen.metrics.features.extract", lambda *a: pytest.fail("was made again"))
    again = reference(x.copy(), judge)
    np.testing.assert_array_equal(first.rows, again.rows)
    np.testing.assert_array_equal(first.moments.covariance, again.moments.covariance)
    monkeypatch.undo()
    os.environ["KERAS_IMGEN_CACHE"] = cache
    other = x.copy()
    other[17, 3, 3] ^= 1
    reference(other, judge)
    assert len(os.listdir(cache)) == 2
    path = os.path.join(cache, os.listdir(cache)[0])
    with open(path, "r+b") as f:
        f.truncate(100)
    np.testing.assert_allclose(reference(x, judge).rows, first.rows, atol=1e-5)  # a damaged file is made again
    reference(other, judge)


def test_mixed_up_inputs(digits, judge):
    x, _ = digits["train"]
    for samples, message in [
        (x / np.float32(255), "uint8"),
        (np.repeat(x, 3, -1), "one size and channels"),
        (x[:, :8], "samples 8x16x1"),
        ((x > 128).astype("uint8"), "multiply"),
        (x[:0], "no images"),
        (iter([x]), "twice"),
    ]:
        with pytest.raises(ValueError, match=message):
            evaluate(samples, x, judge)
    with pytest.raises(ValueError, match="There is no metric 'psnr'"):
        evaluate(x, x, judge, ["psnr"])
    with pytest.raises(ValueError, match="FID is the name"):
        evaluate(x, x, judge, ["fid"])
    with pytest.raises(ValueError, match="labels"):
        evaluate(x, x, judge, ["classifier_accuracy"])
    with pytest.warns(UserWarning, match="dark"):
        evaluate(x // 8, x, judge, ["frechet"])
    with pytest.warns(UserWarning, match="60 images for 64 features"):
        evaluate(x[:60], x, judge, ["frechet"])
    with pytest.raises(ValueError, match="one shape"):
        list(batches([x, x[:, :8]]))


@pytest.mark.slow
def test_accuracy_of_real_on_real_is_plain_training(digits):
    (x, y), (tx, ty) = digits["train"], digits["test"]
    got = classifier_accuracy(x, y, tx, ty, epochs=2, seed=3)
    model = train_classifier(x, y, 10, epochs=2, seed=3)
    model.compile(metrics=["accuracy"], loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert got == pytest.approx(model.evaluate(tx, ty, verbose=0)[1], abs=1e-6)
    assert got > 0.5
    shuffled = classifier_accuracy(x, np.random.default_rng(0).permutation(y), tx, ty, epochs=1)
    assert shuffled < 0.3
    with pytest.raises(ValueError, match="label for each"):
        classifier_accuracy(x, y[:5], tx, ty)


def test_the_page_and_the_comparison(digits, judge, tmp_path):
    x, _ = digits["train"]
    with pytest.warns(UserWarning, match="few"):
        found = evaluate(x[:200], x[200:], judge, ["kernel", "modes", "memorisation"], held_out=digits["test"][0])
    path = metrics.write_report(found, str(tmp_path / "one"), "Digits", [{"epoch": 1, "seconds": 1, "loss": 2.0}])
    text = open(path).read()
    for part in (
        "Kernel classifier distance",
        "samples.png",
        "nearest.png",
        "distances.png",
        "curves.png",
        "200 samples are few",
    ):
        assert part in text
    assert set(os.listdir(tmp_path / "one")) == {
        "report.md", "results.json", "samples.png", "nearest.png", "distances.png", "curves.png"
    }  # fmt: skip
    both = metrics.write_comparison({"a": found, "b": found}, str(tmp_path / "two"), "Both")
    assert "| metric | a | b | real images get |" in open(both).read()
