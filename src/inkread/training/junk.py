"""Glyphs that are no digits, for the output of the classifier that says so.

Letters, symbols, scribbles, smudges, pieces of digits and blank paper, each made a glyph as the
reader would make it. No handwriting but MNIST's is in it: letters are strokes of our own, or the
middle lines of the fonts that come with matplotlib, written again with a pen.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread import normalize
from inkread.errors import DataError
from inkread.training import marks, synth
from inkread.training.fonts import FONTS, middle_line, printed
from inkread.training.letters import LETTERS, strokes
from inkread.training.mnist import Split
from inkread.training.pen import warped, written

__all__ = ["KINDS", "Kind", "glyphs", "is_slim"]

Ink = npt.NDArray[np.uint8]

_SIDE = 28
_MOST_TRIES = 1000


@dataclass(frozen=True)
class Kind:
    """A kind of glyph that is no digit.

    Attributes:
        make: draws one, (28, 28) uint8.
        share: how often it is drawn.
        slimmest: how narrow, as a share of its length, an upright one may be and be no 1.
    """

    make: Callable[[Split, np.random.Generator], Ink]
    share: float
    slimmest: float = 0.35


def glyphs(count: int, digits: Split, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Draw glyphs of every kind in ``KINDS``, each as often as its share says.

    Args:
        count: how many.
        digits: images to turn, cut and join; every label from 0 to 9 must be among them.
        rng: decides everything; the same state gives the same glyphs.

    Returns:
        (count, 28, 28) uint8, ink 255 on paper 0, the kinds in random order.

    Raises:
        DataError: a label is missing, or the images are of no use: blank, or all slim.
    """
    missing = sorted(set(range(10)) - set(digits.labels.tolist()))
    if missing:
        raise DataError(f"expected digits of every label, received none of {missing}")
    kinds = list(KINDS.values())
    shares = np.array([kind.share for kind in kinds])
    result = np.empty((count, _SIDE, _SIDE), np.uint8)
    for index, number in enumerate(rng.choice(len(kinds), count, p=shares / shares.sum())):
        kind = kinds[number]
        for _ in _tries():  # a glyph as slim as a 1 is one, whatever it was meant to be
            result[index] = kind.make(digits, rng)
            if not is_slim(result[index], kind.slimmest):
                break
    return result


def _stroke_letter(rng: np.random.Generator) -> Ink:
    """A letter or symbol of ``LETTERS``, in a hand of its own."""
    characters = (_LETTERS, _NEAR, _KEYED, _SYMBOLS)[rng.choice(4, p=[0.5, 0.22, 0.18, 0.1])]
    character = characters[rng.integers(len(characters))]
    ways = LETTERS[character]
    may_be_round = character.isalpha() and character != "D"  # a D without corners is a 0
    rounded = bool(may_be_round and rng.random() < 0.3)
    lines = strokes(ways[rng.integers(len(ways))], rounded=rounded)
    wobble = rng.uniform(0.01, 0.045)
    size = np.array([rng.uniform(0.5, 1.0), 1.0]) * 58
    return written(
        [synth.smooth((line + rng.normal(0, wobble, line.shape)) * size + 19) for line in lines],
        rng,
    )


def _font_letter(rng: np.random.Generator) -> Ink:
    """A letter of a printed font, distorted; mostly its middle line, written with a pen."""
    font, characters = FONTS[rng.integers(len(FONTS))]
    if rng.random() < 0.3:
        characters = "".join(each for each in _NEAR if each in characters) or characters
    character = characters[rng.integers(len(characters))]
    if rng.random() < 0.8:
        radius = int(rng.integers(1, 6))
        pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius - 1, 2 * radius - 1))
        ink = cv2.dilate(middle_line(font, character), pen)
    else:
        ink = printed(font, character)
    return normalize.glyph(warped(ink, rng))


