import dataclasses
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from scipy import ndimage

from inkread.reader import Reader
from inkread.training.synthesis import drawn_digits
from inkread.training.synthesis.digit_strokes import SHAPES
from inkread.training.synthesis.drawn_digits import (
    PAPERS,
    Writing,
    draw_glyphs,
    put_on_paper,
    write,
)

VARIANTS = [(digit, shape) for digit, shapes in SHAPES.items() for shape in range(len(shapes))]
ALL_DIGITS = "0123456789"


def same(one: Writing, other: Writing) -> bool:
    return np.array_equal(one.ink, other.ink) and one.boxes == other.boxes


def outside_boxes(writing: Writing) -> np.ndarray:
    outside = np.ones(writing.ink.shape, bool)
    for box in writing.boxes:
        outside[box.top : box.bottom, box.left : box.right] = False
    return outside


@pytest.mark.parametrize("text", ["7", "40713", "1111", "007", ALL_DIGITS])
@pytest.mark.parametrize("seed", range(3))
def test_each_digit_has_a_box_and_the_boxes_hold_the_ink(text: str, seed: int):
    writing = write(text, np.random.default_rng(seed))
    assert writing.text == text
    assert len(writing.boxes) == len(text)
    assert writing.ink.dtype == np.uint8
    assert not (writing.ink[outside_boxes(writing)] > 127).any()
    for box in writing.boxes:
        inside = writing.ink[box.top : box.bottom, box.left : box.right]
        assert inside.shape == (box.bottom - box.top, box.right - box.left)
        assert inside.max() == 255
        edges = (inside[0], inside[-1], inside[:, 0], inside[:, -1])
        assert all(edge.max() > 63 for edge in edges)


@pytest.mark.parametrize("seed", range(5))
def test_the_boxes_go_from_left_to_right(seed: int):
    boxes = write(ALL_DIGITS, np.random.default_rng(seed)).boxes
    middles = [(box.left + box.right) / 2 for box in boxes]
    assert middles == sorted(middles)


def test_wide_gaps_keep_the_digits_apart(rng: np.random.Generator):
    boxes = write(ALL_DIGITS, rng, gap=1.0).boxes
    assert all(left.right < right.left for left, right in pairwise(boxes))


def test_the_ink_keeps_clear_of_the_borders(rng: np.random.Generator):
    for _ in range(20):
        ink = write(ALL_DIGITS, rng).ink
        borders = (ink[0], ink[-1], ink[:, 0], ink[:, -1])
        assert all(border.max() == 0 for border in borders)


def test_no_text_is_blank_paper(rng: np.random.Generator):
    writing = write("", rng)
    assert writing.boxes == ()
    assert writing.ink.size > 0
    assert writing.ink.max() == 0


