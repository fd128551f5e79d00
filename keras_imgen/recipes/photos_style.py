"""Photographs in the style of one painting, of several, or of any: feed-forward style transfer, learned from photographs and styles."""

from functools import partial

from keras_imgen.data import patches, photos, styled
from keras_imgen.data.files import data_file
from keras_imgen.data.image_io import load_image, scaled
from keras_imgen.metrics import style_distance
from keras_imgen.models import ArbitraryStyle, FastStyle
from keras_imgen.networks import adain_decoder, adain_encoder
from keras_imgen.recipes.run import Run, first_batch, warmup_cosine
from keras_imgen.recipes.saved import whole_path
from keras_imgen.training import ConvMuon
from keras_imgen.training.precision import fast_precision

# Under KERAS_IMGEN_DATA, where none are given.
STARRY = ("van_gogh_starry_night_1889",)
EIGHT = (
    *("hokusai_great_wave_1831", "kandinsky_composition_vii_1913", "matisse_woman_with_hat_1905", "mondrian"),
    *("munch_the_scream_1893", "shipwreck_painting", "turner_wreck_of_minotaur_1810", *STARRY),
)
TESTED = 20  # of the photographs, at most; of few a tenth


def train(
    out: str,
    epochs: int = 8,
    batch: int = 2,
    seed: int = 0,
    steps_per_epoch: int | None = None,
    resume: bool = False,
    *,
    name: str = "photos-style-starry",
    data: str | None = None,
    styles: str | None = None,
    size: int = 160,
    width: int = 32,
    style_weight: float = 1.0,
    content_weight: float = 0.15,
    smoothness: float = 0.4,
    style_side: int = 512,
    learning_rate: float = 0.002,
) -> str:
    """The whole run, from data to report, in the folder `out`; returns the command that stylises more.

    Args:
        name: of the recipe; photos-adain learns to take any style, from photographs in random colours in place of paintings.
        data: photographs: a folder, a zip file, ..., see `data.photos`; None is BSDS500's train split under KERAS_IMGEN_DATA.
        styles: pictures of the styles, paths with commas between; None is those of the recipe under KERAS_IMGEN_DATA, of photos-adain the
            photographs themselves.
        size: of the squares that it learns from, in pixels, a multiple of 8.
        width: see `networks.adain_decoder`.
        style_weight: see `models.style.Stylizer`.
        content_weight: the same.
        smoothness: the same.
        style_side: shorter side of the paintings in pixels, which says how large strokes are in the answer.
        learning_rate: the largest, of a cosine.
        others: see `recipes`.
    """
    steps = steps_per_epoch or 800
    given = {"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch}
    weights = {"style_weight": style_weight, "content_weight": content_weight, "smoothness": smoothness}
    places = absolute(data, styles)
    run = Run(
        name,
        out,
        resume,
        **given,
        **places,
        size=size,
        width=width,
        **weights,
        style_side=style_side,
        learning_rate=learning_rate,
    )

    anything = name == "photos-adain"
    learn, test, looks = photographs_and_paintings(**places, usual=() if anything else known(name))
    looks = [
        scaled(one, tuple(round(n * style_side / min(one.shape[:2])) for n in one.shape[:2])) for one in looks
    ] or learn
    of = lambda pictures, n, seed: styled(  # noqa: E731
        patches(pictures, size, batch, n, seed=seed, flips=False), looks, seed, recolour=0.7 if anything else 0.0
    )
    with fast_precision():
        parts = adain_encoder(), adain_decoder(width=width)
    how = {**weights, "seed": seed, "name": name.replace("-", "_")}
    model = ArbitraryStyle(*parts, **how) if anything else FastStyle(*parts, num_styles=len(looks), **how)
    model.compile(ConvMuon(warmup_cosine(learning_rate, epochs * steps)), steps_per_execution=10)
    validation = of(test, 8, seed + 1)
    shown = first_batch(validation)
    told = {k: v for k, v in shown.items() if k != "image"}
    model.fit(of(learn, steps, seed), epochs=epochs, callbacks=run.callbacks(images=shown["image"], conditions=told))
    return run.finish(model, validation, batch=shown, columns=8, judge=lambda: judged(model, test, looks))


def absolute(data: str | None, styles: str | None) -> dict[str, str | None]:
    """`data` and `styles` for a run's config, with whole paths, so that it can be resumed from anywhere.

    Args:
        data: photographs, see `train`.
        styles: paths of paintings with commas between, see `train`.
    """
    return {"data": whole_path(data), "styles": styles and ",".join(map(whole_path, styles.split(",")))}


def photographs_and_paintings(data: str | None, styles: str | None, usual: tuple[str, ...]) -> tuple[list, list, list]:
    """(photographs to learn from, photographs to test with, paintings), uint8 (H, W, 3) each.

    Args:
        data: see `absolute`; None is BSDS500's train split.
        styles: see `absolute`; None is `usual`.
        usual: names of paintings under KERAS_IMGEN_DATA.

    Raises:
        ValueError: a file that is no picture, fewer than two photographs.
        FileNotFoundError: no such place.
    """
    every = photos(data or "bsds500:train")
    files = styles.split(",") if styles else [data_file("style", "style", f"{name}.jpg") for name in usual]
    if len(every) < 2:
        raise ValueError(f"Expected at least 2 photographs, one of them to test with, got {len(every)} in {data}.")
    count = min(TESTED, max(1, len(every) // 10))
    return every[count:], every[:count], [load_image(path, 3) for path in files]


def judged(model: ArbitraryStyle | FastStyle, pictures: list, looks: list) -> dict[str, float]:
    """`metrics.style_distance` of photographs in these styles, its means by name.

    Args:
        model: that has learned.
        pictures: photographs that it has not learned from.
        looks: of its styles.
    """
    few = range(min(8, len(pictures)))
    chosen = [k % len(looks) for k in few]
    told = [model.stylize(pictures[k], c if isinstance(model, FastStyle) else looks[c]) for k, c in zip(few, chosen)]
    found = style_distance([pictures[k] for k in few], [looks[c] for c in chosen], told)
    return {name: float(values.mean()) for name, values in found.items()}


def known(name: str) -> tuple[str, ...]:
    """Names of the paintings of a recipe, in the order of the styles."""
    return EIGHT if name == "photos-style-eight" else STARRY


starry = partial(train, name="photos-style-starry")
eight = partial(train, name="photos-style-eight", epochs=16)
adain = partial(train, name="photos-adain", epochs=16)
