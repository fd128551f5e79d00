"""The residual network of pictures, and the projection beside it."""

import numpy as np
import pytest
from keras import ops

from keras_imgen.networks import projection, resnet


def test_a_row_depends_on_its_own_picture_alone():
    network = resnet((16, 16, 3), 5, widths=(8, 12), depth=2)
    images = np.random.default_rng(0).normal(size=(4, 16, 16, 3)).astype("float32")
    out = ops.convert_to_numpy(network(images, training=False))
    assert out.shape == (4, 5) and out.dtype == np.float32
    changed = np.concatenate([images[:3], -images[3:]])
    after = ops.convert_to_numpy(network(changed, training=False))
    np.testing.assert_allclose(after[:3], out[:3], atol=1e-5)
    assert not np.allclose(after[3], out[3])


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="divisible by 8 for 3 widths, got 12x16"):
        resnet((12, 16, 3), 5)


def test_the_projection_is_linear():
    network = projection(3, 2)
    kernel = np.arange(6, dtype="float32").reshape(3, 2)
    network.get_layer("out").set_weights([kernel])
    vectors = np.eye(3, dtype="float32")
    np.testing.assert_allclose(ops.convert_to_numpy(network({"vector": vectors})), kernel)