def _turned_digit(digits: Split, rng: np.random.Generator) -> Ink:
    """A digit turned or mirrored such that it is none any more."""
    for _ in _tries():
        label, quarter_turns, mirrored = _TURNS[rng.integers(len(_TURNS))]
        image = _digit(digits, label, rng)
        # A closed 4 upside down is a 6, and a slim 7 is a 1 however it stands.
        if not _has_hole(image) and not is_slim(image, 0.45):
            break
    turned = np.rot90(np.fliplr(image) if mirrored else image, quarter_turns)
    return normalize.glyph(np.ascontiguousarray(turned))


def _fragment(digits: Split, rng: np.random.Generator) -> Ink:
    """A piece of a digit, cut off along a line."""
    return normalize.glyph(_piece(digits, rng))


def _several_digits(digits: Split, rng: np.random.Generator) -> Ink:
    """Two or three digits in one glyph, side by side or one above the other, apart or touching."""
    upright = rng.random() < 0.75
    count = 2 if not upright or rng.random() < 0.7 else 3
    # Round digits above one another make an 8, and a 1 beside another digit a 4, a 6 or a 9.
    labels = rng.choice([0, 2, 3, 4, 5, 6, 7, 8, 9] if upright else [2, 3, 4, 5], count)
    row = np.zeros((_SIDE, 0), np.uint8)
    for label in labels:
        image = _digit(digits, int(label), rng)
        image = image if upright else image.T
        x, _, width, _ = cv2.boundingRect((image > 63).astype(np.uint8))
        gap = int(rng.integers(-2, 4)) if row.size else 0
        row = _beside(row, image[:, x : x + width], gap)
    ink = row if upright else np.ascontiguousarray(row.T)
    squeeze = rng.uniform(0.6, 1.0)
    height, width = ink.shape
    size = (round(width * squeeze), height) if upright else (width, round(height * squeeze))
    return normalize.glyph(cv2.resize(ink, size, interpolation=cv2.INTER_AREA))


def _bracket(rng: np.random.Generator) -> Ink:
    """A round or square bracket or a brace, bent enough to be no 1."""
    height, depth = 60.0, 60 * rng.uniform(0.16, 0.42)
    side = rng.choice([-1, 1])
    steps = np.linspace(-1, 1, 25)
    kind = rng.choice(3, p=[0.5, 0.3, 0.2])
    if kind == 0:
        x, y = depth * (1 - np.abs(steps) ** rng.uniform(1.6, 3)), steps
    elif kind == 1:
        x, y = depth * np.array([0.0, 1, 1, 1, 0]), np.array([-1.0, -1, 0, 1, 1])
    else:
        waist = depth * rng.uniform(0.4, 0.6)
        x = np.array([0, waist, waist, depth, waist, waist, 0])
        y = np.array([-1, -0.8, -0.2, 0, 0.2, 0.8, 1.0])
    line = np.stack([48 + side * (x - depth / 2), 48 + height / 2 * y], axis=1)
    corners = np.repeat(line, 2, axis=0) if kind == 1 else line  # not rounded
    return written([synth.smooth(corners)], rng, widest_px=8)


def _alone(
    draw: Callable[[np.random.Generator], Ink],
) -> Callable[[Split, np.random.Generator], Ink]:
    """Make what is drawn without digits."""
    return lambda _, rng: draw(rng)


# Letters most, being what digits stand among.
KINDS = {
    "stroke letter": Kind(_alone(_stroke_letter), 0.28),
    "font letter": Kind(_alone(_font_letter), 0.28),
    "turned digit": Kind(_turned_digit, 0.06),
    "fragment": Kind(_fragment, 0.04),
    "several digits": Kind(_several_digits, 0.08),
    "bracket": Kind(_alone(_bracket), 0.06, slimmest=0.2),
    "scribble": Kind(_alone(marks.scribble), 0.06),
    "lines": Kind(_alone(marks.lines), 0.04),
    "ruled": Kind(_alone(marks.ruled), 0.03),
    "spots": Kind(_alone(marks.spots), 0.04, slimmest=0.28),
    "paper": Kind(_alone(marks.paper), 0.03),
}

