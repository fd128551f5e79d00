"""SavedModels: everything that a program with TensorFlow alone needs to make images."""

import errno
import json
import os
import shutil
import uuid
from dataclasses import asdict

import keras
import numpy as np

from keras_imgen.arguments import integer
from keras_imgen.conditions import described, inputs_of
from keras_imgen.data.files import shortened
from keras_imgen.inference.requests import guidance_limits
from keras_imgen.inference.restorer import LUMA
from keras_imgen.layers.pictures import rescale, to_uint8
from keras_imgen.serving.client import DESCRIPTION, checksum, tensorflow_logs
from keras_imgen.serving.exif import upright
from keras_imgen.serving.graph_tiling import tiled
from keras_imgen.serving.headers import checked


def export_diffusion(model, path: str) -> None:
    """Write a diffusion model as a SavedModel with averaged weights. TensorFlow backend.

    Endpoints, all free in the batch size N:
        `generate`: seeds int32 (N,), guidance_scale float32 (N,), table float32 (rows, 10) -> images uint8
        `sample`: the same, guidance_rescale float32 (), guidance_interval float32 (2,) of log-SNR, and of each condition what guidance
            leads away from, as negative_labels, `num_classes` for nothing; what the client calls
        `serving_default`: seeds -> images, with the model's default sampler, steps and guidance
        `denoise`: image float32 (N, H, W, C) in the model's noisy coordinates, alpha (N,), sigma (N,) -> x0 float32

    Each takes the model's conditions, too: labels int32 (N,), vector float32 (N, D), sequence float32 (N, S, D) and its sequence_mask.

    `assets.extra/keras_imgen.json` describes the model, so that tables for other samplers and step counts can be made.

    Raises:
        FileExistsError: the path exists.  RuntimeError: another backend than TensorFlow.
    """
    tf = _tensorflow(path)
    seeds = tf.TensorSpec([None], "int32", name="seeds")
    conditions = _specs(model.conditions)
    default_table = model.table().astype("float32")
    negative = {f"negative_{k}": tf.TensorSpec(v.shape, v.dtype, name=f"negative_{k}") for k, v in conditions.items()}
    nulls = {one.served: one.null for one in inputs_of(model.conditions).values()}

    def sample(seeds, guidance_scale, table, guidance_rescale, guidance_interval, **served):
        options = {
            "guidance_scale": guidance_scale,
            "guidance_rescale": guidance_rescale,
            "guidance_interval": guidance_interval,
        }
        told = _told(model.conditions, served)
        away = _told(model.conditions, {k: served[f"negative_{k}"] for k in conditions})
        with model.averaged():
            return {"images": model.sample(seeds, table, options, told, negative=away)}

    def generate(seeds, guidance_scale, table, **served):
        away = {f"negative_{k}": tf.fill(tf.shape(v), tf.constant(nulls[k], v.dtype)) for k, v in served.items()}
        how = {"guidance_rescale": tf.constant(0.0), "guidance_interval": tf.constant(guidance_limits(None))}
        return sample(seeds=seeds, guidance_scale=guidance_scale, table=table, **how, **served, **away)

    def default(seeds, **served):
        scale = tf.fill(tf.shape(seeds), tf.constant(model.guidance_scale, "float32"))
        return generate(seeds=seeds, guidance_scale=scale, table=tf.constant(default_table), **served)

    def denoise(image, alpha, sigma, **served):
        with model.averaged():
            told = _told(model.conditions, served)
            return {"x0": model({"image": image, "alpha": alpha, "sigma": sigma, **told})}

    level = {name: tf.TensorSpec([None], "float32", name=name) for name in ("alpha", "sigma")}
    image = tf.TensorSpec([None, *model.image_shape], "float32", name="image")
    guided = {
        "seeds": seeds,
        "guidance_scale": tf.TensorSpec([None], "float32", name="guidance_scale"),
        "table": tf.TensorSpec([None, default_table.shape[1]], "float32", name="table"),
        **conditions,
    }
    more = {
        "guidance_rescale": tf.TensorSpec([], "float32", name="guidance_rescale"),
        "guidance_interval": tf.TensorSpec([2], "float32", name="guidance_interval"),
    }
    sample = _concrete(sample, **guided, **more, **negative)
    generate = _concrete(generate, **guided)
    signatures = {
        "serving_default": _concrete(default, seeds=seeds, **conditions),
        "generate": generate,
        "sample": sample,
        "denoise": _concrete(denoise, image=image, **level, **conditions),
    }
    about = {
        "kind": "diffusion",
        "sampler": model.sampler,
        "steps": model.steps,
        "guidance_scale": model.guidance_scale,
        "schedule": keras.saving.serialize_keras_object(model.schedule),
        "table": np.asarray(model.table()).tolist(),
    }
    _write(model, path, signatures, about)


