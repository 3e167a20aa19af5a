"""The kinds of pages that people write numbers on, a function each that fills a sheet."""

from collections.abc import Callable
from functools import partial

import numpy as np

from inkread.training.synthesis.page_combs import bubbles, comb_in, digit_columns
from inkread.training.synthesis.page_content import Area, PageContent
from inkread.training.synthesis.page_fields import (
    field,
    heading,
    list_of_fields,
    mark,
    paragraph,
    print_line,
    stray,
)
from inkread.training.synthesis.page_print import printed_number, printed_word
from inkread.training.synthesis.page_sheet import HANDWRITING
from inkread.training.synthesis.page_tables import TableGrid, line, rule_style, table, underline

__all__ = [
    "KINDS",
    "KIND_SHARES",
    "blank",
    "fields",
    "form",
    "lines",
    "marks",
    "notes",
    "number",
    "printed",
    "score",
    "sudoku",
    "tally",
]


def marks(content: PageContent) -> None:
    """A heading, and a table that is filled in: marks, measurements, scores."""
    width, height = content.sheet.size
    rng, unit = content.rng, content.unit
    left, top = _margin(content), _margin(content)
    if rng.random() < 0.7:
        top = heading(content, left, top)
    while top < height - 3 * unit:
        tall = unit * rng.uniform(1.05, 2.4)
        longest = int(rng.choice([1, 2, 3, 4, 6], p=(0.2, 0.3, 0.2, 0.2, 0.1)))
        if rng.random() < 0.25:
            found = digit_columns(content, Area(left, top, width - 0.5 * unit, height))
            top = max(found.bottom, top + unit) + unit * rng.uniform(0.4, 2.5)
            continue
        combs = int(rng.integers(2, 5)) if rng.random() < 0.2 else 0  # cells of each
        wide = unit * (0.75 * longest + rng.uniform(0.3, 1.6))
        if combs:
            tall, wide = unit * rng.uniform(1.4, 2.6), unit * combs * rng.uniform(1.2, 2.2)
        heights = [tall] * int(rng.integers(1, max(2, min(24, int((height - top) / tall)))))
        widths = [wide] * int(rng.integers(1, max(2, min(14, int((width - left) / wide)))))
        if rng.random() < 0.5:
            widths = [w * rng.uniform(0.7, 2.2) for w in widths]
        area = table(
            content,
            TableGrid(left, top, widths, heights),
            _entries(content, combs=bool(combs)),
            longest=longest,
            draw_comb=partial(comb_in, content, count=combs),
        )
        top = area.bottom + unit * rng.uniform(0.4, 2.5)
        if rng.random() < 0.4:
            top = paragraph(content, Area(left, top, width - unit, height), 2)
        if rng.random() < 0.5:
            break
    if top < height - 3 * unit and rng.random() < 0.5:
        list_of_fields(content, Area(left, top, width - unit, height))


def sudoku(content: PageContent) -> None:
    """A square grid, some digits printed, the others written; print around it."""
    width, height = content.sheet.size
    rng, unit = content.rng, content.unit
    count = int(rng.choice([9, 9, 9, 6, 4, 12]))
    side = unit * rng.uniform(1.15, 1.9)
    side = min(side, 0.95 * min(width, height) / count)
    left = rng.uniform(0.2, 0.8) * max(0.0, width - count * side)
    top = rng.uniform(0.2, 0.8) * max(0.0, height - count * side)
    givens, empty = rng.uniform(0.1, 0.6), float(rng.choice([0.0, rng.uniform(0, 0.6)]))
    size = 0.72 * side * rng.uniform(0.85, 1.3) / (0.72 * content.printer.size_px)

    def fill(row: int, column: int) -> tuple[str, float]:
        if rng.random() < givens:
            area = Area(
                left + column * side, top + row * side,
                left + (column + 1) * side, top + (row + 1) * side,
            )  # fmt: skip
            content.print_text(str(rng.integers(1, 10)), area, scale=size)
            return "empty", 0.5
        return ("empty" if rng.random() < empty else "digit"), rng.uniform(0.35, 0.65)

    every = {9: 3, 12: 4, 6: 3, 4: 2}[count]
    table(content, TableGrid(left, top, [side] * count, [side] * count), fill, every=every)
    if top > 2.5 * unit:
        heading(content, left, max(0.0, top - 3 * unit), until=top - 2)
    bottom = top + count * side + 0.4 * unit
    if bottom < height - unit:
        paragraph(content, Area(left, bottom, width - 2, height), 6)
    if left > 4 * unit:
        paragraph(content, Area(2, top, left - unit, height), 30)


