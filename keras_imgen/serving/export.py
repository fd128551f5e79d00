"""SavedModels: everything that a program with TensorFlow alone needs to make images."""

import errno
import json
import os
import shutil
import uuid
from typing import Any

import keras
import numpy as np

from keras_imgen.arguments import integer
from keras_imgen.conditions import inputs_of, pictures_of
from keras_imgen.data.files import shortened
from keras_imgen.inference.clips import ClipEndpoint
from keras_imgen.inference.endpoints import Endpoint, Pictures, Tensor
from keras_imgen.inference.restorer import TiledEndpoint
from keras_imgen.kinds import described
from keras_imgen.serving.any_length import any_length
from keras_imgen.serving.any_size import any_size, decoded, filling
from keras_imgen.serving.carried import carry
from keras_imgen.serving.client import DESCRIPTION, checksum, tensorflow_logs
from keras_imgen.serving.handover import hand_over
from keras_imgen.serving.json_tensors import as_files
from keras_imgen.serving.strings import encoder
from keras_imgen.text import text_of


def export(model: Any, path: str, max_pixels: int = 1 << 24) -> None:
    """Write a model as a SavedModel with averaged weights. On another backend a process with TensorFlow does it, from the model's file.

    Its signatures are those of the model's endpoints, free in the number of rows N, with what each takes by name: seeds int32 (N,),
    images uint8 (N, H, W, C), and conditions, as labels int32 (N,), vector float32 (N, D), sequence float32 (N, S, D) and its
    sequence_mask bool (N, S). What comes out has one name, as `images`. There are besides:
        `serving_default`: the first endpoint, of which what has a default is left out. Of a model of texts it takes strings, `captions`
            (N,), as those in `short` do; "(words:1.5)" in a string weighs these words.
        `generate_png`: the same of a model of texts, that answers `image_bytes`, PNG files; one that is told pictures takes them as
            `source_bytes`, PNG or JPEG of any size, cropped to the model's.
        those in an endpoint's `short`, which take a part of that.
        `restore` and `restore_bytes`, of a model that restores pictures of any size; see `serving.any_size`.
        `restore`, of a model that restores clips; see `serving.any_length`.
        `stylize_bytes` and `translate_bytes`, of a model that takes pictures of any size: these are `image_bytes`, `style_bytes`, strings
            (N,), PNG or JPEG of any sizes, one after the other and each in one piece; the answers are `image_bytes`, PNG files.

    `assets.extra/keras_imgen.json` describes the endpoints, so that `serving.load` can have the model's own methods. Beside it is what
    those want who serve the folder; see `serving.carried.carry`.

    Args:
        model: an `ImageModel` that declares `endpoints()`.
        path: the folder to write; NAME/3 is version 3 of NAME, where servers look for versions.
        max_pixels: of a picture, width x height, that `restore_bytes` and `generate_png` take; larger ones are refused by their
            header, before they are decoded. The default, 16.8 million, is 4096 x 4096.

    Raises:
        FileExistsError: the path exists.
        ModuleNotFoundError: TensorFlow is not installed.
        RuntimeError: on another backend than TensorFlow, a model that cannot be made again in another process.
        ValueError: the model declares no endpoints, or `max_pixels` is below 1.
    """
    max_pixels = integer("max_pixels", max_pixels, 1)
    if os.path.exists(path):
        raise FileExistsError(f"{path} exists already: choose another path, or remove it.")
    endpoints = model.endpoints()
    if not endpoints:
        raise ValueError(f"{type(model).__name__} declares no endpoints: there is nothing to export.")
    if keras.backend.backend() != "tensorflow":
        return hand_over(model, path, max_pixels)
    signatures = {}
    for name, endpoint in endpoints.items():
        if endpoint.signature in signatures:  # it is answered by that of another
            continue
        full = _full(model, endpoint)
        every = {endpoint.signature or name: full}
        if isinstance(endpoint, TiledEndpoint):
            every |= {k: _concrete(f, specs) for k, (f, specs) in any_size(full, endpoint, max_pixels).items()}
        elif isinstance(endpoint, ClipEndpoint):
            every[name] = _concrete(*any_length(full, endpoint))
        else:
            # Of an endpoint that has only its own signature nothing takes strings.
            simple = _of_strings(full, endpoint) if endpoint.short or not signatures else ()
            every |= {k: _short(*simple, kept) for k, kept in endpoint.short.items()}
        if not signatures:
            default = every.get("restore") or _short(*simple, ())
            signatures["serving_default"] = default
            if text_of(endpoint.conditions) and endpoint.output == "images" and len(model.image_shape) == 3:
                signatures[f"{name}_png"] = _as_png(default, endpoint, max_pixels)
        if endpoint.any_size and endpoint.output in ("images", "masks"):
            every[f"{name}_bytes"] = _of_bytes(full, endpoint, max_pixels)
        signatures.update(every)
    _write(model, path, signatures, {"endpoints": described(endpoints), "max_pixels": max_pixels})


def _spec(name, tensor):
    import tensorflow as tf

    return tf.TensorSpec([None, *tensor.shape] if tensor.rows else tensor.shape, tensor.dtype, name=name)


def _concrete(function, specs):
    """Traced once: signatures that call each other share it."""
    import tensorflow as tf

    return tf.function(function, autograph=False).get_concrete_function(**specs)


