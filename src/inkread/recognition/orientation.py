"""Turns boxes with their page."""

from collections.abc import Sequence

from inkread.results import Box

__all__ = ["turn_box"]


def turn_box(box: Box, turns: int, shape: Sequence[int]) -> Box:
    """Return where a box of a page is once the page is turned.

    Args:
        box: in pixels of the page.
        turns: how many quarters the page is turned anticlockwise; below 0, clockwise.
        shape: height and width of the page before it is turned, in pixels.
    """
    height, width = shape
    for _ in range(turns % 4):
        box = Box(box.top, width - box.right, box.bottom, width - box.left)
        height, width = width, height
    return box
