"""Reads a single digit: with the glyph model, and if that doubts with the line model as well.

The glyph model takes several digits for one; where the ink may be several, the line model is asked.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from inkread.imaging import crops, segmentation
from inkread.imaging.ink import Ink
from inkread.imaging.segmentation import Region
from inkread.models.runtime import Model
from inkread.recognition import fusion
from inkread.recognition.glyph_reader import GlyphReader
from inkread.recognition.line_reader import LineReader
from inkread.results import Box, Digit

__all__ = ["DigitReader", "LocatedDigit"]

_MIN_SURE_CONFIDENCE = 0.95  # a digit less confident is read by the line model as well
_NUM_CANDIDATES = 6  # readings of the line model that are averaged with the glyph model's
_MIN_SEVERAL_PROBABILITY = 0.5  # from which ink is several digits, which is no digit
_MIN_NEIGHBOUR_HEIGHT = 0.6  # of other writing to a digit's, from which it may be one, too
_MIN_WIDTH_RATIO = 1.3  # of ink to its height, from which it may be several digits


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

    def read(self, region: Region, found: Ink, *, is_alone: bool = False) -> Digit:
        """Read the digit in a region of a page's ink.

        Args:
            region: of the digit.
            found: the page's ink.
            is_alone: whether nothing else should be written on the page: several digits are none.
        """
        (digit,) = self._glyphs.read([region])
        if self._model.rejects(digit.junk):
            return digit
        boxes = _find_neighbours(region, found) if is_alone else []
        left, top, right, bottom = region.box
        may_be_several = len(boxes) > 1 or right - left > _MIN_WIDTH_RATIO * (bottom - top)
        if digit.confidence >= _MIN_SURE_CONFIDENCE and not may_be_several:
            return digit
        # The line model was trained on more handwriting than MNIST's, and knows other hands.
        crop = crops.crop_around(boxes or [region.box], found.page)
        numbers = self._lines.candidates(crop, None, _NUM_CANDIDATES)
        several = sum(each.confidence for each in numbers if len(each.digits) > 1)
        if may_be_several and several > _MIN_SEVERAL_PROBABILITY:
            confidence = max(digit.probabilities) * (1 - several)
            return replace(digit, confidence=confidence, rejected=True, junk=several)
        if digit.confidence >= _MIN_SURE_CONFIDENCE:
            return digit
        return fusion.average_digit(digit, numbers, self._min_confidence)


def _find_neighbours(region: Region, found: Ink) -> list[Box]:
    """Return the boxes of the writing in a region's row that is as high as it: with its own."""
    _, top, _, bottom = region.box
    least = _MIN_NEIGHBOUR_HEIGHT * (bottom - top)
    height, width = found.page.shape
    pieces = [piece.box for line in segmentation.find_lines(found) for run in line for piece in run]
    return [
        box
        for box in pieces
        if min(box.bottom, bottom) - max(box.top, top) >= least
        # What the edge cuts off is no digit of this picture.
        and box.left > 0
        and box.top > 0
        and box.right < width
        and box.bottom < height
    ]
