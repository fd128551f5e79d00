"""Scenes with instructions and phrases: what is outside the mask stays, and what training may see."""

import numpy as np
import pytest

from keras_imgen.data import load
from keras_imgen.data.scenes import NEW_PAIRS
from keras_imgen.data.sources import Request, find
from keras_imgen.data.sources.instructed import edited
from keras_imgen.data.sources.shapes import COLOURS, SHAPES
from keras_imgen.metrics import read_scene


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_edit_changes_what_its_mask_says_and_nothing_else(split):
    source = find("shapes:edit", Request(split))
    batch, said = source.fetch(np.arange(200)), [source.captions[k][0] for k in range(200)]
    changed = (batch["image"] != batch["source"]).any(-1, keepdims=True)
    assert not (changed & (batch["mask"] == 0)).any() and changed.reshape(200, -1).any(1).all()
    assert {text.split()[0] for text in said} == {"make", "replace", "move", "remove", "add", "turn"}
    for k in range(200):
        before, change = edited(0, split, k)
        assert change.instruction == said[k]  # the mask's size draws nothing
        pairs = {(tuple(COLOURS)[t.colour], SHAPES[t.shape]) for s in (before, change.scene) for t in s.things}
        assert split == "test" or not pairs & NEW_PAIRS
    readings = [read_scene(image) for image in batch["image"][:40]]
    assert np.mean([len(r.things) == len(edited(0, split, k)[1].scene.things) for k, r in enumerate(readings)]) > 0.95


def test_a_phrase_means_a_part():
    source = find("shapes:segment", Request("validation", (48, 48)))
    batch = source.fetch(np.arange(100))
    said = [source.captions[k][0] for k in range(100)]
    for image, mask, text in zip(batch["image"], batch["mask"][..., 0], said):
        assert mask.any() and set(np.unique(mask)) <= {0, 1}
        colours = image[mask == 1].astype(int)
        if text != "the background":
            assert abs(colours - np.median(colours, 0)).max(1).mean() < 40  # of one thing
    assert "the background" in said and source.captions[3:5] == [source.captions[3], source.captions[4]]


def test_they_are_loaded():
    batch = next(iter(load("shapes:edit", "test", batch=3, columns=("image", "source", "caption"))))
    assert batch["source"].shape == batch["image"].shape == (3, 32, 32, 3) and len(batch["caption"]) == 3
    for kind, wrong, said in (
        ("edit", {"split": "dev"}, "no split"),
        ("segment", {"size": 8}, "16 to 128"),
        ("edit", {"frames": 2}, "frames"),
    ):
        with pytest.raises(ValueError, match=said):
            load(f"shapes:{kind}", **wrong)
