"""The handwritten digits that scikit-learn ships: 1,797 scans of 8x8 (Alpaydin & Kaynak 1998, UCI)."""

import numpy as np

from keras_imgen.data.sources.base import Request, Source, in_memory, wants_split

TEST = 297  # the last ones: mostly other writers' hands than the first 1,500


def find(_: str, request: Request) -> Source:
    """Keys: `image` (N, 8, 8, 1), scaled to [0, 255], and `label`. The test split is the last 297.

    Raises:
        NoSplit: another split than train, test, all.
    """
    from sklearn.datasets import load_digits

    wants_split("digits", request.split, ("train", "test", "all"))
    images, labels = load_digits(return_X_y=True)
    images = np.round(images.reshape(-1, 8, 8, 1) * (255 / 16)).astype("uint8")
    part = {"train": slice(None, -TEST), "test": slice(-TEST, None), "all": slice(None)}[request.split]
    return in_memory({"image": images[part], "label": labels[part]}, request, [str(k) for k in range(10)])
