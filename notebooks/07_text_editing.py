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
# # Pictures changed by words
#
# Three ways: a model that learned from instructions ("make the red star blue"); any text-to-image model, in three steps, of which
# each can be looked at; and prompt-to-prompt, which makes two pictures that differ where their texts do. We train the first for a
# minute, then take models of `saved_models`.

# %%
import os
import tempfile
import textwrap

import keras
import matplotlib.pyplot as plt
import numpy as np

from keras_imgen import data, load_model, models, networks, serving
from keras_imgen.data.sources.instructed import edited
from keras_imgen.editing.prompt_to_prompt import prompt_to_prompt
from keras_imgen.editing.text import edit_by_text
from keras_imgen.metrics import edit_accuracy
from keras_imgen.text import Text, Tokenizer

EPOCHS = int(os.environ.get("EPOCHS", 3))  # of 100 steps; 1 is enough to see that it runs
FOLDER = tempfile.mkdtemp()


def show(*rows, titles=(), columns=8):
    """Rows of pictures below each other, with a text above each column."""
    rows = [np.asarray(row)[:columns] for row in rows]
    figure, axes = plt.subplots(len(rows), columns, figsize=(1.6 * columns, 1.7 * len(rows) + 0.4), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for images, line in zip(rows, axes):
        for image, axis in zip(images, line):
            axis.imshow(image, cmap="gray")
    for title, axis in zip(titles, axes[0]):
        axis.set_title("\n".join(textwrap.wrap(title, 20)), fontsize=7)
    figure.tight_layout()
    plt.show()


# %% [markdown]
# ## Pairs that differ by one edit
#
# `shapes:edit` draws a scene, an instruction, and what the scene becomes by it.

# %%
pairs = data.load("shapes:edit", size=32, batch=32, columns=("image", "source", "caption"), limit=3200)
batch = {k: v.numpy() for k, v in next(iter(pairs)).items()}
show(batch["source"], batch["image"], titles=[caption.decode() for caption in batch["caption"]])

# %% [markdown]
# ## A model that is told a picture and a sentence
#
# A network with `source_channels` sees the picture beside its noise (InstructPix2Pix). That is all: `Diffusion`, `compile` and `fit` are as
# ever.

# %%
keras.utils.set_random_seed(0)
known = [caption.decode() for batch in pairs for caption in batch["caption"].numpy()]
text = Text(Tokenizer.of(known, length=16))
encoder = networks.text_encoder(text, width=64, depth=1)
told = {"vector_dim": 64, "sequence_dim": 64, "source_channels": 3}
painter = networks.unet((32, 32, 3), widths=(16, 32, 64), depth=1, positions=True, **told)
model = models.Diffusion(networks.TextConditioned(painter, encoder, text), guidance_scale=2.0)
model.compile(keras.optimizers.Adam(2e-3))
model.fit(pairs, epochs=EPOCHS, verbose=0)
answers = model.generate(conditions={"source": batch["source"][:8], "caption": list(batch["caption"][:8])})
show(batch["source"], answers, titles=[caption.decode() for caption in batch["caption"]])

# %% [markdown]
# So early it copies the picture and hardly hears the sentence. `keras-imgen train shapes-edit` trains for longer; here are
# instructions and scenes that it has never seen.

# %%
editor = load_model("../saved_models/shapes-edit/model.keras")
scenes, edits = zip(*(edited(0, "test", k, 32) for k in range(24)))
sources, targets = (np.stack([s.draw(32)[0] for s in some]) for some in (scenes, [e.scene for e in edits]))
said = [edit.instruction for edit in edits]
answers = editor.generate(conditions={"source": sources, "caption": said}, seed=1)
show(sources, answers, targets, titles=said)
for name, value in edit_accuracy(scenes, edits, sources, answers).items():
    print(f"{name:<12}{value:6.2f}")

# %% [markdown]
# Rows: the picture, the answer, what was meant. `edit_accuracy` reads the answers back: was the edit made, was all else kept?
# `guidance_scale` says how far the instruction is followed, `image_guidance_scale` how closely it keeps to the picture.

# %% [markdown]
# ## In three steps
#
# A segmentation network finds what a phrase means; a text-to-image model paints there what another says; the edit is joined to the
# picture. Outside the mask every pixel is as it was, to the bit.

# %%
segmenter = load_model("../saved_models/shapes-segment/model.keras")
speaker = load_model("../saved_models/shapes-text/model.keras")
captions = ["a large red star above a small blue circle on a white background"] * 4
captions += ["a small green heart to the left of a large orange square on a black background"] * 4
images = speaker.generate(conditions={"caption": captions}, seed=2)
find = ["the star"] * 4 + ["the square"] * 4
make = ["a large green heart above a small blue circle on a white background"] * 4
make += ["a small green heart to the left of a large pink triangle on a black background"] * 4
changed, masks = edit_by_text(speaker, images, find, make, mask=segmenter.segment, seed=3, with_masks=True)
show(images, masks, changed, titles=find)
assert (changed[~masks] == images[~masks]).all()

# %% [markdown]
# ## Prompt-to-prompt
#
# Two texts, one noise. Made apart, the pictures differ in everything (second row). Where the second attends as the first did, what
# the texts share stays at its place (third row).

# %%
before = [
    "a large red star above a small blue circle on a white background",
    "three small purple hearts on a black background",
] * 4
after = [
    "a large green star above a small blue circle on a white background",
    "three small orange hearts on a black background",
] * 4
apart = prompt_to_prompt(speaker, before, after, cross=0.0, own=0.0, steps=20, seed=5)
alike = prompt_to_prompt(speaker, before, after, steps=20, seed=5)
show(alike.images, apart.edited, alike.edited, titles=before)

# %% [markdown]
# ## Served
#
# The SavedModel takes the bytes of a picture and a sentence, and answers with the bytes of a PNG.

# %%
if keras.backend.backend() == "tensorflow":
    import io
    import logging

    import tensorflow as tf
    from PIL import Image

    logging.getLogger("absl").setLevel("ERROR")  # it would say that the graph cannot be trained
    editor.export(f"{FOLDER}/editor")
    packed = io.BytesIO()
    Image.fromarray(sources[0]).save(packed, "PNG")
    served = tf.saved_model.load(f"{FOLDER}/editor").signatures["generate_png"]
    given = {
        "source_bytes": tf.constant([packed.getvalue()]),
        "captions": tf.constant([said[0]]),
        "seeds": tf.constant([1]),
    }
    answer = np.asarray(Image.open(io.BytesIO(served(**given)["image_bytes"][0].numpy())))
    assert (answer == answers[0]).all()
    again = serving.load(f"{FOLDER}/editor").generate(conditions={"source": sources[:1], "caption": said[:1]}, seed=1)
    assert (again == answers[:1]).all()
    show(sources[:1], answer[None], titles=said, columns=2)
