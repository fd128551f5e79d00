"""Picture files in a folder; sub-folders are classes, and captions lie beside them."""

import os
import warnings

import numpy as np

from keras_imgen.data.files import below, shown
from keras_imgen.data.sources.base import Request, Source
from keras_imgen.data.sources.caption_lists import LISTS
from keras_imgen.data.sources.folder_captions import captions_in, texts_beside
from keras_imgen.data.sources.picture_files import PictureFiles
from keras_imgen.data.sources.splits import part_of_folder


def find(path: str, request: Request) -> Source:
    """Every picture file below `path`, in the order of its names, with the captions of `folder_captions`, if there are any.

    Each is decoded once before training; what cannot be read is skipped, named in a warning and in `skipped`; of animations the first
    frame is taken, with a warning. A folder with the sub-folders `train`, `test` or `val` has these splits.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no picture in it, pictures of different sizes and no `size`, or no captions by the name that is asked for.
    """
    root, part = part_of_folder(path, request.split)
    path = os.path.join(root, part) if part else root
    files = below(path)
    texts = texts_beside(files)
    found = PictureFiles(path, [f for f in files if f not in texts and os.path.basename(f) not in LISTS], request)
    bad, rows = found.skipped, range(len(found.names))
    classes = sorted({name.split(os.sep)[0] for name in found.names if os.sep in name})
    flat = [name for name in found.names if os.sep not in name]
    if classes and flat:
        warnings.warn(
            f"{path}: {len(flat)} pictures lie beside the class folders and are left out, as {shown(flat[0])}.",
            stacklevel=4,
        )
        rows = [k for k in rows if os.sep in found.names[k]]
        bad += [f"{shown(name)} lies beside the class folders." for name in flat]
    names = [found.names[k] for k in rows]
    captions, missing, refused = None, [], None
    try:
        captions, missing = captions_in(root, part, files, names, request.text, stacklevel=4)
    except ValueError as error:
        if request.text:
            raise
        refused = str(error)
    if missing:
        warnings.warn(f"{len(missing)} captions are left out. {' '.join(missing[:5])}", stacklevel=4)
    numbers = np.array(rows)

    def fetch(rows):
        batch = {"image": found.fetch(numbers[rows])}
        if classes:
            batch["label"] = np.array([classes.index(names[k].split(os.sep)[0]) for k in rows], "int32")
        return batch

    class_names = [shown(name) for name in classes] or None
    told = {"skipped": bad + missing, "captions": captions, "refused": refused}
    return Source(len(names), found.shape, fetch, class_names, slow=True, **told)
