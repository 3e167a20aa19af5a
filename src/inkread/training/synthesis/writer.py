"""Simulated writers: each has consistent habits and writes digits, separators and letters.

A digit is an MNIST training image, distorted and redrawn with the writer's pen, or a stroke shape
for forms that are rare in MNIST: a 1 with a flag or a foot, a barred 7, an open 4, a 9 like a P,
wide zeros, joined zeros. No other real handwriting is used.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from inkread.imaging.normalize import estimate_stroke_width
from inkread.training.mnist import Split
from inkread.training.synthesis.digit_strokes import (
    BARRED_SEVENS,
    CHAINED,
    MORE_SHAPES,
    SHAPES,
    Shape,
)
from inkread.training.synthesis.drawn_digits import smooth
from inkread.training.synthesis.letter_strokes import LETTERS, parse_strokes
from inkread.training.synthesis.patches import Patch, draw_patch

__all__ = ["Hand"]

Floats = npt.NDArray[np.float32]
Curve = npt.NDArray[np.float64]  # (N, 2): x, y, y down

_ZOOM = 2  # an MNIST image is enlarged by this before its outline is taken
_SHAPES = {digit: SHAPES[digit] + MORE_SHAPES[digit] for digit in range(10)}

# Letters that no hand's digit looks like: a P may be a 9, a T a 7, a U the top of a 4.
_CLEAR_LETTERS = [letter for letter in LETTERS if letter not in "CDJLPTUVYacdehjnprtuvy"]


class Hand:
    """One writer with one pen: habits hold for all that is written with it.

    Attributes:
        height_px: of the tall digits.
        pen_px: width of the strokes.
    """

    def __init__(
        self,
        digits: Split,
        rng: np.random.Generator,
        height_px: float,
        *,
        own_shapes: bool = True,
    ) -> None:
        """Draw the habits.

        Args:
            digits: the images to write with, MNIST's training images.
            rng: decides everything, now and in all that is written.
            height_px: of the tall digits.
            own_shapes: write some digits in shapes of ours; else all are MNIST images.
        """
        self._digits, self._rng = digits, rng
        self.height_px = height_px
        self.pen_px = max(1.1, height_px * float(np.exp(rng.uniform(np.log(0.05), np.log(0.17)))))
        self._slant = float(rng.choice([rng.normal(0.1, 0.12), rng.normal(0.35, 0.18)]))
        self._evens_slant = rng.random() < 0.6
        self._wobble = rng.uniform(0.01, 0.035)
        self._bend = rng.uniform(0.0, 0.05)
        self._height_sd = rng.uniform(0.02, 0.12)
        self._aspect = float(np.exp(rng.normal(0.0, 0.18)))
        self._lift_sd = rng.uniform(0.0, 0.06)
        # Many write the zeros of round amounts small, wide or flat.
        self._zero_height = rng.choice([1.0, rng.uniform(0.4, 1.0)])
        self._zero_aspect = rng.choice([1.0, rng.uniform(1.0, 2.4)], p=[0.6, 0.4])
        self.chains_zeros = own_shapes and rng.random() < 0.18
        # Of each digit: the shape of ours that this writer has, or None for an MNIST image.
        drawn_share = own_shapes * rng.choice([0.0, 0.3, 1.0], p=[0.3, 0.55, 0.15])
        self._own_bend = rng.uniform(0.0, 0.06)  # how far the writer's shapes are from ours
        self._habits = [
            self._own_shape(digit, int(rng.integers(len(_SHAPES[digit]))))
            if rng.random() < min(1.0, drawn_share * (2.0 if digit in (0, 1, 4, 7, 9) else 1.0))
            else None
            for digit in range(10)
        ]
        if own_shapes and rng.random() < 0.25:
            self._habits[7] = self._own_shape(7, int(rng.choice(BARRED_SEVENS)))
        # A 1 of a stem with a flag of some length, and perhaps a foot; such writers bar their 7s.
        self._one = None
        if own_shapes and rng.random() < 0.5:
            self._one = _flagged_one(rng)
            if rng.random() < 0.7:
                self._habits[7] = self._own_shape(7, int(rng.choice(BARRED_SEVENS)))
        # Some lean their 1s far more than all the rest.
        self._one_lean = rng.uniform(0.0, 0.45) if own_shapes and rng.random() < 0.3 else 0.0
        self._lookalikes = self._like_one_writer()

    def digit(self, label: int) -> Patch:
        """Write a digit."""
        rng = self._rng
        height = self.height_px * float(np.exp(rng.normal(0.0, self._height_sd)))
        aspect = self._aspect * float(np.exp(rng.normal(0.0, 0.1)))
        if label == 0:
            height *= float(self._zero_height)
            aspect *= float(self._zero_aspect)
        if label == 1 and self._one is not None:
            return self._drawn(self._one, height, 0.62 * aspect, self._one_lean)
        habit = self._habits[label]
        # Now and then a writer strays from the habit.
        if habit is not None and rng.random() < 0.9:
            return self._drawn(habit, height, 0.62 * aspect, self._one_lean * (label == 1))
        return self._redrawn(label, height, aspect)

    def chain(self, count: int) -> list[Patch]:
        """Write zeros joined to one another: a patch each, to be set side by side without gaps."""
        shape = [np.array(points) for points in CHAINED[self._rng.integers(len(CHAINED))]]
        height = self.height_px * self._rng.uniform(0.4, 0.8)
        aspect = self._rng.uniform(0.8, 1.6)
        return [self._drawn(shape, height, aspect) for _ in range(count)]

    def separator(self, character: str) -> Patch:
        """Write one of ``.,-/=:``."""
        rng, height = self._rng, self.height_px
        reach = rng.uniform(0.04, 0.14)
        if character in ".:":
            spots = [(0.0, rng.uniform(0.9, 1.05))]
            if character == ":":
                spots.append((rng.uniform(-0.05, 0.1), rng.uniform(0.4, 0.75)))
            dx, dy = rng.uniform(-0.5, 0.7) * reach, rng.uniform(-0.3, 0.8) * reach
            lines = [[(x, y), (x + dx, y + dy)] for x, y in spots]
        elif character == ",":
            x, y = rng.uniform(0.0, 0.06), rng.uniform(0.85, 1.0)
            lines = [[(x, y), (x + 0.02, y + reach), (x - reach, y + 2.4 * reach)]]
        elif character == "/":
            lean = rng.uniform(0.0, 0.35)
            lines = [[(lean, rng.uniform(-0.15, 0.1)), (0.0, rng.uniform(0.95, 1.2))]]
        else:
            length = rng.choice([rng.uniform(0.12, 0.5), rng.uniform(0.3, 1.6)], p=[0.7, 0.3])
            y, tilt = rng.uniform(0.4, 1.0), rng.normal(0.0, 0.08)
            sag = rng.normal(0.0, 0.03)
            rows = [y] if character == "-" else [y - rng.uniform(0.08, 0.25), y]
            lines = [
                [
                    (0.0, row),
                    (0.5 * length, row + sag),
                    (length * rng.uniform(0.8, 1.1), row + tilt),
                ]
                for row in rows
            ]
        curves = [np.array(line) * height for line in lines]
        lean = 0.0 if character == "/" else self._lean()
        return self._stroked([smooth(curve, 6) for curve in curves], lean)

    def letter(self, character: str | None = None) -> Patch:
        """Write a letter or symbol that is no digit; a random one if none is named."""
        rng = self._rng
        ways = LETTERS[character or str(rng.choice(_CLEAR_LETTERS))]
        size = self.height_px * rng.uniform(0.6, 1.05)
        shift = np.array([0.0, self.height_px - size])
        scale = np.array([0.75 * self._aspect, 1.0]) * size
        curves = parse_strokes(ways[rng.integers(len(ways))], rounded=rng.random() < 0.3)
        return self._stroked([smooth(curve * scale + shift, 8) for curve in curves], self._lean())

    def _like_one_writer(self) -> dict[int, npt.NDArray[np.intp]]:
        """Few images of each digit: a person writes a digit in much the same way."""
        picked = self._rng.integers(0, 2**31, (10, 3))
        return {
            digit: choices[picked[digit] % len(choices)]
            for digit, choices in enumerate(self._digits_by_label())
        }

    def _digits_by_label(self) -> list[npt.NDArray[np.intp]]:
        cached = _INDEX.get(id(self._digits))
        if cached is None:
            cached = [np.flatnonzero(self._digits.labels == digit) for digit in range(10)]
            _INDEX.clear()
            _INDEX[id(self._digits)] = cached
        return cached

    def _redrawn(self, label: int, height: float, aspect: float) -> Patch:
        """An MNIST image in this writer's size, slant and pen."""
        rng = self._rng
        distance, slant, width_px = _outline(
            self._digits.images[rng.choice(self._lookalikes[label])]
        )
        rows, columns = distance.shape
        margin = 3.0 * _ZOOM  # of the paper around the digit in its outline
        scale = height / (rows - 2 * margin)  # pixels of the result a pixel of the outline
        stretch = scale * float(np.clip(aspect, 0.6, 2.4))
        if label == 1:
            stretch = scale
        lean = self._lean() + (-slant if self._evens_slant else -0.1)
        lean += self._one_lean * (label == 1)
        # Where each pixel of the result comes from.
        corners_x = np.array(
            [0, columns * stretch, lean * height, columns * stretch + lean * height]
        )
        reach = 3 + round(self._bend * height * 2)
        left = int(np.floor(min(corners_x.min(), 0))) - reach
        right = int(np.ceil(corners_x.max())) + reach
        top, bottom = -round(margin * scale) - reach, round(height + margin * scale) + reach
        y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
        if self._bend:
            bent = rng.normal(0, self._bend * height, (2, 4, 4)).astype(np.float32)
            size = (x.shape[1], x.shape[0])
            x = x + cv2.resize(bent[0], size, interpolation=cv2.INTER_CUBIC)
            y = y + cv2.resize(bent[1], size, interpolation=cv2.INTER_CUBIC)
        source_x = (x - lean * (height - y)) / np.float32(stretch) + np.float32(margin)
        source_y = y / np.float32(scale) + np.float32(margin)
        far = float(distance.min())
        field = cv2.remap(
            distance, source_x.astype(np.float32), source_y.astype(np.float32), cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT, borderValue=far,
        )  # fmt: skip
        mean_scale = (scale * stretch) ** 0.5
        # The middle line always stays, however fine the pen.
        growth = max(
            (self._pen() - width_px * mean_scale) / 2, 0.7 - float(distance.max()) * mean_scale
        )
        ink = np.clip(field * np.float32(mean_scale) + np.float32(growth + 0.5), 0, 1)
        drop = round(self.height_px - height + self._lift())
        return Patch(ink, left, top + drop, (columns - 2 * margin) * stretch)

    def _own_shape(self, digit: int, index: int) -> list[Curve]:
        """The writer's own version of one of our shapes."""
        return self._bend_shape(_SHAPES[digit][index])

    def _bend_shape(self, shape: Shape) -> list[Curve]:
        return [_bent(np.array(points), self._own_bend, self._rng) for points in shape]

    def _drawn(
        self, shape: Sequence[Curve], height: float, aspect: float, more_lean: float = 0.0
    ) -> Patch:
        """A shape in a box of side 1, a little different each time."""
        shift = np.array([0.0, self.height_px - height + self._lift()])
        size = np.array([aspect * height, height])
        curves = [
            smooth(_bent(points, self._wobble, self._rng) * size + shift, 8) for points in shape
        ]
        return self._stroked(curves, self._lean() + more_lean)

    def _stroked(self, curves: list[Curve], lean: float) -> Patch:
        """Draw curves, in upright pixels, leaned, with the pen."""
        return draw_patch(curves, lean, self.height_px, self._pen())

    def _lean(self) -> float:
        return self._slant + float(self._rng.normal(0, 0.04))

    def _lift(self) -> float:
        return float(self._rng.normal(0, self._lift_sd)) * self.height_px

    def _pen(self) -> float:
        return self.pen_px * float(np.exp(self._rng.normal(0, 0.08)))


