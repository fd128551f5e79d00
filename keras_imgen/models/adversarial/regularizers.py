"""Terms that are added to the discriminator's loss: each one small class with the paper it comes from.

A term is called with a `DiscriminatorStep` and gives a scalar, its weight in it. Penalties on gradients call the critic with
`training=False`: no dropout, and the state of batch or spectral norm stays as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
from keras import ops

from keras_imgen.losses import terms
from keras_imgen.losses.terms import Schedule, Term, at
from keras_imgen.training import backend, random
from keras_imgen.training.rows import per_row


@dataclass(frozen=True)
class DiscriminatorStep:
    """What a term may look at. Images are float32 (N, H, W, C), as the discriminator sees them: augmented.

    Args:
        real: images of the batch.
        fake: generated images.
        real_logits: of `real`.
        fake_logits: of `fake`.
        critic: `critic(images, training=False)` gives logits with the labels of the batch.
        gradient: `gradient(fn, x)` gives the gradient of sum(fn(x)).
        keys: fresh random keys (N, 2).
        means: running means (2,) of the logits of real and of fake images.
        iteration: how many steps the discriminator has taken.
    """

    real: Any
    fake: Any
    real_logits: Any
    fake_logits: Any
    critic: Callable[..., Any]
    gradient: Callable[[Callable[[Any], Any], Any], Any]
    keys: Any
    means: Any
    iteration: Any = 0


class Regularizer(Term):
    """A term of the discriminator's loss: called with a `DiscriminatorStep`. It is logged as it counts, with its weight."""

    weighted = True


def _squared_norm(gradient):
    return per_row(ops.sum, ops.square(ops.cast(gradient, "float32")))


def _norm(gradient):
    return ops.sqrt(_squared_norm(gradient) + 1e-12)


@keras.saving.register_keras_serializable("keras_imgen")
class R1(Regularizer):
    """gamma/2 E|grad D(x)|^2 at real images (Mescheder et al. 2018, eq. 9). `gamma` may be a schedule (R3GAN's falls to a tenth, Huang et
    al. 2024): a strong penalty while the images are crude, a weak one for their details."""

    name = "r1"

    def __init__(self, gamma: float | Schedule = 1.0, every: int = 1):
        super().__init__(every, gamma=gamma)

    def __call__(self, step: DiscriminatorStep) -> Any:
        return 0.5 * at(self.gamma, step.iteration) * ops.mean(_squared_norm(step.gradient(step.critic, step.real)))


@keras.saving.register_keras_serializable("keras_imgen")
class R2(Regularizer):
    """gamma/2 E|grad D(x)|^2 at generated images (the same, eq. 10); `gamma` as for R1."""

    name = "r2"

    def __init__(self, gamma: float | Schedule = 1.0, every: int = 1):
        super().__init__(every, gamma=gamma)

    def __call__(self, step: DiscriminatorStep) -> Any:
        return 0.5 * at(self.gamma, step.iteration) * ops.mean(_squared_norm(step.gradient(step.critic, step.fake)))


@keras.saving.register_keras_serializable("keras_imgen")
class GradientPenalty(Regularizer):
    """weight E(|grad D(x)| - 1)^2 on straight lines between real and fake, u ~ U(0, 1) (WGAN-GP, Gulrajani et al. 2017, eq. 3)."""

    name = "gradient_penalty"

    def __init__(self, weight: float | Schedule = 10.0, every: int = 1):
        super().__init__(every, weight=weight)

    def __call__(self, step: DiscriminatorStep) -> Any:
        u = ops.reshape(random.uniform(step.keys), (-1, *(1 for _ in step.real.shape[1:])))
        points = u * step.real + (1.0 - u) * step.fake
        return at(self.weight, step.iteration) * ops.mean(ops.square(_norm(step.gradient(step.critic, points)) - 1.0))


@keras.saving.register_keras_serializable("keras_imgen")
class DRAGAN(Regularizer):
    """weight E(|grad D(x)| - 1)^2 around real images, x + 0.5 std(x) u with u ~ U(0, 1) (Kodali et al. 2017, section 2.3)."""

    name = "dragan"

    def __init__(self, weight: float | Schedule = 10.0, every: int = 1):
        super().__init__(every, weight=weight)

    def __call__(self, step: DiscriminatorStep) -> Any:
        u = random.uniform(step.keys, tuple(step.real.shape[1:]))
        points = step.real + 0.5 * ops.std(step.real) * u
        return at(self.weight, step.iteration) * ops.mean(ops.square(_norm(step.gradient(step.critic, points)) - 1.0))


