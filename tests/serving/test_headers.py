"""What a picture's header says, in a graph; what is too large is refused before it is decoded."""

import io
import subprocess
import sys
from dataclasses import replace
from functools import partial

import keras
import numpy as np
import pytest
from PIL import Image

tf = pytest.importorskip("tensorflow")

from keras_imgen import models, networks, serving  # noqa: E402
from keras_imgen.serving.headers import checked  # noqa: E402

pytestmark = pytest.mark.tensorflow

RNG = np.random.default_rng(0)


def encoded(kind, size, **how):
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, kind, **how)
    return buffer.getvalue()


@tf.function(input_signature=[tf.TensorSpec([], "string")])
def at_most_600(text):
    return checked(text, 600, "image_bytes")


@pytest.mark.parametrize(
    "how", [("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True, "comment": b"\xff\xc0" * 9})]
)
def test_pixels_are_counted_from_the_header(how):
    kind, options = how
    for size in ((20, 30), (600, 1), (1, 600)):
        text = encoded(kind, size, **options)
        assert at_most_600(text) == text
    for size in ((601, 1), (1, 601), (25, 25), (5000, 3000)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"`image_bytes` of at most 600 pixels"):
            at_most_600(encoded(kind, size, **options))


def test_a_product_that_32_bits_do_not_hold():
    text = bytearray(encoded("PNG", (8, 8)))
    text[16:24] = (2**16).to_bytes(4, "big") * 2  # 2^32 pixels
    with pytest.raises(tf.errors.InvalidArgumentError, match="of at most 600 pixels"):
        at_most_600(bytes(text))


def test_other_formats_are_refused():
    apart = encoded("PNG", (8, 8))
    moved = apart[:8] + b"\0\0\0\0tIME\0\0\0\0" + apart[8:]  # what a lenient reader may step over
    for text in (b"", b"\x89PNG\r\n\x1a\n", encoded("GIF", (8, 8)), encoded("BMP", (8, 8)), b"RIFF....WEBP", moved):
        with pytest.raises(tf.errors.InvalidArgumentError, match="as PNG or JPEG files"):
            at_most_600(text)
    with pytest.raises(tf.errors.InvalidArgumentError):
        at_most_600(encoded("JPEG", (8, 8))[:40])


CHILD = """
import io, resource, sys
import numpy as np, tensorflow as tf
from PIL import Image
path, most = sys.argv[1], int(sys.argv[2])
restore = tf.saved_model.load(path).signatures["restore_bytes"]
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
def png(width, height):
    file = io.BytesIO()
    Image.new("L", (width, height), 90).save(file, "png")
    return tf.constant([file.getvalue()])
small, large = png(64, 64), png(3000, 2000)
bomb = png(5000, 5000)
restore(image_bytes=small)
before = peak()
try:
    restore(image_bytes=bomb)
except tf.errors.InvalidArgumentError as error:
    assert "at most 16777216 pixels" in str(error), error
else:
    raise AssertionError("taken")
assert peak() - before < 20, ("the bomb", before, peak())
restore(image_bytes=large)["image_bytes"].numpy()
assert peak() - before < most, ("6 megapixels", before, peak())
"""


def awake(model, tile=512):
    """Weights so that it does something; tiles of another size than the model's."""
    keras.utils.set_random_seed(0)
    for v in model.network.trainable_variables:
        v.assign(RNG.normal(0, 0.8 / np.sqrt(max(1, np.prod(v.shape[:-1]))), v.shape))
    model._untracked.form = replace(model.form, tile=tile, overlap=min(tile // 2, model.overlap))
    model.for_inference = lambda: model  # or it would have its own tiles again
    return model


def enlarging(**how):
    return awake(models.SuperResolution(networks.edsr(2, 1, width=8, blocks=1), 2, consistent=False), **how)


def gray(colour, **how):
    model = awake(models.Denoiser(networks.ffdnet(1, width=8, depth=2), ema=None), **how)
    model._untracked.form = replace(model.form, colour=colour)
    return model


def painting(**how):
    return awake(models.Inpainter(networks.inpainting_unet(3, width=8, depth=3), overlap=64), **how)


@pytest.mark.slow
def test_a_bomb_is_refused_and_a_large_picture_takes_no_more_than_its_tiles(tmp_path):
    """6 megapixels of eight float channels would be 192 MB for each of several layers; the answer alone is 72 MB, twice."""
    enlarging().export(str(tmp_path / "m"))
    subprocess.run([sys.executable, "-c", CHILD, str(tmp_path / "m"), "450"], check=True)


def test_the_limit_is_the_exports_own(tmp_path):
    model = enlarging()
    model.export(str(tmp_path / "m"), max_pixels=100)
    assert serving.load(str(tmp_path / "m")).description["max_pixels"] == 100
    restore = tf.saved_model.load(str(tmp_path / "m")).signatures["restore_bytes"]
    assert restore(image_bytes=tf.constant([encoded("PNG", (10, 10))]))["image_bytes"].shape == (1,)
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 100 pixels"):
        restore(image_bytes=tf.constant([encoded("PNG", (10, 10)), encoded("PNG", (10, 11))]))
    for bad in (0, -1, 1.5, None, "9"):
        with pytest.raises(ValueError, match="`max_pixels`"):
            model.export(str(tmp_path / "n"), max_pixels=bad)
    assert not (tmp_path / "n").exists()


@pytest.mark.parametrize(
    "make", [enlarging, partial(gray, "each"), partial(gray, "drop"), painting], ids=["luma", "each", "drop", "mask"]
)
def test_tiles_in_the_graph_are_those_of_the_client(make, tmp_path):
    """Within a gray level, at the edges too: a single tile, a fraction of one, many of them, sizes below a network's stride."""
    make(tile=128).export(str(tmp_path / "m"))
    served = serving.load(str(tmp_path / "m"))
    for size in ((1, 1), (37, 41), (400, 9), (9, 400), (257, 300)):
        picture = RNG.integers(90, 166, (*size, 3)).astype("uint8")
        strings = {"image_bytes": tf.io.encode_png(picture)[None]}
        given = {}
        if served.endpoints()["restore"].form.mask:
            given["masks"] = RNG.random(size) < 0.3
            strings["mask_bytes"] = tf.io.encode_png(given["masks"][..., None].astype("uint8"))[None]
        if served.endpoints()["restore"].form.sigma:
            given["sigma"], strings["sigma"] = 15, tf.constant([15.0])
        out = tf.io.decode_png(served._loaded.signatures["restore_bytes"](**strings)["image_bytes"][0]).numpy()
        wanted = served.restore(picture, **given).reshape(out.shape)
        assert np.abs(out.astype(int) - wanted).max() <= 1
        assert (out.shape[:2] != size or (out != picture).any()) and wanted.std() > 5 or size == (1, 1)


def test_a_mask_of_another_size_is_refused(tmp_path):
    painting().export(str(tmp_path / "m"))
    restore = tf.saved_model.load(str(tmp_path / "m")).signatures["restore_bytes"]
    picture, mask = (tf.constant([encoded("PNG", size)]) for size in ((8, 8), (8, 9)))
    with pytest.raises(tf.errors.InvalidArgumentError, match="`mask_bytes` as large as the picture"):
        restore(image_bytes=picture, mask_bytes=mask)
