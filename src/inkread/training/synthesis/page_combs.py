"""Places for one digit each that are one number together, and rows of them that are not.

The cells of a comb, and narrow columns under one heading, hold a character each of one number: the
runs in them are linked. Narrow columns with a heading each hold numbers of one digit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread.training.synthesis.page_content import Area, PageContent
from inkread.training.synthesis.page_print import printed_word
from inkread.training.synthesis.page_sheet import (
    HANDWRITING,
    PRINT,
    RULING,
    SheetCell,
    SheetRun,
    SheetTable,
    box_corners,
)
from inkread.training.synthesis.page_tables import RuleStyle, box, inset, line, rule_style

__all__ = ["bubbles", "comb", "comb_in", "digit_columns"]


@dataclass(frozen=True)
class _Comb:
    """What the cells of a comb look like, in pixels."""

    width: float
    height: float
    gap: float
    look: int  # 0: closed; 1: open at the top; 2: with low teeth
    style: RuleStyle
    faint: float  # tone of the figure that shows how to write; 0: none
    unused: str  # what is entered where there is no character


def comb(content: PageContent, left: float, top: float, text: str, empty: int = 0) -> Area:
    """Draw the places for the characters of a text, a cell each, and write them in.

    Each character is a run: a run never crosses a rule.

    Args:
        content: of the page.
        left: of the first cell, in pixels.
        top: the same.
        text: a character for each cell; a space leaves it empty.
        empty: more cells after the last, left empty.

    Returns:
        Where it is.
    """
    rng, unit = content.rng, content.unit
    gap = float(rng.choice([0.0, unit * rng.uniform(0.08, 0.6)], p=[0.65, 0.35]))
    shape = _shape(content, unit * rng.uniform(0.85, 1.8), unit * rng.uniform(1.1, 1.8), gap)
    return _draw(content, (left, top), shape, text + " " * empty)


def comb_in(content: PageContent, area: Area, count: int) -> Area:
    """Draw a comb of a number of cells into an area, such as a cell of a table, with a number."""
    rng, unit = content.rng, content.unit
    gap = float(rng.choice([0.0, unit * rng.uniform(0.1, 0.7)], p=[0.3, 0.7]))
    wide = min(unit * rng.uniform(0.9, 1.5), (area.width - (count - 1) * gap) / count * 0.94)
    shape = _shape(content, wide, min(area.height * 0.86, unit * rng.uniform(1.1, 1.6)), gap)
    total = count * wide + (count - 1) * gap
    left = area.left + (area.width - total) * rng.uniform(0.3, 0.7)
    top = area.top + (area.height - shape.height) * rng.uniform(0.3, 0.7)
    return _draw(content, (left, top), shape, _aligned_right(content, count))


def digit_columns(content: PageContent, area: Area) -> Area:
    """Draw a table of narrow columns, a digit in each.

    Either some columns side by side have one heading, and a number is written across them, or each
    column has a heading of its own: a letter, a number, or nothing.
    """
    rng, unit = content.rng, content.unit
    width, tall = unit * rng.uniform(0.85, 1.5), unit * rng.uniform(1.1, 1.9)
    group = int(rng.integers(2, 6)) if rng.random() < 0.6 else 1
    num_columns = int(min(16, area.width / width))
    num_columns -= num_columns % group
    num_rows = min(int(rng.integers(1, 12)), int(area.height / tall) - 1)
    if num_columns < 2 or num_rows < 1:
        return Area(area.left, area.top, area.left, area.top)
    style = rule_style(content)
    thick = RuleStyle(style.width_px * rng.uniform(1.0, 3.0), style.tone)
    gap = unit * float(rng.choice([0.0, rng.uniform(0.2, 1.5)])) if group > 1 else 0.0
    lefts = [area.left + k * width + (k // group) * gap for k in range(num_columns)]
    head = area.top + unit * rng.uniform(1.0, 1.8)
    bottom = head + num_rows * tall
    for index, x in enumerate(lefts):
        is_first = index % group == 0
        used = thick if is_first else style
        line(content, (x, area.top if is_first else head), (x, bottom), used)
        if index == num_columns - 1 or (gap and (index + 1) % group == 0):
            line(content, (x + width, area.top), (x + width, bottom), thick)
        if is_first:
            end = x + group * width
            place = inset(Area(x, area.top, end, head), 0.1 * unit)
            for y in (area.top, *(head + k * tall for k in range(num_rows + 1))):
                line(content, (x, y), (end, y), style)
            _print_heading(content, place, index, alone=group == 1)
    cells = []
    for row in range(num_rows):
        top = head + row * tall
        for first in range(0, num_columns, group):
            text = _aligned_right(content, group) if group > 1 else _digit(content)
            places = [
                inset(Area(x, top, x + width, top + tall), 0.5 * style.width_px)
                for x in lefts[first : first + group]
            ]
            unused = str(rng.choice(["empty", "dash", "crossed"], p=(0.8, 0.12, 0.08)))
            written = _write(content, places, text, unused, linked=group > 1)
            cells += [
                SheetCell(row, first + k, box_corners(p.left, p.top, p.right, p.bottom), entry)
                for k, (p, entry) in enumerate(zip(places, written, strict=True))
            ]
    found = Area(area.left, area.top, lefts[-1] + width, bottom)
    corners = box_corners(found.left, found.top, found.right, found.bottom)
    content.sheet.tables.append(SheetTable(corners, tuple(cells)))
    return found


def bubbles(content: PageContent, area: Area) -> Area:
    """Print digits in rings, in rows or columns, to be filled in; some are."""
    rng, unit = content.rng, content.unit
    side = unit * rng.uniform(0.7, 1.4)
    step = side * rng.uniform(1.05, 1.5)
    columns = min(int(rng.integers(1, 13)), int(area.width / step))
    rows = min(int(rng.integers(1, 11)), int(area.height / step))
    scale = 0.62 * side / (0.72 * content.printer.size_px)
    upright = rng.random() < 0.6
    pen = max(1, round(side * rng.uniform(0.03, 0.09)))
    for row in range(rows):
        for column in range(columns):
            x, y = area.left + column * step, area.top + row * step
            ring = np.zeros((round(side) + 3, round(side) + 3), np.uint8)
            middle = (ring.shape[1] // 2, ring.shape[0] // 2)
            cv2.circle(ring, middle, max(2, round(side / 2) - 1), 255, pen, cv2.LINE_AA)
            content.sheet.lay(_as_ink(ring), x, y, PRINT, tone=content.printer.tone)
            if rng.random() < 0.1:
                cv2.circle(ring, middle, max(2, round(side * 0.45)), 255, -1, cv2.LINE_AA)
                content.sheet.lay(_as_ink(ring), x, y, HANDWRITING, tone=content.writer.tone)
                continue
            digit = (row if upright else column) % 10
            place = Area(x, y, x + side, y + side)
            content.print_text(str(digit), place, align=0.5, scale=scale)
    return Area(area.left, area.top, area.left + columns * step, area.top + rows * step)


def _shape(content: PageContent, width: float, height: float, gap: float) -> _Comb:
    rng = content.rng
    look = rng.choice(3, p=(0.75, 0.15, 0.1)) if not gap else rng.choice(2, p=(0.85, 0.15))
    faint = float(rng.uniform(0.5, 0.9)) * (rng.random() < 0.12)
    unused = str(rng.choice(["empty", "crossed", "dash"], p=(0.84, 0.12, 0.04)))
    return _Comb(width, height, gap, int(look), rule_style(content), faint, unused)


def _draw(content: PageContent, corner: tuple[float, float], shape: _Comb, text: str) -> Area:
    (left, top), style, height = corner, shape.style, shape.height
    right = left + len(text) * shape.width + (len(text) - 1) * shape.gap
    upper = top if shape.look < 2 else top + 0.6 * height
    if not shape.gap:
        line(content, (left, top + height), (right, top + height), style)
        if shape.look == 0:
            line(content, (left, top), (right, top), style)
        line(content, (right, upper), (right, top + height), style)
    areas = []
    for index in range(len(text)):
        x = left + index * (shape.width + shape.gap)
        area = Area(x, top, x + shape.width, top + height)
        if shape.gap:
            box(content, area, style, closed=shape.look == 0)
        else:
            line(content, (x, upper), (x, top + height), style)
        areas.append(area)
        if shape.faint:  # how digits are to be written
            inner = inset(area, 0.5 * style.width_px)
            content.sheet.lay(_eight(inner), inner.left, inner.top, RULING, tone=shape.faint)
    places = [inset(area, 0.5 * style.width_px) for area in areas]
    written = _write(content, places, text, shape.unused, linked=True)
    cells = tuple(
        SheetCell(0, k, box_corners(area.left, area.top, area.right, area.bottom), entry)
        for k, (area, entry) in enumerate(zip(areas, written, strict=True))
    )
    corners = box_corners(left, top, right, top + height)
    content.sheet.tables.append(SheetTable(corners, cells, comb=True))
    return Area(left, top, right, top + height)


def _write(
    content: PageContent, places: Sequence[Area], text: str, unused: str, *, linked: bool
) -> list[str | None]:
    """Write a character into each place, and link those of neighbouring places."""
    written: list[str | None] = []
    before: SheetRun | None = None
    for place, character in zip(places, text, strict=True):
        entry = None
        if character != " ":
            entry = content.write_text(character, place)
        elif unused != "empty":
            content.enter(unused, place)
        after = content.sheet.runs[-1] if entry is not None else None
        if linked and before is not None and after is not None:
            content.sheet.link(before, after)
        before = after
        written.append(entry)
    return written


def _aligned_right(content: PageContent, count: int) -> str:
    """Think of what is written into places of a number: digits, the first ones perhaps unused."""
    rng = content.rng
    if rng.random() < 0.12:
        return " " * count
    used = count if rng.random() < 0.6 else int(rng.integers(1, count + 1))
    digits = "".join(_digit(content) for _ in range(used))
    return digits.rjust(count) if rng.random() < 0.85 else digits.ljust(count)


def _digit(content: PageContent) -> str:
    # Ones look like rules: there are more of them than of the others.
    return str(content.rng.choice(10, p=(0.1, 0.25, *[0.65 / 8] * 8)))


def _print_heading(content: PageContent, place: Area, index: int, *, alone: bool) -> None:
    rng = content.rng
    text = printed_word(rng)
    if alone:
        text = str(rng.choice(["abcdefghijklmnop"[index % 16], str(index + 1), text[:3]]))
    scale = min(1.0, 0.8 * place.height / content.printer.size_px)
    content.print_text(text, place, align=0.5, scale=scale * rng.uniform(0.7, 1.0))


def _as_ink(canvas: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return np.asarray(canvas * np.float32(1 / 255), np.float32)


def _eight(area: Area) -> npt.NDArray[np.float32]:
    """Draw the figure of seven bars that some forms print into the cells of a comb."""
    width, height = max(6, round(area.width)), max(8, round(area.height))
    canvas = np.zeros((height, width), np.float32)
    x0, x1 = round(0.22 * width), round(0.78 * width)
    y0, y1 = round(0.12 * height), round(0.88 * height)
    thick = max(1, round(0.03 * height))
    for k in range(thick):
        canvas[y0 : y1 + 1, [x0 + k, x1 - k]] = 1
        canvas[[y0 + k, (y0 + y1) // 2 + k, y1 - k], x0 : x1 + 1] = 1
    return canvas
