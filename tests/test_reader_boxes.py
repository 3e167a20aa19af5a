"""Reading the digits of a picture again by their boxes."""

import cv2
import numpy as np
import pytest
from drawn_pictures import DIGITS, page_of, photographed, written

from inkread import Box, ConfigError, ImageError
from inkread.explain import explain
from inkread.imaging import normalize
from inkread.training.synthesis.drawn_digits import put_on_paper, write

SURE = 0.9


@pytest.fixture(scope="module")
def touching():
    """(H, W, 3) uint8 each: pages of numbers whose digits touch and overlap."""

    def page(seed):
        rng = np.random.default_rng(seed)
        texts = ["".join(rng.choice(list(DIGITS), 5)) for _ in range(3)]
        rows = [[write(text, rng, height_px=50, pen_px=5, gap=-0.25)] for text in texts]
        return put_on_paper(page_of(rows), rng)

    return [page(seed) for seed in range(10)]


def digits_of(page):
    return [digit for number in page.numbers for digit in number.digits]


def test_a_doubtful_digit_is_explained_as_the_page_shows_it(reader, touching):
    doubtful = [
        (picture, digit)
        for picture in touching
        for digit in digits_of(reader.read(picture))
        if digit.confidence < SURE
    ]
    assert len(doubtful) >= 5
    for picture, digit in doubtful:
        found = explain(reader, picture, box=digit.box)
        assert (found.digit.label, found.digit.confidence) == (digit.label, digit.confidence)
        assert found.digit == digit
        assert found.runner_up != digit.label


def test_every_digit_is_read_in_its_box_as_on_the_page(reader, touching):
    for digit in digits_of(reader.read(touching[0])):
        assert reader.read_digit(touching[0], box=digit.box) == digit


def test_a_box_that_is_a_little_off_is_of_the_same_digit(reader):
    picture = photographed(written("40713"))
    digit = reader.read(picture).numbers[0].digits[2]
    left, top, right, bottom = digit.box
    assert reader.read_digit(picture, box=Box(left - 2, top - 3, right + 2, bottom + 1)) == digit


def test_what_a_length_made_of_a_digit_is_what_is_located(reader, touching):
    changed = 0
    for digit in digits_of(reader.read(touching[0], length=5)):
        located = reader.locate_digit(touching[0], digit.box, length=5)
        assert located.digit == digit
        changed += located.digit != reader.read_digit(touching[0], box=digit.box)
    assert changed


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_the_ink_of_a_digit_is_located_the_right_way_up(reader, turns):
    upright = cv2.bitwise_not(page_of([[written("27345", 1)], [written("34754", 2)]]))
    picture = np.ascontiguousarray(np.rot90(upright, turns))
    digits = digits_of(reader.read(picture))
    assert "".join(digit.text for digit in digits) == "2734534754"

    located = [reader.locate_digit(picture, digit.box) for digit in digits]

    glyphs = np.stack([normalize.make_glyph(each.ink) for each in located])
    labels = reader.classify(glyphs).argmax(axis=1)
    assert labels.tolist() == [digit.label for digit in digits]
    assert [each.digit for each in located] == digits


def test_a_box_of_something_else_is_read_on_its_own(reader):
    picture = photographed(written("40713"))
    first, second, *_ = reader.read(picture).numbers[0].digits
    half = Box(first.box.left, first.box.top, first.box.right, sum(first.box[1::2]) // 2)
    both = Box(first.box.left, first.box.top, second.box.right, second.box.bottom)
    for box in (half, both):
        digit = reader.read_digit(picture, box=box)
        assert digit.box == box
        assert digit not in (first, second)


def test_the_ink_of_touching_digits_is_cut_at_their_boxes(reader):
    ink = np.zeros((100, 160), np.uint8)
    cv2.rectangle(ink, (30, 30), (60, 70), 255, 5)
    cv2.line(ink, (60, 50), (110, 50), 255, 5)
    picture = cv2.bitwise_not(ink)
    found = reader.locate_digit(picture, Box(20, 20, 80, 80)).ink
    assert np.abs(found.astype(int) - ink[20:80, 20:80]).mean() < 10


@pytest.mark.parametrize(
    ("box", "message"),
    [
        (Box(0, 0, 9999, 9), "expected a box in"),
        (Box(-1, 0, 9, 9), "expected a box in"),
        (Box(5, 5, 5, 9), "expected a box in"),
        (Box(0, 0, 9, 9), "expected ink in the box, received none"),
    ],
)
def test_a_box_outside_or_without_ink_is_refused(reader, box, message):
    picture = photographed(written("40713"))
    for locate in (reader.read_digit, reader.locate_digit):
        with pytest.raises(ImageError, match=message):
            locate(picture, box=box)


def test_a_length_without_a_box_is_refused(reader):
    with pytest.raises(ConfigError, match="expected a box with length, pattern or check"):
        reader.locate_digit(photographed(written("4")), length=1)


def test_the_digit_of_a_whole_picture_is_located_as_it_is_read(reader):
    picture = photographed(written("4"))
    assert reader.locate_digit(picture).digit == reader.read_digit(picture)
    with pytest.raises(ImageError, match="received one without ink"):
        reader.locate_digit(np.full((60, 40), 255, np.uint8))
