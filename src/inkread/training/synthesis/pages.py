"""Synthetic pages: seeded pictures of sheets that people wrote numbers on, known to the pixel.

A run never crosses a rule: neighbouring cells are runs of their own, and so is each character of a
comb. Characters of a number are one run up to gaps of about their height, printed and written words
are a run each. Ticks, dashes, scribbles, codes and logos are marks without a run.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inkread.imaging.layout_maps import CELL_PX, padded
from inkread.training.handwriting.pens import PenStrokes
from inkread.training.mnist import Split
from inkread.training.synthesis.page_camera import View, see, take
from inkread.training.synthesis.page_content import PageContent
from inkread.training.synthesis.page_kinds import KIND_SHARES, KINDS
from inkread.training.synthesis.page_print import PagePrinter
from inkread.training.synthesis.page_sheet import Sheet, SheetRun, SheetTable
from inkread.training.synthesis.page_writing import PageHand

__all__ = [
    "IGNORED",
    "PLANES",
    "PageMaker",
    "SyntheticPage",
    "is_legible",
    "shrunk_corners",
    "targets",
]

# What a pool keeps of a page, besides its picture: a plane each, at the maps' resolution. The last
# one holds bits: 1 in a core, 2 handwritten, 4 number, 8 struck, 16 and 32 the direction, 64 a
# link.
PLANES = ("core", "handwriting", "print", "ruling", "sheet", "attributes")
IGNORED = 128  # the bit of the attributes where nobody can say whether there is a run
_LINK = 64
_SAMPLED = slice(CELL_PX // 2, None, CELL_PX)  # what the attributes' plane keeps of each axis
_SHRINK = 0.22  # of a run's height, taken off on every side of its core
_LEAST_CORE_PX = 5.0  # of the picture
_LEAST_SEEN_PX = 6.0  # writing that is seen less high can't be read
_SPECK_PX = 4.2  # and what is still less high isn't to be found: it is texture
_REDUCTIONS = (1, 2, 3)  # a large page is made smaller by one of these
_REDUCTION_SHARES = (0.9, 0.06, 0.04)
_CUT_OUT = 0.1  # of all pages
_LARGE_KINDS = ("number", "lines", "sudoku", "blank", "tally")


@dataclass(frozen=True)
class SyntheticPage:
    """A picture with its truth.

    Attributes:
        picture: (H, W) uint8; sides are multiples of ``CELL_PX``.
        kind: of ``KINDS``.
        runs: all that can be read in the picture, in its pixels.
        tables: whose middle is in it, in its pixels.
        outline: (4, 2) float32, the sheet's corners, clockwise from its own top left.
        quarter: by how many quarter turns clockwise the sheet lies turned, at the nearest.
        planes: (H / CELL_PX, W / CELL_PX, 6) uint8, as ``PLANES`` says.
    """

    picture: npt.NDArray[np.uint8]
    kind: str
    runs: tuple[SheetRun, ...]
    tables: tuple[SheetTable, ...]
    outline: npt.NDArray[np.float32]
    quarter: int
    planes: npt.NDArray[np.uint8]


class PageMaker:
    """Makes pages of a size."""

    def __init__(
        self, digits: Split, fonts: tuple[Path, ...], pens: PenStrokes | None = None
    ) -> None:
        """Take what pages are made of.

        Args:
            digits: MNIST's training images.
            fonts: to print with.
            pens: strokes of real writers.
        """
        self._digits, self._fonts, self._pens = digits, fonts, pens

    def page(
        self, rng: np.random.Generator, *, side_px: int = 512, kind: str | None = None
    ) -> SyntheticPage:
        """Make a square page.

        Args:
            rng: decides everything.
            side_px: of the picture, a multiple of ``CELL_PX``.
            kind: of ``KINDS``; ``None``: any.
        """
        kind = kind or str(rng.choice(list(KINDS), p=KIND_SHARES))
        reduction = int(rng.choice(_REDUCTIONS, p=_REDUCTION_SHARES))
        side_px *= reduction
        width, tall = (int(side_px * rng.uniform(0.85, 1.25)) for _ in range(2))
        tallest = 0.26 * side_px if kind in _LARGE_KINDS else 0.12 * side_px
        least = 13.0 if kind in ("number", "lines", "tally") else 9.5
        height = float(np.exp(rng.uniform(np.log(least), np.log(tallest))))
        writer = PageHand(self._digits, rng, height, self._pens)
        printer = PagePrinter(self._fonts, rng, self._print_px(rng, height))
        sheet = Sheet.blank(width, tall)
        KINDS[kind](PageContent(sheet, rng, writer, printer, self._pens is not None))
        view = take((width, tall), (side_px, side_px), rng)
        picture = see(np.clip(sheet.grey, 0, 1), view, rng, float(np.clip(height / 11, 0.9, 4)))
        seen = _with_truth(picture, kind, sheet, view, reduction)
        return _cut_out(seen, rng) if rng.random() < _CUT_OUT else seen

    @staticmethod
    def _print_px(rng: np.random.Generator, height: float) -> float:
        return float(np.clip(height * np.exp(rng.uniform(np.log(0.55), np.log(1.7))), 8, 90))


def _with_truth(
    picture: npt.NDArray[np.uint8], kind: str, sheet: Sheet, view: View, reduction: int
) -> SyntheticPage:
    """Return the picture of a sheet, made smaller, with what is true of it."""
    height, width = (side // reduction for side in view.shape)
    marks = cv2.warpPerspective(sheet.marks, view.to_picture, view.shape[::-1])
    cells = (width // CELL_PX, height // CELL_PX)
    small = cv2.resize(marks, cells, interpolation=cv2.INTER_AREA)
    if reduction > 1:
        picture = np.asarray(
            cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )
        smaller = np.diag([1 / reduction, 1 / reduction, 1.0]) @ view.to_picture
        view = replace(view, to_picture=smaller, shape=(height, width))
    limits = np.array(sheet.size, np.float32)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * limits
    outline = _moved(corners, view)
    paper = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(paper, np.rint(outline).astype(np.int32), 255)
    if not view.has_desk:
        paper[:] = 255
    runs = tuple(
        SheetRun(_moved(run.corners, view), run.text, run.handwritten, run.number, run.struck)
        for run in sheet.runs
    )
    core, attributes = _core_planes(runs, view.shape)
    links = np.zeros(view.shape, np.uint8)
    for link in sheet.links:
        cv2.fillConvexPoly(
            links, np.rint(_moved(link, view) * 16).astype(np.int32), _LINK, cv2.LINE_8, 4
        )
    attributes |= links[_SAMPLED, _SAMPLED]
    planes = np.dstack([core, np.minimum(small * 3.0, 255).astype(np.uint8),
                        _reduced(paper), attributes])  # fmt: skip
    visible = tuple(run for run in runs if _share_inside(run.corners, view.shape) > 0.5)
    tables = tuple(_moved_table(table, view) for table in sheet.tables)
    shown = tuple(t for t in tables if _share_inside(t.corners, view.shape) > 0.5)
    return SyntheticPage(picture, kind, visible, shown, outline, view.quarter, planes)


def _cut_out(page: SyntheticPage, rng: np.random.Generator) -> SyntheticPage:
    """Leave the surroundings of one run only, as in pictures of one field; the rest is blank."""
    if not page.runs:
        return page
    run = page.runs[rng.integers(len(page.runs))]
    low, high = run.corners.min(axis=0), run.corners.max(axis=0)
    tall = float(min(high - low))
    reach = tall * np.exp(rng.uniform(np.log(0.05), np.log(2.0), 4))
    side = page.picture.shape[0]
    x0, y0 = (int(v) for v in np.clip(low - reach[:2], 0, side - 8) // CELL_PX * CELL_PX)
    x1, y1 = (int(v) for v in np.clip(high + reach[2:], 8, side) // CELL_PX * CELL_PX)
    if x1 - x0 < 2 * CELL_PX or y1 - y0 < 2 * CELL_PX:
        return page
    part = page.picture[y0:y1, x0:x1]
    picture = padded(part, (side, side))
    planes = np.zeros_like(page.planes)
    planes[..., PLANES.index("sheet")] = 255
    cells = slice(y0 // CELL_PX, y1 // CELL_PX), slice(x0 // CELL_PX, x1 // CELL_PX)
    planes[: (y1 - y0) // CELL_PX, : (x1 - x0) // CELL_PX] = page.planes[cells]
    shift = np.array([x0, y0], np.float32)
    runs = tuple(
        replace(each, corners=each.corners - shift)
        for each in page.runs
        if _share_inside(each.corners - shift, part.shape) > 0.5
    )
    return replace(
        page, picture=picture, planes=planes, runs=runs, tables=(), outline=page.outline - shift
    )


def shrunk_corners(corners: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the corners of a run's core: its box, less a share of its height on each side.

    As in DBNet (Liao, Wan, Yao, Chen and Bai 2020, "Real-time scene text detection with
    differentiable binarization"), but by a share of the height, so that the core of a long run
    stays as thick as that of a short one.
    """
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    width, height = float(np.hypot(*across)), float(np.hypot(*down))
    centre = corners.mean(axis=0)
    inset = _SHRINK * min(height, 2.5 * width)
    # The core of a slim run, a 1, stays wide enough to be seen.
    new_width = max(width - 2 * inset, 0.25 * height, _LEAST_CORE_PX)
    new_height = max(height - 2 * inset, _LEAST_CORE_PX)
    half_x = across / max(width, 1e-6) * new_width / 2
    half_y = down / max(height, 1e-6) * new_height / 2
    return np.stack(
        [centre - half_x - half_y, centre + half_x - half_y,
         centre + half_x + half_y, centre - half_x + half_y]
    ).astype(np.float32)  # fmt: skip


