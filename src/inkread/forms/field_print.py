"""Finds the print in a field of a scan: its lines, and the marks that the blank form has there."""

import cv2
import numpy as np
import numpy.typing as npt

from inkread.forms import print_layout
from inkread.forms.fields import FormField, Rect

__all__ = ["Darkness", "FieldPrint", "Mask", "measure_darkness"]

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]  # (H, W), 255 where true, else 0
Darkness = npt.NDArray[np.float32]  # (H, W), 1 - brightness / the paper's brightness, in [0, 1]

_PAPER_WINDOW_MM = 4.0  # in which the paper's brightness is estimated; wider than any stroke
_MAX_SHIFT_MM = 0.5  # of a field from where the alignment puts it, where paper isn't quite flat
_LINE_SPREAD_MM = 0.17  # printing, scanning and rounding make lines this much wider on each side
_LINE_REACH_MM = 1.2  # from where the template has a line to where it is found
_MIN_LINE_DARKNESS = 0.08
_MIN_LINE_SHARES = (0.6, 0.95)  # of a horizontal, a vertical line's length that must be found
_MAX_LINES = 3  # that are near a horizontal one
_LINE_PIECE_SHARES = (0.3, 0.6)  # of a line's length that is straight
_MIN_PRINT_DARKNESS = 0.06  # on the blank form


