"""Patches: characters written with a pen, and where they stand on their line."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Patch", "draw_patch"]

Floats = npt.NDArray[np.float32]
Curve = npt.NDArray[np.float64]  # (N, 2): x, y, y down

_OVERSAMPLED = 3  # strokes are drawn at this many times the resolution
_SHIFT_BITS = 4


@dataclass(frozen=True)
class Patch:
    """A written character.

    Attributes:
        ink: (H, W) float32 in [0, 1].
        left: of the patch, in pixels from where the character's own width begins; slant and pen
            reach beyond it.
        top: of the patch, in pixels from the top of the writer's tall digits; y points down.
        width: of the character itself, in pixels, as if it were upright.
        ends: (2, 2) float64, where the pen came down first and where it was lifted last: x from
            where the character's width begins, y from the top of the tall digits, in pixels;
            ``None`` where no pen was followed.
    """

    ink: Floats
    left: int
    top: int
    width: float
    ends: Curve | None = None


def draw_patch(curves: list[Curve], lean: float, height_px: float, pen_px: float) -> Patch:
    """Draw strokes with a pen.

    Args:
        curves: (N, 2) float64 each: x, and y from the top of the tall digits, in pixels, upright.
        lean: to the right, a share of the height.
        height_px: of the tall digits: at this y the lean changes nothing.
        pen_px: width of the pen.
    """
    points = np.concatenate(curves)
    width = float(np.ptp(points[:, 0]))
    start = points[:, 0].min()
    leaned = [
        np.stack([c[:, 0] - start + lean * (height_px - c[:, 1]), c[:, 1]], axis=1) for c in curves
    ]
    points = np.concatenate(leaned)
    left, top = (int(v) for v in np.floor(points.min(axis=0) - pen_px))
    right, bottom = (int(v) for v in np.ceil(points.max(axis=0) + pen_px) + 1)
    big = np.zeros(((bottom - top) * _OVERSAMPLED, (right - left) * _OVERSAMPLED), np.uint8)
    for curve in leaned:
        vertices = np.rint((curve - [left, top]) * (_OVERSAMPLED << _SHIFT_BITS))
        cv2.polylines(
            big, [vertices.astype(np.int32).reshape(-1, 1, 2)], False, 255,
            max(1, round(pen_px * _OVERSAMPLED)), cv2.LINE_8, _SHIFT_BITS,
        )  # fmt: skip
    small = cv2.resize(big, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    ends = np.stack([leaned[0][0], leaned[-1][-1]])
    return Patch(small.astype(np.float32) / 255, left, top, width, ends)
