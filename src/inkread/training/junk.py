"""Glyphs that are no digits, for the output of the classifier that says so.

Letters, symbols, scribbles, smudges, pieces of digits and blank paper, each made a glyph as the
reader would make it. No handwriting but MNIST's is in it: letters are strokes of our own, or the
middle lines of the fonts that come with matplotlib, written again with a pen.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from inkread import normalize
from inkread.errors import DataError
from inkread.training import synth
from inkread.training.fonts import CANVAS_PX, FONTS, middle_line, printed
from inkread.training.letters import LETTERS, strokes
from inkread.training.mnist import Split

__all__ = ["KINDS", "Kind", "glyphs"]

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
            if not _is_slim(result[index], kind.slimmest):
                break
    return result


def _stroke_letter(_: Split, rng: np.random.Generator) -> Ink:
    """A letter or symbol of ``LETTERS``, in a hand of its own."""
    characters = (_LETTERS, _NEAR, _KEYED, _SYMBOLS)[rng.choice(4, p=[0.5, 0.22, 0.18, 0.1])]
    character = characters[rng.integers(len(characters))]
    ways = LETTERS[character]
    may_be_round = character.isalpha() and character != "D"  # a D without corners is a 0
    rounded = bool(may_be_round and rng.random() < 0.3)
    lines = strokes(ways[rng.integers(len(ways))], rounded=rounded)
    wobble = rng.uniform(0.01, 0.045)
    size = np.array([rng.uniform(0.5, 1.0), 1.0]) * 58
    return _pen_glyph(
        [synth.smooth((line + rng.normal(0, wobble, line.shape)) * size + 19) for line in lines],
        rng,
    )


def _font_letter(_: Split, rng: np.random.Generator) -> Ink:
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
    return normalize.glyph(_warped(ink, rng))


def _turned_digit(digits: Split, rng: np.random.Generator) -> Ink:
    """A digit turned or mirrored such that it is none any more."""
    for _ in _tries():
        label, quarter_turns, mirrored = _TURNS[rng.integers(len(_TURNS))]
        image = _digit(digits, label, rng)
        # A closed 4 upside down is a 6, and a slim 7 is a 1 however it stands.
        if not _has_hole(image) and not _is_slim(image, 0.45):
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


def _bracket(_: Split, rng: np.random.Generator) -> Ink:
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
    return _pen_glyph([synth.smooth(corners)], rng, widest_px=8)


def _scribble(_: Split, rng: np.random.Generator) -> Ink:
    """A pen moved to and fro."""
    ways = rng.integers(3)
    count = int(rng.integers(9, 25))
    if ways == 0:  # any way
        points = rng.uniform(20, 76, (count, 2))
    elif ways == 1:  # round and round
        count *= 2
        angle = np.arange(count) * rng.uniform(0.9, 1.5)
        circle = np.stack([np.cos(angle), np.sin(angle)], axis=1) * rng.uniform(0.6, 1.3, 2)
        if rng.random() < 0.5:  # a coil
            points = 48 + 12 * circle
            points[:, 0] += np.linspace(-28, 28, count) * rng.choice([-1, 1])
        else:  # a spiral
            points = 48 + 28 * circle * np.linspace(0.05, 1, count)[:, None]
        points += rng.normal(0, 1.5, points.shape)
    else:  # a zigzag, as writing is struck out
        rise = rng.uniform(5, 28)
        y = 48 + np.where(np.arange(count) % 2, 1, -1) * rise + rng.normal(0, 4, count)
        points = np.stack([np.linspace(18, 78, count) + rng.normal(0, 3, count), y], axis=1)
    return _pen_glyph([synth.smooth(points)], rng, widest_px=7)


def _lines(_: Split, rng: np.random.Generator) -> Ink:
    """A dash, a bow, or straight lines side by side or across one another; none a 1."""
    return _pen_glyph(_straight_lines(rng), rng)


def _straight_lines(rng: np.random.Generator) -> list[npt.NDArray[np.float64]]:
    kind = rng.integers(4)
    steps = np.linspace(-1, 1, 20)[:, None]
    if kind == 0:  # a dash
        angle = rng.uniform(-0.4, 0.4)
        return [48 + 30 * steps * [np.cos(angle), np.sin(angle)]]
    if kind == 1:  # a bow
        bend = rng.uniform(10, 40) * rng.choice([-1, 1])
        x, y = 30 * steps, bend * (1 - steps**2)
        return [48 + np.concatenate([x, y], axis=1) * rng.uniform(0.8, 1.1, 2)]
    if kind == 2:  # side by side
        angle, distance = rng.uniform(-np.pi / 2, np.pi / 2), rng.uniform(12, 24)
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]]) * distance
        count = int(rng.integers(2, 5))
        return [
            48 + 26 * steps * along + across * (place - (count - 1) / 2) + rng.normal(0, 2, 2)
            for place in range(count)
        ]
    # across one another
    angles = rng.uniform(0, np.pi) + np.cumsum(rng.uniform(0.6, 1.5, rng.integers(2, 5)))
    return [
        48 + 28 * steps * [np.cos(angle), np.sin(angle)] + rng.normal(0, 5, 2) for angle in angles
    ]


def _ruled(_: Split, rng: np.random.Generator) -> Ink:
    """Ruled lines or a grid from edge to edge, as form fields and squared paper show them."""
    ink = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    spacing, width = int(rng.integers(14, 60)), int(rng.integers(2, 8))
    directions = [(True, False), (False, True), (True, True)][rng.choice(3, p=[0.5, 0.1, 0.4])]
    for place in range(int(rng.integers(0, spacing)), CANVAS_PX, spacing):
        if directions[0]:
            ink[place : place + width] = 255
        if directions[1] and (directions[0] or spacing < 40):  # a lone upright line is a 1
            ink[:, place : place + width] = 255
    if not ink.any():
        ink[CANVAS_PX // 2 :][:width] = 255
    turn = cv2.getRotationMatrix2D((CANVAS_PX / 2, CANVAS_PX / 2), rng.uniform(-6, 6), 1.2)
    ink = cv2.warpAffine(ink, turn, ink.shape)
    if rng.random() < 0.5:
        return normalize.glyph(ink)
    return _paled(cv2.resize(ink, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), rng)


def _spots(_: Split, rng: np.random.Generator) -> Ink:
    """Dots, blots and smears of one size or many."""
    ink = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    count = int(rng.choice([1, 2, 3, 6, 15]))
    for _spot in range(count):
        x, y = rng.integers(20, 76, 2).tolist()
        axes = (rng.uniform(3, 34 / np.sqrt(count)) * rng.uniform(0.5, 1.0, 2)).astype(int) + 2
        cv2.ellipse(ink, (x, y), axes.tolist(), rng.uniform(0, 180), 0, 360, 255, -1, cv2.LINE_AA)
    ink = cv2.GaussianBlur(_warped(ink, rng), (0, 0), rng.uniform(0.5, 6))
    if rng.random() < 0.5 and (ink > 63).any():
        return normalize.glyph(ink)
    return _paled(cv2.resize(ink, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), rng)


def _paper(_: Split, rng: np.random.Generator) -> Ink:
    """Paper without writing: clean, grainy, stained, or in uneven light."""
    amount = rng.random(3) * (rng.random(3) < 0.6)
    coarse = rng.normal(0, 1, (int(rng.integers(2, 9)), int(rng.integers(2, 9))))
    cloud = cv2.resize(coarse, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    x, y = rng.uniform(-1, 1, 2)
    ramp = (x * np.arange(_SIDE) + y * np.arange(_SIDE)[:, None]) / _SIDE
    grain = cv2.GaussianBlur(rng.normal(0, 1, (_SIDE, _SIDE)), (0, 0), rng.uniform(0.2, 1.5))
    level = rng.uniform(0, 60)
    paper = level + 60 * amount[0] * cloud + 160 * amount[1] * ramp + 70 * amount[2] * grain
    return np.asarray(np.clip(paper, 0, 255), np.uint8)


# Letters most, being what digits stand among.
KINDS = {
    "stroke letter": Kind(_stroke_letter, 0.28),
    "font letter": Kind(_font_letter, 0.28),
    "turned digit": Kind(_turned_digit, 0.06),
    "fragment": Kind(_fragment, 0.04),
    "several digits": Kind(_several_digits, 0.08),
    "bracket": Kind(_bracket, 0.06, slimmest=0.2),
    "scribble": Kind(_scribble, 0.06),
    "lines": Kind(_lines, 0.04),
    "ruled": Kind(_ruled, 0.03),
    "spots": Kind(_spots, 0.04, slimmest=0.28),
    "paper": Kind(_paper, 0.03),
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
        if (piece > 63).any() and not _has_hole(piece) and not _is_slim(piece, 0.45):
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


def _is_slim(ink: Ink, ratio: float) -> bool:
    """Tell whether ink is upright and narrower than that share of its length: like a 1."""
    places = cv2.findNonZero((ink > 63).astype(np.uint8))
    if places is None:
        return False
    _, (width, height), angle = cv2.minAreaRect(places)
    from_level = (angle if width > height else angle + 90) % 180
    steepness = min(from_level, 180 - from_level)
    return bool(min(width, height) < ratio * max(width, height) and steepness > 30)


def _pen_glyph(
    lines: list[npt.NDArray[np.float64]], rng: np.random.Generator, widest_px: float = 11
) -> Ink:
    """Draw lines with a pen whose width changes a little on the way, distort, and normalise."""
    ink = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    pen_px, change = np.exp(rng.uniform(np.log(1.6), np.log(widest_px))), rng.uniform(0, 0.35)
    for line in lines:
        widths = pen_px * (1 + change * np.sin(np.arange(len(line)) / 9 + rng.uniform(0, 6)))
        vertices = np.rint(line * 16).astype(int).tolist()
        for (start, end), width in zip(pairwise(vertices), widths, strict=False):
            cv2.line(ink, start, end, 255, max(1, round(width)), cv2.LINE_AA, shift=4)
    return normalize.glyph(_warped(ink, rng))


def _warped(ink: Ink, rng: np.random.Generator) -> Ink:
    """Slant, squeeze, tilt and bend, as hands do: perspective and a smooth displacement."""
    side = float(CANVAS_PX)
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    slant = rng.uniform(-0.15, 0.4) * side / 2
    angle = rng.normal(0, 0.12)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    moved = (corners - side / 2) @ turn + side / 2
    moved[:2, 0] += slant
    moved[2:, 0] -= slant
    moved += rng.normal(0, 0.05 * side, moved.shape)
    matrix = cv2.getPerspectiveTransform(moved.astype(np.float32), corners)
    axis = np.arange(CANVAS_PX, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    weight = matrix[2, 0] * x + matrix[2, 1] * y + 1
    bend = rng.normal(0, rng.uniform(0, 5), (2, 4, 4)).astype(np.float32)
    bend_x, bend_y = (cv2.resize(part, ink.shape, interpolation=cv2.INTER_CUBIC) for part in bend)
    map_x = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]) / weight + bend_x
    map_y = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]) / weight + bend_y
    warped = cv2.remap(ink, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_LINEAR)
    return np.asarray(warped if (warped > 127).any() else ink)


def _paled(glyph: Ink, rng: np.random.Generator) -> Ink:
    """Fade a glyph towards paper."""
    return np.asarray(cv2.convertScaleAbs(glyph, alpha=rng.uniform(0.3, 1.0)))
