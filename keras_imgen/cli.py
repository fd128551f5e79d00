"""The command `keras-imgen`. TensorFlow is imported when a command needs it, so that help answers at once."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from keras_imgen import lean
from keras_imgen.commands.common import (
    at_least_one,
    load_model,
    nothing_replaced,
    parse_conditions,
    parse_labels,
    parse_options,
)
from keras_imgen.commands.restore_command import restore
from keras_imgen.cores import one_thread_per_op

app = typer.Typer(
    help="Train, judge, edit with and serve image-generation models in Keras 3.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_verbose = False  # the option of this name

SOURCES = {
    "digits": "handwritten digits from scikit-learn, 1,797 scans, 8x8",
    "shapes": "coloured shapes drawn on the fly, with captions, masks and attributes, 16 to 128 px",
    "shapes:one": "one of them on black, with its factors: shape, colour, size and place",
    "shapes:text": "scenes of one to four of them, in several wordings; combinations that are kept for the test",
    "shapes:edit": "such scenes, an instruction, and what they become by it",
    "shapes:segment": "such scenes, a phrase, and the part that it means",
    "moving_digits": "two digits that bounce through a square of 64 px: clips, to predict and to generate",
    "sprites": "game characters in 183,960 looks, actions and directions, with captions and clips: under KERAS_IMGEN_DATA",
    "emoji": "1,911 emoji on white, 64x64, with their names (emoji:all: skin tones too): under KERAS_IMGEN_DATA",
    "flickr8k": "1,000 photographs with five captions each: under KERAS_IMGEN_DATA",
    "fashion_mnist": "clothes, 28x28, 10 classes: under KERAS_IMGEN_DATA, from Debian's dataset-fashion-mnist, or tfds",
    "tfds:NAME": "any image data set of tensorflow-datasets",
    "folder:PATH": "pictures in a folder; sub-folders are classes; captions beside them, or in a list",
    "clips:PATH": "runs of frames of the films in a folder, none over a cut",
    "coco:PATH": "a list of pictures and captions in COCO's form",
    "npz:PATH": "arrays of images and labels in a NumPy file, or a pack of JPEG files",
}


@contextmanager
def one_line_errors() -> Iterator[None]:
    """What went wrong is said in one line, and the exit code is 1; with --verbose after its traceback."""
    try:
        yield
    except (typer.Exit, typer.Abort):  # RuntimeErrors too
        raise
    except Exception as error:
        if _verbose:
            import traceback

            traceback.print_exc()
        typer.echo(f"Error: {' '.join(_reason(error).split())}", err=True)
        raise typer.Exit(1) from None


def _reason(error: Exception) -> str:
    said = str(error if isinstance(error, UnicodeError) else error.args[0]) if error.args else ""
    if isinstance(error, MemoryError):
        return f"Not enough memory. {said}"
    if any(kind.__name__ == "OpError" for kind in type(error).__mro__):  # TensorFlow's: first words, then the graph
        return error.message.strip().partition("\n")[0]
    if isinstance(error, OSError):
        reason = error.strerror or said or type(error).__name__
        return f"{error.filename}: {reason}" if error.filename else reason
    if isinstance(error, ValueError | RuntimeError | ImportError) and said:
        return said
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    return f"{said or 'no message'} ({kind}); run with -v for the traceback"


@app.callback()
def common_options(
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Show what libraries log, and the traceback of an error.")
    ] = False,
) -> None:
    global _verbose
    _verbose = verbose


Conditions = Annotated[
    list[str] | None,
    typer.Option(
        "--condition",
        help="What else the model is told, as vector=0.1,2 or sequence=FILE.npy; may be given again.",
        metavar="NAME=VALUE",
    ),
]


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="Its name; `keras-imgen recipes` lists them.")],
    data: Annotated[
        str | None, typer.Option(help="Your pictures: folder:PATH, npz:PATH, ...; `keras-imgen datasets` lists them.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Pixels on a side that pictures are brought to.")] = None,
    channels: Annotated[int | None, typer.Option(help="1 for gray, 3 for colour. (default: as the pictures)")] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="Sizes for the machine: cpu or gpu, where a recipe has them. (default: cpu)"),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the recipe; again for more. '?' lists them."),
    ] = None,
    out: Annotated[str | None, typer.Option(help="Folder for all results. (default: runs/RECIPE)")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the data. (default: the recipe's)")] = None,
    batch: Annotated[int | None, typer.Option(help="Images in a step. (default: the recipe's)")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, data order and noise. (default: 0)")] = None,
    steps_per_epoch: Annotated[int | None, typer.Option(help="At most so many steps in an epoch.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder, with its settings.")
    ] = False,
) -> None:
    """Train by a recipe: model, SavedModel, sample grids and report in one folder. Ctrl-C, then --resume, goes on.

    With pictures of your own: keras-imgen train diffusion --data folder:photos --size 64
    """
    from keras_imgen import recipes
    from keras_imgen.recipes import settings

    out = out or os.path.join("runs", recipe)
    given = {"data": data, "size": size, "channels": channels, "preset": preset}
    given.update({"epochs": epochs, "batch": batch, "seed": seed, "steps_per_epoch": steps_per_epoch})
    given = {name: value for name, value in given.items() if value is not None}
    with one_line_errors():
        recipes.check(recipe, given)
        for name in ("size", "epochs", "batch", "steps_per_epoch"):
            at_least_one(f"--{name.replace('_', '-')}", given.get(name))
        if changes == ["?"]:
            return show(settings.listed(recipe))
        if recipes.works_in_halves(recipe):
            one_thread_per_op()
        config = recipes.check_folder(recipe, out, resume)
        settings.check(recipe, given)
        place = os.path.expanduser((data or "").removeprefix("folder:"))
        if os.path.isdir(place) and os.path.realpath(out).startswith(os.path.realpath(place) + os.sep):
            raise ValueError(f"{out} lies in the folder of the pictures, {place}: choose another --out.")
        chosen = settings.parse(recipe, changes or [])
        try:
            more = recipes.get(recipe)(out, resume=resume, **{**recipes.resumed(recipe, config), **given, **chosen})
        except KeyboardInterrupt:
            again = ["keras-imgen", "train", recipe]
            again += [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", str(value))]
            again += [part for change in changes or [] for part in ("--set", change)] + ["--out", out]
            if os.path.isfile(os.path.join(out, "config.json")):  # written before the first backup
                again.append("--resume")
            reason = (
                "The last finished epoch is kept; go on" if recipes.kept(out) else "No epoch was finished; start again"
            )
            typer.echo(f"\nInterrupted. {reason} with:\n  {shlex.join(again)}", err=True)
            raise typer.Exit(130) from None
    typer.echo(f"Done: see {os.path.join(out, 'report.md')}. Next:\n  {more}")


@app.command()
def generate(
    model: Annotated[str, typer.Argument(help="A .keras file or a SavedModel folder.")],
    n: Annotated[
        int | None, typer.Option("-n", "--number", help="How many. (default: 16, or as many as labels or prompts)")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="As 0,1,2 or rose,lily: in turn; 'none': without. (default: all in turn)")
    ] = None,
    prompt: Annotated[
        list[str] | None, typer.Option(help="A text, of a model that takes one; again for more, told in turn.")
    ] = None,
    prompts: Annotated[str | None, typer.Option(help="A file of texts, one on each line.")] = None,
    negative: Annotated[str | None, typer.Option(help="A text that guidance leads away from.")] = None,
    condition: Conditions = None,
    seed: Annotated[int, typer.Option(help="Image k has the seed SEED + k.")] = 0,
    steps: Annotated[int | None, typer.Option(help="Sampler steps. (default: the model's)")] = None,
    sampler: Annotated[str | None, typer.Option(help="As ddim, heun, dpmpp_2m. (default: the model's)")] = None,
    guidance_scale: Annotated[float | None, typer.Option(help="1 is no guidance. (default: the model's)")] = None,
    truncation: Annotated[
        float | None, typer.Option(help="Of a GAN: below 1 fewer odd pictures, less variety.")
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="What else this model's `generate` takes, as eta=0.5; again for more."
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(help="float32, or bfloat16: faster on CPUs that compute in it. (default: as saved, float32)"),
    ] = None,
    out: Annotated[str, typer.Option(help="Folder for the pictures.")] = "generated",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace pictures that are there.")] = False,
) -> None:
    """Make images with a trained model: image_0000.png ... and, of the first 100, grid.png, with model, seed and label as PNG text.

    Of a model of clips: clip_0000.gif ....
    """
    with one_line_errors():
        at_least_one("-n", n)
        if n and n > 1_000_000:
            raise ValueError(
                f"Expected -n of at most 1,000,000 images in a folder, got {n}: make them in parts, by --seed."
            )
        at_least_one("--steps", steps)
        if precision not in (None, "float32", "bfloat16"):
            raise ValueError(f"Expected --precision float32 or bfloat16, got {precision}.")
        if precision == "bfloat16" and os.path.isdir(model):
            raise ValueError(
                f"{model} is a SavedModel, which computes as it was exported: --precision is for .keras files."
            )
        wanted = parse_labels(labels)
        from keras_imgen.commands.answering import generate, read_prompts

        texts = [*(prompt or []), *(read_prompts(prompts) if prompts else [])]
        n = n or (len(wanted) if wanted else len(texts) if len(texts) > 1 else 16)
        if os.path.exists(out) and not os.path.isdir(out):
            raise FileExistsError(f"{out} is not a folder: choose another --out.")
        nothing_replaced(out, ["grid.png"], overwrite)
        nothing_replaced(out, (f"image_{k:04d}.png" for k in range(n)), overwrite)
        given = {"steps": steps, "sampler": sampler, "guidance_scale": guidance_scale, "truncation": truncation}
        given, more = {k: v for k, v in given.items() if v is not None}, parse_options(options)
        if twice := sorted(set(given) & set(more)):
            raise ValueError(f"Expected {twice[0]} once, got it by --set, too.")
        made = generate(
            model, out, n, wanted, condition, seed, {**given, **more}, overwrite, precision, texts, negative
        )
    typer.echo(f"{made} in {out}")


@app.command()
def translate(
    model: Annotated[str, typer.Argument(help="A .keras file or a SavedModel folder of a model from image to image.")],
    pictures: Annotated[
        str, typer.Argument(help="A folder of pictures; other sizes are cropped to the model's, if it has one.")
    ],
    out: Annotated[str, typer.Option(help="Folder for the answers, under the same names, as PNG.")] = "translated",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace pictures that are there.")] = False,
) -> None:
    """Turn pictures into others with a trained model: Pix2Pix, CycleGAN, CUT, MUNIT."""
    with one_line_errors():
        from keras_imgen.commands.answering import answer

        count = answer(model, pictures, out, overwrite, "translate", "makes no images from images: it has no translate")
    typer.echo(f"{count} image{'s' if count > 1 else ''} in {out}")


@app.command()
def reconstruct(
    model: Annotated[str, typer.Argument(help="A .keras file or a SavedModel folder of an autoencoder.")],
    pictures: Annotated[str, typer.Argument(help="A folder of pictures; other sizes are cropped to the model's.")],
    label: Annotated[int | None, typer.Option(help="The class of all of them, for a conditional model.")] = None,
    condition: Conditions = None,
    out: Annotated[str, typer.Option(help="Folder for the answers, under the same names, as PNG.")] = "reconstructed",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace pictures that are there.")] = False,
) -> None:
    """Encode and decode pictures with an autoencoder of any kind; one trained with noise takes noise away."""
    with one_line_errors():
        from keras_imgen.commands.answering import answer

        count = answer(model, pictures, out, overwrite, "reconstruct", "is no autoencoder", label, condition)
    typer.echo(f"{count} image{'s' if count > 1 else ''} in {out}")


@app.command()
def edit(
    model: Annotated[str, typer.Argument(help="A model that is told texts, or pictures and texts.")],
    pictures: Annotated[
        list[str], typer.Argument(help="Files, folders or globs; other sizes are cropped to the model's.")
    ],
    make: Annotated[str, typer.Option(help="What to do, as 'make the red star blue', or what is to be seen.")],
    find: Annotated[str | None, typer.Option(help="What is seen and has to go, of a model told texts alone.")] = None,
    mask: Annotated[str | None, typer.Option(help="Or where: a picture, not black where to paint.")] = None,
    seed: Annotated[int, typer.Option(help="Picture k has the seed SEED + k.")] = 0,
    options: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="As guidance_scale=3, image_guidance_scale=1.5, how=feather."),
    ] = None,
    out: Annotated[str, typer.Option("-o", "--out", help="Folder for the answers, as PNG.")] = "edited",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace pictures that are there.")] = False,
) -> None:
    """Change pictures as a sentence says. With --find or --mask the rest of a picture stays to the bit."""
    with one_line_errors():
        from keras_imgen.commands import editing, restoring

        files = restoring.find(pictures, out)
        nothing_replaced(out, files, overwrite)
        count = editing.edit(model, files, out, make, find, mask, seed, parse_options(options))
    typer.echo(f"{count} picture{'s' if count > 1 else ''} in {out}")


@app.command()
def segment(
    model: Annotated[str, typer.Argument(help="A model that segments, as of the recipe shapes-segment.")],
    pictures: Annotated[list[str], typer.Argument(help="Files, folders or globs; the masks have their sizes.")],
    find: Annotated[str | None, typer.Option(help="What to look for, as 'the small red star'.")] = None,
    condition: Conditions = None,
    threshold: Annotated[float, typer.Option(help="Of the probability, 0 to 1.")] = 0.5,
    out: Annotated[str, typer.Option("-o", "--out", help="Folder for the masks, as PNG.")] = "masks",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace pictures that are there.")] = False,
) -> None:
    """Masks of what a phrase means in pictures: white where it is. `edit --mask` takes them."""
    with one_line_errors():
        from keras_imgen.commands import editing, restoring

        files = restoring.find(pictures, out)
        nothing_replaced(out, files, overwrite)
        count = editing.segment(model, files, out, find, threshold, condition)
    typer.echo(f"{count} mask{'s' if count > 1 else ''} in {out}")


app.command()(one_line_errors()(restore))


@app.command()
def stylize(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] PICTURES [STYLE]",
            help="A model of style, the picture, folder or glob, and pictures of the style, with commas between several; or the numbers of "
            "styles that the model has learned.",
        ),
    ],
    out: Annotated[str, typer.Option("-o", "--out", help="Folder for the answers, as PNG.")] = "stylized",
    optimise: Annotated[bool, typer.Option("--optimise", help="Without a model: optimise each picture.")] = False,
    classical: Annotated[
        str | None, typer.Option(help="Without a model: reinhard, histogram, quilting, pencil-sketch, ....")
    ] = None,
    alpha: Annotated[float, typer.Option(help="From 0, the picture as it was, to 1.")] = 1.0,
    weights: Annotated[str | None, typer.Option(help="Of several styles, as 1,2. (default: all alike)")] = None,
    keep_colours: Annotated[bool, typer.Option("--keep-colours", help="With the colours that it had.")] = False,
    masks: Annotated[
        str | None, typer.Option("--mask", help="A picture, or a folder of such; not black where to stylise.")
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Of --optimise, as steps=200, content_weight=0.1, trunk=vgg19."
        ),
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Write pictures beside their answers, too.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace pictures that are there.")] = False,
) -> None:
    """Give pictures the look of another: by a model, by optimisation, or by a classical way.

    What cannot be stylised is named, the rest is done; then the exit code is 1.
    """
    with one_line_errors():
        from keras_imgen.commands import restoring, stylizing

        way = stylizing.way(words, optimise, classical, alpha, weights, keep_colours, parse_options(options))
        files = restoring.find([way.pictures], out)
        nothing_replaced(out, files, overwrite)
        answer = lambda image, path, mask: way.answer(image, mask)  # noqa: E731
        answers = restoring.answered(answer, way.about, files, out, masks, compare)
        bad = restoring.each(answers, files, lambda line: typer.echo(line, err=True))
    restoring.tell_done(len(files), bad, out, "stylised")


video = typer.Typer(
    help="Films of any length through a model: sound, rate, colours and number of frames stay.", no_args_is_help=True
)
app.add_typer(video, name="video")
FilmIn = Annotated[
    str, typer.Argument(metavar="IN", help="A film (MP4, MOV, MKV, WebM, AVI, GIF, APNG) or a folder of frames.")
]
FilmOut = Annotated[
    str,
    typer.Option(
        "-o",
        "--out",
        help="NAME.mp4, .mov, .webm, .gif; .mkv or a folder for PNG: nothing is lost.",
        show_default=False,
    ),
]
Sound = Annotated[
    str,
    typer.Option(help="What becomes of sound that the new file cannot hold as it is: transcode, drop; none: no sound."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a film that is there.")]


def _filmed(made, out, sound="none", **how):
    """Write a film, and say what was written."""
    from rich.console import Console
    from rich.progress import track

    from keras_imgen.commands import filming

    def progress(frames, total):
        console = Console(stderr=True)
        return track(frames, "frames", total, console=console, transient=True, disable=not console.is_terminal)

    writer = filming.written(made, out, sound=None if sound == "none" else sound, progress=progress, **how)
    for note in writer.notes:
        typer.echo(f"Note: {note}", err=True)
    typer.echo(f"{writer.count} frame{'' if writer.count == 1 else 's'} in {out}")


@video.command("restore")
def video_restore(
    model: Annotated[
        str, typer.Argument(help="A restoring model, of clips or of pictures: a .keras file or a SavedModel.")
    ],
    source: FilmIn,
    out: FilmOut,
    sigma: Annotated[
        float | None, typer.Option(help="Noise in gray levels, for a denoiser that has to be told.")
    ] = None,
    masks: Annotated[
        str | None,
        typer.Option(help="A picture for all frames, or a film or folder of masks; not black where to paint."),
    ] = None,
    smooth: Annotated[
        float | None, typer.Option(help="Of a model of pictures: share of the frame before, along the flow, in [0, 1].")
    ] = None,
    tile: Annotated[int | None, typer.Option(help="Pixels of a tile's side: less needs less memory.")] = None,
    sound: Sound = "transcode",
    overwrite: Overwrite = False,
) -> None:
    """Restore a film: denoise, enlarge, deblur, repair scratches and dust, paint over what masks mark."""
    with one_line_errors():
        at_least_one("--tile", tile)
        from keras_imgen.commands import filming
        from keras_imgen.data.film import Film

        film = Film(source)
        given = {k: v for k, v in {"sigma": sigma, "tile": tile}.items() if v is not None}
        change = filming.restorer(model, masks, smooth, **given)
        _filmed(filming.each(film, change), out, sound, overwrite=overwrite, like=film, total=film.length)


@video.command("interpolate")
def video_interpolate(
    model: Annotated[str, typer.Argument(help="A FrameInterpolator: a .keras file or a SavedModel.")],
    source: FilmIn,
    out: FilmOut,
    factor: Annotated[
        str | None,
        typer.Option(help="So many times as many frames, as 2, 4, 5/2. (default: 2; with --slow or --fill 1)"),
    ] = None,
    fps: Annotated[str | None, typer.Option(help="Frames in a second, as 60 or 60000/1001.")] = None,
    slow: Annotated[
        str, typer.Option(help="So many times as long, at its own rate: slow motion, without sound.")
    ] = "1",
    fill: Annotated[
        bool, typer.Option("--fill", help="Make lost frames anew: one or two that only repeat the one before.")
    ] = False,
    sound: Sound = "transcode",
    overwrite: Overwrite = False,
) -> None:
    """Raise a film's frame rate, slow it down, fill in lost frames. Given frames stay as they are; no cut is blended."""
    with one_line_errors():
        from keras_imgen.commands import filming
        from keras_imgen.data.film import Film

        film, longer = Film(source), filming.rate(slow)
        wanted = (factor and filming.rate(factor), fps and filming.rate(fps), longer, fill)
        made, new, total = filming.interpolated(film, filming.interpolator(model), *wanted)
        if longer != 1 and film.sound and sound != "none":
            typer.echo("Note: Slowed down, the film is without its sound.", err=True)
            sound = "none"
        _filmed(made, out, sound, overwrite=overwrite, like=film, rate=new, total=total)


