import math

import numpy as np
import pytest

from inkread.decode import Reading
from inkread.looks import agreed, views

ZEROS = (0.1,) * 10


def reading(text: str, probability: float, confidences: tuple[float, ...]) -> Reading:
    spans = tuple((3 * k, 3 * k + 2) for k in range(len(text)))
    return Reading(text, text, math.log(probability), confidences, (ZEROS,) * len(text), spans)


def test_views_show_the_same_strip_leaned_narrower_and_smaller():
    strip = np.zeros((40, 60), np.uint8)
    strip[4:36, 20:40] = 200

    leaning, narrow, small = views(strip)

    assert {view.shape for view in (leaning, narrow, small)} == {strip.shape}
    columns = [int((view[20] > 100).sum()) for view in (leaning, narrow, small)]
    assert columns == pytest.approx([20, 17.4, 17], abs=1.5)
    rows = [int((view[:, 30] > 100).sum()) for view in (leaning, narrow, small)]
    assert rows == pytest.approx([32, 32, 27.2], abs=1.5)
    top, bottom = (np.flatnonzero(leaning[row] > 100).mean() for row in (6, 34))
    assert top - bottom == pytest.approx(0.15 * 28, abs=1)


def test_what_is_second_best_in_all_views_outvotes_what_is_best_in_one():
    seen = [
        [reading("17", 0.6, (0.6, 1.0)), reading("11", 0.4, (0.4, 1.0))],
        [reading("71", 0.5, (0.5, 1.0)), reading("11", 0.45, (0.45, 1.0))],
    ]

    first, second, third = agreed(seen, [0.5, 0.5], 5)

    assert [first.text, second.text, third.text] == ["11", "17", "71"]
    assert math.exp(first.log_probability) == pytest.approx((0.4 + 0.45) / 2)
    assert math.exp(second.log_probability) == pytest.approx(0.6 / 2)


def test_confidences_follow_the_average():
    seen = [[reading("42", 0.81, (0.9, 0.9))], [reading("43", 0.9, (1.0, 0.9))]]

    found = {one.text: one for one in agreed(seen, [0.5, 0.5], 2)}

    # 0.81 in one of two views: 0.405; the two digits share the loss.
    assert math.prod(found["42"].confidences) == pytest.approx(0.405)
    assert found["42"].confidences[0] == pytest.approx(math.sqrt(0.405))


def test_views_that_agree_change_nothing():
    same = reading("7", 0.9, (0.9,))
    (found,) = agreed([[same], [same], [same]], [0.2, 0.3, 0.5], 3)
    assert found.log_probability == pytest.approx(same.log_probability)
    assert found.confidences == pytest.approx(same.confidences)


def test_no_readings_agree_on_nothing():
    assert agreed([(), ()], [0.5, 0.5], 3) == ()


def test_blank_views_agree_on_blank():
    blank = Reading("", "", math.log(0.5), (), (), ())
    (found,) = agreed([[blank], []], [0.5, 0.5], 1)
    assert found.text == ""
    assert math.exp(found.log_probability) == pytest.approx(0.25)


def test_a_view_that_counts_more_decides():
    one, other = [reading("5", 0.9, (0.9,))], [reading("?", 0.95, (0.95,))]
    assert agreed([one, other], [0.7, 0.3], 1)[0].text == "5"
    assert agreed([one, other], [1 / 3, 2 / 3], 1)[0].text == "?"
