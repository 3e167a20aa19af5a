"""One digit of a picture: its ink alone, as the reader cut it out."""

import numpy as np
import numpy.typing as npt

from inkread.errors import ImageError
from inkread.imaging import images, ink, segmentation
from inkread.results import Box

__all__ = ["ink_of", "parsed_box", "picture_of"]


def parsed_box(text: str) -> Box:
    """Parse a box as requests give it: ``left,top,right,bottom``.

    Raises:
        ImageError: not four numbers, or nothing is inside.
    """
    try:
        box = Box(*(int(side) for side in text.split(",")))
    except (ValueError, TypeError) as error:
        raise ImageError(f"expected a box as left,top,right,bottom, received {text!r}") from error
    if not (0 <= box.left < box.right and 0 <= box.top < box.bottom):
        raise ImageError(f"expected a box with something inside, received {text!r}")
    return box


def ink_of(pixels: npt.NDArray[np.uint8], box: Box | None) -> npt.NDArray[np.uint8]:
    """Cut the ink of one digit out of a picture.

    Args:
        pixels: (H, W) or (H, W, 3) uint8, RGB, upright.
        box: of the digit, as reading gave it; ``None``: the picture is one digit.

    Returns:
        (h, w) uint8, ink 255 on paper 0.

    Raises:
        ImageError: there is no ink, or the box is not inside the picture.
    """
    page = images.load(pixels)
    found = ink.find(page)
    if box is None:
        region = segmentation.find_single_digit(found)
        if region is None:
            raise ImageError("expected a picture of a digit, received one without ink")
        return region.ink
    if box.right > page.shape[1] or box.bottom > page.shape[0]:
        raise ImageError(
            f"expected a box in {page.shape[1]} x {page.shape[0]} pixels, received {tuple(box)}"
        )
    regions = [
        each for line in segmentation.find_lines(found) for number in line for each in number
    ]
    nearest = max(regions, key=lambda region: _overlap(region.box, box), default=None)
    if nearest and _overlap(nearest.box, box) > _SAME:
        return nearest.ink
    left, top, right, bottom = (round(side / found.scale) for side in box)
    cut = found.pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
    if not cut.any():
        raise ImageError(f"expected ink in the box, received none in {tuple(box)}")
    return cut


_SAME = 0.6  # boxes that share so much are of one digit: lines are cut less exactly than digits


def _overlap(one: Box, other: Box) -> float:
    """Return the intersection of two boxes over their union, in [0, 1]."""

    def area(left: int, top: int, right: int, bottom: int) -> int:
        return max(0, right - left) * max(0, bottom - top)

    both = area(*map(max, one[:2], other[:2]), *map(min, one[2:], other[2:]))
    return both / (area(*one) + area(*other) - both)


def picture_of(cut: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return ink as a clean picture: dark on white, with a margin.

    Args:
        cut: (h, w) uint8, ink 255 on paper 0.
    """
    return np.pad(255 - cut, max(4, max(cut.shape) // 3), constant_values=255)
