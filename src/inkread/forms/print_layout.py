"""What is printed where on a form, in millimetres from the page's top left corner."""

import itertools
from dataclasses import dataclass

from inkread.forms.fields import FormField, Rect

__all__ = ["HEAVY_LINE_MM", "LINE_MM", "MARKER_MM", "Line", "cells", "lines", "marker_rects"]

MARKER_MM = 10.0
LINE_MM = 0.25
HEAVY_LINE_MM = 0.6
_MARKER_MARGIN_MM = 8.0  # to the page's edge: more than printers leave blank


@dataclass(frozen=True)
class Line:
    """A printed line, upright or level; it is ``width`` thick around its two ends."""

    start: tuple[float, float]
    end: tuple[float, float]
    width: float


def marker_rects(page: tuple[float, float]) -> tuple[Rect, Rect, Rect, Rect]:
    """Return where the markers are: top left, top right, bottom right, bottom left.

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


def cells(field: FormField, rect: Rect) -> tuple[Rect, ...]:
    """Return the cells of a comb from left to right; of any other field, its box."""
    count = max(1, field.num_cells)
    edges = [rect.left + rect.width * place / count for place in range(count + 1)]
    return tuple(
        Rect(left, rect.top, right, rect.bottom) for left, right in itertools.pairwise(edges)
    )


def lines(field: FormField, rect: Rect) -> tuple[Line, ...]:
    """Return the lines around a field and between its cells."""
    left, top, right, bottom = rect
    outline = (
        Line((left, top), (right, top), LINE_MM),
        Line((left, bottom), (right, bottom), LINE_MM),
        Line((left, top), (left, bottom), LINE_MM),
        Line((right, top), (right, bottom), LINE_MM),
    )
    dividers = tuple(
        Line(
            (cell.left, top),
            (cell.left, bottom),
            HEAVY_LINE_MM if place in field.heavy_after else LINE_MM,
        )
        for place, cell in enumerate(cells(field, rect))
        if place
    )
    return outline + dividers
