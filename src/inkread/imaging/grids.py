"""Finds ruled grids on a page: tables, combs and boxes, with their cells.

A grid is a connected piece of ruling in the layout network's ruling map; its cells are the holes of
that piece. Slanted, curved and partly faint rules are no special case, as long as they enclose.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread import table
from inkread.results import Box

__all__ = ["Grid", "find_grids", "is_comb", "join_combs"]

_MIN_RULING = 0.4  # probability from which on a pixel of the map is taken as ruling
_MIN_CELL_AREA = 3  # pixels of the map
_MAX_COMB_ASPECT = 1.5  # width over height of a comb's cells
_MAX_COMB_GAP = 0.8  # between the cells of a comb, in their widths
_MAX_COMB_DIFFERENCE = 0.25  # in height and place of neighbouring cells, in their heights


@dataclass(frozen=True)
class Grid:
    """A piece of ruling that encloses cells.

    Attributes:
        rows: cells from top to bottom, each row from left to right; ``None`` where a column has no
            cell in a row. Boxes are in pixels of the page.
    """

    rows: tuple[tuple[Box | None, ...], ...]

    @property
    def cells(self) -> list[Box]:
        """All cells, in reading order."""
        return [cell for row in self.rows for cell in row if cell]


def find_grids(ruling: npt.NDArray[np.float32], cell_px: float) -> list[Grid]:
    """Find the ruled grids of a page, with at least one cell each.

    Args:
        ruling: (H, W) float32 in [0, 1], the probability of ruling; level pages, or nearly so.
        cell_px: pixels of the page a pixel of the map, each way.

    Returns:
        The grids from top to bottom, by their first cells.
    """
    lines = (ruling > _MIN_RULING).astype(np.uint8)
    lines = np.asarray(cv2.morphologyEx(lines, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)))
    num_holes, holes, stats, _ = cv2.connectedComponentsWithStats(1 - lines, connectivity=4)
    _, pieces = cv2.connectedComponents(lines, connectivity=8)
    height, width = ruling.shape
    cells: dict[int, list[Box]] = {}
    for hole in range(1, num_holes):
        left, top, w, h, area = (int(value) for value in stats[hole])
        on_edge = left == 0 or top == 0 or left + w == width or top + h == height
        if area < _MIN_CELL_AREA or on_edge:
            continue
        # The piece of ruling around a hole is the one above any of its uppermost pixels.
        column = left + int(np.argmax(holes[top, left : left + w] == hole))
        piece = int(pieces[top - 1, column])
        box = Box(*(round(v * cell_px) for v in (left, top, left + w, top + h)))
        cells.setdefault(piece, []).append(box)
    grids = [
        Grid(
            tuple(
                tuple(None if index is None else boxes[index] for index in row)
                for row in table.arrange_in_rows(boxes)
            )
        )
        for boxes in cells.values()
    ]
    return sorted(grids, key=lambda grid: grid.cells[0][1::-1])


def is_comb(cells: list[Box]) -> bool:
    """Whether cells side by side are a comb: narrow and alike, for one digit each."""
    if len(cells) < 2:
        return False
    heights = [cell.bottom - cell.top for cell in cells]
    widths = [cell.right - cell.left for cell in cells]
    typical = float(np.median(widths))
    return (
        typical <= _MAX_COMB_ASPECT * float(np.median(heights))
        and max(widths) <= 1.6 * typical
        and min(widths) >= 0.5 * typical
    )


def join_combs(grids: list[Grid]) -> list[list[Box]]:
    """Find the combs: grids of one row of narrow cells, and boxes of one digit side by side.

    Args:
        grids: of a page.

    Returns:
        The cells of each comb from left to right.
    """
    single = [cell for grid in grids if len(grid.rows) == 1 for cell in grid.cells]
    chains: list[list[Box]] = []
    for cell in sorted(single):
        for chain in chains:
            if _continues(chain[-1], cell):
                chain.append(cell)
                break
        else:
            chains.append([cell])
    return [chain for chain in chains if is_comb(chain)]


def _continues(cell: Box, after: Box) -> bool:
    """Whether a cell is the next of a comb."""
    height = cell.bottom - cell.top
    gap = after.left - cell.right
    reach = _MAX_COMB_DIFFERENCE * height
    return (
        -reach <= gap <= _MAX_COMB_GAP * (cell.right - cell.left)
        and abs(after.top - cell.top) <= reach
        and abs(after.bottom - cell.bottom) <= reach
    )
