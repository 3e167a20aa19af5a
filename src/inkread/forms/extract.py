"""Fields out of an aligned scan: the ink that was written, without what was printed."""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread.forms import print_layout
from inkread.forms.align import MM_PER_INCH, Alignment
from inkread.forms.fields import FormField, Rect

__all__ = ["MARGIN_MM", "MIN_INK_MM2", "Written", "from_crop", "written"]

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]  # 255 where true
Darkness = npt.NDArray[np.float32]  # share of the paper's light that is missing, 0 to 1

MARGIN_MM = 1.6  # writing may reach so far out of its box
MIN_INK_MM2 = 0.3  # less in a cell is a speck; a 1 of a fine pen is three times that
_MIN_DPI, _MAX_DPI = 150.0, 300.0
_PAPER_REACH_MM = 4.0  # wider than any stroke
_SHIFT_MM = 0.5  # paper that isn't quite flat puts a field this far from its place
_LINE_SPREAD_MM = 0.17  # printing, scanning and rounding make lines wider on either side
_MIN_DARKNESS = 0.10
_MIN_SPECK_MM2 = 0.06
_OWN_SHARE = 0.8  # a stroke that is so far in one cell is that cell's


@dataclass(frozen=True)
class Written:
    """What was written in a field.

    Attributes:
        ink: (H, W) uint8, ink 255 on paper 0, with soft edges, without the printed lines; the box
            with a margin around it.
        cells: the ink of each cell of a comb, from left to right, as large as ``ink``; of any other
            field, that of the box.
        areas_mm2: how much of each of ``cells`` is ink, in square millimetres.
        grey: (H, W) uint8, the same part of the scan as it is.
        inside_share: ink inside the box by the area of the box, in [0, 1].
    """

    ink: Grey
    cells: tuple[Grey, ...]
    areas_mm2: tuple[float, ...]
    grey: Grey
    inside_share: float

    @property
    def filled(self) -> list[int]:
        """Which of the cells have ink, from the left."""
        return [place for place, area in enumerate(self.areas_mm2) if area >= MIN_INK_MM2]


def written(page: Grey, alignment: Alignment, field: FormField, rect: Rect) -> Written:
    """Extract a field.

    Args:
        page: (H, W) uint8, the scan, 0 black, 255 white.
        alignment: where the form lies on it.
        field: what is to be read.
        rect: its box on the form, in millimetres.
    """
    px_per_mm = float(np.clip(alignment.dpi, _MIN_DPI, _MAX_DPI)) / MM_PER_INCH
    whole = rect.grown(MARGIN_MM)
    grey = alignment.crop(page, whole, px_per_mm)
    darkness = _darkness(grey, px_per_mm)
    print_ = _Print(field, rect, whole, px_per_mm, grey.shape)
    print_.settle(darkness)
    mask, level = _mask(darkness, print_)
    mask = _without_strangers(mask, print_)
    ink = np.clip((darkness - 0.2 * level) * (255 / (0.8 * level)), 0, 255).astype(np.uint8)
    ink[cv2.dilate(mask, np.ones((3, 3), np.uint8)) == 0] = 0
    # What a line left beside itself is no stroke's soft edge.
    ink[(print_.band > 0) & (mask == 0)] = 0
    shares = _shared(mask, print_)
    grown = [cv2.dilate(share, np.ones((3, 3), np.uint8)) for share in shares]
    cells = tuple(
        np.where((one > 0) & ((mask == 0) | (own > 0)), ink, np.uint8(0))
        for one, own in zip(grown, shares, strict=True)
    )
    areas = tuple(float((share > 0).sum()) / px_per_mm**2 for share in shares)
    inner = print_.inside(0.3)
    inside = mask[inner]
    share = float((inside > 0).mean()) if inside.size else 0.0
    return Written(ink, cells, areas, grey, share)


