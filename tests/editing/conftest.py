"""Models that are edited with: one whose every answer is known, and a small network that is not trained."""

import numpy as np
import pytest

THING = np.zeros((16, 16), bool)
THING[4:11, 3:9] = True
THING[7:9, 9:13] = True
COLOURS = {"red": (220, 30, 40), "blue": (20, 60, 230), "green": (30, 200, 90)}
SPREAD = 0.5  # of all that is not told, N(0, 0.25)


@pytest.fixture(scope="session")
def thing():
    """Where the thing is in every picture of `painter`, bool (16, 16)."""
    return THING


@pytest.fixture(scope="session")
def colours():
    return {name: np.array(value, "uint8") for name, value in COLOURS.items()}


def make_painter(labels=False):
    import keras
    from keras import ops

    from keras_imgen.conditions import Label
    from keras_imgen.models import Diffusion
    from keras_imgen.text import Text, Tokenizer

    palette = np.array([(0, 0, 0), (0, 0, 0), *COLOURS.values()], "float32") / 127.5 - 1.0

    class Painter(keras.Model):
        """The exact v of pictures whose thing has the colour that is told, and which are N(0, 0.25) elsewhere, and all over if not told."""

        image_shape, num_classes = (16, 16, 3), None

        def call(self, inputs, training=False):
            snr = ops.exp(inputs["log_snr"])[:, None, None, None]
            alpha, sigma = ops.sqrt(snr / (1 + snr)), ops.sqrt(1 / (1 + snr))
            x = inputs["image"]
            ground = alpha * SPREAD**2 * x / ((alpha * SPREAD) ** 2 + sigma**2)
            told = (inputs["label"] + 2) % 5 if labels else inputs["caption"][:, 0]
            colour = ops.take(ops.convert_to_tensor(palette), told, axis=0)[:, None, None]
            painted = ops.logical_and(ops.convert_to_tensor(THING)[None, ..., None], (told > 1)[:, None, None, None])
            d = ops.where(painted, colour, ground)
            return (alpha * x - d) / sigma

    text = Text(Tokenizer(("[PAD]", "[UNK]", *COLOURS), 3))
    condition = Label(3) if labels else text
    network = Painter()
    network.built = True
    return Diffusion(network, conditions=(condition,), steps=6)


@pytest.fixture(scope="session")
def painter():
    return make_painter()


@pytest.fixture(scope="session")
def label_painter():
    return make_painter(labels=True)


@pytest.fixture(scope="session")
def toy():
    """Text-conditional, of 8x8 pictures, with weights that are all drawn anew: none is zero."""
    import keras

    from keras_imgen.models import Diffusion
    from keras_imgen.networks import unet
    from keras_imgen.networks.text import TextConditioned, text_encoder
    from keras_imgen.text import Text, Tokenizer

    keras.utils.set_random_seed(0)
    text = Text(Tokenizer.of(["a red star", "two blue circles"]))
    network = unet((8, 8, 3), widths=(8, 16), depth=1, attention=(4,), vector_dim=16, sequence_dim=16)
    network = TextConditioned(network, text_encoder(text, 16, 1, 2), text)
    rng = np.random.default_rng(0)
    for v in network.weights:
        v.assign(np.array(v) + rng.normal(0, 0.1, v.shape).astype("float32"))
    return Diffusion(network, steps=3)


@pytest.fixture(scope="session")
def photographs():
    """Real pictures, uint8 (3, 8, 8, 3)."""
    from PIL import Image
    from sklearn.datasets import load_sample_image

    whole = Image.fromarray(load_sample_image("china.jpg")).resize((64, 48), Image.Resampling.BICUBIC)
    return np.stack([np.asarray(whole)[r : r + 8, c : c + 8] for r, c in ((8, 8), (20, 30), (36, 50))])