def _bent(control: Curve, sd: float, rng: np.random.Generator) -> Curve:
    """Move control points a little, by as much where one is repeated: a corner stays a corner."""
    moves = rng.normal(0, sd, control.shape)
    repeated = np.all(control[1:] == control[:-1], axis=1)
    moves[1:][repeated] = moves[:-1][repeated]
    return control + moves


def _flagged_one(rng: np.random.Generator) -> list[Curve]:
    """A 1 with a flag, now and then with a foot; in a box of side 1, y down."""
    top = rng.uniform(0.4, 0.6)
    reach, drop = rng.uniform(0.1, 0.65), rng.uniform(0.05, 0.95)
    sag = rng.normal(0.0, 0.05)
    foot = top + rng.normal(0.0, 0.06)
    start = (top - reach, drop)
    bend = (top - reach / 2 + sag, drop / 2 + sag)
    stem = [start, bend, (top, 0.0), (top, 0.0), ((top + foot) / 2, 0.5), (foot, 1.0)]
    shape = [np.array(stem)]
    if rng.random() < 0.25:
        left, right = rng.uniform(0.1, 0.5, 2)
        shape.append(np.array([(foot - left, 1.0), (foot, 1.0), (foot + right, 1.0)]))
    return shape


_INDEX: dict[int, list[npt.NDArray[np.intp]]] = {}


def _outline(glyph: npt.NDArray[np.uint8]) -> tuple[Floats, float, float]:
    """Return an image's signed distance to the outline, its slant, and its strokes' width.

    Returns:
        (H, W) float32 in pixels, positive on the ink, cropped to it with a margin of 3 * _ZOOM; the
        tangent of its slant; the width in those pixels.
    """
    x, y, width, height = cv2.boundingRect((glyph > 100).astype(np.uint8))
    digit = np.pad(glyph[y : y + height, x : x + width], 3)
    size = (digit.shape[1] * _ZOOM, digit.shape[0] * _ZOOM)
    large = cv2.resize(digit, size, interpolation=cv2.INTER_CUBIC)
    mask = (large > 110).astype(np.uint8)
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 3)
    distance = inside - outside + np.where(mask > 0, np.float32(-0.5), np.float32(0.5))
    moments = cv2.moments(digit)
    slant = -moments["mu11"] / moments["mu02"] if moments["mu02"] else 0.0
    return distance, float(np.clip(slant, -0.8, 0.8)), estimate_stroke_width(large)
