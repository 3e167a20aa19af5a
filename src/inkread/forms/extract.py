"""Extracts fields from an aligned scan: the handwritten ink, without the printed lines."""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread.forms import print_layout
from inkread.forms.align import MM_PER_INCH, Alignment
from inkread.forms.fields import FormField, Rect

__all__ = ["MARGIN_MM", "MIN_INK_MM2", "FieldInk", "extract_field", "extract_from_crop"]

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]  # (H, W), 255 where true, else 0
Darkness = npt.NDArray[np.float32]  # (H, W), 1 - brightness / the paper's brightness, in [0, 1]

MARGIN_MM = 1.6  # of the crop around the box, for writing that reaches beyond it
MIN_INK_MM2 = 0.3  # with less, a cell is empty; a 1 of a fine pen has three times that
_MIN_DPI, _MAX_DPI = 150.0, 300.0  # of the crops
_PAPER_WINDOW_MM = 4.0  # in which the paper's brightness is estimated; wider than any stroke
_MAX_SHIFT_MM = 0.5  # of a field from where the alignment puts it, where paper isn't quite flat
_LINE_SPREAD_MM = 0.17  # printing, scanning and rounding make lines this much wider on each side
_MIN_DARKNESS = 0.10  # of ink
_MIN_SPECK_MM2 = 0.06  # connected components that are smaller are noise
_MIN_SHARE_OF_ONE_CELL = 0.8  # of a stroke's pixels, for all of it to belong to that cell


@dataclass(frozen=True)
class FieldInk:
    """The handwritten ink of a field.

    Attributes:
        ink: (H, W) uint8, ink 255 on paper 0, anti-aliased, without the printed lines; the box and
            a margin of ``MARGIN_MM`` around it.
        cells: the ink of each cell of a comb, from left to right, each (H, W) as ``ink``; for any
            other field, one: that of the box.
        areas_mm2: the area of ink in each of ``cells``, in square millimetres.
        grey: (H, W) uint8, the same part of the scan, unprocessed.
        inside_share: the share of the box's area that is ink, in [0, 1].
    """

    ink: Grey
    cells: tuple[Grey, ...]
    areas_mm2: tuple[float, ...]
    grey: Grey
    inside_share: float

    @property
    def filled_cells(self) -> list[int]:
        """The indices of the cells that have ink, from the left."""
        return [place for place, area in enumerate(self.areas_mm2) if area >= MIN_INK_MM2]


def extract_field(page: Grey, alignment: Alignment, field: FormField, rect: Rect) -> FieldInk:
    """Extract the ink of a field from a scan.

    Args:
        page: (H, W) uint8, the scan, 0 black, 255 white.
        alignment: where the form lies on it.
        field: the field; its cells and lines are known from it.
        rect: its box on the form, in millimetres.
    """
    px_per_mm = float(np.clip(alignment.dpi, _MIN_DPI, _MAX_DPI)) / MM_PER_INCH
    whole = rect.expand(MARGIN_MM)
    grey = alignment.crop(page, whole, px_per_mm)
    darkness = _measure_darkness(grey, px_per_mm)
    lines = _PrintedLines(field, rect, whole, px_per_mm, grey.shape)
    lines.register(darkness)
    mask, level = _segment_ink(darkness, lines)
    mask = _remove_foreign_ink(mask, lines)
    ink = np.clip((darkness - 0.2 * level) * (255 / (0.8 * level)), 0, 255).astype(np.uint8)
    ink[cv2.dilate(mask, np.ones((3, 3), np.uint8)) == 0] = 0
    # Remains of a printed line next to a stroke must not pass for the stroke's anti-aliased edge.
    ink[(lines.band > 0) & (mask == 0)] = 0
    shares = _split_among_cells(mask, lines)
    grown = [cv2.dilate(share, np.ones((3, 3), np.uint8)) for share in shares]
    cells = tuple(
        np.where((one > 0) & ((mask == 0) | (own > 0)), ink, np.uint8(0))
        for one, own in zip(grown, shares, strict=True)
    )
    areas = tuple(float((share > 0).sum()) / px_per_mm**2 for share in shares)
    inner = lines.inside(0.3)
    inside = mask[inner]
    share = float((inside > 0).mean()) if inside.size else 0.0
    return FieldInk(ink, cells, areas, grey, share)


def extract_from_crop(grey: Grey, field: FormField, rect: Rect) -> FieldInk:
    """Extract the ink of a field from a saved crop of its scan.

    Args:
        grey: (H, W) uint8, a ``FieldInk.grey``.
        field: the field; its cells and lines are known from it.
        rect: its box on the form, in millimetres.
    """
    whole = rect.expand(MARGIN_MM)
    scale = grey.shape[1] / whole.width, grey.shape[0] / whole.height
    homography = np.array(
        [[scale[0], 0, -whole.left * scale[0]], [0, scale[1], -whole.top * scale[1]], [0, 0, 1]]
    )
    return extract_field(grey, Alignment(homography, 0.0, scale[0] * MM_PER_INCH), field, rect)


