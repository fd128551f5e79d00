"""Where the pixels of one frame of a clip were in another: dense optical flow by OpenCV."""

import cv2
import numpy as np

SLACK = 0.5  # pixels of difference between there and back that are always allowed
RISE = 0.01  # and so much of the squared lengths (Sundaram et al. 2010, equation 5)


def optical_flow(frame: np.ndarray, other: np.ndarray) -> np.ndarray:
    """float32 (H, W, 2): `frame` at (x, y) shows what `other` shows at (x + u, y + v). DIS flow (Kroeger et al. 2016).

    Args:
        frame: uint8 (H, W, C) of 1 or 3 channels.
        other: of the same shape.
    """
    gray = [
        cv2.cvtColor(v, cv2.COLOR_RGB2GRAY) if v.shape[-1] == 3 else np.ascontiguousarray(v[..., 0])
        for v in (frame, other)
    ]
    factor = max(1, -(-64 // min(gray[0].shape)))  # its pyramid needs some pixels
    if factor > 1:
        gray = [cv2.resize(v, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR) for v in gray]
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*gray, None)
    return cv2.resize(flow, frame.shape[1::-1], interpolation=cv2.INTER_AREA) / factor if factor > 1 else flow


def warped(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """An image seen along a flow, float32 (H, W, C), bilinear; beyond its border it is mirrored.

    Args:
        image: (H, W, C).
        flow: (H, W, 2), as of `optical_flow`.
    """
    height, width = flow.shape[:2]
    at = flow + np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype("float32")
    found = cv2.remap(image.astype("float32"), at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return found.reshape(height, width, -1)


def seen_in_both(there: np.ndarray, back: np.ndarray) -> np.ndarray:
    """bool (H, W), where the way there and back ends where it began, and inside: neither hidden nor new (Sundaram et al. 2010).

    Args:
        there: the flow of a frame to another.
        back: that of the other to the frame.
    """
    height, width = there.shape[:2]
    returned = warped(back, there)
    squared = lambda v: (v**2).sum(-1)  # noqa: E731
    same = squared(there + returned) <= RISE * (squared(there) + squared(returned)) + SLACK
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    ends = x + there[..., 0], y + there[..., 1]
    return same & (ends[0] >= 0) & (ends[0] <= width - 1) & (ends[1] >= 0) & (ends[1] <= height - 1)
