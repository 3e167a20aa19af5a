"""A sheet of paper with what is written, printed and ruled on it, and the truth about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

__all__ = [
    "HANDWRITING",
    "PRINT",
    "RULING",
    "Sheet",
    "SheetCell",
    "SheetRun",
    "SheetTable",
    "SheetText",
    "box_corners",
]

Floats = npt.NDArray[np.float32]
Corners = npt.NDArray[np.float32]  # (4, 2): x, y of a box, clockwise from the text's top left

HANDWRITING, PRINT, RULING = range(3)  # the layers of a sheet's marks
_LINK_HEIGHT = 0.3  # of the higher run: half the height of the box between two that are linked
_INK = 0.35  # of a mark: what is fainter belongs to nothing


@dataclass(frozen=True)
class SheetText:
    """What some ink says; as in ``SheetRun``."""

    text: str
    handwritten: bool
    number: bool
    struck: bool = False


@dataclass(frozen=True)
class SheetRun:
    """Characters side by side, closer than about their height, without a rule between them.

    Attributes:
        corners: (4, 2) float32, x and y, clockwise from the top left corner as the text is read.
        text: what it says; empty where nobody can say it.
        handwritten: whether a hand wrote it; else it is printed.
        number: whether it is a number: digits, with separators perhaps.
        struck: whether it is crossed out.
    """

    corners: Corners
    text: str
    handwritten: bool
    number: bool
    struck: bool = False


@dataclass(frozen=True)
class SheetCell:
    """A cell of a table: its place, its corners as ``SheetRun``'s, and the text in it, if any."""

    row: int
    column: int
    corners: Corners
    text: str | None


@dataclass(frozen=True)
class SheetTable:
    """A table.

    Attributes:
        corners: as ``SheetRun``'s.
        cells: row by row; a merged cell is at the place of its first one.
        comb: whether its cells are the places of a number's digits.
    """

    corners: Corners
    cells: tuple[SheetCell, ...]
    comb: bool = False