def form(content: PageContent) -> None:
    """Labels with fields: lines, boxes, combs, check boxes; print between them."""
    width, height = content.sheet.size
    rng, unit = content.rng, content.unit
    left = _margin(content)
    top = heading(content, left, _margin(content))
    while top < height - 2 * unit:
        choice = rng.choice(4, p=(0.62, 0.16, 0.1, 0.12))
        if choice == 0:
            bottom = min(height, top + unit * rng.uniform(4, 14))
            top = list_of_fields(content, Area(left, top, width - 0.5 * unit, bottom))
        elif choice == 1:
            top = paragraph(content, Area(left, top, width - unit, height), int(rng.integers(1, 6)))
        elif choice == 2 and rng.random() < 0.5:
            found = bubbles(content, Area(left, top, width - unit, height))
            top = found.bottom + unit * rng.uniform(0.3, 2)
        elif choice == 2:
            mark(content, Area(left, top, width - unit, top + 4 * unit))
            top += 4 * unit
        else:
            longest = int(rng.integers(1, 5))
            tall, wide = unit * rng.uniform(1.2, 2.2), unit * (0.8 * longest + rng.uniform(0.5, 2))
            rows = int(rng.integers(1, 7))
            widths = [wide] * max(1, min(8, int((width - left) / wide)))
            entries = _entries(content)
            grid = TableGrid(left, top, widths, [tall] * rows)
            top = table(content, grid, entries, longest=longest).bottom
        top += unit * rng.uniform(0.3, 1.2)


def lines(content: PageContent) -> None:
    """Rows of digits or numbers on paper that is blank, ruled or squared; no print."""
    width, height = content.sheet.size
    rng, unit = content.rng, content.unit
    _paper(content)
    gap = unit * rng.uniform(0.25, 1.8)
    top = _margin(content)
    digits_apart = rng.random() < 0.35
    spread = unit * rng.uniform(1.1, 3.0)
    words = rng.uniform(0, 0.3) * (rng.random() < 0.5)
    while top < height - unit:
        left = _margin(content) + rng.uniform(0, unit)
        while left < width - unit:
            if rng.random() < 0.04:
                break
            right = width if not digits_apart else left + unit
            text = str(rng.integers(10)) if digits_apart else content.number()
            if rng.random() < words:
                text = content.word()
            area = Area(left, top, max(right, left + unit), top + 1.1 * unit)
            before = len(content.sheet.runs)
            content.write_text(text, area, align=0.0, struck=rng.random() < 0.05)
            if len(content.sheet.runs) > before:
                left = float(content.sheet.runs[-1].corners[:, 0].max())
            else:
                left += unit
            left += spread
        top += 1.2 * unit + gap


def number(content: PageContent) -> None:
    """One number, of any size, perhaps underlined, framed, ringed, or beside a line."""
    width, height = content.sheet.size
    rng, unit = content.rng, content.unit
    if rng.random() < 0.3:
        _paper(content)
    if rng.random() < 0.1:  # printed large
        scale = unit / (0.72 * content.printer.size_px)
        text = printed_number(rng) if rng.random() < 0.5 else printed_word(rng)
        content.print_text(text, Area(0, 0.2 * height, width, 0.8 * height), scale=scale)
        return
    longest = max(1, int(width / unit / 0.85))
    text = content.number(min(12, longest))
    if rng.random() < 0.08:
        text = content.word()[:longest]
    wide = min(width - 0.1 * unit, unit * (0.9 * len(text) + 0.5))
    left = rng.uniform(0.0, max(0.1, width - wide))
    top = rng.uniform(0.0, max(0.1, height - 1.2 * unit))
    area = Area(left, top, left + wide, top + 1.15 * unit)
    content.write_text(text, area, struck=rng.random() < 0.05)
    stray(content, area)