def from_crop(grey: Grey, field: FormField, rect: Rect) -> Written:
    """Extract a field from a crop of it that was saved: ``Written.grey``.

    Args:
        grey: (H, W) uint8.
        field: what is to be read.
        rect: its box on the form, in millimetres.
    """
    whole = rect.grown(MARGIN_MM)
    scale = grey.shape[1] / whole.width, grey.shape[0] / whole.height
    homography = np.array(
        [[scale[0], 0, -whole.left * scale[0]], [0, scale[1], -whole.top * scale[1]], [0, 0, 1]]
    )
    return written(grey, Alignment(homography, 0.0, scale[0] * MM_PER_INCH), field, rect)


class _Print:
    """The printed lines of a field in the pixels of its crop."""

    def __init__(
        self, field: FormField, rect: Rect, whole: Rect, px_per_mm: float, shape: tuple[int, ...]
    ) -> None:
        self.px_per_mm = px_per_mm
        self._origin = np.array([whole.left, whole.top])
        self._rect = rect
        self._shape = shape
        self._cells = print_layout.cells(field, rect)
        self._lines = print_layout.lines(field, rect)
        self._shift = np.zeros(2)
        self.across, self.upright, self.band = self._drawn()

    def settle(self, darkness: Darkness) -> None:
        """Move the lines to where they are on this scan, by up to half a millimetre."""
        reach = max(1, round(_SHIFT_MM * self.px_per_mm))
        lines = (self.band > 0).astype(np.float32)
        pattern = cv2.GaussianBlur(lines, (0, 0), 0.15 * self.px_per_mm)
        pattern = pattern[reach:-reach, reach:-reach]
        # Lines are paler than ink: what is darker than they are must not decide.
        clipped = np.minimum(darkness, max(0.05, float(np.percentile(darkness[lines > 0], 60))))
        scores = cv2.matchTemplate(clipped, pattern, cv2.TM_CCOEFF_NORMED)
        _, best, _, place = cv2.minMaxLoc(scores)
        if best > scores[reach, reach] + 0.02:
            self._shift = (np.array(place) - reach) / self.px_per_mm
            self.across, self.upright, self.band = self._drawn()

    def _pixels(self, point: tuple[float, float]) -> npt.NDArray[np.float64]:
        return np.asarray((np.array(point) - self._origin + self._shift) * self.px_per_mm)

    def _drawn(self) -> tuple[Mask, Mask, Mask]:
        """Return masks of the level lines, of the upright ones, and of both."""
        across, upright = np.zeros(self._shape, np.uint8), np.zeros(self._shape, np.uint8)
        for line in self._lines:
            half = (line.width / 2 + _LINE_SPREAD_MM) * self.px_per_mm
            start, end = self._pixels(line.start), self._pixels(line.end)
            left, top = np.floor(np.minimum(start, end) - half + 0.5).astype(int)
            right, bottom = np.floor(np.maximum(start, end) + half + 0.5).astype(int)
            target = across if line.start[1] == line.end[1] else upright
            target[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = 255
        return across, upright, cv2.bitwise_or(across, upright)

    def healed(self, rest: Mask, candidates: Mask) -> Mask:
        """Give strokes that cross a line back what they lost: where there is ink on both sides."""
        result = rest
        for lines, flat in ((self.across, False), (self.upright, True)):
            widest = self._thickness(lines, flat) + 2
            size = (1, widest) if not flat else (widest, 1)
            # A stroke may cross at a slant: a pixel more to either side.
            spread = np.ones((3, 1) if flat else (1, 3), np.uint8)
            closed = cv2.morphologyEx(
                cv2.dilate(rest, spread), cv2.MORPH_CLOSE, np.ones(size[::-1], np.uint8)
            )
            result = cv2.bitwise_or(result, cv2.bitwise_and(closed, lines))
        return np.asarray(cv2.bitwise_and(result, candidates), np.uint8)

    @staticmethod
    def _thickness(lines: Mask, flat: bool) -> int:
        """Return the width of the widest line, in pixels."""
        profile = lines.max(axis=0 if flat else 1)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], profile > 0, [0]]).astype(np.int8)))
        return int((edges[1::2] - edges[::2]).max()) if edges.size else 0

    def inside(self, margin_mm: float) -> tuple[slice, slice]:
        """Return the part of the crop inside the box, less a margin."""
        left, top = self._pixels((self._rect.left + margin_mm, self._rect.top + margin_mm))
        right, bottom = self._pixels((self._rect.right - margin_mm, self._rect.bottom - margin_mm))
        return slice(max(0, round(top)), round(bottom)), slice(max(0, round(left)), round(right))

    def edges(self) -> list[int]:
        """Return the columns of the lines between the cells."""
        return [round(float(self._pixels((cell.left, cell.top))[0])) for cell in self._cells[1:]]


