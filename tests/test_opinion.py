import math

import numpy as np
import pytest

from inkread import Box, Digit
from inkread.crops import whole
from inkread.normalize import Strip
from inkread.opinion import opinion, weight

STRIP = Strip(np.zeros((40, 100), np.uint8), x_scale=0.5, y_scale=0.5, top=0.0)
CROP = whole(np.full((80, 200), 255, np.uint8))


def digit(label: int, left: int, confidence: float, junk: float = 0.0) -> Digit:
    probabilities = tuple(0.91 if k == label else 0.01 for k in range(10))
    box = Box(left, 10, left + 40, 70)
    return Digit(label, confidence, box, probabilities, rejected=junk > 0.5, junk=junk)


def test_digits_side_by_side_are_a_reading():
    found = opinion([digit(4, 20, 0.9), digit(2, 120, 0.8)], STRIP, CROP, 2)

    assert found.text == found.raw == "42"
    assert math.exp(found.log_probability) == pytest.approx(0.72)
    assert found.confidences == (0.9, 0.8)
    # Half the scale, two pixels a frame: a quarter of the page's pixels.
    assert found.spans == ((5, 15), (30, 40))
    assert [row.index(max(row)) for row in found.alternatives] == [4, 2]


def test_a_piece_that_is_no_digit_says_nothing_of_several():
    assert opinion([digit(4, 20, 0.9), digit(2, 120, 0.1, junk=0.9)], STRIP, CROP, 2) is None
    assert opinion([], STRIP, CROP, 0) is None


def test_a_lone_piece_that_is_no_digit_is_read_as_such():
    found = opinion([digit(3, 20, 0.05, junk=0.95)], STRIP, CROP, 1)
    assert found.text == "?"
    assert found.log_probability == 0


def test_a_lone_piece_that_is_no_digit_may_be_several():
    assert opinion([digit(3, 20, 0.05, junk=0.95)], STRIP, CROP, 2) is None


def test_a_lone_digit_counts_more():
    one, two = digit(1, 20, 0.9), digit(2, 120, 0.9)
    assert weight([one]) > 0.5 >= weight([one, two])
