"""Initial weights, as configs: Keras makes an initializer of its own from one for every layer. A shared object would give all layers of a
shape the same numbers, and one made at import would not follow `keras.utils.set_random_seed`."""

# Second convolutions of residual blocks without normalisation start small: the depth then does not change the scale of the features.
SMALL = {
    "class_name": "VarianceScaling",
    "config": {"scale": 0.1, "mode": "fan_in", "distribution": "truncated_normal"},
}


def normal(stddev: float) -> dict:
    """Normal of mean 0 and standard deviation `stddev`."""
    return {"class_name": "RandomNormal", "config": {"mean": 0.0, "stddev": stddev}}


def truncated_normal(stddev: float) -> dict:
    """Normal of mean 0 and standard deviation `stddev`, cut off at twice that."""
    return {"class_name": "TruncatedNormal", "config": {"mean": 0.0, "stddev": stddev}}
