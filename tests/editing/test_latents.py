"""Ways through a latent space, on a model whose decoder is known: the picture is the latent."""

import numpy as np
import pytest

from keras_imgen import data
from keras_imgen.data.image_io import load_image
from keras_imgen.editing import latents


class Plain:
    """2x2 gray pictures are four latent numbers."""

    num_classes = None

    def encode(self, images, labels=None):
        return images.reshape(len(images), 4).astype("float32") / 100

    def decode(self, z, labels=None):
        return np.clip(np.round(z * 100), 0, 255).astype("uint8").reshape(-1, 2, 2, 1)


def picture(*values):
    return np.array(values, "uint8").reshape(2, 2, 1)


def test_a_line_and_a_circle():
    a, b = picture(100, 0, 0, 0), picture(0, 100, 0, 0)
    line = latents.interpolate(Plain(), a, b, 3)
    np.testing.assert_array_equal(line[[0, 2]], [a, b])
    np.testing.assert_array_equal(line[1].ravel(), [50, 50, 0, 0])
    circle = latents.interpolate(Plain(), a, b, 3, spherical=True)
    np.testing.assert_array_equal(circle[1].ravel(), [71, 71, 0, 0])
    with pytest.raises(ValueError, match="two frames"):
        latents.interpolate(Plain(), a, b, 1)


def test_one_number_after_the_other():
    found = latents.traverse(Plain(), picture(10, 20, 30, 40), dims=[1, 3], values=[0, 1, 2])
    assert found.shape == (2, 3, 2, 2, 1)
    np.testing.assert_array_equal(found[0, 2].ravel(), [10, 200, 30, 40])
    np.testing.assert_array_equal(found[1, 1].ravel(), [10, 20, 30, 100])
    with pytest.raises(ValueError, match="0..3"):
        latents.traverse(Plain(), picture(0, 0, 0, 0), dims=[4])


def test_an_attribute():
    rng = np.random.default_rng(0)
    lacking = rng.integers(20, 60, (50, 2, 2, 1)).astype("uint8")
    having = lacking + np.array([0, 100, 0, 0], "uint8").reshape(2, 2, 1)
    vector = latents.attribute_vector(Plain(), having, lacking)
    np.testing.assert_allclose(vector, [0, 1, 0, 0], atol=1e-5)
    np.testing.assert_array_equal(latents.add_attribute(Plain(), lacking, vector), having)
    np.testing.assert_array_equal(latents.add_attribute(Plain(), having, vector, -1.0), lacking)
    with pytest.raises(ValueError, match="both kinds"):
        latents.attribute_vector(Plain(), having, lacking[:0])


def test_a_scatter_plot(tmp_path):
    x, y = np.random.default_rng(0).integers(0, 256, (64, 2, 2, 1), "uint8"), np.arange(64) % 3
    latents.scatter(Plain(), data.load({"image": x, "label": y}, batch=16), str(tmp_path / "s.png"))
    picture = load_image(str(tmp_path / "s.png"))
    assert picture.shape[0] > 300 and len(np.unique(picture.reshape(-1, picture.shape[-1]), axis=0)) > 50
