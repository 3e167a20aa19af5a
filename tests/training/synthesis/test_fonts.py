from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.ft2font import FT2Font

from inkread.training.synthesis.fonts import CANVAS_PX, FONTS, print_character, thin_character

LOOKALIKES = "0123456789OoIil|!/>ZzSsBbgqQ"


@pytest.mark.parametrize(("font", "characters"), sorted(set(FONTS)))
def test_every_font_has_its_characters(font, characters):
    file = Path(mpl.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    known = FT2Font(str(file)).get_charmap()

    assert [character for character in characters if ord(character) not in known] == []


def test_no_lookalike_of_a_digit_is_among_the_letters():
    taken = {character for _, characters in FONTS for character in characters}

    assert not set(LOOKALIKES) & taken


def test_a_letter_is_printed_in_the_middle():
    ink = print_character("DejaVuSans", "H")

    assert ink.shape == (CANVAS_PX, CANVAS_PX)
    assert ink.dtype == np.uint8
    left, top, width, height = cv2.boundingRect(ink)
    assert left + width / 2 == pytest.approx(CANVAS_PX / 2, abs=3)
    assert top + height / 2 == pytest.approx(CANVAS_PX / 2, abs=12)
    assert height > CANVAS_PX / 3


@pytest.mark.parametrize("character", "ACHTVdmx")
def test_a_middle_line_is_thin_whole_and_inside_the_letter(character):
    letter = print_character("DejaVuSans-Bold", character)
    line = thin_character("DejaVuSans-Bold", character)

    assert set(np.unique(line)) == {0, 255}
    assert letter[line > 0].min() > 127
    # As many pieces as the letter, and hardly anywhere two pixels wide both ways.
    assert (
        cv2.connectedComponents(line)[0] == cv2.connectedComponents((letter > 127).astype("u1"))[0]
    )
    blocks = cv2.erode(line, np.ones((2, 2), np.uint8)) > 0
    assert blocks.sum() < 0.05 * (line > 0).sum()
    # The letter grows out of it again: none of its ink is far from the line.
    far = cv2.distanceTransform((line == 0).astype(np.uint8), cv2.DIST_L2, 5)
    assert far[letter > 127].max() < 10


def test_pictures_handed_out_can_not_be_spoiled():
    with pytest.raises(ValueError, match="read-only"):
        thin_character("DejaVuSans", "A")[:] = 255
