"""Two small players on one loss each: what the training step has to do for every adversarial model, without the images' cost."""

import keras
import numpy as np
from keras import ops

from keras_imgen.models.image_model import ImageModel
from keras_imgen.training import random


@keras.saving.register_keras_serializable("keras_imgen_tests")
class Duel(ImageModel):
    logged = ("critic_loss", "maker_loss")

    def __init__(self, width=8, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.width, self.dropout = width, dropout
        rng = np.random.default_rng(0)
        dense = lambda units, n, **kw: keras.layers.Dense(  # noqa: E731
            units, kernel_initializer=keras.initializers.Constant(rng.normal(size=(n, units)) / n**0.5), **kw
        )
        self.maker = keras.Sequential([keras.Input((4,)), dense(width, 4, activation="tanh"), dense(16, width)])
        layers = [keras.Input((16,)), dense(width, 16, activation="tanh")]
        layers += [keras.layers.Dropout(dropout, seed=3)] if dropout else []
        self.critic = keras.Sequential([*layers, dense(1, width, dtype="float32")])
        self.finish()

    @property
    def players(self):
        return {"maker": self.maker, "critic": self.critic}

    @property
    def image_shape(self):
        return (4, 4, 1)

    def update(self, batch):
        real = ops.reshape(batch["image"], (-1, 16))
        z = random.normal(self.next_keys(ops.shape(real)[0]), (4,))
        fake = ops.stop_gradient(self.maker(z, training=True))

        def critic_loss():
            both = ops.softplus(self.critic(fake, training=True)) + ops.softplus(-self.critic(real, training=True))
            slope = self.input_gradient(lambda x: self.critic(x, training=False), real)  # R1
            return ops.mean(ops.cast(both, "float32")) + 0.1 * ops.mean(ops.sum(ops.square(slope), -1))

        c = self.minimize(critic_loss, self.critic)
        m = self.minimize(
            lambda: ops.mean(ops.softplus(-self.critic(self.maker(z, training=True), training=True))), self.maker
        )
        return {"critic_loss": c, "maker_loss": m}

    def score(self, batch):
        real = ops.reshape(batch["image"], (-1, 16))
        return {"critic_loss": ops.mean(ops.softplus(-self.critic(real, training=False)))}

    def get_config(self):
        return {**super().get_config(), "width": self.width, "dropout": self.dropout}


def images(n=64):
    return (np.random.default_rng(1).uniform(-1, 1, (n, 4, 4, 1))).astype("float32")


def duel(optimizer=keras.optimizers.Adam, lr=1e-2, compile_kwargs=None, **kwargs):
    model = Duel(**kwargs)
    model.compile(maker_optimizer=optimizer(lr), critic_optimizer=optimizer(2 * lr), **(compile_kwargs or {}))
    return model


def state(model):
    """Every number that a resumed run needs, as NumPy arrays."""
    return [np.array(v) for v in [*model.variables, *model.optimizer.variables]]
