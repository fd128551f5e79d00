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
# # Adversarial models
#
# A class-conditional GAN on 1,500 handwritten digits: two players, two optimizers, and numbers that tell whether the game goes well.

# %%
import os
import tempfile

import keras
import matplotlib.pyplot as plt
import numpy as np

from keras_imgen import callbacks, data, load_model, models, networks
from keras_imgen.data.image_io import make_grid
from keras_imgen.models.adversarial import R1, DiffAugment

EPOCHS = int(os.environ.get("EPOCHS", 120))  # about two minutes on two cores; 1 is enough to see that it runs
FOLDER = tempfile.mkdtemp()


def show(images, columns=10, title=None):
    grid = make_grid(np.asarray(images), columns=columns)
    plt.figure(figsize=(columns * 0.7, 0.7 * len(images) / columns + 0.3))
    plt.imshow(grid.squeeze(), cmap="gray", vmin=0, vmax=255)
    plt.axis("off")
    plt.title(title or "")
    plt.show()


# %% [markdown]
# ## Two players
#
# How the label enters the discriminator is its `conditioning`. With so few pictures the discriminator would learn them by heart;
# `DiffAugment` shows it real and generated ones moved about.

# %%
keras.utils.set_random_seed(0)
digits = data.load("digits", size=16, batch=64)
model = models.GAN(
    networks.dcgan_generator((16, 16, 1), width=24, num_classes=10),
    networks.dcgan_discriminator((16, 16, 1), width=24, num_classes=10, conditioning="projection"),
    num_classes=10,
    regularizers=[R1(0.1, every=4)],
    augment=DiffAugment("translation"),
)
model.compile(
    generator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5),
    discriminator_optimizer=keras.optimizers.Adam(1e-3, beta_1=0.5),
)
history = model.fit(
    digits,
    epochs=EPOCHS,
    verbose=0,
    callbacks=[callbacks.CollapseMonitor(), callbacks.StopOnNaN(), callbacks.BackupAndRestore(f"{FOLDER}/backup")],
).history

# %% [markdown]
# ## Is it going well?
#
# The losses of a GAN do not fall. Look at these: `diversity` near 1 means that generated images are as far apart as real ones, near 0
# that the generator has collapsed; accuracies of the discriminator near 1 mean that the generator has lost. `CollapseMonitor` warns.

# %%
for name in ("diversity", "real_accuracy", "fake_accuracy"):
    plt.plot(history[name], label=name)
plt.ylim(0, 1.3)
plt.xlabel("epoch")
plt.legend()
plt.show()

# %%
show(model.generate(labels=np.resize(np.arange(10), 40)), title="ten classes, four seeds")

# %% [markdown]
# ## Through the latent space
#
# The same label all the way; latents along great circles. `data.save_video` writes the frames as GIF or MP4.

# %%
walk = model.walk([1, 2, 3, 4], frames=10, label=8)
show(walk, title="from seed to seed")
data.save_video(f"{FOLDER}/walk.gif", walk, scale=4)

# %%
show(
    np.concatenate([model.generate(10, seed=5), model.generate(10, seed=5, truncation=0.5)]),
    title="latents free, and within 0.5",
)

# %% [markdown]
# ## Saved with both optimizers
#
# The file holds the players, both Adams, the average of the generator, and the random state: training goes on as if never stopped.

# %%
model.save(f"{FOLDER}/gan.keras")
again = load_model(f"{FOLDER}/gan.keras")
for each in (model, again):
    each.fit(digits, epochs=EPOCHS + 1, initial_epoch=EPOCHS, verbose=0)
print("equal to the bit:", all(np.array_equal(a, b) for a, b in zip(model.variables, again.variables)))
