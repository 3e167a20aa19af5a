"""Printed texts: numbers, words and labels in many fonts."""

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from inkread.training.synthesis.fonts import find_fonts
from inkread.training.synthesis.number_texts import JUNK

__all__ = ["print_text"]

Floats = npt.NDArray[np.float32]

_CLEAR = "ACDEFHKMNPRTUVWXYacdefhkmnprtuvwxy%&#@$€"  # no digits in any font
_PX = 64  # the size at which fonts are drawn, then scaled
_DIGIT_HEIGHT = 0.72  # of a font's size, about


@cache
def _font(path: Path) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), _PX)


def print_text(text: str, rng: np.random.Generator, height_px: float) -> Floats:
    """Print a text in some font.

    Args:
        text: digits, separators, spaces, and ``?`` for any letter or symbol.
        rng: decides the font, the letters, and how far apart and how wide they are.
        height_px: of the digits.

    Returns:
        (H, W) float32 in [0, 1]; paper as high as a digit if the text is empty.
    """
    if not text.strip():
        return np.zeros((round(height_px), round(4 * height_px)), np.float32)
    fonts = find_fonts()
    font = _font(fonts[rng.integers(len(fonts))])
    letters = [
        _CLEAR[rng.integers(len(_CLEAR))] if character == JUNK else character for character in text
    ]
    spacing = rng.choice([0.0, rng.uniform(0.0, 0.5)], p=[0.6, 0.4]) * _PX
    places = np.cumsum([0.0, *(font.getlength(letter) + spacing for letter in letters)])
    picture = Image.new("L", (round(places[-1]) + _PX, 2 * _PX))
    draw = ImageDraw.Draw(picture)
    for letter, place in zip(letters, places, strict=False):
        draw.text((place + _PX / 4, 1.4 * _PX), letter, fill=255, font=font, anchor="ls")
    box = picture.getbbox()
    if box is None:
        return np.zeros((round(height_px), round(4 * height_px)), np.float32)
    cut = picture.crop(box)
    scale = height_px / (_DIGIT_HEIGHT * _PX)
    stretch = float(np.exp(rng.normal(0.0, 0.08)))
    size = (max(2, round(cut.width * scale * stretch)), max(2, round(cut.height * scale)))
    return np.asarray(cut.resize(size, Image.Resampling.BOX), np.float32) / np.float32(255)
