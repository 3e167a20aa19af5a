"""The reader as forms need it: the digit of each cell, and what a free box may say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from inkread.decoding.constraints import Constraint
from inkread.forms.candidates import Candidate, of_cells
from inkread.imaging import normalize, segmentation
from inkread.imaging.ink import Ink
from inkread.reader import Reader

__all__ = ["Digits", "FieldReader", "Reading", "of_reader", "pieces"]

_COUNT = 20  # candidates of a free box
_COUNT_CONSTRAINED = 5


@dataclass(frozen=True)
class Digits:
    """The digits of N cells.

    Attributes:
        probabilities: (N, 10), of 0 to 9 if it is a digit; each row adds up to 1.
        is_digit: (N,) bool; false where it is taken for something else.
    """

    probabilities: npt.NDArray[np.float32]
    is_digit: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Reading:
    """What a free box may say.

    Attributes:
        candidates: the most probable first; none if there is nothing like a number.
        is_number: false where some of it is taken for no digit.
    """

    candidates: tuple[Candidate, ...]
    is_number: bool


class FieldReader(Protocol):
    """What reads the fields of forms."""

    @property
    def name(self) -> str:
        """The models' names."""
        ...

    def digits(self, inks: Sequence[npt.NDArray[np.uint8]]) -> Digits:
        """Read cells with a digit each.

        Args:
            inks: (H, W) uint8 each, ink 255 on paper 0; some ink in each.
        """
        ...

    def number(self, grey: npt.NDArray[np.uint8], constraint: Constraint) -> Reading:
        """Read a box with a number.

        Args:
            grey: (H, W) uint8, dark ink on white, without lines, cut to the writing.
            constraint: what the number has to satisfy; candidates that don't are listed too.
        """
        ...


def pieces(grey: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """Cut a number up as if no two of its digits touched.

    Args:
        grey: as ``FieldReader.number`` takes it.

    Returns:
        (h, w) uint8 each, ink 255 on paper 0, from left to right.
    """
    regions = segmentation.find_single_line(Ink(cv2.bitwise_not(grey), grey, 1.0))
    return [region.ink for region in regions]


def of_reader(reader: Reader) -> FieldReader:
    """Return a field reader that reads with a reader's models."""
    return _OfReader(reader)


class _OfReader:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def name(self) -> str:
        return f"{self._reader.model.name}, {self._reader.line_model.name}"

    def digits(self, inks: Sequence[npt.NDArray[np.uint8]]) -> Digits:
        model = self._reader.model
        shape = model.shape
        if not inks:
            return Digits(np.empty((0, 10), np.float32), np.empty(0, bool))
        found = model.classify(np.stack([normalize.make_glyph(ink, shape) for ink in inks]))
        return Digits(found.probabilities, ~model.rejects(found.junk))

    def number(self, grey: npt.NDArray[np.uint8], constraint: Constraint) -> Reading:
        numbers = self._reader.candidates(grey, count=_COUNT)
        if numbers[0].rejected or not constraint.accepts(numbers[0].text):
            numbers += self._reader.candidates(
                grey,
                length=constraint.length,
                pattern=constraint.pattern,
                check=constraint.check,
                count=_COUNT_CONSTRAINED,
            )
        texts = {each.text: each.confidence for each in numbers if each.text.isdecimal()}
        cut = self._cut_up(grey)
        # Two ways to read, each as good as the other: where they agree the mean is high, and where
        # they don't neither is believed on its own word.
        mean = {text: (texts.get(text, 0.0) + cut.get(text, 0.0)) / 2 for text in {**texts, **cut}}
        ranked = sorted(mean, key=lambda text: -mean[text])
        is_number = bool(cut) or not numbers[0].rejected
        return Reading(tuple(Candidate(text, mean[text]) for text in ranked), is_number)

    def _cut_up(self, grey: npt.NDArray[np.uint8]) -> dict[str, float]:
        """Read a box by its pieces."""
        inks = pieces(grey)
        digits = self.digits(inks)
        if not inks or not digits.is_digit.all():
            return {}
        return {each.text: each.probability for each in of_cells(digits.probabilities, _COUNT)}
