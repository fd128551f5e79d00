"""One DCGAN step, 32x32x3, batch 64: here, in the keras.io pattern and in PyTorch; interleaved, medians.

    python -m benchmarks.gan_speed [--quick] [--rounds 15] [--seed 0]

The same algorithm on all sides: the non-saturating loss, one discriminator step on 64 real and 64 generated images, then one
generator step with images of its own, two Adams, no average of the weights, no penalty. The same networks without norms: the generator
goes from 4x4x256 to 32x32x3 by transposed convolutions of size 4, the discriminator has 64, 128, 256 channels and stride 2.
Apart from them stands `shared_fakes=True`, where one generator pass serves both players: another algorithm, with less work.
The last line is one JSON object.
"""

import argparse
import json

import numpy as np

from benchmarks.systems import interleaved, machine, start

LATENT, WIDTH, SIZE = 128, 64, 32


STEPS = 3  # timed together


def job(step) -> dict:
    return {"train": lambda: [step() for _ in range(STEPS)]}


def ours(images, seed, shared=False, **how):
    import keras

    from keras_imgen.models import GAN
    from keras_imgen.networks import dcgan_discriminator, dcgan_generator

    keras.utils.set_random_seed(seed)
    generator = dcgan_generator((SIZE, SIZE, 3), LATENT, WIDTH, normalization=None)
    discriminator = dcgan_discriminator((SIZE, SIZE, 3), WIDTH)
    model = GAN(generator, discriminator, regularizers=(), ema=None, shared_fakes=shared)
    model.compile(**how)
    return job(lambda: model.train_on_batch(images)), {"keras": keras.__version__}


def shared_fakes(images, seed):
    return ours(images, seed, shared=True)


def xla(images, seed):
    return ours(images, seed, jit_compile=True)


def keras_io(images, seed):
    """The step of https://keras.io/examples/generative/dcgan_overriding_train_step/ with these networks."""
    import keras
    import tensorflow as tf
    from keras import ops

    from keras_imgen.networks import dcgan_discriminator, dcgan_generator

    keras.utils.set_random_seed(seed)

    class DCGAN(keras.Model):
        def __init__(self):
            super().__init__()
            self.generator = dcgan_generator((SIZE, SIZE, 3), LATENT, WIDTH, normalization=None)
            self.discriminator = dcgan_discriminator((SIZE, SIZE, 3), WIDTH)
            self.seed_generator = keras.random.SeedGenerator(seed)
            self.d_metric, self.g_metric = keras.metrics.Mean(name="d_loss"), keras.metrics.Mean(name="g_loss")

        def compile(self):
            super().compile(optimizer=keras.optimizers.Adam(2e-4, 0.5), jit_compile=False)
            self.d_optimizer, self.g_optimizer = keras.optimizers.Adam(2e-4, 0.5), keras.optimizers.Adam(2e-4, 0.5)
            self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)

        def train_step(self, data):
            real = data[0]
            n = ops.shape(real)[0]
            noise = keras.random.normal((n, LATENT), seed=self.seed_generator)
            both = ops.concatenate([self.generator({"latent": noise}), real], axis=0)
            targets = ops.concatenate([ops.ones((n, 1)), ops.zeros((n, 1))], axis=0)
            with tf.GradientTape() as tape:
                d_loss = self.loss_fn(targets, self.discriminator({"image": both}))
            grads = tape.gradient(d_loss, self.discriminator.trainable_weights)
            self.d_optimizer.apply_gradients(zip(grads, self.discriminator.trainable_weights))
            noise = keras.random.normal((n, LATENT), seed=self.seed_generator)
            with tf.GradientTape() as tape:
                g_loss = self.loss_fn(
                    ops.zeros((n, 1)), self.discriminator({"image": self.generator({"latent": noise})})
                )
            grads = tape.gradient(g_loss, self.generator.trainable_weights)
            self.g_optimizer.apply_gradients(zip(grads, self.generator.trainable_weights))
            self.d_metric.update_state(d_loss)
            self.g_metric.update_state(g_loss)
            return {"d_loss": self.d_metric.result(), "g_loss": self.g_metric.result()}

    model = DCGAN()
    model.compile()
    real = tf.convert_to_tensor(images.astype("float32") / 127.5 - 1)
    return job(lambda: model.train_on_batch(real)), {"tensorflow": tf.__version__}


def pytorch(images, seed):
    import torch
    from torch.nn import functional as F

    from benchmarks.torch_networks import DCGANGenerator, dcgan_discriminator

    torch.manual_seed(seed)
    generator, discriminator = DCGANGenerator(SIZE, WIDTH, LATENT), dcgan_discriminator(SIZE, WIDTH)
    for player in (generator, discriminator):
        player.to(memory_format=torch.channels_last)
    adam = lambda net: torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999), fused=True)  # noqa: E731
    d_optimizer, g_optimizer = adam(discriminator), adam(generator)
    real = torch.from_numpy(images.transpose(0, 3, 1, 2).astype("float32") / 127.5 - 1)
    real = real.contiguous(memory_format=torch.channels_last)
    n = len(real)

    def train():
        with torch.no_grad():
            fake = generator(torch.randn(n, LATENT))
        logits = discriminator(torch.cat([fake, real]))
        loss = F.softplus(logits[:n]).mean() + F.softplus(-logits[n:]).mean()
        d_optimizer.zero_grad()
        loss.backward()
        d_optimizer.step()
        discriminator.requires_grad_(False)
        g_loss = F.softplus(-discriminator(generator(torch.randn(n, LATENT)))).mean()
        g_optimizer.zero_grad()
        g_loss.backward()
        discriminator.requires_grad_(True)
        g_optimizer.step()
        return loss.item() + g_loss.item()

    return job(train), {"torch": torch.__version__}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="batch 8, one round: does it run?")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    batch, rounds = (8, 1) if args.quick else (64, args.rounds)
    images = np.random.default_rng(args.seed).integers(0, 256, (batch, SIZE, SIZE, 3), dtype="uint8")

    where, given = machine(), (images, args.seed)
    as_it_comes = {"TF_ENABLE_ONEDNN_OPTS": None}
    systems = start(
        {
            "keras_imgen": (ours, given, as_it_comes),
            "keras_imgen, XLA": (xla, given, as_it_comes),
            "keras_imgen, shared_fakes": (shared_fakes, given, as_it_comes),
            "keras.io pattern": (keras_io, given, as_it_comes),
            "keras.io, oneDNN off": (keras_io, given, {"TF_ENABLE_ONEDNN_OPTS": "0"}),
            "PyTorch channels_last": (pytorch, given, {}),
        }
    )
    seconds = {name: s / STEPS for name, s in interleaved(systems, "train", rounds).items()}
    print(f"DCGAN step, {SIZE}x{SIZE}x3, batch {batch}; sgemm {where['sgemm_gflops']:.0f} GFLOP/s; {rounds} rounds")
    for name, s in seconds.items():
        print(f"{name:<28}{s:>9.4f} s{seconds['keras.io pattern'] / s:>8.2f}x")
    about = {name: system.about for name, system in systems.items()}
    print(json.dumps({"machine": where, "seed": args.seed, "batch": batch, "systems": about, "seconds": seconds}))


if __name__ == "__main__":
    main()
