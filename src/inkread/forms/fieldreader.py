"""The reader as forms need it: the digit of each cell, and what a free box may say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from inkread import normalize
from inkread.forms.candidates import Candidate, of_cells
from inkread.reader import Reader

__all__ = ["Digits", "FieldReader", "Reading", "of_reader"]

_COUNT = 20  # candidates of a free box


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
        """The model's name."""
        ...

    def digits(self, inks: Sequence[npt.NDArray[np.uint8]]) -> Digits:
        """Read cells with a digit each.

        Args:
            inks: (H, W) uint8 each, ink 255 on paper 0; some ink in each.
        """
        ...

    def number(self, grey: npt.NDArray[np.uint8]) -> Reading:
        """Read a box with a number.

        Args:
            grey: (H, W) uint8, dark ink on white, without lines.
        """
        ...


def of_reader(reader: Reader) -> FieldReader:
    """Return a field reader that reads with a reader's models."""
    return _OfReader(reader)


class _OfReader:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def name(self) -> str:
        return self._reader.model.name

    def digits(self, inks: Sequence[npt.NDArray[np.uint8]]) -> Digits:
        model = self._reader.model
        shape = model.metadata.shape
        if not inks:
            return Digits(np.empty((0, 10), np.float32), np.empty(0, bool))
        found = model.classify(np.stack([normalize.glyph(ink, shape) for ink in inks]))
        threshold = model.metadata.junk_threshold
        return Digits(found.probabilities, found.junk <= (1.0 if threshold is None else threshold))

    def number(self, grey: npt.NDArray[np.uint8]) -> Reading:
        number = self._reader.read_number(grey)
        if not number.digits:
            return Reading((), is_number=False)
        probabilities = np.array([digit.probabilities for digit in number.digits])
        return Reading(of_cells(probabilities, _COUNT), not number.rejected)
