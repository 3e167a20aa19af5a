"""Layouts made by hand, for tests: runs and maps without a network."""

import numpy as np

from inkread.imaging.layout import PageLayout, TextRun
from inkread.imaging.layout_maps import MAPS

CELL_PX = 4


def make_run(
    left, top, right, bottom, *, number=0.95, handwritten=0.95, struck=0.0, found=0.9, sideways=0.0
):
    """Return a run with an upright box."""
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    return TextRun(corners, found, handwritten, number, struck, sideways)


def make_layout(*runs, shape=(200, 400), **drawn):
    """Return the layout of a page with these runs.

    Args:
        runs: of the page.
        shape: its height and width, in pixels.
        drawn: for maps by their names, boxes in pixels of the page in which they are 1.
    """
    maps = np.zeros((len(MAPS), shape[0] // CELL_PX, shape[1] // CELL_PX), np.float32)
    for name, boxes in drawn.items():
        for left, top, right, bottom in boxes:
            rows = slice(top // CELL_PX, -(-bottom // CELL_PX))
            columns = slice(left // CELL_PX, -(-right // CELL_PX))
            maps[MAPS.index(name), rows, columns] = 1
    height, width = shape
    sheet = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return PageLayout(tuple(runs), maps, float(CELL_PX), sheet, False)
