"""Proposes a template from the picture of a blank form, by the boxes, combs and lines on it."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import yaml

from inkread.errors import ImageError
from inkread.forms.fields import Rect
from inkread.forms.template import PAGE_SIZES_MM, TemplateError, parse
from inkread.forms.writing_lines import find_writing_lines
from inkread.imaging import images
from inkread.imaging.resize import resize_by

__all__ = ["ProposedField", "format_template", "propose"]

Grey = npt.NDArray[np.uint8]

_MAX_SIDE_PX = 1800  # larger pictures are shrunk to it
_MIN_SIDE_MM = 3.0  # of a box
_MAX_TICK_MM = 9.0  # side of a box to tick
_MAX_CELL_MM = 14.0  # width of a cell
_ADJACENT_MM = 0.8  # between cells that share a line
_MAX_GAP_MM, _MAX_GAP_SHARE = 4.0, 0.6  # between spaced cells; of a cell's width
_MIN_SPACED_CELLS = 3  # fewer may be boxes to tick
_MAX_HEIGHT_MM = 60.0  # of a place for a number
_BESIDE_MM = 0.6  # of a box: its own lines
_LARGE = "so large a box holds other writing than a number"
_MIN_FRAME_SHARE = 0.9  # a box with this share of the page's width and height is its frame


@dataclass(frozen=True)
class ProposedField:
    """A box found on a blank form.

    Attributes:
        rect: in millimetres on the page.
        num_cells: number of cells; 0 for a box without cells.
        is_line: whether it is the room above a line to write on.
        doubt: why it may be no field; empty if it surely is one.
    """

    rect: Rect
    num_cells: int
    is_line: bool = False
    doubt: str = ""

    @property
    def kind(self) -> str:
        """The kind of field that it probably is: ``comb``, ``tick`` or ``number``."""
        if self.num_cells:
            return "comb"
        is_small = not self.is_line and max(self.rect.width, self.rect.height) <= _MAX_TICK_MM
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
    lines = _find_lines(grey, px_per_mm)
    rects = [Rect(*(side / px_per_mm for side in rect)) for rect in _find_enclosed_rects(lines)]
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
    fields = [
        replace(field, doubt=_LARGE) if field.rect.height > _MAX_HEIGHT_MM else field
        for field in _join_cells(inner)
    ]
    taken = np.zeros_like(grey)
    for box in boxes:
        left, top, right, bottom = (round(side * px_per_mm) for side in box.expand(_BESIDE_MM))
        taken[max(0, top) : bottom, max(0, left) : right] = 255
    fields += [
        ProposedField(rect, 0, is_line=True)
        for rect in find_writing_lines(grey, taken, px_per_mm)
        if not any(rect.overlaps(field.rect) for field in fields)
    ]
    return _sort_in_reading_order(fields)


def format_template(
    form: str, blank: Path, page: tuple[float, float] | str, fields: list[ProposedField]
) -> str:
    """Return the YAML of a template that is aligned by the blank picture, for a person to edit.

    It always loads: fields that a template can't have stand in it as comments, with the reason.

    Args:
        form: its name; what a form's name can't have is left out.
        blank: path of the picture of the blank form, from the template's folder.
        page: width and height of the paper in millimetres, or its name.
        fields: as ``propose`` found them.

    Raises:
        TemplateError: no field is left.
    """
    name = re.sub(r"[^A-Za-z0-9 _.-]", "-", form).strip(" -_.")[:60] or "form"
    head = {
        "form": name,
        "page": page if isinstance(page, str) else list(page),
        "align": {"picture": str(blank)},
    }
    entries = [
        {
            "name": name,
            "kind": field.kind,
            **({"cells": field.num_cells} if field.num_cells else {}),
            "box": [round(side, 1) for side in field.rect],
        }
        for name, field in zip(_name_fields(fields), fields, strict=True)
    ]
    left_out = [
        _describe_left_out(entry, field.doubt)
        for entry, field in zip(entries, fields, strict=True)
        if field.doubt
    ]
    if len(left_out) < len(entries):
        entries = [e for e, field in zip(entries, fields, strict=True) if not field.doubt]
    else:  # better doubtful fields than none
        left_out = []
    while True:
        text = _dump({**head, "fields": entries})
        try:
            parse(text)
        except TemplateError as error:
            faults = {
                path[1]: reason.split("): ", 1)[-1]
                for path, reason in error.faults
                if len(path) > 1 and path[0] == "fields" and isinstance(path[1], int)
            }
            if not faults or len(faults) == len(entries):
                raise
            # Of two boxes that overlap, the later one is at fault; the next turn tries again.
            left_out += [
                _describe_left_out(entries[index], reason)
                for index, reason in sorted(faults.items())
            ]
            entries = [each for index, each in enumerate(entries) if index not in faults]
        else:
            intro = "# Proposed by `inkread form new`: name the fields, and say what they hold.\n"
            return intro + text + "".join(f"{each}\n" for each in left_out)


def _describe_left_out(entry: dict[str, Any], reason: str) -> str:
    return f"# not a field: {reason}\n# - {_dump(entry, on_one_line=True)}"


def _dump(values: dict[str, Any], *, on_one_line: bool = False) -> str:
    text = str(
        yaml.safe_dump(
            values,
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=True if on_one_line else None,
            width=10_000 if on_one_line else 200,
        )
    )
    return text.strip() if on_one_line else text


def _name_fields(fields: list[ProposedField]) -> list[str]:
    """Name fields by their place in a table, where several rows have the same columns; or count."""
    rows: list[list[int]] = []
    for index, field in enumerate(fields):
        first = fields[rows[-1][0]].rect if rows else None
        if first and max(abs(field.rect[side] - first[side]) for side in (1, 3)) < 1:
            rows[-1].append(index)
        else:
            rows.append([index])
    names = [f"field_{number}" for number in range(1, len(fields) + 1)]
    table, number_of_row = 0, 0
    for row, after in zip(rows, [*rows[1:], []], strict=True):
        begins = not number_of_row
        continues = len(row) > 1 and _has_same_columns(fields, row, after)
        if begins and not continues:
            continue
        table += begins
        number_of_row += 1
        for column, index in enumerate(row, start=1):
            names[index] = f"table_{table}_row_{number_of_row}_column_{column}"
        number_of_row = number_of_row if continues else 0
    return names


def _has_same_columns(fields: list[ProposedField], row: list[int], after: list[int]) -> bool:
    return len(row) == len(after) and all(
        abs(fields[one].rect.left - fields[other].rect.left) < 1
        and abs(fields[one].rect.right - fields[other].rect.right) < 1
        and fields[one].kind == fields[other].kind
        for one, other in zip(row, after, strict=True)
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
    """Join cells of equal size to combs: adjacent ones, and those with equal gaps between them."""
    left = sorted(boxes, key=lambda box: (round(box.top), box.left))
    fields: list[ProposedField] = []
    while left:
        run = [left.pop(0)]
        while True:
            after = next((box for box in left if _continues(run, box)), None)
            if after is None:
                break
            left.remove(after)
            run.append(after)
        gap = run[1].left - run[0].right if len(run) > 1 else 0.0
        if gap > _ADJACENT_MM and len(run) < _MIN_SPACED_CELLS:
            left = sorted([*run[1:], *left], key=lambda box: (round(box.top), box.left))
            run, gap = run[:1], 0.0
        # Each cell of a spaced comb gets half of the gap on either side.
        half = gap / 2 if gap > _ADJACENT_MM else 0.0
        rect = Rect(run[0].left - half, run[0].top, run[-1].right + half, run[-1].bottom)
        fields.append(ProposedField(rect, len(run) if len(run) > 1 else 0))
    return fields


def _continues(run: list[Rect], other: Rect) -> bool:
    cell = run[-1]
    gap = other.left - cell.right
    expected = cell.left - run[-2].right if len(run) > 1 else None
    if expected is None:
        fits = (
            -_ADJACENT_MM < gap < min(_MAX_GAP_MM, max(_ADJACENT_MM, _MAX_GAP_SHARE * cell.width))
        )
    else:
        fits = abs(gap - expected) < _ADJACENT_MM
    return (
        cell.width <= _MAX_CELL_MM
        and fits
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
