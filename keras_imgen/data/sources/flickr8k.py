"""A thousand photographs of Flickr8k (Hodosh et al. 2013) with five captions each, 128 pixels on the short side."""

from dataclasses import replace

from keras_imgen.data.captions import texts_of
from keras_imgen.data.files import parse_json, read_text, shown
from keras_imgen.data.sources import npz
from keras_imgen.data.sources.base import Request, Source
from keras_imgen.data.sources.splits import rows_of_split

FOLDER = "flickr8k_1k"


def find(_: str, request: Request) -> Source:
    """Key: `image`, five captions each; `images_short128.npz`, a pack of JPEG files with `names`, and `captions.json` in its order.

    Raises:
        NoSplit: another split than train, validation, test, all.
        FileNotFoundError: they are neither in `data_dir` nor under KERAS_IMGEN_DATA.
        ValueError: no `size`, or files that do not belong together.
    """
    path, listed = request.file(FOLDER, "images_short128.npz"), request.file(FOLDER, "captions.json")
    given = parse_json(read_text(listed), shown(listed))
    found = npz.find(path, replace(request, split="all"))
    batch = found.fetch(slice(None))
    if "names" not in batch or not isinstance(given, list) or len(given) != found.count:
        raise ValueError(
            f"{shown(listed)}: expected a list of the captions of the {found.count} pictures of {shown(path)}."
        )
    rows = rows_of_split("flickr8k", map(str, batch["names"]), request.split)
    captions = [texts_of(given[row], f"{shown(listed)}, picture {row}") for row in rows]
    return Source(len(rows), found.shape, lambda which: {"image": batch["image"][rows[which]]}, captions=captions)