@dataclass
class Sheet:
    """A sheet that is being filled.

    Attributes:
        grey: (H, W) float32, the share of light that comes back: blank paper 1, ink towards 0.
        marks: (H, W, 3) uint8, how much ink of hands, print and ruling there is, 0 to 255.
        runs: all that can be read on it.
        tables: all tables and combs.
        links: (4, 2) float32 each, boxes between runs that are one number or word.
    """

    grey: Floats
    marks: npt.NDArray[np.uint8]
    runs: list[SheetRun] = field(default_factory=list)
    tables: list[SheetTable] = field(default_factory=list)
    links: list[Corners] = field(default_factory=list)

    @classmethod
    def blank(cls, width: int, height: int) -> "Sheet":
        """Return an empty sheet of a size in pixels."""
        return cls(np.ones((height, width), np.float32), np.zeros((height, width, 3), np.uint8))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, in pixels."""
        return self.grey.shape[1], self.grey.shape[0]

    def lay(
        self, ink: Floats, left: float, top: float, kind: int, *, tone: float = 0.0
    ) -> tuple[int, int, int, int] | None:
        """Put ink down; what reaches over the edge is lost.

        Args:
            ink: (H, W) float32 in [0, 1].
            left: of its corner on the sheet, in pixels.
            top: the same.
            kind: the layer that the marks belong to.
            tone: grey of the ink at its darkest, in [0, 1]; above 1: light ink of tone - 1.

        Returns:
            Left, top, right, bottom of what was put down; ``None`` if nothing was.
        """
        x, y = round(left), round(top)
        width, height = self.size
        x0, y0 = max(0, x), max(0, y)
        x1, y1 = min(width, x + ink.shape[1]), min(height, y + ink.shape[0])
        if x1 <= x0 or y1 <= y0:
            return None
        part = ink[y0 - y : y1 - y, x0 - x : x1 - x]
        grey = self.grey[y0:y1, x0:x1]
        if tone > 1:
            grey += (np.float32(tone - 1) - grey) * part
        else:
            grey *= 1 - np.float32(1 - tone) * part
        mark = self.marks[y0:y1, x0:x1, kind]
        np.maximum(mark, (part * 255).astype(np.uint8), out=mark)
        return x0, y0, x1, y1

    def write(
        self, ink: Floats, left: float, top: float, said: SheetText, *, tone: float = 0.0
    ) -> tuple[int, int, int, int] | None:
        """Put the ink of a text down, and remember it as a run if enough of it is on the sheet.

        Args:
            ink: as for ``lay``, as are ``left``, ``top``, ``tone`` and what is returned.
            left: of its corner on the sheet, in pixels.
            top: the same.
            said: what it says.
            tone: grey of the ink.
        """
        box = self.lay(ink, left, top, HANDWRITING if said.handwritten else PRINT, tone=tone)
        if box is None:
            return None
        x0, y0, x1, y1 = box
        if (x1 - x0) * (y1 - y0) < 0.6 * ink.size:
            return None
        part = ink[y0 - round(top) : y1 - round(top), x0 - round(left) : x1 - round(left)]
        found = cv2.boundingRect((part > _INK).astype(np.uint8))
        if not found[2] or not found[3]:
            return None
        x, y, width, height = found
        corners = box_corners(x0 + x, y0 + y, x0 + x + width, y0 + y + height)
        self.runs.append(SheetRun(corners, said.text, said.handwritten, said.number, said.struck))
        return box

    def link(self, first: SheetRun, second: SheetRun) -> None:
        """Remember that two runs, from left to right, are parts of one number or word."""
        left, right = first.corners.mean(axis=0), second.corners.mean(axis=0)
        heights = [float(np.ptp(run.corners[:, 1])) for run in (first, second)]
        reach = np.array([0.0, _LINK_HEIGHT * max(heights)], np.float32)
        self.links.append(np.stack([left - reach, right - reach, right + reach, left + reach]))

    def rule(
        self,
        points: Sequence[tuple[float, float]],
        width_px: float,
        *,
        tone: float = 0.0,
        dash_px: float = 0.0,
        kind: int = RULING,
    ) -> None:
        """Draw a line through points, in pixels; dashed, or dotted if the dashes are its width."""
        corners = np.array(points, np.float32)
        low = np.floor(corners.min(axis=0) - width_px - 2).astype(int)
        high = np.ceil(corners.max(axis=0) + width_px + 2).astype(int)
        low = np.maximum(low, 0)
        high = np.minimum(high, self.size)
        if (high <= low).any():
            return
        stroke = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        pieces = [corners]
        if dash_px:
            pieces = _dashes(corners, dash_px)
        thickness = max(1, round(width_px))
        strength = min(255, round(255 * width_px / thickness))
        for piece in pieces:
            vertices = np.rint((piece - low) * 16).astype(np.int32).reshape(-1, 1, 2)
            cv2.polylines(stroke, [vertices], False, strength, thickness, cv2.LINE_AA, 4)
        self.lay(stroke * np.float32(1 / 255), low[0], low[1], kind, tone=tone)

    def shade(self, box: tuple[float, float, float, float], tone: float) -> None:
        """Tint a part of the sheet: left, top, right, bottom in pixels."""
        x0, y0, x1, y1 = (round(value) for value in box)
        self.grey[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] *= np.float32(tone)


def box_corners(left: float, top: float, right: float, bottom: float) -> Corners:
    """Return the corners of an upright box, clockwise from its top left."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def _dashes(points: Corners, dash_px: float) -> list[Corners]:
    """Cut a line of two points into dashes with gaps as long."""
    start, end = points[0], points[-1]
    length = float(np.hypot(*(end - start)))
    places = np.arange(0, length, 2 * dash_px)
    along = (end - start) / max(length, 1e-6)
    return [
        np.stack([start + along * place, start + along * min(place + dash_px * 0.6, length)])
        for place in places
    ]
