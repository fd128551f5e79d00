"""Streams of single examples, as `Source.stream`: which columns they come to, how large they are, one caption of several."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_imgen.data.captions import drawn_of


def columns_of(there: Iterable[str]) -> tuple[str, ...]:
    """The columns that come of what a source gives."""
    return tuple(dict.fromkeys("caption" if k == "captions" else k for k in there))


def bytes_of(spec: dict[str, Any]) -> int:
    """Of one example; a text is taken for 200, and a length that is not known for 5."""
    return sum(int(np.prod([5 if n is None else n for n in s.shape])) * (s.dtype.size or 200) for s in spec.values())


def captioned(examples: Any, seed: int | None, now: Any) -> Any:
    """Examples with one of their `captions`, as `captions_at` takes it of rows, for the `caption`; without `captions` as they are.

    Args:
        examples: a tf.data.Dataset of dicts, in the order of the rows.
        seed: of the draw; None takes the first caption.
        now: the epoch.
    """
    import tensorflow as tf

    if "captions" not in examples.element_spec:
        return examples

    def drawn(count, row, now):
        return drawn_of(count, row, seed, now)[0]

    def one(row, example):
        texts, which = example["captions"], 0
        if seed is not None:
            which = tf.numpy_function(drawn, [tf.size(texts), row, now], "int64", stateful=False)
        caption = tf.concat([texts, [""]], 0)[which]  # the added one is taken where there is no other
        return {k: v for k, v in example.items() if k != "captions"} | {"caption": caption}

    return examples.enumerate().map(one, num_parallel_calls=2)
