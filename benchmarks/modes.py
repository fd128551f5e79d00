"""How many modes does a GAN find? Points on a 5x5 grid and on a ring of 8, and three digits beside each other as 1000 classes.

    python -m benchmarks.modes [--seeds 3] [--steps 8000] [--stacked-steps 1500] [--only WORDS] [--quick]

Points (Metz et al. 2017, "Unrolled GANs"; Srivastava et al. 2017, "VEEGAN"): Gaussians of standard deviation 0.05 on the grid
{-4, -2, 0, 2, 4}^2, and 0.02 on a ring of radius 2, divided by 6 and by 3 to lie in [-1, 1]. Of 2,500 samples with averaged weights,
one within three standard deviations of a mode's centre is of high quality; a mode is covered if 20 of them are its own.
Stacked digits (Che et al. 2017; PacGAN, Lin et al. 2018): three random digits of scikit-learn, 16x16, as the channels of a picture.
Of 10,000 samples each channel is named by the extractor digits-lenet: modes covered of 1000, and the KL divergence of their shares from
the uniform distribution. The last line is one JSON object.
"""

import argparse
import json
import os
import time

import keras
import numpy as np

from benchmarks.systems import cpu
from keras_imgen import data, networks
from keras_imgen.metrics import extractors
from keras_imgen.models import GAN, WGAN
from keras_imgen.models.adversarial import R1, R2, GradientPenalty

GRID = (np.array([(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)]) / 6, 0.05 / 6, 6.0)
TURN = 2 * np.pi * np.arange(8) / 8
RING = (np.stack([2 * np.cos(TURN), 2 * np.sin(TURN)], 1) / 3, 0.02 / 3, 3.0)


def adam(rate, beta_1):
    return keras.optimizers.Adam(rate, beta_1=beta_1, beta_2=0.99)


def points_model(kind: str, scale: float, steps: int, seed: int):
    """(model, batch). The players work in the coordinates of the papers, `scale` times the images' range."""
    layers, width = keras.layers, 128
    hidden = lambda act: [m for _ in range(4) for m in (layers.Dense(width, kernel_initializer="he_normal"), act())]  # noqa: E731
    generator = keras.Sequential(
        [
            keras.Input((2,)),
            *hidden(layers.ReLU),
            layers.Dense(2),
            layers.Rescaling(1 / scale),
            layers.Reshape((1, 1, 2)),
        ]
    )
    critic = keras.Sequential(
        [
            keras.Input((1, 1, 2)),
            layers.Flatten(),
            layers.Rescaling(scale),
            *hidden(lambda: layers.LeakyReLU(0.2)),
            layers.Dense(1),
        ]
    )
    rates = [keras.optimizers.schedules.CosineDecay(2e-3, steps * k) for k in (1, 3)]
    if kind == "NS+R1":
        model, k = GAN(generator, critic, regularizers=[R1(0.03 / scale**2)], seed=seed), 1
    else:
        model, k = WGAN(generator, critic, regularizers=[GradientPenalty(0.1)], critic_steps=3, seed=seed), 3
    critic_rate = rates[0] if k == 1 else rates[1]
    model.compile(
        generator_optimizer=adam(rates[0], 0.0), discriminator_optimizer=adam(critic_rate, 0.0), jit_compile=True
    )
    return model, k * 512


