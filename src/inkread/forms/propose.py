"""A template proposed from the picture of a blank form: the boxes, combs and ticks drawn on it."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from inkread.errors import ImageError
from inkread.forms.fields import Rect
from inkread.forms.template import PAGES_MM
from inkread.imaging import images
from inkread.imaging.resize import resize_by

__all__ = ["ProposedField", "propose", "template_text"]

Grey = npt.NDArray[np.uint8]

_WORK_PX = 1800  # the longer side of what boxes are looked for in
_MIN_SIDE_MM = 3.0
_MAX_TICK_MM = 9.0
_MAX_CELL_MM = 14.0
_MAX_SHARE = 0.9  # a box this wide and high is the page's frame


@dataclass(frozen=True)
class ProposedField:
    """A box found on a blank form.

    Attributes:
        rect: in millimetres on the page.
        num_cells: 0 for a plain box.
    """

    rect: Rect
    num_cells: int

    @property
    def kind(self) -> str:
        """The kind of field that it looks like."""
        if self.num_cells:
            return "comb"
        is_small = max(self.rect.width, self.rect.height) <= _MAX_TICK_MM
        return "tick" if is_small else "number"


def propose(
    picture: images.Picture, page: tuple[float, float] = PAGES_MM["a4"]
) -> list[ProposedField]:
    """Find the boxes on a blank form, in reading order.

    Args:
        picture: of the whole page, edge to edge, upright and straight.
        page: width and height of the paper in millimetres.

    Raises:
        ImageError: not a picture, or not of the page's proportions.
    """
    grey = images.load(picture)
    height, width = grey.shape
    if abs(width / height / (page[0] / page[1]) - 1) > 0.03:
        raise ImageError(
            f"expected a picture of the whole page, {page[0]:g} x {page[1]:g} mm, "
            f"received {width} x {height} pixels"
        )
    grey = resize_by(grey, min(1.0, _WORK_PX / max(grey.shape)))
    px_per_mm = grey.shape[1] / page[0]
    rects = [
        Rect(*(side / px_per_mm for side in rect)) for rect in _enclosed(_lines(grey, px_per_mm))
    ]
    boxes = [
        rect
        for rect in rects
        if min(rect.width, rect.height) >= _MIN_SIDE_MM
        and not (rect.width > _MAX_SHARE * page[0] and rect.height > _MAX_SHARE * page[1])
    ]
    # Of nested boxes the inner ones are written in.
    inner = [box for box in boxes if not any(_holds(box, other) for other in boxes)]
    return _in_reading_order(_joined(inner))


def template_text(form: str, blank: Path, page: str, fields: list[ProposedField]) -> str:
    """Write a template that finds the form by its blank picture, to be edited by a person."""
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


def _lines(grey: Grey, px_per_mm: float) -> Grey:
    """Return the straight lines that boxes can be made of: (H, W) uint8, 255 or 0."""
    window = 2 * round(4 * px_per_mm) + 1
    dark = cv2.adaptiveThreshold(
        grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, window, 20
    )
    length = round(0.8 * _MIN_SIDE_MM * px_per_mm)
    across = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    upright = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((length, 1), np.uint8))
    lines = cv2.bitwise_or(across, upright)
    # Corners that don't quite meet are closed; solid areas, such as markers, are no lines.
    lines = cv2.morphologyEx(lines, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    side = round(1.2 * px_per_mm)
    solid = cv2.morphologyEx(lines, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    solid = cv2.dilate(solid, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.bitwise_and(lines, cv2.bitwise_not(solid)))


def _enclosed(lines: Grey) -> list[tuple[float, float, float, float]]:
    """Return the rectangular areas of paper with lines all around, to the middle of the lines."""
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


def _holds(box: Rect, other: Rect) -> bool:
    return box is not other and other.within(box.grown(0.3)) and other.width < 0.98 * box.width


def _joined(boxes: list[Rect]) -> list[ProposedField]:
    """Join cells that stand side by side, equal in size, to combs."""
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


def _in_reading_order(fields: list[ProposedField]) -> list[ProposedField]:
    """Order by rows, then from left to right."""
    ordered: list[list[ProposedField]] = []
    for field in sorted(fields, key=lambda each: each.rect.top):
        row = ordered[-1] if ordered else []
        if row and field.rect.top < row[0].rect.top + 0.5 * row[0].rect.height:
            row.append(field)
        else:
            ordered.append([field])
    return [field for row in ordered for field in sorted(row, key=lambda each: each.rect.left)]
