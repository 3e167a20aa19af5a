"""Synthetic glyphs that are not digits, to train the classifier's "no digit" output.

Letters, symbols, scribbles, smudges, fragments of digits and blank paper, each normalised to a
glyph as the reader does it. The only handwriting used is MNIST's: letters are rendered from stroke
shapes, or from the skeletons of matplotlib's fonts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread.errors import DataError
from inkread.imaging import normalize
from inkread.imaging.normalize import GlyphShape
from inkread.training.mnist import Split
from inkread.training.synthesis import drawn_digits, scribbles
from inkread.training.synthesis.fonts import FONTS, print_character, thin_character
from inkread.training.synthesis.letter_strokes import LETTERS, parse_strokes
from inkread.training.synthesis.pen import distort_ink, draw_strokes

__all__ = ["KINDS", "Kind", "draw_glyphs", "is_slim"]

Ink = npt.NDArray[np.uint8]

_SIDE = GlyphShape.side_px
_MAX_NUM_TRIES = 1000


@dataclass(frozen=True)
class Kind:
    """A kind of glyph that is not a digit.

    Attributes:
        make: draws one, (28, 28) uint8, ink 255 on paper 0.
        share: relative frequency of the kind.
        min_width_ratio: smallest width over length of an upright glyph; a narrower one would look
            like a 1 and is drawn again.
    """

    make: Callable[[Split, np.random.Generator], Ink]
    share: float
    min_width_ratio: float = 0.35


def draw_glyphs(count: int, digits: Split, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Draw glyphs of the kinds in ``KINDS``, with the frequencies given by their shares.

    Args:
        count: number of glyphs.
        digits: images to rotate, cut and join; every label from 0 to 9 must occur.
        rng: source of all randomness; the same state gives the same glyphs.

    Returns:
        (count, 28, 28) uint8, ink 255 on paper 0, the kinds in random order.

    Raises:
        DataError: a label is missing, or no image can be used because all are blank or narrow.
    """
    missing = sorted(set(range(10)) - set(digits.labels.tolist()))
    if missing:
        raise DataError(f"expected digits of every label, received none of {missing}")
    kinds = list(KINDS.values())
    shares = np.array([kind.share for kind in kinds])
    result = np.empty((count, _SIDE, _SIDE), np.uint8)
    for index, number in enumerate(rng.choice(len(kinds), count, p=shares / shares.sum())):
        kind = kinds[number]
        for _ in _count_tries():  # a glyph as narrow as a 1 looks like a 1
            result[index] = kind.make(digits, rng)
            if not is_slim(result[index], kind.min_width_ratio):
                break
    return result


def is_slim(ink: Ink, ratio: float) -> bool:
    """Return whether ink is upright and its width over length is below a ratio, as a 1's.

    Args:
        ink: (H, W) uint8, ink 255 on paper 0; without ink the answer is no.
        ratio: of the sides of the smallest rectangle around the ink, turned as it has to be.
    """
    places = cv2.findNonZero((ink > 63).astype(np.uint8))
    if places is None:
        return False
    _, (width, height), angle = cv2.minAreaRect(places)
    from_level = (angle if width > height else angle + 90) % 180
    steepness = min(from_level, 180 - from_level)
    return bool(min(width, height) < ratio * max(width, height) and steepness > 30)


def _draw_stroke_letter(rng: np.random.Generator) -> Ink:
    """Draw a random letter or symbol of ``LETTERS`` with a random pen and distortion."""
    characters = (_LETTERS, _DIGIT_LIKE_LETTERS, _COMMON_SYMBOLS, _RARE_SYMBOLS)[
        rng.choice(4, p=[0.5, 0.22, 0.18, 0.1])
    ]
    character = characters[rng.integers(len(characters))]
    ways = LETTERS[character]
    may_be_round = character.isalpha() and character != "D"  # a D without corners is a 0
    rounded = bool(may_be_round and rng.random() < 0.3)
    lines = parse_strokes(ways[rng.integers(len(ways))], rounded=rounded)
    wobble = rng.uniform(0.01, 0.045)
    size = np.array([rng.uniform(0.5, 1.0), 1.0]) * 58
    return draw_strokes(
        [
            drawn_digits.smooth((line + rng.normal(0, wobble, line.shape)) * size + 19)
            for line in lines
        ],
        rng,
    )


