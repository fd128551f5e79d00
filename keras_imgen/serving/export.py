"""SavedModels: everything that a program with TensorFlow alone needs to make images."""

import json
import os
import shutil
import uuid
from dataclasses import asdict

import keras
import numpy as np

from keras_imgen.models.batches import rescale, to_uint8
from keras_imgen.serving.client import DESCRIPTION, tensorflow_logs
from keras_imgen.serving.exif import upright
from keras_imgen.serving.requests import guidance_limits


def export_diffusion(model, path: str) -> None:
    """Write a diffusion model as a SavedModel with averaged weights. TensorFlow backend.

    Endpoints, all free in the batch size N:
        `generate`: seeds int32 (N,), [labels int32 (N,),] guidance_scale float32 (N,), table float32 (rows, 10) -> images uint8
        `serving_default`: seeds [and labels] -> images, with the model's default sampler, steps and guidance
        `denoise`: image float32 (N, H, W, C) in the model's noisy coordinates, alpha (N,), sigma (N,) [, labels] -> x0 float32

    `assets.extra/keras_imgen.json` describes the model, so that tables for other samplers and step counts can be made.

    Raises:
        FileExistsError: the path exists.  RuntimeError: another backend than TensorFlow.
    """
    tf = _tensorflow(path)
    conditional = model.num_classes is not None
    seeds = tf.TensorSpec([None], "int32", name="seeds")
    labels = {"labels": tf.TensorSpec([None], "int32", name="labels")} if conditional else {}
    default_table = model.table().astype("float32")
    interval = guidance_limits(None)

    def generate(seeds, guidance_scale, table, labels=None):
        options = {
            "guidance_scale": guidance_scale,
            "guidance_rescale": tf.constant(0.0),
            "guidance_interval": tf.constant(interval),
        }
        with model.averaged():
            return {"images": model.sample(seeds, table, options, {} if labels is None else {"label": labels})}

    def default(seeds, **labels):
        scale = tf.fill(tf.shape(seeds), tf.constant(model.guidance_scale, "float32"))
        return generate(seeds=seeds, guidance_scale=scale, table=tf.constant(default_table), **labels)

    def denoise(image, alpha, sigma, labels=None):
        extra = {} if labels is None else {"label": labels}
        with model.averaged():
            return {"x0": model({"image": image, "alpha": alpha, "sigma": sigma, **extra})}

    level = {name: tf.TensorSpec([None], "float32", name=name) for name in ("alpha", "sigma")}
    image = tf.TensorSpec([None, *model.image_shape], "float32", name="image")
    generate = _concrete(
        generate,
        seeds=seeds,
        guidance_scale=tf.TensorSpec([None], "float32", name="guidance_scale"),
        table=tf.TensorSpec([None, default_table.shape[1]], "float32", name="table"),
        **labels,
    )
    signatures = {
        "serving_default": _concrete(default, seeds=seeds, **labels),
        "generate": generate,
        "denoise": _concrete(denoise, image=image, **level, **labels),
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
        `serving_default`: seeds int32 (N,) [, labels int32 (N,)] -> images uint8 (N, H, W, C)
        `generate`: the same and truncation float32 (), 0 for none -> images

    Raises:
        FileExistsError: the path exists.  RuntimeError: another backend than TensorFlow.
    """
    tf = _tensorflow(path)
    seeds = {"seeds": tf.TensorSpec([None], "int32", name="seeds")}
    if model.num_classes is not None:
        seeds["labels"] = tf.TensorSpec([None], "int32", name="labels")

    def generate(seeds, truncation, labels=None):
        with model.averaged():
            return {"images": model.sample(seeds, labels, truncation)}

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

    Endpoints, all free in the batch size N; `labels` int32 (N,) goes with each where the model is conditional:
        `serving_default`, `generate`: seeds int32 (N,) -> images uint8 (N, H, W, C)
        `encode`: images uint8 -> latents, float32 (N, D) or codes int32 (N, h, w)
        `decode`: latents -> images;  `reconstruct`: images -> images

    Raises:
        FileExistsError: the path exists.  RuntimeError: another backend than TensorFlow.
    """
    tf = _tensorflow(path)
    label = tf.TensorSpec([None], "int32", name="labels")
    generating = {} if model.num_classes is None else {"labels": label}
    coding = {} if model.codec_classes is None else {"labels": label}
    images = tf.TensorSpec([None, *model.image_shape], "uint8", name="images")
    latents = tf.TensorSpec([None, *model.latent_shape], model.latent_dtype, name="latents")

    def endpoint(function, name, spec, output, labels):
        def run(**inputs):
            with model.averaged():
                return {output: function(inputs[name], inputs.get("labels"))}

        return _concrete(run, **{name: spec}, **labels)

    generate = endpoint(model.sample, "seeds", tf.TensorSpec([None], "int32", name="seeds"), "images", generating)
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
        "latent_shape": list(model.latent_shape),
    }
    _write(model, path, signatures, {"kind": "latent", **about, "latent_dtype": model.latent_dtype})


