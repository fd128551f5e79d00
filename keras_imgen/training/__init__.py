"""What the backends differ in. Nothing outside this folder names one."""

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

__all__ = ["backend"]