def is_legible(run: SheetRun, shape: tuple[int, int]) -> bool:
    """Whether a run is high enough, and enough of it in a picture of a shape, to be read."""
    height = float(np.hypot(*(run.corners[3] - run.corners[0])))
    inside = _share_inside(run.corners, shape)
    return height >= _LEAST_SEEN_PX and not 0.02 < inside < 0.6


def _core_planes(
    runs: tuple[SheetRun, ...], shape: tuple[int, int]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Draw the cores, and what is said of them, at the maps' resolution."""
    core = np.zeros(shape, np.uint8)
    attributes = np.zeros(shape, np.uint8)
    for run in runs:
        shrunk = shrunk_corners(run.corners)
        vertices = np.rint(shrunk * 16).astype(np.int32)
        height = float(np.hypot(*(run.corners[3] - run.corners[0])))
        if height < _SPECK_PX:
            continue
        if not is_legible(run, shape):
            around = np.rint(run.corners * 16).astype(np.int32)
            cv2.fillConvexPoly(attributes, around, IGNORED, cv2.LINE_8, 4)
            continue
        cv2.fillConvexPoly(core, vertices, 255, cv2.LINE_AA, 4)
        up = run.corners[0] - run.corners[3]
        # Quarter turns clockwise from up, y pointing down.
        quarter = round(float(np.arctan2(up[0], -up[1])) / (np.pi / 2)) % 4
        said = 1 + 2 * run.handwritten + 4 * run.number + 8 * run.struck + 16 * quarter
        cv2.fillConvexPoly(attributes, vertices, int(said), cv2.LINE_8, 4)
    return _reduced(core), np.ascontiguousarray(attributes[_SAMPLED, _SAMPLED])


def targets(planes: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Unpack planes for the loss.

    Args:
        planes: (N, H, W, 6) uint8.

    Returns:
        (N, H, W, maps + 2) float32: a target for each of ``MAPS``, then the weight of the first
        map, and the weight of those that count in cores only.
    """
    bits = planes[..., 5]
    inside = (bits & 1) > 0
    quarter = (bits >> 4) & 3
    values = [planes[..., k] * np.float32(1 / 255) for k in range(5)]
    values += [((bits & bit) > 0).astype(np.float32) for bit in (_LINK, 2, 4, 8)]
    values += [(inside & (quarter == k)).astype(np.float32) for k in range(4)]
    values += [((bits & IGNORED) == 0).astype(np.float32), inside.astype(np.float32)]
    return np.stack(values, axis=-1)


def _reduced(plane: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    size = (plane.shape[1] // CELL_PX, plane.shape[0] // CELL_PX)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)


def _moved(corners: npt.NDArray[np.float32], view: View) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.perspectiveTransform(corners[None], view.to_picture)[0], np.float32)


def _moved_table(table: SheetTable, view: View) -> SheetTable:
    cells = tuple(
        type(cell)(cell.row, cell.column, _moved(cell.corners, view), cell.text)
        for cell in table.cells
    )
    return SheetTable(_moved(table.corners, view), cells, table.comb)


def _share_inside(corners: npt.NDArray[np.float32], shape: tuple[int, int]) -> float:
    """How much of a box, upright, is in the picture."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    size = np.maximum(high - low, 1e-3)
    seen = np.clip(np.minimum(high, [shape[1], shape[0]]) - np.maximum(low, 0), 0, None)
    return float(np.prod(seen / size))
