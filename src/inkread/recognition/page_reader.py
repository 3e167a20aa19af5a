"""Reads whole pages: the layout model finds runs of writing, the line model reads each number."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from inkread import table
from inkread.decoding.constraints import Constraint
from inkread.imaging import ink, segmentation
from inkread.imaging.crops import Crop
from inkread.imaging.grids import Grid
from inkread.imaging.layout import PageLayout, TextRun, find_layout
from inkread.imaging.layout_options import LayoutOptions
from inkread.imaging.run_crops import RunCrop, cut_out
from inkread.imaging.run_groups import split_group
from inkread.imaging.segmentation import Region
from inkread.models.layout_model import LayoutModel
from inkread.recognition.line_reader import LineReader
from inkread.recognition.number_groups import NumberGroup, find_groups, join_neighbours
from inkread.recognition.number_reader import NumberReader
from inkread.recognition.number_tables import find_cell, list_table_cells, make_tables
from inkread.recognition.orientation import turn_box
from inkread.results import REJECTED, Box, Number, NumberTable

__all__ = ["LayoutReading", "PageReader"]

Grey = npt.NDArray[np.uint8]

_MIN_KNOWN_NUMBER = 0.8  # probability of "a number" by the layout model that is believed in tables
_MIN_PROBABILITY = 0.1  # that there is a number, and that it is the one that was read
_MIN_SPECK, _MAX_SPECK = 0.75, 0.35  # found less surely, and lower beside most: no writing
_MIN_MEAN_PROBABILITY = 0.5  # of "a number" by the layout model, and of its text by the line model
_MIN_READABLE_PX = 9.0  # height of writing below which reading fails
_NUM_TURNED = 16  # numbers that are read upside down as well, to see which way up a page is
_MIN_TURNED_DIGITS = 4  # fewer don't tell: a 6 may be a 9
_CLEAR_CONFIDENCE = 0.75  # mean confidence of the numbers of a page that surely isn't upside down
_MIN_TURNED_GAIN = 0.2  # in mean confidence
_MOST_ALONE_RUNS = 3  # on a picture of one number
_MIN_ALONE_SHARE = 0.8  # of all that was found, by area: inside the number
_MIN_ALONE_CONFIDENCE = 0.8  # of a number where the layout shows nothing else
_MIN_REJECTED_CONFIDENCE = 0.9  # of a reading without a digit, from which on there surely is none
_MIN_WIDE_GAP = 0.85  # between two numbers, in the heights of their digits
_MIN_WORD_GAP = 0.4  # the same between words, or a word and a number
_MIN_GAP_RATIO = 2.2  # the same beside the usual gap between digits


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


class PageReader:
    """Reads all numbers of a page."""

    def __init__(self, model: LayoutModel, lines: LineReader, alone: NumberReader) -> None:
        """Take the models.

        Args:
            model: finds what is where.
            lines: reads the numbers that were found.
            alone: reads pictures on which the layout shows no more than one number.
        """
        self._model, self._lines, self._alone = model, lines, alone

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
        turns = int(layout.is_sideways)
        if turns:
            page = np.ascontiguousarray(np.rot90(page))
            layout = find_layout(self._model.maps, page)
        found_grids, asked = find_groups(layout, options)
        read = self._read_groups(asked, page, layout, found_grids, constraint)
        if self._is_upside_down(read, page, layout, is_known=not turns):
            turns += 2
            page = np.ascontiguousarray(np.rot90(page, 2))
            layout = find_layout(self._model.maps, page)
            found_grids, asked = find_groups(layout, options)
            read = self._read_groups(asked, page, layout, found_grids, constraint)
        read = [each for each in read if _is_believed(*each)]
        if any(number.text.strip(REJECTED) for number, _ in read):  # words beside numbers
            read = [(number, group) for number, group in read if not _is_no_number(number)]
        numbers = [_describe(number, group) for number, group in read if not _is_speck(group, read)]
        if len(layout.runs) <= _MOST_ALONE_RUNS and not any(group.is_struck for group in asked):
            numbers = self._read_alone(numbers, page, layout, constraint)
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

    def _read_alone(
        self,
        numbers: list[Number],
        page: Grey,
        layout: PageLayout,
        constraint: Constraint | None,
    ) -> list[Number]:
        """Return the number of a picture of one number, by its ink where that is surer."""
        if not _may_be_one_line(layout.runs):
            return numbers
        number = self._alone.read(page, constraint)
        if number is None or _share_inside(layout.runs, number.box) < _MIN_ALONE_SHARE:
            return numbers
        if constraint is None and _find_wide_gaps(number):
            return numbers  # it is several
        is_sure = not number.rejected and number.confidence >= _MIN_ALONE_CONFIDENCE
        if not is_sure or any(each.confidence > number.confidence for each in numbers):
            return numbers
        printed = numbers[0].print_probability if numbers else 0.0
        return [replace(number, print_probability=printed)]

    def _is_upside_down(
        self,
        read: Sequence[tuple[Number, NumberGroup]],
        page: Grey,
        layout: PageLayout,
        *,
        is_known: bool,
    ) -> bool:
        """Whether numbers are read better if their page is turned by half a turn.

        Args:
            read: the numbers of the page.
            page: as it was read.
            layout: of the page.
            is_known: whether pages mostly lie as this one does, so that it is turned only where
                that is much better.
        """
        chosen = sorted(read, key=lambda each: -each[1].box_width)[:_NUM_TURNED]
        mean = float(np.mean([number.confidence for number, _ in chosen])) if chosen else 1.0
        if sum(len(number.digits) for number, _ in read) < _MIN_TURNED_DIGITS or (
            is_known and mean > _CLEAR_CONFIDENCE
        ):
            return False
        cut = [cut_out(group.runs, page, layout).crop for _, group in chosen]
        turned = [
            Crop(np.ascontiguousarray(crop.pixels[::-1, ::-1]), np.eye(2, 3), crop.pixels.shape)
            for crop in cut
        ]
        upright, upside_down = (
            float(np.mean([n.confidence for n in self._lines.read(each, None, [()] * len(each))]))
            for each in (cut, turned)
        )
        return upside_down > upright + (_MIN_TURNED_GAIN if is_known else 0.0)

    def _read_groups(
        self,
        groups: Sequence[NumberGroup],
        page: Grey,
        layout: PageLayout,
        found_grids: Sequence[Grid],
        constraint: Constraint | None,
    ) -> list[tuple[Number, NumberGroup]]:
        """Read each group; with a constraint, neighbours are joined if only that satisfies it."""

        def read(wanted: Sequence[NumberGroup], cells: Sequence[Box] = ()) -> list[Number]:
            cut = [cut_out(group.runs, page, layout) for group in wanted]
            pieces = [_pieces(each.crop) for each in cut]
            known = [_is_surely_number(group, cells) for group in wanted]
            numbers = self._lines.read([each.crop for each in cut], constraint, pieces, known)
            return [_move(number, each) for number, each in zip(numbers, cut, strict=True)]

        found = list(zip(read(groups, list_table_cells(found_grids)), groups, strict=True))
        if constraint is None:
            split = {
                index: [NumberGroup(runs) for runs in split_group(group.runs, cuts)]
                for index, (number, group) in enumerate(found)
                if (cuts := _find_wide_gaps(number))
            }
            several = [part for each in split.values() for part in each]
            kept = [each for index, each in enumerate(found) if index not in split]
            found = kept + list(zip(read(several), several, strict=True))
            return _leave_out_unused(found, read)
        if all(number.text for number, _ in found):
            return found
        joined = [
            NumberGroup(tuple(run for group in part for run in group.runs))
            for part in join_neighbours([group for _, group in found])
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


def _is_surely_number(group: NumberGroup, cells: Sequence[Box]) -> bool:
    """Whether runs are a number, so that the glyph model needn't be asked whether they are none.

    In tables the layout model tells so by what stands around them, where small and blurred digits
    look like none on their own. Of the places of a comb some may be crossed out.

    Args:
        group: the runs.
        cells: of the page's tables.
    """
    is_single = len(group.runs) == 1
    is_number = is_single and group.number >= _MIN_KNOWN_NUMBER
    return is_number and find_cell(group.box, cells) is not None


def _leave_out_unused(
    found: Sequence[tuple[Number, NumberGroup]],
    read: Callable[[Sequence[NumberGroup]], list[Number]],
) -> list[tuple[Number, NumberGroup]]:
    """Leave out the first and last places of numbers if what is in them surely is no digit.

    In the cells of a comb that a number doesn't need, people draw dashes and crosses.
    """
    left = []
    for number, group in found:
        runs = group.runs
        has_both = REJECTED in number.text and number.text.strip(REJECTED)
        if len(runs) > 1 and has_both:
            alone = read([NumberGroup((run,)) for run in runs])
            places = [index for index, each in enumerate(alone) if not _is_unused(each)]
            runs = runs[places[0] : places[-1] + 1] if places else runs
        if len(runs) == len(group.runs):
            left.append((number, group))
        else:
            used = NumberGroup(runs)
            left.append((read([used])[0], used))
    return left


def _is_unused(number: Number) -> bool:
    """Whether nothing was read, or what surely is no digit."""
    return not number.text or _is_no_number(number)


def _is_no_number(number: Number) -> bool:
    """Whether what was read surely has no digit in it: a word, a cross."""
    is_rejected = bool(number.text) and not number.text.strip(REJECTED)
    return is_rejected and number.confidence >= _MIN_REJECTED_CONFIDENCE


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
    least_gap = _MIN_WORD_GAP if REJECTED in number.text else _MIN_WIDE_GAP
    least = max(least_gap * height, _MIN_GAP_RATIO * usual)
    return [
        ((a.box.right + b.box.left) / 2, (a.box.top + a.box.bottom) / 2)
        for (a, b), gap, separator in zip(itertools.pairwise(digits), gaps, between, strict=True)
        if gap > least and not separator
    ]


def _move(number: Number, cut: RunCrop) -> Number:
    return number if cut.crop is cut.whole else number.with_boxes(cut.find_on_page)


def _pieces(crop: Crop) -> list[Region]:
    """Return the pieces of a crop's ink, from left to right, with their boxes on the page."""
    found = segmentation.find_single_line(ink.find_dark(crop.pixels))
    return [replace(region, box=crop.map_to_page(*region.box)) for region in found]


