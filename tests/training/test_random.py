"""Threefry against the known answers of its authors' test vectors; the laws of the distributions; independence of the batch."""

import numpy as np
from keras import ops
from scipy import stats

from keras_imgen.training import random


def test_threefry_known_answers():
    words = lambda *values: [ops.convert_to_tensor(np.array([v], "uint32")) for v in values]  # noqa: E731
    for args, expected in [
        ((0, 0, 0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 4, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344, 0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ]:
        got = [int(ops.convert_to_numpy(x)[0]) for x in random.threefry(*words(*args))]
        assert got == list(expected)


def test_distributions():
    keys = random.key(np.arange(50))
    z = ops.convert_to_numpy(random.normal(keys, (41, 51)))
    assert z.shape == (50, 41, 51)
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3
    u = ops.convert_to_numpy(random.uniform(keys, (2001,)))
    assert stats.kstest(u.ravel(), "uniform").pvalue > 1e-3
    assert 0.0 < u.min() and u.max() < 1.0
    assert set(np.unique(ops.convert_to_numpy(random.rademacher(keys, (9,))))) == {-1.0, 1.0}


def test_row_depends_on_its_own_key_alone():
    batch = ops.convert_to_numpy(random.normal(random.fold(random.key(np.arange(7)), 3), (5, 5, 1)))
    alone = ops.convert_to_numpy(random.normal(random.fold(random.key(np.array([4])), 3), (5, 5, 1)))
    np.testing.assert_array_equal(batch[4], alone[0])
    rows = batch.reshape(7, -1)
    assert np.abs(np.corrcoef(rows) - np.eye(7)).max() < 0.8 and len(np.unique(rows)) == rows.size
