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
# # Photographs as they come
#
# A person's folder, from noise, darkness and smallness to a page of before and after. First what cameras, light and files do to pictures,
# from which the models learned; then the models of `saved_models/` on pictures that are noisy, dark and small, and what measures say.

# %%
import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from skimage import data as pictures

from keras_imgen import data, load_model, metrics
from keras_imgen.data import degrade
from keras_imgen.data.image_io import save_image

SAVED = next(p / "saved_models" for p in (Path.cwd(), *Path.cwd().parents) if (p / "saved_models").is_dir())
cat, coffee, rocket = (
    pictures.chelsea()[:240, 80:400],
    pictures.coffee()[60:300, 150:470],
    pictures.rocket()[100:340, 160:480],
)


def show(images, titles, columns=4):
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(2.8 * columns, 2.4 * rows), dpi=80, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, title in zip(axes.flat, images, titles):
        axis.imshow(image)
        axis.set_title(title, fontsize=9)
    plt.tight_layout()
    plt.show()


def psnr(target, image):
    return f"{float(metrics.psnr(target[None], image[None])[0]):.1f} dB"


# %% [markdown]
# ## What happens to pictures
#
# A picture is taken back to what a sensor saw, before the tone curve, the colour matrix and the white balance (Brooks et al. 2019); the
# sensor counts photons, adds its own noise and clips, behind a mosaic of colours; then the camera develops it, smooths and sharpens. Light
# is changed as light: exposure, lamps, two lights of different colours, a lens out of focus, a hand that moves. Files come last, in any
# order. Every degradation is a function of a seed, and names its reference.

# %%
damage = {
    "a camera in good light": degrade.Camera(shot=1e-4),
    "a camera in poor light": degrade.Camera(shot=1e-2),
    "overexposed by 1.5 stops": degrade.Exposure(1.5),
    "underexposed by 2 stops": degrade.Exposure(-2.0),
    "3 stops too dark, with lamps": degrade.Darkness(3.0),
    "two lights": degrade.ColourCast(1.2),
    "out of focus": degrade.Defocus(4.0),
    "moved": degrade.MotionBlur(15, beyond=8),
    "noise of colours": degrade.ChromaNoise(14, 3),
    "stripes": degrade.Banding(8.0),
    "JPEG, quality 10": degrade.JPEG(10),
    "WebP, quality 5": degrade.WebP(5),
    "half the size and back": degrade.Rescaled(0.5),
    "Real-ESRGAN's chain": degrade.RealESRGAN(1),
    "in any order": degrade.Shuffled(degrade.GaussianNoise(15), degrade.Rescaled(0.6), degrade.JPEG(30)),
    "a camera without noise": degrade.Camera(shot=1e-9, beyond=1, soften=0, sharpen=0),
    "printed in dots": degrade.Halftone(4.0),
    "scanned from paper": degrade.Scan((0.05, 0.08), (0.7, 0.8), (0.2, 0.3)),
    "few colours": degrade.OrderedDither(4),
    "letters, which belong to it": degrade.Chain(degrade.Lettering(0.08), degrade.JPEG(30)),
}
show([one(coffee[None], 3)["image"].numpy()[0] for one in damage.values()], damage)

# %% [markdown]
# Pairs for training are one line: `degraded(patches(photos, 96), degrade.Chain(...))`; `recipes/photos_restore.py`, `photos_lowlight.py`
# and `photos_restore_sr.py` are whole runs, and `keras-imgen train restore --data folder:PHOTOS` learns from your own.
#
# ## A folder
#
# Three pictures, each spoiled in its way: a camera at high sensitivity, then JPEG; a dark room; and a small copy out of a chat.

# %%
folder = Path(tempfile.mkdtemp()) / "photos"
folder.mkdir()
noisy = degrade.Chain(degrade.Camera(shot=6e-3), degrade.JPEG(75))(cat[None], 1)["image"].numpy()[0]
found = degrade.Chain(degrade.Darkness(3.5, lamps=2), degrade.Camera(shot=1e-3), degrade.JPEG(90))(rocket[None], 5)
dark, bright = found["image"].numpy()[0], found["target"].numpy()[0]
shrunk = degrade.Chain(degrade.Downscale(4), degrade.Camera(shot=5e-4), degrade.JPEG(80))
small = shrunk(coffee[None], 2)["image"].numpy()[0]
for name, picture in (("cat", noisy), ("night", dark), ("coffee", small)):
    Image.fromarray(picture).save(folder / f"{name}.jpg", quality=95)