def _full(model, endpoint: Endpoint):
    def answer(**tensors):
        with model.averaged():
            return {endpoint.output: endpoint.call(tensors)}

    return _concrete(answer, {name: _spec(name, tensor) for name, tensor in endpoint.tensors().items()})


def _short(full, tensors, kept: tuple[str, ...]):
    """The same without those tensors that have a default and are not kept."""
    import tensorflow as tf

    left_out = {k: t for k, t in tensors.items() if t.default is not None and k not in kept}
    if not left_out:
        return full

    def default(tensor, given):
        value = tf.constant(tensor.default if tensor.dtype == "string" else np.asarray(tensor.default, tensor.dtype))
        if not tensor.rows:
            return value
        if tensor.like is not None:
            return tf.fill(tf.shape(given[tensor.like]), value)
        rows = tf.shape(next(given[k] for k, t in tensors.items() if t.rows and k in given))[:1]
        return tf.broadcast_to(value, tf.concat([rows, tf.shape(value)], 0))

    def answer(**given):
        return full(**given, **{k: default(t, given) for k, t in left_out.items()})

    return _concrete(answer, {k: _spec(k, t) for k, t in tensors.items() if k not in left_out})


def _of_strings(full, endpoint: Endpoint):
    """(the same of strings in place of the tokens of a text and their weights, its tensors)."""
    tensors, text = endpoint.tensors(), text_of(endpoint.conditions)
    if text is None:
        return full, tensors
    tokens, weights = (one.served for one in text.inputs().values())
    encode, found = encoder(text), {}
    for name, tensor in tensors.items():
        if name.endswith(tokens):
            default = None if tensor.default is None else ""
            found[f"{name.removesuffix(tokens)}{text.key}s"] = Tensor(
                (), "string", default=default, like=tensor.like and f"{text.key}s"
            )
        elif not name.endswith(weights):
            found[name] = tensor

    def answer(**given):
        for name in [k for k in given if found[k].dtype == "string"]:
            ends = name.removesuffix(f"{text.key}s")
            given[f"{ends}{tokens}"], given[f"{ends}{weights}"] = encode(given.pop(name))
        return full(**given)

    return _concrete(answer, {k: _spec(k, t) for k, t in found.items()}), found


def _as_png(function, endpoint: Endpoint, max_pixels: int):
    """The same, with pictures as the bytes of PNG files; what it is told as pictures as those of PNG or JPEG files of any size."""
    import tensorflow as tf

    inputs, told = inputs_of(endpoint.conditions), pictures_of(endpoint.conditions)

    def read(name):
        height, width, channels = inputs[name].shape

        def one(text):
            return filling(decoded(text, max_pixels, f"{name}_bytes", channels=channels), height, width)

        return lambda texts: tf.map_fn(one, texts, fn_output_signature=tf.TensorSpec(inputs[name].shape, "uint8"))

    def answer(**given):
        read_ = {inputs[name].served: read(name)(given.pop(f"{name}_bytes")) for name in told}
        images = function(**given, **read_)[endpoint.output]
        return {as_files(endpoint.output): tf.map_fn(tf.io.encode_png, images, fn_output_signature="string")}

    specs = {k.name: k for k in function.structured_input_signature[1].values()}
    for name in told:
        specs.pop(inputs[name].served)
        specs[f"{name}_bytes"] = tf.TensorSpec([None], "string", name=f"{name}_bytes")
    return _concrete(answer, specs)


def _of_bytes(full, endpoint: Endpoint, max_pixels: int):
    """The same of pictures of any size as the bytes of PNG or JPEG files, one after the other, as those of PNG files."""
    import tensorflow as tf

    pictures = {one.tensor: one.shape[-1] for one in endpoint.inputs if isinstance(one, Pictures)}
    named = {name: as_files(name) for name in pictures}
    others = {k: t for k, t in endpoint.tensors().items() if k not in pictures}

    def answer(**given):
        constants = {k: given.pop(k) for k, t in others.items() if not t.rows}

        def one(row):
            files = {k: decoded(row[v], max_pixels, v, channels=pictures[k])[None] for k, v in named.items()}
            rows = {k: v[None] for k, v in row.items() if k in others}
            return tf.io.encode_png(full(**files, **rows, **constants)[endpoint.output][0])

        found = tf.map_fn(one, given, fn_output_signature=tf.TensorSpec([], "string"), parallel_iterations=1)
        return {as_files(endpoint.output): found}

    strings = {v: Tensor((), "string") for v in named.values()}
    return _concrete(answer, {k: _spec(k, t) for k, t in {**strings, **others}.items()})


def _write(model, path, signatures, about):
    """The SavedModel and what a client has to know about it, written beside and then renamed. An OSError names `path`, also where
    TensorFlow has words of its own."""
    import tensorflow as tf

    module = tf.Module()
    used = {id(v): v for function in signatures.values() for v in function.graph.variables}
    module.variables_ = list(used.values())
    common = {"kind": "model", "model": type(model).__name__, "name": model.name}
    told = {"num_classes": model.num_classes, "conditions": described(model.conditions)}
    about = {**common, "image_shape": list(model.image_shape), **told, **about}
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
        carry(beside, path)
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