def measure_darkness(grey: Grey, px_per_mm: float) -> Darkness:
    """Compensate for uneven light: measure how much darker than its paper each pixel is."""
    reach = 2 * round(_PAPER_WINDOW_MM * px_per_mm / 2) + 1
    quarter = cv2.resize(grey, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach // 4 | 1, reach // 4 | 1))
    paper = cv2.morphologyEx(quarter, cv2.MORPH_CLOSE, kernel)
    paper = cv2.GaussianBlur(paper, (0, 0), reach / 16)
    paper = cv2.resize(paper, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
    light = grey.astype(np.float32) / np.maximum(paper, 30)
    return np.asarray(1 - np.minimum(light, 1.0), np.float32)


class FieldPrint:
    """What is printed in a field, in pixels of its crop.

    Attributes:
        px_per_mm: scale of the crop.
        horizontal: (H, W) uint8, 255 where horizontal lines are.
        vertical: the same of vertical ones.
        printed: the same of the blank form's print; nothing without a picture of it.
        expected: (H, W) float32, how dark the blank form's print is on the scan.
    """

    def __init__(
        self, field: FormField, rect: Rect, whole: Rect, px_per_mm: float, shape: tuple[int, ...]
    ) -> None:
        """Draw the lines where the template has them.

        Args:
            field: its cells and lines are known from it.
            rect: its box on the form, in millimetres.
            whole: the part of the form that the crop shows.
            px_per_mm: scale of the crop.
            shape: height and width of the crop, in pixels.
        """
        self.px_per_mm = px_per_mm
        self._origin = np.array([whole.left, whole.top])
        self._rect = rect
        self._shape = shape
        self._cells = print_layout.place_cells(field, rect)
        self._lines = print_layout.place_lines(field, rect)
        self._shift = np.zeros(2)
        self.printed = np.zeros(shape, np.uint8)
        self.expected = np.zeros(shape, np.float32)
        self.horizontal, self.vertical = self._draw()

    @property
    def band(self) -> Mask:
        """Where anything is printed."""
        lines = cv2.bitwise_or(self.horizontal, self.vertical)
        return np.asarray(cv2.bitwise_or(lines, self.printed), np.uint8)

    def find(self, darkness: Darkness, blank: Grey | None) -> None:
        """Find the print on the scan: the lines near their places, and the print of the blank form.

        Args:
            darkness: (H, W) of the scan.
            blank: (H, W) uint8, the same part of the blank form; ``None``: there is no picture.
        """
        self._register(darkness)
        self._find_lines(darkness)
        if blank is not None:
            self._find_print(darkness, measure_darkness(blank, self.px_per_mm))

    def _find_lines(self, darkness: Darkness) -> None:
        """Add lines that are found beside the places where the template has them."""
        smooth = cv2.GaussianBlur(darkness, (0, 0), 0.07 * self.px_per_mm)
        dark = np.asarray((smooth > _MIN_LINE_DARKNESS) * np.uint8(255))
        for line in self._lines:
            is_vertical = line.start[0] == line.end[0]
            found = self._find_line(dark.T if is_vertical else dark, line, is_vertical)
            target = self.vertical if is_vertical else self.horizontal
            np.bitwise_or(target, found.T if is_vertical else found, out=target)

    def _find_line(self, dark: Mask, line: print_layout.PrintedLine, is_vertical: bool) -> Mask:
        """Find a line that is horizontal in this mask; return where it is, nothing if it isn't."""
        x, y = (1, 0) if is_vertical else (0, 1)
        start, end = self._pixels(line.start), self._pixels(line.end)
        first, last = max(0, round(start[x])), min(dark.shape[1], round(end[x]))
        reach = round(_LINE_REACH_MM * self.px_per_mm)
        top, bottom = max(0, round(start[y]) - reach), round(start[y]) + reach + 1
        piece = round(_LINE_PIECE_SHARES[is_vertical] * (last - first))
        gap = max(1, round(0.4 * self.px_per_mm))
        zone = cv2.morphologyEx(dark[top:bottom, first:last], cv2.MORPH_CLOSE, np.ones((1, gap)))
        straight = cv2.morphologyEx(zone, cv2.MORPH_OPEN, np.ones((1, max(3, piece)), np.uint8))
        result = np.zeros_like(dark)
        # Below and above, the line of the box beside may be near, too; beside, a 1 may be.
        for _ in range(1 if is_vertical else _MAX_LINES):
            if not straight.any():
                break
            # A line may lie a little aslant, but a stroke beside it is no part of it.
            middle = int((straight > 0).mean(axis=1).argmax())
            near = np.abs(np.arange(len(straight)) - middle) <= 0.5 * self.px_per_mm
            own = np.where(near[:, None], straight, np.uint8(0))
            straight[near] = 0
            if (own > 0).any(axis=0).mean() >= _MIN_LINE_SHARES[is_vertical]:
                spread = 2 * round(_LINE_SPREAD_MM * self.px_per_mm / 2) + 1
                result[top:bottom, first:last] |= cv2.dilate(own, np.ones((spread, 1), np.uint8))
        return result

    def _find_print(self, darkness: Darkness, blank: Darkness) -> None:
        """Find the blank form's print on the scan, which it may lie beside by a little."""
        reach = max(1, round(_MAX_SHIFT_MM * self.px_per_mm))
        pattern = cv2.GaussianBlur(blank, (0, 0), 0.1 * self.px_per_mm)
        if float(pattern.max()) < _MIN_PRINT_DARKNESS:
            return
        clipped = np.minimum(darkness, float(pattern.max()))
        scores = cv2.matchTemplate(
            clipped, pattern[reach:-reach, reach:-reach], cv2.TM_CCOEFF_NORMED
        )
        _, _, _, place = cv2.minMaxLoc(scores)
        moved = np.array([[1.0, 0, place[0] - reach], [0, 1.0, place[1] - reach]])
        pattern = cv2.warpAffine(pattern, moved, pattern.shape[::-1])
        core = pattern > max(_MIN_PRINT_DARKNESS, 0.5 * float(pattern.max()))
        if not core.any():  # the print was all in the margin
            return
        # Most of the print has no ink on it, so the median ratio is that of the print.
        gain = float(np.clip(np.median(darkness[core] / pattern[core]), 0.4, 1.8))
        size = 2 * round(_LINE_SPREAD_MM * self.px_per_mm) + 1
        spread = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        mask = (pattern > _MIN_PRINT_DARKNESS).astype(np.uint8) * np.uint8(255)
        self.printed = np.asarray(cv2.dilate(mask, spread), np.uint8)
        self.expected = np.asarray(gain * cv2.dilate(pattern, spread), np.float32)

    def _register(self, darkness: Darkness) -> None:
        """Shift the lines to where template matching finds them, by ``_MAX_SHIFT_MM`` at most."""
        reach = max(1, round(_MAX_SHIFT_MM * self.px_per_mm))
        lines = (self.band > 0).astype(np.float32)
        pattern = cv2.GaussianBlur(lines, (0, 0), 0.15 * self.px_per_mm)
        pattern = pattern[reach:-reach, reach:-reach]
        # Lines are paler than ink, so darkness is clipped to theirs: ink must not attract them.
        clipped = np.minimum(darkness, max(0.05, float(np.percentile(darkness[lines > 0], 60))))
        scores = cv2.matchTemplate(clipped, pattern, cv2.TM_CCOEFF_NORMED)
        _, best, _, place = cv2.minMaxLoc(scores)
        if best > scores[reach, reach] + 0.02:
            self._shift = (np.array(place) - reach) / self.px_per_mm
            self.horizontal, self.vertical = self._draw()

    def _pixels(self, point: tuple[float, float]) -> npt.NDArray[np.float64]:
        return np.asarray((np.array(point) - self._origin + self._shift) * self.px_per_mm)

    def _draw(self) -> tuple[Mask, Mask]:
        """Return masks of the horizontal lines and of the vertical lines."""
        horizontal, vertical = np.zeros(self._shape, np.uint8), np.zeros(self._shape, np.uint8)
        for line in self._lines:
            half = (line.width_mm / 2 + _LINE_SPREAD_MM) * self.px_per_mm
            start, end = self._pixels(line.start), self._pixels(line.end)
            left, top = np.floor(np.minimum(start, end) - half + 0.5).astype(int)
            right, bottom = np.floor(np.maximum(start, end) + half + 0.5).astype(int)
            target = horizontal if line.start[1] == line.end[1] else vertical
            target[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = 255
        return horizontal, vertical

    def restore_crossings(self, rest: Mask, candidates: Mask) -> Mask:
        """Restore strokes where they cross a line: between ink on both sides of it.

        Args:
            rest: the ink outside the lines.
            candidates: all that is dark enough to be ink, lines included.
        """
        result = rest
        for lines, is_vertical in ((self.horizontal, False), (self.vertical, True)):
            widest = self._thickness(lines, is_vertical) + 2
            size = (1, widest) if not is_vertical else (widest, 1)
            # One pixel more to either side, as a stroke may cross at a slant.
            spread = np.ones((3, 1) if is_vertical else (1, 3), np.uint8)
            closed = cv2.morphologyEx(
                cv2.dilate(rest, spread), cv2.MORPH_CLOSE, np.ones(size[::-1], np.uint8)
            )
            result = cv2.bitwise_or(result, cv2.bitwise_and(closed, lines))
        if self.printed.any():
            side = 2 * round(0.3 * self.px_per_mm) + 1
            disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
            closed = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, disc)
            result = cv2.bitwise_or(result, cv2.bitwise_and(closed, self.printed))
        return np.asarray(cv2.bitwise_and(result, candidates), np.uint8)

    @staticmethod
    def _thickness(lines: Mask, is_vertical: bool) -> int:
        """Return the width of the widest line, in pixels."""
        profile = lines.max(axis=0 if is_vertical else 1)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], profile > 0, [0]]).astype(np.int8)))
        return int((edges[1::2] - edges[::2]).max()) if edges.size else 0

    def inside(self, margin_mm: float) -> tuple[slice, slice]:
        """Return the rows and columns of the crop inside the box, less a margin."""
        left, top = self._pixels((self._rect.left + margin_mm, self._rect.top + margin_mm))
        right, bottom = self._pixels((self._rect.right - margin_mm, self._rect.bottom - margin_mm))
        return slice(max(0, round(top)), round(bottom)), slice(max(0, round(left)), round(right))

    def edges(self) -> list[int]:
        """Return the columns, in pixels, of the lines between the cells."""
        return [round(float(self._pixels((cell.left, cell.top))[0])) for cell in self._cells[1:]]
