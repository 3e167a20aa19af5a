import numpy as np
import pytest

from inkread import Box, Digit, Number
from inkread.imaging import ink
from inkread.recognition.orientation import (
    PageReading,
    read_right_way_up,
    turn_box,
    turn_number,
)

BLANK = ink.find(np.full((60, 40), 255, np.uint8))


def read_as(**confidences):
    """A page that reads with these confidences when it is turned: ``turned_0`` as it stands."""
    tried = []

    def read(turns):
        tried.append(turns)
        found = confidences[f"turned_{turns}"]
        digits = tuple(Digit(7, each, Box(0, 0, 9, 9), (0.1,) * 10) for each in found)
        numbers = (Number("7" * len(found), 0.5, Box(0, 0, 9, 9), digits),) if found else ()
        return PageReading(numbers, BLANK, (), turns)

    return read, tried


def test_a_page_that_reads_well_is_not_turned():
    read, tried = read_as(turned_0=[0.9, 0.8, 0.9])
    assert read_right_way_up(read).turns == 0
    assert tried == [0]


@pytest.mark.parametrize("found", [[], [0.3]], ids=["nothing", "one digit"])
def test_a_page_with_fewer_than_two_digits_is_not_turned(found):
    read, tried = read_as(turned_0=found)
    assert read_right_way_up(read).turns == 0
    assert tried == [0]


def test_a_page_that_reads_much_better_turned_is_turned():
    read, tried = read_as(turned_0=[0.4] * 4, turned_1=[0.99] * 4, turned_2=[0.95] * 4, turned_3=[])
    assert read_right_way_up(read).turns == 1
    assert sorted(tried) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("upright", "turned"),
    [([0.75] * 4, [0.85] * 4), ([0.3] * 4, [0.7] * 4), ([0.3] * 4, [0.99] * 3)],
    ids=["little better", "doubtful as well", "too few digits to tell"],
)
def test_a_page_that_does_not_read_much_better_turned_stays(upright, turned):
    read, _ = read_as(turned_0=upright, turned_1=[], turned_2=turned, turned_3=[])
    assert read_right_way_up(read).turns == 0


@pytest.mark.parametrize("turns", [-1, 0, 1, 2, 3])
def test_a_box_is_turned_as_its_pixels_are(turns):
    page = np.zeros((60, 40), np.uint8)
    page[5:20, 10:14] = 1

    left, top, right, bottom = turn_box(Box(10, 5, 14, 20), turns, page.shape)

    turned = np.rot90(page, turns)
    assert turned[top:bottom, left:right].sum() == page.sum()
    assert (bottom - top) * (right - left) == page.sum()


def test_a_number_is_turned_back_with_its_digits():
    digit = Digit(7, 0.9, Box(10, 5, 14, 20), (0.1,) * 10)
    number = Number("7", 0.9, Box(10, 5, 14, 20), (digit,))
    there = turn_number(number, 1, (60, 40))
    assert there.box == there.digits[0].box == Box(5, 26, 20, 30)
    assert turn_number(there, -1, (40, 60)) == number