def export_restoration(model, path: str) -> None:
    """Write a restoring model as a SavedModel with averaged weights, for pictures of any size. TensorFlow backend.

    Endpoints; `sigma` float32 (N,) and `masks` uint8 (N, H, W, 1) go with each where the model takes them, and height and width are free:
        `serving_default`, `restore`: images uint8 (N, H, W, C) -> images uint8
        `restore_bytes`: image_bytes string (N,), PNG or JPEG [, mask_bytes] -> restored_bytes string (N,), PNG; sizes may differ. Answers
            have three channels; a JPEG's EXIF orientation is heeded, alpha and 16 bits are not: `serving.load(path).restore(...)`
            heeds them, and tiles large pictures. A mask is that of the picture as it is seen, upright.
        `tiles`: the network's inputs as float32 -> images float32; what the client calls.

    Raises:
        FileExistsError: the path exists.  RuntimeError: another backend than TensorFlow.
    """
    tf = _tensorflow(path)
    model = model.for_inference()
    form = model.form
    spec = {"image": tf.TensorSpec([None, None, None, form.channels], "float32", name="image")}
    if form.mask:
        spec["mask"] = tf.TensorSpec([None, None, None, 1], "float32", name="mask")
    if form.latent:
        spec["latent"] = tf.TensorSpec([None, None, None, form.latent], "float32", name="latent")
    sigma = {"sigma": tf.TensorSpec([None], "float32", name="sigma")} if form.sigma else {}

    def tiles(**given):
        return {"images": model.call(given)}

    def restore(images, masks=None, sigma=None):
        given = {"image": rescale(images)}
        given.update({} if masks is None else {"mask": tf.cast(masks != 0, "float32")})
        given.update({} if sigma is None else {"sigma": sigma})
        given.update({} if form.latent is None else {"latent": tf.zeros(model.latent_shape(images))})
        restored = to_uint8(tiles(**given)["images"])
        return {"images": restored if masks is None else tf.where(masks != 0, restored, images)}

    def restore_bytes(image_bytes, mask_bytes=None, sigma=None):
        def one(row):
            image = _decoded(row["image"], 1 if form.channels == 1 and form.colour == "drop" else 3)
            extra = {} if mask_bytes is None else {"masks": _decoded(row["mask"], 1)}
            extra.update({} if sigma is None else {"sigma": row["sigma"][None]})
            return tf.io.encode_png(_in_colour(lambda x: restore(images=x, **extra)["images"], image, form)[0])

        rows = {"image": image_bytes, "mask": mask_bytes, "sigma": sigma}
        rows = {k: v for k, v in rows.items() if v is not None}
        return {"restored_bytes": tf.map_fn(one, rows, fn_output_signature=tf.TensorSpec([], "string"))}

    images = {"images": tf.TensorSpec([None, None, None, form.channels], "uint8", name="images")}
    strings = {"image_bytes": tf.TensorSpec([None], "string", name="image_bytes")}
    if form.mask:
        images["masks"] = tf.TensorSpec([None, None, None, 1], "uint8", name="masks")
        strings["mask_bytes"] = tf.TensorSpec([None], "string", name="mask_bytes")
    tiles = _concrete(tiles, **spec, **sigma)
    restore = _concrete(restore, **images, **sigma)
    signatures = {
        "serving_default": restore,
        "restore": restore,
        "restore_bytes": _concrete(restore_bytes, **strings, **sigma),
        "tiles": tiles,
    }
    _write(model, path, signatures, {"kind": "restoration", "form": asdict(form)})


def _decoded(text, channels):
    """A batch of one uint8 picture."""
    import tensorflow as tf

    return upright(tf.io.decode_image(text, channels, expand_animations=False), text)[None]


def _in_colour(restore, images, form):
    """uint8 RGB pictures through a network of gray ones, as `serving.restorer` does it on the host."""
    import tensorflow as tf

    if form.channels == 3 or form.colour == "drop":
        return restore(images)
    if form.colour == "each":
        return tf.concat([restore(images[..., k : k + 1]) for k in range(3)], -1)
    yuv = tf.image.rgb_to_yuv(tf.cast(images, "float32") / 255.0)
    luma = restore(tf.cast(tf.round(yuv[..., :1] * 255.0), "uint8"))
    chroma = tf.image.resize(yuv[..., 1:], tf.shape(luma)[1:3], "bicubic")
    rgb = tf.image.yuv_to_rgb(tf.concat([tf.cast(luma, "float32") / 255.0, chroma], -1))
    return tf.cast(tf.round(tf.clip_by_value(rgb, 0.0, 1.0) * 255.0), "uint8")


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
    """The SavedModel and what a client has to know about it, written beside and then renamed."""
    import tensorflow as tf

    module = tf.Module()
    module.variables_ = [v.value for v in model.variables]
    common = {"model": type(model).__name__, "name": model.name, "image_shape": list(model.image_shape)}
    about = {**common, "num_classes": model.num_classes, **about}
    beside = f"{os.path.normpath(path)}.{uuid.uuid4().hex[:8]}.partial"
    # Custom gradients would be half of the file, and nothing learns from it.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    try:
        with tensorflow_logs("WARNING"):  # it would name the folder that is about to be renamed
            tf.saved_model.save(module, beside, signatures, options)
        os.makedirs(os.path.join(beside, "assets.extra"))
        with open(os.path.join(beside, DESCRIPTION), "w") as f:
            json.dump(about, f, indent=1)
        os.replace(beside, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
