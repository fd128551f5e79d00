"""Any image data set of tensorflow-datasets, prepared on this machine or downloaded."""

import numpy as np

from keras_imgen.data import image_io
from keras_imgen.data.captions import NAMES
from keras_imgen.data.sources.base import NoSplit, Request, Source
from keras_imgen.libraries import needs_tensorflow


def find(name: str, request: Request) -> Source:
    """The features `image`, `label` and `caption`, `captions` or `text` of the data set, or whichever `text` names, as "captions/raw".

    Raises:
        ValueError: no such data set, split or text, or no images in it.
        FileNotFoundError: neither prepared under `data_dir` nor to be had from the network.
        ModuleNotFoundError: TensorFlow is not installed.
    """
    needs_tensorflow("A data set of tfds")
    import tensorflow as tf
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, data_dir=request.data_dir)
    except Exception as error:  # the registry's own and those of its network look-ups
        if isinstance(error, ImportError):
            raise
        raise ValueError(
            f"tensorflow-datasets has no data set {name!r} here: {str(error).strip().splitlines()[0]}"
        ) from None
    if request.split == "all":
        split = "all" if not builder.info.splits else "+".join(builder.info.splits)
    else:
        split = request.split
    if not builder.info.splits:
        _prepare(builder, tfds, name)
        split = "+".join(builder.info.splits) if request.split == "all" else split
    try:
        count = builder.info.splits[split].num_examples
    except (KeyError, ValueError):
        raise NoSplit(
            f"tfds:{name} has no split {request.split!r}. Expected one of: {', '.join(builder.info.splits)}, all."
        ) from None
    features = builder.info.features
    if "image" not in features:
        raise ValueError(f"tfds:{name} has no feature 'image': it has {', '.join(features)}.")
    if (dtype := np.dtype(features["image"].np_dtype)).kind != "f" and dtype != np.uint8:
        raise ValueError(f"tfds:{name} has images of {dtype}: expected uint8, or floats in [-1, 1].")
    examples = builder.as_dataset(split=split, shuffle_files=False)
    text = _text(name, dict(_strings(examples.element_spec, tf)), request.text)
    own = features["image"].shape
    size = request.size or (own[:2] if None not in own[:2] else None)
    if size is None:
        raise ValueError(f"The pictures of tfds:{name} have different sizes: pass size=... to `load`.")
    channels = request.channels or (own[2] if own[2] in (1, 3, 4) else 3)
    wanted = Request(request.split, tuple(size), channels, request.resize)

    def fit(image):
        return wanted.fit(image if image.dtype == np.uint8 else image_io.to_uint8(image))

    def one(example):
        image = tf.ensure_shape(tf.numpy_function(fit, [example["image"]], tf.uint8), (*size, channels))
        out = {"image": image}
        if "label" in features:
            out["label"] = tf.cast(example["label"], "int32")
        if text:
            value = example
            for part in text.split("/"):
                value = value[part]
            out["caption" if value.shape.rank == 0 else "captions"] = value
        return out

    stream = examples.map(one, num_parallel_calls=2)
    names = getattr(features["label"], "names", None) if "label" in features else None
    return Source(count, (*size, channels), class_names=names, stream=stream)


def _strings(spec, tf, place=""):
    """Features that are a text or a vector of texts, by their paths."""
    for name, inner in spec.items():
        if isinstance(inner, dict):
            yield from _strings(inner, tf, f"{place}{name}/")
        elif isinstance(inner, tf.TensorSpec) and inner.dtype == tf.string and (inner.shape.rank or 0) < 2:
            yield f"{place}{name}", inner


def _text(name, strings, wanted):
    """The path of the feature that is the caption; None where there is none that goes by such a name."""
    for k in [wanted] if wanted else NAMES:
        for path in (k, f"{k}/text"):
            if path in strings:
                return path
    if wanted:
        raise ValueError(f"tfds:{name} has no text {wanted!r}: it has {', '.join(strings) or 'none'}.")
    return None


def _prepare(builder, tfds, name):
    """Download and prepare. A machine without a network hears of it in seconds: tfds itself retries for minutes."""
    import requests

    try:
        for url in [u for u in builder.url_infos if u.startswith("http")][:1]:
            requests.head(url, timeout=10)
        builder.download_and_prepare()
    except Exception as error:
        reason = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
        raise FileNotFoundError(
            f"tfds:{name} is not prepared under {builder.data_dir} and could not be downloaded ({reason}). "
            "Prepare it on a machine with a network and pass data_dir=..., the folder that holds it."
        ) from None
