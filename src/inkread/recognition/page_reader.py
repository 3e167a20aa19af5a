"""Reads whole pages: the layout model finds runs of writing, the line model reads each number."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from inkread import table
from inkread.decoding.constraints import Constraint
from inkread.imaging import grids, ink, segmentation
from inkread.imaging.crops import Crop
from inkread.imaging.grids import Grid
from inkread.imaging.layout import PageLayout, TextRun, find_layout
from inkread.imaging.layout_maps import DIRECTIONS
from inkread.imaging.layout_options import Cells, LayoutOptions
from inkread.imaging.run_crops import RunCrop, cut_out
from inkread.imaging.run_groups import group_runs, split_group
from inkread.imaging.segmentation import Region
from inkread.models.layout_model import LayoutModel
from inkread.recognition.line_reader import LineReader
from inkread.recognition.number_tables import divide_evenly, find_cell, is_table, make_tables
from inkread.recognition.orientation import turn_box
from inkread.results import Box, Number, NumberTable

__all__ = ["LayoutReading", "PageReader"]

Grey = npt.NDArray[np.uint8]

_MIN_NUMBER_PROBABILITY = 0.1  # by the layout model; less is not read at all
_MIN_MEAN_PROBABILITY = 0.5  # of "a number" by the layout model, and of its text by the line model
_MIN_STRUCK_PROBABILITY = 0.5
_MIN_READABLE_PX = 9.0  # height of writing below which reading fails
_MIN_WIDE_GAP = 0.7  # between two numbers, in the heights of their digits
_MIN_GAP_RATIO = 2.2  # the same beside the usual gap between digits
_MOST_JOINED = 5  # parts of one number that are joined to satisfy a constraint
_MAX_JOINED_GAP = 2.5  # between two of them, in their heights


@dataclass(frozen=True)
class LayoutReading:
    """What was read on a page.

    Attributes:
        numbers: in reading order, with boxes on the page as it came.
        tables: ruled tables, and one that numbers form by their alignment.
        notes: what was seen and could not be read, in sentences.
        turns: by how many quarters anticlockwise the page was turned to be read.
    """

    numbers: tuple[Number, ...]
    tables: tuple[NumberTable, ...]
    notes: tuple[str, ...]
    turns: int


@dataclass(frozen=True)
class _Group:
    """The runs of one number or word, from left to right."""

    runs: tuple[TextRun, ...]

    def _mean(self, values: Sequence[float]) -> float:
        return float(np.average(values, weights=[run.width for run in self.runs]))

    @property
    def number(self) -> float:
        """Probability that it is a number."""
        return self._mean([run.number for run in self.runs])

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
    def box(self) -> Box:
        """Around it."""
        boxes = [run.box for run in self.runs]
        return Box(
            min(box.left for box in boxes),
            min(box.top for box in boxes),
            max(box.right for box in boxes),
            max(box.bottom for box in boxes),
        )


class PageReader:
    """Reads all numbers of a page."""

    def __init__(self, model: LayoutModel, lines: LineReader) -> None:
        """Take the models.

        Args:
            model: finds what is where.
            lines: reads the numbers that were found.
        """
        self._model, self._lines = model, lines

    def read(
        self, page: Grey, options: LayoutOptions, constraint: Constraint | None
    ) -> LayoutReading:
        """Read the numbers of a page, whichever way up it is.

        Args:
            page: (H, W) uint8, grey.
            options: how.
            constraint: what is known of every number; ``None``: nothing.
        """
        layout = find_layout(self._model.maps, page)
        turns = DIRECTIONS.index(layout.upside)
        if turns:  # counter-clockwise, so that the tops of the writing point up
            page = np.ascontiguousarray(np.rot90(page, turns))
            layout = find_layout(self._model.maps, page)
        found_grids = grids.find_grids(layout.map("ruling"), layout.cell_px)
        if options.grid and layout.runs:
            boxes = [run.box for run in layout.runs]
            found_grids = [divide_evenly(options.grid, found_grids, boxes)]
            options = replace(options, cells=Cells.SPLIT)
        groups = [_Group(runs) for runs in group_runs(layout, found_grids, options.cells)]
        asked = _choose(
            [group for group in groups if group.number >= _MIN_NUMBER_PROBABILITY],
            found_grids,
            printed=options.printed,
        )
        read = self._read_groups(asked, page, layout, constraint)
        numbers = [
            _describe(number, group) for number, group in read if _is_believed(number, group)
        ]
        in_order = [
            numbers[index]
            for row in table.arrange_in_rows([number.box for number in numbers])
            for index in row
            if index is not None
        ]
        tables = make_tables(found_grids, in_order)
        notes = tuple(_describe_unread(layout, tables, in_order))

        def turn_back(box: Box) -> Box:
            return turn_box(box, -turns, page.shape)

        return LayoutReading(
            tuple(number.with_boxes(turn_back) for number in in_order),
            tuple(each.with_boxes(turn_back) for each in tables),
            notes,
            turns,
        )

    def _read_groups(
        self,
        groups: Sequence[_Group],
        page: Grey,
        layout: PageLayout,
        constraint: Constraint | None,
    ) -> list[tuple[Number, _Group]]:
        """Read each group; with a constraint, neighbours are joined if only that satisfies it."""

        def read(wanted: Sequence[_Group]) -> list[Number]:
            cut = [cut_out(group.runs, page, layout) for group in wanted]
            pieces = [_pieces(each.crop) for each in cut]
            numbers = self._lines.read([each.crop for each in cut], constraint, pieces)
            return [_move(number, each) for number, each in zip(numbers, cut, strict=True)]

        found = list(zip(read(groups), groups, strict=True))
        if constraint is None:
            split = {
                index: [_Group(runs) for runs in split_group(group.runs, cuts)]
                for index, (number, group) in enumerate(found)
                if (cuts := _find_wide_gaps(number))
            }
            parts = [part for each in split.values() for part in each]
            kept = [each for index, each in enumerate(found) if index not in split]
            return kept + list(zip(read(parts), parts, strict=True))
        if all(number.text for number, _ in found):
            return found
        joined = [
            _Group(tuple(run for group in part for run in group.runs))
            for part in _join_neighbours([group for _, group in found])
        ]
        satisfying = [
            (number, group)
            for number, group in zip(read(joined), joined, strict=True)
            if number.text
        ]
        satisfying.sort(key=lambda each: -each[0].confidence)
        for number, group in satisfying:
            parts = [
                each for each in found if set(map(id, each[1].runs)) <= set(map(id, group.runs))
            ]
            covered = sum(len(each[1].runs) for each in parts)
            if covered == len(group.runs) and not any(part.text for part, _ in parts):
                found = [each for each in found if each not in parts] + [(number, group)]
        return found


def _find_wide_gaps(number: Number) -> list[tuple[float, float]]:
    """Return where a number is several: at gaps that are wide beside its others and its digits."""
    digits = sorted(number.digits, key=lambda digit: digit.box.left)
    if len(digits) < 3:
        return []
    between = re.split(r"[0-9?]", number.raw)[1:-1]
    gaps = [max(0, b.box.left - a.box.right) for a, b in itertools.pairwise(digits)]
    if len(between) != len(gaps):
        return []
    height = float(np.median([digit.box.bottom - digit.box.top for digit in digits]))
    usual = sorted(gaps)[(len(gaps) - 1) // 2]
    least = max(_MIN_WIDE_GAP * height, _MIN_GAP_RATIO * usual)
    return [
        ((a.box.right + b.box.left) / 2, (a.box.top + a.box.bottom) / 2)
        for (a, b), gap, separator in zip(itertools.pairwise(digits), gaps, between, strict=True)
        if gap > least and not separator
    ]


def _move(number: Number, cut: RunCrop) -> Number:
    return number if cut.crop is cut.whole else number.with_boxes(cut.find_on_page)


def _choose(
    groups: Sequence[_Group], found_grids: Sequence[Grid], *, printed: bool
) -> list[_Group]:
    """Return the groups that are asked for: handwritten ones, and printed values among them.

    In a table, a printed number is a value like the handwritten ones, not a heading, if numbers
    are written in its row and in its column. On a page without handwriting the print is what is
    asked for.
    """
    written = [group for group in groups if group.is_handwritten]
    if printed or not written:
        return list(groups)
    values: list[_Group] = []
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


def _join_neighbours(groups: Sequence[_Group]) -> Iterator[list[_Group]]:
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


def _pieces(crop: Crop) -> list[Region]:
    """Return the pieces of a crop's ink, from left to right, with their boxes on the page."""
    found = segmentation.find_single_line(ink.find_dark(crop.pixels))
    return [replace(region, box=crop.map_to_page(*region.box)) for region in found]


