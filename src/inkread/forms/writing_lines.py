"""Finds lines to write on, printed or dotted, on the picture of a blank form."""

import cv2
import numpy as np
import numpy.typing as npt

from inkread.forms.fields import Rect

__all__ = ["find_writing_lines"]

Grey = npt.NDArray[np.uint8]

_MIN_LENGTH_MM = 12.0
_MAX_DOT_GAP_MM = 1.8  # between the dots of a line
_MAX_THICKNESS_MM = 0.9
_ROOM_MM = 7.0  # above a line, to write in
_MIN_ROOM_MM = 4.5  # free of print
_BELOW_MM = 0.8  # the line: writing may touch it
_CLOSE_MM = 0.25, 1.2  # to a line
_MAX_CLOSE_SHARE = 0.05  # of its length that may have print so close
_END_MM = 0.6  # at both ends, where a label may begin
_MIN_DARK_SHARE = 0.12  # of a line's length that is printed: dots are
_MAX_TEXT_SHARE = 0.01  # of the room above a line that may be dark: dirt


def find_writing_lines(grey: Grey, boxes: Grey, px_per_mm: float) -> list[Rect]:
    """Find lines with room above them, and return the places to write in.

    Args:
        grey: (H, W) uint8, 0 black, 255 white.
        boxes: (H, W) uint8, 255 where a box is or its lines are, else 0: no line to write on.
        px_per_mm: scale of both.

    Returns:
        In millimetres, with the line in it, from the top.
    """
    window = 2 * round(4 * px_per_mm) + 1
    dark = cv2.adaptiveThreshold(
        grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, window, 20
    )
    free = cv2.bitwise_and(dark, cv2.bitwise_not(boxes))
    gap = np.ones((1, max(3, round(_MAX_DOT_GAP_MM * px_per_mm))), np.uint8)
    long = np.ones((1, round(_MIN_LENGTH_MM * px_per_mm)), np.uint8)
    closed = cv2.morphologyEx(free, cv2.MORPH_CLOSE, gap)
    straight = cv2.morphologyEx(closed, cv2.MORPH_OPEN, long)
    _, _, stats, _ = cv2.connectedComponentsWithStats(straight, connectivity=8)
    found = []
    for left, top, width, height, _ in stats[1:].tolist():
        rect = Rect(
            left / px_per_mm,
            (top + height / 2) / px_per_mm - _ROOM_MM,
            (left + width) / px_per_mm,
            (top + height / 2) / px_per_mm + _BELOW_MM,
        )
        inked = free[top : top + height, left : left + width].any(axis=0).mean()
        if height > _MAX_THICKNESS_MM * px_per_mm or inked < _MIN_DARK_SHARE or rect.top < 0:
            continue
        if _touches_print(dark, (left, top, width, height), px_per_mm):
            continue
        room = _measure_room(dark, (left, top, width), px_per_mm)
        if room >= _MIN_ROOM_MM:
            found.append(rect._replace(top=rect.bottom - _BELOW_MM - min(room, _ROOM_MM)))
    return found


def _touches_print(dark: Grey, line: tuple[int, int, int, int], px_per_mm: float) -> bool:
    """Return whether there is print close above or below: then it is a part of letters."""
    left, top, width, height = line
    near, far = round(_CLOSE_MM[0] * px_per_mm) + 1, round(_CLOSE_MM[1] * px_per_mm)
    strips = dark[max(0, top - far) : max(0, top - near)], dark[top + height + near :][: far - near]
    return any(
        (strip[:, left : left + width] > 0).any(axis=0).mean() > _MAX_CLOSE_SHARE
        for strip in strips
        if strip.size
    )


def _measure_room(dark: Grey, line: tuple[int, int, int], px_per_mm: float) -> float:
    """Measure how far above a line its paper is free of print, in millimetres."""
    left, top, width = line
    end = round(_END_MM * px_per_mm)
    high = max(0, top - round(_ROOM_MM * px_per_mm))
    above = dark[high : max(high, top - end), left + end : left + width - end]
    if not above.size:
        return 0.0
    (printed,) = np.nonzero((above > 0).mean(axis=1) > _MAX_TEXT_SHARE)
    return float(above.shape[0] + end - (printed.max() + 1 if printed.size else 0)) / px_per_mm
