"""Pictures with captions that a JSON file lists, in the form of COCO (Lin et al. 2014; Chen et al. 2015)."""

import os
import warnings
from typing import Any

from keras_imgen.data.captions import texts_of
from keras_imgen.data.files import parse_json, read_text, shown
from keras_imgen.data.sources.base import NoSplit, Request, Source
from keras_imgen.data.sources.folder_captions import inside, warn_of_bare
from keras_imgen.data.sources.picture_files import PictureFiles


def find(path: str, request: Request) -> Source:
    """The pictures of a list {"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}, in its order.

    They are looked for in `data_dir`, or in the folder of the list and its `images`, wherever more of them are. What is not there or
    cannot be read is skipped, named in a warning and in `skipped`.

    Raises:
        FileNotFoundError: no such list, or none of its pictures.
        ValueError: a list that is damaged, or other than this; pictures of different sizes and no `size`.
        NoSplit: another split than train and all: each split has a list of its own.
    """
    path = os.path.expanduser(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file {path}.")
    if request.split not in ("train", "all"):
        raise NoSplit(f"{path} has no split {request.split!r}: name the list of that split, with split='all'.")
    files, missing = _captions(shown(path), parse_json(read_text(path), shown(path)))
    beside = os.path.dirname(path)
    folders = [request.data_dir] if request.data_dir else [beside, os.path.join(beside, "images")]
    there = {folder: [f for f in files if os.path.isfile(os.path.join(folder, f))] for folder in folders}
    folder = max(folders, key=lambda folder: len(there[folder]))
    if not there[folder]:
        places = " or ".join(shown(folder) or "." for folder in folders)
        raise FileNotFoundError(
            f"None of the {len(files)} pictures of {shown(path)} is in {places}, as {shown(next(iter(files)))}: pass data_dir=..."
        )
    if missing:
        warnings.warn(f"{shown(path)}: {missing} captions of images that it does not list are left out.", stacklevel=4)
    lost = {*files} - {*there[folder]}
    found = PictureFiles(folder, there[folder], request, [f"{shown(f)} is not there." for f in files if f in lost])
    captions = [tuple(files[name]) for name in found.names]
    warn_of_bare(path, [name for name in found.names if not files[name]], len(found.names), stacklevel=4)
    fetch = lambda rows: {"image": found.fetch(rows)}  # noqa: E731
    return Source(len(found.names), found.shape, fetch, slow=True, skipped=found.skipped, captions=captions)


def _captions(path: str, given: Any) -> tuple[dict[str, list[str]], int]:
    """Captions by file, and how many belong to none."""
    kinds = ("images", "annotations")
    if not isinstance(given, dict) or not all(isinstance(given.get(k), list) and given[k] for k in kinds):
        raise ValueError(f"{path}: expected {{'images': [...], 'annotations': [...]}} in the form of COCO.")
    files: dict[str, list[str]] = {}
    names: dict[Any, str] = {}
    captions = missing = 0
    try:
        for image in given["images"]:
            if image["id"] in names:
                raise ValueError(f"{path} has two images of the id {image['id']!r}.")
            names[image["id"]] = inside("", image["file_name"], path)
            files.setdefault(names[image["id"]], [])
        for number, note in enumerate(given["annotations"]):
            if "caption" not in note:
                continue
            captions += 1
            texts = texts_of(note["caption"], f"{path}, annotation {number}")
            if note["image_id"] in names:
                files[names[note["image_id"]]] += texts
            else:
                missing += 1
    except (KeyError, TypeError):
        raise ValueError(
            f"{path}: expected images with id and file_name, annotations with image_id and caption."
        ) from None
    if not captions:
        raise ValueError(f"{path} has no captions: expected annotations with image_id and caption.")
    return files, missing
