"""Decides which way up a page lies, by how doubtful its digits are when it is read each way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from inkread.imaging.ink import Ink
from inkread.imaging.segmentation import Region
from inkread.results import Box, Number

__all__ = ["PageReading", "read_right_way_up", "turn_box", "turn_number"]

_TURNS = (2, 1, 3)  # quarters of a turn that are tried if a page reads badly as it stands
_MAX_CLEAR_DOUBT = 0.2  # mean over a page's digits: above it, the page may not be upright
_MIN_DIGITS = 4  # fewer don't tell which way up a page is: a 6 may be a 9


@dataclass(frozen=True)
class PageReading:
    """What was read on a page in one orientation.

    Attributes:
        numbers: in reading order, with boxes on the page as it came.
        found: the ink of the page, turned as it was read.
        regions: of that ink, one a digit; digits that touch share one.
        turns: by how many quarters the page was turned anticlockwise to be read.
    """

    numbers: tuple[Number, ...]
    found: Ink
    regions: tuple[Region, ...]
    turns: int

    @property
    def num_digits(self) -> int:
        """How many digits were read."""
        return sum(len(number.digits) for number in self.numbers)

    @property
    def mean_doubt(self) -> float:
        """1 minus the mean confidence of the digits, in [0, 1]; 1 if there are none."""
        digits = [digit for number in self.numbers for digit in number.digits]
        return 1 - sum(digit.confidence for digit in digits) / len(digits) if digits else 1.0


def read_right_way_up(read: Callable[[int], PageReading]) -> PageReading:
    """Read a page as it stands; if it reads badly, turned as well, and return the best reading.

    Args:
        read: reads the page, turned by so many quarters anticlockwise.
    """
    reading = read(0)
    # What reads as one digit hardly holds the four that it takes to tell which way up it is.
    if reading.numbers and reading.num_digits != 1 and reading.mean_doubt > _MAX_CLEAR_DOUBT:
        best = min(map(read, _TURNS), key=lambda each: each.mean_doubt)
        max_doubt = min(_MAX_CLEAR_DOUBT, reading.mean_doubt / 2)
        if best.mean_doubt < max_doubt and best.num_digits >= _MIN_DIGITS:
            return best
    return reading


def turn_number(number: Number, turns: int, shape: Sequence[int]) -> Number:
    """Return a number with its boxes as they are once the page is turned.

    Args:
        number: on a page.
        turns: how many quarters the page is turned anticlockwise; below 0, clockwise.
        shape: height and width of the page before it is turned, in pixels.
    """
    digits = tuple(replace(digit, box=turn_box(digit.box, turns, shape)) for digit in number.digits)
    return replace(number, box=turn_box(number.box, turns, shape), digits=digits)


def turn_box(box: Box, turns: int, shape: Sequence[int]) -> Box:
    """Return where a box of a page is once the page is turned; arguments as for ``turn_number``."""
    height, width = shape
    for _ in range(turns % 4):
        box = Box(box.top, width - box.right, box.bottom, width - box.left)
        height, width = width, height
    return box
