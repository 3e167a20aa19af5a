import cv2
import numpy as np
import pytest

from inkread.imaging.layout_maps import CELL_PX
from inkread.training.synthesis.fonts import find_fonts
from inkread.training.synthesis.page_kinds import KINDS
from inkread.training.synthesis.page_sheet import (
    HANDWRITING,
    Sheet,
    SheetRun,
    SheetText,
    box_corners,
)
from inkread.training.synthesis.pages import PLANES, PageMaker, is_legible, shrunk_corners, targets

SIDE_PX = 256


@pytest.fixture(scope="module")
def maker(small_mnist):
    return PageMaker(small_mnist.train, find_fonts())


def made(maker, kind, seed=0):
    return maker.page(np.random.default_rng([seed, 7]), side_px=SIDE_PX, kind=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_follows_from_its_seed(maker, kind):
    one, two, other = made(maker, kind), made(maker, kind), made(maker, kind, seed=1)

    np.testing.assert_array_equal(one.picture, two.picture)
    np.testing.assert_array_equal(one.planes, two.planes)
    assert [run.text for run in one.runs] == [run.text for run in two.runs]
    assert not np.array_equal(one.picture, other.picture)
    assert one.picture.shape == (SIDE_PX, SIDE_PX)
    assert one.planes.shape == (SIDE_PX // CELL_PX, SIDE_PX // CELL_PX, len(PLANES))


@pytest.mark.parametrize("kind", ["marks", "sudoku", "fields", "form"])
def test_cores_of_different_runs_do_not_touch(maker, kind):
    for seed in range(4):
        page = made(maker, kind, seed)
        legible = [run for run in page.runs if is_legible(run, page.picture.shape)]
        whole = np.zeros(page.picture.shape, np.uint8)
        for run in legible:
            own = np.zeros_like(whole)
            cv2.fillConvexPoly(own, np.rint(shrunk_corners(run.corners)).astype(np.int32), 1)
            whole += own
        # Words that were written over print, or numbers over their neighbours, are few.
        assert (whole > 1).sum() <= 0.03 * max(1, (whole > 0).sum())


def test_written_ink_lies_in_the_box_of_its_run():
    sheet = Sheet.blank(60, 40)
    ink = np.zeros((20, 30), np.float32)
    ink[5:15, 3:28] = 1

    sheet.write(ink, 10, 12, SheetText("1", handwritten=True, number=True))

    (run,) = sheet.runs
    np.testing.assert_array_equal(run.corners, [[13, 17], [38, 17], [38, 27], [13, 27]])
    rows, columns = np.nonzero(sheet.marks[..., HANDWRITING])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (17, 26, 13, 37)


def test_what_is_written_over_the_edge_is_no_run():
    sheet = Sheet.blank(60, 40)

    sheet.write(
        np.ones((20, 30), np.float32), 45, 10, SheetText("1", handwritten=True, number=True)
    )

    assert sheet.runs == []
    assert sheet.marks.any()


def test_the_core_of_a_run_is_its_box_less_a_share_of_its_height():
    core = shrunk_corners(box_corners(100, 50, 300, 100))

    np.testing.assert_allclose(core, [[111, 61], [289, 61], [289, 89], [111, 89]], atol=1e-4)


def test_targets_unpack_what_planes_hold():
    planes = np.zeros((1, 1, 2, 6), np.uint8)
    planes[0, 0, 0] = (255, 0, 51, 0, 255, 1 + 2 + 4 + 16 * 3 + 64)

    unpacked = targets(planes)[0, 0]

    expected = [1, 0, 0.2, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1]  # the sixth is the link
    np.testing.assert_allclose(unpacked[0], expected, atol=1e-6)
    np.testing.assert_allclose(unpacked[1], [0] * 13 + [1, 0])


def test_writing_that_is_seen_too_small_or_cut_off_is_not_legible():
    def run(left, top, right, bottom):
        return SheetRun(box_corners(left, top, right, bottom), "1", True, True)

    assert is_legible(run(10, 10, 20, 22), (100, 100))
    assert not is_legible(run(10, 10, 20, 14), (100, 100))
    assert not is_legible(run(95, 10, 108, 22), (100, 100))