def export_gan(model, path: str) -> None:
    """Write the generator of a GAN as a SavedModel with averaged weights. TensorFlow backend.

    Endpoints, both free in the batch size N:
        `serving_default`: seeds int32 (N,) and the model's conditions, as labels int32 (N,) -> images uint8 (N, H, W, C)
        `generate`: the same and truncation float32 (), 0 for none -> images

    Raises:
        FileExistsError: the path exists.  RuntimeError: another backend than TensorFlow.
    """
    tf = _tensorflow(path)
    seeds = {"seeds": tf.TensorSpec([None], "int32", name="seeds"), **_specs(model.conditions)}

    def generate(seeds, truncation, **served):
        with model.averaged():
            return {"images": model.sample(seeds, _told(model.conditions, served), truncation)}

    def default(**seeds):
        return generate(truncation=tf.constant(0.0), **seeds)

    generate = _concrete(generate, truncation=tf.TensorSpec([], "float32", name="truncation"), **seeds)
    _write(model, path, {"serving_default": _concrete(default, **seeds), "generate": generate}, {"kind": "gan"})


def export_translation(model, path: str) -> None:
    """Write a model from image to image as a SavedModel: `serving_default`, and of `CycleGAN` `translate_back`, images uint8 (N, H, W, C)
    -> images uint8.

    Raises:
        FileExistsError: the path exists.  RuntimeError: another backend than TensorFlow.
    """
    tf = _tensorflow(path)

    def endpoint(network, shape):
        def translate(images):
            with model.averaged():
                return {"images": model.translated(images, network)}

        return _concrete(translate, images=tf.TensorSpec([None, *shape], "uint8", name="images"))

    signatures = {"serving_default": endpoint(model.translator, model.image_shape)}
    if model.inverse is not None:
        signatures["translate_back"] = endpoint(model.inverse, model.target_shape)
    about = {"kind": "translation", "target_shape": list(model.target_shape)}
    _write(model, path, signatures, about)


def export_latent_model(model, path: str) -> None:
    """Write an autoencoder of any kind as a SavedModel with averaged weights and its sampler of latents. TensorFlow backend.

    Endpoints, all free in the batch size N; what the model is conditional on, as `labels` int32 (N,), goes with each:
        `serving_default`, `generate`: seeds int32 (N,) -> images uint8 (N, H, W, C)
        `encode`: images uint8 -> latents, float32 (N, D) or codes int32 (N, h, w)
        `decode`: latents -> images;  `reconstruct`: images -> images

    Raises:
        FileExistsError: the path exists.  RuntimeError: another backend than TensorFlow.
    """
    tf = _tensorflow(path)
    images = tf.TensorSpec([None, *model.image_shape], "uint8", name="images")
    latents = tf.TensorSpec([None, *model.latent_shape], model.latent_dtype, name="latents")

    def endpoint(function, name, spec, output, conditions):
        def run(**inputs):
            with model.averaged():
                return {output: function(inputs[name], _told(conditions, inputs))}

        return _concrete(run, **{name: spec}, **_specs(conditions))

    coding, seeds = model.codec_conditions, tf.TensorSpec([None], "int32", name="seeds")
    generate = endpoint(model.sample, "seeds", seeds, "images", model.conditions)
    signatures = {
        "serving_default": generate,
        "generate": generate,
        "encode": endpoint(model.encoded, "images", images, "latents", coding),
        "decode": endpoint(model.decoded, "latents", latents, "images", coding),
        "reconstruct": endpoint(model.reconstructed, "images", images, "images", coding),
    }
    about = {
        "codes": getattr(model, "codes", None),
        "codec_classes": model.codec_classes,
        "codec_conditions": described(model.codec_conditions),
        "latent_shape": list(model.latent_shape),
    }
    _write(model, path, signatures, {"kind": "latent", **about, "latent_dtype": model.latent_dtype})