@video.command("stylize")
def video_stylize(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] IN [STYLE]",
            help="A model of style, the film, and a picture of the style; or the numbers of styles that the model has learned.",
        ),
    ],
    out: FilmOut,
    classical: Annotated[
        str | None, typer.Option(help="Without a model: reinhard, histogram, pencil-sketch, ....")
    ] = None,
    alpha: Annotated[float, typer.Option(help="From 0, the film as it was, to 1.")] = 1.0,
    weights: Annotated[str | None, typer.Option(help="Of several styles, as 1,2. (default: all alike)")] = None,
    keep_colours: Annotated[bool, typer.Option("--keep-colours", help="With the colours that it had.")] = False,
    smooth: Annotated[
        float, typer.Option(help="Share of the frame before, along the flow, in [0, 1]: against flicker.")
    ] = 0.8,
    sound: Sound = "transcode",
    overwrite: Overwrite = False,
) -> None:
    """Give a film the look of a picture, without flicker: by a model, or by a classical way."""
    with one_line_errors():
        from keras_imgen.commands import filming, stylizing
        from keras_imgen.data.film import Film

        way = stylizing.way(words, False, classical, alpha, weights, keep_colours, {})
        film = Film(way.pictures)
        made = filming.each(film, filming.stylizer(way.answer, smooth))
        _filmed(made, out, sound, overwrite=overwrite, like=film, total=film.length)