def _draw_font_letter(rng: np.random.Generator) -> Ink:
    """Draw a distorted letter of a font, mostly as its skeleton drawn with a pen."""
    font, characters = FONTS[rng.integers(len(FONTS))]
    if rng.random() < 0.3:
        characters = (
            "".join(each for each in _DIGIT_LIKE_LETTERS if each in characters) or characters
        )
    character = characters[rng.integers(len(characters))]
    if rng.random() < 0.8:
        radius = int(rng.integers(1, 6))
        pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius - 1, 2 * radius - 1))
        ink = cv2.dilate(thin_character(font, character), pen)
    else:
        ink = print_character(font, character)
    return normalize.make_glyph(distort_ink(ink, rng))


def _turn_digit(digits: Split, rng: np.random.Generator) -> Ink:
    """Rotate or mirror a digit so that the result is not a digit."""
    for _ in _count_tries():
        label, quarter_turns, mirrored = _TURNS[rng.integers(len(_TURNS))]
        image = _choose_digit(digits, label, rng)
        # A closed 4 upside down looks like a 6, and a narrow 7 like a 1 in any orientation.
        if not _has_hole(image) and not is_slim(image, 0.45):
            break
    turned = np.rot90(np.fliplr(image) if mirrored else image, quarter_turns)
    return normalize.make_glyph(np.ascontiguousarray(turned))


def _cut_fragment(digits: Split, rng: np.random.Generator) -> Ink:
    """Cut a fragment off a digit and normalise it to a glyph."""
    return normalize.make_glyph(_cut_piece(digits, rng))


def _join_digits(digits: Split, rng: np.random.Generator) -> Ink:
    """Put two or three digits into one glyph, in a row or a column, apart or touching."""
    upright = rng.random() < 0.75
    count = 2 if not upright or rng.random() < 0.7 else 3
    # Round digits above one another look like an 8, a 1 beside another digit like a 4, 6 or 9.
    labels = rng.choice([0, 2, 3, 4, 5, 6, 7, 8, 9] if upright else [2, 3, 4, 5], count)
    row = np.zeros((_SIDE, 0), np.uint8)
    for label in labels:
        image = _choose_digit(digits, int(label), rng)
        image = image if upright else image.T
        x, _, width, _ = cv2.boundingRect((image > 63).astype(np.uint8))
        gap = int(rng.integers(-2, 4)) if row.size else 0
        row = _put_beside(row, image[:, x : x + width], gap)
    ink = row if upright else np.ascontiguousarray(row.T)
    squeeze = rng.uniform(0.6, 1.0)
    height, width = ink.shape
    size = (round(width * squeeze), height) if upright else (width, round(height * squeeze))
    return normalize.make_glyph(cv2.resize(ink, size, interpolation=cv2.INTER_AREA))


def _draw_bracket(rng: np.random.Generator) -> Ink:
    """Draw a round or square bracket or a brace, curved enough not to look like a 1."""
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
    return draw_strokes([drawn_digits.smooth(corners)], rng, widest_px=8)


def _ignore_digits(
    draw: Callable[[np.random.Generator], Ink],
) -> Callable[[Split, np.random.Generator], Ink]:
    """Adapt a function that needs no digits to the signature of ``Kind.make``."""
    return lambda _, rng: draw(rng)


# Letters are most frequent, since digits mostly occur among letters.
KINDS = {
    "stroke letter": Kind(_ignore_digits(_draw_stroke_letter), 0.28),
    "font letter": Kind(_ignore_digits(_draw_font_letter), 0.28),
    "turned digit": Kind(_turn_digit, 0.06),
    "fragment": Kind(_cut_fragment, 0.04),
    "several digits": Kind(_join_digits, 0.08),
    "bracket": Kind(_ignore_digits(_draw_bracket), 0.06, min_width_ratio=0.2),
    "scribble": Kind(_ignore_digits(scribbles.draw_scribble), 0.06),
    "lines": Kind(_ignore_digits(scribbles.draw_lines), 0.04),
    "ruled": Kind(_ignore_digits(scribbles.draw_ruled_lines), 0.03),
    "spots": Kind(_ignore_digits(scribbles.draw_spots), 0.04, min_width_ratio=0.28),
    "paper": Kind(_ignore_digits(scribbles.draw_blank_paper), 0.03),
}