def notes(content: PageContent) -> None:
    """Handwritten words with numbers among them, and sums."""
    width, height = content.sheet.size
    rng, unit = content.rng, content.unit
    _paper(content)
    top, numbers = _margin(content), rng.uniform(0.0, 0.5)
    while top < height - unit:
        left = _margin(content)
        if rng.random() < 0.15:
            top = _sum(content, left, top)
            continue
        while left < width - unit:
            text = content.number(6) if rng.random() < numbers else content.word()
            area = Area(left, top, width, top + 1.2 * unit)
            before = len(content.sheet.runs)
            content.write_text(text, area, align=0.0, struck=rng.random() < 0.03)
            if len(content.sheet.runs) == before:
                break
            left = float(content.sheet.runs[-1].corners[:, 0].max()) + unit * rng.uniform(0.6, 1.2)
        top += unit * rng.uniform(1.3, 2.2)


def printed(content: PageContent) -> None:
    """A printed page, with a few numbers written on it."""
    width, height = content.sheet.size
    rng, unit = content.rng, content.unit
    left = _margin(content)
    top = heading(content, left, _margin(content))
    while top < height - unit:
        top = paragraph(content, Area(left, top, width - unit, height), int(rng.integers(2, 12)))
        if rng.random() < 0.4:
            area = Area(rng.uniform(0, 0.7) * width, top, width, top + 1.4 * unit)
            content.enter(str(rng.choice(["number", "word", "tick"])), area, align=0.2)
            top += 1.5 * unit
        top += rng.uniform(0.2, 1) * unit


def tally(content: PageContent) -> None:
    """Numbers between rules that run over the page, in columns, close to the lines or on them."""
    width, height = content.sheet.size
    rng, unit = content.rng, content.unit
    step = unit * rng.uniform(0.95, 1.5)
    style = rule_style(content)
    right = width * rng.uniform(0.5, 1.0)
    left = right - unit * rng.uniform(2.2, 5)
    slope = rng.normal(0, 0.02) * right
    top = unit * rng.uniform(0, 2)
    rows = np.arange(top, height, step)
    for index, y in enumerate(rows):
        line(content, (0, y), (right, y + slope), style)
        if index < len(rows) * 0.8 and rng.random() < 0.75:
            share = left / max(right, 1)
            area = Area(left, y + share * slope, right, y + step + share * slope)
            entry = str(rng.choice(["number", "number", "number", "struck", "empty"]))
            content.enter(entry, area, align=rng.uniform(0.2, 0.9), longest=4)
            if rng.random() < 0.3:  # a dash that leads to it
                middle = y + step * rng.uniform(0.4, 0.6)
                points = [(left - unit * rng.uniform(0.3, 1.2), middle), (left, middle)]
                content.sheet.rule(
                    points, content.writer.pen_px, tone=content.writer.tone, kind=HANDWRITING
                )
    if rng.random() < 0.7:
        line(content, (right, top), (right, height), style)


def score(content: PageContent) -> None:
    """A score sheet: printed names of rows, columns of written numbers, dashes, sums."""
    width, height = content.sheet.size
    rng, unit = content.rng, content.unit
    left, top = _margin(content), heading(content, _margin(content), _margin(content))
    tall = unit * rng.uniform(1.1, 1.8)
    first, wide = unit * rng.uniform(3, 7), unit * rng.uniform(1.6, 3.2)
    columns = max(1, min(7, int((width - left - first) / wide)))
    rows = max(2, min(22, int((height - top) / tall) - 1))
    filled = int(rng.integers(1, columns + 1))

    def fill(row: int, column: int) -> tuple[str, float]:
        if column == 0:
            return ("print" if rng.random() < 0.95 else "empty"), 0.05
        if column > filled:
            return "empty", 0.5
        entries = ["number", "dash", "empty", "struck", "tally"]
        if row == 0:
            return str(rng.choice(["word", "print", "number"])), 0.5
        return str(rng.choice(entries, p=(0.66, 0.1, 0.14, 0.03, 0.07))), 0.5

    table(content, TableGrid(left, top, [first] + [wide] * columns, [tall] * rows), fill, longest=3)


def blank(content: PageContent) -> None:
    """Nothing to read: lines, spots, marks, scribbles."""
    rng, unit = content.rng, content.unit
    width, height = content.sheet.size
    if rng.random() < 0.6:
        _paper(content)
    for _ in range(int(rng.integers(0, 5))):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        ink = content.writer.scribble(unit * rng.uniform(1, 5), unit * rng.uniform(0.8, 3))
        content.sheet.lay(ink, x, y, HANDWRITING, tone=content.writer.tone)
    if rng.random() < 0.5:
        underline(content, 0.1 * width, 0.9 * width, height * rng.uniform(0.1, 0.9))
    if rng.random() < 0.4:
        mark(content, Area(0.1 * width, 0.1 * height, 0.9 * width, 0.9 * height))


