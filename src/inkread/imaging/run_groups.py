"""Groups the runs of a page to numbers: digits that are written apart, and the cells of combs."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from inkread.imaging.grids import Grid, is_comb
from inkread.imaging.layout import PageLayout, TextRun
from inkread.imaging.layout_options import Cells
from inkread.results import Box

__all__ = ["group_runs", "split_group"]

_MIN_LINK = 0.5  # mean probability of a link between two runs from which on they are one number
_MIN_RULE = 0.35  # mean probability of ruling along a line across the gap of two runs
_MAX_GAP = 0.9  # between digits of one number, without a rule between, in the higher one's heights
_MAX_LINKED_GAP = 2.5  # the same of runs that are linked
_MAX_HEIGHT_RATIO = 1.8  # of runs that are one number
_MAX_LINKED_RATIO = 3.0  # the same of runs that are linked
_MAX_DRIFT = 0.5  # across the line, between neighbours, in the lower one's heights
_MAX_DIFFERENCE = 0.5  # between the probabilities that neighbours are numbers
_MAX_COLUMN_DRIFT = 0.3  # of pairs in the same two columns, in the distance of their runs
_MAX_COLUMN_REACH = 15.0  # from one to the other, in heights of the writing
_MAX_APART_RATIO = 1.4  # between the distances of their runs
_MIN_PIECE = 0.25  # least width of a piece of a run that is split, in its heights
_NUM_SAMPLES = 9  # places at which a map is looked at, along a line


@dataclass(frozen=True)
class _Pair:
    """A run and the next on its line.

    Attributes:
        run: the left one.
        after: the right one.
        gap: between them, in pixels; below 0 if they overlap.
        is_ruled: whether there is a rule between them.
        link: mean probability of a link from the middle of one to that of the other.
    """

    run: TextRun
    after: TextRun
    gap: float
    is_ruled: bool
    link: float


def group_runs(
    layout: PageLayout, found_grids: Sequence[Grid], cells: Cells = Cells.AUTO
) -> list[tuple[TextRun, ...]]:
    """Group runs that are one number or word, each from left to right.

    Args:
        layout: of the page.
        found_grids: its ruled grids.
        cells: what narrow cells with one character each are.

    Returns:
        Groups of at least one run; every run of the page is in one.
    """
    runs = layout.runs
    if not runs:
        return []
    after = _neighbours(runs)
    before: dict[int, int] = {}
    comb_rows = _comb_rows(found_grids) if cells is Cells.JOIN else []
    pairs = [
        _Pair(
            runs[index], runs[other], gap,
            is_ruled=gap > 0 and _ruling_between(layout, runs[index], runs[other]) >= _MIN_RULE,
            link=_link_between(layout, runs[index], runs[other]),
        )
        for index, (other, gap) in after.items()
    ]  # fmt: skip
    links = _average_in_columns(pairs)
    for (index, (other, gap)), pair, link in zip(after.items(), pairs, links, strict=True):
        if other in before and after[before[other]][1] <= gap:
            continue
        if _is_one(pair, link, cells, comb_rows):
            before[other] = index
    follows = {index: other for other, index in before.items()}
    groups = []
    for start in range(len(runs)):
        if start in before:
            continue
        chain = [start]
        while chain[-1] in follows:
            chain.append(follows[chain[-1]])
        groups.append(tuple(runs[index] for index in chain))
    return _split_at_cells(groups, found_grids) if cells is Cells.SPLIT else groups


def _split_at_cells(
    groups: Sequence[tuple[TextRun, ...]], found_grids: Sequence[Grid]
) -> list[tuple[TextRun, ...]]:
    """Split groups that reach over several cells of a row between the cells."""
    parts = []
    for group in groups:
        left, right = group[0].box.left, group[-1].box.right
        _, middle = np.concatenate([run.corners for run in group]).mean(axis=0)
        under = sorted(
            cell
            for grid in found_grids
            for cell in grid.cells
            if cell.top <= middle < cell.bottom and left < (cell.left + cell.right) / 2 < right
        )
        cuts = [((a.right + b.left) / 2, float(middle)) for a, b in itertools.pairwise(under)]
        parts += split_group(group, cuts)
    return parts


def _neighbours(runs: Sequence[TextRun]) -> dict[int, tuple[int, float]]:
    """Return for each run the next one on its line, and the gap between them in pixels."""
    centres = np.array([run.corners.mean(axis=0) for run in runs])
    widths = np.array([run.width for run in runs])
    heights = np.array([run.height for run in runs])
    sideways = np.array([run.sideways > 0.5 for run in runs])
    found: dict[int, tuple[int, float]] = {}
    for index, run in enumerate(runs):
        along = run.along
        places = centres - centres[index]
        forward, across = places @ along, places @ np.array([-along[1], along[0]])
        gaps = forward - (widths + widths[index]) / 2
        fits = (
            (forward > 0)
            & (np.abs(across) < _MAX_DRIFT * np.minimum(heights, heights[index]))
            & (gaps < _MAX_LINKED_GAP * np.maximum(heights, heights[index]))
            & (sideways == sideways[index])
        )
        fits[index] = False
        if fits.any():
            nearest = int(np.where(fits, forward, np.inf).argmin())
            found[index] = (nearest, float(gaps[nearest]))
    return found


def _average_in_columns(pairs: Sequence[_Pair]) -> list[float]:
    """Return how probably each pair is linked, going by the pairs above and below as well.

    In a table, two columns hold parts of one number in all rows or in none.
    """
    if not pairs:
        return []
    links = np.array([pair.link for pair in pairs])
    centres = np.array([[p.run.corners.mean(axis=0), p.after.corners.mean(axis=0)] for p in pairs])
    middles = centres.mean(axis=1)
    apart = np.hypot(*(centres[:, 1] - centres[:, 0]).T)
    heights = np.array([max(pair.run.height, pair.after.height) for pair in pairs])
    ruled = np.array([pair.is_ruled for pair in pairs])
    averages = links.copy()
    for index in np.flatnonzero(ruled):
        across, down = np.abs(middles - middles[index]).T
        beside = (
            ruled
            & (across < _MAX_COLUMN_DRIFT * apart[index])
            & (down < _MAX_COLUMN_REACH * heights[index])
            & (np.abs(np.log(apart / apart[index])) < np.log(_MAX_APART_RATIO))
        )
        averages[index] = links[beside].mean()
    return [float(average) for average in averages]


def _is_one(pair: _Pair, link: float, cells: Cells, comb_rows: Sequence[Sequence[Box]]) -> bool:
    """Whether two runs are parts of one number or word, linked with some probability."""
    run, after = pair.run, pair.after
    low, high = sorted((run.height, after.height))
    if high > _MAX_LINKED_RATIO * low:
        return False
    if pair.is_ruled and cells is Cells.SPLIT:
        return False
    if link >= _MIN_LINK or _are_in_one(comb_rows, run, after):
        return True
    return (
        not pair.is_ruled
        and pair.gap <= _MAX_GAP * high
        and high <= _MAX_HEIGHT_RATIO * low
        and run.is_handwritten == after.is_handwritten
        and abs(run.number - after.number) <= _MAX_DIFFERENCE
    )


def _link_between(layout: PageLayout, run: TextRun, after: TextRun) -> float:
    """Return the mean probability of a link between two runs, from the middle of each."""
    shares = np.linspace(0, 1, _NUM_SAMPLES)[:, None]
    first, last = run.corners.mean(axis=0), after.corners.mean(axis=0)
    return float(_sample(layout, "link", first + shares * (last - first)).mean())


def _ruling_between(layout: PageLayout, run: TextRun, after: TextRun) -> float:
    """Return the highest mean probability of ruling on a line across the gap of two runs."""
    ends = np.stack([run.corners[1:3], after.corners[[0, 3]]])
    across = np.linspace(0.15, 0.85, _NUM_SAMPLES)[:, None]
    best = 0.0
    for along in np.linspace(0, 1, _NUM_SAMPLES):
        top, bottom = ends[0] * (1 - along) + ends[1] * along
        best = max(best, float(_sample(layout, "ruling", top + across * (bottom - top)).mean()))
    return best


def _sample(
    layout: PageLayout, name: str, points: npt.NDArray[np.floating]
) -> npt.NDArray[np.float32]:
    """Look a map up at points, (N, 2) x and y in pixels of the page."""
    found = layout.map(name)
    places = np.rint(points / layout.cell_px - 0.5).astype(int)
    columns = np.clip(places[:, 0], 0, found.shape[1] - 1)
    rows = np.clip(places[:, 1], 0, found.shape[0] - 1)
    return np.asarray(found[rows, columns])


def _comb_rows(found_grids: Sequence[Grid]) -> list[list[Box]]:
    """Return the rows of narrow cells that are alike."""
    rows = [[cell for cell in row if cell] for grid in found_grids for row in grid.rows]
    return [row for row in rows if is_comb(row)]


def _are_in_one(comb_rows: Sequence[Sequence[Box]], run: TextRun, after: TextRun) -> bool:
    """Whether two runs are in neighbouring cells of one row."""
    for row in comb_rows:
        first, second = (_cell_of(each, row) for each in (run, after))
        if first is not None and second is not None:
            return second - first == 1
    return False


def _cell_of(run: TextRun, cells: Sequence[Box]) -> int | None:
    """Return the index of the cell in which the middle of a run is."""
    x, y = run.corners.mean(axis=0)
    for index, cell in enumerate(cells):
        if cell.left <= x < cell.right and cell.top <= y < cell.bottom:
            return index
    return None


def split_group(
    runs: Sequence[TextRun], cuts: Sequence[tuple[float, float]]
) -> list[tuple[TextRun, ...]]:
    """Split the runs of one number at places between its digits.

    Args:
        runs: from left to right.
        cuts: x and y of the places on the page, from left to right.

    Returns:
        The runs of each part, one more than the cuts; a run with a cut in it becomes two, unless
        the cut is near one of its ends: boxes of runs are a little larger than the writing.
    """
    parts: list[list[TextRun]] = [[]]
    left = list(runs)
    for cut in cuts:
        while left:
            run = left.pop(0)
            place = float((np.array(cut) - run.corners[0]) @ run.along)  # in pixels
            share, least = place / max(run.width, 1e-6), _MIN_PIECE * run.height
            if place <= min(least, run.width / 2):
                left.insert(0, run)
                break
            if run.width - place > least:
                middle = run.corners[[0, 3]] + share * (run.corners[[1, 2]] - run.corners[[0, 3]])
                first = np.stack([run.corners[0], middle[0], middle[1], run.corners[3]])
                second = np.stack([middle[0], run.corners[1], run.corners[2], middle[1]])
                parts[-1].append(replace(run, corners=first.astype(np.float32)))
                left.insert(0, replace(run, corners=second.astype(np.float32)))
                break
            parts[-1].append(run)
        parts.append([])
    parts[-1] += left
    return [tuple(part) for part in parts if part]
