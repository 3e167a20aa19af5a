"""Adapts a ``Reader`` to forms: it reads one digit per cell, and numbers in boxes without cells.

What the digit model isn't sure of, the number model looks at as well. They are trained apart, so
that where both agree, the answer is surer than either: their log-probabilities are added, with
powers that were fitted on synthetic forms (`tools/fit_form_confidence.py`).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from inkread.decoding.constraints import Constraint
from inkread.decoding.decoder import Scores
from inkread.forms.candidates import Candidate, rank_cell_texts
from inkread.imaging import normalize, segmentation
from inkread.imaging.ink import Ink
from inkread.imaging.resize import resize_by
from inkread.reader import Reader
from inkread.results import REJECTED

__all__ = [
    "BoxReading", "CellDigits", "FieldReader", "crop_to_writing", "make_field_reader", "multiply",
    "split_digits", "split_numbers",
]  # fmt: skip

_MIN_INK = 63  # grey level
_MIN_GAP_RATIO = 1.5  # of the gaps between numbers to those between their digits
_SURE = 0.999  # probability from which on a cell's digit needs no second look
_GLYPH_POWER, _LINE_POWER = 0.8, 0.5  # of the models' probabilities in their product
_MIN_GLYPH_PROBABILITY, _MIN_LINE_PROBABILITY = 1e-6, 1e-3  # neither model excludes anything
_MAX_WRITING_HEIGHT_PX = 100  # higher writing is shrunk to it
_MARGIN_HEIGHTS = 0.2  # white around the writing of a box, in heights of the writing
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


def crop_to_writing(ink: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Crop a box to its writing, with a margin, and invert it.

    Args:
        ink: (H, W) uint8, ink 255 on paper 0; not empty.

    Returns:
        (h, w) uint8, dark ink on white 255.
    """
    x, y, width, height = cv2.boundingRect((ink > _MIN_INK).astype(np.uint8))
    margin = round(_MARGIN_HEIGHTS * min(height, _MAX_WRITING_HEIGHT_PX))
    cut = resize_by(ink[y : y + height, x : x + width], min(1.0, _MAX_WRITING_HEIGHT_PX / height))
    return np.asarray(cv2.bitwise_not(np.pad(cut, margin)))


def multiply(
    glyph: npt.NDArray[np.floating],
    line: npt.NDArray[np.floating],
    powers: tuple[float, float] = (_GLYPH_POWER, _LINE_POWER),
) -> npt.NDArray[np.float64]:
    """Combine the probabilities that both models give to the same texts.

    Args:
        glyph: (..., N), of the digit model.
        line: (..., N), of the number model.
        powers: of the two.

    Returns:
        (..., N); each row adds up to 1.
    """
    product = np.maximum(glyph, _MIN_GLYPH_PROBABILITY).astype(np.float64) ** powers[0]
    product *= (line + _MIN_LINE_PROBABILITY) ** powers[1]
    return np.asarray(product / product.sum(axis=-1, keepdims=True))


def split_numbers(ink: npt.NDArray[np.uint8], count: int) -> list[npt.NDArray[np.uint8]]:
    """Split the writing in a box into several numbers, at its widest gaps.

    Args:
        ink: (H, W) uint8, ink 255 on paper 0; not empty.
        count: how many numbers, side by side.

    Returns:
        Each (H, W) uint8, as ``ink``, from left to right; none if it isn't clear which gaps are
        those between numbers.
    """
    columns = np.flatnonzero((ink > _MIN_INK).any(axis=0))
    gaps = np.diff(columns)
    widest = np.sort(np.argsort(-gaps, kind="stable")[: count - 1])
    others = np.delete(gaps, widest)
    if len(widest) < count - 1 or gaps[widest].min() < _MIN_GAP_RATIO * others.max(initial=1):
        return []
    bounds = [0, *((columns[widest] + columns[widest + 1]) // 2).tolist(), ink.shape[1]]
    shown = np.arange(ink.shape[1])
    return [
        np.where((shown >= left) & (shown < right), ink, np.uint8(0))
        for left, right in itertools.pairwise(bounds)
    ]


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
        probabilities = np.array(found.probabilities)
        (doubtful,) = np.nonzero(probabilities.max(axis=1) < _SURE)
        if doubtful.size:
            by_lines = self.read_as_lines([inks[index] for index in doubtful.tolist()])
            probabilities[doubtful] = multiply(probabilities[doubtful], by_lines)
        return CellDigits(probabilities, ~model.rejects(found.junk), found.junk)

    def read_as_lines(self, inks: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float64]:
        """Return what the number model takes cells for: (N, 10), of 0 to 9, at most 1 a row."""
        model = self._reader.line_model
        strips = [normalize.make_strip(crop_to_writing(ink), model.shape).pixels for ink in inks]
        scores = [Scores(each, model.symbols) for each in model.predict_log_probabilities(strips)]
        chances = [[each.compute_log_probability(str(d)) for d in range(10)] for each in scores]
        return np.asarray(np.exp(chances), np.float64)

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
        both = sorted({**texts, **cut})
        by_line, by_glyph = ([each.get(text, 0.0) for text in both] for each in (texts, cut))
        if texts and cut:
            chances = multiply(np.array(by_glyph), np.array(by_line)).tolist()
        else:  # where one of the models can't say, the other alone is never sure
            chances = [(one + other) / 2 for one, other in zip(by_line, by_glyph, strict=True)]
        ranked = sorted(zip(both, chances, strict=True), key=lambda each: -each[1])
        is_number = bool(cut) or not numbers[0].rejected
        return BoxReading(tuple(Candidate(*each) for each in ranked), is_number)

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
