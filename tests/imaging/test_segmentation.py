import itertools

import cv2
import numpy as np
import pytest
from drawn_ink import (
    boxes,
    empty,
    filled,
    inked,
    layout,
    random_text,
    same_boxes,
    stroke,
)

from inkread.imaging import ink
from inkread.imaging.ink import Ink
from inkread.imaging.segmentation import find_lines, find_single_digit, find_single_line
from inkread.results import Box
from inkread.training.synthesis.drawn_digits import write


def test_lines_numbers_and_digits_come_in_reading_order():
    page = empty(300, 500)
    true = [
        [[filled(page, (40 + 40 * i, 50, 60 + 40 * i, 90)) for i in range(3)],
         [filled(page, (240 + 40 * i, 52, 260 + 40 * i, 92)) for i in range(2)]],
        [[filled(page, (300 + 40 * i, 200, 320 + 40 * i, 240)) for i in range(4)]],
    ]  # fmt: skip

    found = find_lines(inked(page))

    assert [[boxes(number) for number in line] for line in found] == true


def test_a_region_holds_the_ink_of_its_digit_alone():
    page = empty(100, 300)
    stroke(page, (60, 10), (60, 60), (120, 60))  # the next digit stands over the end of this one
    filled(page, (108, 10, 140, 50))
    page[page == 255] = 200

    first, second = find_single_line(inked(page))

    assert second.box == Box(108, 10, 140, 50)
    assert (second.ink == 200).all()
    left, top, right, bottom = first.box
    own = page[top:bottom, left:right].copy()
    own[: 50 - top, 108 - left :] = 0
    assert (first.ink == own).all()


@pytest.mark.parametrize("scale", [1.0, 1.5, 4.0])
def test_boxes_are_in_pixels_of_the_page(scale):
    page = empty(100, 200)
    filled(page, (30, 20, 50, 60))
    filled(page, (70, 20, 90, 60))

    true = [Box(*(round(scale * side) for side in box)) for box in
            [(30, 20, 50, 60), (70, 20, 90, 60)]]  # fmt: skip

    assert boxes(find_single_line(inked(page, scale))) == true
    assert boxes(number for line in find_lines(inked(page, scale)) for number in line[0]) == true


@pytest.mark.parametrize("find", [find_single_line, find_lines])
def test_a_blank_page_has_no_digits(find):
    assert find(inked(empty(50, 80))) == ()


def test_a_blank_picture_has_no_single_digit():
    assert find_single_digit(inked(empty(50, 80))) is None


def test_one_digit_is_a_line():
    page = empty(100, 100)
    box = filled(page, (40, 20, 60, 80))

    assert boxes(find_single_line(inked(page))) == [box]
    assert layout(inked(page)) == [[1]]


@pytest.mark.parametrize("gap_px", [4, 10, 20])
def test_digits_close_together_are_one_number(gap_px):
    page = empty(100, 400)
    for i in range(6):
        left = 20 + i * (24 + gap_px)
        filled(page, (left, 30, left + 24, 70))

    assert layout(inked(page)) == [[6]]


@pytest.mark.parametrize("gap_px", [50, 100])
def test_a_wide_gap_begins_another_number(gap_px):
    page = empty(100, 600)
    for i in range(6):
        left = 20 + i * 32 + (gap_px if i >= 2 else 0) + (gap_px if i >= 5 else 0)
        filled(page, (left, 30, left + 24, 70))

    assert layout(inked(page)) == [[2, 3, 1]]
    assert len(find_single_line(inked(page))) == 6


def test_a_widely_spaced_number_is_one_number():
    page = empty(100, 600)
    for i in range(6):
        filled(page, (20 + i * 60, 30, 44 + i * 60, 70))

    assert layout(inked(page)) == [[6]]


def test_a_lone_one_among_digits_is_a_digit():
    page = empty(100, 300)
    true = [filled(page, box) for box in [(20, 30, 44, 70), (58, 30, 62, 70), (76, 30, 100, 70)]]

    assert boxes(find_single_line(inked(page))) == true


def test_smaller_and_larger_digits_share_a_line():
    page = empty(100, 300)
    true = [filled(page, box) for box in [(20, 30, 44, 70), (56, 40, 76, 68), (88, 26, 114, 74)]]

    assert boxes(find_single_line(inked(page))) == true


@pytest.mark.parametrize(
    "mark",
    [(68, 64, 74, 70), (66, 48, 84, 52), (68, 68, 74, 78), (70, 5, 74, 9)],
    ids=["dot", "dash", "comma", "speck above"],
)
def test_punctuation_and_specks_are_not_digits(mark):
    page = empty(100, 300)
    true = [filled(page, box) for box in [(20, 30, 44, 70), (100, 30, 124, 70), (136, 30, 160, 70)]]
    filled(page, mark)

    assert boxes(find_single_line(inked(page))) == true
    assert [box for line in find_lines(inked(page)) for n in line for box in boxes(n)] == true


