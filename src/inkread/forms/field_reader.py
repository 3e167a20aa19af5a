"""Adapts a ``Reader`` to forms: it reads one digit per cell, and numbers in boxes without cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from inkread.decoding.constraints import Constraint
from inkread.forms.candidates import Candidate, rank_cell_texts
from inkread.imaging import normalize, segmentation
from inkread.imaging.ink import Ink
from inkread.reader import Reader
from inkread.results import REJECTED

__all__ = ["BoxReading", "CellDigits", "FieldReader", "make_field_reader", "split_digits"]

_NUM_CANDIDATES = 20  # of a number in a box without cells
_NUM_CONSTRAINED_CANDIDATES = 5  # further ones, under the field's constraint


@dataclass(frozen=True)
class CellDigits:
    """The digits of N cells.

    Attributes:
        probabilities: (N, 10) float32, of 0 to 9 given that it is a digit; each row adds up to 1.
        is_digit: (N,) bool; false where the model takes it for something else.
        junk: (N,) float32, the probability that it is no digit.
    """

    probabilities: npt.NDArray[np.float32]
    is_digit: npt.NDArray[np.bool_]
    junk: npt.NDArray[np.float32]


@dataclass(frozen=True)
class BoxReading:
    """What may be written in a box without cells.

    Attributes:
        candidates: the most probable first; none if nothing in the box resembles a number.
        is_number: false where some of the writing is taken for something else than a digit.
    """

    candidates: tuple[Candidate, ...]
    is_number: bool


class FieldReader(Protocol):
    """Reads the writing in the fields of forms."""

    @property
    def name(self) -> str:
        """The names of the models."""
        ...

    def read_digits(self, inks: Sequence[npt.NDArray[np.uint8]]) -> CellDigits:
        """Classify cells with one digit each.

        Args:
            inks: (H, W) uint8 each, ink 255 on paper 0; none of them empty.
        """
        ...

    def read_number(self, grey: npt.NDArray[np.uint8], constraint: Constraint) -> BoxReading:
        """Read a number in a box without cells.

        Args:
            grey: (H, W) uint8, dark ink on white 255, without printed lines, cropped to the
                writing.
            constraint: of the field; candidates that don't satisfy it are listed too.
        """
        ...


def split_digits(grey: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """Segment a number into digits, on the assumption that no two of them touch.

    Args:
        grey: as ``FieldReader.read_number`` takes it.

    Returns:
        The digits from left to right, (h, w) uint8 each, ink 255 on paper 0.
    """
    regions = segmentation.find_single_line(Ink(cv2.bitwise_not(grey), grey, 1.0))
    return [region.ink for region in regions]


def make_field_reader(reader: Reader) -> FieldReader:
    """Return a field reader that uses the models of a reader."""
    return _ReaderAdapter(reader)


class _ReaderAdapter:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def name(self) -> str:
        return f"{self._reader.model.name}, {self._reader.line_model.name}"

    def read_digits(self, inks: Sequence[npt.NDArray[np.uint8]]) -> CellDigits:
        model = self._reader.model
        shape = model.shape
        if not inks:
            return CellDigits(
                np.empty((0, 10), np.float32), np.empty(0, bool), np.empty(0, np.float32)
            )
        found = model.classify(np.stack([normalize.make_glyph(ink, shape) for ink in inks]))
        return CellDigits(found.probabilities, ~model.rejects(found.junk), found.junk)

    def read_number(self, grey: npt.NDArray[np.uint8], constraint: Constraint) -> BoxReading:
        if constraint.names_separators:
            return self._read_separated(grey, constraint)
        numbers = self._reader.candidates(grey, count=_NUM_CANDIDATES)
        if numbers[0].rejected or not constraint.accepts(numbers[0].text):
            numbers += self._reader.candidates(
                grey,
                length=constraint.length,
                pattern=constraint.pattern,
                check=constraint.check,
                count=_NUM_CONSTRAINED_CANDIDATES,
            )
        texts = {each.text: each.confidence for each in numbers if each.text.isdecimal()}
        cut = self._read_pieces(grey)
        # The line model and the glyph model on segmented digits: the mean of their probabilities
        # is high only where they agree.
        mean = {text: (texts.get(text, 0.0) + cut.get(text, 0.0)) / 2 for text in {**texts, **cut}}
        ranked = sorted(mean, key=lambda text: -mean[text])
        is_number = bool(cut) or not numbers[0].rejected
        return BoxReading(tuple(Candidate(text, mean[text]) for text in ranked), is_number)

    def _read_separated(self, grey: npt.NDArray[np.uint8], constraint: Constraint) -> BoxReading:
        """Read a number whose separators matter: of each value, the way it is written."""
        numbers = self._reader.candidates(
            grey,
            length=constraint.length,
            pattern=constraint.pattern,
            check=constraint.check,
            notation=constraint.notation,
            count=_NUM_CANDIDATES,
        )
        candidates = tuple(Candidate(each.raw, each.confidence) for each in numbers if each.digits)
        plain = numbers[0].unconstrained
        return BoxReading(candidates, plain is None or REJECTED not in plain)

    def _read_pieces(self, grey: npt.NDArray[np.uint8]) -> dict[str, float]:
        """Return the probabilities of texts by segmenting the digits; empty if one is no digit."""
        inks = split_digits(grey)
        digits = self.read_digits(inks)
        if not inks or not digits.is_digit.all():
            return {}
        return {
            each.text: each.probability
            for each in rank_cell_texts(digits.probabilities, _NUM_CANDIDATES)
        }
