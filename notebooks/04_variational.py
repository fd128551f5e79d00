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
# # Variational and other autoencoders
#
# A VAE on 1,500 handwritten digits: what its loss means, what its latents hold, how to generate from them, and codes in their place.

# %%
import os
import tempfile

import keras
import matplotlib.pyplot as plt
import numpy as np

from keras_imgen import callbacks, data, load_model, models, networks
from keras_imgen.data.image_io import load_image, make_grid
from keras_imgen.editing import latents

EPOCHS = int(os.environ.get("EPOCHS", 60))  # about a minute on two cores; 1 is enough to see that it runs
FOLDER = tempfile.mkdtemp()


def show(images, columns=10, title=None):
    grid = make_grid(np.asarray(images), columns=columns)
    plt.figure(figsize=(columns * 0.7, 0.7 * len(images) / columns + 0.3))
    plt.imshow(grid.squeeze(), cmap="gray", vmin=0, vmax=255)
    plt.axis("off")
    plt.title(title or "")
    plt.show()


# %% [markdown]
# ## A bound in nats
#
# `reconstruction` is -log p(x|z) and `kl` the price of the latents, both in nats per image: their sum is the negative ELBO. With the
# discretized logistic likelihood it is that of the 256 gray levels, so `bits_per_dimension` can be compared with any other model's.

# %%
keras.utils.set_random_seed(0)
digits = data.load("digits", size=16, batch=64)
test = data.load("digits", "test", size=16, batch=64, drop_remainder=False)
model = models.VAE(
    networks.conv_encoder((16, 16, 1), 2 * 16),  # mean and log-variance of 16 latent numbers
    networks.conv_decoder((16, 16, 1), 16, factor=2),  # mean and log-scale of every pixel
    likelihood="discretized_logistic",
    ema=0.99,
)
model.compile(keras.optimizers.Adam(2e-3))
monitor = callbacks.PosteriorMonitor()  # warns if the latents fall out of use
history = model.fit(digits, epochs=EPOCHS, callbacks=[monitor], verbose=0).history
print({k: round(v, 3) for k, v in model.evaluate(test, verbose=0, return_dict=True).items()})

# %% [markdown]
# Each latent number costs what it says about the image. Those near 0 are not used.

# %%
plt.figure(figsize=(6, 2))
plt.bar(range(16), np.sort(model.kl_per_dimension)[::-1])
plt.ylabel("KL, nats")
plt.xlabel("latent number")
plt.show()

# %% [markdown]
# The bound with more draws of the latents comes nearer to the likelihood itself.

# %%
images = np.concatenate([np.asarray(b["image"]) for b in test])[:100]
for samples in (1, 10, 100):
    print(samples, "draws:", round(float(model.log_likelihood(images, samples=samples).mean()), 1), "nats")

# %% [markdown]
# ## There and back

# %%
some = images[:10]
show(np.concatenate([some, model.reconstruct(some)]), title="digits, and what comes back")

# %% [markdown]
# ## Where to generate from
#
# The latents of the digits do not fill N(0, I) evenly. A mixture of Gaussians fitted to them afterwards does better; it is saved and
# exported with the model.

# %%
show(model.generate(20, seed=1), title="from N(0, I)")
model.fit_sampler(digits, "gmm", components=10)
show(model.generate(20, seed=1), title="from a mixture of ten Gaussians")

# %% [markdown]
# ## Ways through the latents

# %%
show(latents.interpolate(model, images[0], images[1], frames=10), title="from one digit to another")
names = np.concatenate([np.asarray(b["label"]) for b in test])[:100]
vector = latents.attribute_vector(model, images[names == 8], images[names == 3])
show(latents.add_attribute(model, images[names == 3][:10], vector), title="threes, with what makes an eight")
latents.scatter(model, digits, os.path.join(FOLDER, "latents.png"))
plt.figure(figsize=(6, 5))
plt.imshow(load_image(os.path.join(FOLDER, "latents.png")))
plt.axis("off")
plt.show()

# %% [markdown]
# ## Codes
#
# A VQ-VAE turns a picture into 4 x 4 entries of a codebook; a PixelCNN then learns which follow which, class by class.

# %%
vqvae = models.VQVAE(networks.vq_encoder((16, 16, 1), 16), networks.vq_decoder((16, 16, 1), 16), codes=64, ema=0.99)
vqvae.compile(keras.optimizers.Adam(2e-3))
history = vqvae.fit(digits, epochs=EPOCHS, verbose=0).history
print("codes in use:", round(history["perplexity"][-1]), "of 64")
prior = models.CodePrior(vqvae, networks.pixelcnn((4, 4), 64, depth=3, num_classes=10, dropout=0.2), 10, ema=0.99)
prior.compile(keras.optimizers.Adam(2e-3))
prior.fit(digits, epochs=EPOCHS, verbose=0)
show(prior.generate(labels=np.repeat(np.arange(10), 2), seed=1), title="0 0 1 1 2 2 ...")

# %% [markdown]
# ## Saved and served
#
# The SavedModel has the endpoints `generate`, `encode`, `decode` and `reconstruct`, and needs TensorFlow alone.

# %%
model.save(os.path.join(FOLDER, "vae.keras"))
again = load_model(os.path.join(FOLDER, "vae.keras"))
print((again.generate(5, seed=1) == model.generate(5, seed=1)).all())
if keras.backend.backend() == "tensorflow":
    from keras_imgen import serving

    model.export(os.path.join(FOLDER, "vae"))
    served = serving.load(os.path.join(FOLDER, "vae"))
    print((served.generate(5, seed=1) == model.generate(5, seed=1)).all(), served.encode(images).shape)
