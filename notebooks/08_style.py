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
# # Style and art
#
# A photograph in the look of a painting, five ways: by its colours, by optimisation, by a network for one style, by a network for any
# style, and by one that you train. Then a new texture from a swatch.
#
# The paintings and the classifiers that know what a style is lie under `KERAS_IMGEN_DATA`; the trained models in `saved_models/`. Without
# them the notebook shows what goes with what pip installs: colours, quilting, filters.

# %%
import os
import tempfile
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from skimage import data as pictures

import keras_imgen
from keras_imgen import data, models, networks
from keras_imgen.data.files import data_file
from keras_imgen.data.image_io import load_image, resize
from keras_imgen.editing import colour, quilting
from keras_imgen.editing.classical import CLASSICAL
from keras_imgen.editing.style import stylize

EPOCHS = int(os.environ.get("EPOCHS", 2))  # 1 is enough to see that it runs
FAST = EPOCHS == 1
SAVED = next(p / "saved_models" for p in (Path.cwd(), *Path.cwd().parents) if (p / "saved_models").is_dir())


def of_size(picture, longest):
    factor = longest / max(picture.shape[:2])
    return resize(picture, tuple(round(n * factor) for n in picture.shape[:2]))


def show(images, titles=(), columns=4):
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(3.4 * columns, 2.7 * rows), dpi=80, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, title in zip(axes.flat, images, [*titles, *[""] * len(images)]):
        axis.imshow(np.squeeze(image), vmin=0, vmax=255)
        axis.set_title(title, fontsize=9)
    plt.tight_layout()
    plt.show()


try:
    painting = lambda name: load_image(data_file("style", "style", f"{name}.jpg"), 3)  # noqa: E731
    starry = painting("van_gogh_starry_night_1889")
    wave, scream = painting("hokusai_great_wave_1831"), painting("munch_the_scream_1893")
    kandinsky = painting("kandinsky_composition_vii_1913")
    everything = True
except FileNotFoundError as error:
    print(error)
    starry, wave, scream, kandinsky = (
        pictures.immunohistochemistry(),
        pictures.retina()[300:900, 300:900],
        pictures.hubble_deep_field(),
        pictures.colorwheel()[..., :3],
    )
    everything = False

photo = of_size(pictures.chelsea(), 128 if FAST else 288)
cup = of_size(pictures.coffee(), 128 if FAST else 288)
show([photo, cup, starry, wave, scream, kandinsky], columns=3)

# %% [markdown]
# ## Colours alone
#
# The oldest way: the photograph gets the painting's colours. Histograms channel by channel; mean and deviation in a space of opponent
# colours (Reinhard); mean and covariance (Monge-Kantorovich); the whole distribution (sliced optimal transport). Quilting makes the
# photograph of patches of the painting.

# %%
ways = ["histogram", "reinhard", "monge-kantorovich", "sliced", "quilting", "stylization"]
show([CLASSICAL[name](photo, starry) for name in ways], ways, columns=3)

# %% [markdown]
# ## By optimisation
#
# What a picture shows is in a classifier's maps; its style is in how often they go together. So the picture itself is learned: its maps
# stay near the photograph's, their statistics come near the painting's (Gatys et al. 2016). It is slow and the best. `masks` say where
# each style goes, `colour.keep_colours` brings the photograph's colours back.

# %%
if everything:
    steps = 3 if FAST else 50
    by_steps = stylize(photo, starry, steps=steps, smoothness=0.3)
    left = np.zeros(photo.shape[:2], "uint8")
    left[:, : photo.shape[1] // 2] = 1
    halves = stylize(photo, [starry, wave], masks=[left, 1 - left], steps=steps, smoothness=0.3)
    show(
        [by_steps, halves, colour.keep_colours(photo, by_steps)],
        ["by optimisation", "two styles", "own colours"],
        columns=3,
    )

# %% [markdown]
# ## One style, at once
#
# `FastStyle` has learned one style, or several, and paints a picture in a moment. `alpha` goes from the photograph to the painting;
# pictures may have any size, are never cut or resized, and beyond 1024 x 1024 are painted tile by tile with the statistics of the whole.

# %%
if everything:
    one = keras_imgen.load_model(SAVED / "photos-style-starry" / "model.keras")
    alphas = [0.0, 0.4, 0.7, 1.0]
    show([one.stylize(cup, alpha=a) for a in alphas], [f"alpha {a:g}" for a in alphas])

# %% [markdown]
# ## Any style
#
# `ArbitraryStyle` is shown a painting that it has never seen, and gives the maps of the photograph the statistics of the painting's
# (AdaIN). Several styles are mixed by weights.

# %%
if everything:
    any_style = keras_imgen.load_model(SAVED / "photos-adain" / "model.keras")
    looks = [of_size(p, 384) for p in (starry, wave, scream, kandinsky)]
    show([any_style.stylize(p, look) for p in (photo, cup) for look in looks])
    shares = [0.0, 0.33, 0.67, 1.0]
    show(
        [any_style.stylize(photo, looks[:2], weights=[1 - s, s]) for s in shares],
        [f"{1 - s:.0%} night, {s:.0%} wave" for s in shares],
    )

# %% [markdown]
# ## Your own
#
# From photographs and a painting: `patches` cuts squares from the one, `styled` from the other. Minutes on two cores show where it goes;
# the saved model took the recipe's half an hour: `keras-imgen train photos-style-starry --data FOLDER --set styles=PAINTING.jpg`.

# %%
if everything:
    keras.utils.set_random_seed(0)
    photos = [pictures.astronaut(), pictures.coffee(), pictures.rocket()]
    squares = data.patches(photos, 96, batch=2, steps=5 if FAST else 120, flips=True)
    mine = models.FastStyle(networks.adain_encoder(), networks.adain_decoder(width=16), content_weight=0.3)
    mine.compile(keras.optimizers.Adam(2e-3))
    mine.fit(data.styled(squares, [of_size(wave, 384)]), epochs=EPOCHS, verbose=0)
    show([photo, mine.stylize(photo), mine.stylize(cup)], ["", "after some minutes", ""], columns=3)

# %% [markdown]
# ## More of the same
#
# Image quilting makes a texture of any size from a swatch (Efros & Freeman 2001). New pictures from one painting, with its large things
# too, are learned by `SinDDM` and `SinGAN`: `keras-imgen train art-single-image --set picture=PAINTING.jpg`.

# %%
swatch = starry[60:160, 180:300]
cloth = quilting.synthesize(swatch, (160, 320) if FAST else (240, 480), block=32, seed=0)
show([swatch, cloth], ["swatch", "cloth"], columns=2)

# %% [markdown]
# ## Served
#
# A SavedModel takes and gives files: `stylize_bytes`. In a shell: `keras-imgen stylize MODEL PHOTOS PAINTING -o OUT --alpha 0.8
# --compare`.

# %%
if everything:
    from keras_imgen import serving

    place = os.path.join(tempfile.mkdtemp(), "one")
    one.export(place)
    served = serving.load(place)
    print("as in memory:", (served.stylize(cup[None])[0] == one.stylize(cup)).all())
