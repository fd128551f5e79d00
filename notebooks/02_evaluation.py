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
# # How good are these images?
#
# Two questions, two kinds of metrics. *Is this picture like the one it should be?* PSNR and SSIM compare pairs. *Are these samples like
# real ones?* Distances, precision and recall compare sets, in the features of a network. A number says little alone: beside each
# stands its floor, what real images that were held out get.

# %%
import os
import warnings

import keras
import matplotlib.pyplot as plt
import numpy as np

from keras_imgen import callbacks, data, metrics, models, networks
from keras_imgen.data.image_io import make_grid

EPOCHS = int(os.environ.get("EPOCHS", 12))  # about a minute on two cores


def show(images, columns=10, title=None):
    grid = make_grid(np.asarray(images), columns=columns)
    plt.figure(figsize=(columns * 0.7, 0.7 * len(images) / columns + 0.3))
    plt.imshow(grid.squeeze(), cmap="gray", vmin=0, vmax=255)
    plt.axis("off")
    plt.title(title or "")
    plt.show()


# %% [markdown]
# ## Pairs
#
# Functions take uint8, or floats with their range; the Keras metrics go into `compile(metrics=[...])`. `super_resolution` and
# `denoising` are the protocols that published numbers follow.

# %%
digits = data.load("digits", size=16, batch=100, shuffle=False)
real = np.concatenate([batch["image"].numpy() for batch in digits])
noise = np.random.default_rng(0).normal(0, 25, real[:10].shape)
noisy = np.clip(real[:10] + noise, 0, 255).astype("uint8")
show(np.concatenate([real[:10], noisy]), title="Digits, and with noise of sigma 25")
for name in ("psnr", "ssim", "mae"):
    print(name, np.round(getattr(metrics, name)(real[:10], noisy), 3))

# %% [markdown]
# ## Sets
#
# `evaluate` passes samples and real images through one extractor once, and takes every metric from that. Here the extractor is a
# small classifier of digits that the package ships; its name and the first digits of its weights' hash stand in every metric's name.
# "Samples" here are the real digits made noisier and noisier: all distances grow, and precision falls.

# %%
held_out = np.concatenate([batch["image"].numpy() for batch in data.load("digits", "test", size=16, batch=297)])
rng = np.random.default_rng(0)
levels, found = (0, 20, 40, 80), []
judge = metrics.extractors.get("digits-lenet")
for sigma in levels:
    samples = np.clip(real[:500] + rng.normal(0, sigma, real[:500].shape), 0, 255).astype("uint8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 500 samples are few, it says
        chosen = ["frechet", "kernel", "precision_recall", "memorisation"]
        found.append(metrics.evaluate(samples, real, judge, chosen, held_out=held_out))
for k, result in enumerate(found[0].results):
    print(f"{result.name:52} floor {result.floor:6.3f}  ", "  ".join(f"{e.results[k].value:7.3f}" for e in found))

# %% [markdown]
# The last line is the share of samples that are copies of a training image: all of them at first, for they *are* the training images.
# The Fréchet distance of copies is better than its floor. That is why it should never be reported alone.
#
# ## While a model learns
#
# `SampleMetrics` puts the numbers into the logs, where `ModelCheckpoint`, `EarlyStopping` and TensorBoard find them.

# %%
model = models.Diffusion(networks.unet((16, 16, 1), widths=(32, 64), depth=1, num_classes=10))
model.compile(keras.optimizers.Adam(2e-3))
chosen = ["kernel", "precision_recall"]
watch = callbacks.SampleMetrics(digits, judge, chosen, n=200, every=3, max_share=None, steps=8)
train = data.load("digits", size=16, batch=64)
history = model.fit(train, epochs=EPOCHS, verbose=0, callbacks=[watch]).history

# %%
samples = model.generate(labels=np.arange(20) % 10, steps=8)
show(samples, title=f"Samples after {EPOCHS} epochs: kernel distance {history['val_kernel'][-1]:.1f}")

# %%
fig, axes = plt.subplots(1, 2, figsize=(7, 2.5), layout="constrained")
epochs = [min(3 * (i + 1), EPOCHS) for i in range(len(history["val_kernel"]))]
axes[0].plot(epochs, history["val_kernel"], marker="o")
axes[0].set(title="kernel distance", xlabel="epoch")
for name in ("precision", "recall", "coverage"):
    axes[1].plot(epochs, history[f"val_{name}"], marker="o", label=name)
axes[1].set(xlabel="epoch", ylim=(0, 1))
axes[1].legend()
plt.show()

# %% [markdown]
# From the command line, for any model or for two folders of pictures that another tool made, with a page as the result:
#
#     keras-imgen evaluate model.keras --data digits
#     keras-imgen evaluate samples/ --data folder:real/
#     keras-imgen evaluate --compare a.keras b.keras --data digits
#     keras-imgen evaluate restored/ --data originals/ --metrics psnr,ssim