def test_the_seed_decides_the_writing():
    first, again, other = (write("40713", np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert same(first, again)
    assert not same(first, other)


def test_the_same_digit_is_written_a_little_differently_each_time(rng: np.random.Generator):
    writing = write("8888", rng)
    crops = [writing.ink[:, box.left : box.right] for box in writing.boxes]
    assert len({crop.tobytes() for crop in crops}) == 4


@pytest.mark.parametrize("height_px", [20, 60, 200])
def test_the_digits_are_about_as_high_as_asked_for(height_px: int, rng: np.random.Generator):
    pen_px = height_px / 15
    boxes = write(ALL_DIGITS, rng, height_px=height_px, pen_px=pen_px).boxes
    heights = np.array([box.bottom - box.top for box in boxes])
    assert heights.mean() == pytest.approx(height_px + pen_px, rel=0.1)
    assert heights.min() > 0.8 * height_px
    assert heights.max() < 1.3 * height_px


@pytest.mark.parametrize("pen_px", [2.0, 5.0, 9.0])
def test_the_stroke_is_as_wide_as_the_pen(
    pen_px: float, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(SHAPES, 1, SHAPES[1][:1])
    ink = write("1", rng, height_px=100, pen_px=pen_px).ink
    assert ink.sum() / 255 == pytest.approx(pen_px * 100, rel=0.2)


@pytest.mark.parametrize(("digit", "shape"), VARIANTS)
def test_every_shape_draws_in_one_piece_and_is_read_as_its_digit(
    digit: int, shape: int, reader: Reader, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(drawn_digits.SHAPES, digit, [SHAPES[digit][shape]])
    labels = []
    for seed in range(9):
        writing = write(str(digit), np.random.default_rng(seed))
        assert ndimage.label(writing.ink > 63, np.ones((3, 3)))[1] == 1
        labels.append(reader.read_digit(writing.ink).label)
    assert Counter(labels).most_common(1)[0][0] == digit


def test_there_is_a_shape_for_every_digit():
    assert sorted(SHAPES) == list(range(10))
    assert all(SHAPES.values())


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize(
    ("paper_rgb", "ink_rgb"),
    [
        pytest.param((246, 244, 238), (35, 40, 90), id="ink on paper"),
        pytest.param((30, 45, 35), (235, 235, 225), id="chalk on a board"),
    ],
)
def test_the_ink_stands_out_from_the_paper_around_it(
    paper: str,
    paper_rgb: tuple[int, int, int],
    ink_rgb: tuple[int, int, int],
    rng: np.random.Generator,
):
    writing = write("40713", rng)
    before = writing.ink.copy()
    picture = put_on_paper(writing.ink, rng, paper=paper, paper_rgb=paper_rgb, ink_rgb=ink_rgb)
    assert picture.shape == (*writing.ink.shape, 3)
    assert picture.dtype == np.uint8
    assert np.array_equal(writing.ink, before)
    sign = 1 if sum(ink_rgb) > sum(paper_rgb) else -1
    grey = picture.mean(axis=2)
    for box in writing.boxes:
        area = np.s_[box.top : box.bottom, box.left : box.right]
        ink, around = writing.ink[area] == 255, writing.ink[area] == 0
        assert sign * (grey[area][ink].mean() - grey[area][around].mean()) > 40


def blank(paper: str, seed: int = 0) -> np.ndarray:
    return put_on_paper(np.zeros((100, 200), np.uint8), np.random.default_rng(seed), paper=paper)


def test_each_paper_is_another_one_and_the_seed_decides_it():
    pictures = {paper: blank(paper) for paper in PAPERS}
    assert len({picture.tobytes() for picture in pictures.values()}) == len(PAPERS)
    for paper, picture in pictures.items():
        assert np.array_equal(picture, blank(paper))
        assert not np.array_equal(picture, blank(paper, seed=1))


def test_plain_paper_and_solid_ink_have_the_colours_asked_for(rng: np.random.Generator):
    ink = np.zeros((100, 200), np.uint8)
    ink[:, 100:] = 255
    picture = put_on_paper(ink, rng, paper_rgb=(200, 180, 160), ink_rgb=(20, 60, 110))
    assert picture[:, :100].mean((0, 1)) == pytest.approx([200, 180, 160], abs=1)
    assert picture[:, 100:].mean((0, 1)) == pytest.approx([20, 60, 110], abs=1)


def test_half_covered_pixels_have_the_colour_between(rng: np.random.Generator):
    ink = np.full((100, 200), 51, np.uint8)
    picture = put_on_paper(ink, rng, paper_rgb=(200, 200, 200), ink_rgb=(100, 50, 150))
    assert picture.mean((0, 1)) == pytest.approx([180, 170, 190], abs=1)


def test_a_gradient_and_a_shadow_take_light_away():
    plain = blank("plain").mean(axis=2)
    gradient, shadow = blank("gradient").mean(axis=2), blank("shadow").mean(axis=2)
    assert gradient[:20, :20].mean() > gradient[:20, -20:].mean() > 0.4 * plain.mean()
    assert shadow[:20, :20].mean() < 0.7 * shadow[:20, -20:].mean()
    assert shadow[:20, -20:].mean() == pytest.approx(plain.mean(), rel=0.03)


def test_ruled_paper_has_lines_across_and_grid_paper_both_ways():
    ruled, grid = blank("ruled").mean(axis=2), blank("grid").mean(axis=2)
    dark_rows = ruled.mean(axis=1) < 210
    assert 2 <= dark_rows.sum() <= 10
    assert np.ptp(ruled.mean(axis=0)) < 10
    assert np.ptp(grid.mean(axis=0)) > 30
    assert np.ptp(grid.mean(axis=1)) > 30


def test_glyphs_are_made_as_mnists_are(rng: np.random.Generator):
    drawn = draw_glyphs(60, rng)
    assert drawn.images.shape == (60, 28, 28)
    assert drawn.images.dtype == drawn.labels.dtype == np.uint8
    assert drawn.labels.tolist() == list(range(10)) * 6
    for image in drawn.images:
        assert ndimage.center_of_mass(image) == pytest.approx((13.5, 13.5), abs=1.0)
        rows, columns = ndimage.find_objects((image > 127).astype(int))[0]
        assert max(rows.stop - rows.start, columns.stop - columns.start) <= 20


def test_glyphs_are_those_of_the_seed_and_no_two_alike():
    first, again, other = (
        draw_glyphs(40, np.random.default_rng(seed)).images for seed in (3, 3, 4)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len(np.unique(first, axis=0)) == 40


def test_most_glyphs_are_read_as_their_labels(reader: Reader, rng: np.random.Generator):
    drawn = draw_glyphs(400, rng)
    assert (reader.classify(drawn.images).argmax(axis=1) == drawn.labels).mean() > 0.95


def test_a_writing_is_frozen(rng: np.random.Generator):
    with pytest.raises(dataclasses.FrozenInstanceError):
        write("1", rng).text = "2"
