"""The two sides of the adversarial game, on logits of any shape, computed in float32 with softplus for log-sigmoids.

Each loss is a pair of pure functions: `discriminator(real, fake)` and `generator(fake, real)` give scalars to minimise.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops


class AdversarialLoss(NamedTuple):
    """A named pair of losses.

    Args:
        name: what `get` finds it by.
        discriminator: f(real, fake) of logits -> scalar.
        generator: f(fake, real) of logits -> scalar.
        threshold: the logit at which the discriminator is undecided, None where only differences of logits mean something.
        pairs: whether the generator's loss looks at real images.
    """

    name: str
    discriminator: Callable[[Any, Any], Any]
    generator: Callable[[Any, Any], Any]
    threshold: float | None = 0.0
    pairs: bool = False

    def middle(self, real: Any, fake: Any) -> Any:
        """The threshold, or half way between the means of the logits where there is none."""
        return 0.5 * (ops.mean(_f(real)) + ops.mean(_f(fake))) if self.threshold is None else self.threshold

    def accuracy(self, real: Any, fake: Any) -> dict[str, Any]:
        """Scalars `real_accuracy` and `fake_accuracy`: the shares of logits on their side of the middle."""
        middle = self.middle(real, fake)
        right = {"real_accuracy": _f(real) > middle, "fake_accuracy": _f(fake) < middle}
        return {name: ops.mean(ops.cast(v, "float32")) for name, v in right.items()}


def _f(logits):
    return ops.cast(logits, "float32")


def _classify(real, fake):
    return ops.mean(ops.softplus(-_f(real))) + ops.mean(ops.softplus(_f(fake)))


def _least_squares(real, fake):
    return 0.5 * ops.mean(ops.square(_f(real) - 1.0)) + 0.5 * ops.mean(ops.square(_f(fake)))


def _hinge(real, fake):
    return ops.mean(ops.relu(1.0 - _f(real))) + ops.mean(ops.relu(1.0 + _f(fake)))


LOSSES = {
    loss.name: loss
    for loss in (
        # Goodfellow et al. 2014, eq. 1: the generator minimises log(1 - D(G(z))), which is flat where it loses.
        AdversarialLoss("minimax", _classify, lambda fake, real: -ops.mean(ops.softplus(_f(fake)))),
        # The same paper, section 3: it maximises log D(G(z)) instead.
        AdversarialLoss("non_saturating", _classify, lambda fake, real: ops.mean(ops.softplus(-_f(fake)))),
        # Mao et al. 2017 (LSGAN), eq. 9: targets 0 for fake, 1 for real, 1 for the generator.
        AdversarialLoss(
            "least_squares", _least_squares, lambda fake, real: 0.5 * ops.mean(ops.square(_f(fake) - 1.0)), 0.5
        ),
        # Lim & Ye 2017; Miyato et al. 2018, eqs. 16 and 17.
        AdversarialLoss("hinge", _hinge, lambda fake, real: -ops.mean(_f(fake))),
        # Arjovsky et al. 2017: the critic's gap estimates the earth mover's distance, if the critic is 1-Lipschitz.
        AdversarialLoss(
            "wasserstein",
            lambda real, fake: ops.mean(_f(fake)) - ops.mean(_f(real)),
            lambda fake, real: -ops.mean(_f(fake)),
            None,
        ),
        # Jolicoeur-Martineau 2018, pairwise; with R1 and R2 it is R3GAN (Huang et al. 2024), eq. 2.
        AdversarialLoss(
            "relativistic",
            lambda real, fake: ops.mean(ops.softplus(_f(fake) - _f(real))),
            lambda fake, real: ops.mean(ops.softplus(_f(real) - _f(fake))),
            None,
            True,
        ),
    )
}


def get(loss: str | dict | AdversarialLoss) -> AdversarialLoss:
    """A loss by its name: minimax, non_saturating, least_squares, hinge, wasserstein, relativistic; or by what `config_of` gave.

    Raises:
        ValueError: an unknown name.
    """
    if isinstance(loss, AdversarialLoss):
        return loss
    if isinstance(loss, dict):
        return AdversarialLoss(
            **{k: v if callable(v) else keras.saving.deserialize_keras_object(v) for k, v in loss.items()}
        )
    if loss not in LOSSES:
        raise ValueError(f"There is no adversarial loss {loss!r}. Expected one of {', '.join(LOSSES)}.")
    return LOSSES[loss]


def config_of(loss: AdversarialLoss) -> str | dict:
    """What a model's config holds: the name of one of ours, or the functions of your own.

    These have to be registered with Keras (`keras.saving.register_keras_serializable`) to be found again.
    """
    if LOSSES.get(loss.name) == loss:
        return loss.name
    return {k: keras.saving.serialize_keras_object(v) for k, v in loss._asdict().items()}