@video.command("generate")
def video_generate(
    model: Annotated[str, typer.Argument(help="A model of clips: a .keras file or a SavedModel.")],
    source: Annotated[
        str | None, typer.Argument(metavar="[IN]", help="Of a model that predicts: a film, which it goes on with.")
    ] = None,
    out: FilmOut = ...,
    n: Annotated[int, typer.Option("-n", "--number", help="Clips, side by side.")] = 1,
    frames: Annotated[int, typer.Option(help="So many after the last one of IN.")] = 10,
    labels: Annotated[
        str | None, typer.Option(help="As 0,1,2: in turn; 'none': without. (default: all in turn)")
    ] = None,
    prompt: Annotated[
        list[str] | None, typer.Option(help="A text, of a model that takes one; again for more, told in turn.")
    ] = None,
    condition: Conditions = None,
    seed: Annotated[int, typer.Option(help="Clip k has the seed SEED + k.")] = 0,
    steps: Annotated[int | None, typer.Option(help="Sampler steps. (default: the model's)")] = None,
    guidance_scale: Annotated[float | None, typer.Option(help="1 is no guidance. (default: the model's)")] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="What else this model's `generate` takes; again for more."),
    ] = None,
    fps: Annotated[str, typer.Option(help="Frames in a second, as 8 or 24000/1001; with IN its own.")] = "8",
    scale: Annotated[int, typer.Option(help="So many pixels for one.")] = 1,
    overwrite: Overwrite = False,
) -> None:
    """Make clips with a trained model, as one film; or go on with a film."""
    with one_line_errors():
        at_least_one("-n", n)
        at_least_one("--frames", frames)
        at_least_one("--scale", scale)
        from keras_imgen.commands import filming
        from keras_imgen.data.film import Film

        if source is not None:
            film = Film(source)
            made = filming.continued(model, film, frames)
            return _filmed(made, out, overwrite=overwrite, rate=film.rate, total=film.length and film.length + frames)
        given = {"steps": steps, "guidance_scale": guidance_scale, **parse_options(options)}
        images = filming.generated(model, n, seed, parse_labels(labels), prompt, condition, given, scale)
        made = ((image, None, None) for image in images)
        _filmed(made, out, overwrite=overwrite, rate=filming.rate(fps), total=len(images))


