"""Glyphs of other people's handwriting: digits, and characters that are none.

Each person counts as much as another of the same collection, however many samples there are: most
samples are of few people.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inkread.errors import DataError
from inkread.imaging.normalize import make_glyph
from inkread.training.handwriting.pens import Pens, PenSample, find_person, load_pens
from inkread.training.handwriting.scans import Scans, load_foreign, load_scans
from inkread.training.mnist import Split
from inkread.training.synthesis.drawn_digits import smooth
from inkread.training.synthesis.non_digits import is_slim
from inkread.training.synthesis.patches import draw_patch
from inkread.training.synthesis.pen_writers import Redrawing, redraw
from inkread.training.synthesis.rare_shapes import RARE_SHAPES
from inkread.training.synthesis.scanned_writers import make_scan_glyph

__all__ = ["OtherHands", "draw_character"]

Ink = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator], tuple[Ink | None, int]]  # a glyph and its label

_HEIGHT_PX = 60  # of characters drawn from strokes
_MARGIN_PX = 4
_MIN_PEN_PX, _MAX_PEN_PX = 2.5, 11.0
# Of the digits that somebody wrote: UNIPEN's, pendigits', scans.
_UNIPEN_SHARE, _PENDIGITS_SHARE, _SCANS_SHARE = 0.5, 0.25, 0.25
_LETTERS_SHARE = 0.7  # of what is no digit: UNIPEN's letters and symbols; the rest is foreign
_MIN_WIDTH_RATIO = 0.35  # what is upright and narrower is a 1
_RARE_ASPECT = 0.62  # width over height of rare shapes, whose box is as wide as high
_RARE_WOBBLE = 0.03  # standard deviation of their control points, a share of the box
_MAX_NUM_TRIES = 1000


@dataclass(frozen=True)
class OtherHands:
    """Other people's handwriting, to make glyphs of.

    Attributes:
        pens: pen strokes.
        scans: scanned digits.
        foreign: (N, H, W) uint8, ink 255 on paper 0: characters of other alphabets, none of which
            looks like a digit.
    """

    pens: Pens
    scans: Scans
    foreign: Ink

    @classmethod
    def load(cls, folder: Path | None = None, *, validation: bool = False) -> "OtherHands":
        """Load all of a folder.

        Args:
            folder: with the files of ``archives.ARCHIVES``; ``None``: the environment variable
                INKREAD_PENS names it.
            validation: load the writing of people who are kept for validation.

        Raises:
            DataError: no folder is known, or a file is missing or broken.
        """
        return cls(
            load_pens(folder, validation=validation),
            load_scans(folder, validation=validation),
            load_foreign(folder, validation=validation),
        )

    def draw_digits(
        self, count: int, rng: np.random.Generator, *, rare_share: float = 0.0
    ) -> Split:
        """Draw digits with pens of many widths, or take them from scans.

        Args:
            count: number of glyphs.
            rng: decides which, and how strokes are redrawn; the same state gives the same glyphs.
            rare_share: share of digits that nobody wrote, in shapes that are rare everywhere; see
                ``rare_shapes``.

        Returns:
            Glyphs (count, 28, 28) uint8, ink 255 on paper 0, and their labels.

        Raises:
            DataError: there are no digits.
        """
        people = _group_by_person(self.pens.digits)
        pendigits = [self.pens.pendigits] if self.pens.pendigits else []
        scanned = [
            np.flatnonzero(self.scans.writers == writer) for writer in np.unique(self.scans.writers)
        ]
        ways: list[tuple[float, Draw]] = [
            (_UNIPEN_SHARE * bool(people), partial(_draw_digit, people)),
            (_PENDIGITS_SHARE * bool(pendigits), partial(_draw_digit, pendigits)),
            (_SCANS_SHARE * bool(scanned), partial(_choose_scan, self.scans, scanned)),
        ]
        written = sum(share for share, _ in ways)
        if not written:
            raise DataError("expected digits of other people, received none")
        shares = np.array([share / written * (1 - rare_share) for share, _ in ways] + [rare_share])
        draws = [draw for _, draw in ways] + [_draw_rare]
        images = np.empty((count, 28, 28), np.uint8)
        labels = np.empty(count, np.uint8)
        for index in range(count):
            for _ in range(_MAX_NUM_TRIES):
                image, labels[index] = draws[rng.choice(len(draws), p=shares)](rng)
                if image is not None:
                    images[index] = image
                    break
            else:
                raise DataError("expected scans with ink, received blank ones")
        return Split(images, labels)

    def draw_non_digits(self, count: int, rng: np.random.Generator) -> Ink:
        """Draw letters, symbols and characters of other alphabets, none like a digit.

        Args:
            count: number of glyphs.
            rng: decides which, and how strokes are redrawn; the same state gives the same glyphs.

        Returns:
            (count, 28, 28) uint8, ink 255 on paper 0.

        Raises:
            DataError: there are no letters or no foreign characters, or all are as slim as a 1.
        """
        people = _group_by_person(self.pens.letters)
        if not people or not len(self.foreign):
            raise DataError(
                f"expected letters and foreign characters, received letters of {len(people)} "
                f"people and {len(self.foreign)} foreign characters"
            )
        images = np.empty((count, 28, 28), np.uint8)
        for index in range(count):
            for _ in range(_MAX_NUM_TRIES):
                if rng.random() < _LETTERS_SHARE:
                    images[index] = draw_character(_choose(people, rng), rng)
                else:
                    character = self.foreign[rng.integers(len(self.foreign))]
                    images[index] = make_glyph(_thicken(character, rng))
                if not is_slim(images[index], _MIN_WIDTH_RATIO):
                    break
            else:
                raise DataError("expected characters, received none that is wider than a 1")
        return images


def draw_character(sample: PenSample, rng: np.random.Generator) -> Ink:
    """Redraw a character that somebody wrote, a little differently and with some pen.

    Returns:
        (28, 28) uint8, ink 255 on paper 0.
    """
    how = Redrawing(
        rounding=float(rng.choice([0.0, rng.uniform(0.0, 0.06)])),
        bend=rng.uniform(0.0, 0.03),
        stretch=float(np.exp(rng.normal(0.0, 0.1))),
    )
    return _draw_curves(redraw(sample, rng, how), rng)


def _draw_digit(
    people: Sequence[Sequence[PenSample]], rng: np.random.Generator
) -> tuple[Ink | None, int]:
    sample = _choose(people, rng)
    return draw_character(sample, rng), int(sample.label)


def _choose_scan(
    scans: Scans, people: Sequence[npt.NDArray[np.intp]], rng: np.random.Generator
) -> tuple[Ink | None, int]:
    """Choose a scan of a person, each as likely as another; ``None`` if it is blank."""
    own = people[int(rng.integers(len(people)))]
    index = own[rng.integers(len(own))]
    return make_scan_glyph(scans.images[index]), int(scans.labels[index])


def _draw_rare(rng: np.random.Generator) -> tuple[Ink | None, int]:
    """Draw a digit in a shape of ``RARE_SHAPES``."""
    label = list(RARE_SHAPES)[rng.integers(len(RARE_SHAPES))]
    shape = RARE_SHAPES[label][rng.integers(len(RARE_SHAPES[label]))]
    size = np.array([_RARE_ASPECT * np.exp(rng.normal(0.0, 0.2)), 1.0])
    curves = [smooth(_wobble(np.array(points), rng) * size, 8) for points in shape]
    return _draw_curves(curves, rng), label


def _wobble(control: Floats, rng: np.random.Generator) -> Floats:
    """Move control points a little, by as much where one is repeated: a corner stays a corner."""
    moves = rng.normal(0.0, _RARE_WOBBLE, control.shape)
    repeated = np.all(control[1:] == control[:-1], axis=1)
    moves[1:][repeated] = moves[:-1][repeated]
    return control + moves


def _draw_curves(curves: Sequence[Floats], rng: np.random.Generator) -> Ink:
    """Draw strokes, in heights of the character, with a random pen and slant."""
    pen_px = float(np.exp(rng.uniform(np.log(_MIN_PEN_PX), np.log(_MAX_PEN_PX))))
    scaled = [curve * _HEIGHT_PX for curve in curves]
    patch = draw_patch(scaled, float(rng.normal(0.0, 0.1)), _HEIGHT_PX, pen_px)
    return make_glyph(np.rint(patch.ink * 255).astype(np.uint8))


def _thicken(character: Ink, rng: np.random.Generator) -> Ink:
    """Write a character of thin lines with a wider pen."""
    size = int(rng.integers(1, 8))
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.dilate(np.pad(character, _MARGIN_PX), pen), np.uint8)


def _group_by_person(samples: Sequence[PenSample]) -> list[list[PenSample]]:
    found: dict[str, list[PenSample]] = {}
    for sample in samples:
        found.setdefault(find_person(sample.writer), []).append(sample)
    return list(found.values())


def _choose(people: Sequence[Sequence[PenSample]], rng: np.random.Generator) -> PenSample:
    own = people[int(rng.integers(len(people)))]
    return own[int(rng.integers(len(own)))]
