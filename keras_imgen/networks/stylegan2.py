"""StyleGAN2 (Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN"): skip generator, residual discriminator."""

import math
from typing import Any

import keras
from keras import layers, ops

from keras_imgen.layers import EqualizedConv2D, EqualizedDense, MinibatchStd, ModulatedConv2D
from keras_imgen.layers.stylegan2 import upsample
from keras_imgen.networks import adversarial as common


def _channels(resolution: int, width: int, largest: int) -> int:
    """`width` channels at 32 pixels, twice as many at half the size."""
    return max(8, min(largest, width * 32 // resolution))


def _resolutions(image_shape) -> list[int]:
    height, w = image_shape[:2]
    if height != w or height < 8 or height & (height - 1):
        raise ValueError(f"Expected square images of 8, 16, 32, 64, ... pixels, got {height}x{w}.")
    return [2**i for i in range(2, int(math.log2(height)) + 1)]


@keras.saving.register_keras_serializable("keras_imgen")
class StyleGAN2Generator(keras.Model):
    """See `stylegan2_generator`."""

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        latent_dim: int = 128,
        width: int = 64,
        largest: int = 256,
        depth: int = 4,
        num_classes: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        resolutions = _resolutions(image_shape)
        self._arguments = {
            "image_shape": tuple(image_shape),
            "latent_dim": latent_dim,
            "width": width,
            "largest": largest,
            "depth": depth,
            "num_classes": num_classes,
        }
        self.latent_dim, self.num_classes, self.layer_count = latent_dim, num_classes, 2 * len(resolutions)
        dense = [EqualizedDense(latent_dim, True, 0.01, name=f"map{i}", dtype="float32") for i in range(depth)]
        self.mapping_layers = dense
        self.embed = None if num_classes is None else layers.Embedding(num_classes, latent_dim, name="label_embedding")
        self.first = self.add_weight(
            name="constant", shape=(1, 4, 4, _channels(4, width, largest)), initializer="random_normal"
        )
        self.convs, self.to_rgb = [], []
        for r in resolutions:
            out = _channels(r, width, largest)
            block = [ModulatedConv2D(out, up=True, name=f"conv{r}_up")] if r > 4 else []
            self.convs.append([*block, ModulatedConv2D(out, name=f"conv{r}")])
            self.to_rgb.append(
                ModulatedConv2D(image_shape[-1], 1, demodulate=False, noise=False, dtype="float32", name=f"to_rgb{r}")
            )
        self.flat = [conv for block in self.convs for conv in block]  # tracked by Keras
        self({"latent": ops.zeros((1, latent_dim)), "label": ops.zeros((1,), "int32")})

    @property
    def input(self) -> Any:
        """The symbolic inputs, by name, without the keys of the noise."""
        return common.generator_inputs(self.latent_dim, self.num_classes)

    @property
    def output_shape(self) -> tuple:
        """(None, height, width, channels)."""
        return (None, *self._arguments["image_shape"])

    def map(self, latent: Any, label: Any = None) -> Any:
        """z (N, D) in Z, with the label (N,) if there are classes, to w (N, D) in W."""
        h = _unit_power(ops.cast(latent, "float32"))  # half precision casts what a model is called with
        if self.embed is not None:
            h = h + _unit_power(ops.cast(self.embed(label), "float32"))
        for layer in self.mapping_layers:
            h = layer(h)
        return h

    def synthesize(self, w: Any, keys: Any = None) -> Any:
        """Images of w (N, D), or (N, layer_count, D) with one for each layer; `keys` (N, 2) are those of the noise, None for none."""
        from keras_imgen.training import random

        if len(w.shape) == 2:
            w = ops.repeat(w[:, None], self.layer_count, axis=1)
        h = ops.tile(ops.cast(self.first, self.compute_dtype), (ops.shape(w)[0], 1, 1, 1))
        image, i = None, 0
        for block, to_rgb in zip(self.convs, self.to_rgb):
            for conv in block:
                h = conv(h, w[:, i], None if keys is None else random.fold(keys, i))
                i += 1
            rgb = ops.cast(to_rgb(h, w[:, i]), "float32")
            image = rgb if image is None else upsample(image) + rgb
        return image

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.synthesize(self.map(inputs["latent"], inputs.get("label")), inputs.get("keys"))

    def build(self, input_shape: tuple | None = None) -> None:
        self.built = True

    def get_config(self) -> dict[str, Any]:
        return {**self._arguments, "name": self.name}


def _unit_power(x):
    return x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + 1e-8)


def stylegan2_generator(
    image_shape: tuple[int, int, int],
    latent_dim: int = 128,
    width: int = 64,
    largest: int = 256,
    depth: int = 4,
    num_classes: int | None = None,
    name: str = "stylegan2_generator",
) -> keras.Model:
    """Mapping network and modulated synthesis, called with a dict of `latent` (N, D), `label` (N,) and `keys` (N, 2) of the noise.

    Its methods `map` (Z to W) and `synthesize` (W to images) give access to the latent spaces. Output is not squashed: clip it.

    Args:
        image_shape: (height, width, channels); square, 8, 16, 32, ... pixels.
        latent_dim: D, of both latent spaces.
        width: channels at 32 pixels; twice as many at half the size, at most `largest`.
        largest: most channels at any size.
        depth: layers of the mapping network (the paper's is 8, stylegan2-ada's for small data 2).
        num_classes: makes it conditional; None takes no labels.
        name: of the model.

    Raises:
        ValueError: another size.
    """
    return StyleGAN2Generator(image_shape, latent_dim, width, largest, depth, num_classes, name=name)


def stylegan2_discriminator(
    image_shape: tuple[int, int, int],
    width: int = 64,
    largest: int = 256,
    num_classes: int | None = None,
    name: str = "stylegan2_discriminator",
) -> keras.Model:
    """Residual blocks with filtered downsampling, then the deviation within the batch, then logits (N, 1); with labels by projection.

    Args:
        image_shape: (height, width, channels); square, 8, 16, 32, ... pixels.
        width: channels at 32 pixels; twice as many at half the size, at most `largest`.
        largest: most channels at any size.
        num_classes: adds the input `label`.
        name: of the model.

    Raises:
        ValueError: another size.
    """
    resolutions = _resolutions(image_shape)
    inputs, h = common.discriminator_inputs(image_shape, num_classes, "projection")
    h = EqualizedConv2D(_channels(resolutions[-1], width, largest), 1, name="from_rgb")(h)
    for r in reversed(resolutions[1:]):
        out = _channels(r // 2, width, largest)
        skip = EqualizedConv2D(out, 1, False, True, use_bias=False, name=f"skip{r}")(h)
        y = EqualizedConv2D(h.shape[-1], name=f"conv{r}a")(h)
        y = EqualizedConv2D(out, down=True, name=f"conv{r}b")(y)
        h = layers.Rescaling(math.sqrt(0.5), name=f"scale{r}")(layers.Add(name=f"add{r}")([skip, y]))
    h = EqualizedConv2D(h.shape[-1], name="conv4")(MinibatchStd(name="minibatch_std")(h))
    h = EqualizedDense(h.shape[-1], True, name="dense")(layers.Flatten(name="flatten")(h))
    return keras.Model(inputs, common.head(h, inputs, num_classes, "projection"), name=name)
