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
# # Diffusion from `load` to `export`
#
# We train a class-conditional diffusion model on the handwritten digits that scikit-learn ships, look at what it makes, edit with
# it, and export it as a SavedModel. Everything below is ordinary Keras: `compile`, `fit`, callbacks, `save`.

# %%
import os
import tempfile

import matplotlib.pyplot as plt
import numpy as np

from keras_imgen import callbacks, data, load_model, models, networks, serving
from keras_imgen.data.image_io import load_image, make_grid

EPOCHS = int(os.environ.get("EPOCHS", 30))  # about two minutes on two cores; 1 is enough to see that it runs
FOLDER = tempfile.mkdtemp()


def show(images, columns=10, title=None):
    grid = make_grid(np.asarray(images), columns=columns)
    plt.figure(figsize=(columns * 0.7, 0.7 * len(images) / columns + 0.3))
    plt.imshow(grid.squeeze(), cmap="gray", vmin=0, vmax=255)
    plt.axis("off")
    plt.title(title or "")
    plt.show()


# %% [markdown]
# ## The data
#
# `load` gives a `tf.data.Dataset` of dicts. Images stay uint8 until they are on the device.

# %%
digits = data.load("digits", size=16, batch=64, seed=0)
batch = next(iter(digits))
print({name: (value.dtype.name, tuple(value.shape)) for name, value in batch.items()})
show(batch["image"][:20], title="real digits")

# %% [markdown]
# ## The model
#
# A diffusion model is a noise schedule, a network that finds the clean picture, and a sampler. The network here is a small U-Net;
# it sees the noisy picture, the log signal-to-noise ratio and the label.

# %%
import keras

keras.utils.set_random_seed(0)
network = networks.unet((16, 16, 1), widths=(32, 64), depth=1, attention=(8,), num_classes=10)
model = models.Diffusion(network, schedule="cosine", parameterization="v", guidance_scale=1.5)

# %% [markdown]
# ## Training
#
# The learning rate warms up and falls along a cosine: Keras' own schedule. `SampleGrid` writes a picture with the same seeds after
# each epoch; `BackupAndRestore` makes a killed run go on as if nothing had happened.

# %%
steps = EPOCHS * len(digits)
rate = keras.optimizers.schedules.CosineDecay(0.0, max(1, steps - 50), warmup_target=3e-3, warmup_steps=min(50, steps))
model.compile(keras.optimizers.Adam(rate))
history = model.fit(
    digits,
    epochs=EPOCHS,
    verbose=0,
    callbacks=[
        callbacks.SampleGrid(f"{FOLDER}/samples", n=20, every=max(1, EPOCHS // 3), steps=10),
        callbacks.BackupAndRestore(f"{FOLDER}/backup"),
    ],
)
plt.plot(history.history["loss"])
plt.xlabel("epoch")
plt.ylabel("loss")
plt.show()

# %%
files = sorted(os.listdir(f"{FOLDER}/samples"))
figure, axes = plt.subplots(1, len(files), figsize=(4 * len(files), 4), squeeze=False)
for axis, name in zip(axes[0], files):
    axis.imshow(load_image(f"{FOLDER}/samples/{name}").squeeze(), cmap="gray")
    axis.set_title(name)
    axis.axis("off")
plt.show()

# %% [markdown]
# ## Generating
#
# Image k has the seed `seed + k`: any image of a batch can be made again alone. Sampler and number of steps are chosen when
# generating; changing them compiles nothing anew.

# %%
labels = np.arange(10)
show(
    np.concatenate([model.generate(labels=labels, seed=10 * k) for k in range(4)]), title="20 steps of DPM-Solver++(2M)"
)
again = model.generate(labels=[7], seed=7)
assert (again[0] == model.generate(labels=labels, seed=0)[7]).all()

# %%
for scale in (0.0, 1.0, 3.0):
    show(model.generate(labels=labels, seed=0, guidance_scale=scale), title=f"guidance scale {scale:g}")

# %% [markdown]
# ## Editing
#
# A trained model fills in what a mask marks, and changes a picture as far as `strength` says.

# %%
test = next(iter(data.load("digits", "test", size=16, batch=10)))
images, known = test["image"].numpy(), test["label"].numpy()
mask = np.zeros((10, 16, 16, 1), "uint8")
mask[:, 8:] = 1
painted = model.inpaint(images, mask, labels=known, resample=3)
show(
    np.concatenate([images, np.where(mask, 128, images).astype("uint8"), painted]),
    title="the lower half is painted anew",
)
show(
    np.concatenate([images, model.image_to_image(images, labels=(known + 1) % 10, strength=0.7)]),
    title="into the next digit",
)

# %% [markdown]
# ## Keeping and serving
#
# The `.keras` file holds network, average, optimizer and random state. The SavedModel makes images wherever TensorFlow is.

# %%
model.save(f"{FOLDER}/digits.keras")
same = load_model(f"{FOLDER}/digits.keras")
assert (same.generate(labels=labels) == model.generate(labels=labels)).all()

if keras.backend.backend() == "tensorflow":
    model.export(f"{FOLDER}/saved_model")
    served = serving.load(f"{FOLDER}/saved_model")
    assert (served.generate(labels=labels) == model.generate(labels=labels)).all()
    show(served.generate(labels=labels, seed=100), title="from the SavedModel")
