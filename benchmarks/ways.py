"""Three tasks, each learned in three ways: by residuals, against a discriminator, as a conditional VAE.

    python -m benchmarks.ways [--steps 1500] [--limit 20] [--pictures FOLDER]

The same EDSR (3 channels, width 32, 4 blocks) enlarges by 2, takes noise of sigma 25 away and brightens the dark
(`degrade.LowLight`). By residuals it is trained with L1. Against a discriminator the result of that is trained as long again, with SRGAN's
parts: L1, the features of SqueezeNet and a PatchGAN with R1, `StopOnNaN` looking on; that it is judged by those features too flatters it.
As a VAE it is trained from the start, with L1 and the KL; its answers are those of the mean latent and of one drawn with seed 0. Trained
on T91 and BSDS500's training pictures, random patches of 64 pixels (in), batch 8; judged on the first `limit` pictures of BSD100: PSNR on
all channels (dB) and the distance in SqueezeNet's features (less is better), both of 8-bit answers. Data below KERAS_IMGEN_DATA. The last
line is one JSON object.
"""

import argparse
import json
import os

import keras
import numpy as np

from benchmarks.restoration import mean_scores, table
from benchmarks.systems import machine
from keras_imgen.callbacks import StopOnNaN
from keras_imgen.data import degrade, degraded, patches, photos
from keras_imgen.data.imresize import mod_crop
from keras_imgen.metrics import PerceptualDistance
from keras_imgen.metrics.paired_metrics import denoising
from keras_imgen.models import Denoiser, Enhancer, SuperResolution
from keras_imgen.models.adversarial import R1
from keras_imgen.models.restoration.objectives import L1, Perceptual
from keras_imgen.networks import edsr, latent_encoder, patchgan
from keras_imgen.recipes.run import warmup_cosine
from keras_imgen.training.precision import compute_in, fast_precision

TASKS = {
    "super-resolution by 2": (2, degrade.Downscale(2), lambda net, **how: SuperResolution(net, 2, **how)),
    "denoising": (1, degrade.GaussianNoise(25), lambda net, **how: Denoiser(net, **how)),
    "enhancement": (1, degrade.LowLight(), lambda net, **how: Enhancer(net, **how)),
}
LATENTS = 4


def network(scale, **kwargs):
    keras.utils.set_random_seed(0)
    with fast_precision():
        return edsr(scale, width=32, blocks=4, **kwargs)


def trained(task, steps):
    """(way, model) for each way."""
    scale, harm, make = TASKS[task]
    data = degraded(patches(photos(["t91", "bsds500:train"]), 64 * scale, 8, steps, seed=0), harm, 0)
    model = make(network(scale), objectives=["l1"])
    model.compile(keras.optimizers.Adam(warmup_cosine(1e-3, steps)), steps_per_execution=10)
    model.fit(data, verbose=0)
    yield "residual", model
    player = make(
        model.network,
        objectives=[L1(), Perceptual(0.1)],
        discriminator=patchgan((None, None, 3), width=32, depth=2),
        adversarial_weight=0.01,
        regularizers=[R1(0.1, every=8)],
    )
    rates = {f"{k}_optimizer": keras.optimizers.Adam(2e-4, beta_1=0.5) for k in ("network", "discriminator")}
    player.compile(**rates)
    stop = StopOnNaN()
    player.fit(data, verbose=0, callbacks=[stop])
    assert stop.stopped_epoch is None, "a loss was not finite"
    yield "adversarial", player
    encoder = latent_encoder(scale, latent_channels=LATENTS)
    model = make(network(scale, latent_channels=LATENTS), objectives=["l1"], encoder=encoder, kl_weight=0.1)
    model.compile(keras.optimizers.Adam(warmup_cosine(1e-3, steps)), steps_per_execution=10)
    model.fit(data, verbose=0)
    kl = model.evaluate(data.take(20), verbose=0, return_dict=True)["kl"]
    yield f"variational, KL {kl:.0f} nats a patch", model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--pictures", help="a folder for the answers to a part of the first picture, side by side")
    args = parser.parse_args()
    from keras_imgen.data.image_io import save_image, to_uint8

    targets = [mod_crop(p, 2) for p in photos("bsd100", limit=args.limit)]
    rows, results = [], {}
    for task, (scale, harm, _) in TASKS.items():
        given = [harm(p[None], k)["image"].numpy()[0] for k, p in enumerate(targets)]
        plain = [to_uint8(x) for x in given]
        answers = {"as it is" if scale == 1 else "nearest": [x.repeat(scale, 0).repeat(scale, 1) for x in plain]}
        for way, model in trained(task, args.steps):
            model = compute_in(model.for_inference(), "float32")
            answers[way] = [to_uint8(model.restore(x)) for x in given]
            if way.startswith("variational"):
                answers["a drawn latent"] = [to_uint8(model.restore(x, seed=0)) for x in given]
        for way, made in answers.items():
            both = lambda: [denoising(255)[0], PerceptualDistance(data_range=255)]  # noqa: E731
            results[f"{task}: {way}"] = psnr, distance = mean_scores(zip(targets, made), both)
            rows.append([task, way, psnr, f"{distance:.3f}"])
        if args.pictures:
            os.makedirs(args.pictures, exist_ok=True)
            strip = [made[0][60:220, 60:220] for made in (*answers.values(), targets)]
            save_image(os.path.join(args.pictures, f"{task.split()[0]}.png"), np.concatenate(strip, 1))
    table(["task", "learned", "PSNR", "perceptual distance [squeezenet11]"], rows)
    print(json.dumps({"part": "ways", "steps": args.steps, "results": results, "machine": machine()}))


if __name__ == "__main__":
    main()
