"""Finds again what was read in a box of a page, with its ink: for corrections and explanations."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from inkread.decoding.constraints import Constraint
from inkread.errors import ImageError
from inkread.imaging import crops, ink, segmentation
from inkread.imaging.ink import Ink
from inkread.imaging.layout_options import LayoutOptions
from inkread.imaging.segmentation import Region
from inkread.recognition.digit_reader import DigitReader, LocatedDigit
from inkread.recognition.orientation import turn_box
from inkread.recognition.page_reader import LayoutReading, PageReader
from inkread.results import Box, find_box

__all__ = ["LocatedNumber", "Locator"]

Grey = npt.NDArray[np.uint8]

_MIN_SHARED = 0.5  # of a number's box: inside the box that is asked for


@dataclass(frozen=True)
class LocatedNumber:
    """A number of a picture with its pixels.

    Attributes:
        text: what is read in its box: the texts of all numbers there, from left to right.
        confidence: of the least sure of them; 0 if there are none.
        box: on the picture; it may be wider than the one that was asked for.
        crop: (H, W) uint8, dark ink on light paper, the right way up.
        ink: (h, w) uint8, ink 255 on paper 0, without margins.
    """

    text: str
    confidence: float
    box: Box
    crop: Grey
    ink: Grey


class Locator:
    """Reads a page as its reader does, and finds what is in a box of it."""

    def __init__(self, pages: PageReader, digits: DigitReader) -> None:
        """Take what reads pages, and single digits."""
        self._pages, self._digits = pages, digits

    def find_digit(self, page: Grey, box: Box, constraint: Constraint | None) -> LocatedDigit:
        """Find the digit in a box among those that are read on the whole page.

        Args:
            page: (H, W) uint8, grey.
            box: on the page.
            constraint: what is known of every number; ``None``: nothing.

        Raises:
            ImageError: the box is outside the page, or has no ink.
        """
        reading, upright, turned = self._read(page, box, constraint)
        found, region = _find_region(upright, turned)
        if region is None:
            raise ImageError(f"expected ink in the box, received none in {tuple(box)}")
        digits = [digit for number in reading.numbers for digit in number.digits]
        index = find_box([digit.box for digit in digits], box)
        if index is not None:
            return LocatedDigit(digits[index], region.ink)
        digit = self._digits.read(region, found)
        return LocatedDigit(replace(digit, box=box), region.ink)

    def find_number(
        self, page: Grey, box: Box, constraint: Constraint | None, num_digits: int
    ) -> LocatedNumber:
        """Find the number in a box, with what was missed of it beside the box.

        Args:
            page: (H, W) uint8, grey.
            box: on the page: of one number, or around parts that are one.
            constraint: what is known of every number; ``None``: nothing.
            num_digits: how many it truly has. If fewer are read, the box is widened for the others,
                up to the next number on each side.

        Raises:
            ImageError: the box is outside the page, or has no ink.
        """
        reading, upright, turned = self._read(page, box, constraint)
        boxes = [turn_box(number.box, reading.turns, page.shape) for number in reading.numbers]
        held = [_share_inside(each, turned) >= _MIN_SHARED for each in boxes]
        inside = [each for each, is_held in zip(reading.numbers, held, strict=True) if is_held]
        others = [each for each, is_held in zip(boxes, held, strict=True) if not is_held]
        run = sorted(
            turn_box(digit.box, reading.turns, page.shape)
            for number in inside
            for digit in number.digits
        )
        missed = num_digits - len(run)
        run = run or [turned]
        if missed > 0:
            run = _widen(run, missed, others, upright.shape[1])
        crop = crops.crop_around(run, upright)
        pixels = ink.make_dark_on_light(crop.pixels)
        found = ink.find_dark(pixels).pixels
        rows, columns = (np.flatnonzero(found.any(axis=axis)) for axis in (1, 0))
        if not rows.size:
            raise ImageError(f"expected ink in the box, received none in {tuple(box)}")
        return LocatedNumber(
            "".join(number.text for number in inside),
            min((number.confidence for number in inside), default=0.0),
            turn_box(crop.box, -reading.turns, upright.shape),
            pixels,
            found[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1],
        )

    def _read(
        self, page: Grey, box: Box, constraint: Constraint | None
    ) -> tuple[LayoutReading, Grey, Box]:
        """Return what is read on a page, the page the right way up, and the box on that."""
        height, width = page.shape
        if not (0 <= box.left < box.right <= width and 0 <= box.top < box.bottom <= height):
            raise ImageError(f"expected a box in {width} x {height} pixels, received {tuple(box)}")
        reading = self._pages.read(page, LayoutOptions(), constraint)
        upright = np.ascontiguousarray(np.rot90(page, reading.turns))
        return reading, upright, turn_box(box, reading.turns, page.shape)


def _find_region(page: Grey, box: Box) -> tuple[Ink, Region | None]:
    """Find the ink in a box: that of the page, or where this has none, of what is around it."""
    found, inside = ink.find(page), box
    for _ in range(2):
        regions = [region for line in segmentation.find_lines(found) for n in line for region in n]
        region = segmentation.find_region(inside, regions, found)
        if region is not None:
            break
        found, inside = ink.find_around(page, box)
    return found, region


def _share_inside(box: Box, outer: Box) -> float:
    """Return the share of a box's area that is inside another one."""
    width = min(box.right, outer.right) - max(box.left, outer.left)
    height = min(box.bottom, outer.bottom) - max(box.top, outer.top)
    area = (box.right - box.left) * (box.bottom - box.top)
    return max(0, width) * max(0, height) / area


def _widen(run: Sequence[Box], missed: int, others: Sequence[Box], page_width: int) -> list[Box]:
    """Return boxes of digits with room for missed ones on both sides, up to the next number."""
    first, last = run[0], run[-1]
    beside = [box for box in others if box.top < last.bottom and box.bottom > first.top]
    reach = missed * max(box.bottom - box.top for box in run)  # digits are narrower than high
    left = max([0, first.left - reach, *(b.right for b in beside if b.right <= first.left)])
    right = min([page_width, last.right + reach, *(b.left for b in beside if b.left >= last.right)])
    return [first._replace(left=left), *run, last._replace(right=right)]
