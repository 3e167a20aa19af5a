"""Parts of forms: headings, paragraphs, labels with fields, marks, and lines beside a number."""

import numpy as np

from inkread.training.synthesis.page_combs import comb
from inkread.training.synthesis.page_content import Area, PageContent
from inkread.training.synthesis.page_print import bar_code, logo, printed_number, printed_word
from inkread.training.synthesis.page_sheet import HANDWRITING, PRINT
from inkread.training.synthesis.page_tables import box, rule_style, underline

__all__ = [
    "field",
    "heading",
    "list_of_fields",
    "mark",
    "paragraph",
    "print_line",
    "stray",
]


def heading(content: PageContent, left: float, top: float, until: float | None = None) -> float:
    """Print a title, perhaps light on a dark bar, and some lines below; returns where it ends."""
    rng, unit = content.rng, content.unit
    width, height = content.sheet.size
    until = height * 0.5 if until is None else until
    if rng.random() < 0.25 and top + 3 * unit < until:
        mark(content, Area(left, top, width * 0.9, top + 3 * unit))
        top += 3.2 * unit
    for _ in range(int(rng.integers(0, 4))):
        scale = float(rng.uniform(0.8, 2.4))
        tall = content.printer.size_px * scale * 1.3
        if top + tall > until:
            break
        area = Area(left, top, width, top + tall)
        text = " ".join(printed_word(rng) for _ in range(int(rng.integers(1, 6))))
        if rng.random() < 0.15:
            content.sheet.shade((0 if rng.random() < 0.5 else left, top, width, top + tall), 0.15)
            content.print_text(text, area, align=0.05, scale=scale, tone=1.0 + rng.uniform(0.7, 1))
        else:
            content.print_text(text, area, align=float(rng.choice([0, 0.5])), scale=scale)
        top += tall * rng.uniform(1.0, 1.5)
    return top + 0.3 * unit


def paragraph(content: PageContent, area: Area, num_lines: int) -> float:
    """Print a paragraph; returns where it ends."""
    rng = content.rng
    scale = float(rng.uniform(0.6, 1.15))
    tall = content.printer.size_px * scale
    step, top = tall * rng.uniform(1.0, 1.7), area.top
    numbers = rng.uniform(0, 0.35)
    for _ in range(num_lines):
        if top + tall > area.bottom:
            break
        left = area.left
        while left < area.right:
            text = printed_number(rng) if rng.random() < numbers else printed_word(rng)
            ink = content.printer.text(text, scale)
            if left + ink.shape[1] > area.right:
                break
            content.print_ink(ink, left, top + tall - ink.shape[0], text)
            left += ink.shape[1] + content.printer.space_px(scale)
        top += step
    return top + 0.3 * tall


def print_line(content: PageContent, left: float, top: float) -> float:
    """Print a label of one to three words; returns where it ends on the right."""
    rng = content.rng
    scale = float(rng.uniform(0.7, 1.2))
    for _ in range(int(rng.integers(1, 4))):
        text = printed_word(rng) if rng.random() < 0.85 else printed_number(rng)
        ink = content.printer.text(text, scale)
        content.print_ink(ink, left, top + content.printer.size_px * scale - ink.shape[0], text)
        left += ink.shape[1] + content.printer.space_px(scale)
    return left


def list_of_fields(content: PageContent, area: Area) -> float:
    """Print labels, each with a field beside it or below; returns where the last one ends."""
    rng, unit = content.rng, content.unit
    top = area.top
    while top < area.bottom - 1.5 * unit:
        left, bottom = area.left, top
        while left < area.right - 4 * unit:
            if rng.random() < 0.2:  # the label above the field
                print_line(content, left, top)
                below = top + 1.3 * content.printer.size_px
                found = field(content, left, below, area.right - left)
            else:
                start = print_line(content, left, top + 0.4 * unit) + unit * rng.uniform(0.1, 1)
                if start > area.right - 2 * unit:
                    break
                found = field(content, start, top, area.right - start)
            left, bottom = found.right + unit * rng.uniform(0.5, 3), max(bottom, found.bottom)
            if rng.random() < 0.4:
                break
        top = max(bottom, top + unit) + unit * rng.uniform(0.15, 0.9)
    return top


def field(content: PageContent, left: float, top: float, room: float) -> Area:
    """Draw a place to write in, filled or not: a line, dots, a box, a comb, check boxes.

    Args:
        content: of the page.
        left: of the field, in pixels.
        top: the same.
        room: how wide it may be.

    Returns:
        Where it is.
    """
    rng, unit = content.rng, content.unit
    text = content.number(10) if rng.random() < 0.72 else content.word()
    is_filled = rng.random() < 0.8
    kind = rng.choice(4, p=(0.3, 0.25, 0.33, 0.12))
    wide = float(min(room, unit * (0.75 * len(text) + rng.uniform(0.6, 4))))
    if kind == 0:
        area = Area(left, top, left + wide, top + unit * rng.uniform(1.0, 1.35))
        if is_filled:
            content.write_text(text, area, align=rng.uniform(0, 1), struck=rng.random() < 0.04)
        # Anything from half the number to the whole field is underlined, at any distance.
        share = rng.uniform(0.3, 1.0) if rng.random() < 0.3 else 1.0
        y = area.bottom + unit * rng.uniform(-0.2, 0.25)
        start = left + rng.uniform(0, 1 - share) * wide
        underline(content, start, start + share * wide, y)
        return Area(left, top, left + wide, y)
    if kind == 1:
        area = Area(left, top, left + wide, top + unit * rng.uniform(1.1, 2.4))
        box(content, area, rule_style(content), closed=rng.random() < 0.92)
        if rng.random() < 0.06:  # print to be written over
            tone = float(rng.uniform(0.6, 0.9))
            content.print_text(printed_word(rng), area, scale=0.8, tone=tone)
        if is_filled:
            content.write_text(text, area, align=rng.uniform(0, 1), struck=rng.random() < 0.04)
        return area
    if kind == 2:
        text = "".join(character for character in text if character.isalnum())
        text = text[: max(1, int(room / (1.9 * unit)))]
        return comb(content, left, top, text if is_filled else " ", int(rng.integers(0, 4)))
    side = unit * rng.uniform(0.7, 1.1)
    style, x = rule_style(content), left
    for _ in range(int(rng.integers(1, 4))):
        area = Area(x, top, x + side, top + side)
        box(content, area, style)
        if rng.random() < 0.4:
            content.enter("tick", area)
        x = print_line(content, x + 1.3 * side, top) + 0.5 * unit
        if x > left + room - 3 * unit:
            break
    return Area(left, top, x, top + side)