def test_a_hundred_specks_are_not_digits(rng):
    page = empty(200, 400)
    true = [filled(page, (60 + 40 * i, 80, 84 + 40 * i, 130)) for i in range(4)]
    for x, y in rng.integers(0, (396, 60), (100, 2)):
        filled(page, (x, y, x + 3, y + 3))

    assert boxes(find_single_line(inked(page))) == true


@pytest.mark.parametrize(
    "frame", [(0, 0, 400, 3), (0, 197, 400, 200), (0, 0, 4, 200), (397, 0, 400, 200)]
)
def test_the_dark_edge_of_a_scan_is_not_a_digit(frame):
    page = empty(200, 400)
    true = [filled(page, (60 + 40 * i, 80, 84 + 40 * i, 130)) for i in range(4)]
    filled(page, frame)

    assert boxes(find_single_line(inked(page))) == true
    assert layout(inked(page)) == [[4]]


def test_the_line_with_the_most_ink_is_the_number():
    page = empty(300, 400)
    filled(page, (30, 30, 50, 70))
    true = [filled(page, (60 + 40 * i, 180, 84 + 40 * i, 230)) for i in range(4)]

    assert boxes(find_single_line(inked(page))) == true


# Written numbers and pages


@pytest.mark.parametrize(("height_px", "pen_px"), [(30, 3), (60, 4), (100, 12)])
@pytest.mark.parametrize("seed", range(8))
def test_written_numbers_have_the_boxes_they_were_written_in(seed, height_px, pen_px):
    rng = np.random.default_rng(seed)
    writing = write(random_text(rng, 7), rng, height_px=height_px, pen_px=pen_px)

    page = inked(writing.ink)

    assert same_boxes(boxes(find_single_line(page)), writing.boxes)
    assert layout(page) == [[7]]


@pytest.mark.parametrize("seed", range(6))
def test_mnist_digits_on_a_page_are_found_where_they_were_put(full_mnist, seed):
    rng = np.random.default_rng(seed)
    page = empty(260, 460)
    true: list[list[Box]] = []
    for top in (40, 160):
        left, row = 30, []
        for i in range(8):
            image = full_mnist.test.images[rng.integers(len(full_mnist.test))]
            x, y, width, height = cv2.boundingRect((image > 63).astype(np.uint8))
            digit = cv2.resize(image[y : y + height, x : x + width], None, fx=2, fy=2)
            left += 60 if i == 3 else 12
            y = top + int(rng.integers(-3, 4))
            box = Box(left, y, left + 2 * width, y + 2 * height)
            page[box.top : box.bottom, box.left : box.right] = digit
            row.append(box)
            left = box.right
        true.append(row)

    found = find_lines(inked(page))

    assert [[len(number) for number in line] for line in found] == [[3, 5], [3, 5]]
    for line, row in zip(found, true, strict=True):
        assert same_boxes([box for number in line for box in boxes(number)], row)


@pytest.mark.parametrize("degrees", [-3, 3])
@pytest.mark.parametrize("seed", range(3))
def test_skewed_lines_keep_their_reading_order(seed, degrees):
    rng = np.random.default_rng(seed)
    writings = [write("1234567890", rng, height_px=50, pen_px=4) for _ in range(3)]
    width = max(writing.ink.shape[1] for writing in writings) + 40
    page = np.vstack(
        [np.pad(writing.ink, ((20, 20), (20, width - 20 - writing.ink.shape[1])))
         for writing in writings]
    )  # fmt: skip
    turn = cv2.getRotationMatrix2D((width / 2, page.shape[0] / 2), degrees, 1)
    offsets = itertools.accumulate((w.ink.shape[0] + 40 for w in writings), initial=0)
    centres = [
        [turn @ ((box.left + box.right) / 2 + 20, (box.top + box.bottom) / 2 + 20 + offset, 1)
         for box in writing.boxes]
        for writing, offset in zip(writings, offsets, strict=False)
    ]  # fmt: skip

    found = find_lines(inked(cv2.warpAffine(page, turn, page.shape[::-1])))

    assert [[len(number) for number in line] for line in found] == [[10], [10], [10]]
    for line, row in zip(found, centres, strict=True):
        for box, (x, y) in zip(boxes(line[0]), row, strict=True):
            assert box.left <= x <= box.right
            assert box.top <= y <= box.bottom


def test_boxes_are_those_of_the_page_when_it_was_shrunk():
    writing = write("40713", np.random.default_rng(0), height_px=500, pen_px=40, gap=0.5)
    page = cv2.bitwise_not(np.pad(writing.ink, ((200, 300), (1000, 100))))
    true = [
        Box(box.left + 1000, box.top + 200, box.right + 1000, box.bottom + 200)
        for box in writing.boxes
    ]

    found = ink.find(page)

    assert found.scale > 1.5
    assert same_boxes(boxes(find_single_line(found)), true, least_overlap=0.9)


@pytest.mark.parametrize("find", [find_single_line, lambda ink_: [find_single_digit(ink_)]])
def test_boxes_end_with_the_page(find):
    pixels = empty(100, 100)
    filled(pixels, (60, 20, 100, 100))

    (region,) = find(Ink(pixels, np.full((169, 169), 255, np.uint8), 1.7))

    assert region.box == (102, 34, 169, 169)
