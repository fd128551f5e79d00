"""What the backends differ in, which nothing outside this folder names; and an optimizer."""

import keras

if keras.backend.backend() == "tensorflow":
    from keras_imgen.training import tensorflow_backend as backend
elif keras.backend.backend() == "jax":
    from keras_imgen.training import jax_backend as backend
else:
    raise ImportError(
        f"keras_imgen trains on the TensorFlow and JAX backends; got KERAS_BACKEND={keras.backend.backend()!r}. "
        "Set KERAS_BACKEND to 'tensorflow' or 'jax' before the first import of keras."
    )

from keras_imgen.training.muon import ConvMuon  # noqa: E402  here, so that files of models that it trained can be read

__all__ = ["ConvMuon", "backend"]
