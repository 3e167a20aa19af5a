import numpy as np
import pytest

from inkread.training.handwriting.pens import Pens, PenSample
from inkread.training.synthesis.pen_writers import PenWriters, Redrawing, redraw

BAR = np.array([[0, 0], [256, 0]], np.float32)
STEM = np.array([[100, 0], [100, 128], [100, 256]], np.float32)


def of(label, writer, *strokes):
    return PenSample(strokes or (STEM,), str(label), writer)


@pytest.fixture
def pens():
    """A writer of all digits, one of three, and pendigits."""
    return Pens(
        digits=tuple(
            [of(digit, "a") for digit in range(10)] + [of(digit, "b") for digit in range(3)]
        ),
        pendigits=tuple(of(digit, "pendigits/train") for digit in range(10)),
        numbers=(of("12.5", "c"), of("3", "c")),
        letters=(*(of(letter, "d") for letter in "AFHKM"), of("X", "e")),
    )


def test_a_writer_writes_with_own_samples_alone(pens, rng):
    drawn = [PenWriters(pens, 1.0).draw(rng) for _ in range(60)]
    hands = [{sample.writer for samples in each.digits for sample in samples} for each in drawn]
    assert {frozenset(hand) for hand in hands} == {
        frozenset({"a"}),  # b has too few digits
        frozenset({"pendigits/train"}),
    }
    for each in drawn:
        assert [sample.label for samples in each.digits for sample in samples[:1]] == [
            str(digit) for digit in range(10)
        ]
        assert {sample.writer for sample in each.letters} == {"d"}


def test_single_digits_are_no_whole_numbers(pens, rng):
    writers = PenWriters(pens, 1.0)
    assert {writers.draw_number(rng).label for _ in range(20)} == {"12.5"}
    none = PenWriters(Pens(pens.digits, (), (), ()), 1.0)
    assert none.draw_number(rng) is None
    assert none.draw(rng).letters == ()


def test_strokes_come_back_in_heights_of_their_box(rng):
    stem, bar = redraw(of("7", "a", STEM, BAR), rng, Redrawing())
    np.testing.assert_allclose(stem[[0, -1]], [[100 / 256, 0], [100 / 256, 1]])
    np.testing.assert_allclose(bar[[0, -1]], [[0, 0], [1, 0]])
    steps = np.hypot(*np.diff(stem, axis=0).T)
    assert steps.max() < 1.1 * steps.min()  # evenly spaced, whatever the tablet gave


def test_a_whole_number_is_as_high_as_its_box(rng):
    (stroke,) = redraw(of("12.5", "c", STEM * np.float32(96 / 256)), rng, Redrawing())
    assert np.ptp(stroke[:, 1]) == pytest.approx(1)


def test_fast_writing_rounds_corners_and_keeps_the_ends(rng):
    corner = np.array([[0, 0], [200, 0], [200, 256]], np.float32)
    (sharp,) = redraw(of("7", "a", corner), rng, Redrawing())
    (rounded,) = redraw(of("7", "a", corner), rng, Redrawing(rounding=0.05))
    np.testing.assert_allclose(rounded[[0, -1]], sharp[[0, -1]])
    tip = np.array([200, 0]) / 256
    assert np.hypot(*(sharp - tip).T).min() < 0.02 < np.hypot(*(rounded - tip).T).min()


def test_bends_move_all_strokes_of_a_sample_together(rng):
    one, two = redraw(of("1", "a", STEM, STEM), rng, Redrawing(bend=0.05))
    np.testing.assert_allclose(one, two)
    assert np.ptp(one[:, 0]) > 0.005


def test_a_dot_stays_something_to_draw(rng):
    dot = np.array([[40, 250]], np.float32)
    _, drawn = redraw(of("1", "a", STEM, dot), rng, Redrawing())
    assert len(drawn) == 2
    assert 0 < np.hypot(*(drawn[1] - drawn[0])) < 0.05
