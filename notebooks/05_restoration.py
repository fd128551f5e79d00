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
# # Restoration
#
# A denoiser and a super-resolution model learned from two photographs, used on a third one of any size and kind; then the same network
# against a discriminator, and as a VAE.

# %%
import os
import tempfile

import keras
import matplotlib.pyplot as plt
import numpy as np
from skimage import data as pictures
from sklearn.datasets import load_sample_image

from keras_imgen import data, metrics, models, networks
from keras_imgen.data import degrade, degraded, imresize, patches

EPOCHS = int(os.environ.get("EPOCHS", 8))  # about two minutes on two cores; 1 is enough to see that it runs
STEPS = 100 if EPOCHS > 1 else 5
FOLDER = tempfile.mkdtemp()
photos = [load_sample_image("china.jpg"), load_sample_image("flower.jpg")]  # yours: data.photos("FOLDER")
cat = pictures.chelsea()[:256, 64:384]


def show(images, titles):
    figure, axes = plt.subplots(1, len(images), figsize=(3.4 * len(images), 2.9), dpi=64)
    for axis, image, title in zip(axes, images, titles):
        axis.imshow(np.squeeze(image), cmap="gray", vmin=0, vmax=255)
        axis.set_title(title)
        axis.axis("off")
    plt.tight_layout()
    plt.show()


def psnr(target, image):
    return f"{float(metrics.psnr(target[None], image[None])[0]):.1f} dB"


# %% [markdown]
# ## Denoising
#
# `patches` cuts random squares from photographs that stay decoded in memory; `Denoiser` adds noise of a level drawn for each of them, and
# learns to take it away. It is blind: one network for all levels.

# %%
keras.utils.set_random_seed(0)
clean = patches(photos, 64, batch=16, steps=STEPS)
denoiser = models.Denoiser(networks.compact_denoiser(3, width=24, blocks=(1, 1)), sigma=(0, 55), objectives="l1")
denoiser.compile(keras.optimizers.Adam(2e-3))
denoiser.fit(clean, epochs=EPOCHS, verbose=0)
noisy = degrade.GaussianNoise(30)(cat[None], seed=1)["image"].numpy()[0]
restored = denoiser.restore(noisy)
show([noisy, restored, cat], [f"sigma 30: {psnr(cat, noisy)}", f"restored: {psnr(cat, restored)}", "the original"])

# %% [markdown]
# `restore` takes a picture of any size and kind, and gives back its kind: gray, alpha and 16 bits stay. Large ones are cut into tiles that
# overlap and are blended, which bounds the memory and does not show. `ensemble=True` averages over the eight flips and turns.

# %%
deep = noisy.astype("uint16") * 257
with_alpha = np.dstack([noisy, noisy[..., :1]])
for picture in (noisy[..., 0], with_alpha, deep, noisy[:1, :1]):
    answer = denoiser.restore(picture, tile=128, overlap=32)
    print(picture.shape, picture.dtype, "->", answer.shape, answer.dtype)
tiles = denoiser.restore(noisy, tile=128)
print("largest difference of tiles, in gray levels:", np.abs(tiles.astype(int) - restored).max())
print("ensemble:", psnr(cat, denoiser.restore(noisy, ensemble=True)))

# %% [markdown]
# ## Super-resolution
#
# `degraded` turns clean batches into pairs of `image` and `target`: MATLAB's bicubic here, as in the published numbers; there are also
# blur, JPEG, low light, holes, and the chain of Real-ESRGAN. A network of gray pictures restores the luma of coloured ones. It starts as
# bicubic enlargement, so it can only get better.

# %%
pairs = degraded(patches(photos, 96, batch=16, steps=STEPS, channels=1), degrade.Downscale(3))
enlarger = models.SuperResolution(networks.compact_sr(3, width=24, blocks=2), scale=3)
enlarger.compile(keras.optimizers.Adam(2e-3))
enlarger.fit(pairs, epochs=EPOCHS, verbose=0)
target = imresize.mod_crop(cat, 3)
small = imresize.imresize(target, scale=1 / 3)
bicubic, large = imresize.imresize(small, scale=3), enlarger.restore(small)
part = (slice(60, 180), slice(90, 250))
show(
    [bicubic[part], large[part], target[part]],
    [f"bicubic: {psnr(target, bicubic)}", f"ours: {psnr(target, large)}", ""],
)

# %% [markdown]
# ## Residual, adversarial, variational
#
# Every restoring model can be trained for any mix of objectives, against a discriminator, or as a conditional VAE, whose answer is one
# of many that a seed chooses. Weights move between them: `copy_weights`, then freeze what shall stay.

# %%
darken = degrade.LowLight(gamma=2.5, gain=0.5)
colour = degraded(patches(photos, 64, batch=8, steps=STEPS), darken)
plain = models.Enhancer(networks.edsr(1, width=16, blocks=2), objectives=["charbonnier", "dssim"])
plain.compile(keras.optimizers.Adam(2e-3))
plain.fit(colour, epochs=EPOCHS, verbose=0)

network = networks.edsr(1, width=16, blocks=2)
networks.copy_weights(plain.network, network)
network.get_layer("conv_in").trainable = False
gan = models.Enhancer(network, discriminator=networks.patchgan((None, None, 3), width=16, depth=2))
gan.compile(network_optimizer=keras.optimizers.Adam(2e-4), discriminator_optimizer=keras.optimizers.Adam(2e-4))
gan.fit(colour, epochs=max(1, EPOCHS // 4), verbose=0)

vae = models.Enhancer(
    networks.edsr(1, width=16, blocks=2, latent_channels=2),
    encoder=networks.latent_encoder(1, latent_channels=2, width=16),
    kl_weight=1.0,
)
vae.compile(keras.optimizers.Adam(2e-3))
vae.fit(colour, epochs=EPOCHS, verbose=0)
dark = darken(cat[None], seed=2)["image"].numpy()[0]
answers = [dark, plain.restore(dark), gan.restore(dark), vae.restore(dark), vae.restore(dark, seed=1)]
names = ["dark", "residual", "against a discriminator", "variational, mean", "variational, seed 1"]
show(answers, [f"{n}: {psnr(cat, a)}" for n, a in zip(names, answers)])

# %% [markdown]
# ## Holes
#
# An inpainter returns what is known untouched.

# %%
holes = degraded(patches(photos, 64, batch=8, steps=STEPS), degrade.Holes("strokes", share=(0.1, 0.3)))
painter = models.Inpainter(networks.inpainting_unet(3, width=16, depth=3))
painter.compile(keras.optimizers.Adam(2e-3))
painter.fit(holes, epochs=EPOCHS, verbose=0)
mask = degrade.draw_holes(*cat.shape[:2], "strokes", 0.2, np.random.default_rng(0))
painted = painter.restore(cat, masks=mask)
print("known pixels are untouched:", (painted[mask == 0] == cat[mask == 0]).all())
show([np.where(mask[..., None], 128, cat), painted, cat], ["holes", psnr(cat, painted), "the original"])

# %% [markdown]
# ## Serving
#
# A SavedModel takes pictures of any size; its endpoint `restore_bytes` takes and gives PNG or JPEG files. In a shell:
# `keras-imgen restore MODEL FOLDER -o OUT --compare`.

# %%
from keras_imgen import serving

denoiser.export(os.path.join(FOLDER, "denoiser"))
served = serving.load(os.path.join(FOLDER, "denoiser"))
print("as in memory:", (served.restore(noisy) == restored).all())
data.image_io.save_image(os.path.join(FOLDER, "restored.png"), restored)
