"""From the vector of an encoder to one of another length."""

import keras
from keras import layers


def projection(size: int, outputs: int, name: str = "projection") -> keras.Model:
    """One dense layer without bias, called with a dict of `vector` (N, size), as encoders of texts give it, to float32 (N, outputs).

    Args:
        size: of the vector that comes in.
        outputs: of the one that comes out.
        name: of the model.
    """
    vector = keras.Input((size,), name="vector")
    dense = layers.Dense(outputs, use_bias=False, dtype="float32", name="out")
    return keras.Model({"vector": vector}, dense(vector), name=name)
