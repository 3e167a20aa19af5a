"""Resizes pictures by a factor, anti-aliased."""

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["resize_by"]

_MIN_HALVED_SIDE_PX = 512  # of the shorter side: smaller pictures are resized in one step


def resize_by(pixels: npt.NDArray[np.uint8], scale: float) -> npt.NDArray[np.uint8]:
    """Resize a picture by a factor, anti-aliased when it shrinks.

    Args:
        pixels: (H, W) or (H, W, 3) uint8.
        scale: new size over old size; above 0.

    Returns:
        (round(H * scale), round(W * scale)), or with a third axis of 3, uint8; each side is at
        least one pixel. With a scale of 1, ``pixels`` itself.
    """
    if scale == 1.0:
        return pixels
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    # Halving averages whole pixels, which is many times as fast as other factors.
    while min(pixels.shape[:2]) >= max(2 * min(size), _MIN_HALVED_SIDE_PX):
        height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
        half = width // 2, height // 2
        pixels = cv2.resize(pixels[:height, :width], half, interpolation=cv2.INTER_AREA)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=how))
