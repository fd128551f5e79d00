"""Text-to-video on characters of pixel art, 8 frames of 32x32: who does what, and in which direction; and what judges it."""

from typing import Any

import keras
import numpy as np
from keras import layers

from keras_imgen import load_model
from keras_imgen.arguments import integer
from keras_imgen.data import load
from keras_imgen.data.sources import Request, find
from keras_imgen.data.sources.sprites import ATTRIBUTES, LAYERS
from keras_imgen.layers import Fold, Unfold
from keras_imgen.metrics.clips import attributes_read
from keras_imgen.models import Diffusion
from keras_imgen.networks import TextConditioned, resnet, text_encoder, unet
from keras_imgen.recipes.run import Run, command, warmup_cosine
from keras_imgen.recipes.saved import whole_path
from keras_imgen.sampling.schedules import Cosine
from keras_imgen.text import Text, Tokenizer
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision

FRAMES, SIZE, WIDTH = 8, 32, 64
HOW = {"size": SIZE, "frames": FRAMES}
JUDGED = 200  # captions by which the finished model is judged


def train(
    out: str,
    epochs: int = 10,
    batch: int = 16,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    widths: list[int] | None = None,
    guidance_scale: float = 2.0,
    learning_rate: float = 0.003,
    shift: float = -1.0,
    classifier: str | None = None,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that generates more.

    The split `test` has looks, body and clothes and hair together, that training never had.

    Args:
        epochs: of 400 steps.
        widths: see `networks.unet`; None is 32,56,80.
        guidance_scale: see `models.Diffusion`.
        learning_rate: the largest, of a cosine.
        shift: of the schedule's log-SNR, see `Cosine`.
        classifier: the file of a model of the recipe sprites-video-classifier, by which the report tells what is seen in made clips.
        others: see `recipes`.
    """
    widths, steps = list(widths or (32, 56, 80)), integer("steps_per_epoch", steps_per_epoch or 400, 1)
    judge = None if classifier is None else load_model(classifier)
    settings = {"steps_per_epoch": steps_per_epoch, "widths": widths, "guidance_scale": guidance_scale, "shift": shift}
    settings |= {"learning_rate": learning_rate, "classifier": whole_path(classifier)}
    run = Run("sprites-video", out, resume, epochs=epochs, batch=batch, seed=seed, **settings)
    columns = ("clip", "caption")
    data = load("sprites", "train", batch=batch, seed=seed, columns=columns, **HOW).take(steps)
    test = load("sprites", "validation", batch=batch, limit=400, columns=columns, **HOW)
    text = captions()

    with fast_precision():
        told = {"attention": (8,), "vector_dim": WIDTH, "sequence_dim": WIDTH}
        network = TextConditioned(unet((FRAMES, SIZE, SIZE, 3), widths, 1, **told), text_encoder(text, WIDTH), text)
    how = {"guidance_scale": guidance_scale, "seed": seed, "name": "sprites_video"}
    model = Diffusion(network, Cosine(shift), **how)
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)))
    model.fit(data, epochs=epochs, callbacks=run.callbacks(n=10, every=max(1, epochs // 5)))
    return run.finish(model, test, columns=2, rows=5, judge=lambda: {} if judge is None else judged(model, judge))


def captions() -> Text:
    """The text condition of the characters' captions, with ten that training has not seen as examples."""
    every, unseen = (find("sprites", Request(split)).captions for split in ("train", "test"))
    known = Tokenizer.of(caption for row in every[:4000] for caption in row)
    return Text(known, prompts=tuple(row[0] for row in unseen[:10]))


def judged(model: Any, judge: keras.Model, count: int = JUDGED) -> dict[str, float]:
    """What the judge reads in clips made for captions of the split `test`, and in the real clips of these: see `metrics.attributes_read`.

    Args:
        model: that is told captions.
        judge: of the recipe sprites-video-classifier.
        count: of captions.
    """
    (batch,) = load("sprites", "test", batch=count, limit=count, **HOW).take(1)
    told = [str(caption.decode()) for caption in np.asarray(batch["caption"]).tolist()]
    asked = {name: np.asarray(batch[name]) for name in ATTRIBUTES}
    made = model.generate(conditions={"caption": told}, seed=0)
    found = {
        "made": attributes_read(judge, made, asked),
        "real": attributes_read(judge, np.asarray(batch["clip"]), asked),
    }
    return {f"{of} {name}": share for of, shares in found.items() for name, share in shares.items()}


def train_classifier(
    out: str,
    epochs: int = 4,
    batch: int = 32,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
) -> str:
    """A small classifier of such clips: body, clothes, hair and shoes of every frame, action and direction of the whole; the judge of made
    ones. Returns the command that judges with it.

    Args:
        epochs: of 250 steps.
        others: see `recipes`.
    """
    steps = integer("steps_per_epoch", steps_per_epoch or 250, 1)
    settings = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    run = Run("sprites-video-classifier", out, resume, **settings)
    how = {"batch": batch, "columns": ("clip", *ATTRIBUTES), **HOW}
    data = load("sprites", "train", seed=seed, **how).take(steps)
    test = load("sprites", "test", limit=2000, **how)

    clip = keras.Input((FRAMES, SIZE, SIZE, 3), name="clip")
    frames = layers.Rescaling(1 / 127.5, -1.0, name="rescale")(Fold(name="fold")(clip))
    seen = layers.ReLU(name="relu")(resnet((SIZE, SIZE, 3), 96, (32, 48, 64))(frames))
    whole = layers.Reshape((FRAMES * 96,), name="in_turn")(Unfold(FRAMES, name="unfold")(seen))
    whole = layers.Dense(128, activation="relu", name="motion")(whole)
    told = {}
    for name, kinds in ATTRIBUTES.items():
        head = layers.Dense(len(kinds), dtype="float32", name=f"{name}_logits")
        of_frames = Unfold(FRAMES, dtype="float32", name=name)
        told[name] = (
            of_frames(head(seen)) if name in LAYERS else layers.Identity(dtype="float32", name=name)(head(whole))
        )
    model = keras.Model(clip, told, name="sprites_video_classifier")
    model.compile(
        ConvMuon(warmup_cosine(0.003, steps=epochs * steps)),
        loss={name: keras.losses.SparseCategoricalCrossentropy(from_logits=True) for name in told},
        metrics={name: "accuracy" for name in told},
    )
    model.fit(as_answers(data), epochs=epochs, callbacks=run.callbacks())
    use = command(
        "train", "sprites-video", "--out", "runs/sprites-video", "--set", f"classifier={run.path('model.keras')}"
    )
    return run.finish(model, as_answers(test), use=use)


def as_answers(data: Any) -> Any:
    """Batches as dicts -> (clip, attributes by name, those of the look once for each frame), which `fit` of a plain Keras model takes."""

    def one(batch):
        again = {k: keras.ops.repeat(batch[k][:, None], FRAMES, axis=1) for k in LAYERS}
        return batch["clip"], {name: again.get(name, batch[name]) for name in ATTRIBUTES}

    return data.map(one)
