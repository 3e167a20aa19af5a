import math

import numpy as np
import pytest

from inkread import Box, Digit, Number
from inkread.imaging.crops import crop_whole
from inkread.imaging.normalize import Strip
from inkread.recognition.fusion import average_digit, choose_weight, join_digits

STRIP = Strip(np.zeros((40, 100), np.uint8), x_scale=0.5, y_scale=0.5, top=0.0)
CROP = crop_whole(np.full((80, 200), 255, np.uint8))


def digit(label: int, left: int, confidence: float, junk: float = 0.0) -> Digit:
    probabilities = tuple(0.91 if k == label else 0.01 for k in range(10))
    box = Box(left, 10, left + 40, 70)
    return Digit(label, confidence, box, probabilities, rejected=junk > 0.5, junk=junk)


def test_digits_side_by_side_are_a_reading():
    found = join_digits([digit(4, 20, 0.9), digit(2, 120, 0.8)], STRIP, CROP, {2})

    assert found.text == found.raw == "42"
    assert math.exp(found.log_probability) == pytest.approx(0.72)
    assert found.confidences == (0.9, 0.8)
    # Half the scale, two pixels a frame: a quarter of the page's pixels.
    assert found.spans == ((5, 15), (30, 40))
    assert [row.index(max(row)) for row in found.alternatives] == [4, 2]


def test_a_piece_that_is_no_digit_says_nothing_of_several():
    assert join_digits([digit(4, 20, 0.9), digit(2, 120, 0.1, junk=0.9)], STRIP, CROP, {2}) is None
    assert join_digits([], STRIP, CROP, {0}) is None


def test_a_lone_piece_that_is_no_digit_is_read_as_such():
    found = join_digits([digit(3, 20, 0.05, junk=0.95)], STRIP, CROP, {1})
    assert found.text == "?"
    assert found.log_probability == 0


def test_a_lone_piece_that_is_no_digit_may_be_several():
    assert join_digits([digit(3, 20, 0.05, junk=0.95)], STRIP, CROP, {2}) is None


def test_a_lone_digit_counts_more():
    one, two = digit(1, 20, 0.9), digit(2, 120, 0.9)
    assert choose_weight([one]) > 0.5 >= choose_weight([one, two])


def test_both_models_are_averaged_where_one_doubts():
    doubtful = Digit(7, 0.5, Box(0, 0, 9, 9), (0, 0.45, 0, 0, 0, 0, 0, 0.5, 0, 0.05))
    one = Number("1", 0.9, Box(0, 0, 9, 9), (digit(1, 20, 0.9),))
    several = Number("11", 0.1, Box(0, 0, 9, 9), (digit(1, 20, 0.9), digit(1, 120, 0.9)))

    found = average_digit(doubtful, [one, several], 0.0)

    # Half of the one's word and half of the other's, made to add up to 1.
    assert found.label == 1
    assert found.probabilities[1] == pytest.approx((0.5 * 0.45 + 0.5 * 0.9) / 0.95)
    assert sum(found.probabilities) == pytest.approx(1)
    assert found.confidence == found.probabilities[1]
    assert average_digit(doubtful, [one], 0.9).rejected


def test_a_digit_that_the_line_model_does_not_see_stays_as_it_is():
    doubtful = Digit(7, 0.5, Box(0, 0, 9, 9), (0, 0.45, 0, 0, 0, 0, 0, 0.5, 0, 0.05))
    nothing = Number("", 0.9, Box(0, 0, 9, 9), ())
    assert average_digit(doubtful, [nothing], 0.0).probabilities == pytest.approx(
        doubtful.probabilities
    )
