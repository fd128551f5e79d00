"""GAN networks that are told texts, which attend to the words; with a source, from picture to picture."""

from typing import Any

import keras
from keras import layers, ops

from keras_imgen.layers import Attention, GroupNorm, Positions
from keras_imgen.layers.pictures import rescale
from keras_imgen.networks import adversarial as common
from keras_imgen.networks.conditions import Beside
from keras_imgen.networks.unet import SpatialAttention


@keras.saving.register_keras_serializable("keras_imgen")
class Rescaled(layers.Layer):
    """Pictures uint8 -> in [-1, 1]."""

    def call(self, x: Any) -> Any:
        return ops.cast(rescale(x), self.compute_dtype)


@keras.saving.register_keras_serializable("keras_imgen")
class Blend(layers.Layer):
    """A new picture (N, H, W, C) where the share (N, H, W, 1) is 1, and where it is 0 the source, uint8 (N, H, W, C) (Pumarola et
    al. 2018, "GANimation", section 3.1)."""

    def call(self, new: Any, share: Any, source: Any) -> Any:
        source = ops.cast(rescale(source), new.dtype)
        return source + share * (new - source)

    def compute_output_shape(self, new_shape: tuple, share_shape: tuple, source_shape: tuple) -> tuple:
        return new_shape


def _sizes(image_shape, widths):
    """(height, width) of the smallest map."""
    stride = 2 ** (len(widths) - 1)
    if image_shape[0] % stride or image_shape[1] % stride:
        raise ValueError(
            f"Expected a height and width divisible by {stride} for {len(widths)} widths, got {image_shape[0]}x{image_shape[1]}."
        )
    if widths[-1] % 4:
        raise ValueError(f"Expected a last width that 4 divides, for positions, got {tuple(widths)}.")
    return image_shape[0] // stride, image_shape[1] // stride


def _text_inputs(vector_dim, sequence_dim):
    return {
        "vector": keras.Input((vector_dim,), name="vector"),
        "sequence": keras.Input((None, sequence_dim), name="sequence"),
        "sequence_mask": keras.Input((None,), dtype="bool", name="sequence_mask"),
    }


@keras.saving.register_keras_serializable("keras_imgen")
class JointAttention(layers.Layer):
    """Attention of the places of a map x (N, H, W, C) and of words (N, S, C), bool keep (N, S), as one sequence: each sees all of both
    (as Esser et al. 2024, "Scaling rectified flow transformers", but with the same weights for both). Gives x and words with what they saw
    added.

    Args:
        heads: of the attention; C must be a multiple of it, and of 4.
    """

    def __init__(self, heads: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self.heads = heads

    def build(self, x_shape: tuple, words_shape: tuple, keep_shape: tuple | None = None) -> None:
        self.norm, self.places = GroupNorm(dtype=self.dtype_policy), Positions(dtype=self.dtype_policy)
        self.norm_words = layers.LayerNormalization(dtype=self.dtype_policy)
        self.attention = Attention(self.heads, dtype=self.dtype_policy)
        self.norm.build(x_shape)
        self.places.build(x_shape)
        self.norm_words.build(words_shape)
        self.attention.build((x_shape[0], None, x_shape[-1]))

    def call(self, x: Any, words: Any, keep: Any) -> tuple[Any, Any]:
        places, shape = self.places(self.norm(x)), ops.shape(x)
        both = ops.concatenate([places, self.norm_words(words)], axis=1)
        seen = ops.concatenate([ops.ones_like(places[..., 0], dtype="bool"), keep], axis=1)
        both = self.attention(both, both, seen)
        count = shape[1] * shape[2]
        return x + ops.reshape(both[:, :count], shape), words + both[:, count:]

    def compute_output_shape(self, x_shape: tuple, words_shape: tuple, keep_shape: tuple | None = None) -> tuple:
        return x_shape, words_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "heads": self.heads}