def fields(content: PageContent) -> None:
    """Combs and boxes, close together, nearly no print; as the middle of a form."""
    width, height = content.sheet.size
    rng, unit = content.rng, content.unit
    top = _margin(content)
    while top < height - 2 * unit:
        left = _margin(content)
        bottom = top
        while left < width - 3 * unit:
            if rng.random() < 0.4:
                left = print_line(content, left, top + 0.5 * unit) + 0.4 * unit
            area = field(content, left, top, width - left - 2)
            left, bottom = area.right + unit * rng.uniform(0.4, 3), max(bottom, area.bottom)
        top = bottom + unit * rng.uniform(0.2, 1.5)


KINDS: dict[str, Callable[[PageContent], None]] = {
    kind.__name__: kind
    for kind in (
        marks, sudoku, form, lines, number, notes, printed, tally, score, blank, fields,
    )
}  # fmt: skip
KIND_SHARES = (0.2, 0.08, 0.13, 0.1, 0.14, 0.03, 0.06, 0.07, 0.07, 0.01, 0.11)


def _margin(content: PageContent) -> float:
    return content.unit * float(content.rng.uniform(0.1, 2.0))


def _entries(
    content: PageContent, *, combs: bool = False
) -> Callable[[int, int], tuple[str, float]]:
    """Choose how a table is filled in: its head, its first column, what is in its cells."""
    rng = content.rng
    numbered = ["printed number"] * 2
    head = str(rng.choice(["print", *numbered, "word", "number", "cells"]))
    first = str(rng.choice(["print", *numbered, "number", "word", "cells"]))
    kind = rng.choice(4, p=(0.4, 0.25, 0.2, 0.15))
    shares = (
        (0.94, 0, 0.01, 0.01, 0.02, 0, 0, 0.02, 0),
        (0.5, 0, 0.04, 0.03, 0.06, 0.02, 0.03, 0.32, 0),
        (0.3, 0.1, 0.18, 0.04, 0.06, 0.03, 0.02, 0.15, 0.12),
        (0, 0.7, 0.02, 0.03, 0.03, 0.01, 0.01, 0.2, 0),
    )[kind]
    entries = (
        "number", "digit", "word", "struck", "dash", "tick", "crossed", "empty", "printed number",
    )  # fmt: skip
    align = float(rng.choice([0.5, 0.1, 0.9]))

    def fill(row: int, column: int) -> tuple[str, float]:
        if row == 0 and head != "cells":
            return head, 0.5
        if column == 0 and first != "cells":
            return first, 0.1
        if combs:
            return ("comb" if rng.random() < 0.85 else "empty"), align
        return str(rng.choice(entries, p=shares)), align

    return fill


def _paper(content: PageContent) -> None:
    """Rule the paper, square it, or leave it blank."""
    width, height = content.sheet.size
    rng, unit = content.rng, content.unit
    kind = rng.choice(3, p=(0.55, 0.25, 0.2))
    if not kind:
        return
    style, tone = max(0.7, 0.04 * unit), float(rng.uniform(0.5, 0.95))
    step = unit * rng.uniform(0.55, 2.2) if kind == 1 else unit * rng.uniform(0.55, 1.4)
    for y in np.arange(rng.uniform(0, step), height, max(step, 5)):
        content.sheet.rule([(0, y), (width, y)], style, tone=tone)
    if kind == 2:
        for x in np.arange(rng.uniform(0, step), width, max(step, 5)):
            content.sheet.rule([(x, 0), (x, height)], style, tone=tone)


def _sum(content: PageContent, left: float, top: float) -> float:
    """Write an addition, one number below the other, a line, the sum; returns where it ends."""
    rng, unit = content.rng, content.unit
    right = left + unit * rng.uniform(3, 6)
    step = unit * rng.uniform(1.15, 1.6)
    for _ in range(int(rng.integers(2, 6))):
        content.write_text(content.number(5), Area(left, top, right, top + step), align=1.0)
        top += step
    content.sheet.rule(
        [(left, top), (right, top)], content.writer.pen_px, tone=content.writer.tone,
        kind=HANDWRITING,
    )  # fmt: skip
    content.write_text(content.number(5), Area(left, top, right, top + step), align=1.0)
    return top + 2 * step
