import cv2
import numpy as np
import pytest
from drawn_ink import boxes, empty, filled, inked, layout, same_boxes, stroke

from inkread.imaging.segmentation import find_single_line
from inkread.results import Box
from inkread.training.synthesis.drawn_digits import write


def test_the_bar_of_a_five_belongs_to_it():
    page = empty(120, 240)
    filled(page, (20, 30, 44, 90))
    stroke(page, (90, 34), (88, 58), (112, 60), (116, 80), (90, 88))
    stroke(page, (100, 32), (122, 30))
    filled(page, (150, 30, 174, 90))

    found = find_single_line(inked(page))

    assert len(found) == 3
    assert same_boxes(boxes(found)[1:2], [Box(84, 27, 125, 91)])


def test_the_bar_of_a_five_a_little_above_belongs_to_it():
    page = empty(120, 240)
    filled(page, (20, 30, 44, 90))
    stroke(page, (90, 44), (88, 62), (112, 64), (116, 80), (90, 88))
    stroke(page, (92, 30), (118, 29))
    filled(page, (150, 30, 174, 90))

    found = find_single_line(inked(page))

    assert len(found) == 3
    assert same_boxes(boxes(found)[1:2], [Box(86, 26, 121, 91)])


@pytest.mark.parametrize(
    "upright",
    [((112, 72), (111, 98)), ((108, 34), (107, 56))],
    ids=["below the bar", "above the bar"],
)
def test_a_four_of_two_strokes_is_one_digit(upright):
    page = empty(120, 240)
    filled(page, (20, 30, 44, 90))
    stroke(page, (92, 32), (86, 64), (122, 64))
    stroke(page, *upright)
    filled(page, (150, 30, 174, 90))
    four = cv2.boundingRect((page[:, 60:140] > 63).astype(np.uint8))

    found = find_single_line(inked(page))

    assert len(found) == 3
    assert found[1].box == (four[0] + 60, four[1], four[0] + four[2] + 60, four[1] + four[3])


@pytest.mark.parametrize("gap_px", [2, 4, 6])
@pytest.mark.parametrize("digit", ["4", "5"])
def test_a_digit_cut_in_two_by_a_gap_is_one_digit(digit, gap_px):
    page = write(f"8{digit}8", np.random.default_rng(3), height_px=80, pen_px=6)
    left, top, right, bottom = page.boxes[1]
    pixels = page.ink.copy()
    middle = (top + bottom) // 2 - (bottom - top) // 4
    pixels[middle : middle + gap_px, left:right] = 0

    assert same_boxes(boxes(find_single_line(inked(pixels))), page.boxes)


def test_two_lines_close_together_are_not_joined():
    page = empty(200, 300)
    for top in (40, 94):
        for i in range(4):
            filled(page, (40 + 40 * i, top, 64 + 40 * i, top + 46))

    assert layout(inked(page)) == [[4], [4]]


def test_ones_side_by_side_are_not_joined():
    page = empty(100, 300)
    true = [filled(page, (40 + 14 * i, 30, 44 + 14 * i, 70)) for i in range(6)]

    assert boxes(find_single_line(inked(page))) == true
