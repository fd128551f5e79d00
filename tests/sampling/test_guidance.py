import numpy as np
import pytest
from keras import ops

from keras_imgen.sampling import guidance, samplers


@pytest.mark.parametrize("scale", [0.0, 1.0, 2.5])
def test_guided_gaussians_give_the_shifted_gaussian(run64, gaussian, scale):
    """Guiding N(μc, s²) against N(μu, s²) samples N(μu + w(μc - μu), s²): the ODE maps x_T to its quantile."""
    cond, uncond = gaussian(1.0, 0.25), gaussian(-0.5, 0.25)
    table = samplers.table("heun", "edm", 400, t_end=0.0)
    start = 80.0 * np.linspace(-2, 2, 9)
    x = run64(lambda x, a, s: guidance.classifier_free(cond(x, a, s), uncond(x, a, s), scale), start, table)
    mean = -0.5 + scale * 1.5
    wanted = mean + (start - mean) * np.sqrt((0.25 + 0.002**2) / (0.25 + 80.0**2))
    np.testing.assert_allclose(x, wanted, atol=2e-4)


def test_scale_one_is_the_conditional_to_the_bit():
    cond, uncond = np.random.default_rng(0).standard_normal((2, 4, 8, 8, 3)).astype("float32")
    np.testing.assert_array_equal(guidance.classifier_free(cond, uncond, np.float32(1.0)), cond)
    np.testing.assert_allclose(guidance.classifier_free(cond, uncond, np.float32(0.0)), uncond, atol=1e-6)


def test_rescale_restores_the_contrast_of_each_image():
    cond, d = np.random.default_rng(0).standard_normal((2, 4, 8, 8, 3)).astype("float32") * [[[[[1.0]]]], [[[[3.0]]]]]
    full = ops.convert_to_numpy(guidance.rescale(ops.convert_to_tensor(d), ops.convert_to_tensor(cond), 1.0))
    np.testing.assert_allclose(full.std((1, 2, 3)), cond.std((1, 2, 3)), rtol=1e-5)
    none = ops.convert_to_numpy(guidance.rescale(ops.convert_to_tensor(d), ops.convert_to_tensor(cond), 0.0))
    np.testing.assert_allclose(none, d, rtol=1e-6)


def test_interval_guides_only_inside():
    scale = guidance.interval(ops.full((5,), 3.0), ops.convert_to_tensor([-9.0, -2.0, 0.0, 2.0, 9.0]), -2.0, 2.0)
    np.testing.assert_array_equal(ops.convert_to_numpy(scale), [1, 3, 3, 3, 1])
