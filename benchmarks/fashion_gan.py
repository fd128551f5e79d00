"""A trained class-conditional GAN beside the keras.io pattern, trained here for the same CPU time, on Fashion-MNIST.

    python -m benchmarks.fashion_gan saved_models/fashion-cgan/model.keras --cpu-minutes 30 [--n 10000] [--seed 0]

The pattern is that of https://keras.io/examples/generative/dcgan_overriding_train_step/ : its networks, one level shorter for
28 pixels, its losses, optimizers, rates and step. Labels enter as in its conditional_gan example, one-hot beside the latent and as planes
beside the image, with planes that are right. (That example's own networks collapsed here within 2,500 steps.)

Both make n pictures, classes in turn, judged with fashion-lenet's features and, for the labels, by a support vector machine on
pixels (2,000 of them). The last line is one JSON object.
"""

import argparse
import json
import os
import time

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from benchmarks.recognition import classifier, flat, labelled
from benchmarks.systems import cpu
from keras_imgen import data, load_model
from keras_imgen.data.image_io import make_grid, save_image
from keras_imgen.metrics import evaluate, extractors

LATENT, CLASSES = 128, 10


class ConditionalGAN(keras.Model):
    def __init__(self):
        super().__init__()
        self.discriminator = keras.Sequential(
            [
                keras.Input((28, 28, 1 + CLASSES)),
                layers.Conv2D(64, 4, 2, padding="same"),
                layers.LeakyReLU(0.2),
                layers.Conv2D(128, 4, 2, padding="same"),
                layers.LeakyReLU(0.2),
                layers.Flatten(),
                layers.Dropout(0.2),
                layers.Dense(1),
            ]
        )
        self.generator = keras.Sequential(
            [
                keras.Input((LATENT + CLASSES,)),
                layers.Dense(7 * 7 * 128),
                layers.Reshape((7, 7, 128)),
                layers.Conv2DTranspose(128, 4, 2, padding="same"),
                layers.LeakyReLU(0.2),
                layers.Conv2DTranspose(256, 4, 2, padding="same"),
                layers.LeakyReLU(0.2),
                layers.Conv2D(1, 5, padding="same", activation="sigmoid"),
            ]
        )

    def compile(self):
        super().compile(optimizer=keras.optimizers.Adam(1e-4), jit_compile=False)
        self.d_optimizer, self.g_optimizer = keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4)
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)

    def train_step(self, batch):
        real, labels = batch
        one_hot = ops.one_hot(labels, CLASSES)
        planes = ops.broadcast_to(one_hot[:, None, None], (ops.shape(real)[0], 28, 28, CLASSES))
        n = ops.shape(real)[0]
        noise = ops.concatenate([keras.random.normal((n, LATENT)), one_hot], axis=1)
        fake = ops.concatenate([self.generator(noise), planes], -1)
        both = ops.concatenate([fake, ops.concatenate([real, planes], -1)], axis=0)
        targets = ops.concatenate([ops.ones((n, 1)), ops.zeros((n, 1))], axis=0)
        with tf.GradientTape() as tape:
            d_loss = self.loss_fn(targets, self.discriminator(both, training=True))
        grads = tape.gradient(d_loss, self.discriminator.trainable_weights)
        self.d_optimizer.apply_gradients(zip(grads, self.discriminator.trainable_weights))
        noise = ops.concatenate([keras.random.normal((n, LATENT)), one_hot], axis=1)
        with tf.GradientTape() as tape:
            fake = ops.concatenate([self.generator(noise), planes], -1)
            g_loss = self.loss_fn(ops.zeros((n, 1)), self.discriminator(fake, training=True))
        grads = tape.gradient(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply_gradients(zip(grads, self.generator.trainable_weights))
        return {"d_loss": d_loss, "g_loss": g_loss}

    def generate(self, labels, seed):
        noise = np.random.default_rng(seed).standard_normal((len(labels), LATENT)).astype("float32")
        inputs = np.concatenate([noise, np.eye(CLASSES, dtype="float32")[labels]], 1)
        return np.round(self.generator.predict(inputs, batch_size=250, verbose=0) * 255).astype("uint8")


def train_pattern(cpu_minutes: float, seed: int):
    """(model, steps) after so much CPU time of this process."""
    keras.utils.set_random_seed(seed)
    batches = data.load("fashion_mnist", "train", batch=64, seed=seed).repeat()
    batches = batches.map(lambda b: (tf.cast(b["image"], "float32") / 255, b["label"]))
    model = ConditionalGAN()
    model.compile()
    step = tf.function(model.train_step)
    start, steps = time.process_time(), 0
    for batch in batches:
        step(batch)
        steps += 1
        if time.process_time() - start > 60 * cpu_minutes:
            return model, steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument(
        "--cpu-minutes", type=float, required=True, help="what the model took: user time of its training"
    )
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--grid", help="write the pattern's samples to this PNG")
    args = parser.parse_args()
    labels = np.resize(np.arange(CLASSES), args.n)
    pattern, steps = train_pattern(args.cpu_minutes, args.seed)
    made = {
        "keras_imgen": load_model(args.model).generate(labels=labels, seed=args.seed, batch_size=250),
        "keras.io pattern": pattern.generate(labels, args.seed),
    }
    if args.grid:
        save_image(args.grid, make_grid(made["keras.io pattern"][:40], columns=10))
    lenet = extractors.get("fashion-lenet")
    real = data.load("fashion_mnist", "train", batch=250, shuffle=False)
    held = data.load("fashion_mnist", "test", batch=250, shuffle=False)
    machine = classifier(*labelled("fashion_mnist", "train", limit=10_000))
    results = {}
    for name, images in made.items():
        found = evaluate(
            (images, labels), real, lenet, ["frechet", "kernel", "precision_recall"], held_out=held, seed=args.seed
        )
        results[name] = {r.name: r.value for r in found.results}
        results[name]["recognised"] = float(machine.score(flat(images[:2000]), labels[:2000]))
        floors = {r.name: r.floor for r in found.results}
    test_images, test_labels = labelled("fashion_mnist", "test", limit=2000)
    floors["recognised"] = float(machine.score(flat(test_images), test_labels))
    print(f"{'':<34}{'keras_imgen':>14}{'keras.io':>14}{'real images':>14}")
    for name in results["keras_imgen"]:
        values = [results[k][name] for k in results] + [floors[name]]
        print(f"{name:<34}" + "".join(f"{v:>14.4f}" for v in values))
    about = {"cpu_minutes": args.cpu_minutes, "pattern_steps": steps, "n": args.n, "seed": args.seed, "floors": floors}
    where = {"machine": cpu(), "cores": os.cpu_count(), "tensorflow": tf.__version__, "keras": keras.__version__}
    print(json.dumps({**about, **where, "results": results}))


if __name__ == "__main__":
    main()
