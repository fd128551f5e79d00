"""EXIF orientations read in a TensorFlow graph, against Pillow."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

tf = pytest.importorskip("tensorflow")

from keras_imgen.serving.exif import orientation, upright  # noqa: E402

pytestmark = pytest.mark.tensorflow

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype("uint8")


def encoded(kind, exif=b""):
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, kind, exif=exif, quality=95)
    return buffer.getvalue()


@tf.function(input_signature=[tf.TensorSpec([], "string")])
def turned(text):
    return upright(tf.io.decode_image(text, 3, expand_animations=False), text)


@pytest.mark.parametrize("way", range(1, 9))
def test_all_eight_as_pillow_does(way):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x0132] = "Maker of cameras", way, "2026:01:02 03:04:05"
    text = encoded("JPEG", exif.tobytes())
    assert orientation(text) == way
    stored = Image.fromarray(tf.io.decode_jpeg(text).numpy())
    stored.getexif()[0x0112] = way
    np.testing.assert_array_equal(turned(text), np.asarray(ImageOps.exif_transpose(stored)))


@pytest.mark.parametrize("order", "<>")
def test_both_orders_of_bytes(order):
    entries = struct.pack(order + "HHHI4s", 2, 0x0100, 4, 1, b"\0\0\0\7") + struct.pack(
        order + "HHIHH", 0x0112, 3, 1, 8, 0
    )
    mark = b"II*\0" if order == "<" else b"MM\0*"
    assert orientation(encoded("JPEG", b"Exif\0\0" + mark + struct.pack(order + "I", 8) + entries + b"\0" * 4)) == 8


def test_files_without_one_are_left_alone():
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = exif.tobytes()
    wrong = Image.Exif()
    wrong[0x0112] = 9
    for text in (
        encoded("JPEG"),
        encoded("PNG"),
        encoded("PNG", whole),  # its orientation is known to few
        encoded("JPEG", wrong.tobytes()),
        encoded("JPEG", b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        b"Exif\0\0",
        b"",
    ):
        assert orientation(text) == 1
    np.testing.assert_array_equal(turned(encoded("PNG", whole)), PIXELS)
    assert orientation(encoded("JPEG", whole)[:30]) == 1  # cut off in the middle


@pytest.mark.parametrize("before", [b"Exif\0\0MM\0*", b"x" * 60_000])
def test_what_lies_before_is_passed_over(before):
    """A comment that looks like EXIF; a large segment of something else."""
    exif = Image.Exif()
    exif[0x0112] = 6
    text = encoded("JPEG", exif.tobytes())
    assert orientation(text[:2] + b"\xff\xfe" + struct.pack(">H", len(before) + 2) + before + text[2:]) == 6
