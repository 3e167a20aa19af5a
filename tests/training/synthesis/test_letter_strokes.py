import numpy as np
import pytest

from inkread.training.synthesis.letter_strokes import LETTERS, parse_strokes

LOOKALIKES = "0123456789OoIil|!/>ZzSsBbgqQ"


def test_points_are_shares_of_a_box_and_corners_are_repeated():
    (first, second) = parse_strokes("0,100 50,0! 100,-8 | 18,62 82,60")

    np.testing.assert_allclose(first, [[0, 1], [0.5, 0], [0.5, 0], [1, -0.08]])
    np.testing.assert_allclose(second, [[0.18, 0.62], [0.82, 0.6]])


def test_a_quick_hand_makes_no_corners():
    (only,) = parse_strokes("0,100 50,0! 100,100", rounded=True)

    np.testing.assert_allclose(only, [[0, 1], [0.5, 0], [1, 1]])


def test_no_lookalike_of_a_digit_is_among_the_letters():
    assert not set(LOOKALIKES) & set(LETTERS)


@pytest.mark.parametrize("character", LETTERS)
def test_every_way_to_write_a_letter_has_strokes_near_its_box(character):
    for way in LETTERS[character]:
        for stroke in parse_strokes(way):
            assert len(stroke) >= 2
            assert stroke.min() >= -0.3
            assert stroke.max() <= 1.5
