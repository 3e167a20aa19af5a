"""Crops runs of digits out of a page, levelled, and maps places in a crop back to the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
import numpy.typing as npt

from inkread.imaging.components import find_components
from inkread.imaging.normalize import FRAME_PX, Strip
from inkread.results import Box

__all__ = ["Crop", "crop_around", "crop_whole", "find_digit_boxes", "find_frames"]

Grey = npt.NDArray[np.uint8]

_MARGIN = 0.25  # around a run, as a share of its height
_HORIZONTAL_MARGIN = 1.2  # times the vertical one
_MIN_SLOPE = 0.05  # runs with smaller slopes count as level: digits of one line differ by as much
_MIN_INK_LEVEL = 90  # of a strip's pixels, 0 to 255; brighter ones are ink
_MAX_REACH_PX = 12  # of a digit's ink beyond its frames, in the strip


@dataclass(frozen=True)
class Crop:
    """A part of a page, rotated so that its writing is level.

    Attributes:
        pixels: (H, W) uint8, dark ink on light paper.
        to_page: (2, 3) float64, maps (x, y, 1) in the crop to (x, y) on the page, in pixels.
        page_shape: height and width of the page in pixels.
    """

    pixels: Grey
    to_page: npt.NDArray[np.float64]
    page_shape: tuple[int, int]

    @property
    def box(self) -> Box:
        """The bounding box of the crop on the page."""
        height, width = self.pixels.shape
        return self.map_to_page(0, 0, width, height)

    def map_to_page(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Return the bounding box on the page of a rectangle in the crop.

        Args:
            left: left side of the rectangle, in pixels of the crop.
            top: its upper side.
            right: its right side.
            bottom: its lower side.

        Returns:
            A box inside the page, at least one pixel in size.
        """
        corners = np.array([[left, top, 1], [right, top, 1], [right, bottom, 1], [left, bottom, 1]])
        points = corners @ self.to_page.T
        low, high = points.min(axis=0), points.max(axis=0)
        height, width = self.page_shape
        x0 = min(max(0, int(low[0])), width - 1)
        y0 = min(max(0, int(low[1])), height - 1)
        x1 = min(max(x0 + 1, round(high[0])), width)
        y1 = min(max(y0 + 1, round(high[1])), height)
        return Box(x0, y0, int(x1), int(y1))


def crop_whole(page: Grey) -> Crop:
    """Return the whole page as a crop.

    Args:
        page: (H, W) uint8, dark ink on light paper.
    """
    return Crop(page, np.eye(2, 3), (page.shape[0], page.shape[1]))