def points(kind: str, modes, steps: int, seed: int) -> dict:
    centers, deviation, scale = modes
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model, batch = points_model(kind, scale, steps, seed)

    def draw(n):
        return (centers[rng.integers(len(centers), size=n)] + deviation * rng.standard_normal((n, 2))).astype("float32")

    chunk = 100  # steps in an epoch
    for _ in range(steps // chunk):
        x = np.clip(draw(chunk * batch), -1, 1)[:, None, None, :]
        model.fit(x, batch_size=batch, shuffle=False, verbose=0)
    made = samples_of(model, 2500)
    distance = np.linalg.norm(made[:, None] - centers[None], axis=-1)
    good = distance.min(1) < 3 * deviation
    counts = np.bincount(distance.argmin(1)[good], minlength=len(centers))
    return {"modes": int((counts >= 20).sum()), "of": len(centers), "high_quality": float(good.mean())}


def samples_of(model, n):
    """Coordinates, not rounded to 8 bits as by `generate`."""
    from keras_imgen.training import random

    keys = random.key(np.arange(n, dtype="int32"))
    with model.averaged():
        return np.array(model.generated(keys))[:, 0, 0]


def stacked_model(kind: str, seed: int):
    shape = (16, 16, 3)
    generator = networks.dcgan_generator(shape, 128, 32)
    if kind == "DCGAN":
        critic = networks.dcgan_discriminator(shape, 32, normalization="batch")
        model = GAN(generator, critic, regularizers=(), seed=seed)
        model.compile(generator_optimizer=adam(2e-4, 0.5), discriminator_optimizer=adam(2e-4, 0.5))
        return model, 64
    critic = networks.dcgan_discriminator(shape, 32)
    if kind == "WGAN-GP":
        model = WGAN(generator, critic, seed=seed)
        model.compile(generator_optimizer=adam(2e-4, 0.0), discriminator_optimizer=adam(2e-4, 0.0))
        return model, 5 * 64
    terms = [R1(1.0), R2(1.0)]
    model = GAN(generator, critic, loss="relativistic", regularizers=terms, seed=seed)
    model.compile(generator_optimizer=adam(2e-4, 0.0), discriminator_optimizer=adam(2e-4, 0.0))
    return model, 64


def stacked(kind: str, steps: int, seed: int) -> dict:
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    digits = next(iter(data.load("digits", "all", 16, 1797, shuffle=False)))["image"].numpy()[..., 0]
    model, batch = stacked_model(kind, seed)
    for _ in range(max(1, steps // 50)):
        x = np.stack([digits[rng.integers(len(digits), size=50 * batch)] for _ in range(3)], -1)
        model.fit(x, batch_size=batch, shuffle=False, verbose=0)
    made = model.generate(10_000, seed=seed, batch_size=250)
    lenet = extractors.get("digits-lenet")
    names = [lenet(made[..., c : c + 1])[1].argmax(-1) for c in range(3)]
    counts = np.bincount(names[0] * 100 + names[1] * 10 + names[2], minlength=1000)
    share = counts[counts > 0] / counts.sum()
    return {"modes": int((counts > 0).sum()), "of": 1000, "kl": float((share * np.log(share * 1000)).sum())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8000, help="of the generator, for points")
    parser.add_argument(
        "--stacked-steps", type=int, default=1500, help="of the generator, for digits; 0 leaves them out"
    )
    parser.add_argument(
        "--only", default="", help="jobs whose name holds these words: grid, ring, WGAN-GP, stacked digits, R3GAN, ..."
    )
    parser.add_argument("--quick", action="store_true", help="a few steps: does it run?")
    args = parser.parse_args()
    if args.quick:
        args.seeds, args.steps, args.stacked_steps = 1, 100, 50
    results = []
    jobs = [
        (f"{name}, {kind}", lambda s, k=kind, m=modes: points(k, m, args.steps, s), args.seeds)
        for name, modes in (("grid of 25", GRID), ("ring of 8", RING))
        for kind in ("NS+R1", "WGAN-GP")
    ]
    if args.stacked_steps:
        jobs += [
            (f"stacked digits, {kind}", lambda s, k=kind: stacked(k, args.stacked_steps, s), 1)
            for kind in ("DCGAN", "WGAN-GP", "R3GAN")
        ]
    jobs = [job for job in jobs if args.only in job[0]]
    if not jobs:
        parser.error(f"no job's name holds {args.only!r}")
    for job, work, seeds in jobs:
        for seed in range(seeds):
            start = time.perf_counter()
            found = {"job": job, "seed": seed, **work(seed), "seconds": round(time.perf_counter() - start, 1)}
            results.append(found)
            print("  ".join(f"{v:.3f}" if isinstance(v, float) else str(v) for v in found.values()), flush=True)
    where = {"machine": cpu(), "cores": os.cpu_count(), "keras": keras.__version__}
    print(json.dumps({"steps": args.steps, "stacked_steps": args.stacked_steps, **where, "results": results}))


if __name__ == "__main__":
    main()