_LETTERS = [character for character in LETTERS if character.isascii() and character.isalpha()]
_NEAR = "ADGJUYadfhjtuy"  # nearest to digits
_KEYED = list("+-=#%&?*@$()[]{<~^")
_SYMBOLS = [character for character in LETTERS if character not in [*_LETTERS, *_KEYED]]

# Which digits are none when they are turned and mirrored: label, quarter turns to the left, whether
# mirrored before that. Chosen by eye: most others that one would expect here are lookalikes in a
# slanted hand, as a 6, a 9 or a 5 on its side, a mirrored 2, or a mirrored 7 with a bar.
_TURNS = [
    (3, 0, True), (3, 2, False), (3, 1, True), (3, 3, True), (4, 2, False), (7, 2, False),
    (7, 2, True),
]  # fmt: skip

# Sides of digits that are no digits by themselves: (dx, dy) points from the cut to what is kept.
_PIECES = {
    0: [(0, -1), (0, 1)],
    2: [(0, 1)],
    3: [(0, 1)],
    4: [(-1, 0)],
    5: [(0, -1), (0, 1)],
}


def _piece(digits: Split, rng: np.random.Generator) -> Ink:
    """Cut 20 to 48 % of its ink off a digit: (28, 28)."""
    axis = np.arange(_SIDE) - 14
    for _ in _tries():
        label = int(rng.choice(list(_PIECES)))
        image = _digit(digits, label, rng)
        x, y = _PIECES[label][rng.integers(len(_PIECES[label]))]
        angle = np.arctan2(y, x) + rng.uniform(-0.4, 0.4)
        side = np.cos(angle) * axis + np.sin(angle) * axis[:, None]
        # The cut is where the share wanted of the ink lies beyond it.
        order = np.argsort(-side, axis=None)
        ink_beyond = np.cumsum(image.ravel()[order], dtype=np.int64)
        kept = np.searchsorted(ink_beyond, rng.uniform(0.2, 0.48) * ink_beyond[-1])
        piece = np.where(side > side.ravel()[order[kept]], image, 0).astype(np.uint8)
        if (piece > 63).any() and not _has_hole(piece) and not is_slim(piece, 0.45):
            break
    return piece


def _tries() -> Iterator[int]:
    """Count tries; the last of them is followed by an error.

    Raises:
        DataError: the digits are of no use.
    """
    yield from range(_MOST_TRIES)
    raise DataError(
        f"expected digits to turn and to cut up, found none of use in {_MOST_TRIES} tries"
    )


def _digit(digits: Split, label: int, rng: np.random.Generator) -> Ink:
    candidates = np.flatnonzero(digits.labels == label)
    return np.asarray(digits.images[candidates[rng.integers(len(candidates))]])


def _beside(left: Ink, right: Ink, gap: int) -> Ink:
    """Put two pictures side by side; a gap below 0 lets them overlap."""
    width = left.shape[1] + gap + right.shape[1]
    result = np.zeros((left.shape[0], width), np.uint8)
    result[:, : left.shape[1]] = left
    start = width - right.shape[1]
    result[:, start:] = cv2.max(result[:, start:], right)
    return result


def _has_hole(ink: Ink) -> bool:
    """Tell whether paper is enclosed by ink."""
    paper = np.pad((ink <= 63).astype(np.uint8), 1, constant_values=1)
    return cv2.connectedComponents(paper, connectivity=4)[0] > 2


def is_slim(ink: Ink, ratio: float) -> bool:
    """Tell whether ink is upright and narrower than that share of its length: like a 1.

    Args:
        ink: (H, W) uint8, ink 255 on paper 0.
        ratio: in [0, 1].
    """
    places = cv2.findNonZero((ink > 63).astype(np.uint8))
    if places is None:
        return False
    _, (width, height), angle = cv2.minAreaRect(places)
    from_level = (angle if width > height else angle + 90) % 180
    steepness = min(from_level, 180 - from_level)
    return bool(min(width, height) < ratio * max(width, height) and steepness > 30)