_LETTERS = [character for character in LETTERS if character.isascii() and character.isalpha()]
_DIGIT_LIKE_LETTERS = "ADGJUYadfhjtuy"  # most similar to digits
_COMMON_SYMBOLS = list("+-=#%&?*@$()[]{<~^")
_RARE_SYMBOLS = [
    character for character in LETTERS if character not in [*_LETTERS, *_COMMON_SYMBOLS]
]

# Transformations after which a digit is no digit any more: label, quarter turns anticlockwise,
# whether it is mirrored first. Chosen by eye: most other candidates look like a digit in slanted
# handwriting, such as a 6, a 9 or a 5 on its side, a mirrored 2, or a mirrored 7 with a bar.
_TURNS = [
    (3, 0, True), (3, 2, False), (3, 1, True), (3, 3, True), (4, 2, False), (7, 2, False),
    (7, 2, True),
]  # fmt: skip

# Sides of digits that do not look like a digit when cut off: (dx, dy) points from the cut to the
# side that is kept.
_PIECES = {
    0: [(0, -1), (0, 1)],
    2: [(0, 1)],
    3: [(0, 1)],
    4: [(-1, 0)],
    5: [(0, -1), (0, 1)],
}


def _cut_piece(digits: Split, rng: np.random.Generator) -> Ink:
    """Return a random side of a digit that holds 20 to 48 % of its ink: (28, 28) uint8."""
    axis = np.arange(_SIDE) - 14
    for _ in _count_tries():
        label = int(rng.choice(list(_PIECES)))
        image = _choose_digit(digits, label, rng)
        x, y = _PIECES[label][rng.integers(len(_PIECES[label]))]
        angle = np.arctan2(y, x) + rng.uniform(-0.4, 0.4)
        side = np.cos(angle) * axis + np.sin(angle) * axis[:, None]
        # Place the cut so that the chosen fraction of the ink lies beyond it.
        order = np.argsort(-side, axis=None)
        ink_beyond = np.cumsum(image.ravel()[order], dtype=np.int64)
        kept = np.searchsorted(ink_beyond, rng.uniform(0.2, 0.48) * ink_beyond[-1])
        piece = np.where(side > side.ravel()[order[kept]], image, 0).astype(np.uint8)
        if (piece > 63).any() and not _has_hole(piece) and not is_slim(piece, 0.45):
            break
    return piece


def _count_tries() -> Iterator[int]:
    """Yield attempt numbers up to a limit.

    Raises:
        DataError: the limit was reached, since none of the digits could be used.
    """
    yield from range(_MAX_NUM_TRIES)
    raise DataError(
        f"expected digits to turn and to cut up, found none of use in {_MAX_NUM_TRIES} tries"
    )


def _choose_digit(digits: Split, label: int, rng: np.random.Generator) -> Ink:
    candidates = np.flatnonzero(digits.labels == label)
    return np.asarray(digits.images[candidates[rng.integers(len(candidates))]])


def _put_beside(left: Ink, right: Ink, gap: int) -> Ink:
    """Put two pictures side by side; with a negative gap, in pixels, they overlap."""
    width = left.shape[1] + gap + right.shape[1]
    result = np.zeros((left.shape[0], width), np.uint8)
    result[:, : left.shape[1]] = left
    start = width - right.shape[1]
    result[:, start:] = cv2.max(result[:, start:], right)
    return result


def _has_hole(ink: Ink) -> bool:
    """Return whether ink encloses some paper."""
    paper = np.pad((ink <= 63).astype(np.uint8), 1, constant_values=1)
    return cv2.connectedComponents(paper, connectivity=4)[0] > 2
