import json

import numpy as np
import pytest

from keras_imgen.data.image_io import save_image
from keras_imgen.recipes import get

pytestmark = pytest.mark.tensorflow


@pytest.mark.slow
@pytest.mark.parametrize("method", ["diffusion", "gan"])
def test_from_picture_to_report(method, tmp_path):
    save_image(str(tmp_path / "p.png"), np.random.default_rng(0).integers(0, 256, (60, 80, 3), "uint8"))
    how = {"picture": str(tmp_path / "p.png"), "size": 40, "width": 4, "method": method}
    get("art-single-image")(str(tmp_path / "run"), epochs=2, batch=2, steps_per_epoch=2, **how)
    rows = [json.loads(row) for row in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 2 and np.isfinite(list(rows[1].values())).all()
    assert "patch distance of halves" in (tmp_path / "run" / "report.md").read_text()
    assert (tmp_path / "run" / "saved_model" / "saved_model.pb").exists()


def test_what_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`method` as one of diffusion, gan"):
        get("art-single-image")(str(tmp_path / "run"), method="vae")
    save_image(str(tmp_path / "narrow.png"), np.zeros((30, 2000, 3), "uint8"))
    with pytest.raises(
        ValueError, match="16 pixels or more where the longer has at most 96 .* of 2000x30, .*narrow.png"
    ):
        get("art-single-image")(str(tmp_path / "run"), picture=str(tmp_path / "narrow.png"))
    save_image(str(tmp_path / "p.png"), np.zeros((60, 80, 3), "uint8"))
    with pytest.raises(ValueError, match="an epoch for each of 4 levels, got 2"):
        get("art-single-image")(str(tmp_path / "run"), 2, picture=str(tmp_path / "p.png"), method="gan")
    assert not (tmp_path / "run").exists()