@app.command()
def walk(
    model: Annotated[str, typer.Argument(help="A .keras file of a GAN.")],
    out: Annotated[str, typer.Argument(help="The film: NAME.gif or NAME.mp4.")],
    seeds: Annotated[str, typer.Option(help="The pictures on the way, as 1,2,3.")] = "1,2,3,4",
    frames: Annotated[int, typer.Option(help="From each seed to the next.")] = 20,
    label: Annotated[int | None, typer.Option(help="The class. (default: drawn)")] = None,
    condition: Conditions = None,
    scale: Annotated[int, typer.Option(help="So many pixels for one.")] = 4,
) -> None:
    """Film a walk through a generator's latent space, from seed to seed and back to the first."""
    with one_line_errors():
        if os.path.exists(out):
            raise FileExistsError(f"{out} exists already: choose another name, or remove it.")
        if not out.lower().endswith((".gif", ".mp4")):
            raise ValueError(f"Expected a name that ends in .gif or .mp4, got {out}.")
        loaded = load_model(model)
        if not hasattr(loaded, "walk"):
            raise ValueError(f"{model} has no latent space to walk through: expected a .keras file of a GAN.")
        from keras_imgen.conditions import numbers
        from keras_imgen.data.video_io import save_video

        told = parse_conditions(loaded.conditions, condition)
        film = loaded.walk(numbers("--seeds", seeds, int), frames, label, loop=True, conditions=told)
        save_video(out, film, scale=scale)
    typer.echo(out)


