"""How far masks (N, ..., 1) of 0 and 1 are from the logits that a network gives for them."""

from typing import Any

from keras import ops

from keras_imgen.training.rows import per_row


def cross_entropy(mask: Any, logits: Any) -> Any:
    """The mean binary cross-entropy, in nats.

    Args:
        mask: (N, ...).
        logits: of the same shape.
    """
    return ops.mean(ops.maximum(logits, 0.0) - logits * mask + ops.log1p(ops.exp(-ops.abs(logits))))


def dice(mask: Any, logits: Any) -> Any:
    """The Dice loss (Milletari et al. 2016, "V-Net"), of each row: small things count as much as large ones.

    Args:
        mask: (N, ...).
        logits: of the same shape.
    """
    share = ops.sigmoid(logits)
    both, all_ = per_row(ops.sum, share * mask), per_row(ops.sum, share + mask)
    return ops.mean(1.0 - (2.0 * both + 1.0) / (all_ + 1.0))


def f1(mask: Any, logits: Any) -> Any:
    """2 TP / (2 TP + FP + FN) of all pixels of all rows, found where the logits are above 0; 1 where there is nothing and nothing is found.

    Args:
        mask: (N, ...).
        logits: of the same shape.
    """
    found = ops.cast(logits > 0.0, "float32")
    all_ = ops.sum(found + mask)
    return ops.where(all_ > 0.0, 2.0 * ops.sum(found * mask) / ops.maximum(all_, 1.0), 1.0)
