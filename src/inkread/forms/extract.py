"""Extracts fields from an aligned scan: the handwritten ink, without the printed lines."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread.forms.align import MM_PER_INCH, Alignment
from inkread.forms.field_print import Darkness, FieldPrint, Mask, measure_darkness
from inkread.forms.fields import FormField, Rect

__all__ = ["MARGIN_MM", "MIN_INK_MM2", "FieldInk", "extract_field", "extract_from_crop"]

Grey = npt.NDArray[np.uint8]
CropBlank = Callable[[Rect, tuple[int, ...]], Grey]  # a rectangle of the form, the crop's shape

MARGIN_MM = 1.6  # of the crop around the box, for writing that reaches beyond it
MIN_INK_MM2 = 0.3  # with less, a cell is empty; a 1 of a fine pen has three times that
_MIN_DPI, _MAX_DPI = 150.0, 300.0  # of the crops
_MIN_DARKNESS = 0.10  # of ink
_MIN_DIGIT_MM = 1.1  # extent of a digit's largest piece; with smaller ones alone, there is none
_MIN_SPECK_MM2 = 0.06  # connected components that are smaller are noise
_MIN_POINT_MM2 = 0.02  # of a decimal point, where points mean something
_MIN_SHARE_OF_PEN = 0.4  # of the form's pen; what is paler is no ink of it
_MIN_FAINT_DARKNESS = 0.03  # of marks that are too faint to be read
_MIN_FAINT_ROUGHNESS = 4.0  # above the paper, in standard deviations of its texture
_AROUND_PRINT_MM = 0.3  # beside print and ink, nothing is a mark of its own
_MAX_LINE_MM = 0.9  # thickness of a printed line, aslant as it may lie
_NEAR_EDGE_MM = 0.6
_WELL_INSIDE_MM = 0.6  # from the box's edge
_MIN_SHARE_OF_ONE_CELL = 0.8  # of a stroke's pixels, for all of it to belong to that cell


@dataclass(frozen=True)
class FieldInk:
    """The handwritten ink of a field.

    Attributes:
        ink: (H, W) uint8, ink 255 on paper 0, anti-aliased, without the printed lines; the box and
            a margin of ``MARGIN_MM`` around it.
        cells: the ink of each cell of a comb, from left to right, each (H, W) as ``ink``; for any
            other field, one: that of the box.
        areas_mm2: the area of ink in each of ``cells``, in square millimetres; 0 where it is but
            specks, too small for a digit.
        grey: (H, W) uint8, the same part of the scan, unprocessed.
        inside_share: the share of the box's area that is ink, in [0, 1].
        darkness: of the ink, in [0, 1]: its 75th percentile; 0 without ink.
        px_per_mm: scale of the crop.
        faint_mm: for each of ``cells`` the extent of the largest mark in it that is too faint or
            too small to be writing, and no print, in millimetres; 0 if there is none.
        lost_mm2: the area inside the box of what was left out as it lies mostly outside, or is
            joined to print.
    """

    ink: Grey
    cells: tuple[Grey, ...]
    areas_mm2: tuple[float, ...]
    grey: Grey
    inside_share: float
    darkness: float = 0.0
    px_per_mm: float = 10.0
    faint_mm: tuple[float, ...] = (0.0,)
    lost_mm2: float = 0.0

    @property
    def filled_cells(self) -> list[int]:
        """The indices of the cells that have ink, from the left."""
        return [place for place, area in enumerate(self.areas_mm2) if area >= MIN_INK_MM2]


def extract_field(
    page: Grey,
    alignment: Alignment,
    field: FormField,
    rect: Rect,
    crop_blank: CropBlank | None = None,
    pen_darkness: float = 0.0,
) -> FieldInk:
    """Extract the ink of a field from a scan.

    Args:
        page: (H, W) uint8, the scan, 0 black, 255 white.
        alignment: where the form lies on it.
        field: the field; its cells and lines are known from it.
        rect: its box on the form, in millimetres.
        crop_blank: cuts a part out of the picture of the blank form; ``None``: there is none.
        pen_darkness: how dark the form's writing is, in [0, 1]; what is paler than a share of it
            is taken for print, or for faint writing.
    """
    px_per_mm = float(np.clip(alignment.dpi, _MIN_DPI, _MAX_DPI)) / MM_PER_INCH
    whole = rect.expand(MARGIN_MM)
    grey = alignment.crop(page, whole, px_per_mm)
    darkness = measure_darkness(grey, px_per_mm)
    lines = FieldPrint(field, rect, whole, px_per_mm, grey.shape)
    lines.find(darkness, crop_blank(whole, grey.shape) if crop_blank else None)
    smooth = cv2.GaussianBlur(darkness, (0, 0), 0.07 * px_per_mm)
    whole_mask, level = _segment_ink(smooth, lines, pen_darkness)
    speck = _MIN_POINT_MM2 if field.has_separators else _MIN_SPECK_MM2
    mask = _remove_foreign_ink(whole_mask, lines, speck)
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
    sizes = [_measure_largest_mark(share) / px_per_mm for share in shares]
    areas = tuple(
        float((share > 0).sum()) / px_per_mm**2 if size >= _MIN_DIGIT_MM else 0.0
        for share, size in zip(shares, sizes, strict=True)
    )
    faint = [
        max(each, size if size < _MIN_DIGIT_MM else 0.0)
        for each, size in zip(_measure_faint_marks(smooth, mask, lines), sizes, strict=True)
    ]
    inner = lines.inside(0.3)
    inside = mask[inner]
    share = float((inside > 0).mean()) if inside.size else 0.0
    return FieldInk(
        ink,
        cells,
        areas,
        grey,
        share,
        darkness=level if mask.any() else 0.0,
        px_per_mm=px_per_mm,
        faint_mm=tuple(faint),
        lost_mm2=_measure_lost_ink(whole_mask, mask, lines),
    )


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


def _segment_ink(smooth: Darkness, lines: FieldPrint, pen_darkness: float) -> tuple[Mask, float]:
    """Segment the ink; return its mask and the 75th percentile of its darkness."""
    free = lines.band == 0
    # What is printed beside the box may be much darker than the writing in it.
    inner = np.zeros_like(free)
    inner[lines.inside(0.3)] = True
    # Most of a box is paper, so the median deviation is that of the paper (its texture and noise).
    middle = float(np.median(smooth[free]))
    roughness = float(np.median(np.abs(smooth[free] - middle))) * 1.48
    threshold = max(_MIN_DARKNESS, middle + 5 * roughness)
    threshold = max(threshold, _MIN_SHARE_OF_PEN * pen_darkness)
    level = threshold / 0.4
    for _ in range(2):  # threshold and level depend on each other
        inked = smooth[free & inner & (smooth > threshold)]
        level = float(np.percentile(inked, 75)) if inked.size > 8 else level
        threshold = max(threshold, 0.4 * level)
    candidates = ((smooth > threshold) * 255).astype(np.uint8)
    rest = cv2.bitwise_and(candidates, cv2.bitwise_not(lines.band))
    # Ink that is darker than the print it crosses can be told from it.
    on_line = smooth[(lines.band > 0) & (lines.printed == 0)]
    line_level = float(np.percentile(on_line, 70)) if on_line.size else 0.0
    print_level = np.where(lines.printed > 0, lines.expected, np.float32(line_level))
    least = print_level + 0.5 * np.maximum(level - print_level, 0.16)
    strong = ((smooth > least) * 255).astype(np.uint8)
    on_lines = cv2.bitwise_and(lines.band, cv2.bitwise_and(candidates, strong))
    # Only next to a stroke: elsewhere, dark spots are the line's own. Of a blank form it is known
    # how dark its print is, so a stroke may lie on it all along.
    near = cv2.dilate(rest, np.ones((5, 5), np.uint8))
    along = cv2.morphologyEx(
        cv2.bitwise_and(on_lines, lines.printed), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)
    )
    on_lines = cv2.bitwise_and(on_lines, cv2.bitwise_or(near, cv2.dilate(along, np.ones((5, 5)))))
    mask = cv2.bitwise_or(lines.restore_crossings(rest, candidates), on_lines)
    return mask, max(level, 1e-3)


def _remove_foreign_ink(mask: Mask, lines: FieldPrint, speck_mm2: float) -> Mask:
    """Remove noise, and components that lie mostly in the margin: labels, neighbouring fields."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count == 1:
        return mask
    inner = lines.inside(0.0)
    inside = np.bincount(labels[inner].ravel(), minlength=count)
    areas = stats[:, cv2.CC_STAT_AREA]
    keep = (areas >= speck_mm2 * lines.px_per_mm**2) & (inside >= 0.3 * areas)
    # What lies along an edge of the box is a piece of its line.
    for axis, side in ((1, inner[0]), (0, inner[1])):
        start, extent = stats[:, axis].astype(float), stats[:, axis + 2]
        middle = start + extent / 2
        near = np.minimum(abs(middle - side.start), abs(middle - side.stop))
        is_along = extent <= _MAX_LINE_MM * lines.px_per_mm
        keep &= ~(is_along & (near <= _NEAR_EDGE_MM * lines.px_per_mm))
    keep[0] = False
    return np.asarray(keep[labels] * np.uint8(255))


