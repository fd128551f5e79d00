"""Recipes of clips that begin with trained models: what they take over is there, and what cannot be is named."""

import io

import numpy as np
import pytest
from PIL import Image

from keras_imgen import load_model, models, networks
from keras_imgen.data.clips import SPLITS
from keras_imgen.recipes import clips_denoise, clips_repair, clips_sr

pytest.importorskip("av")
pytestmark = pytest.mark.tensorflow
ONCE = {"epochs": 1, "batch": 2, "steps_per_epoch": 10, "size": 16, "width": 8}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A denoiser of pictures and an interpolator, of clips that move."""
    monkeypatch.setenv("KERAS_IMGEN_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "video_clips").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in (*SPLITS["clips:train"], *SPLITS["clips:validation"]):
        wide = rng.integers(0, 256, (160, 200, 3), dtype="uint8")
        frames = [io.BytesIO() for _ in range(30)]
        for k, file in enumerate(frames):
            Image.fromarray(wide[k : k + 130, :140]).save(file, "JPEG")
        packed = [f.getvalue() for f in frames]
        ends = np.cumsum([0, *map(len, packed)])
        np.savez(
            tmp_path / "data" / "video_clips" / f"{name}.npz",
            jpeg=np.frombuffer(b"".join(packed), "uint8"),
            offsets=ends,
        )
    denoiser, flow = (
        models.Denoiser(networks.compact_denoiser(3, 8)),
        models.FrameInterpolator(networks.flow_interpolator()),
    )
    for model, name in ((denoiser, "denoiser"), (flow, "flow")):
        for v in model.network.weights:
            v.assign(v + rng.normal(0, 0.01, v.shape))
        model.save(tmp_path / f"{name}.keras")
    return {"start": str(tmp_path / "denoiser.keras"), "flow": str(tmp_path / "flow.keras")}


@pytest.mark.slow
def test_motion_is_found_by_the_interpolator_that_is_told(files, tmp_path):
    clips_denoise.train(str(tmp_path / "run"), **ONCE, **files)
    network = load_model(tmp_path / "run" / "model.keras").network
    (layer,) = (layer for layer in network.layers if hasattr(layer, "flow"))
    given = load_model(files["flow"]).for_inference().network
    for mine, its in zip(layer.flow.weights, given.weights, strict=True):
        np.testing.assert_array_equal(mine, its)


@pytest.mark.slow
def test_super_resolution_begins_with_that_of_pictures(files, tmp_path):
    enlarger = models.SuperResolution(networks.compact_sr(2), 2)
    enlarger.save(tmp_path / "enlarger.keras")
    start = str(tmp_path / "enlarger.keras")
    clips_sr.train(str(tmp_path / "run"), **ONCE, start=start, flow=files["flow"])
    model = load_model(tmp_path / "run" / "model.keras")
    clip = np.random.default_rng(0).integers(0, 256, (3, 9, 11, 3), dtype="uint8")
    assert model.restore(clip).shape == (3, 18, 22, 3)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 3])
def test_repair_learns_from_clips_and_photographs(files, tmp_path, monkeypatch, batch):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(clips_repair, "photos", lambda name: [rng.integers(0, 256, (90, 80, 3), dtype="uint8")])
    clips_repair.train(str(tmp_path / "run"), **{**ONCE, "batch": batch})
    model = load_model(tmp_path / "run" / "model.keras")
    clip = rng.integers(0, 256, (3, 9, 11, 3), dtype="uint8")
    found, answer = model.find(clip), model.restore(clip)
    np.testing.assert_array_equal(np.where(found, clip, answer), clip)


def test_what_cannot_be_is_named(files, tmp_path):
    run = str(tmp_path / "run")
    with pytest.raises(ValueError, match="both or neither"):
        clips_denoise.train(run, **ONCE, start=files["start"])
    with pytest.raises(ValueError, match="Expected as `flow` a FrameInterpolator, got in .* a Denoiser"):
        clips_denoise.train(run, **ONCE, start=files["start"], flow=files["start"])
    with pytest.raises(ValueError, match="Expected as `single` a blind networks.compact_denoiser"):
        clips_denoise.train(run, **{**ONCE, "width": 12}, **files)
    with pytest.raises(ValueError, match="Expected as `start` a SuperResolution, got in .* a Denoiser"):
        clips_sr.train(run, **ONCE, **files)
    assert not (tmp_path / "run").exists()
