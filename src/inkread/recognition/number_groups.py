"""The numbers of a page that are to be read: groups of runs, chosen by what the layout says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from inkread import table
from inkread.imaging import grids
from inkread.imaging.grids import Grid
from inkread.imaging.layout import PageLayout, TextRun
from inkread.imaging.layout_options import Cells, LayoutOptions
from inkread.imaging.run_groups import group_runs
from inkread.recognition.number_tables import divide_evenly, find_cell, is_table
from inkread.results import Box, unite

__all__ = ["NumberGroup", "find_groups", "join_neighbours"]

_MIN_NUMBER_PROBABILITY = 0.1  # by the layout model; less is not read at all
_MIN_STRUCK_PROBABILITY = 0.5
_MOST_JOINED = 5  # parts of one number that are joined to satisfy a constraint
_MAX_JOINED_GAP = 2.5  # between two of them, in their heights


@dataclass(frozen=True)
class NumberGroup:
    """The runs of one number or word, from left to right."""

    runs: tuple[TextRun, ...]

    def _mean(self, values: Sequence[float]) -> float:
        return float(np.average(values, weights=[run.width for run in self.runs]))

    @property
    def number(self) -> float:
        """Probability that it is a number."""
        return self._mean([run.number for run in self.runs])

    @property
    def found(self) -> float:
        """Probability that there is something to read."""
        return self._mean([run.found for run in self.runs])

    @property
    def handwritten(self) -> float:
        """Probability that a hand wrote it."""
        return self._mean([run.handwritten for run in self.runs])

    @property
    def is_handwritten(self) -> bool:
        """Whether it is rather handwritten than printed."""
        return self.handwritten >= 0.5

    @property
    def is_struck(self) -> bool:
        """Whether it is crossed out."""
        return self._mean([run.struck for run in self.runs]) >= _MIN_STRUCK_PROBABILITY

    @property
    def height(self) -> float:
        """Of its highest run, in pixels."""
        return max(run.height for run in self.runs)

    @property
    def box_width(self) -> int:
        """From left to right, in pixels."""
        return self.box.right - self.box.left

    @property
    def box(self) -> Box:
        """Around it."""
        return unite([run.box for run in self.runs])


def find_groups(layout: PageLayout, options: LayoutOptions) -> tuple[list[Grid], list[NumberGroup]]:
    """Return the ruled grids of a page, and the groups of runs that are to be read."""
    found_grids = grids.find_grids(layout.map("ruling"), layout.cell_px)
    if options.grid and layout.runs:
        boxes = [run.box for run in layout.runs]
        found_grids = [divide_evenly(options.grid, found_grids, boxes)]
        options = replace(options, cells=Cells.SPLIT)
    groups = [NumberGroup(runs) for runs in group_runs(layout, found_grids, options.cells)]
    likely = [group for group in groups if group.number >= _MIN_NUMBER_PROBABILITY]
    return found_grids, _choose(likely, found_grids, printed=options.printed)


def _choose(
    groups: Sequence[NumberGroup], found_grids: Sequence[Grid], *, printed: bool
) -> list[NumberGroup]:
    """Return the groups that are asked for: handwritten ones, and printed values among them.

    In a table, a printed number is a value like the handwritten ones, not a heading, if numbers
    are written in its row and in its column. On a page without handwriting the print is what is
    asked for.
    """
    written = [group for group in groups if group.is_handwritten]
    if printed or not written:
        return list(groups)
    values: list[NumberGroup] = []
    for grid in filter(is_table, found_grids):
        cells = {
            cell: (row, column)
            for row, boxes in enumerate(grid.rows)
            for column, cell in enumerate(boxes)
            if cell
        }
        places = list(cells)
        filled = {
            cells[places[index]]
            for group in written
            if (index := find_cell(group.box, places)) is not None
        }
        rows, columns = {row for row, _ in filled}, {column for _, column in filled}
        inside = [
            (group, cells[places[index]])
            for group in groups
            if not group.is_handwritten and (index := find_cell(group.box, places)) is not None
        ]
        among = [group for group, (row, column) in inside if row in rows and column in columns]
        values += [group for group, _ in inside] if 2 * len(among) > len(inside) else []
    return [*written, *values]


def join_neighbours(groups: Sequence[NumberGroup]) -> Iterator[list[NumberGroup]]:
    """Give all stretches of neighbouring groups on a line, of two to a few of them."""
    for row in table.arrange_in_rows([group.box for group in groups]):
        line = [groups[index] for index in row if index is not None]
        for start in range(len(line)):
            for end in range(start + 2, min(len(line), start + _MOST_JOINED) + 1):
                left, right = line[end - 2], line[end - 1]
                gap = right.box.left - left.box.right
                if gap > _MAX_JOINED_GAP * max(left.height, right.height):
                    break
                yield line[start:end]
