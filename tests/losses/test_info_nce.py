"""InfoNCE against its formula, written out."""

import numpy as np
from keras import ops

from keras_imgen.losses.contrastive import info_nce


def test_it_is_the_cross_entropy_of_cosines():
    rng = np.random.default_rng(0)
    images, texts = rng.normal(size=(2, 5, 3)).astype("float32") * 7
    same = np.eye(5, dtype=bool)
    same[0, 2] = same[2, 0] = True  # the same text twice: none is a wrong answer for the other
    nats = []
    for k, image in enumerate(images):
        cosines = texts @ image / np.linalg.norm(texts, axis=1) / np.linalg.norm(image)
        others = [j for j in range(5) if j == k or not same[k, j]]
        nats.append(np.log(np.exp(cosines[others] / 0.2).sum()) - cosines[k] / 0.2)
    found = float(ops.convert_to_numpy(info_nce(images, texts, same, 0.2)))
    np.testing.assert_allclose(found, np.mean(nats), rtol=1e-5)


def test_one_row_has_nothing_to_find():
    assert float(info_nce(np.ones((1, 3), "float32"), -np.ones((1, 3), "float32"), np.ones((1, 1), bool))) == 0.0
    nothing = info_nce(np.zeros((2, 3), "float32"), np.zeros((2, 3), "float32"), np.eye(2, dtype=bool))
    np.testing.assert_allclose(float(nothing), np.log(2), rtol=1e-6)
