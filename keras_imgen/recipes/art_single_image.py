"""New art from one painting, of any size and form: diffusion or a GAN that learns its patches at several sizes."""

import keras
import numpy as np

from keras_imgen.arguments import integer
from keras_imgen.callbacks import Growth
from keras_imgen.data.files import data_file
from keras_imgen.data.image_io import load_image, resize
from keras_imgen.inference.canvas import levels_for
from keras_imgen.metrics import largest_copied_block, patch_distance
from keras_imgen.models import SinDDM, SinGAN
from keras_imgen.models.style.pyramid import detail
from keras_imgen.networks import sinddm, singan_discriminator, singan_generator
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.recipes.saved import whole_path
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision

PAINTING = "style", "style", "van_gogh_starry_night_1889.jpg"  # where none is given
FACTOR = 1.4
SMALLEST = 16  # pixels of the shorter side: patches of halves are compared
# Pixels of the coarsest picture's longest side: its network sees a part of it, and so learns no composition by heart. Of SinDDM that is
# 33 x 33 pixels, of SinGAN 11 x 11.
COARSEST = {"diffusion": 48, "gan": 25}


def train(
    out: str,
    epochs: int = 25,
    batch: int = 2,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    picture: str | None = None,
    size: int | None = None,
    method: str = "diffusion",
    width: int = 48,
    learning_rate: float | None = None,
) -> str:
    """The whole run, from picture to report, in the folder `out`; returns the command that generates more.

    Args:
        picture: path of the painting; None is van Gogh's Starry Night below KERAS_IMGEN_DATA.
        size: of its longest side, in pixels; None is 96.
        method: "diffusion" (SinDDM) or "gan" (SinGAN).
        width: features of the networks, even.
        learning_rate: of diffusion the largest, of a cosine; None is 0.003, of a GAN 0.0005.
        others: see `recipes`.

    Raises:
        ValueError: an unknown method, a size below 32, a picture that is too narrow.
        FileNotFoundError: no such picture.
    """
    if method not in COARSEST:
        raise ValueError(f"Expected `method` as one of {', '.join(COARSEST)}, got {method!r}.")
    size = integer("size", 96 if size is None else size, 32)
    path = data_file(*PAINTING) if picture is None else whole_path(picture)
    whole = load_image(path, channels=3)
    painting = small(whole, size)
    if min(painting.shape[:2]) < SMALLEST:
        high, wide = whole.shape[:2]
        raise ValueError(
            f"Expected a picture whose shorter side has {SMALLEST} pixels or more where the longer has at most {size} (--size), got one of "
            f"{wide}x{high}, {path}: cut it, or give a larger size."
        )
    if method == "gan" and epochs < (levels := levels_for(painting.shape[:2], FACTOR, COARSEST[method])):
        raise ValueError(f"Expected at least an epoch for each of {levels} levels, got {epochs}.")
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    own = {"picture": path, "size": size, "method": method, "width": width, "learning_rate": learning_rate}
    run = Run("art-single-image", out, resume, **given, **own)

    steps = steps_per_epoch or 100
    if method == "gan":
        model = gan(painting, width, learning_rate or 5e-4, seed)
        growth = [Growth(max(1, epochs // model.levels))]
    else:
        model = diffusion(painting, width, learning_rate or 3e-3, epochs * steps, seed)
        growth = []
    rows = np.broadcast_to(painting, (batch * steps, *painting.shape))
    model.fit(rows, batch_size=batch, epochs=epochs, callbacks=[*growth, *run.callbacks(n=8, every=5)])
    return run.finish(model, rows[:batch], columns=4, rows=4, judge=lambda: scores(model, painting))


def small(painting: np.ndarray, size: int) -> np.ndarray:
    """A painting uint8 (H, W, C), its longest side `size` pixels, if it is larger."""
    share = min(1.0, size / max(painting.shape[:2]))
    return resize(painting, tuple(round(n * share) for n in painting.shape[:2]))


def diffusion(painting: np.ndarray, width: int, learning_rate: float, steps: int, seed: int) -> keras.Model:
    """A compiled `SinDDM` of a painting.

    Args:
        painting: uint8 (H, W, 3).
        width: of the network.
        learning_rate: the largest, of a cosine.
        steps: of the training.
        seed: of the model.
    """
    levels = levels_for(painting.shape[:2], FACTOR, COARSEST["diffusion"])
    with fast_precision():
        network = sinddm(painting.shape[-1], levels, width)
    starts = [max(0.2, 2.0 * lacking) for lacking in detail(painting, FACTOR, levels)]
    model = SinDDM(network, painting.shape, FACTOR, levels, starts, ema=0.998, seed=seed, name="art_single_image")
    model.compile(ConvMuon(warmup_cosine(learning_rate, steps)), steps_per_execution=10)
    return model


def gan(painting: np.ndarray, width: int, learning_rate: float, seed: int) -> keras.Model:
    """A compiled `SinGAN` of a painting.

    Args:
        painting: uint8 (H, W, 3).
        width: of the networks.
        learning_rate: of both players.
        seed: of the model.
    """
    levels, channels = levels_for(painting.shape[:2], FACTOR, COARSEST["gan"]), painting.shape[-1]
    with fast_precision():
        generators = [singan_generator(channels, width) for _ in range(levels)]
        discriminator = singan_discriminator(channels, width)
    noise = [0.3 * lacking for lacking in detail(painting, FACTOR, levels)]
    model = SinGAN(generators, discriminator, painting.shape, FACTOR, noise, seed=seed, name="art_single_image")
    rates = {
        f"{name}_optimizer": keras.optimizers.Adam(learning_rate, beta_1=0.5, beta_2=0.9) for name in model.players
    }
    model.compile(**rates, steps_per_execution=10)
    return model


def scores(model: keras.Model, painting: np.ndarray, n: int = 8, seed: int = 2000) -> dict[str, float]:
    """How alike patches of samples and of the painting are, beside those of its two halves, and how much of a sample is a copy.

    Args:
        model: that learned the painting.
        painting: uint8 (H, W, 3).
        n: how many samples.
        seed: of the first.
    """
    samples = model.generate(n, seed=seed)
    halves = np.array_split(painting, 2, axis=int(np.argmax(painting.shape[:2])))
    smallest = min(n for half in halves for n in half.shape[:2])
    levels = max(1, min(3, int(np.log2(smallest / 7)) + 1))  # of patches of 7 x 7
    of_halves = patch_distance(halves[:1], halves[1:], levels=levels)
    copied = max(largest_copied_block(one, painting) for one in samples)
    return {
        "patch distance": float(patch_distance([painting], samples, levels=levels).mean()),
        "patch distance of halves": float(of_halves.mean()),
        "largest copied block": copied / min(painting.shape[:2]),
    }
