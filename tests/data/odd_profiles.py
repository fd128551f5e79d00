"""ICC profiles whose effect on colours is known."""

import struct

from PIL import ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exchanged() -> bytes:
    """sRGB by its name; red and blue are exchanged."""
    profile = bytearray(SRGB)
    count = struct.unpack(">I", profile[128:132])[0]
    tags = {bytes(profile[k : k + 4]): k + 4 for k in range(132, 132 + 12 * count, 12)}
    red, blue = (bytes(profile[tags[t] : tags[t] + 8]) for t in (b"rXYZ", b"bXYZ"))
    profile[tags[b"rXYZ"] : tags[b"rXYZ"] + 8], profile[tags[b"bXYZ"] : tags[b"bXYZ"] + 8] = blue, red
    return bytes(profile)


def linear_gray() -> bytes:
    """Gray whose levels are the light: 60 of 255 is 132 in sRGB."""
    white = struct.pack(">iii", 63190, 65536, 54061)
    text = lambda words: b"mluc\0\0\0\0" + struct.pack(">IIHHII", 1, 12, 0x656E, 0x5553, 2 * len(words), 28)  # noqa: E731
    tags = {
        b"desc": text("Gray") + "Gray".encode("utf-16-be"),
        b"wtpt": b"XYZ \0\0\0\0" + white,
        b"kTRC": b"curv\0\0\0\0" + struct.pack(">IHH", 1, 256, 0),
        b"cprt": text("none") + "none".encode("utf-16-be"),
    }
    table, data, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for tag, content in tags.items():
        table += tag + struct.pack(">II", start + len(data), len(content))
        data += content
    head = bytearray(128)
    head[0:4], head[8:12], head[12:24] = struct.pack(">I", start + len(data)), b"\x02\x10\0\0", b"mntrGRAYXYZ "
    head[36:40], head[68:80] = b"acsp", white
    return bytes(head) + table + data
