# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Video
#
# A film is written and read, damaged and repaired, made smoother; then a model learns to say how digits move on.
#
# The film is drawn by the package: scenes of moving shapes. The trained models lie in `saved_models/`.

# %%
import os
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np

import keras_imgen
from keras_imgen import data, models, networks
from keras_imgen.metrics import flicker, psnr

EPOCHS = int(os.environ.get("EPOCHS", 2))  # of the last part; 1 is enough to see that it runs
SAVED = next(p / "saved_models" for p in (Path.cwd(), *Path.cwd().parents) if (p / "saved_models").is_dir())
FOLDER = Path(tempfile.mkdtemp())


def strips(rows, frames=8):
    """Some frames of each clip side by side, a row for each clip."""
    figure, axes = plt.subplots(len(rows), 1, figsize=(1.35 * frames, 1.6 * len(rows)), dpi=80, squeeze=False)
    for axis, (title, clip) in zip(axes[:, 0], rows.items()):
        chosen = clip[np.linspace(0, len(clip) - 1, frames).round().astype(int)]
        axis.imshow(np.concatenate(list(chosen), 1).squeeze(), cmap="gray", vmin=0, vmax=255)
        axis.set_title(title, fontsize=9, loc="left")
        axis.axis("off")
    plt.tight_layout()
    plt.show()


# %% [markdown]
# ## A film, written and read
#
# Rates are fractions: 24000/1001 stays what it is, however long the film.

# %%
scenes = data.load("shapes", size=96, frames=24, batch=3, seed=3)
clips = np.asarray(next(iter(scenes))["clip"])
frames = np.concatenate(list(clips))  # three scenes, two cuts
with data.FilmWriter(FOLDER / "shapes.mp4", rate=Fraction(24000, 1001)) as out:
    for frame in frames:
        out.write(frame)
film = data.Film(FOLDER / "shapes.mp4")
print(film.rate, film.count, film.size, "cuts:", data.find_cuts(frame.image for frame in film))
strips({"three scenes": frames})

# %% [markdown]
# ## Noise
#
# `clips-denoise` lays five frames on each other along their motion, so it knows more of a frame than the frame shows. `stream` does the
# same for a film of any length, with a dozen frames in memory. `flicker` is what changes from frame to frame besides what moves.

# %%
clean = clips[0]
noisy = np.clip(clean + np.random.default_rng(0).normal(0, 30, clean.shape), 0, 255).astype("uint8")
shown = {"with noise": noisy}
for name in ("photos-denoise", "clips-denoise"):
    model = keras_imgen.load_model(SAVED / name / "model.keras")
    shown[name] = model.restore(noisy)
for name, clip in shown.items():
    print(f"{name:15} {np.mean(psnr(clean, clip)):.1f} dB, flicker {flicker(clip, clean):.2f}")
strips(shown)

# %% [markdown]
# A codec makes of noise something that neighbours share, which who knows pure noise alone takes for texture. `clips-denoise` has seen
# both.

# %%
with data.FilmWriter(FOLDER / "noisy.mp4", rate=24) as out:
    for frame in noisy:
        out.write(frame)
coded = np.stack([image for image, *_ in data.Film(FOLDER / "noisy.mp4")])
shown = {"noise, coded": coded}
for name in ("photos-denoise", "clips-denoise"):
    shown[name] = keras_imgen.load_model(SAVED / name / "model.keras").restore(coded)
for name, clip in shown.items():
    print(f"{name:15} {np.mean(psnr(clean, clip)):.1f} dB")
strips(shown)

# %% [markdown]
# In a shell, sound and times kept: `keras-imgen video restore saved_models/clips-denoise/model.keras old.mp4 -o restored.mp4`.
#
# ## Scratches and dust
#
# `clips-repair` finds damage and paints it by the frames around; every other pixel stays as it is. Where you know better, give `masks`.

# %%
damaged = data.degrade.Scratches(lines=2, blotches=4, hairs=0.5)(clips[1][None], 1)["clip"].numpy()[0]
repairer = keras_imgen.load_model(SAVED / "clips-repair" / "model.keras")
found, repaired = repairer.find(damaged), repairer.restore(damaged)
for name, clip in {"damaged": damaged, "repaired": repaired}.items():
    print(f"{name:15} {np.mean(psnr(clips[1], clip)):.1f} dB")
print("the rest untouched:", np.array_equal(np.where(found, damaged, repaired), damaged))
strips({"damaged": damaged, "found": np.repeat(found, 3, -1), "repaired": repaired})

# %% [markdown]
# ## Frames between
#
# Every second frame is taken away, and made again. Given frames come back to the bit.

# %%
interpolator = keras_imgen.load_model(SAVED / "clips-interpolate" / "model.keras")
few = clean[::2]
made = interpolator.interpolate(few, 2)
mean = ((few[:-1].astype("float32") + few[1:]) / 2).round().astype("uint8")
print("given frames untouched:", np.array_equal(made[::2], few))
print(f"the mean of two: {np.mean(psnr(clean[1:-1:2], mean)):.1f} dB")
print(f"made:            {np.mean(psnr(clean[1:-1:2], made[1::2])):.1f} dB")
strips({"taken away": clean[1:-1:2], "the mean of two": mean, "made": made[1::2]})

# %% [markdown]
# ## The command
#
# Four times slower; nothing is blended across the cuts.

# %%
command = [sys.executable, "-c", "from keras_imgen.cli import main; main()", "video", "interpolate"]
paths = [SAVED / "clips-interpolate" / "model.keras", FOLDER / "shapes.mp4", "-o", FOLDER / "slow.mp4", "--slow", "4"]
done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True)
slow = data.Film(FOLDER / "slow.mp4")
print(done.returncode, slow.rate, slow.count, slow.size)

# %% [markdown]
# ## What comes next
#
# A `FramePredictor` is told the first frames of a clip and says the next ones. It has `compile` and `fit` as any Keras model.

# %%
keras.utils.set_random_seed(0)
moving = data.load("moving_digits", "train", size=64, frames=20, batch=8, seed=0, columns=("clip",)).take(100)
predictor = models.FramePredictor(networks.simvp((10, 64, 64, 1), 10))
predictor.compile(keras.optimizers.Adam(1e-3))
predictor.fit(moving, epochs=EPOCHS, verbose=2)
test = np.asarray(next(iter(data.load("moving_digits", "test", size=64, frames=20, batch=4)))["clip"])
strips(
    {
        "what is told": test[0, :10],
        "what comes": test[0, 10:],
        f"what it says after {EPOCHS} short epochs": predictor.predict_frames(test[:1, :10], 10)[0],
    },
    frames=10,
)

# %% [markdown]
# `keras-imgen train digits-moving` trains longer; `keras-imgen video generate MODEL film.mp4 -o longer.mp4 --frames 20` goes on with a
# film.