class _PrintedLines:
    """The printed lines of a field, in pixels of its crop."""

    def __init__(
        self, field: FormField, rect: Rect, whole: Rect, px_per_mm: float, shape: tuple[int, ...]
    ) -> None:
        self.px_per_mm = px_per_mm
        self._origin = np.array([whole.left, whole.top])
        self._rect = rect
        self._shape = shape
        self._cells = print_layout.place_cells(field, rect)
        self._lines = print_layout.place_lines(field, rect)
        self._shift = np.zeros(2)
        self.horizontal, self.vertical, self.band = self._draw()

    def register(self, darkness: Darkness) -> None:
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
            self.horizontal, self.vertical, self.band = self._draw()

    def _pixels(self, point: tuple[float, float]) -> npt.NDArray[np.float64]:
        return np.asarray((np.array(point) - self._origin + self._shift) * self.px_per_mm)

    def _draw(self) -> tuple[Mask, Mask, Mask]:
        """Return masks of the horizontal lines, of the vertical lines, and of both."""
        horizontal, vertical = np.zeros(self._shape, np.uint8), np.zeros(self._shape, np.uint8)
        for line in self._lines:
            half = (line.width_mm / 2 + _LINE_SPREAD_MM) * self.px_per_mm
            start, end = self._pixels(line.start), self._pixels(line.end)
            left, top = np.floor(np.minimum(start, end) - half + 0.5).astype(int)
            right, bottom = np.floor(np.maximum(start, end) + half + 0.5).astype(int)
            target = horizontal if line.start[1] == line.end[1] else vertical
            target[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = 255
        return horizontal, vertical, cv2.bitwise_or(horizontal, vertical)

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


def _measure_darkness(grey: Grey, px_per_mm: float) -> Darkness:
    """Compensate for uneven light: measure how much darker than its paper each pixel is."""
    reach = 2 * round(_PAPER_WINDOW_MM * px_per_mm / 2) + 1
    quarter = cv2.resize(grey, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach // 4 | 1, reach // 4 | 1))
    paper = cv2.morphologyEx(quarter, cv2.MORPH_CLOSE, kernel)
    paper = cv2.GaussianBlur(paper, (0, 0), reach / 16)
    paper = cv2.resize(paper, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
    light = grey.astype(np.float32) / np.maximum(paper, 30)
    return np.asarray(1 - np.minimum(light, 1.0), np.float32)


def _segment_ink(darkness: Darkness, lines: _PrintedLines) -> tuple[Mask, float]:
    """Segment the ink; return its mask and the 75th percentile of its darkness."""
    smooth = cv2.GaussianBlur(darkness, (0, 0), 0.07 * lines.px_per_mm)
    free = lines.band == 0
    # Most of a box is paper, so the median deviation is that of the paper (its texture and noise).
    middle = float(np.median(smooth[free]))
    roughness = float(np.median(np.abs(smooth[free] - middle))) * 1.48
    threshold = max(_MIN_DARKNESS, middle + 5 * roughness)
    level = threshold / 0.4
    for _ in range(2):  # threshold and level depend on each other
        inked = smooth[free & (smooth > threshold)]
        level = float(np.percentile(inked, 75)) if inked.size > 8 else level
        threshold = max(threshold, 0.4 * level)
    candidates = ((smooth > threshold) * 255).astype(np.uint8)
    rest = cv2.bitwise_and(candidates, cv2.bitwise_not(lines.band))
    # Ink that is darker than the line it crosses can be told from it.
    on_line = smooth[lines.band > 0]
    line_level = float(np.percentile(on_line, 70)) if on_line.size else 0.0
    strong = ((smooth > line_level + 0.5 * max(level - line_level, 0.16)) * 255).astype(np.uint8)
    on_lines = cv2.bitwise_and(lines.band, cv2.bitwise_and(candidates, strong))
    # Only next to a stroke: elsewhere, dark spots are the line's own.
    reach = np.ones((5, 5), np.uint8)
    on_lines = cv2.bitwise_and(on_lines, cv2.dilate(rest, reach))
    mask = cv2.bitwise_or(lines.restore_crossings(rest, candidates), on_lines)
    return mask, max(level, 1e-3)


def _remove_foreign_ink(mask: Mask, lines: _PrintedLines) -> Mask:
    """Remove noise, and components that lie mostly in the margin: labels, neighbouring fields."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count == 1:
        return mask
    inner = lines.inside(0.0)
    inside = np.bincount(labels[inner].ravel(), minlength=count)
    areas = stats[:, cv2.CC_STAT_AREA]
    keep = (areas >= _MIN_SPECK_MM2 * lines.px_per_mm**2) & (inside >= 0.3 * areas)
    keep[0] = False
    return np.asarray(keep[labels] * np.uint8(255))


def _split_among_cells(mask: Mask, lines: _PrintedLines) -> list[Mask]:
    """Assign components to cells: whole if they lie mostly in one, else cut at the cells' edges.

    Returns:
        A mask for each cell, from left to right.
    """
    edges = lines.edges()
    if not edges:
        return [mask]
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    bounds = [0, *edges, mask.shape[1]]
    parts = np.stack(
        [
            np.bincount(labels[:, left:right].ravel(), minlength=count)
            for left, right in itertools.pairwise(bounds)
        ]
    )  # (cells, components)
    main = parts.argmax(axis=0)
    whole = parts.max(axis=0) >= _MIN_SHARE_OF_ONE_CELL * parts.sum(axis=0)
    column_cell = np.searchsorted(edges, np.arange(mask.shape[1]), side="right")
    cell_of = np.where(whole[labels], main[labels], column_cell[None, :])
    return [
        np.where((cell_of == cell) & (labels > 0), np.uint8(255), np.uint8(0))
        for cell in range(len(bounds) - 1)
    ]
