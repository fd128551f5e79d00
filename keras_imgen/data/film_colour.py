"""Between the planes of a film and RGB, without a shift of brightness or colour: one matrix both ways, everything rounded.

The defaults of swscale round chroma down: each way through them darkens a film by more than one gray level.
"""

from typing import Any, NamedTuple

import numpy as np

UNSPECIFIED, BT709, BT601 = 2, 1, 6
ALPHA = "rgba", "yuva", "gbrap", "bgra", "argb", "abgr", "ya8", "ya16", "pal8"


class Colours(NamedTuple):
    """How a film's numbers stand for colours, by the code points of ITU-T H.273.

    Args:
        primaries: as 1 for BT.709.
        transfer: as 1 for BT.709, 16 for PQ.
        matrix: between YCbCr and RGB, as 1 for BT.709, 6 for BT.601; never unspecified.
        full: whether luma has 0..255, not 16..235.
    """

    primaries: int = BT709
    transfer: int = BT709
    matrix: int = BT709
    full: bool = False


def is_rgb(frame: Any) -> bool:
    """Whether the planes of an `av.VideoFrame` need no matrix."""
    return frame.format.is_rgb or frame.format.has_palette


def has_alpha(frame: Any) -> bool:
    """Whether an `av.VideoFrame` says how opaque its pixels are."""
    return frame.format.name.startswith(ALPHA)


def colours_of(frame: Any) -> Colours:
    """What the tags of an `av.VideoFrame` say, and where they say nothing of the matrix, what players assume: BT.709 of more than 576
    lines, else BT.601. Of RGB, what a film of it should have."""
    primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
    if is_rgb(frame):
        return Colours(*(BT709 if tag == UNSPECIFIED else tag for tag in (primaries, transfer)))
    matrix = int(frame.colorspace)
    if matrix in (0, UNSPECIFIED):
        matrix = BT709 if frame.height > 576 or frame.width >= 1280 else BT601
    name, told = frame.format.name, int(frame.color_range)
    return Colours(primaries, transfer, matrix, told == 2 or told == 0 and name.startswith(("yuvj", "gray")))


def to_rgb(frame: Any, colours: Colours, alpha: bool = False) -> np.ndarray:
    """uint8 (H, W, 3), what is transparent over black; or (H, W, 4) as it is.

    Args:
        frame: an `av.VideoFrame`.
        colours: of the film.
        alpha: whether to keep it.
    """
    clear = alpha or has_alpha(frame)
    planes = {} if is_rgb(frame) else {"src_colorspace": colours.matrix, "src_color_range": 1 + colours.full}
    found = frame.reformat(format="rgba" if clear else "rgb24", interpolation=_exactly(), **planes).to_ndarray()
    if not clear or alpha:
        return found
    return np.round(found[..., :3] * (found[..., 3:] / np.float32(255))).astype("uint8")


def from_rgb(image: np.ndarray, colours: Colours, form: str) -> Any:
    """An `av.VideoFrame` of a picture.

    Args:
        image: uint8 (H, W, 3), or (H, W, 4) with alpha.
        colours: that it gets.
        form: "yuv420p", "bgr0" or "bgra".
    """
    import av

    given = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgba" if image.shape[-1] == 4 else "rgb24")
    if form != "yuv420p":
        return given.reformat(format=form)
    limited = {"dst_colorspace": colours.matrix, "dst_color_range": 1, "interpolation": _exactly()}
    if not colours.full:
        return given.reformat(format=form, **limited)
    fine, made = given.reformat(format="yuv420p10le", **limited), av.VideoFrame(given.width, given.height, form)
    for k, (source, plane) in enumerate(zip(fine.planes, made.planes)):  # swscale itself rounds down in full range
        levels = np.arange(1024) / 4 - (128 if k else 16)
        table = np.clip(np.round(levels * (255 / 224) + 128 if k else levels * (255 / 219)), 0, 255).astype("uint8")
        rows = np.frombuffer(source, "uint16").reshape(source.height, -1)[:, : source.width]
        plane.update(np.pad(table[rows], ((0, 0), (0, plane.line_size - plane.width))))
    made.color_range, made.colorspace = 2, colours.matrix
    return made


def _exactly():
    from av.video.reformatter import Interpolation

    return (
        Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
    )
