"""CLIP and text-to-image in latents on emoji of one's own making: from files to answers, in a few steps."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from keras_imgen import load_model, recipes
from keras_imgen.recipes.latent_text import reading

pytestmark = pytest.mark.tensorflow
SHORT = {"epochs": 1, "batch": 8, "steps_per_epoch": 2}


@pytest.fixture
def emoji(tmp_path, monkeypatch):
    """Eighty flat ones in the place of the real ones."""
    place, listed = tmp_path / "data" / "emoji_noto64", []
    place.mkdir(parents=True)
    with zipfile.ZipFile(place / "images.zip", "w") as archive:
        for k in range(80):
            out = io.BytesIO()
            Image.fromarray(np.full((64, 64, 4), (3 * k, 0, 0, 255), "uint8")).save(out, "PNG")
            archive.writestr(f"{k}.png", out.getvalue())
            kind = {"category": "Reds", "subcategory": "some", "base": True}
            listed.append({"file": f"{k}.png", "name": f"red {k}", "short_names": [f"red_{k}"], **kind})
    (place / "captions.json").write_text(json.dumps(listed))
    monkeypatch.setenv("KERAS_IMGEN_DATA", str(tmp_path / "data"))


@pytest.mark.slow
def test_from_files_to_vectors(emoji, tmp_path):
    used = recipes.get("emoji-clip")(str(tmp_path / "run"), **SHORT)
    assert used.startswith("keras-imgen export")
    assert "text to image R@1" in (tmp_path / "run" / "report.md").read_text()
    model = load_model(str(tmp_path / "run" / "model.keras"))
    assert model.embed_texts(["red 7", "red"]).shape == (2, 128)


@pytest.mark.slow
def test_from_files_to_pictures_of_words(emoji, tmp_path):
    out = str(tmp_path / "run")
    tiny = {**SHORT, "codec_epochs": 1, "codes": 8, "dim": 4, "widths": (8, 8)}
    recipes.get("emoji-text")(out, **tiny)
    model = load_model(f"{out}/model.keras")
    assert model.x_shape == (16, 16, 4) and model.codec.codes == 8
    assert model.generate(conditions={"caption": ["red 7", ""]}, steps=2).shape == (2, 64, 64, 3)
    with pytest.raises(FileExistsError, match="finished"):
        recipes.get("emoji-text")(out, resume=True, **tiny)


def test_other_encoders_are_refused():
    with pytest.raises(ValueError, match="small or minilm, got 'large'"):
        reading("emoji", "large")
