import cv2
import numpy as np
from layouts import make_layout, make_run

from inkread.imaging.run_crops import cut_out
from inkread.results import Box

# Digits are blocks of ink in four columns of pixels; a comb has a rule between each two of them.
BLOCKS = [(32, 40, 48, 72), (72, 40, 88, 72), (112, 40, 128, 72)]


def draw(*boxes, paper=230, ink=20, shape=(200, 400)):
    page = np.full(shape, paper, np.uint8)
    for left, top, right, bottom in boxes:
        page[top:bottom, left:right] = ink
    return page


def ink_columns(pixels):
    return np.flatnonzero((pixels < 128).any(axis=0))


def test_a_run_is_cut_out_with_a_margin_and_its_places_are_the_pages():
    run = make_run(*BLOCKS[0])
    cut = cut_out([run], draw(BLOCKS[0]), make_layout(run))
    assert cut.crop.box == Box(26, 34, 54, 78)  # 0.18 of its height around it
    columns = ink_columns(cut.crop.pixels)
    found = cut.find_on_page(cut.crop.map_to_page(columns[0], 6, columns[-1] + 1, 38))
    assert found.left == 32
    assert found.right == 48


def test_light_writing_on_dark_is_turned_round():
    run = make_run(*BLOCKS[0])
    layout = make_layout(run, handwriting=[BLOCKS[0]])
    dark = cut_out([run], draw(BLOCKS[0]), layout).crop.pixels
    light = cut_out([run], 255 - draw(BLOCKS[0]), layout).crop.pixels
    np.testing.assert_array_equal(dark, light)


def test_a_rule_is_painted_over_where_no_writing_is():
    run, digit = make_run(*BLOCKS[0]), (32, 40, 48, 64)
    page = draw(digit, (0, 73, 400, 75))
    layout = make_layout(run, ruling=[(0, 68, 400, 80)], handwriting=[digit])
    pixels = cut_out([run], page, layout).crop.pixels
    assert pixels[36:].min() > 200  # below the digit
    assert pixels[10:28, 8:20].max() < 60  # the digit itself


def test_what_is_between_the_cells_of_a_comb_is_left_out():
    runs = [make_run(*block) for block in BLOCKS]
    page = draw(*BLOCKS, (58, 30, 62, 82), (98, 30, 102, 82))
    cut = cut_out(runs, page, make_layout(*runs))
    columns = ink_columns(cut.crop.pixels)
    parts = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
    assert [len(part) for part in parts] == [16, 16, 16]  # three digits, and no rule
    places = [
        cut.find_on_page(cut.crop.map_to_page(part[0], 6, part[-1] + 1, 38)) for part in parts
    ]
    assert [(box.left, box.right) for box in places] == [(32, 48), (72, 88), (112, 128)]
    assert all(box.top == 40 and box.bottom == 72 for box in places)


def test_digits_that_stand_close_are_cut_out_as_they_are():
    runs = [make_run(32, 40, 48, 72), make_run(54, 40, 70, 72)]
    cut = cut_out(runs, draw((32, 40, 48, 72), (54, 40, 70, 72)), make_layout(*runs))
    assert cut.crop.box == Box(26, 34, 76, 78)


def test_a_run_that_leans_is_levelled():
    page = draw(*((x, 90, x + 8, 110) for x in range(100, 220, 20)))
    turn = cv2.getRotationMatrix2D((160, 100), -15, 1.0)
    leaning = cv2.warpAffine(page, turn, (400, 200), borderValue=230)
    run = make_run(100, 90, 220, 110)
    corners = cv2.transform(run.corners[None], turn)[0].astype(np.float32)
    run = type(run)(corners, 0.9, 0.9, 0.9, 0.0, 0.0)
    pixels = cut_out([run], leaning, make_layout(run)).crop.pixels
    rows = np.flatnonzero((pixels < 128).sum(axis=1) > 30)
    assert 18 <= len(rows) <= 22
