"""Faces in a picture: where restoration is made weaker, so that no one is altered."""

from functools import lru_cache
from typing import Any

import numpy as np

from keras_imgen.inference.pixels import resized

PIXELS = 1_000_000  # in which faces are looked for; the time goes with them
LEFT = 0.3  # of the strength, in a face


def spared(picture: np.ndarray) -> tuple[np.ndarray | None, int]:
    """How much of a strength stays in every pixel: `LEFT` in faces, 1 around them, smoothly between. By local binary patterns (Liao et al.
    2007) in a cascade (scikit-image, with OpenCV's trained frontal faces).

    Args:
        picture: uint8 or uint16 (H, W, 1 | 3 | 4).

    Returns:
        (float32 (H, W), None where no face is seen; how many there are).

    Raises:
        ModuleNotFoundError: scikit-image is not installed.
    """
    height, width = picture.shape[:2]
    factor = max(1.0, (height * width / PIXELS) ** 0.5)
    small = picture if factor == 1 else resized(picture, tuple(max(1, round(n / factor)) for n in (height, width)))
    gray = (small if small.dtype == np.uint8 else small // 257).astype("uint8")[..., :3].mean(-1).astype("uint8")
    side = min(gray.shape)
    if side < 24:
        return None, 0
    how = {"scale_factor": 1.2, "step_ratio": 1, "min_size": (24, 24), "max_size": (side, side)}
    faces = _cascade().detect_multi_scale(gray, **how)
    if not faces:
        return None, 0
    rows, columns = np.ogrid[:height, :width]
    share = np.zeros((height, width), "float32")
    for face in faces:
        middle = [(face[a] + face[b] / 2) * factor for a, b in (("r", "height"), ("c", "width"))]
        sides = [0.65 * face[k] * factor for k in ("height", "width")]  # half of them, and the hair
        away = np.hypot((rows - middle[0]) / sides[0], (columns - middle[1]) / sides[1])
        near = np.clip(2.0 - 1.5 * away, 0.0, 1.0)  # all of it to two thirds of the way, nothing from four
        share = np.maximum(share, near * near * (3 - 2 * near))
    return (1 - (1 - LEFT) * share).astype("float32"), len(faces)


@lru_cache(1)
def _cascade() -> Any:
    try:
        from skimage.data import lbp_frontal_face_cascade_filename
        from skimage.feature import Cascade
    except ImportError:
        raise ModuleNotFoundError(
            "--face-safe looks for faces with scikit-image: pip install scikit-image (the extra `faces`)."
        ) from None
    return Cascade(lbp_frontal_face_cascade_filename())