def export_restoration(model, path: str, max_pixels: int = 1 << 24) -> None:
    """Write a restoring model as a SavedModel with averaged weights, for pictures of any size. TensorFlow backend.

    Endpoints; `sigma` float32 (N,), `masks` uint8 (N, H, W, 1) and conditions go with each where the model takes them, and height and width
    are free:
        `serving_default`, `restore`: images uint8 (N, H, W, C) -> images uint8. In one piece: memory grows with N x H x W, by some hundred
            bytes for each pixel and every 64 channels of the network. For large pictures take one of the others.
        `restore_bytes`: image_bytes string (N,), PNG or JPEG [, mask_bytes] -> restored_bytes string (N,), PNG; sizes may differ. One
            after the other, and each tile by tile: memory does not grow but for the pictures themselves. Answers
            have three channels; a JPEG's EXIF orientation is heeded, alpha and 16 bits are not: `serving.load(path).restore(...)`
            heeds them. A mask is that of the picture as it is seen, upright.
        `tiles`: the network's inputs as float32 -> images float32; what the client calls.

    Args:
        max_pixels: of a picture, width x height, that `restore_bytes` takes; larger ones are refused by their header, before they are
            decoded. The default, 16.8 million, is 4096 x 4096.

    Raises:
        ValueError: `max_pixels` below 1.
        FileExistsError: the path exists.  RuntimeError: another backend than TensorFlow.
    """
    max_pixels = integer("max_pixels", max_pixels, 1)
    tf = _tensorflow(path)
    model = model.for_inference()
    form = model.form
    spec = {"image": tf.TensorSpec([None, None, None, form.channels], "float32", name="image")}
    if form.mask:
        spec["mask"] = tf.TensorSpec([None, None, None, 1], "float32", name="mask")
    if form.latent:
        spec["latent"] = tf.TensorSpec([None, None, None, form.latent], "float32", name="latent")
    conditions = _specs(model.conditions)
    told = {**conditions, **({"sigma": tf.TensorSpec([None], "float32", name="sigma")} if form.sigma else {})}

    def tiles(**given):
        pictures = {k: v for k, v in given.items() if k not in conditions}
        return {"images": model.call({**pictures, **_told(model.conditions, given)})}

    def restore(images, masks=None, **told):
        given = {"image": rescale(images), **told}
        given.update({} if masks is None else {"mask": tf.cast(masks != 0, "float32")})
        given.update({} if form.latent is None else {"latent": tf.zeros(model.latent_shape(images))})
        restored = to_uint8(tiles(**given)["images"])
        return {"images": restored if masks is None else tf.where(masks != 0, restored, images)}

    def restore_bytes(image_bytes, mask_bytes=None, **told):
        def one(row):
            image = _decoded(row["image"], max_pixels, "image_bytes")
            mask = None if mask_bytes is None else _decoded(row["mask"], max_pixels, "mask_bytes", image)
            own = {k: row[k][None] for k in told}

            def tile(rows, columns):
                window = lambda x: tf.gather(tf.gather(x, rows), columns, axis=1)[None]  # noqa: E731
                x, extra = rescale(window(image)), {}
                if mask is not None:
                    extra["mask"] = tf.cast(window(mask), "float32")
                if form.latent is not None:
                    extra["latent"] = tf.zeros(model.latent_shape(x))
                return _in_colour(lambda x: tiles(image=x, **extra, **own)["images"], x, form)[0]

            size = tf.unstack(tf.shape(image)[:2])
            out = tiled(tile, size, form.scale, form.tile, form.overlap, form.multiple)
            return tf.io.encode_png(out if mask is None else tf.where(mask, out, image))

        rows = {"image": image_bytes, "mask": mask_bytes, **told}
        rows = {k: v for k, v in rows.items() if v is not None}
        return {
            "restored_bytes": tf.map_fn(
                one, rows, fn_output_signature=tf.TensorSpec([], "string"), parallel_iterations=1
            )
        }

    images = {"images": tf.TensorSpec([None, None, None, form.channels], "uint8", name="images")}
    strings = {"image_bytes": tf.TensorSpec([None], "string", name="image_bytes")}
    if form.mask:
        images["masks"] = tf.TensorSpec([None, None, None, 1], "uint8", name="masks")
        strings["mask_bytes"] = tf.TensorSpec([None], "string", name="mask_bytes")
    tiles = _concrete(tiles, **spec, **told)
    restore = _concrete(restore, **images, **told)
    signatures = {
        "serving_default": restore,
        "restore": restore,
        "restore_bytes": _concrete(restore_bytes, **strings, **told),
        "tiles": tiles,
    }
    _write(model, path, signatures, {"kind": "restoration", "form": asdict(form), "max_pixels": max_pixels})


