"""Glyphs of other people's handwriting: digits, and characters that are none.

Each writer counts as much as another of the same collection, however many samples there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inkread import ink, segment
from inkread.normalize import glyph
from inkread.training.junk import is_slim
from inkread.training.mnist import Split
from inkread.training.patches import draw_strokes
from inkread.training.pen_writers import Redrawing, redrawn
from inkread.training.pens import Pens, PenSample, Scans, load_foreign, load_pens, load_scans

__all__ = ["OtherHands"]

Ink = npt.NDArray[np.uint8]

_HEIGHT_PX = 60  # of digits drawn from strokes
_MARGIN_PX = 4
_WIDEST_PX, _FINEST_PX = 11.0, 2.5  # of the pens
# Of the digits: UNIPEN's, pendigits', scans. Of the characters that are none: UNIPEN's letters and
# symbols, other alphabets.
_DIGIT_SHARES = (0.5, 0.25, 0.25)
_PEN_LETTERS = 0.7
_SLIMMEST = 0.35  # what is upright and narrower than this share of its length is a 1


@dataclass(frozen=True)
class OtherHands:
    """Other people's handwriting to make glyphs of.

    Attributes:
        pens: pen strokes.
        scans: scanned digits.
        foreign: (N, 105, 105) uint8, ink 255 on paper 0: characters of other alphabets.
    """

    pens: Pens
    scans: Scans
    foreign: Ink

    @classmethod
    def load(cls, folder: Path | None = None, *, validation: bool = False) -> "OtherHands":
        """Load all of a folder; arguments and errors as for ``load_pens``."""
        return cls(
            load_pens(folder, validation=validation),
            load_scans(folder, validation=validation),
            load_foreign(folder, validation=validation),
        )

    def digits(self, count: int, rng: np.random.Generator) -> Split:
        """Draw digits with pens of many widths, or take them from scans.

        Args:
            count: how many.
            rng: decides which, and how strokes are redrawn.

        Returns:
            (count, 28, 28) uint8, ink 255 on paper 0, and their labels.
        """
        told, untold = _by_writer(self.pens.digits), [self.pens.pendigits]
        scanned = [np.flatnonzero(self.scans.writers == w) for w in np.unique(self.scans.writers)]
        shares = np.array(_DIGIT_SHARES) * [bool(told), bool(untold[0]), bool(scanned)]
        images: list[Ink] = []
        labels: list[int] = []
        while len(images) < count:
            source = rng.choice(3, p=shares / shares.sum())
            if source == 2:
                writer = scanned[rng.integers(len(scanned))]
                index = writer[rng.integers(len(writer))]
                image, label = _scanned(self.scans.images[index]), int(self.scans.labels[index])
            else:
                sample = _one_of((told, untold)[source], rng)
                image, label = _drawn(sample, rng), int(sample.label)
            if image is not None:
                images.append(image)
                labels.append(label)
        return Split(np.stack(images), np.array(labels, np.uint8))

    def no_digits(self, count: int, rng: np.random.Generator) -> Ink:
        """Draw letters, symbols and characters of other alphabets, none like a digit.

        Args:
            count: how many.
            rng: decides which, and how strokes are redrawn.

        Returns:
            (count, 28, 28) uint8, ink 255 on paper 0.
        """
        letters = _by_writer(self.pens.letters)
        found: list[Ink] = []
        while len(found) < count:
            if rng.random() < _PEN_LETTERS:
                made = _drawn(_one_of(letters, rng), rng)
            else:
                made = glyph(_thickened(self.foreign[rng.integers(len(self.foreign))], rng))
            if not is_slim(made, _SLIMMEST):
                found.append(made)
        return np.stack(found)


def _by_writer(samples: Sequence[PenSample]) -> list[list[PenSample]]:
    found: dict[str, list[PenSample]] = {}
    for sample in samples:
        found.setdefault(sample.writer, []).append(sample)
    return list(found.values())


def _one_of(writers: Sequence[Sequence[PenSample]], rng: np.random.Generator) -> PenSample:
    writer = writers[int(rng.integers(len(writers)))]
    return writer[int(rng.integers(len(writer)))]


def _drawn(sample: PenSample, rng: np.random.Generator) -> Ink:
    """Redraw a sample with some pen."""
    how = Redrawing(
        rounding=float(rng.choice([0.0, rng.uniform(0.0, 0.06)])),
        bend=rng.uniform(0.0, 0.03),
        stretch=float(np.exp(rng.normal(0.0, 0.1))),
    )
    pen_px = float(np.exp(rng.uniform(np.log(_FINEST_PX), np.log(_WIDEST_PX))))
    curves = [curve * _HEIGHT_PX for curve in redrawn(sample, rng, how)]
    patch = draw_strokes(curves, float(rng.normal(0.0, 0.1)), _HEIGHT_PX, pen_px)
    return glyph(np.rint(patch.ink * 255).astype(np.uint8))


def _scanned(image: Ink) -> Ink | None:
    """Make a glyph of a scan as the reader does; ``None`` if nothing is written on it."""
    region = segment.single_digit(ink.find(image))
    return None if region is None else glyph(region.ink)


def _thickened(character: Ink, rng: np.random.Generator) -> Ink:
    """Write a character of thin lines with a wider pen."""
    size = int(rng.integers(1, 8))
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.dilate(np.pad(character, _MARGIN_PX), pen), np.uint8)