def _is_believed(number: Number, group: NumberGroup) -> bool:
    """Whether runs are a number, going by what both models say of them."""
    if group.is_struck or number.unconstrained:
        return True
    if not number.text or number.confidence * group.number * group.found < _MIN_PROBABILITY:
        return False
    return (group.number + number.confidence) / 2 >= _MIN_MEAN_PROBABILITY


def _share_inside(runs: Sequence[TextRun], box: Box) -> float:
    """Return the share of the area of runs whose middle is in a box; 1 if there are none."""
    areas = [run.width * run.height for run in runs]
    inside = [
        area for run, area in zip(runs, areas, strict=True) if find_cell(run.box, [box]) is not None
    ]
    return sum(inside) / sum(areas) if areas else 1.0


def _may_be_one_line(runs: Sequence[TextRun]) -> bool:
    """Whether most of the area of runs is on one line."""
    areas = [run.width * run.height for run in runs]
    rows = table.arrange_in_rows([run.box for run in runs])
    on_lines = [sum(areas[index] for index in row if index is not None) for row in rows]
    return max(on_lines, default=0.0) >= _MIN_ALONE_SHARE * sum(areas)


def _is_speck(group: NumberGroup, read: Sequence[tuple[Number, NumberGroup]]) -> bool:
    """Whether a group is much lower than the page's writing, and not surely writing at all."""
    heights = np.repeat([each.height for _, each in read], [each.box_width for _, each in read])
    return group.found < _MIN_SPECK and group.height < _MAX_SPECK * float(np.median(heights))


def _describe(number: Number, group: NumberGroup) -> Number:
    """Add what the layout says of a number: whether it is printed, and crossed out."""
    printed = 1 - group.handwritten
    number = number.with_boxes(partial(_clip, to=group.box))
    if not group.is_struck:
        # That it is a number at all, and that a hand wrote it, or a press, may be wrong, too.
        share = 1.0 if REJECTED in number.text else group.number * max(printed, 1 - printed)
        sure = number.confidence * share
        return replace(number, print_probability=printed, confidence=sure)
    return replace(
        number, text="", raw="", confidence=0.0, digits=(), rejected=True,
        print_probability=printed, struck=True,
    )  # fmt: skip


def _clip(box: Box, to: Box) -> Box:
    """Return what of a box is inside another, at least a pixel."""
    left, top = (min(max(box[k], to[k]), to[k + 2] - 1) for k in (0, 1))
    right, bottom = (
        max(left + 1, min(box.right, to.right)),
        max(top + 1, min(box.bottom, to.bottom)),
    )
    return Box(left, top, right, bottom)


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
