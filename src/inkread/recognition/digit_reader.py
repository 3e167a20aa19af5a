"""Reads a single digit: with the glyph model, and if that doubts with the line model as well."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inkread.imaging import crops
from inkread.imaging.ink import Ink
from inkread.imaging.segmentation import Region
from inkread.models.runtime import Model
from inkread.recognition import fusion
from inkread.recognition.glyph_reader import GlyphReader
from inkread.recognition.line_reader import LineReader
from inkread.results import Digit

__all__ = ["DigitReader", "LocatedDigit"]

_MIN_SURE_CONFIDENCE = 0.95  # a digit less confident is read by the line model as well
_NUM_CANDIDATES = 6  # readings of the line model that are averaged with the glyph model's


@dataclass(frozen=True)
class LocatedDigit:
    """A digit of a picture with its ink.

    Attributes:
        digit: as it is read on the picture.
        ink: (H, W) uint8, ink 255 on paper 0, the right way up: this digit's alone.
    """

    digit: Digit
    ink: npt.NDArray[np.uint8]


class DigitReader:
    """Reads single digits."""

    def __init__(self, model: Model, lines: LineReader, min_confidence: float) -> None:
        """Take the models.

        Args:
            model: the glyph model.
            lines: reads numbers with the line model.
            min_confidence: digits less confident than this are rejected, in [0, 1].
        """
        self._model, self._lines, self._min_confidence = model, lines, min_confidence
        self._glyphs = GlyphReader(model, min_confidence)

    def read(self, region: Region, found: Ink) -> Digit:
        """Read the digit in a region of a page's ink."""
        (digit,) = self._glyphs.read([region])
        if digit.confidence >= _MIN_SURE_CONFIDENCE or self._model.rejects(digit.junk):
            return digit
        # The line model was trained on more handwriting than MNIST's, and knows other hands.
        crop = crops.crop_around([region.box], found.page)
        numbers = self._lines.candidates(crop, None, _NUM_CANDIDATES)
        return fusion.average_digit(digit, numbers, self._min_confidence)
