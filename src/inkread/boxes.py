"""Frames to boxes: where on the page each digit stands that a line network found in a strip."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inkread.normalize import Strip
from inkread.results import Box
from inkread.runtime import FRAME_PX

__all__ = ["Crop", "digit_boxes"]

_INK = 90  # of a strip's pixels: what is darker is written on
_REACH_PX = 12  # a digit's ink reaches no farther than this from its frames, in the strip


@dataclass(frozen=True)
class Crop:
    """A part of a picture, and where it is on the page that the picture was shrunk from.

    Attributes:
        box: in pixels of the picture.
        scale: pixels of the page a pixel of the picture.
        page_width: of the page, in its own pixels.
        page_height: of the page, in its own pixels.
    """

    box: Box
    scale: float
    page_width: int
    page_height: int

    def cut(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return that part of the picture, (H, W) uint8."""
        return picture[self.box.top : self.box.bottom, self.box.left : self.box.right]

    @property
    def on_page(self) -> Box:
        """Its box in pixels of the page."""
        width, height = self.box.right - self.box.left, self.box.bottom - self.box.top
        return self.part(0, 0, width, height)

    def part(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Return a part of the crop, in its own pixels, as a box on the page."""
        x0 = min(max(0, int((self.box.left + left) * self.scale)), self.page_width - 1)
        y0 = min(max(0, int((self.box.top + top) * self.scale)), self.page_height - 1)
        x1 = min(max(x0 + 1, round((self.box.left + right) * self.scale)), self.page_width)
        y1 = min(max(y0 + 1, round((self.box.top + bottom) * self.scale)), self.page_height)
        return Box(x0, y0, x1, y1)


def digit_boxes(strip: Strip, spans: Sequence[tuple[int, int]], crop: Crop) -> tuple[Box, ...]:
    """Return the box of each symbol: its part of the strip, drawn in to the ink.

    Args:
        strip: that the network read.
        spans: for each symbol its first frame, and the one after its last, from left to right.
        crop: where the strip is from.

    Returns:
        A box each, in pixels of the page, at least one pixel in size.
    """
    width = strip.pixels.shape[1]
    starts = np.array([start for start, _ in spans]) * FRAME_PX
    ends = np.array([end for _, end in spans]) * FRAME_PX
    between = (ends[:-1] + starts[1:]) // 2
    lefts = np.maximum(np.concatenate([[0], between]), starts - _REACH_PX)
    rights = np.minimum(np.concatenate([between, [width]]), ends + _REACH_PX)
    boxes = []
    for left, right in zip(lefts.tolist(), rights.tolist(), strict=True):
        x0, y0, x1, y1 = _inked(strip.pixels[:, left:right] > _INK)
        boxes.append(
            crop.part(
                (left + x0) / strip.x_scale,
                strip.top + y0 / strip.y_scale,
                (left + x1) / strip.x_scale,
                strip.top + y1 / strip.y_scale,
            )
        )
    return tuple(boxes)


def _inked(mask: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is true; all of the mask if nothing is."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not columns.size:
        return 0, 0, mask.shape[1], mask.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
