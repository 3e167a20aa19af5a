"""Ruled things that people write into: tables, boxes, lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from inkread.training.synthesis.page_content import Area, PageContent
from inkread.training.synthesis.page_sheet import SheetCell, SheetTable, box_corners

__all__ = [
    "RuleStyle",
    "TableGrid",
    "box",
    "inset",
    "line",
    "rule_style",
    "table",
    "underline",
]

Fill = Callable[[int, int], tuple[str, float]]  # row and column to an entry and its alignment


@dataclass(frozen=True)
class RuleStyle:
    """How rules are drawn.

    Attributes:
        width_px: of a line.
        tone: its grey, in [0, 1].
        dash_px: length of its dashes; 0: drawn through.
        double_px: distance of a second line beside it; 0: none.
        by_hand: drawn with a pen, not quite straight.
    """

    width_px: float
    tone: float
    dash_px: float = 0.0
    double_px: float = 0.0
    by_hand: bool = False


@dataclass(frozen=True)
class TableGrid:
    """Where the cells of a table are: its corner, widths of columns, heights of rows, in pixels."""

    left: float
    top: float
    widths: Sequence[float]
    heights: Sequence[float]


def rule_style(content: PageContent) -> RuleStyle:
    """Choose how the rules of a table or field look."""
    rng, unit = content.rng, content.unit
    width = max(0.7, unit * float(np.exp(rng.uniform(np.log(0.025), np.log(0.14)))))
    tone = float(rng.choice([rng.uniform(0, 0.4), rng.uniform(0.3, 0.85)], p=[0.65, 0.35]))
    dash = float(rng.choice([0.0, width * rng.uniform(1.5, 4)], p=[0.87, 0.13]))
    double = float(rng.choice([0.0, width * rng.uniform(2.5, 5)], p=[0.93, 0.07]))
    return RuleStyle(width, tone, dash, double, rng.random() < 0.1)


def line(
    content: PageContent, start: tuple[float, float], end: tuple[float, float], style: RuleStyle
) -> None:
    """Draw one rule."""
    rng = content.rng
    points = [start, end]
    if style.by_hand:
        sway = 0.006 * (abs(end[0] - start[0]) + abs(end[1] - start[1])) + 0.5
        shares = np.linspace(0, 1, 5)
        points = [
            (
                start[0] + share * (end[0] - start[0]) + rng.normal(0, sway),
                start[1] + share * (end[1] - start[1]) + rng.normal(0, sway),
            )
            for share in shares
        ]
    content.sheet.rule(points, style.width_px, tone=style.tone, dash_px=style.dash_px)
    if style.double_px:
        level = abs(end[0] - start[0]) > abs(end[1] - start[1])
        shift = np.array([0.0, style.double_px] if level else [style.double_px, 0.0])
        moved = [(x + shift[0], y + shift[1]) for x, y in points]
        content.sheet.rule(moved, style.width_px, tone=style.tone)


def table(
    content: PageContent,
    grid: TableGrid,
    fill: Fill,
    *,
    longest: int = 4,
    every: int = 0,
    draw_comb: Callable[[Area], object] | None = None,
) -> Area:
    """Draw a table and fill it in.

    Args:
        content: of the page.
        grid: where its cells are.
        fill: says for a row and a column what to enter, and where in the cell.
        longest: characters of its numbers.
        every: every so many lines one is thick, as in a sudoku; 0: none.
        draw_comb: draws what is in a cell whose entry is "comb".

    Returns:
        Where it is.
    """
    rng = content.rng
    style = rule_style(content)
    xs = grid.left + np.concatenate([[0.0], np.cumsum(grid.widths)])
    ys = grid.top + np.concatenate([[0.0], np.cumsum(grid.heights)])
    num_rows, num_columns = len(grid.heights), len(grid.widths)
    look = "closed" if every else _LOOKS[rng.choice(len(_LOOKS), p=_LOOK_SHARES)]
    shaded = rng.random() < 0.25 and not every
    if shaded:
        tone = float(rng.uniform(0.6, 0.95))
        content.sheet.shade((xs[0], ys[0], xs[-1], ys[1]), tone)
        if rng.random() < 0.4:
            content.sheet.shade((xs[0], ys[1], xs[1], ys[-1]), tone)
    elif rng.random() < 0.08:  # every other row
        tone = float(rng.uniform(0.75, 0.95))
        for row in range(0, num_rows, 2):
            content.sheet.shade((xs[0], ys[row], xs[-1], ys[row + 1]), tone)
    merged = _merged(content, num_rows, num_columns) if not every else set()
    _draw_rules(content, (xs, ys), look, style, merged, every)
    cells = []
    for row in range(num_rows):
        column = 0
        while column < num_columns:
            span = 2 if (row, column) in merged else 1
            area = Area(xs[column], ys[row], xs[column + span], ys[row + 1])
            entry, align = fill(row, column)
            inner = inset(area, 0.5 * style.width_px + 0.06 * content.unit)
            text = None
            if entry != "comb":
                text = content.enter(entry, inner, align=align, longest=longest)
            elif draw_comb:
                draw_comb(inner)
            corners = box_corners(area.left, area.top, area.right, area.bottom)
            cells.append(SheetCell(row, column, corners, text))
            column += span
    corners = box_corners(xs[0], ys[0], xs[-1], ys[-1])
    content.sheet.tables.append(SheetTable(corners, tuple(cells)))
    return Area(xs[0], ys[0], xs[-1], ys[-1])


_LOOKS = ("closed", "open", "level", "upright", "framed", "none")
_LOOK_SHARES = (0.62, 0.1, 0.12, 0.04, 0.04, 0.08)


def _draw_rules(
    content: PageContent,
    places: tuple[np.ndarray, np.ndarray],
    look: str,
    style: RuleStyle,
    merged: set[tuple[int, int]],
    every: int,
) -> None:
    xs, ys = places
    thick = RuleStyle(style.width_px * content.rng.uniform(1.6, 3.2), style.tone)
    first, last = (1, -1) if look == "open" else (0, None)
    if look in ("closed", "open", "level"):
        for index, y in list(enumerate(ys))[first:last]:
            line(content, (xs[0], y), (xs[-1], y), thick if every and not index % every else style)
    if look in ("closed", "open", "upright"):
        for index, x in list(enumerate(xs))[first:last]:
            used = thick if every and not index % every else style
            for start, end in _unbroken(index, len(ys) - 1, merged):
                line(content, (x, ys[start]), (x, ys[end]), used)
    if look == "framed":
        for start, end in ((0, 0), (-1, -1)):
            line(content, (xs[0], ys[start]), (xs[-1], ys[end]), style)
            line(content, (xs[start], ys[0]), (xs[end], ys[-1]), style)


def _merged(content: PageContent, num_rows: int, num_columns: int) -> set[tuple[int, int]]:
    """Choose cells that are joined with the one on their right."""
    rng = content.rng
    if rng.random() < 0.75 or num_columns < 3:
        return set()
    count = int(rng.integers(1, 5))
    chosen: set[tuple[int, int]] = set()
    for _ in range(count):
        row, column = int(rng.integers(num_rows)), int(rng.integers(num_columns - 1))
        if not {(row, column - 1), (row, column + 1)} & chosen:
            chosen.add((row, column))
    return chosen


def _unbroken(index: int, num_rows: int, merged: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the stretches of an upright rule, as first and last row, that no merged cell cuts."""
    stretches, start = [], 0
    for row in range(num_rows + 1):
        if row == num_rows or (row, index - 1) in merged:
            if row > start:
                stretches.append((start, row))
            start = row + 1
    return stretches


def box(content: PageContent, area: Area, style: RuleStyle, *, closed: bool = True) -> None:
    """Draw a box; an open one lacks its top."""
    corners = [
        (area.left, area.top), (area.left, area.bottom), (area.right, area.bottom),
        (area.right, area.top),
    ]  # fmt: skip
    for start, end in pairwise(corners):
        line(content, start, end, style)
    if closed:
        line(content, corners[-1], corners[0], style)


def underline(content: PageContent, left: float, right: float, y: float) -> None:
    """Draw a line to write on, or dots."""
    rng, style = content.rng, rule_style(content)
    if rng.random() < 0.35:  # dots
        dot = max(1.0, content.unit * rng.uniform(0.03, 0.1))
        style = RuleStyle(dot, style.tone, dot * rng.uniform(1.2, 2.5))
    line(content, (left, y), (right, y + rng.normal(0, 0.004) * (right - left)), style)


def inset(area: Area, by: float) -> Area:
    """Return an area made smaller by so many pixels on each side."""
    return Area(area.left + by, area.top + by, area.right - by, area.bottom - by)
