"""Frames as a film: GIF by Pillow, MP4 by PyAV."""

from fractions import Fraction
from typing import Any

import numpy as np
from PIL import Image

from keras_imgen.data.files import whole


def save_video(path: str, frames: Any, fps: float = 15, scale: int = 1, loop: bool = True) -> None:
    """Write frames as PATH.gif or PATH.mp4 (H.264).

    Args:
        path: ends in .gif or .mp4.
        frames: uint8 (F, H, W, C), C of 1 or 3.
        fps: frames in a second; GIF has hundredths of a second.
        scale: every pixel becomes scale x scale.
        loop: whether a GIF begins again.

    Raises:
        ValueError: another ending, other frames.
        ImportError: MP4 without the package av.
    """
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] not in (1, 3) or not len(frames):
        raise ValueError(f"Expected uint8 frames (F, H, W, 1 or 3), got {frames.dtype} of shape {frames.shape}.")
    if not fps > 0 or scale < 1:
        raise ValueError(f"Expected fps above 0 and scale of at least 1, got {fps!r} and {scale!r}.")
    frames = frames.repeat(scale, 1).repeat(scale, 2)
    path = str(path)
    if path.lower().endswith(".gif"):
        images = [Image.fromarray(f[..., 0] if f.shape[-1] == 1 else f) for f in frames]
        with whole(path) as beside:
            rest = {"save_all": True, "append_images": images[1:], "duration": round(1000 / fps)}
            images[0].save(beside, format="GIF", **rest, **({"loop": 0} if loop else {}))
    elif path.lower().endswith(".mp4"):
        with whole(path) as beside:
            _mp4(beside, frames, fps)
    else:
        raise ValueError(f"Expected a path that ends in .gif or .mp4, got {path}.")


def _mp4(path, frames, fps):
    try:
        import av
    except ImportError:
        raise ImportError("MP4 files need PyAV: pip install av, or write a .gif.") from None
    frames = np.repeat(frames, 3, -1) if frames.shape[-1] == 1 else frames
    frames = np.pad(
        frames, ((0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)), "edge"
    )  # H.264: even sizes
    with av.open(path, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        stream.options = {"crf": "16"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