@app.command()
def export(
    model: Annotated[str, typer.Argument(help="A .keras file.")],
    out: Annotated[str, typer.Argument(help="What to write, not there yet: a SavedModel folder, or NAME.keras.")],
    version: Annotated[
        int | None, typer.Option(min=0, help="Write OUT/VERSION, where servers look for versions.")
    ] = None,
) -> None:
    """Write a model for use: a SavedModel, which needs TensorFlow alone, or a .keras file without training state."""
    with one_line_errors():
        if version is not None:
            if out.endswith(".keras"):
                raise ValueError(f"Expected a folder for --version, got {out}.")
            out = os.path.join(out, str(version))
        if os.path.exists(out):
            raise FileExistsError(f"{out} exists already: choose another path, or remove it.")
        if os.path.isdir(model):
            raise ValueError(f"{model} is a folder: expected a .keras file.")
        loaded = load_model(model)
        if out.endswith(".keras"):
            from keras_imgen.data.files import deflate

            os.makedirs(os.path.dirname(out) or ".", exist_ok=True)
            loaded.for_inference().save(out)
            deflate(out)
        else:
            loaded.export(out)
    typer.echo(f"Exported to {out}")


@app.command()
def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL_OR_FOLDER...",
            help="SavedModel folders, .keras files, folders with numbered versions of one, or folders of such.",
        ),
    ],
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 for a free one.")] = 8501,
    grpc_port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Port of TensorFlow Serving's gRPC API, as 8500; without it there is none."
        ),
    ] = None,
    keys: Annotated[str | None, typer.Option(help="File of API keys; `keras-imgen new-key` writes it.")] = None,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Let everybody ask who reaches the address.")
    ] = False,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name by which the server may be asked without keys; again for more.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Rows of a batch, at most.")] = 32,
    batch_wait: Annotated[float, typer.Option(min=0, help="Milliseconds that rows wait for others.")] = 5.0,
    queue: Annotated[int, typer.Option(min=1, help="Rows that wait, at most: then 429.")] = 512,
    memory: Annotated[float | None, typer.Option(help="GiB that each model's process may have.")] = None,
    versions: Annotated[int, typer.Option(min=1, help="How many of the newest versions are served.")] = 1,
    time_limit: Annotated[float, typer.Option(min=0.1, help="Seconds until a request is answered, at most.")] = 120.0,
    examples: Annotated[
        bool, typer.Option("--examples", help="Print a request for everything that can be asked, and serve nothing.")
    ] = False,
) -> None:
    """Serve models over HTTP and gRPC, as TensorFlow Serving, KServe and OpenAI do: a process for each, batches across requests, new
    versions as they come."""
    with one_line_errors():
        from keras_imgen.commands import serving

        hosts, say = allow_host or [], lambda line: typer.echo(line)
        if examples:
            return serving.show_examples(models, say)
        how = (batch_size, batch_wait, queue, memory, versions, time_limit)
        serving.serve(models, host, port, keys, without_keys, hosts, *how, say, grpc_port)


