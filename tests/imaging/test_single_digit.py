import cv2
import numpy as np
import pytest
from drawn_ink import DIGITS, empty, filled, inked, overlap, same_boxes, stroke

from inkread.imaging.segmentation import find_single_digit
from inkread.results import Box
from inkread.training.synthesis.drawn_digits import write


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("seed", range(3))
def test_a_written_digit_is_found_whole(digit, seed):
    writing = write(digit, np.random.default_rng(seed), height_px=100, pen_px=8)

    region = find_single_digit(inked(writing.ink))

    assert same_boxes([region.box], writing.boxes, least_overlap=0.97)
    left, top, right, bottom = region.box
    assert (region.ink == writing.ink[top:bottom, left:right]).all()


@pytest.mark.parametrize(
    "speck",
    [(10, 10, 16, 16), (180, 150, 190, 158), (0, 60, 5, 100), (60, 0, 90, 4), (0, 0, 12, 12)],
)
def test_specks_and_fragments_at_the_edge_are_not_the_digit(speck):
    page = empty(200, 200)
    stroke(page, (90, 60), (120, 60), (100, 140), pen_px=9)
    alone = find_single_digit(inked(page.copy()))
    filled(page, speck)

    assert find_single_digit(inked(page)).box == alone.box


def test_a_neighbour_cut_by_the_edge_is_not_the_digit():
    page = empty(200, 200)
    box = filled(page, (80, 60, 110, 140))
    filled(page, (170, 50, 200, 150))

    assert find_single_digit(inked(page)).box == box


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_frame_along_a_side_is_not_the_digit(side):
    page = empty(200, 200)
    box = filled(page, (80, 60, 110, 140))
    strip = {
        "left": (0, 0, 6, 200),
        "right": (194, 0, 200, 200),
        "top": (0, 0, 200, 6),
        "bottom": (0, 194, 200, 200),
    }
    filled(page, strip[side])

    assert find_single_digit(inked(page)).box == box


def test_a_digit_that_touches_the_edge_of_its_crop_is_the_digit():
    page = empty(60, 40)
    box = filled(page, (10, 0, 30, 60))
    filled(page, (35, 28, 38, 31))

    assert find_single_digit(inked(page)).box == box


@pytest.mark.parametrize("digit", ["0", "4", "6", "8", "9"])
def test_a_speck_in_a_tight_crop_is_not_the_digit(digit):
    writing = write(digit, np.random.default_rng(0), height_px=100, pen_px=8)
    left, top, right, bottom = writing.boxes[0]
    page = writing.ink[top:bottom, left:right].copy()
    room = cv2.distanceTransform((page == 0).astype(np.uint8), cv2.DIST_L2, 5)
    room[:5] = room[-5:] = room[:, :5] = room[:, -5:] = 0
    y, x = np.unravel_index(room.argmax(), room.shape)
    filled(page, (int(x), int(y), int(x) + 3, int(y) + 3))

    box = find_single_digit(inked(page)).box

    assert overlap(box, Box(0, 0, right - left, bottom - top)) > 0.95


def test_the_frame_of_a_form_field_is_not_the_digit():
    page = empty(200, 200)
    filled(page, (0, 0, 200, 200))
    page[4:-4, 4:-4] = 0
    box = filled(page, (80, 60, 110, 140))

    assert find_single_digit(inked(page)).box == box


def test_every_stroke_near_the_digit_belongs_to_it():
    page = empty(200, 200)
    stroke(page, (80, 60), (78, 95), (110, 97), (114, 125), (80, 138), pen_px=9)
    stroke(page, (92, 50), (124, 48), pen_px=9)

    region = find_single_digit(inked(page))

    left, top, width, height = cv2.boundingRect((page > 63).astype(np.uint8))
    assert region.box == Box(left, top, left + width, top + height)
    assert (region.ink > 63).sum() == (page > 63).sum()
