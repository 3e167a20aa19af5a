"""Tells crossed-out cells, dashes and scribbles, which mean that there is no value, from digits."""

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["find_void"]

_MIN_INK = 63  # grey level
_MIN_DASH_ELONGATION = 3.5  # standard deviation along the stroke to that across it
_MAX_DASH_SPREAD_MM = 0.4  # standard deviation across the stroke
_MIN_JOINED_SHARE = 0.9  # of the ink that is one piece
_MIN_SPECK_MM2 = 0.2
_MAX_DASH_ANGLE_DEG = 20.0  # to the horizontal
_MIN_DASH_MM = 1.5
_MIN_CROSS_MM = 2.0  # width and height
_MAX_DISTANCE = 0.13  # of a cross's ink from its diagonals, as a share of their length
_MIN_NEAR_SHARE = 0.8  # of a cross's ink is so near
_MIN_SPAN = 0.5  # of each diagonal, as a share of the width and of the height
_MIN_COVERED = 0.75  # of each diagonal
_MIN_SCRIBBLE_MM2 = 6.0
_MIN_SCRIBBLE_FILL = 0.55  # of a scribble's bounding box that is ink


def find_void(ink: npt.NDArray[np.uint8], px_per_mm: float, *, is_cell: bool) -> str:
    """Return how a cell is made void: ``dash``, ``cross`` or ``scribble``; empty if it isn't.

    Only a dash can't be a digit: what looks like a cross or a scribble may be one, badly written,
    and is void only where a model takes it for no digit.

    Args:
        ink: (H, W) uint8, ink 255 on paper 0, of one cell, or of a box as a whole.
        px_per_mm: its scale.
        is_cell: whether it is a comb's cell; else it is a box that may hold several digits.
    """
    dark = (ink > _MIN_INK).astype(np.uint8)
    if dark.sum() < _MIN_SPECK_MM2 * px_per_mm**2 or not (is_cell or _is_joined(dark)):
        return ""
    ys, xs = np.nonzero(dark)
    points = np.column_stack([xs, ys]).astype(np.float64) / px_per_mm
    size = np.ptp(points, axis=0)
    if _is_dash(points, size):
        return "dash"
    area = len(xs) / px_per_mm**2
    if size.prod() >= _MIN_SCRIBBLE_MM2 and area >= _MIN_SCRIBBLE_FILL * size.prod():
        return "scribble"
    if size.min() >= _MIN_CROSS_MM and _is_cross(points, size):
        return "cross"
    return ""


def _is_joined(dark: npt.NDArray[np.uint8]) -> bool:
    """Return whether nearly all of the ink is one piece; several digits are several."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(dark, np.ones((3, 3), np.uint8)))
    areas = stats[1:, cv2.CC_STAT_AREA]
    return bool(areas.max() >= _MIN_JOINED_SHARE * areas.sum())


def _is_dash(points: npt.NDArray[np.float64], size: npt.NDArray[np.float64]) -> bool:
    if size[0] < _MIN_DASH_MM:
        return False
    variances, directions = np.linalg.eigh(np.cov(points.T))
    along = directions[:, 1]
    angle = np.degrees(np.arctan2(abs(along[1]), abs(along[0])))
    elongation = np.sqrt(variances[1] / max(variances[0], 1e-6))
    is_thin = variances[0] <= _MAX_DASH_SPREAD_MM**2
    return bool(is_thin and elongation >= _MIN_DASH_ELONGATION and angle <= _MAX_DASH_ANGLE_DEG)


def _is_cross(points: npt.NDArray[np.float64], size: npt.NDArray[np.float64]) -> bool:
    """Return whether the ink lies along both diagonals of a rectangle around it."""
    # Ends of strokes may hook, so the diagonals are those of the ink's extremes in each direction.
    sums, differences = points.sum(axis=1), points[:, 0] - points[:, 1]
    ends = [points[each] for each in (sums.argmin(), sums.argmax())]
    others = [points[each] for each in (differences.argmin(), differences.argmax())]
    length = float(np.hypot(*size))
    near = np.zeros(len(points), bool)
    for start, end, slope in ((*ends, 1), (*others, -1)):
        spans = (end - start) * (1, slope)
        if (spans < _MIN_SPAN * size).any():
            return False
        line = float(np.hypot(*spans))
        direction = (end - start) / line
        offsets = points - start
        is_near = np.abs(offsets @ np.array([-direction[1], direction[0]])) < _MAX_DISTANCE * length
        near |= is_near
        places = np.clip((offsets[is_near] @ direction) / line * 12, 0, 11).astype(int)
        if len(np.unique(places)) < _MIN_COVERED * 12:
            return False
    return bool(near.mean() >= _MIN_NEAR_SHARE)