@keras.saving.register_keras_serializable("keras_imgen")
class Consistency(Regularizer):
    """E(D(x) - D(T(x)))^2 with T a flip and a shift by up to an eighth: CR-GAN (Zhang et al. 2020, eq. 3) with `fake` = 0,
    balanced bCR (Zhao et al. 2020, section 3.1) with both weights.

    Args:
        real: weight of real images; a number or a schedule.
        fake: weight of generated ones; a number or a schedule.
        every: see `losses.terms.Term`.
    """

    name = "consistency"

    def __init__(self, real: float | Schedule = 10.0, fake: float | Schedule = 0.0, every: int = 1):
        super().__init__(every, real=real, fake=fake)

    def __call__(self, step: DiscriminatorStep) -> Any:
        from keras_imgen.models.adversarial.augment import alike, flip, translate

        def moved(images):
            return alike(translate, alike(flip, images, random.fold(step.keys, 1)), random.fold(step.keys, 2))

        total = 0.0
        for weight, images, logits in (
            (self.real, step.real, step.real_logits),
            (self.fake, step.fake, step.fake_logits),
        ):
            if weight:
                again = ops.cast(step.critic(moved(images)), "float32")
                total = total + at(weight, step.iteration) * ops.mean(ops.square(ops.cast(logits, "float32") - again))
        return ops.convert_to_tensor(total, dtype="float32")


@keras.saving.register_keras_serializable("keras_imgen")
class LeCam(Regularizer):
    """weight (E relu(D(x) - m_fake)^2 + E relu(m_real - D(G(z)))^2) with the running means m of the logits
    (Tseng et al. 2021, eq. 6, with the rectifier of the authors' programs)."""

    name = "lecam"

    def __init__(self, weight: float | Schedule = 0.1, every: int = 1):
        super().__init__(every, weight=weight)

    def __call__(self, step: DiscriminatorStep) -> Any:
        real, fake = (ops.cast(v, "float32") for v in (step.real_logits, step.fake_logits))
        above = ops.mean(ops.square(ops.relu(real - step.means[1])))
        below = ops.mean(ops.square(ops.relu(step.means[0] - fake)))
        return at(self.weight, step.iteration) * (above + below)


def discriminator_step(
    model: Any, real: Any, fake: Any, discriminate_both: Callable[[], tuple], critic: Callable[..., Any], keys: Any
) -> tuple[dict[str, Any], tuple, Any]:
    """A step of `model.discriminator` by `model.loss_pair` and `model.regularizers`, which moves the running means `model.logit_means`
    (None if no regularizer may ask for them).

    Args:
        model: has a `discriminator`, a `loss_pair` and `regularizers`.
        real: images (N, H, W, C) as the discriminator sees them.
        fake: generated ones, the same way.
        discriminate_both: gives the logits of real and of fake images, and a dict of further terms of the loss, as (weight, scalar).
        critic: see `DiscriminatorStep`.
        keys: see `DiscriminatorStep`.

    Returns:
        (the logs; the logits of real and of fake images, float32; their two means over all replicas, (2,)).
    """
    before = None if model.logit_means is None else ops.copy(model.logit_means)
    iteration = terms.iteration(model._optimizer_of(model.discriminator))

    def loss_fn():
        real_logits, fake_logits, more = discriminate_both()
        loss = model.loss_pair.discriminator(real_logits, fake_logits)
        state = (model.input_gradient, keys, before, iteration)
        step = DiscriminatorStep(real, fake, real_logits, fake_logits, critic, *state)
        call = lambda i, term: term(replace(step, keys=random.fold(keys, i)))  # noqa: E731
        total, logs = terms.added(model.regularizers, iteration, call, loss)
        total = sum((weight * term for weight, term in more.values()), total)
        logs = {**logs, **{name: term for name, (_, term) in more.items()}, "discriminator_loss": loss}
        return total, logs, real_logits, fake_logits

    _, logs, *logits = model.minimize(loss_fn, model.discriminator)
    real_logits, fake_logits = (ops.cast(v, "float32") for v in logits)
    now = ops.stack([ops.mean(real_logits), ops.mean(fake_logits)])
    now = backend.sum_over_replicas(now) / backend.replica_count()
    if before is not None:
        model.logit_means.assign(before + 0.01 * (now - before))
    return {**logs, **model.loss_pair.accuracy(real_logits, fake_logits)}, (real_logits, fake_logits), now
