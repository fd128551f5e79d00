"""The options of `keras-imgen restore`. Imports nothing heavy before it is needed: help answers at once."""

import os
import shlex
import sys
import warnings
from typing import Annotated

import typer

from keras_imgen.commands.common import at_least_one, nothing_replaced


def restore(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] PICTURES...",
            help="A .keras file or a SavedModel folder of a restoring model, but with --auto; files, folders or globs of any size, gray, "
            "colour, alpha, 16 bits.",
        ),
    ],
    out: Annotated[str, typer.Option("-o", "--out", help="Folder for the answers.")] = "restored",
    auto: Annotated[
        bool,
        typer.Option(
            "--auto", help="Choose models for each picture by its noise, blocks, light and size, and say why."
        ),
    ] = False,
    models: Annotated[str, typer.Option(help="Folder of the models that --auto and --x choose from.")] = "saved_models",
    strength: Annotated[float, typer.Option(help="Of the answers: from 0, the picture as it was, to 1.")] = 1.0,
    x: Annotated[
        float | None,
        typer.Option(
            "--x",
            help="Enlarge by 2, 3, 4, 1.5, ...: by the model of the next factor, then smaller. It needs no MODEL.",
        ),
    ] = None,
    sigma: Annotated[
        float | None, typer.Option(help="Noise in gray levels, for a denoiser that is told. (default: estimated)")
    ] = None,
    exposure: Annotated[
        float | None, typer.Option(help="Stops brighter than the model finds right, where it is told. (default: 0)")
    ] = None,
    face_safe: Annotated[bool, typer.Option("--face-safe", help="Weaker on faces, so that no one is altered.")] = False,
    masks: Annotated[
        str | None, typer.Option(help="For an inpainter: a picture, or a folder of such; not black where to paint.")
    ] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(
            "--condition",
            help="What else the model is told, as vector=0.1,2 or sequence=FILE.npy; may be given again.",
            metavar="NAME=VALUE",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of a variational model's answer. (default: the mean)")] = None,
    ensemble: Annotated[bool, typer.Option("--ensemble", help="The mean over eight flips and turns.")] = False,
    tile: Annotated[
        int | None,
        typer.Option(help="Pixels of a tile's side: less needs less memory. (default: 512, inpainters 1024)"),
    ] = None,
    kind: Annotated[str, typer.Option("--format", help="png, jpg, webp, tif, or same: as each picture.")] = "png",
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of JPEG and WebP.")] = 95,
    gps: Annotated[bool, typer.Option("--gps", help="Keep where pictures were taken; the rest of EXIF stays.")] = False,
    srgb: Annotated[bool, typer.Option("--srgb", help="Colours in sRGB. (default: in the picture's profile)")] = False,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Write a page of before and after, and pictures beside their answers, too."),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on with what comes into the folder, until Ctrl-C.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on: what is there, whole and newer than its picture is left.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace pictures that are there.")] = False,
) -> None:
    """Restore pictures: super-resolution, denoising, deblurring, enhancement, inpainting, colourisation.

    What cannot be restored is named, the rest is done; then the exit code is 1. Ctrl-C, then --resume, goes on.
    """
    at_least_one("--tile", tile)
    from keras_imgen.commands import photographs, restoring
    from keras_imgen.data.photo_files import FORMATS

    if kind not in (*FORMATS, "same"):
        raise ValueError(f"Expected --format {', '.join(FORMATS)} or same, got {kind}.")
    if resume and overwrite:
        raise ValueError("Expected --resume, which leaves what is there, or --overwrite, got both.")
    writing = restoring.Writing(kind, quality, gps, srgb, whole=True)
    given = {"sigma": sigma, "exposure": exposure, "seed": seed, "tile": tile, "ensemble": ensemble or None}
    given = {name: value for name, value in given.items() if value is not None}
    wish = photographs.Wish(auto, models, x, strength, face_safe, condition, given)
    tell = lambda line: typer.echo(line, err=True)  # noqa: E731
    model, pictures = photographs.split(words, wish)
    done = bad = 0
    try:
        if watch:
            if len(pictures) != 1 or not os.path.isdir(pictures[0]):
                raise ValueError(f"Expected one folder with --watch, got {' '.join(pictures)}.")
            batches = photographs.watched(pictures[0], out, writing)
            typer.echo(f"Watching {pictures[0]}; Ctrl-C ends it.")
        else:
            files = restoring.find(pictures, out, writing)
            if not resume:
                nothing_replaced(out, files, overwrite, "--overwrite or --resume")
            left = restoring.unfinished(files, out) if resume else files
            if len(left) < len(files):
                typer.echo(f"{len(files) - len(left)} of {len(files)} are there and whole: left as they are.")
            batches = [left]
        answer, about = photographs.plan(model, wish, typer.echo)
        for files in batches:
            answers = restoring.answered(answer, about, files, out, masks, compare, writing)
            bad += restoring.each(answers, files, tell)
            done += len(files)
            if compare:
                _page(pictures, out, writing)
    except KeyboardInterrupt:
        if not watch:
            again = [word for word in sys.argv[1:] if word != "--overwrite"]
            again = shlex.join(["keras-imgen", *again, *([] if resume else ["--resume"])])
            tell(f"\nInterrupted. What is finished is kept; go on with:\n  {again}")
            raise typer.Exit(130) from None
    restoring.tell_done(done, bad, out, "restored")


def _page(pictures, out, writing):
    from keras_imgen.commands import comparing, restoring

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is passed over was said
        every = restoring.find(pictures, out, writing)
    pairs = [(path, os.path.join(out, name)) for name, path in every.items()]
    pairs = [pair for pair in pairs if os.path.isfile(pair[1])]
    if pairs:
        comparing.compare_finished(every, out)
        place = os.path.join(out, "compare", "index.html")
        os.makedirs(os.path.dirname(place), exist_ok=True)
        count = comparing.page(place, pairs, len(pairs))
        typer.echo(f"{count} before and after: {place}")