def mark(content: PageContent, area: Area) -> None:
    """Print or write what can't be read: a logo, a bar code, a stamp, a signature, a square."""
    rng = content.rng
    kind = rng.integers(5)
    side = int(max(8, min(area.height, area.width, content.unit * rng.uniform(1.5, 5))))
    left = rng.uniform(area.left, max(area.left + 1, area.right - side))
    if kind == 0:
        content.print_mark(logo(rng, side), left, area.top)
    elif kind == 1:
        wide = int(min(area.width, side * rng.uniform(2, 5)))
        left = rng.uniform(area.left, max(area.left + 1, area.right - wide))
        content.print_mark(bar_code(rng, wide, side), left, area.top)
    elif kind == 2:
        content.print_mark(bar_code(rng, side, side), left, area.top)
    elif kind == 3:
        ink = content.writer.scribble(side * rng.uniform(1.5, 4), side)
        content.sheet.lay(ink, left, area.top, HANDWRITING, tone=content.writer.tone)
    else:  # squares that a camera finds the form by
        small = max(3, side // 4)
        for _ in range(int(rng.integers(1, 5))):
            x, y = rng.uniform(area.left, area.right), rng.uniform(area.top, area.bottom)
            content.sheet.lay(np.ones((small, small), np.float32), x, y, PRINT, tone=0.05)


def stray(content: PageContent, area: Area) -> None:
    """Draw what stands beside a number, under or around it: lines, boxes, rings, bars, spots."""
    rng, unit, sheet = content.rng, content.unit, content.sheet
    middle = (area.left + area.right) / 2
    kind = rng.choice(8, p=(0.3, 0.22, 0.14, 0.08, 0.08, 0.06, 0.06, 0.06))
    pen, tone = content.writer.pen_px, content.writer.tone
    if kind == 1:  # underlined, by whatever length, once or twice
        length = area.width * rng.uniform(0.25, 2.5)
        y = area.bottom + unit * rng.uniform(-0.1, 1.0)
        style = rule_style(content)
        for shift in (0.0, unit * 0.2)[: 1 + int(rng.random() < 0.15)]:
            sheet.rule(
                [(middle - length / 2, y + shift), (middle + length / 2, y + shift)],
                max(style.width_px, rng.uniform(0.02, 0.15) * unit), tone=style.tone,
            )  # fmt: skip
    elif kind == 2:  # a box, tight to loose
        reach = unit * rng.uniform(0.05, 3.5)
        across = unit * rng.uniform(0.05, 3.5)
        framed = Area(
            area.left - across, area.top - reach, area.right + across, area.bottom + reach
        )
        box(content, framed, rule_style(content))
    elif kind == 3:  # a ring
        size = (round(area.height * 1.6) + 4, round(area.width * 1.3) + 4)
        angles = np.linspace(-0.2, 2 * np.pi * rng.uniform(0.95, 1.1), 24)
        points = [
            (size[1] / 2 + 0.47 * size[1] * np.cos(a), size[0] / 2 + 0.46 * size[0] * np.sin(a))
            for a in angles
        ]
        ring = content.writer.strokes([points], size)
        sheet.lay(ring, middle - size[1] / 2, area.top - 0.3 * area.height, HANDWRITING, tone=tone)
    elif kind == 4:  # a bar or a bracket beside it
        x = area.left - unit * rng.uniform(0.3, 2) if rng.random() < 0.5 else area.right + unit
        reach = unit * rng.uniform(0.8, 6)
        sheet.rule([(x, area.top - reach), (x, area.bottom + reach)], pen * 1.2, tone=tone)
    elif kind == 5:  # a solid bar, the edge of something
        thick = unit * rng.uniform(0.2, 1.5)
        sheet.rule(
            [(area.right + thick, 0), (area.right + thick, sheet.size[1])],
            thick, tone=float(rng.uniform(0, 0.6)),
        )  # fmt: skip
    elif kind == 6:
        ink = content.writer.scribble(unit * rng.uniform(0.8, 3), unit * rng.uniform(0.5, 1.5))
        sheet.lay(ink, area.left, area.bottom + 0.5 * unit, HANDWRITING, tone=tone)
    elif kind == 7:
        print_line(content, area.left, area.bottom + 0.5 * unit)
