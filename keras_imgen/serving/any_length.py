"""What an export of a model that restores clips has besides its windows, in TensorFlow's graph."""

from collections.abc import Callable
from typing import Any

from keras_imgen.inference.clips import ClipEndpoint
from keras_imgen.layers.pictures import rescale, to_uint8


def any_length(
    windows: Callable[..., dict[str, Any]], endpoint: ClipEndpoint
) -> tuple[Callable[..., dict[str, Any]], dict[str, Any]]:
    """The signature of whole clips of any length and size, uint8 (N, F, H, W, C) -> uint8 of as many frames, as (function, what it takes
    as tf.TensorSpec by name). `sigma` float32 (N,) goes with it where the model takes it.

    In one piece: memory grows with N x F x H x W. For long clips and large frames there is `serving.load(path)`, whose method takes them
    block by block and tile by tile.

    Args:
        windows: the network, from its inputs as float32 to float32.
        endpoint: which `windows` answers.
    """
    import tensorflow as tf

    form = endpoint.form

    def whole(clips, **told):
        count = tf.shape(clips)[1]
        period = tf.maximum(2 * count - 2, 1)
        places = tf.range(-form.radius, count + form.radius) % period
        places = tf.minimum(tf.minimum(places, period - places), count - 1)  # of a single frame 0
        clip = rescale(tf.gather(clips, places, axis=1))
        mask = {"mask": tf.fill(tf.concat([tf.shape(clip)[:-1], [1]], 0), -1.0)} if form.mask else {}
        found = windows(clip=clip, **mask, **told)[endpoint.output]
        if not form.mask:
            return {endpoint.output: to_uint8(found)}
        painted = found[..., -1:] > 0
        if endpoint.output == "masks":
            return {endpoint.output: tf.cast(tf.where(painted, 255, 0), "uint8")}
        return {endpoint.output: tf.where(painted, to_uint8(found[..., :-1]), clips)}

    told = {k: tf.TensorSpec([None, *t.shape], t.dtype, name=k) for k, t in endpoint.tensors().items()}
    specs = {k: spec for k, spec in told.items() if k not in ("clip", "mask")}
    return whole, {"clips": tf.TensorSpec([None, None, None, None, form.channels], "uint8", name="clips"), **specs}
