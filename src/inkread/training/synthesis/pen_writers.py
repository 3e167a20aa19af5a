"""Real writers for synthetic numbers: each has pen strokes of its own for the digits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from inkread.training.handwriting.pens import BOX, NUMBER_BOX, Pens, PenSample
from inkread.training.mnist import Split

__all__ = ["PenWriter", "PenWriters", "Redrawing", "redraw"]

Curve = npt.NDArray[np.float64]  # (N, 2): x, y, y down

_MIN_DIGITS = 5  # different ones that a session must have to count as a writer
_MIN_LETTERS = 5
_NUM_KEPT = 2  # samples of a digit that a writer uses: a person writes it in much the same way
_UNTOLD_SHARE = 0.35  # of the writers, those made of pendigits, whose writers are not told apart
_SCANNED_SHARE = 0.12  # of all writers, those of scanned digits, if there are any
_STEP = 1 / 32  # between two points of a redrawn stroke, as a share of the sample's height
# What may stand in a whole number: nothing that looks like a digit and is none.
_CLEAR = frozenset("0123456789.,-/=: $%@+#FHKMNRWXfkmwx")


@dataclass(frozen=True)
class PenWriter:
    """One writer.

    Attributes:
        digits: for each digit the samples that this writer uses; empty: there is no sample of it.
        letters: letters and symbols that look like no digit, of one writer, maybe another.
    """

    digits: tuple[tuple[PenSample, ...], ...]
    letters: tuple[PenSample, ...]


@dataclass(frozen=True)
class Redrawing:
    """How far redrawn strokes are from those of the sample; shares are of its height.

    Attributes:
        rounding: standard deviation of the smoothing along a stroke: fast writing rounds corners.
        bend: size of a smooth displacement of the whole sample.
        stretch: factor of the width.
    """

    rounding: float = 0.0
    bend: float = 0.0
    stretch: float = 1.0


class PenWriters:
    """Real writers, to draw some from at random: of pen strokes, and of scanned digits.

    Attributes:
        share: probability that a synthetic number is written by one of them.
    """

    def __init__(self, pens: Pens, share: float, scanned: Sequence[Split] = ()) -> None:
        """Group the samples by writer.

        Args:
            pens: the strokes of many writers.
            share: probability that a synthetic number is written by one of them, in [0, 1].
            scanned: for each writer of scans, the digits as glyphs.
        """
        self.share = share
        self._scanned = scanned
        self._told = [
            digits
            for digits in map(_group_by_digit, _group_by_writer(pens.digits))
            if sum(bool(samples) for samples in digits) >= _MIN_DIGITS
        ]
        self._untold = _group_by_digit(pens.pendigits)
        letters = _group_by_writer(pens.letters)
        self._letters = [samples for samples in letters if len(samples) >= _MIN_LETTERS]
        # Single digits are written often enough: whole numbers show how digits stand together.
        self._numbers = [
            sample
            for sample in pens.numbers
            if len(sample.label) > 1 and not set(sample.label) - _CLEAR
        ]

    def draw(self, rng: np.random.Generator) -> PenWriter:
        """Draw a writer, each as likely as the others whatever the number of samples."""
        is_untold = any(self._untold) and (not self._told or rng.random() < _UNTOLD_SHARE)
        digits = self._untold if is_untold else self._told[rng.integers(len(self._told))]
        kept = tuple(
            tuple(samples[index] for index in rng.integers(0, len(samples), _NUM_KEPT))
            if samples
            else ()
            for samples in digits
        )
        letters = self._letters[rng.integers(len(self._letters))] if self._letters else []
        return PenWriter(kept, tuple(letters))

    def draw_scanned(self, rng: np.random.Generator) -> Split | None:
        """Draw a writer of scanned digits, who takes the place of MNIST's; mostly ``None``."""
        if not self._scanned or rng.random() >= _SCANNED_SHARE:
            return None
        return self._scanned[int(rng.integers(len(self._scanned)))]

    def draw_number(self, rng: np.random.Generator) -> PenSample | None:
        """Draw a whole number as it was written; ``None`` if there are none."""
        return self._numbers[rng.integers(len(self._numbers))] if self._numbers else None


def redraw(sample: PenSample, rng: np.random.Generator, how: Redrawing) -> list[Curve]:
    """Return a sample's strokes, redrawn a little differently.

    Args:
        sample: a single character or a whole number.
        rng: decides the bend.
        how: how far the result is from the sample.

    Returns:
        (N, 2) float64 each, in heights of the sample's box: y from 0 to about 1, down.
    """
    box = BOX if len(sample.label) == 1 and _longer_side(sample) > NUMBER_BOX else NUMBER_BOX
    curves = [_round(stroke.astype(np.float64) / box, how.rounding) for stroke in sample.strokes]
    waves = rng.normal(0.0, 3.0, (2, 2, 2))  # two of each axis: how fast they change along x and y
    phases = rng.uniform(0, 2 * np.pi, (2, 2))
    result = []
    for curve in curves:
        moves = np.sin(np.einsum("nk,awk->naw", curve, waves) + phases).sum(axis=2)
        result.append((curve + how.bend * moves) * [how.stretch, 1.0])
    return result


def _longer_side(sample: PenSample) -> float:
    return float(np.ptp(np.concatenate(sample.strokes), axis=0).max())


def _round(stroke: Curve, rounding: float) -> Curve:
    """Space a stroke's points evenly, and smooth it along its length; its ends stay."""
    lengths = np.hypot(*np.diff(stroke, axis=0).T) if len(stroke) > 1 else np.zeros(0)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    if along[-1] < _STEP:  # a dot
        return np.stack([stroke[0], stroke[-1] + [0.01, 0.0]])
    places = np.linspace(0, along[-1], max(2, round(along[-1] / _STEP)) + 1)
    even = np.stack([np.interp(places, along, axis) for axis in stroke.T], axis=1)
    if rounding:
        smoothed = gaussian_filter1d(even, rounding / _STEP, axis=0, mode="nearest")
        even[1:-1] = smoothed[1:-1]
    return even


def _group_by_writer(samples: Sequence[PenSample]) -> list[list[PenSample]]:
    found: dict[str, list[PenSample]] = {}
    for sample in samples:
        found.setdefault(sample.writer, []).append(sample)
    return list(found.values())


def _group_by_digit(samples: Sequence[PenSample]) -> list[list[PenSample]]:
    found: list[list[PenSample]] = [[] for _ in range(10)]
    for sample in samples:
        if sample.label in _DIGITS:
            found[_DIGITS[sample.label]].append(sample)
    return found


_DIGITS = {str(digit): digit for digit in range(10)}