restore, lowlight, enlarge = (
    load_model(str(SAVED / f"photos-{n}" / "model.keras")) for n in ("restore", "lowlight", "restore-x4")
)

# %% [markdown]
# ## Noise
#
# A denoiser that learned Gaussian noise takes the grains of a camera for detail: they are coloured, larger than pixels, and went through
# JPEG. `strength` says how much of the answer is taken; at 0 the picture comes back to the bit.

# %%
gaussian = load_model(str(SAVED / "photos-denoise" / "model.keras"))
answers = [noisy, gaussian.restore(noisy), restore.restore(noisy), restore.restore(noisy, strength=0.5)]
names = ["as it came", "learned Gaussian noise", "learned a camera's", "the same, half"]
show([*answers, cat], [f"{n}: {psnr(cat, a)}" for n, a in zip(names, answers)] + ["the truth"], 5)
print("strength 0 changes nothing:", (restore.restore(noisy, strength=0) == noisy).all())
print("noise in gray levels:", [round(metrics.noise_level(a), 1) for a in (*answers, cat)])

# %% [markdown]
# ## Darkness
#
# The network finds a gain for each place, in stops, and the noise apart from it; what is bright is gained less, so that lamps stay lamps
# and nothing is clipped. `exposure` makes it brighter or darker than the network finds right, `grain` keeps some of the noise.

# %%
settings = [{}, {"exposure": 1.0}, {"exposure": -1.0}, {"grain": 1.0}]
answers = [lowlight.restore(dark, **how) for how in settings]
names = ["as it came", *(", ".join(f"{k}={v:g}" for k, v in how.items()) or "restored" for how in settings)]
show([dark, *answers, bright], [f"{n}: {psnr(bright, a)}" for n, a in zip(names, [dark, *answers])] + ["the truth"], 6)
clipped = [100 * metrics.clipped_share(p)[1] for p in (dark, bright, *answers)]
print("white pixels in percent, before, in truth, answers:", np.round(clipped, 2))
untouched = np.abs(lowlight.restore(cat).astype(int) - cat).mean()
print(f"of a picture in good light it changes {untouched:.1f} gray levels in the mean")

# %% [markdown]
# ## Smallness
#
# Super-resolution that has seen bicubic shrinking alone enlarges noise and the blocks of JPEG; one that learned from a camera's small
# pictures does not.

# %%
bicubic = load_model(str(SAVED / "photos-sr-x4" / "model.keras"))
plain = np.asarray(Image.fromarray(small).resize(coffee.shape[1::-1], Image.Resampling.BICUBIC))
answers = [plain, bicubic.restore(small), enlarge.restore(small)]
names = ["bicubic", "learned bicubic shrinking", "learned a camera's pictures"]
show([*answers, coffee], [f"{n}: {psnr(coffee, a)}" for n, a in zip(names, answers)] + ["the truth"])

# %% [markdown]
# ## Without the truth
#
# Of your own pictures nobody has the truth. Measures tell something: noise, what is clipped, colours, sharpness, and NIQE, the distance of
# a picture's statistics from those of good photographs. Here it knows five pictures, so that figures of others' NIQE do not compare.

# %%
good = [pictures.astronaut(), pictures.chelsea(), pictures.coffee(), pictures.rocket(), pictures.camera()]
natural = metrics.natural(good)
pairs = {"cat": (noisy, restore.restore(noisy)), "night": (dark, lowlight.restore(dark)), "coffee": (plain, answers[2])}
measures = {
    "noise": metrics.noise_level,
    "colourful": metrics.colourfulness,
    "sharpness": metrics.sharpness,
    "NIQE [5 pictures]": lambda p: metrics.niqe(p, natural),
}
for name, pair in pairs.items():
    print(f"{name:8}", *(f"{k} {f(pair[0]):.1f} -> {f(pair[1]):.1f}  " for k, f in measures.items()))

# %% [markdown]
# ## A page of before and after
#
# On files the command does all of this. `--auto` looks at each picture, chooses the models and says why; `--compare` writes a page with
# sliders. In a shell: `keras-imgen restore photos --auto --models saved_models -o restored --compare`, or one model at a time, with
# `--strength 0.7`, `--exposure 0.5`, `--x 2`, `--format same`.

# %%
page = np.concatenate([np.concatenate(pair, 1) for pair in pairs.values()])
save_image(str(folder.parent / "page.png"), page)
show([page], ["before and after"], 1)
print(sorted(os.listdir(folder)), "->", [p.shape for p in data.photos(str(folder))])
