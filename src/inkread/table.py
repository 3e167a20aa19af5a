"""Boxes on a page to the rows and columns of a table."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import islice
from statistics import median

__all__ = ["arrange_in_rows"]

Sides = tuple[float, float, float, float]  # left, top, right, bottom

_SAME_LINE = 0.5  # a neighbour on a line shares this much of the lower one's height
_SAME_COLUMN = 0.3  # what stands in a column shares this much of the narrower one's width
_STEEPEST = 0.2  # a page that leans by more than 11 degrees is no slightly skewed one


def arrange_in_rows(boxes: Sequence[Sides]) -> tuple[tuple[int | None, ...], ...]:
    """Arrange boxes as a table.

    Lines come from the vertical overlap of neighbours, after the page's lean has been taken out,
    columns from the horizontal overlap of what is on different lines.

    Args:
        boxes: left, top, right and bottom of each, in pixels, y down; in any order.

    Returns:
        The lines from top to bottom; each has one cell a column, from left to right: the index of a
        box, or ``None``. Every box is in one cell.
    """
    upright = _upright(boxes)
    lines = _lines(upright)
    # The fullest lines show the columns best; the others find their places among them.
    columns: list[dict[int, int]] = []  # of each, its boxes by their lines
    for index in sorted(range(len(lines)), key=lambda index: (-len(lines[index]), index)):
        columns = _with_line(columns, index, lines[index], upright)
    return tuple(tuple(column.get(index) for column in columns) for index in range(len(lines)))


def _upright(boxes: Sequence[Sides]) -> list[Sides]:
    """Shear the page so that its lines are level and its columns plumb."""
    slopes = []
    from_left = sorted(boxes)
    for box in boxes:
        followers = islice(from_left, bisect_left(from_left, (box[2],)), None)
        nearest = next((other for other in followers if _on_a_line(box, other)), None)
        if nearest:
            run = max(1.0, _middle_x(nearest) - _middle_x(box))
            slopes.append((_middle_y(nearest) - _middle_y(box)) / run)
    slope = median(slopes) if slopes else 0.0
    if abs(slope) > _STEEPEST:
        slope = 0.0
    upright = []
    for box in boxes:
        right_by, down_by = slope * _middle_y(box), -slope * _middle_x(box)
        left, top, right, bottom = box
        upright.append((left + right_by, top + down_by, right + right_by, bottom + down_by))
    return upright


def _lines(boxes: Sequence[Sides]) -> list[list[int]]:
    """Group upright boxes to lines, from top to bottom; each from left to right."""
    lines: list[list[int]] = []
    for index in sorted(range(len(boxes)), key=lambda index: _middle_y(boxes[index])):
        box = boxes[index]
        fitting = [
            line
            for line in lines
            if _on_a_line(box, _around(line, boxes))
            and not any(_shared(box, boxes[other], 0) > _SAME_COLUMN for other in line)
        ]
        if fitting:
            middle = _middle_y(box)
            min(fitting, key=lambda line: abs(_middle_y(_around(line, boxes)) - middle)).append(
                index
            )
        else:
            lines.append([index])
    for line in lines:
        line.sort(key=lambda index: boxes[index][0])
    return sorted(lines, key=lambda line: _middle_y(_around(line, boxes)))


def _with_line(
    columns: list[dict[int, int]], line_index: int, line: list[int], boxes: Sequence[Sides]
) -> list[dict[int, int]]:
    """Return the columns with the boxes of one more line: in the best one each, or in a new one.

    The order from left to right stays, and the sum of what boxes share with their columns is the
    largest possible: a sequence alignment (Needleman and Wunsch 1970) without a price for gaps.
    """
    places = [_around(column.values(), boxes) for column in columns]
    shared = [[_shared(boxes[index], place, 0) for place in places] for index in line]
    best = [[0.0] * (len(columns) + 1) for _ in range(len(line) + 1)]
    for row, shares in enumerate(shared):
        for place, share in enumerate(shares):
            joined = best[row][place] + share if share >= _SAME_COLUMN else 0.0
            best[row + 1][place + 1] = max(joined, best[row][place + 1], best[row + 1][place])
    merged: list[dict[int, int]] = []  # from right to left
    between: list[tuple[float, dict[int, int]]] = []  # what the line and the columns don't share
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
            merged += _from_right(between)
            between = []
            merged.append({**columns[place], line_index: line[row]})
    merged += _from_right(between)
    return merged[::-1]


def _from_right(columns: list[tuple[float, dict[int, int]]]) -> list[dict[int, int]]:
    return [column for _, column in sorted(columns, key=lambda each: -each[0])]


def _around(indices: Collection[int], boxes: Sequence[Sides]) -> Sides:
    """Return a typical box of these: the median of each side, which one wide box can't move."""
    left, top, right, bottom = (
        median(boxes[index][side] for index in indices) for side in range(4)
    )
    return left, top, right, bottom


def _on_a_line(one: Sides, other: Sides) -> bool:
    return _shared(one, other, 1) >= _SAME_LINE


def _shared(one: Sides, other: Sides, axis: int) -> float:
    """Return the overlap along x (0) or y (1) as a share of the smaller extent; 0 or less: none."""
    overlap = min(one[axis + 2], other[axis + 2]) - max(one[axis], other[axis])
    return overlap / max(1.0, min(one[axis + 2] - one[axis], other[axis + 2] - other[axis]))


def _middle_x(box: Sides) -> float:
    return (box[0] + box[2]) / 2


def _middle_y(box: Sides) -> float:
    return (box[1] + box[3]) / 2