def text_generator(
    image_shape: tuple[int, int, int],
    latent_dim: int = 64,
    widths: tuple[int, ...] = (32, 64, 128),
    depth: int = 2,
    heads: int = 2,
    attention: tuple[int, ...] = (),
    vector_dim: int = 128,
    sequence_dim: int = 128,
    source_channels: int | None = None,
    name: str = "text_generator",
) -> keras.Model:
    """Latents and a text, and maybe a picture, to images (N, *image_shape) in [-1, 1].

    At the smallest size residual blocks take turns with self-attention of places and words as one sequence; others then double the size,
    with attention to the words behind some (AttnGAN, Xu et al. 2018). All are normalised with scales and shifts of latent and sentence
    (conditional normalisation, de Vries et al. 2017). With a source, blocks that halve the size come before, as in a U-Net, and what is
    made is blended with the source by a mask that is made too.

    Args:
        image_shape: (height, width, channels); 2^(len(widths) - 1) divides the sides.
        latent_dim: length of a latent.
        widths: channels at each size, each half of the one before; 4 and `heads` divide the last.
        depth: residual blocks and self-attentions at the smallest size.
        heads: of these attentions.
        attention: sizes (heights) above the smallest with attention to the words, too.
        vector_dim: length of the input `vector`, a sentence.
        sequence_dim: length of the words, the input `sequence` (N, S, sequence_dim); `sequence_mask` bool (N, S) says which count.
        source_channels: adds the input `source`, a picture uint8 of so many channels; those of the images.
        name: of the model.

    Returns:
        A model of a dict of `latent`, `vector`, `sequence`, `sequence_mask` and maybe `source`, for `TextConditioned`.

    Raises:
        ValueError: sides that the stride does not divide, widths that 4 does not, a source of other channels.
    """
    height, width = _sizes(image_shape, widths)
    if source_channels not in (None, image_shape[-1]):
        raise ValueError(f"Expected a source of {image_shape[-1]} channels, as the images have, got {source_channels}.")
    inputs = {**common.generator_inputs(latent_dim, None), **_text_inputs(vector_dim, sequence_dim)}
    told = layers.Concatenate(name="latent_and_sentence")([inputs["latent"], inputs["vector"]])
    embedding = layers.Dense(2 * widths[-1], activation="silu", name="embedding")(told)

    def norm(h, name):
        return GroupNorm(activation="silu", name=name)(
            h, layers.Dense(2 * h.shape[-1], name=f"{name}_modulation")(embedding)
        )

    def block(h, out, name, resize=None, skipped=None):
        """Two convolutions; between them the size is changed, and what was skipped set beside."""
        resize = (lambda x, name: x) if resize is None else resize
        y = layers.Conv2D(out, 3, padding="same", name=f"{name}_conv1")(norm(h, f"{name}_norm1"))
        y = resize(y, f"{name}_resize")
        y = y if skipped is None else layers.Concatenate(name=f"{name}_concat")([y, skipped])
        y = norm(y, f"{name}_norm2")
        y = layers.Conv2D(out, 3, padding="same", name=f"{name}_conv2")(y)
        skip = h if h.shape[-1] == out else layers.Conv2D(out, 1, name=f"{name}_skip")(h)
        return layers.Add(name=f"{name}_add")([resize(skip, f"{name}_resize_skip"), y])

    skips = []
    if source_channels is None:
        h = layers.Dense(height * width * widths[-1], name="dense")(inputs["latent"])
        h = layers.Reshape((height, width, widths[-1]), name="reshape")(h)
    else:
        inputs["source"] = keras.Input((*image_shape[:2], source_channels), dtype="uint8", name="source")
        h = layers.Conv2D(widths[0], 3, padding="same", name="conv_in")(Rescaled(name="rescaled")(inputs["source"]))
        for level, out in enumerate(widths[1:]):
            skips.append(h)
            h = block(h, out, f"down{level}", lambda x, name: layers.AveragePooling2D(2, name=name)(x))
    words = layers.Dense(widths[-1], name="words")(inputs["sequence"])
    for i in range(depth):
        h = block(h, widths[-1], f"middle{i}")
        h, words = JointAttention(heads, name=f"middle{i}_attention")(h, words, inputs["sequence_mask"])
    for level, out in reversed(list(enumerate(widths[:-1]))):
        skipped = skips.pop() if skips else None
        h = block(h, out, f"up{level}", lambda x, name: layers.UpSampling2D(2, name=name)(x), skipped)
        if image_shape[0] >> level in attention:
            h = SpatialAttention(True, name=f"up{level}_attention")(h, inputs["sequence"], inputs["sequence_mask"])
    h = norm(h, "norm_out")
    new = layers.Conv2D(image_shape[-1], 3, padding="same", activation="tanh", dtype="float32", name="conv_out")(h)
    if source_channels is not None:
        mask = layers.Conv2D(1, 3, padding="same", activation="sigmoid", dtype="float32", name="mask")(h)
        new = Blend(dtype="float32", name="blend")(new, mask, inputs["source"])
    return keras.Model(inputs, new, name=name)