def crop_around(run: Sequence[Box], page: Grey) -> Crop:
    """Cut a run of digits out of a page, with a margin, and rotate it if it is not level.

    Args:
        run: the boxes of its digits on the page, from left to right; at least one.
        page: (H, W) uint8, dark ink on light paper.
    """
    slope = _estimate_slope(run)
    length = float(np.hypot(1, slope))
    cosine, sine = 1 / length, slope / length
    # Coordinates along and across the run: the page rotated about its corner.
    turn = np.array([[cosine, sine], [-sine, cosine]])
    centres = np.array([[(b.left + b.right) / 2, (b.top + b.bottom) / 2] for b in run]) @ turn.T
    halves = np.array([[(b.right - b.left) / 2, (b.bottom - b.top) / 2] for b in run])
    low, high = (centres - halves).min(axis=0), (centres + halves).max(axis=0)
    margin = _MARGIN * (high[1] - low[1]) * np.array([_HORIZONTAL_MARGIN, 1.0])
    low, high = low - margin, high + margin
    if not slope:
        height, width = page.shape
        x0, y0 = (max(0, int(value)) for value in low)
        x1, y1 = min(width, int(np.ceil(high[0]))), min(height, int(np.ceil(high[1])))
        to_page = np.array([[1.0, 0.0, x0], [0.0, 1.0, y0]])
        return Crop(page[y0:y1, x0:x1], to_page, (height, width))
    size = np.maximum(np.ceil(high - low).astype(int), 1)
    to_page = np.column_stack([turn.T, turn.T @ low])
    pixels = cv2.warpAffine(
        page,
        to_page,
        (int(size[0]), int(size[1])),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return Crop(np.asarray(pixels, np.uint8), to_page, (page.shape[0], page.shape[1]))


def find_digit_boxes(strip: Strip, spans: Sequence[tuple[int, int]], crop: Crop) -> tuple[Box, ...]:
    """Return the bounding box of each symbol's ink on the page.

    Args:
        strip: the strip that the network read.
        spans: for each symbol its first frame, and the one after its last, from left to right.
        crop: the crop that the strip was made from.

    Returns:
        One box for each symbol, in pixels of the page, at least one pixel in size.
    """
    if not spans:
        return ()
    width = strip.pixels.shape[1]
    starts = np.array([start for start, _ in spans]) * FRAME_PX
    ends = np.minimum(np.array([end for _, end in spans]) * FRAME_PX, width)
    between = (ends[:-1] + starts[1:]) // 2
    lefts = np.maximum(np.concatenate([[0], between]), starts - _MAX_REACH_PX)
    rights = np.minimum(np.concatenate([between, [width]]), ends + _MAX_REACH_PX)
    mask = (strip.pixels > _MIN_INK_LEVEL).astype(np.uint8)
    components = find_components(mask)
    labels, component_boxes = components.labels, components.boxes
    # (symbols, labels): whether a component spans the middle of a symbol's frames.
    middles = (starts + ends) / 2
    first, last = component_boxes[:, 0], component_boxes[:, 2]
    over = (first[None, :] <= middles[:, None]) & (middles[:, None] < last[None, :])
    over[:, 0] = False  # the paper
    is_own = over & (over.sum(axis=0) == 1)[None, :]  # it spans no other symbol
    boxes = []
    for index, (left, right) in enumerate(zip(lefts.tolist(), rights.tolist(), strict=True)):
        shared = np.zeros_like(mask, dtype=bool)
        # Components of several digits that touch are cut halfway between the digits' frames.
        shared[:, left:right] = over[index][labels[:, left:right]]
        x0, y0, x1, y1 = _bound_ink(shared | is_own[index][labels], left, right)
        boxes.append(
            crop.map_to_page(
                x0 / strip.x_scale,
                strip.top + y0 / strip.y_scale,
                x1 / strip.x_scale,
                strip.top + y1 / strip.y_scale,
            )
        )
    return tuple(boxes)


def find_frames(box: Box, strip: Strip, crop: Crop) -> tuple[int, int]:
    """Return the frames of a strip that a box on the page covers.

    Args:
        box: in pixels of the page.
        strip: made from the crop.
        crop: of the page.

    Returns:
        The first frame, and the one after the last; at least one frame lies between them.
    """
    turn, shift = crop.to_page[:, :2], crop.to_page[:, 2]
    middle = (box.top + box.bottom) / 2
    ends = np.array([[box.left, middle], [box.right, middle]])
    # A crop is only rotated and moved, so the transpose of its rotation is the inverse.
    along = ((ends - shift) @ turn)[:, 0] * strip.x_scale / FRAME_PX
    num_frames = -(-strip.pixels.shape[1] // FRAME_PX)
    first = int(np.clip(along[0], 0, num_frames - 1))
    return first, int(np.clip(np.ceil(along[1]), first + 1, num_frames))


def _estimate_slope(run: Sequence[Box]) -> float:
    """Return how far a run falls per pixel to the right: the Theil-Sen estimate over its digits.

    It is 0 for fewer than three digits, which are too few for an estimate. The vertical centres of
    boxes are compared, since tops or bottoms alone depend more on the sizes of digits.
    """
    if len(run) < 3:
        return 0.0
    slopes = []
    for first, second in combinations(run, 2):
        apart = (second.left + second.right - first.left - first.right) / 2
        if apart > 0:
            falls = second.top + second.bottom - first.top - first.bottom
            slopes.append(falls / 2 / apart)
    slope = float(np.median(slopes)) if slopes else 0.0
    return slope if abs(slope) >= _MIN_SLOPE else 0.0


def _bound_ink(mask: npt.NDArray[np.bool_], left: int, right: int) -> tuple[int, int, int, int]:
    """Return the bounds of the true pixels: left, top, right, bottom.

    Without any, the bounds are ``left`` and ``right`` and all rows.
    """
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not columns.size:
        return left, 0, right, mask.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
