import numpy as np
import pytest

from inkread.imaging.layout import find_layout
from inkread.imaging.layout_maps import CELL_PX, DIRECTIONS, MAPS, network_input, padded


def paint(*runs, sheet=None):
    """Return a stand-in for the layout model: it sees runs at their places, at any size of page.

    Args:
        runs: (left, top, right, bottom, values) of cores, in shares of the page.
        sheet: the same of the paper; none: all of the page.
    """

    def maps_of(page):
        height, width = (-(-side // CELL_PX) for side in page.shape)
        maps = np.zeros((len(MAPS), height, width), np.float32)
        place = (0, 0, 1, 1) if sheet is None else sheet
        for box, values in [(place, {"sheet": 1.0}), *((run[:4], run[4]) for run in runs)]:
            left, top, right, bottom = box
            rows = slice(round(top * height), round(bottom * height))
            columns = slice(round(left * width), round(right * width))
            for name, value in values.items():
                maps[MAPS.index(name), rows, columns] = value
        return maps

    return maps_of


def said(direction="up", **values):
    return {"core": 0.95, "handwritten": 0.9, "number": 0.8, direction: 0.97, **values}


PAGE = np.full((400, 800), 220, np.uint8)


def test_a_blank_page_has_no_runs_and_is_level():
    layout = find_layout(paint(), PAGE)
    assert layout.runs == ()
    assert not layout.is_sideways


def test_a_core_grows_back_to_the_size_of_its_run():
    layout = find_layout(paint((0.25, 0.4, 0.75, 0.48, said())), PAGE)
    (run,) = layout.runs
    # The core is 400 by 32 pixels: 0.56 of the height, which is 57, and 0.22 of it on each side.
    assert run.height == pytest.approx(57, abs=2)
    assert run.width == pytest.approx(425, abs=5)
    assert run.corners.mean(axis=0) == pytest.approx([400, 176], abs=3)
    assert run.handwritten == pytest.approx(0.9)
    assert run.number == pytest.approx(0.8)
    assert run.is_handwritten


def test_two_cores_are_two_runs():
    boxes = [(0.1, 0.4, 0.3, 0.46), (0.4, 0.4, 0.6, 0.46)]
    layout = find_layout(paint(*((*box, said()) for box in boxes)), PAGE)
    assert sorted(round(run.corners[:, 0].mean() / 80) for run in layout.runs) == [2, 5]


def test_what_lies_off_the_paper_is_no_run():
    layout = find_layout(
        paint((0.1, 0.4, 0.3, 0.46, said(sheet=0.1)), sheet=(0.5, 0.1, 0.9, 0.9)), PAGE
    )
    assert layout.runs == ()


def test_an_uncertain_core_is_no_run():
    assert find_layout(paint((0.1, 0.4, 0.3, 0.46, said(core=0.55))), PAGE).runs == ()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_page_lies_on_its_side_if_most_of_its_writing_does(direction):
    is_level = direction in ("up", "down")
    places = (0.2, 0.4, 0.6)
    boxes = [(0.1, y, 0.4, y + 0.06) if is_level else (y, 0.1, y + 0.03, 0.6) for y in places]
    layout = find_layout(paint(*((*box, said(direction)) for box in boxes)), PAGE)
    assert layout.is_sideways == (not is_level)
    (first, *_) = layout.runs
    assert first.width > first.height  # along the text


def test_the_sheet_is_where_the_paper_is():
    layout = find_layout(paint(sheet=(0.25, 0.25, 0.75, 0.75)), PAGE)
    expected = [[200, 100], [600, 100], [600, 300], [200, 300]]
    assert np.abs(layout.sheet - expected).max() <= 8


def test_a_page_that_is_all_paper_is_its_own_sheet():
    layout = find_layout(paint(), PAGE)
    assert layout.sheet.tolist() == [[0, 0], [800, 0], [800, 400], [0, 400]]


def test_a_larger_page_gives_the_same_layout_in_its_own_pixels():
    maps_of = paint((0.25, 0.4, 0.75, 0.44, said()))
    (small,) = find_layout(maps_of, PAGE).runs
    (large,) = find_layout(maps_of, np.full((2000, 4000), 220, np.uint8)).runs
    np.testing.assert_allclose(large.corners, 5 * small.corners, rtol=0.05, atol=20)


def test_the_network_sees_ink_by_its_surroundings_whatever_the_light():
    page = np.full((64, 64), 200, np.uint8)
    page[20:44, 30:34] = 60
    dim = (page * 0.6).astype(np.uint8)
    bright, dark = network_input(page)[..., 0], network_input(dim)[..., 0]
    assert bright.shape == (64, 64)
    assert bright[32, 32] < -1
    assert abs(bright[5, 5]) < 0.1
    assert np.corrcoef(bright.ravel(), dark.ravel())[0, 1] > 0.99
    np.testing.assert_allclose(network_input(page)[..., 1], page / 255)


def test_padding_has_the_grey_of_the_edge():
    page = np.full((10, 20), 90, np.uint8)
    page[3:6, 4:9] = 0
    framed = padded(page, (16, 32))
    assert framed.shape == (16, 32)
    assert (framed[10:] == 90).all()
    np.testing.assert_array_equal(framed[:10, :20], page)
