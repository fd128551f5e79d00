"""Contrastive losses: pictures and texts of a batch, of which each belongs to one of the others."""

from typing import Any

from keras import ops


def info_nce(images: Any, texts: Any, same: Any, temperature: float = 0.1) -> Any:
    """The cross-entropy of finding each picture's text among those of the batch, by cosines (InfoNCE, van den Oord et al. 2018; XMC-GAN,
    Zhang et al. 2021, eq. 3), a scalar in float32; 0 for one row.

    Args:
        images: vectors (N, D).
        texts: vectors (N, D), each of the picture in its row.
        same: bool (N, N), which of the texts say the same: they are no wrong answers.
        temperature: by which the cosines are divided, above 0.
    """
    scores = ops.matmul(_unit(images), ops.transpose(_unit(texts))) / temperature
    own = ops.eye(ops.shape(scores)[0], dtype="bool")
    shown = ops.where(ops.logical_and(same, ops.logical_not(own)), -1e9, scores)
    return ops.mean(ops.logsumexp(shown, axis=-1) - ops.diagonal(scores))


def _unit(vectors):
    vectors = ops.cast(vectors, "float32")
    return vectors * ops.rsqrt(ops.sum(ops.square(vectors), axis=-1, keepdims=True) + 1e-12)
