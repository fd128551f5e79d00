"""Where images come from: which sources there are. One file for each kind."""

import os
from typing import Any

from keras_imgen.data.sources.base import NoSplit, Numbers, Request, Source, in_memory, wants_split

__all__ = ["NoSplit", "Numbers", "Request", "Source", "find", "in_memory", "wants_split"]


def find(source: Any, request: Request) -> Source:
    """The source of a name such as `digits` or `folder:PATH`, or of arrays.

    Raises:
        ValueError: an unknown name, or what the source itself refuses.
        FileNotFoundError: a file or folder that is not there, or data that cannot be downloaded.
    """
    if isinstance(source, Source):
        return source
    if not isinstance(source, str):
        from keras_imgen.data.sources import arrays

        return arrays.find(source, request)
    name, _, rest = source.partition(":")
    if name in ("tfds", "folder", "npz", "coco", "clips") and not rest:
        raise ValueError(f"Expected {name}:{'NAME' if name == 'tfds' else 'PATH'}, got {source!r}.")
    if name == "digits" and not rest:
        from keras_imgen.data.sources import digits as module
    elif name == "shapes" and rest in ("", "one"):
        from keras_imgen.data.sources import shapes as module
    elif source == "shapes:text":
        from keras_imgen.data.sources import captioned as module
    elif source in ("shapes:edit", "shapes:segment"):
        from keras_imgen.data.sources import instructed as module
    elif name == "fashion_mnist" and not rest:
        from keras_imgen.data.sources import fashion_mnist as module
    elif name == "sprites" and not rest:
        from keras_imgen.data.sources import sprites as module
    elif name == "moving_digits" and not rest:
        from keras_imgen.data.sources import moving_digits as module
    elif name == "emoji" and rest in ("", "all"):
        from keras_imgen.data.sources import emoji as module
    elif name == "flickr8k" and not rest:
        from keras_imgen.data.sources import flickr8k as module
    elif name == "tfds":
        from keras_imgen.data.sources import tfds as module
    elif name == "folder":
        from keras_imgen.data.sources import folder as module
    elif name == "clips":
        from keras_imgen.data.sources import clips as module
    elif name == "coco":
        from keras_imgen.data.sources import coco as module
    elif name == "npz":
        from keras_imgen.data.sources import npz as module
    else:
        hint = f" For the pictures in it, write 'folder:{source}'." if os.path.isdir(source) else ""
        raise ValueError(
            f"There is no source {source!r}. Expected digits, shapes, shapes:one, shapes:text, shapes:edit, shapes:segment, moving_digits, "
            f"fashion_mnist, sprites, emoji, emoji:all, flickr8k, tfds:NAME, folder:PATH, clips:PATH, coco:PATH, npz:PATH, or arrays.{hint}"
        )
    if request.text is not None and name not in ("tfds", "folder", "npz"):
        raise ValueError(
            f"Of {source} there is no text to choose: pass `text` with tfds:NAME, folder:PATH, npz:PATH, or arrays."
        )
    if request.stride != 1 and name != "clips":
        raise ValueError(f"{source} has every frame of its clips: expected `stride` of 1, got {request.stride}.")
    return module.find(rest, request)
