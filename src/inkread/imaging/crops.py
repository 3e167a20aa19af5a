"""Runs of digits to crops of the page, levelled; and from what was read in one back to the page."""

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

_MARGIN = 0.25  # around a run, in its heights
_LEAST_SLOPE = 0.05  # a run that leans less is level: digits of one line differ by as much
_INK = 90  # of a strip's pixels: what is darker is written on
_REACH_PX = 12  # a digit's ink reaches no farther than this from its frames, in the strip


@dataclass(frozen=True)
class Crop:
    """A part of a page, turned so that its writing is level.

    Attributes:
        pixels: (H, W) uint8, dark ink on light paper.
        to_page: (2, 3) float64, takes (x, y, 1) in the crop to (x, y) on the page, in pixels.
        page_shape: height and width of the page.
    """

    pixels: Grey
    to_page: npt.NDArray[np.float64]
    page_shape: tuple[int, int]

    @property
    def box(self) -> Box:
        """Its box on the page."""
        height, width = self.pixels.shape
        return self.map_to_page(0, 0, width, height)

    def map_to_page(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Return the box on the page of a part of the crop that is given in the crop's pixels."""
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
    """Return the whole page as a crop."""
    return Crop(page, np.eye(2, 3), (page.shape[0], page.shape[1]))


def crop_around(run: Sequence[Box], page: Grey) -> Crop:
    """Cut a run of digits out of a page, with a margin, and level it if it leans.

    Args:
        run: the boxes of its digits on the page, from left to right; at least one.
        page: (H, W) uint8, dark ink on light paper.
    """
    slope = _slope(run)
    length = float(np.hypot(1, slope))
    cosine, sine = 1 / length, slope / length
    # Along the run and across it: turned by the slope about the page's corner.
    turn = np.array([[cosine, sine], [-sine, cosine]])
    centres = np.array([[(b.left + b.right) / 2, (b.top + b.bottom) / 2] for b in run]) @ turn.T
    halves = np.array([[(b.right - b.left) / 2, (b.bottom - b.top) / 2] for b in run])
    low, high = (centres - halves).min(axis=0), (centres + halves).max(axis=0)
    margin = _MARGIN * (high[1] - low[1]) * np.array([1.2, 1.0])
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
    """Return the box of each symbol: its part of the strip, drawn in to the ink.

    Args:
        strip: that the network read.
        spans: for each symbol its first frame, and the one after its last, from left to right.
        crop: that the strip was made from.

    Returns:
        A box each, in pixels of the page, at least one pixel in size.
    """
    if not spans:
        return ()
    width = strip.pixels.shape[1]
    starts = np.array([start for start, _ in spans]) * FRAME_PX
    ends = np.minimum(np.array([end for _, end in spans]) * FRAME_PX, width)
    between = (ends[:-1] + starts[1:]) // 2
    lefts = np.maximum(np.concatenate([[0], between]), starts - _REACH_PX)
    rights = np.minimum(np.concatenate([between, [width]]), ends + _REACH_PX)
    mask = (strip.pixels > _INK).astype(np.uint8)
    pieces = find_components(mask)
    labels, piece_boxes = pieces.labels, pieces.boxes
    # Which pieces of ink each symbol's frames are over, and over how many symbols each piece is.
    middles = (starts + ends) / 2
    first, last = piece_boxes[:, 0], piece_boxes[:, 2]
    over = (first[None, :] <= middles[:, None]) & (middles[:, None] < last[None, :])
    over[:, 0] = False  # the paper
    is_own = over & (over.sum(axis=0) == 1)[None, :]
    boxes = []
    for index, (left, right) in enumerate(zip(lefts.tolist(), rights.tolist(), strict=True)):
        shared = np.zeros_like(mask, dtype=bool)
        # Touching digits are cut in the middle between their frames.
        shared[:, left:right] = over[index][labels[:, left:right]]
        x0, y0, x1, y1 = _inked(shared | is_own[index][labels], left, right)
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
    """Return the frames of a strip that a box on the page covers: first, and one after the last.

    Args:
        box: in pixels of the page.
        strip: made from the crop.
        crop: of the page.
    """
    turn, shift = crop.to_page[:, :2], crop.to_page[:, 2]
    middle = (box.top + box.bottom) / 2
    ends = np.array([[box.left, middle], [box.right, middle]])
    # A crop is only turned and moved, so that the transposed matrix turns back.
    along = ((ends - shift) @ turn)[:, 0] * strip.x_scale / FRAME_PX
    num_frames = -(-strip.pixels.shape[1] // FRAME_PX)
    first = int(np.clip(along[0], 0, num_frames - 1))
    return first, int(np.clip(np.ceil(along[1]), first + 1, num_frames))


def _slope(run: Sequence[Box]) -> float:
    """How much a run falls a pixel to the right: the median over pairs of its digits (Theil, Sen).

    Tops and bottoms are taken together, so that a small digit among large ones counts little. Two
    digits don't tell.
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
    return slope if abs(slope) >= _LEAST_SLOPE else 0.0


def _inked(mask: npt.NDArray[np.bool_], left: int, right: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is true; from left to right of the mask if nothing is."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not columns.size:
        return left, 0, right, mask.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
