"""Contrastive losses: pictures and texts of a batch, or patches of two pictures, of which each belongs to one of the others."""

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


def patch_nce(queries: Any, keys: Any, temperature: float = 0.07) -> Any:
    """The cross-entropy of finding each patch of an answer among those of the same picture that it was made from (Park et al. 2020,
    "Contrastive Learning for Unpaired Image-to-Image Translation", eqs. 2 and 3), a scalar in float32. The wrong answers are of the same
    picture.

    Args:
        queries: vectors (N, S, D) of S places of each answer, of unit length.
        keys: vectors (N, S, D) of the same places of the pictures, of unit length. Nothing is learned through them.
        temperature: by which the cosines are divided, above 0.
    """
    queries, keys = ops.cast(queries, "float32"), ops.stop_gradient(ops.cast(keys, "float32"))
    scores = ops.matmul(queries, ops.transpose(keys, (0, 2, 1))) / temperature
    own = ops.sum(queries * keys, axis=-1) / temperature
    return ops.mean(ops.logsumexp(scores, axis=-1) - own)


def _unit(vectors):
    vectors = ops.cast(vectors, "float32")
    return vectors * ops.rsqrt(ops.sum(ops.square(vectors), axis=-1, keepdims=True) + 1e-12)
