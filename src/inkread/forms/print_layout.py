"""The positions of the printed parts of a form, in millimetres from the page's top left corner."""

import itertools
from dataclasses import dataclass

from inkread.forms.fields import FormField, Rect

__all__ = [
    "HEAVY_LINE_MM",
    "LINE_MM",
    "MARKER_MM",
    "PrintedLine",
    "place_cells",
    "place_lines",
    "place_markers",
]

MARKER_MM = 10.0
LINE_MM = 0.25
HEAVY_LINE_MM = 0.6
_MARKER_MARGIN_MM = 8.0  # to the page's edge: more than the margin that printers can't print on


@dataclass(frozen=True)
class PrintedLine:
    """A printed line, horizontal or vertical, from the middle of one end to that of the other."""

    start: tuple[float, float]
    end: tuple[float, float]
    width_mm: float


def place_markers(page: tuple[float, float]) -> tuple[Rect, Rect, Rect, Rect]:
    """Place the markers: top left, top right, bottom right, bottom left.

    Args:
        page: width and height in millimetres.
    """
    near, far = _MARKER_MARGIN_MM, _MARKER_MARGIN_MM + MARKER_MM
    right, bottom = page[0] - far, page[1] - far
    return (
        Rect(near, near, far, far),
        Rect(right, near, right + MARKER_MM, far),
        Rect(right, bottom, right + MARKER_MM, bottom + MARKER_MM),
        Rect(near, bottom, far, bottom + MARKER_MM),
    )


def place_cells(field: FormField, rect: Rect) -> tuple[Rect, ...]:
    """Place the cells of a comb from left to right; for any other field, return its box."""
    count = max(1, field.num_cells)
    edges = [rect.left + rect.width * place / count for place in range(count + 1)]
    return tuple(
        Rect(left, rect.top, right, rect.bottom) for left, right in itertools.pairwise(edges)
    )


def place_lines(field: FormField, rect: Rect) -> tuple[PrintedLine, ...]:
    """Place the lines around a field and between its cells."""
    left, top, right, bottom = rect
    outline = (
        PrintedLine((left, top), (right, top), LINE_MM),
        PrintedLine((left, bottom), (right, bottom), LINE_MM),
        PrintedLine((left, top), (left, bottom), LINE_MM),
        PrintedLine((right, top), (right, bottom), LINE_MM),
    )
    dividers = tuple(
        PrintedLine(
            (cell.left, top),
            (cell.left, bottom),
            HEAVY_LINE_MM if place in field.heavy_after else LINE_MM,
        )
        for place, cell in enumerate(place_cells(field, rect))
        if place
    )
    return outline + dividers
