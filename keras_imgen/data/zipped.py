"""`zipped`: pictures of several data sets beside each other in one batch."""

from typing import Any

from keras_imgen.data.pipeline import of_length
from keras_imgen.libraries import needs_tensorflow


def zipped(**sources: Any) -> Any:
    """Pairs data sets that have nothing to do with each other, as `zipped(image=load("folder:a", ...), style=load("folder:b", ...))`.

    The order of each is its own, a function of its seed and the epoch, so the pairs are, too. An epoch is one of the first data set;
    the others begin again where they are shorter.

    Args:
        **sources: tf.data.Datasets of batches as `load` gives them, under the names that their pictures get. Of each batch the column of
            that name is taken, or `image`; what else the first has comes along.

    Returns:
        A tf.data.Dataset of dicts.

    Raises:
        ValueError: fewer than two data sets, other things than data sets, one of unknown or no length, or without pictures.
        ModuleNotFoundError: TensorFlow is not installed.
    """
    needs_tensorflow("data.zipped")
    import tensorflow as tf

    if len(sources) < 2:
        raise ValueError(f"Expected at least two data sets, got {len(sources)}.")
    for name, data in sources.items():
        spec = getattr(data, "element_spec", None)
        if not isinstance(spec, dict) or not {name, "image"} & set(spec):
            raise ValueError(
                f"Expected `{name}` as a data set of batches with the key {name!r} or 'image', as of `load`."
            )
    first, *others = sources
    steps = int(sources[first].cardinality())
    if steps < 1:
        raise ValueError(f"Expected `{first}` with a known number of batches, at least one, got {steps}.")
    rows = sources[first].element_spec[first if first in sources[first].element_spec else "image"].shape[0]
    rows = rows or len(next(iter(next(iter(sources[first].take(1))).values())))
    again = {
        name: sources[name].unbatch().repeat().batch(rows) for name in others
    }  # of the first one's size, no row left out
    data = tf.data.Dataset.zip({first: sources[first], **again})

    def one(batches):
        found = {k: v for k, v in batches[first].items() if k != "image" or first in batches[first]}
        found.update({name: batch[name if name in batch else "image"] for name, batch in batches.items()})
        return {k: v[: tf.shape(found[first])[0]] for k, v in found.items()}  # a last batch may be smaller

    return of_length(data.map(one, num_parallel_calls=2), steps)
