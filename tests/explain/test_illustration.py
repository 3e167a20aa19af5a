import numpy as np
import pytest
from PIL import Image

from inkread.errors import ConfigError
from inkread.explain.illustration import draw_explanation, save_explanation
from inkread.explain.occlusion import Explanation
from inkread.results import Box, Digit

PIXEL, SIDE, GAP, LINE = 9, 252, 16, 24
INKED, EMPTY = (14, 14), (14, 4)
BOX = Box(30, 20, 50, 60)


def explanation(ink=0.0, paper=0.0, box=BOX):
    """Of a stroke, with evidence at one pixel of its ink and at one of the paper."""
    glyph, of_ink, of_paper = np.zeros((28, 28), np.uint8), *np.zeros((2, 28, 28), np.float32)
    glyph[4:24, 13:16] = 255
    of_ink[INKED], of_paper[EMPTY] = ink, paper
    probabilities = (0.0, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0.0, 0.0)
    return Explanation(Digit(1, 0.9, box, probabilities), 7, glyph, of_ink, of_paper)


def panels(found, pixels=None):
    """The four panels, (252, 252, 3) each, from left to right."""
    pixels = np.full((80, 80), 255, np.uint8) if pixels is None else pixels
    picture = np.asarray(draw_explanation(pixels, found))
    top = GAP + LINE
    lefts = [GAP + index * (SIDE + GAP) for index in range(4)]
    return [picture[top : top + SIDE, left : left + SIDE] for left in lefts]


def at(panel, place):
    """The pixels of a panel that show one pixel of the glyph."""
    row, column = place
    return panel[row * PIXEL : (row + 1) * PIXEL, column * PIXEL : (column + 1) * PIXEL]


def is_coloured(pixels):
    return np.ptp(pixels.astype(int), axis=-1) > 40


@pytest.mark.parametrize("size", [(80, 80), (3, 400), (900, 60)])
def test_every_picture_makes_an_illustration_of_the_same_width(size):
    found = explanation(1.0, box=Box(0, 0, size[1], size[0]))
    picture = draw_explanation(np.full(size, 200, np.uint8), found)

    assert picture.mode == "RGB"
    assert picture.width == 4 * SIDE + 5 * GAP
    assert picture.height > SIDE + 2 * GAP + 2 * LINE


def test_the_first_panel_is_the_digit_cut_out_in_its_colours():
    pixels = np.full((80, 80, 3), (250, 250, 0), np.uint8)
    pixels[20:60, 30:50] = (0, 0, 200)
    panel, *_ = panels(explanation(1.0), pixels)

    assert tuple(panel[SIDE // 2, SIDE // 2]) == (0, 0, 200)
    assert tuple(panel[4, SIDE // 2]) == (250, 250, 0)


def test_the_second_panel_is_the_glyph_dark_on_light():
    found = explanation(1.0)
    _, panel, *_ = panels(found)

    np.testing.assert_array_equal(panel[4::PIXEL, 4::PIXEL, 0], 255 - found.glyph)


def test_ink_is_a_disc_and_paper_a_ring():
    *_, panel, _ = panels(explanation(ink=1.0, paper=1.0))

    assert is_coloured(at(panel, INKED)[4, 4])
    assert not is_coloured(at(panel, EMPTY)[4, 4])
    assert is_coloured(at(panel, EMPTY)).sum() >= 12


def test_the_marks_stand_below_the_label_that_they_speak_for():
    *_, for_one, for_seven = panels(explanation(ink=1.0, paper=-1.0))

    assert is_coloured(at(for_one, INKED)).any()
    assert not is_coloured(at(for_one, EMPTY)).any()
    assert is_coloured(at(for_seven, EMPTY)).any()
    assert not is_coloured(at(for_seven, INKED)).any()


def test_the_stronger_mark_is_the_larger_on_a_scale_for_both_labels():
    *_, for_one, for_seven = panels(explanation(ink=-4.0, paper=1.0))
    _, ring_columns = np.nonzero(is_coloured(at(for_one, EMPTY)))
    _, disc_columns = np.nonzero(is_coloured(at(for_seven, INKED)))

    # A quarter of the evidence is a quarter of the area, half the diameter.
    assert np.ptp(disc_columns) + 1 == pytest.approx(PIXEL, abs=1)
    assert np.ptp(ring_columns) + 1 == pytest.approx(PIXEL / 2, abs=1)


def test_without_evidence_there_are_no_marks():
    *_, for_one, for_seven = panels(explanation())

    assert not is_coloured(for_one).any()
    assert not is_coloured(for_seven).any()


def test_it_is_saved_as_png(tmp_path):
    pixels = np.full((80, 80), 255, np.uint8)
    save_explanation(pixels, explanation(1.0), tmp_path / "new" / "why.PNG")

    with Image.open(tmp_path / "new" / "why.PNG") as picture:
        assert picture.format == "PNG"


def test_another_format_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"expected a file ending in \.png, received .*why\.jpg"):
        save_explanation(np.full((80, 80), 255, np.uint8), explanation(1.0), tmp_path / "why.jpg")
    assert list(tmp_path.iterdir()) == []
