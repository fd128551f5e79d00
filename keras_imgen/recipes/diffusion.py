"""Diffusion on any pictures, conditional on their classes where there are any: a U-Net by their size."""

import keras

from keras_imgen.models import Diffusion
from keras_imgen.networks import unet
from keras_imgen.recipes.own_pictures import halves, own_pictures
from keras_imgen.recipes.run import Run, warmup_cosine
from keras_imgen.training.precision import fast_precision


def train(
    out: str,
    epochs: int | None = None,
    batch: int | None = None,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    data: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    conditional: bool | None = None,
    flip: bool | None = None,
    limit: int | None = None,
    widths: list[int] | None = None,
    depth: int = 1,
    attention: list[int] | None = None,
    dropout: float | None = None,
    guidance_scale: float = 1.5,
    learning_rate: float = 0.002,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    Args:
        widths: see `networks.unet`; None is `usual_widths`.
        depth: see `networks.unet`.
        attention: see `networks.unet`; None is at the lowest resolution.
        dropout: see `networks.unet`; None is 0.1 where pictures are few, else none.
        guidance_scale: see `models.Diffusion`.
        learning_rate: the largest, of a cosine.
        others: see `own_pictures` and `recipes`.
    """
    how = {"seed": seed, "conditional": conditional, "flip": flip, "limit": limit}
    own = own_pictures(data, size, channels, works=halves, **how)
    usual_batch, steps = (64, 10_000) if own.size <= 20 else (max(4, min(64, 64 * 32 * 32 // own.size**2)), 4_000)
    epochs, batch, steps = own.plan(epochs, batch, steps_per_epoch, usual_batch, steps)
    widths = widths or usual_widths(own.size)
    attention = [own.size >> (len(widths) - 1)] if attention is None else attention
    dropout = dropout if dropout is not None else 0.1 if own.few else 0.0
    run = Run(
        "diffusion",
        out,
        resume,
        epochs=epochs,
        batch=batch,
        seed=seed,
        steps_per_epoch=steps_per_epoch,
        **own.settings,
        widths=widths,
        depth=depth,
        attention=attention,
        dropout=dropout,
        guidance_scale=guidance_scale,
        learning_rate=learning_rate,
    )
    learn, test = own.batches(batch, steps, seed)

    with fast_precision():
        network = unet(own.image_shape, widths, depth, attention, num_classes=own.num_classes, dropout=dropout)
    own.tell(
        f"a U-Net of {len(widths)} resolutions for {own.size} pixels, widths {','.join(map(str, widths))}"
        + (f", dropout {dropout} as pictures are few" if own.few and dropout else ""),
        network.count_params(),
    )
    model = Diffusion(
        network,
        guidance_scale=guidance_scale if own.num_classes else 1.0,
        class_names=own.class_names,
        seed=seed,
        name="diffusion",
    )
    model.compile(keras.optimizers.Adam(warmup_cosine(learning_rate, epochs * steps)))
    model.fit(learn, epochs=epochs, callbacks=run.callbacks(n=40, every=max(1, epochs // 20)))
    return run.finish(model, test)


def usual_widths(size: int) -> list[int]:
    """32, 64, 96, ... from 64 pixels down to 8, of larger pictures half and a quarter of 32 above."""
    found = [{256: 8, 128: 16}.get(1 << (size - 1).bit_length(), 32)]
    while size % 2 == 0 and (size > 8 or len(found) == 1):
        size //= 2
        found.append(2 * found[-1] if found[-1] < 64 else found[-1] + 32)
    return found
