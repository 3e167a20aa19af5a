import numpy as np
import pytest

from inkread.imaging.crops import crop_around, crop_whole, find_digit_boxes
from inkread.imaging.normalize import Strip
from inkread.results import Box

PAGE = np.full((100, 300), 255, np.uint8)


def boxes_on_a_line(slope: float, count: int = 5) -> list[Box]:
    """Digits of 20 by 30 pixels, 40 pixels apart."""
    return [
        Box(20 + 40 * k, round(30 + slope * 40 * k), 40 + 40 * k, round(60 + slope * 40 * k))
        for k in range(count)
    ]


def test_the_whole_page_is_its_own_crop():
    crop = crop_whole(PAGE)
    assert crop.pixels is PAGE
    assert crop.box == Box(0, 0, 300, 100)
    assert crop.map_to_page(10, 20, 30, 40) == Box(10, 20, 30, 40)


def test_a_level_run_is_cut_with_a_margin():
    crop = crop_around(boxes_on_a_line(0.0), PAGE)

    # A quarter of the height of 30 above and below, a little more to the sides.
    assert crop.box == Box(11, 22, 209, 68)
    assert crop.pixels.shape == (46, 198)


def test_the_margin_ends_at_the_page():
    crop = crop_around([Box(0, 0, 300, 100)], PAGE)
    assert crop.box == Box(0, 0, 300, 100)


@pytest.mark.parametrize("slope", [0.2, -0.2])
def test_a_sloping_run_is_levelled(slope):
    page = np.full((200, 300), 255, np.uint8)
    run = [Box(b.left, b.top + 60, b.right, b.bottom + 60) for b in boxes_on_a_line(slope)]
    for box in run:
        page[box.top : box.bottom, box.left : box.right] = 0

    crop = crop_around(run, page)

    rows = np.flatnonzero((crop.pixels < 128).mean(axis=1) > 0.3)
    # Level, the digits share their rows: about 30, where they went over 30 + 0.2 * 160 before.
    assert rows[-1] - rows[0] == pytest.approx(30, abs=8)
    assert crop.box.left <= run[0].left
    assert crop.box.right >= run[-1].right
    # And back: the dark part of the crop is where the digits are.
    y, x = np.nonzero(crop.pixels < 128)
    back = crop.map_to_page(x.min(), y.min(), x.max() + 1, y.max() + 1)
    assert back.top <= min(box.top for box in run)
    assert back.bottom >= max(box.bottom for box in run)


@pytest.mark.parametrize("run", [boxes_on_a_line(0.4, 2), boxes_on_a_line(0.02, 5)])
def test_two_digits_or_a_slight_slope_are_left_as_they_are(run):
    crop = crop_around(run, PAGE)
    assert crop.to_page[0, 1] == crop.to_page[1, 0] == 0


def test_boxes_end_where_the_ink_of_their_digits_ends():
    pixels = np.zeros((40, 100), np.uint8)
    pixels[10:30, 20:26] = 200  # seen at frames 10 to 12, each two pixels
    pixels[6:34, 60:70] = 200
    strip = Strip(pixels, x_scale=0.5, y_scale=0.5, top=-4.0)

    first, second = find_digit_boxes(strip, [(10, 13), (31, 33)], crop_whole(PAGE))

    assert first == Box(40, 16, 52, 56)
    assert second == Box(120, 8, 140, 64)


def test_touching_digits_are_cut_halfway_between_their_frames():
    pixels = np.full((40, 40), 200, np.uint8)
    strip = Strip(pixels, 1.0, 1.0, 0.0)

    first, second = find_digit_boxes(strip, [(2, 8), (12, 18)], crop_whole(PAGE))

    assert first.right == second.left == 20


def test_a_symbol_without_ink_has_the_box_of_its_frames():
    strip = Strip(np.zeros((40, 60), np.uint8), 1.0, 1.0, 0.0)
    assert find_digit_boxes(strip, [(10, 12)], crop_whole(PAGE)) == (Box(8, 0, 36, 40),)
    assert find_digit_boxes(strip, [], crop_whole(PAGE)) == ()