@app.command()
def new_key(
    file: Annotated[str, typer.Argument(help="File of API keys; made where there is none.")],
    name: Annotated[str, typer.Argument(help="Of who gets the key.")],
    per_minute: Annotated[int, typer.Option(min=1, help="Requests that it may make in a minute.")] = 600,
) -> None:
    """Make an API key for `serve --keys`. It is shown this once: the file has its hash alone."""
    with one_line_errors():
        from keras_imgen.server.keys import new_key

        typer.echo(new_key(file, name, per_minute))


@app.command()
def evaluate(
    models: Annotated[
        list[str], typer.Argument(help="A .keras file, a SavedModel or a folder of pictures; or several.")
    ],
    data: Annotated[str, typer.Option(help="The real images: digits, fashion_mnist, folder:PATH, tfds:NAME, ...")],
    split: Annotated[str, typer.Option(help="Of the data: what the model learned from.")] = "train",
    held_out: Annotated[
        str | None, typer.Option(help="Split for the floors: what real images get. (default: test, if there is one)")
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(help="With commas; `keras-imgen metrics` lists them. (default: all but classifier_accuracy)"),
    ] = None,
    extractor: Annotated[
        str | None,
        typer.Option(help="Name, or path of a .keras classifier. (default: the data's own, or efficientnet-lite0)"),
    ] = None,
    n: Annotated[int, typer.Option("-n", "--number", help="Samples of a model, classes in turn.")] = 10_000,
    size: Annotated[int | None, typer.Option(help="Pixels of the real images. (default: the samples')")] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many real images of a split.")] = None,
    seed: Annotated[int, typer.Option(help="Sample k has the seed SEED + k.")] = 0,
    steps: Annotated[int | None, typer.Option(help="Sampler steps. (default: the model's)")] = None,
    sampler: Annotated[str | None, typer.Option(help="As ddim, heun, dpmpp_2m. (default: the model's)")] = None,
    guidance_scale: Annotated[float | None, typer.Option(help="1 is no guidance. (default: the model's)")] = None,
    luma: Annotated[bool, typer.Option("--luma", help="Of paired metrics: on the luma alone.")] = False,
    shave: Annotated[int, typer.Option(help="Of paired metrics: pixels of border left out.")] = 0,
    compare: Annotated[bool, typer.Option("--compare", help="One page with several side by side.")] = False,
    out: Annotated[str, typer.Option(help="Folder for report.md, results.json and pictures.")] = "evaluation",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a report that is there.")] = False,
) -> None:
    """Judge models or folders of pictures by real images: distances, precision and recall, copies, each with its floor.

    The paired metrics (psnr, ssim, ms_ssim, mae) compare a folder of pictures with another, file by file of one name.
    """
    with one_line_errors():
        at_least_one("-n", n)
        at_least_one("--limit", limit)
        if len(models) > 1 and not compare:
            raise ValueError("Several models are compared on one page: give --compare.")
        if os.path.exists(os.path.join(out, "report.md")) and not overwrite:
            raise FileExistsError(f"There is a report in {out} already: choose another --out, or give --overwrite.")
        from keras_imgen.commands import judging

        names = None if metrics is None else [name.strip() for name in metrics.split(",")]
        generate = {"steps": steps, "sampler": sampler, "guidance_scale": guidance_scale}
        generate = {name: value for name, value in generate.items() if value is not None}
        if names and judging.are_paired(names):
            found = [judging.paired(model, data, names, luma, shave) for model in models]
        else:
            found = [
                judging.judge(model, data, split, held_out, names, extractor, n, size, limit, seed, generate)
                for model in models
            ]
        judging.show(found, models)
        path = judging.write(found, models, out)
    typer.echo(f"Report: {path}")


