"""Arranges boxes on a page as the rows and columns of a table."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import islice
from statistics import median

__all__ = ["arrange_in_rows"]

Sides = tuple[float, float, float, float]  # left, top, right, bottom

_MIN_LINE_OVERLAP = 0.5  # of two neighbours on a line, vertical, as a share of the lower height
_MIN_COLUMN_OVERLAP = 0.3  # of two boxes in a column, horizontal, as a share of the narrower width
_MAX_SLOPE = 0.2  # of skewed lines, about 11 degrees; steeper ones are taken as no skew


def arrange_in_rows(boxes: Sequence[Sides]) -> tuple[tuple[int | None, ...], ...]:
    """Arrange boxes as a table.

    The skew of the page is removed first. Boxes form a line if they overlap vertically with the
    line's other boxes, and a column if they overlap horizontally with boxes of other lines.

    Args:
        boxes: left, top, right and bottom of each, in pixels, y down; in any order.

    Returns:
        The rows of the table, from top to bottom. Each has one cell for every column, from left to
        right: the index of a box, or ``None``. Every box is in exactly one cell.
    """
    deskewed = _deskew(boxes)
    lines = _group_lines(deskewed)
    # Lines with the most boxes show the columns best, so the other lines are aligned with them.
    columns: list[dict[int, int]] = []  # of each, its boxes by their lines
    for index in sorted(range(len(lines)), key=lambda index: (-len(lines[index]), index)):
        columns = _add_line(columns, index, lines[index], deskewed)
    return tuple(tuple(column.get(index) for column in columns) for index in range(len(lines)))


def _deskew(boxes: Sequence[Sides]) -> list[Sides]:
    """Shear the page so that its lines are horizontal and its columns vertical.

    The slope is the median slope between each box and its nearest neighbour to the right.
    """
    slopes = []
    from_left = sorted(boxes)
    for box in boxes:
        followers = islice(from_left, bisect_left(from_left, (box[2],)), None)
        nearest = next((other for other in followers if _is_on_same_line(box, other)), None)
        if nearest:
            run = max(1.0, _middle_x(nearest) - _middle_x(box))
            slopes.append((_middle_y(nearest) - _middle_y(box)) / run)
    slope = median(slopes) if slopes else 0.0
    if abs(slope) > _MAX_SLOPE:
        slope = 0.0
    deskewed = []
    for box in boxes:
        right_by, down_by = slope * _middle_y(box), -slope * _middle_x(box)
        left, top, right, bottom = box
        deskewed.append((left + right_by, top + down_by, right + right_by, bottom + down_by))
    return deskewed


def _group_lines(boxes: Sequence[Sides]) -> list[list[int]]:
    """Group the indices of boxes to lines: from top to bottom, each from left to right."""
    lines: list[list[int]] = []
    places: list[Sides] = []  # of each line, the median of its boxes
    for index in sorted(range(len(boxes)), key=lambda index: _middle_y(boxes[index])):
        box = boxes[index]
        fitting = [
            number
            for number, (line, place) in enumerate(zip(lines, places, strict=True))
            if _is_on_same_line(box, place)
            and not any(_overlap(box, boxes[other], 0) > _MIN_COLUMN_OVERLAP for other in line)
        ]
        if fitting:
            middle = _middle_y(box)
            best = min(fitting, key=lambda number: abs(_middle_y(places[number]) - middle))
            lines[best].append(index)
            places[best] = _median_box(lines[best], boxes)
        else:
            lines.append([index])
            places.append(box)
    for line in lines:
        line.sort(key=lambda index: boxes[index][0])
    return sorted(lines, key=lambda line: _middle_y(_median_box(line, boxes)))


def _add_line(
    columns: list[dict[int, int]], line_index: int, line: list[int], boxes: Sequence[Sides]
) -> list[dict[int, int]]:
    """Return the columns with one more line, each of its boxes in an old column or a new one.

    The order from left to right is kept, and the sum of the overlaps of boxes with their columns is
    maximal: sequence alignment (Needleman and Wunsch 1970) without a gap penalty.
    """
    places = [_median_box(column.values(), boxes) for column in columns]
    overlaps = [[_overlap(boxes[index], place, 0) for place in places] for index in line]
    best = [[0.0] * (len(columns) + 1) for _ in range(len(line) + 1)]
    for row, shares in enumerate(overlaps):
        for place, share in enumerate(shares):
            joined = best[row][place] + share if share >= _MIN_COLUMN_OVERLAP else 0.0
            best[row + 1][place + 1] = max(joined, best[row][place + 1], best[row + 1][place])
    merged: list[dict[int, int]] = []  # from right to left
    between: list[tuple[float, dict[int, int]]] = []  # columns without the line, boxes without one
    row, place = len(line), len(columns)
    while row or place:
        if place and best[row][place] == best[row][place - 1]:
            place -= 1
            between.append((_middle_x(places[place]), columns[place]))
        elif row and best[row][place] == best[row - 1][place]:
            row -= 1
            between.append((_middle_x(boxes[line[row]]), {line_index: line[row]}))
        else:
            row, place = row - 1, place - 1
            merged += _sort_from_right(between)
            between = []
            merged.append({**columns[place], line_index: line[row]})
    merged += _sort_from_right(between)
    return merged[::-1]


def _sort_from_right(columns: list[tuple[float, dict[int, int]]]) -> list[dict[int, int]]:
    return [column for _, column in sorted(columns, key=lambda each: -each[0])]


def _median_box(indices: Collection[int], boxes: Sequence[Sides]) -> Sides:
    """Return the median of each side, which a single wide box can't move."""
    left, top, right, bottom = (
        median(boxes[index][side] for index in indices) for side in range(4)
    )
    return left, top, right, bottom


def _is_on_same_line(one: Sides, other: Sides) -> bool:
    return _overlap(one, other, 1) >= _MIN_LINE_OVERLAP


def _overlap(one: Sides, other: Sides, axis: int) -> float:
    """Return the overlap along x (0) or y (1) as a share of the smaller extent; 0 or less: none."""
    overlap = min(one[axis + 2], other[axis + 2]) - max(one[axis], other[axis])
    return overlap / max(1.0, min(one[axis + 2] - one[axis], other[axis + 2] - other[axis]))


def _middle_x(box: Sides) -> float:
    return (box[0] + box[2]) / 2


def _middle_y(box: Sides) -> float:
    return (box[1] + box[3]) / 2
