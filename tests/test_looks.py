import math

import numpy as np
import pytest

from inkread.decode import Reading
from inkread.looks import agreed, leaned

ZEROS = (0.1,) * 10


def reading(text: str, probability: float, confidences: tuple[float, ...]) -> Reading:
    spans = tuple((3 * k, 3 * k + 2) for k in range(len(text)))
    return Reading(text, text, math.log(probability), confidences, (ZEROS,) * len(text), spans)


def test_views_lean_about_their_middle_row():
    strip = np.zeros((40, 60), np.uint8)
    strip[:, 29:31] = 200

    for view, rightwards in zip(leaned(strip), (True, False), strict=True):
        assert view.shape == strip.shape
        top, middle, bottom = (view[row].argmax() for row in (2, 20, 37))
        assert middle in (29, 30)
        assert (top > middle > bottom) == (not rightwards)
        assert (top < middle < bottom) == rightwards


def test_what_is_second_best_in_all_views_outvotes_what_is_best_in_one():
    views = [
        [reading("17", 0.6, (0.6, 1.0)), reading("11", 0.4, (0.4, 1.0))],
        [reading("71", 0.5, (0.5, 1.0)), reading("11", 0.45, (0.45, 1.0))],
    ]

    first, second, third = agreed(views, 5)

    assert [first.text, second.text, third.text] == ["11", "17", "71"]
    assert math.exp(first.log_probability) == pytest.approx((0.4 + 0.45) / 2)
    assert math.exp(second.log_probability) == pytest.approx(0.6 / 2)


def test_confidences_follow_the_average():
    views = [[reading("42", 0.81, (0.9, 0.9))], [reading("43", 0.9, (1.0, 0.9))]]

    found = {one.text: one for one in agreed(views, 2)}

    # 0.81 in one of two views: 0.405; the two digits share the loss.
    assert math.prod(found["42"].confidences) == pytest.approx(0.405)
    assert found["42"].confidences[0] == pytest.approx(math.sqrt(0.405))


def test_views_that_agree_change_nothing():
    same = reading("7", 0.9, (0.9,))
    (found,) = agreed([[same], [same], [same]], 3)
    assert found.log_probability == pytest.approx(same.log_probability)
    assert found.confidences == pytest.approx(same.confidences)


def test_no_readings_agree_on_nothing():
    assert agreed([(), ()], 3) == ()


def test_blank_views_agree_on_blank():
    blank = Reading("", "", math.log(0.5), (), (), ())
    (found,) = agreed([[blank], []], 1)
    assert found.text == ""
    assert math.exp(found.log_probability) == pytest.approx(0.25)
