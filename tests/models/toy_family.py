"""A family of its own: clips of rank 5 from noise and words, in one step. Nothing else in the package or the tests knows of it."""

import zlib
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from keras_imgen.conditions import Condition, Input, inputs_of
from keras_imgen.inference.endpoints import Endpoint, Number, Seeds
from keras_imgen.layers.pictures import to_uint8
from keras_imgen.models import ImageModel
from keras_imgen.training import random
from keras_imgen.training.rows import like

FRAMES, SIDE, WORDS, WIDTH = 3, 4, 4, 8
SHAPE = (FRAMES, SIDE, SIDE, 1)


@dataclass(frozen=True)
class Words(Condition):
    """A text of at most four words, each as a vector that its letters tell."""

    kind = "toy words"
    takes_arrays = False
    key: str = "words"

    def inputs(self):
        mask = Input((WORDS,), "bool", False, f"{self.key}_mask")
        return {self.key: Input((WORDS, WIDTH), "float32", 0.0, self.key), f"{self.key}_mask": mask}

    def examples(self):
        return ["red circle", "blue square"]

    def parse(self, text):
        return text

    def encode(self, given):
        texts = given[self.key]
        if not isinstance(texts, str) and not all(isinstance(text, str) for text in texts):
            raise ValueError(f"Expected a text or texts in {self.key!r}, got {texts!r:.60}.")
        several = [texts] if isinstance(texts, str) else texts
        values, mask = np.zeros((len(several), WORDS, WIDTH), "float32"), np.zeros((len(several), WORDS), bool)
        for i, text in enumerate(several):
            for j, word in enumerate(text.split()[:WORDS]):
                values[i, j] = np.random.default_rng(zlib.crc32(word.encode())).normal(size=WIDTH)
                mask[i, j] = True
        found = {self.key: values, f"{self.key}_mask": mask}
        return {k: v[0] for k, v in found.items()} if isinstance(texts, str) else found


@keras.saving.register_keras_serializable("toy_family")
class Kept(keras.layers.Layer):
    """The sum of those vectors (N, S, D) that the mask (N, S) keeps."""

    def call(self, words, mask):
        return ops.sum(words * ops.cast(mask, words.dtype)[..., None], axis=1)


@keras.saving.register_keras_serializable("toy_family")
class ClipPainter(ImageModel):
    """Learns the mean clip of a text; an eighth of the texts are left out, so that guidance has something to lead away from."""

    pictures = ("clip",)
    conditions = (Words(),)
    reads = ("clip", "words", "words_mask")
    image_shape = SHAPE

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        words, mask = keras.Input((WORDS, WIDTH), name="words"), keras.Input((WORDS,), dtype="bool", name="words_mask")
        noise = keras.Input((2,), name="noise")
        kept = Kept()(words, mask)
        numbers = keras.layers.Dense(FRAMES * SIDE * SIDE)(keras.layers.Concatenate()([kept, noise]))
        self.network = keras.Model(
            {"words": words, "words_mask": mask, "noise": noise}, keras.layers.Reshape(SHAPE)(numbers)
        )
        self.finish()

    @property
    def players(self):
        return {"network": self.network}

    def painted(self, keys, told, training=False):
        return ops.cast(self.network({**told, "noise": random.normal(keys, (2,))}, training=training), "float32")

    def update(self, batch):
        keys, told = self.next_keys(ops.shape(batch["clip"])[0]), self.told(batch)
        dropped, nulls = random.uniform(random.fold(keys, 1)) < 0.125, inputs_of(self.conditions)
        told = {k: ops.where(like(dropped, v), ops.cast(nulls[k].null, v.dtype), v) for k, v in told.items()}
        error = lambda: ops.mean(ops.square(self.painted(keys, told, True) - batch["clip"]))  # noqa: E731
        return {"loss": self.minimize(error, self.network)}

    def score(self, batch):
        return {"loss": ops.mean(ops.square(self.painted(self.score_keys(batch), self.told(batch)) - batch["clip"]))}

    def endpoints(self):
        def sample(given, told):
            keys, nulls = random.key(given["seeds"]), inputs_of(self.conditions)
            nothing = {k: ops.full_like(v, nulls[k].null) for k, v in told.items()}
            cond, weak = self.painted(keys, told), self.painted(keys, nothing)
            return to_uint8(weak + given["guidance_scale"] * (cond - weak))

        inputs = (Seeds(), Number("guidance_scale", 1.0))
        return {"generate": Endpoint(inputs, self.conditions, null=True, function=sample)}


def batches(n=32):
    """Clips, bright for one text and dark for another, with their words as a data set has them."""
    texts = ["red circle", "blue square"] * (n // 2)
    clips = np.where(np.arange(n) % 2, 40, 200).astype("uint8")[:, None, None, None, None] * np.ones(SHAPE, "uint8")
    return {"clip": clips, **Words().encode({"words": texts})}