def _measure_lost_ink(whole: Mask, kept: Mask, lines: FieldPrint) -> float:
    """Return the area, in square millimetres, well inside the box of what is not kept."""
    inner = lines.inside(_WELL_INSIDE_MM)
    lost = cv2.bitwise_and(whole[inner], cv2.bitwise_not(kept[inner]))
    lost = cv2.morphologyEx(lost, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)) if lost.size else lost
    return float((lost > 0).sum()) / lines.px_per_mm**2


def _measure_faint_marks(smooth: Darkness, mask: Mask, lines: FieldPrint) -> Iterator[float]:
    """Yield for each cell the extent of its largest faint mark, in millimetres."""
    clear = lines.band == 0
    middle = float(np.median(smooth[clear]))
    roughness = float(np.median(np.abs(smooth[clear] - middle))) * 1.48
    faint = smooth > max(_MIN_FAINT_DARKNESS, middle + _MIN_FAINT_ROUGHNESS * roughness)
    around = round(_AROUND_PRINT_MM * lines.px_per_mm)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * around + 1, 2 * around + 1))
    known = cv2.dilate(cv2.bitwise_or(lines.band, mask), disc)
    marks = np.asarray((faint & (known == 0)) * np.uint8(255))
    inner = lines.inside(_WELL_INSIDE_MM)
    bounds = [0, *lines.edges(), mask.shape[1]]
    for left, right in itertools.pairwise(bounds):
        columns = slice(max(left, inner[1].start), max(0, min(right, inner[1].stop)))
        least = _MIN_SPECK_MM2 * lines.px_per_mm**2
        yield _measure_largest_mark(marks[inner[0], columns], least) / lines.px_per_mm


def _measure_largest_mark(mask: Mask, least_px: float = 1.0) -> float:
    """Return the diagonal of the largest component, in pixels; 0 if none has as large an area."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    stats = stats[1:][stats[1:, cv2.CC_STAT_AREA] >= least_px]
    diagonals = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    return float(diagonals.max(initial=0.0))


def _split_among_cells(mask: Mask, lines: FieldPrint) -> list[Mask]:
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
