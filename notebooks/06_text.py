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
# # Pictures from words
#
# We train a small text-to-image model on drawn scenes of coloured shapes and their captions, in a minute; then we look closer at
# one that was trained for longer, ask it for scenes that it has never seen, judge it, and export it so that a SavedModel takes
# strings.

# %%
import os
import tempfile
import textwrap

import matplotlib.pyplot as plt
import numpy as np

from keras_imgen import data, load_model, models, networks, serving
from keras_imgen.metrics import caption_accuracy, read_scene
from keras_imgen.text import Text, Tokenizer

EPOCHS = int(os.environ.get("EPOCHS", 3))  # of 100 steps; 1 is enough to see that it runs
FOLDER = tempfile.mkdtemp()


def show(images, captions, columns=5):
    """Pictures with their captions below."""
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(2.2 * columns, 2.7 * rows), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, caption in zip(axes.flat, images, captions):
        axis.imshow(image)
        axis.set_title("\n".join(textwrap.wrap(caption, 26)), fontsize=7, y=-0.06, va="top")
    figure.tight_layout()
    plt.show()


# %% [markdown]
# ## Captioned data
#
# `shapes:text` draws scenes. Each has several captions, one of which is drawn in each epoch. Folders of your own pictures with a
# `.txt` beside each, or with Hugging Face's `metadata.jsonl`, are loaded the same way: see docs/data.md.

# %%
scenes = data.load("shapes:text", size=32, batch=32, columns=("image", "caption"), limit=3200)
batch = next(iter(scenes))
captions = [caption.decode() for caption in batch["caption"].numpy()]
show(batch["image"][:10], captions)

# %% [markdown]
# ## A model that is told texts
#
# A tokenizer takes its words from the captions; a Transformer encodes them; the U-Net attends to the words. `TextConditioned` makes
# one network of both, which `Diffusion` trains as any other: strings go into `fit`.

# %%
import keras

keras.utils.set_random_seed(0)
known = [caption.decode() for batch in scenes for caption in batch["caption"].numpy()]
text = Text(Tokenizer.of(known, length=24))
encoder = networks.text_encoder(text, width=64, depth=1)
painter = networks.unet((32, 32, 3), widths=(16, 32, 64), depth=1, vector_dim=64, sequence_dim=64)
model = models.Diffusion(networks.TextConditioned(painter, encoder, text), guidance_scale=2.0)
model.compile(keras.optimizers.Adam(2e-3))
history = model.fit(scenes, epochs=EPOCHS, verbose=0)
asked = ["a large red star on a white background", "three small blue squares on a black background"]
show(model.generate(conditions={"caption": asked * 5}, seed=1), asked * 5)

# %% [markdown]
# After so few steps it has learned some colours and backgrounds, and no shapes. `keras-imgen train shapes-text` takes an hour and a
# quarter on two cores; its model, which went on for almost another hour, is in `saved_models`.

# %%
trained = load_model("../saved_models/shapes-text/model.keras")
test = data.load("shapes:text", "test", size=32, batch=20, columns=("image", "caption"))
unseen = [caption.decode() for caption in next(iter(test))["caption"].numpy()]
images = trained.generate(conditions={"caption": unseen}, seed=7)
show(images, unseen)

# %% [markdown]
# ## Is that what was asked for?
#
# No caption of the test was in training, and half of them name a colour and a shape that were never seen together. A reader that
# has learned nothing and does not see the caption says what is in a picture; `caption_accuracy` compares it with the caption, skill
# by skill.

# %%
print(unseen[0], "->", *read_scene(images[0]).things, sep="\n  ")
for name, share in caption_accuracy(unseen, images).items():
    print(f"{name:<12}{share:6.2f}")

# %% [markdown]
# ## Guidance, negatives, weights
#
# A higher guidance scale follows the words more closely. A negative text is led away from. Words in brackets weigh more or less.

# %%
prompt = "a large green heart above a small yellow circle on a gray background"
for scale in (1.0, 2.0, 5.0):
    many = trained.generate(5, conditions={"caption": prompt}, guidance_scale=scale, seed=3)
    show(many, [f"scale {scale:g}"] * 5)
how = {"conditions": {"caption": "two large purple crosses on a white background"}, "seed": 5}
away = trained.generate(5, negative={"caption": "two large purple crosses on a gray background"}, **how)
show(np.concatenate([trained.generate(5, **how), away]), ["a white background"] * 5 + ["led away from gray"] * 5)

# %% [markdown]
# ## Strings into a SavedModel
#
# The tokenizer is in the graph: a program with TensorFlow alone asks with strings, and gets pictures or the bytes of PNG files. The
# answer is the same to the bit.

# %%
if keras.backend.backend() == "tensorflow":
    import logging

    import tensorflow as tf

    logging.getLogger("absl").setLevel("ERROR")  # it would say that the graph cannot be trained
    trained.export(f"{FOLDER}/saved_model")
    alone = tf.saved_model.load(f"{FOLDER}/saved_model").signatures
    given = {"captions": tf.constant(unseen[:2]), "seeds": tf.constant([7, 8])}
    assert (alone["serving_default"](**given)["images"].numpy() == images[:2]).all()
    print(alone["generate_png"](**given)["image_bytes"][0].numpy()[:8])
    served = serving.load(f"{FOLDER}/saved_model")
    assert (served.generate(conditions={"caption": unseen[:2]}, seed=7) == images[:2]).all()
