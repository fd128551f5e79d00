"""What an export of a restoring model has for pictures of any size besides its tiles, in TensorFlow's graph."""

from collections.abc import Callable
from typing import Any

from keras_imgen.inference.pixels import LUMA
from keras_imgen.inference.restorer import TiledEndpoint
from keras_imgen.layers.light import small_luma
from keras_imgen.layers.pictures import rescale, to_uint8
from keras_imgen.serving.exif import upright
from keras_imgen.serving.graph_tiling import tiled
from keras_imgen.serving.headers import checked


def any_size(
    tiles: Callable[..., dict[str, Any]], endpoint: TiledEndpoint, max_pixels: int
) -> dict[str, tuple[Callable[..., dict[str, Any]], dict[str, Any]]]:
    """Signatures by name, each as (function, what it takes as tf.TensorSpec by name); height and width are free.

    `sigma` float32 (N,), `masks` uint8 (N, H, W, 1) and conditions go with each where the model takes them:
        `restore`: images uint8 (N, H, W, C) -> images uint8. In one piece: memory grows with N x H x W, by some hundred bytes for each
            pixel and every 64 channels of the network. For large pictures take the other.
        `restore_bytes`: image_bytes string (N,), PNG or JPEG [, mask_bytes] -> image_bytes string (N,), PNG; sizes may differ. One
            after the other, and each tile by tile: memory does not grow but for the pictures themselves. Answers have three channels;
            a JPEG's EXIF orientation is heeded, alpha and 16 bits are not: `serving.load(path).restore(...)` heeds them. A mask is that
            of the picture as it is seen, upright.

    Args:
        tiles: the network, from its inputs as float32 to `images` float32.
        endpoint: which `tiles` answers.
        max_pixels: of a picture that `restore_bytes` takes.
    """
    import tensorflow as tf

    form = endpoint.form

    def latent(images):
        shape = tf.shape(images)
        return tf.zeros([shape[0], -(-shape[1] // 4), -(-shape[2] // 4), form.latent])

    def whole(images):
        return {"whole": small_luma(rescale(images), form.whole)} if form.whole else {}

    def network(image, mask, told):
        given = {"image": image, **told}
        given.update({} if mask is None else {"mask": mask})
        given.update({} if form.latent is None else {"latent": latent(image)})
        return tiles(**given)["images"]

    def restore(images, masks=None, **told):
        mask = None if masks is None else tf.cast(masks != 0, "float32")
        restored = to_uint8(network(rescale(images), mask, {**told, **whole(images)}))
        return {"images": restored if masks is None else tf.where(masks != 0, restored, images)}

    def restore_bytes(image_bytes, mask_bytes=None, **told):
        def one(row):
            image = decoded(row["image"], max_pixels, "image_bytes")
            mask = None if mask_bytes is None else decoded(row["mask"], max_pixels, "mask_bytes", image)
            own = {**{k: row[k][None] for k in told}, **whole(image[None])}

            def tile(rows, columns):
                window = lambda x: tf.gather(tf.gather(x, rows), columns, axis=1)[None]  # noqa: E731
                part = None if mask is None else tf.cast(window(mask), "float32")
                return _in_colour(lambda x: network(x, part, own), rescale(window(image)), form)[0]

            size = tf.unstack(tf.shape(image)[:2])
            out = tiled(tile, size, form.scale, form.tile, form.overlap, form.multiple)
            return tf.io.encode_png(out if mask is None else tf.where(mask, out, image))

        rows = {"image": image_bytes, "mask": mask_bytes, **told}
        rows = {k: v for k, v in rows.items() if v is not None}
        png = tf.TensorSpec([], "string")
        return {"image_bytes": tf.map_fn(one, rows, fn_output_signature=png, parallel_iterations=1)}

    own = {"image", "mask", "latent", "whole"}
    told = {k: tf.TensorSpec([None, *t.shape], t.dtype, name=k) for k, t in endpoint.tensors().items() if k not in own}
    images = {"images": tf.TensorSpec([None, None, None, form.channels], "uint8", name="images")}
    strings = {"image_bytes": tf.TensorSpec([None], "string", name="image_bytes")}
    if form.mask:
        images["masks"] = tf.TensorSpec([None, None, None, 1], "uint8", name="masks")
        strings["mask_bytes"] = tf.TensorSpec([None], "string", name="mask_bytes")
    return {"restore": (restore, {**images, **told}), "restore_bytes": (restore_bytes, {**strings, **told})}


def decoded(text: Any, max_pixels: int, name: str, image: Any = None, channels: int = 3) -> Any:
    """A picture uint8 (H, W, channels) of a file's bytes; or, for an image, its mask bool (H, W, 1), whose size must be the image's.

    Args:
        text: the bytes, a string tensor.
        max_pixels: of the picture; larger ones are refused by their header.
        name: what messages call it.
        image: the picture that it is a mask of, or None.
        channels: of the picture, 1 or 3.
    """
    import tensorflow as tf

    text = checked(text, max_pixels, name)
    found = upright(tf.io.decode_image(text, channels, expand_animations=False), text)
    if image is None:
        return tf.ensure_shape(found, (None, None, channels))
    sizes = [tf.shape(v)[:2] for v in (found, image)]
    same = tf.debugging.Assert(
        tf.reduce_all(sizes[0] == sizes[1]), [f"Expected `{name}` as large as the picture; got (height, width)", *sizes]
    )
    with tf.control_dependencies([same]):
        return tf.reduce_any(found != 0, -1, keepdims=True)


def filling(image: Any, height: int, width: int) -> Any:
    """A picture uint8 (H, W, C) scaled to fill a size, antialiased bicubic, what sticks out cut off evenly: as `data.image_io.resize`, to a
    gray level or two but for the edges, where that one sees what it cuts off; one of this size stays as it is.

    Args:
        image: the picture.
        height: wanted, in pixels.
        width: wanted, in pixels.
    """
    import tensorflow as tf

    def resized():
        sides = tf.cast(tf.shape(image)[:2], "float32")
        inner = tf.round([height, width] / tf.reduce_max([height, width] / sides))
        rows, columns = tf.unstack(tf.cast(tf.clip_by_value(inner, 1.0, sides), "int32"))
        top, left = (tf.shape(image)[0] - rows) // 2, (tf.shape(image)[1] - columns) // 2
        part = image[top : top + rows, left : left + columns]
        found = tf.image.resize(part, (height, width), "bicubic", antialias=True)
        return tf.cast(tf.clip_by_value(tf.round(found), 0.0, 255.0), "uint8")

    same = tf.reduce_all(tf.shape(image)[:2] == [height, width])
    return tf.ensure_shape(tf.cond(same, lambda: image, resized), (height, width, image.shape[-1]))


def _in_colour(run, x, form):
    """float32 RGB pictures in [-1, 1] through a network, of gray ones as `inference.restorer` does it on the host."""
    import tensorflow as tf

    if form.channels == 3:
        return run(x)
    if form.colour == "each":
        return tf.concat([run(x[..., k : k + 1]) for k in range(3)], -1)
    luma = tf.reduce_sum(x * LUMA, -1, keepdims=True)
    y = run(luma)
    if form.colour == "drop":
        return y
    chroma = tf.concat([(x[..., 2:] - luma) / 1.772, (x[..., :1] - luma) / 1.402], -1)
    cb, cr = tf.split(tf.image.resize(chroma, tf.shape(y)[1:3], "bicubic"), 2, -1)
    r, b = y + 1.402 * cr, y + 1.772 * cb
    return tf.concat([r, (y - LUMA[0] * r - LUMA[2] * b) / LUMA[1], b], -1)
