"""Arranges the numbers of a page in tables: ruled ones, known ones, and ones by alignment alone."""

from collections.abc import Sequence

import numpy as np

from inkread import table
from inkread.imaging.grids import Grid
from inkread.results import Box, Cell, Number, NumberTable, unite

__all__ = ["divide_evenly", "find_cell", "is_table", "list_table_cells", "make_tables"]

_MIN_FILLED = 0.6  # share of the places that are filled where alignment alone makes a table

Rows = tuple[tuple[Box | None, ...], ...]


def make_tables(found_grids: Sequence[Grid], numbers: Sequence[Number]) -> tuple[NumberTable, ...]:
    """Arrange numbers in the tables of a page.

    Args:
        found_grids: the page's ruled grids; those of one row or one column are no tables.
        numbers: of the page.

    Returns:
        The ruled tables from top to bottom, also where nothing is written; then, of the numbers
        that are in none of them, the table that they form by their alignment, if they form one.
        A cell holds one number: of several the most confident one.
    """
    tables, left = [], list(numbers)
    for grid in found_grids:
        if not is_table(grid):
            continue
        rows = _merge_columns(grid.rows, numbers)
        tables.append(_fill(rows, numbers))
        left = [number for number in left if find_cell(number.box, grid.cells) is None]
    aligned = _align(left)
    return (*tables, aligned) if aligned else tuple(tables)


def is_table(grid: Grid) -> bool:
    """Whether a ruled grid has at least two rows and two columns."""
    return len(grid.rows) > 1 and len(grid.rows[0]) > 1


def list_table_cells(found: Sequence[Grid]) -> list[Box]:
    """Return the cells of those ruled grids that are tables."""
    return [cell for grid in filter(is_table, found) for row in grid.rows for cell in row if cell]


def find_cell(box: Box, cells: Sequence[Box]) -> int | None:
    """Return the index of the cell in which the middle of a box is."""
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    for index, cell in enumerate(cells):
        if cell.left <= x < cell.right and cell.top <= y < cell.bottom:
            return index
    return None


def divide_evenly(size: tuple[int, int], found_grids: Sequence[Grid], boxes: Sequence[Box]) -> Grid:
    """Return the grid of a known number of rows and columns.

    Args:
        size: how many rows and columns.
        found_grids: the page's ruled grids: if one has that size, it is the one; else the place of
            the one with the most cells is divided evenly.
        boxes: of what is written, whose place is divided where nothing is ruled; at least one
            where there are no grids.
    """
    num_rows, num_columns = size
    for grid in found_grids:
        if len(grid.rows) == num_rows and len(grid.rows[0]) == num_columns:
            return grid
    inside = max((grid.cells for grid in found_grids), key=len, default=[])
    places = np.array(inside if len(inside) > 3 else boxes, float)
    corners = np.concatenate([places[:, :2], places[:, [2, 1]], places[:, 2:], places[:, [0, 3]]])
    # The corners of a sheet that may lean: the farthest points along both diagonals.
    total, difference = corners.sum(axis=1), corners[:, 0] - corners[:, 1]
    top_left, bottom_right = corners[total.argmin()], corners[total.argmax()]
    top_right, bottom_left = corners[difference.argmax()], corners[difference.argmin()]

    def point(row: float, column: float) -> np.ndarray:
        down, across = row / num_rows, column / num_columns
        upper = top_left + across * (top_right - top_left)
        lower = bottom_left + across * (bottom_right - bottom_left)
        return np.asarray(upper + down * (lower - upper))

    def cell(row: int, column: int) -> Box:
        around = [point(row + y, column + x) for y in (0, 1) for x in (0, 1)]
        middle = point(row + 0.5, column + 0.5)
        half = np.abs(np.array(around) - middle).mean(axis=0)
        return Box(*(round(float(value)) for value in (*(middle - half), *(middle + half))))

    return Grid(tuple(tuple(cell(r, c) for c in range(num_columns)) for r in range(num_rows)))


def _merge_columns(rows: Rows, numbers: Sequence[Number]) -> Rows:
    """Join columns that hold parts of the same numbers, as the cells of combs in a table do."""
    boxes = [number.box for number in numbers]
    across, apart = np.zeros(len(rows[0]), int), np.zeros(len(rows[0]), int)
    for row in rows:
        known = [cell for cell in row if cell]
        low, high = min(cell.top for cell in known), max(cell.bottom for cell in known)
        inside = [box for box in boxes if low <= (box.top + box.bottom) / 2 < high]
        owners = [
            next((box for box in inside if _covers(box, cell)), None) if cell else None
            for cell in row
        ]
        for column in range(1, len(row)):
            first, second = owners[column - 1], owners[column]
            if first is not None and second is not None:
                across[column] += first == second
                apart[column] += first != second
    starts = [column for column in range(len(rows[0])) if across[column] <= apart[column]]
    if starts == list(range(len(rows[0]))):
        return rows
    ends = [*starts[1:], len(rows[0])]
    return tuple(
        tuple(
            unite(cells) if (cells := [cell for cell in row[first:end] if cell]) else None
            for first, end in zip(starts, ends, strict=True)
        )
        for row in rows
    )


def _covers(box: Box, cell: Box) -> bool:
    """Whether the middle of a cell is in a box, or the middle of the box in the cell."""
    x, y = (cell.left + cell.right) / 2, (box.top + box.bottom) / 2
    is_over = box.left <= x < box.right and cell.top <= y < cell.bottom
    return is_over or find_cell(box, [cell]) is not None


def _fill(rows: Rows, numbers: Sequence[Number]) -> NumberTable:
    """Return a grid with the number in each of its cells."""
    cells = [cell for row in rows for cell in row if cell]
    inside: dict[Box, Number] = {}
    for number in numbers:
        index = find_cell(number.box, cells)
        if index is None:
            continue
        other = inside.get(cells[index])
        if other is None or other.confidence < number.confidence:
            inside[cells[index]] = number
    return NumberTable(
        tuple(
            tuple(None if cell is None else Cell(cell, inside.get(cell)) for cell in row)
            for row in rows
        )
    )


def _align(numbers: Sequence[Number]) -> NumberTable | None:
    """Return the table that numbers form without rules; ``None`` if they don't form one."""
    places = table.arrange_in_rows([number.box for number in numbers])
    if len(places) < 2 or len(places[0]) < 2:
        return None
    filled = sum(index is not None for row in places for index in row)
    if filled < _MIN_FILLED * len(places) * len(places[0]):
        return None

    def bound(indices: Sequence[int | None]) -> Box:
        return unite([numbers[index].box for index in indices if index is not None])

    across = [bound([row[column] for row in places]) for column in range(len(places[0]))]
    down = [bound(row) for row in places]
    return NumberTable(
        tuple(
            tuple(
                Cell(
                    Box(column.left, row.top, column.right, row.bottom),
                    None if index is None else numbers[index],
                )
                for column, index in zip(across, indices, strict=True)
            )
            for row, indices in zip(down, places, strict=True)
        )
    )
