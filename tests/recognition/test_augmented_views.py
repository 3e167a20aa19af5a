import math

import numpy as np
import pytest

from inkread.decoding.constraints import Constraint
from inkread.decoding.decoder import Scores
from inkread.decoding.readings import Guess, Reading
from inkread.recognition.augmented_views import (
    average_guesses,
    guess_texts,
    make_views,
    with_probability,
)

ZEROS = (0.1,) * 10


def guess(text: str, probability: float) -> Guess:
    return Guess(text, math.log(probability))


def test_views_show_the_same_strip_leaned_narrower_and_smaller():
    strip = np.zeros((40, 60), np.uint8)
    strip[4:36, 20:40] = 200

    leaning, narrow, small = make_views(strip)

    assert {view.shape for view in (leaning, narrow, small)} == {strip.shape}
    columns = [int((view[20] > 100).sum()) for view in (leaning, narrow, small)]
    assert columns == pytest.approx([20, 17.4, 17], abs=1.5)
    rows = [int((view[:, 30] > 100).sum()) for view in (leaning, narrow, small)]
    assert rows == pytest.approx([32, 32, 27.2], abs=1.5)
    top, bottom = (np.flatnonzero(leaning[row] > 100).mean() for row in (6, 34))
    assert top - bottom == pytest.approx(0.15 * 28, abs=1)


def test_what_is_second_best_in_all_views_outvotes_what_is_best_in_one():
    seen = [[guess("17", 0.6), guess("11", 0.4)], [guess("71", 0.5), guess("11", 0.45)]]

    first, second, third = average_guesses(seen, [0.5, 0.5], 5)

    assert [first.guess.text, second.guess.text, third.guess.text] == ["11", "17", "71"]
    assert math.exp(first.log_probability) == pytest.approx((0.4 + 0.45) / 2)
    assert math.exp(second.log_probability) == pytest.approx(0.6 / 2)


def test_a_text_is_told_as_the_view_has_it_that_is_surest_of_it():
    seen = [[guess("11", 0.4)], [guess("11", 0.45)], [guess("11", 0.2)]]
    (found,) = average_guesses(seen, [1 / 3] * 3, 1)
    assert (found.guess, found.view) == (seen[1][0], 1)


def test_confidences_follow_the_average():
    reading = Reading("42", "4.2", math.log(0.81), (0.9, 0.9), (ZEROS,) * 2, ((0, 2), (3, 5)))

    found = with_probability(reading, math.log(0.405))

    # 0.81 in one of two views: 0.405; the two digits share the loss.
    assert math.prod(found.confidences) == pytest.approx(0.405)
    assert found.confidences[0] == pytest.approx(math.sqrt(0.405))
    assert (found.text, found.raw, found.spans) == (reading.text, reading.raw, reading.spans)


def test_a_certain_reading_takes_another_probability():
    certain = Reading("?", "?", 0.0, (1.0,), (ZEROS,), ((0, 2),))
    assert with_probability(certain, math.log(0.5)).log_probability == math.log(0.5)


def test_views_that_agree_change_nothing():
    same = guess("7", 0.9)
    (found,) = average_guesses([[same], [same], [same]], [0.2, 0.3, 0.5], 3)
    assert found.log_probability == pytest.approx(same.log_probability)


def test_nothing_seen_is_nothing_agreed():
    assert average_guesses([(), ()], [0.5, 0.5], 3) == ()


def test_blank_views_agree_on_blank():
    (found,) = average_guesses([[guess("", 0.5)], []], [0.5, 0.5], 1)
    assert found.guess.text == ""
    assert math.exp(found.log_probability) == pytest.approx(0.25)


def test_a_view_that_counts_more_decides():
    one, other = [guess("5", 0.9)], [guess("?", 0.95)]
    assert average_guesses([one, other], [0.7, 0.3], 1)[0].guess.text == "5"
    assert average_guesses([one, other], [1 / 3, 2 / 3], 1)[0].guess.text == "?"


SYMBOLS = "0123456789-"


def shown(*frames: dict[str, float]) -> Scores:
    """Scores of a strip from each frame's probabilities; what is left is the blank's."""
    probabilities = np.full((len(frames), 1 + len(SYMBOLS)), 1e-9)
    for row, frame in zip(probabilities, frames, strict=True):
        for symbol, probability in frame.items():
            row[1 + SYMBOLS.index(symbol)] = probability
        row[0] = max(1e-9, 1 - row[1:].sum())
    return Scores(np.log(probabilities), SYMBOLS)


def test_all_views_are_asked_about_the_same_texts():
    # On average 1 has 0.4, 7 has 0.35, 4 has 0.2; each view's best comes to the best of these.
    seen = [shown({"1": 0.5, "7": 0.1, "4": 0.4}), shown({"1": 0.3, "7": 0.6})]

    found = guess_texts(seen, None, 1)

    assert [[each.text for each in view] for view in found] == [["1", "7"]] * 2
    chances = [[math.exp(each.log_probability) for each in view] for view in found]
    assert chances[0] == pytest.approx([0.5, 0.1], abs=1e-6)
    assert chances[1] == pytest.approx([0.3, 0.6], abs=1e-6)


def test_no_view_is_asked_about_what_a_constraint_forbids():
    seen = [shown({"1": 0.5, "7": 0.5}), shown({"1": 0.3, "7": 0.6})]
    found = guess_texts(seen, Constraint(pattern="1"), 3)
    assert [[each.text for each in view] for view in found] == [["1"], ["1"]]
    assert guess_texts(seen, Constraint(length=2), 3) == [(), ()]


def test_a_pattern_with_separators_is_searched_for_in_each_view():
    seen = [shown({"4": 0.9}, {"-": 0.8}, {"2": 0.9}), shown({"4": 0.9}, {"-": 0.3}, {"2": 0.9})]
    found = guess_texts(seen, Constraint(pattern="4-2"), 2)
    assert [[(each.text, each.raw) for each in view] for view in found] == [[("42", "4-2")]] * 2
    chances = [math.exp(view[0].log_probability) for view in found]
    assert chances == pytest.approx([0.9 * 0.8 * 0.9, 0.9 * 0.3 * 0.9], abs=1e-6)
