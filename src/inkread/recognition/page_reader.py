"""Reads whole pages: the layout model finds runs of writing, the line model reads each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from inkread import table
from inkread.decoding.constraints import Constraint
from inkread.imaging import grids, ink, segmentation
from inkread.imaging.crops import Crop
from inkread.imaging.grids import Grid
from inkread.imaging.layout import PageLayout, TextRun, find_layout
from inkread.imaging.layout_maps import DIRECTIONS
from inkread.imaging.segmentation import Region
from inkread.models.layout_model import LayoutModel
from inkread.recognition.line_reader import LineReader
from inkread.recognition.orientation import turn_box
from inkread.results import Box, Cell, Cells, LayoutOptions, Number, NumberTable

__all__ = ["LayoutReading", "PageReader"]

Grey = npt.NDArray[np.uint8]

_MARGIN = 0.18  # around a run, in its heights
_MIN_NUMBER_PROBABILITY = 0.1  # by the layout model; less is not read at all
_MIN_MEAN_PROBABILITY = 0.5  # of "a number" by the layout model, and of its text by the line model
_MIN_STRUCK_PROBABILITY = 0.5
_MAX_GAP = 1.2  # between digits of one number, without a rule between, in their heights
_MAX_HEIGHT_RATIO = 1.8  # of runs that are one number
_MIN_RULE_BETWEEN = 0.35  # mean probability of ruling along a line between two runs
_MIN_READABLE_PX = 9.0  # height of writing below which reading fails


@dataclass(frozen=True)
class LayoutReading:
    """What was read on a page.

    Attributes:
        numbers: in reading order, with boxes on the page as it came.
        tables: ruled grids of at least two rows and two columns.
        notes: what was seen and could not be read, in sentences.
        page: (H, W) uint8, the page turned as it was read.
        turns: by how many quarters it was turned anticlockwise.
    """

    numbers: tuple[Number, ...]
    tables: tuple[NumberTable, ...]
    notes: tuple[str, ...]
    page: Grey
    turns: int


@dataclass(frozen=True)
class _Found:
    """One number to read: its runs from left to right, and the crop around them."""

    runs: tuple[TextRun, ...]
    crop: Crop


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
        found = [
            _Found(runs, _crop_around(runs, page, layout))
            for runs in _group(layout, found_grids, options)
        ]
        cut = [each.crop for each in found]
        pieces = [_pieces(crop) for crop in cut]
        read = list(self._lines.read(cut, constraint, pieces))
        numbers = [
            _describe(number, each.runs)
            for number, each in zip(read, found, strict=True)
            if _is_believed(number, each.runs)
        ]
        in_order = [
            numbers[index]
            for row in table.arrange_in_rows([number.box for number in numbers])
            for index in row
            if index is not None
        ]
        tables = tuple(_fill(grid, in_order) for grid in found_grids if _is_table(grid))
        notes = tuple(_notes(layout, tables, in_order))
        if not turns:
            return LayoutReading(tuple(in_order), tables, notes, page, 0)

        def turn_back(box: Box) -> Box:
            return turn_box(box, -turns, page.shape)

        return LayoutReading(
            tuple(number.with_boxes(turn_back) for number in in_order),
            tuple(each.with_boxes(turn_back) for each in tables),
            notes,
            page,
            turns,
        )


def _group(
    layout: PageLayout, found_grids: Sequence[Grid], options: LayoutOptions
) -> list[tuple[TextRun, ...]]:
    """Return the runs of each number: parts with no rule between them, and the cells of combs."""
    numbers = [run for run in layout.runs if run.number >= _MIN_NUMBER_PROBABILITY]
    handwritten = [run for run in numbers if run.is_handwritten]
    # On a page without handwriting the print is what is asked for.
    wanted = numbers if options.printed or not handwritten else handwritten
    boxes = [_box_of(run) for run in wanted]
    combs = _combs(found_grids, options.cells)
    groups: list[tuple[TextRun, ...]] = []
    taken: set[int] = set()
    for comb in combs:
        members = sorted(
            (index for index, box in enumerate(boxes) if _cell_of(box, comb) is not None),
            key=lambda index: boxes[index].left,
        )
        if members and not taken & set(members):
            taken |= set(members)
            groups.append(tuple(wanted[index] for index in members))
    for row in table.arrange_in_rows(boxes):
        chain: list[int] = []
        for index in row:
            if index is None or index in taken:
                continue
            if chain and not _continues(wanted[chain[-1]], wanted[index], layout):
                groups.append(tuple(wanted[each] for each in chain))
                chain = []
            chain.append(index)
        if chain:
            groups.append(tuple(wanted[each] for each in chain))
    return groups


def _combs(found_grids: Sequence[Grid], cells: Cells) -> list[list[Box]]:
    if cells is Cells.SPLIT:
        return []
    combs = grids.join_combs(list(found_grids))
    if cells is Cells.JOIN:
        rows = [[cell for cell in row if cell] for grid in found_grids for row in grid.rows]
        combs += [row for row in rows if grids.is_comb(row) and row not in combs]
    return combs


def _cell_of(box: Box, cells: Sequence[Box]) -> int | None:
    """Return the index of the cell in which the middle of a box is."""
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    for index, cell in enumerate(cells):
        if cell.left <= x < cell.right and cell.top <= y < cell.bottom:
            return index
    return None


def _continues(run: TextRun, after: TextRun, layout: PageLayout) -> bool:
    """Whether two runs, from left to right, are parts of one number."""
    box, other = _box_of(run), _box_of(after)
    heights = sorted((run.height, after.height))
    if (
        other.left - box.right > _MAX_GAP * heights[1]
        or heights[1] > _MAX_HEIGHT_RATIO * heights[0]
    ):
        return False
    if run.is_handwritten != after.is_handwritten:
        return False
    overlap = other.left <= box.right
    return overlap or _ruling_between(run, after, layout) < _MIN_RULE_BETWEEN


def _ruling_between(run: TextRun, after: TextRun, layout: PageLayout) -> float:
    """Return the highest mean probability of ruling on a line across the gap of two runs."""
    ruling = layout.map("ruling")
    ends = np.stack([run.corners[1:3], after.corners[[0, 3]]]) / layout.cell_px - 0.5
    across = np.linspace(0.15, 0.85, 9)
    best = 0.0
    for along in np.linspace(0, 1, 9):
        top, bottom = ends[0] * (1 - along) + ends[1] * along
        points = top + across[:, None] * (bottom - top)
        columns = np.clip(np.rint(points[:, 0]).astype(int), 0, ruling.shape[1] - 1)
        rows = np.clip(np.rint(points[:, 1]).astype(int), 0, ruling.shape[0] - 1)
        best = max(best, float(ruling[rows, columns].mean()))
    return best


def _crop_around(runs: Sequence[TextRun], page: Grey, layout: PageLayout) -> Crop:
    """Cut the runs of one number out of a page, level, dark on light, without rules."""
    first = max(runs, key=lambda run: run.width)
    along = (first.corners[1] - first.corners[0]) / max(first.width, 1e-6)
    if len(runs) > 1:
        ends = runs[-1].corners.mean(axis=0) - runs[0].corners.mean(axis=0)
        along = ends / max(float(np.hypot(*ends)), 1e-6)
    down = np.array([-along[1], along[0]])
    points = np.concatenate([run.corners for run in runs])
    places = np.stack([points @ along, points @ down], axis=1)
    margin = _MARGIN * float(np.median([run.height for run in runs]))
    low, high = places.min(axis=0) - margin, places.max(axis=0) + margin
    size = np.maximum(np.ceil(high - low).astype(int), 2)
    to_page = np.column_stack([along, down, along * low[0] + down * low[1]])
    pixels = _warp(page, to_page, size)
    if np.median(pixels) < (int(pixels.min()) + int(pixels.max())) / 2:
        pixels = 255 - pixels
    to_map = to_page / layout.cell_px
    to_map[:, 2] -= 0.5
    ruling = _warp(layout.map("ruling"), to_map, size)
    writing = np.maximum(
        _warp(layout.map("handwriting"), to_map, size), _warp(layout.map("print"), to_map, size)
    )
    rules = np.clip((ruling - 0.4) * 4, 0, 1) * np.clip(1 - (writing - 0.3) * 3, 0, 1)
    paper = float(np.median(pixels))
    cleaned = pixels * (1 - rules) + np.maximum(pixels, paper) * rules
    return Crop(np.asarray(cleaned, np.uint8), to_page, (page.shape[0], page.shape[1]))


def _warp(
    image: npt.NDArray[Any], to_image: npt.NDArray[np.float64], size: npt.NDArray[np.int_]
) -> npt.NDArray[Any]:
    return np.asarray(
        cv2.warpAffine(
            image,
            to_image,
            (int(size[0]), int(size[1])),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def _pieces(crop: Crop) -> list[Region]:
    """Return the pieces of a crop's ink, from left to right, with their boxes on the page."""
    found = segmentation.find_single_line(ink.find_dark(crop.pixels))
    return [replace(region, box=crop.map_to_page(*region.box)) for region in found]