def _darkness(grey: Grey, px_per_mm: float) -> Darkness:
    """Flatten the light: how much darker than the paper around it each pixel is."""
    reach = 2 * round(_PAPER_REACH_MM * px_per_mm / 2) + 1
    quarter = cv2.resize(grey, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach // 4 | 1, reach // 4 | 1))
    paper = cv2.morphologyEx(quarter, cv2.MORPH_CLOSE, kernel)
    paper = cv2.GaussianBlur(paper, (0, 0), reach / 16)
    paper = cv2.resize(paper, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
    light = grey.astype(np.float32) / np.maximum(paper, 30)
    return np.asarray(1 - np.minimum(light, 1.0), np.float32)


def _mask(darkness: Darkness, print_: _Print) -> tuple[Mask, float]:
    """Find the ink; return it and how dark it is."""
    smooth = cv2.GaussianBlur(darkness, (0, 0), 0.07 * print_.px_per_mm)
    free = print_.band == 0
    # Most of a box is paper: how it varies there is its roughness.
    middle = float(np.median(smooth[free]))
    roughness = float(np.median(np.abs(smooth[free] - middle))) * 1.48
    threshold = max(_MIN_DARKNESS, middle + 5 * roughness)
    level = threshold / 0.4
    for _ in range(2):  # the threshold follows the ink, and the ink the threshold
        inked = smooth[free & (smooth > threshold)]
        level = float(np.percentile(inked, 75)) if inked.size > 8 else level
        threshold = max(threshold, 0.4 * level)
    candidates = ((smooth > threshold) * 255).astype(np.uint8)
    rest = cv2.bitwise_and(candidates, cv2.bitwise_not(print_.band))
    # Ink is often darker than the line it crosses, and then it is seen on it.
    on_line = smooth[print_.band > 0]
    line_level = float(np.percentile(on_line, 70)) if on_line.size else 0.0
    strong = ((smooth > line_level + 0.5 * max(level - line_level, 0.16)) * 255).astype(np.uint8)
    on_lines = cv2.bitwise_and(print_.band, cv2.bitwise_and(candidates, strong))
    # Only where a stroke leads to it: dark spots of the line itself are no ink.
    reach = np.ones((5, 5), np.uint8)
    on_lines = cv2.bitwise_and(on_lines, cv2.dilate(rest, reach))
    mask = cv2.bitwise_or(print_.healed(rest, candidates), on_lines)
    return mask, max(level, 1e-3)


def _without_strangers(mask: Mask, print_: _Print) -> Mask:
    """Remove specks, and what is in the margin but not of the box: labels, neighbours."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count == 1:
        return mask
    inner = print_.inside(0.0)
    inside = np.bincount(labels[inner].ravel(), minlength=count)
    areas = stats[:, cv2.CC_STAT_AREA]
    keep = (areas >= _MIN_SPECK_MM2 * print_.px_per_mm**2) & (inside >= 0.3 * areas)
    keep[0] = False
    return np.asarray(keep[labels] * np.uint8(255))


def _shared(mask: Mask, print_: _Print) -> list[Mask]:
    """Share the strokes out among the cells: whole if they belong to one, else cut at its edge."""
    edges = print_.edges()
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
    whole = parts.max(axis=0) >= _OWN_SHARE * parts.sum(axis=0)
    column_cell = np.searchsorted(edges, np.arange(mask.shape[1]), side="right")
    cell_of = np.where(whole[labels], main[labels], column_cell[None, :])
    return [
        np.where((cell_of == cell) & (labels > 0), np.uint8(255), np.uint8(0))
        for cell in range(len(bounds) - 1)
    ]