def _is_believed(number: Number, group: _Group) -> bool:
    """Whether runs are a number, going by what both models say of them."""
    if group.is_struck or number.unconstrained:
        return True
    return bool(number.text) and (group.number + number.confidence) / 2 >= _MIN_MEAN_PROBABILITY


def _describe(number: Number, group: _Group) -> Number:
    """Add what the layout says of a number: whether it is printed, and crossed out."""
    printed = 1 - group.handwritten
    if not group.is_struck:
        return replace(number, print_probability=printed)
    return replace(
        number, text="", raw="", confidence=0.0, digits=(), rejected=True,
        print_probability=printed, struck=True,
    )  # fmt: skip


def _describe_unread(
    layout: PageLayout, tables: Sequence[NumberTable], numbers: Sequence[Number]
) -> Iterator[str]:
    """Say what was seen where little or nothing could be read."""
    if any(number.text and not number.rejected for number in numbers):
        return
    if not layout.runs:
        yield "no writing found"
    for each in tables:
        yield f"a table of {len(each.rows)} by {len(each.rows[0])} cells"
    heights = [run.height for run in layout.runs]
    if heights and (typical := float(np.median(heights))) < _MIN_READABLE_PX:
        yield f"writing too small: {typical:.0f} px high; scan at 200 dpi or more"
    printed = sum(not run.is_handwritten for run in layout.runs)
    words = sum(run.number < _MIN_MEAN_PROBABILITY for run in layout.runs)
    if printed:
        yield f"{printed} printed words or numbers"
    if words - printed > 0:
        yield f"{words - printed} handwritten words"