def _box_of(run: TextRun) -> Box:
    left, top = np.floor(run.corners.min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(run.corners.max(axis=0)).astype(int).tolist()
    return Box(left, top, right, bottom)


def _is_believed(number: Number, runs: Sequence[TextRun]) -> bool:
    """Whether runs are a number, going by what both models say of them."""
    if _is_struck(runs) or number.unconstrained:
        return True
    probability = float(np.mean([run.number for run in runs]))
    return bool(number.text) and (probability + number.confidence) / 2 >= _MIN_MEAN_PROBABILITY


def _is_struck(runs: Sequence[TextRun]) -> bool:
    return float(np.mean([run.struck for run in runs])) >= _MIN_STRUCK_PROBABILITY


def _describe(number: Number, runs: Sequence[TextRun]) -> Number:
    """Add what the layout says of a number: whether it is printed, and crossed out."""
    printed = 1 - float(np.mean([run.handwritten for run in runs]))
    if not _is_struck(runs):
        return replace(number, print_probability=printed)
    return replace(
        number, text="", raw="", confidence=0.0, digits=(), rejected=True,
        print_probability=printed, struck=True,
    )  # fmt: skip


def _is_table(grid: Grid) -> bool:
    return len(grid.rows) > 1 and len(grid.rows[0]) > 1


def _fill(grid: Grid, numbers: Sequence[Number]) -> NumberTable:
    """Return a grid with the number in each of its cells: the most probable one."""
    inside: dict[Box, Number] = {}
    cells = grid.cells
    for number in numbers:
        index = _cell_of(number.box, cells)
        if index is None:
            continue
        other = inside.get(cells[index])
        if other is None or other.confidence < number.confidence:
            inside[cells[index]] = number
    return NumberTable(
        tuple(
            tuple(None if box is None else Cell(box, inside.get(box)) for box in row)
            for row in grid.rows
        )
    )


def _notes(
    layout: PageLayout, tables: Sequence[NumberTable], numbers: Sequence[Number]
) -> Iterator[str]:
    """Say what was seen where little or nothing could be read."""
    if any(number.text and not number.rejected for number in numbers):
        return
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