def _decoded(text, max_pixels, name, image=None):
    """A picture uint8 (H, W, 3); or, for an image, its mask bool (H, W, 1), whose size must be the image's."""
    import tensorflow as tf

    text = checked(text, max_pixels, name)
    found = upright(tf.io.decode_image(text, 3, expand_animations=False), text)
    if image is None:
        return tf.ensure_shape(found, (None, None, 3))
    sizes = [tf.shape(v)[:2] for v in (found, image)]
    same = tf.debugging.Assert(
        tf.reduce_all(sizes[0] == sizes[1]), [f"Expected `{name}` as large as the picture; got (height, width)", *sizes]
    )
    with tf.control_dependencies([same]):
        return tf.reduce_any(found != 0, -1, keepdims=True)


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


def _specs(conditions):
    """What the endpoints take of conditions, by the names that they have there."""
    import tensorflow as tf

    every = inputs_of(conditions).values()
    return {one.served: tf.TensorSpec([None, *one.shape], one.dtype, name=one.served) for one in every}


def _told(conditions, served):
    """Conditions by the names of the networks' inputs."""
    return {name: served[one.served] for name, one in inputs_of(conditions).items()}


def _tensorflow(path):
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            f"export writes a TensorFlow SavedModel; the backend is {keras.backend.backend()!r}. "
            "Save the model as .keras, load it with KERAS_BACKEND=tensorflow and export it there."
        )
    if os.path.exists(path):
        raise FileExistsError(f"{path} exists already: choose another path, or remove it.")
    import tensorflow as tf

    return tf


def _concrete(function, **specs):
    """Traced once: endpoints that call each other share it."""
    import tensorflow as tf

    return tf.function(function, autograph=False).get_concrete_function(**specs)


def _write(model, path, signatures, about):
    """The SavedModel and what a client has to know about it, written beside and then renamed. An OSError names `path`, also where
    TensorFlow has words of its own."""
    import tensorflow as tf

    module = tf.Module()
    module.variables_ = [v.value for v in model.variables]
    common = {"model": type(model).__name__, "name": model.name, "image_shape": list(model.image_shape)}
    told = {"num_classes": model.num_classes, "conditions": described(model.conditions)}
    about = {**common, **told, **about}
    # Custom gradients would be half of the file, and nothing learns from it.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    folder, name = os.path.split(os.path.abspath(path))
    beside = os.path.join(folder, f"{shortened(name, 230)}.{uuid.uuid4().hex[:8]}.partial")
    try:
        os.makedirs(beside)
        with tensorflow_logs("WARNING"):  # it would name the folder that is about to be renamed
            tf.saved_model.save(module, beside, signatures, options)
        os.makedirs(os.path.join(beside, "assets.extra"))
        with open(os.path.join(beside, DESCRIPTION), "w") as f:
            json.dump({**about, "sha256": checksum(beside)}, f, indent=1)
        os.replace(beside, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None
    except tf.errors.OpError as error:
        code = next((code for code in errno.errorcode if f"; {os.strerror(code)}" in error.message), None)
        if code is None:
            raise
        raise OSError(code, os.strerror(code), os.fspath(path)) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