@app.command()
def metrics() -> None:
    """List the metrics that `evaluate` knows."""
    from keras_imgen.metric_names import METRICS, PAIRED

    show({**METRICS, **PAIRED})


@app.command()
def datasets(
    source: Annotated[str | None, typer.Argument(help="Describe this one, as digits or folder:PATH.")] = None,
) -> None:
    """List the data sources that `keras_imgen.data.load` takes, or describe one."""
    if source is None:
        return show(SOURCES)
    with one_line_errors():
        from dataclasses import asdict

        from keras_imgen.data import describe

        show({name: str(value) for name, value in asdict(describe(source, "train")).items()})


@app.command()
def recipes() -> None:
    """List the recipes that `train` knows."""
    from keras_imgen.recipes import RECIPES

    show({name: about for name, (_, about) in RECIPES.items()})


def show(rows: dict[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    for row in rows.items():
        table.add_row(*row)
    Console().print(table)


def main() -> None:
    """The entry point of the command. -v may stand anywhere."""
    asked = [word for word in sys.argv[1:] if word in ("-v", "--verbose")]
    if asked:
        sys.argv[1:] = ["--verbose", *(word for word in sys.argv[1:] if word not in asked)]
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "0"
    else:
        from keras_imgen import quiet

        quiet.begin()
    lean.begin()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