def text_discriminator(
    image_shape: tuple[int, int, int],
    widths: tuple[int, ...] = (32, 64, 128),
    vector_dim: int = 128,
    sequence_dim: int = 128,
    source_channels: int | None = None,
    normalization: str | None = "spectral",
    name: str = "text_discriminator",
) -> keras.Model:
    """Images (N, *image_shape) and a text, and maybe the picture that they were made of, to logits, and to vectors of image and sentence.

    Residual blocks halve the size, the last of them behind attention of the places to the words; this makes a logit, to which the product
    of a vector of the image and one of the sentence is added (Miyato & Koyama 2018, eq. 3). A contrastive loss may compare these vectors,
    too (XMC-GAN, Zhang et al. 2021).

    Args:
        image_shape: (height, width, channels); 2^len(widths) divides the sides.
        widths: channels at each size, each half of the one before; 4 divides the last.
        vector_dim: length of the input `vector`, a sentence.
        sequence_dim: length of the words, the input `sequence` (N, S, sequence_dim); `sequence_mask` bool (N, S) says which count.
        source_channels: adds the input `source`, a picture uint8 of so many channels, beside the image.
        normalization: "spectral" of the convolutions, or None for gradient penalties.
        name: of the model.

    Returns:
        A model of a dict of `image`, `vector`, `sequence`, `sequence_mask` and maybe `source`, that gives a dict of `logits` (N, 1),
        `image_vector` and `text_vector` (N, widths[-1]), float32.

    Raises:
        ValueError: sides that the stride does not divide, widths that 4 does not, another normalization.
    """
    _sizes(image_shape, (*widths, widths[-1]))
    common.check_normalization(normalization, ("spectral", None))
    conv = common.convolution(normalization == "spectral")
    inputs = {"image": keras.Input(tuple(image_shape), name="image"), **_text_inputs(vector_dim, sequence_dim)}
    h = inputs["image"]
    if source_channels is not None:
        inputs["source"] = keras.Input((*image_shape[:2], source_channels), dtype="uint8", name="source")
        h = Beside(name="beside")(h, inputs["source"])

    def halved(h, out, name):
        y = conv(h.shape[-1], 3, padding="same", name=f"{name}_conv1")(layers.ReLU(name=f"{name}_relu1")(h))
        y = layers.AveragePooling2D(2, name=f"{name}_pool")(layers.ReLU(name=f"{name}_relu2")(y))
        y = conv(out, 3, padding="same", name=f"{name}_conv2")(y)
        skip = layers.AveragePooling2D(2, name=f"{name}_pool_skip")(h)
        skip = skip if h.shape[-1] == out else conv(out, 1, padding="same", name=f"{name}_skip")(skip)
        return layers.Add(name=f"{name}_add")([skip, y])

    h = conv(widths[0], 3, padding="same", name="conv_in")(h)
    for level, out in enumerate(widths[1:]):
        h = halved(h, out, f"down{level}")
    image = layers.AveragePooling2D(2, name="image_pool")(layers.ReLU(name="image_relu")(h))
    image_vector = layers.Dense(widths[-1], dtype="float32", name="image_vector")(
        layers.Flatten(name="image_flat")(image)
    )
    text_vector = layers.Dense(widths[-1], dtype="float32", name="text_vector")(inputs["vector"])
    read = SpatialAttention(True, name="attention")(h, inputs["sequence"], inputs["sequence_mask"])
    read = layers.ReLU(name="relu_out")(halved(read, widths[-1], "words"))
    logits = layers.Dense(1, dtype="float32", name="logits_of_words")(layers.Flatten(name="flat")(read))
    product = layers.Dot(axes=-1, dtype="float32", name="projection")([image_vector, text_vector])
    logits = layers.Add(dtype="float32", name="logits")([logits, product])
    return keras.Model(inputs, {"logits": logits, "image_vector": image_vector, "text_vector": text_vector}, name=name)
