"""Proposes a template from the picture of a blank form, by the boxes and combs printed on it."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from inkread.errors import ImageError
from inkread.forms.fields import Rect
from inkread.forms.template import PAGE_SIZES_MM
from inkread.imaging import images
from inkread.imaging.resize import resize_by

__all__ = ["ProposedField", "format_template", "propose"]

Grey = npt.NDArray[np.uint8]

_MAX_SIDE_PX = 1800  # larger pictures are shrunk to it
_MIN_SIDE_MM = 3.0  # of a box
_MAX_TICK_MM = 9.0  # side of a box to tick
_MAX_CELL_MM = 14.0  # width of a cell
_MIN_FRAME_SHARE = 0.9  # a box with this share of the page's width and height is its frame


@dataclass(frozen=True)
class ProposedField:
    """A box found on a blank form.

    Attributes:
        rect: in millimetres on the page.
        num_cells: number of cells; 0 for a box without cells.
    """

    rect: Rect
    num_cells: int

    @property
    def kind(self) -> str:
        """The kind of field that it probably is: ``comb``, ``tick`` or ``number``."""
        if self.num_cells:
            return "comb"
        is_small = max(self.rect.width, self.rect.height) <= _MAX_TICK_MM
        return "tick" if is_small else "number"


def propose(
    picture: images.Picture, page: tuple[float, float] = PAGE_SIZES_MM["a4"]
) -> list[ProposedField]:
    """Find the boxes on a blank form, in reading order.

    Args:
        picture: the whole page, edge to edge, upright and straight.
        page: width and height of the paper in millimetres.

    Raises:
        ImageError: it can't be read, or hasn't the page's aspect ratio.
    """
    grey = images.load(picture)
    height, width = grey.shape
    if abs(width / height / (page[0] / page[1]) - 1) > 0.03:
        raise ImageError(
            f"expected a picture of the whole page, {page[0]:g} x {page[1]:g} mm, "
            f"received {width} x {height} pixels"
        )
    grey = resize_by(grey, min(1.0, _MAX_SIDE_PX / max(grey.shape)))
    px_per_mm = grey.shape[1] / page[0]
    rects = [
        Rect(*(side / px_per_mm for side in rect))
        for rect in _find_enclosed_rects(_find_lines(grey, px_per_mm))
    ]
    boxes = [
        rect
        for rect in rects
        if min(rect.width, rect.height) >= _MIN_SIDE_MM
        and not (
            rect.width > _MIN_FRAME_SHARE * page[0] and rect.height > _MIN_FRAME_SHARE * page[1]
        )
    ]
    # Of nested boxes, people write in the inner ones.
    inner = [box for box in boxes if not any(_contains(box, other) for other in boxes)]
    return _sort_in_reading_order(_join_cells(inner))


def format_template(form: str, blank: Path, page: str, fields: list[ProposedField]) -> str:
    """Return the YAML of a template that is aligned by the blank picture, for a person to edit."""
    values = {
        "form": form,
        "page": page,
        "align": {"picture": str(blank)},
        "fields": [
            {
                "name": f"field_{number}",
                "kind": field.kind,
                **({"cells": field.num_cells} if field.num_cells else {}),
                "box": [round(side, 1) for side in field.rect],
            }
            for number, field in enumerate(fields, start=1)
        ],
    }
    head = "# Proposed by `inkread form new`: name the fields, and say what they hold.\n"
    return head + str(
        yaml.safe_dump(values, sort_keys=False, allow_unicode=True, default_flow_style=None)
    )


def _find_lines(grey: Grey, px_per_mm: float) -> Grey:
    """Mask the horizontal and vertical lines: (H, W) uint8, 255 or 0."""
    window = 2 * round(4 * px_per_mm) + 1
    dark = cv2.adaptiveThreshold(
        grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, window, 20
    )
    length = round(0.8 * _MIN_SIDE_MM * px_per_mm)
    horizontal = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    vertical = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8))
    lines = cv2.bitwise_or(horizontal, vertical)
    # Close corners that don't quite meet; remove solid areas, such as markers.
    lines = cv2.morphologyEx(lines, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    side = round(1.2 * px_per_mm)
    solid = cv2.morphologyEx(lines, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    solid = cv2.dilate(solid, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.bitwise_and(lines, cv2.bitwise_not(solid)))


def _find_enclosed_rects(lines: Grey) -> list[tuple[float, float, float, float]]:
    """Return the rectangles enclosed by lines, to the middle of the lines, in pixels."""
    if not lines.any():
        return []
    count, _, stats, _ = cv2.connectedComponentsWithStats(cv2.bitwise_not(lines), connectivity=4)
    thickness = 2 * float(np.median(cv2.distanceTransform(lines, cv2.DIST_L1, 3)[lines > 0]))
    half = thickness / 2
    found = []
    for left, top, width, height, area in stats[1:count].tolist():
        touches = left == 0 or top == 0
        touches |= left + width == lines.shape[1] or top + height == lines.shape[0]
        if not touches and area >= 0.93 * width * height:
            found.append((left - half, top - half, left + width + half, top + height + half))
    return found


def _contains(box: Rect, other: Rect) -> bool:
    return box is not other and other.is_within(box.expand(0.3)) and other.width < 0.98 * box.width


def _join_cells(boxes: list[Rect]) -> list[ProposedField]:
    """Join adjacent cells of equal size to combs."""
    left = sorted(boxes, key=lambda box: (round(box.top), box.left))
    fields: list[ProposedField] = []
    while left:
        run = [left.pop(0)]
        while True:
            after = next((box for box in left if _continues(run[-1], box)), None)
            if after is None:
                break
            left.remove(after)
            run.append(after)
        rect = Rect(run[0].left, run[0].top, run[-1].right, run[-1].bottom)
        fields.append(ProposedField(rect, len(run) if len(run) > 1 else 0))
    return fields


def _continues(cell: Rect, other: Rect) -> bool:
    return (
        cell.width <= _MAX_CELL_MM
        and abs(other.left - cell.right) < 0.8
        and abs(other.top - cell.top) < 0.6
        and abs(other.bottom - cell.bottom) < 0.6
        and abs(other.width - cell.width) < 0.15 * cell.width + 0.3
    )


def _sort_in_reading_order(fields: list[ProposedField]) -> list[ProposedField]:
    """Sort by rows, then from left to right."""
    ordered: list[list[ProposedField]] = []
    for field in sorted(fields, key=lambda each: each.rect.top):
        row = ordered[-1] if ordered else []
        if row and field.rect.top < row[0].rect.top + 0.5 * row[0].rect.height:
            row.append(field)
        else:
            ordered.append([field])
    return [field for row in ordered for field in sorted(row, key=lambda each: each.rect.left)]
