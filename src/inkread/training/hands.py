"""Hands: writers who each have habits of their own, and write digits, separators and letters.

A digit is an MNIST training image, bent and redrawn with the writer's pen, or one of our own shapes
where MNIST's American hands lack it: a 1 with a flag or a foot, a barred 7, an open 4, a 9 like a
P, slashed zeros, wide zeros, zeros chained to one another. Or the writer is a real one of the pen
data, whose strokes are redrawn with another pen.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from inkread.normalize import stroke_width
from inkread.training.digits import BARRED_SEVENS, CHAINED, MORE_SHAPES, SHAPES, Shape
from inkread.training.letters import LETTERS, strokes
from inkread.training.mnist import Split
from inkread.training.patches import Patch, draw_strokes
from inkread.training.pen_writers import PenWriter, PenWriters, Redrawing, redrawn
from inkread.training.pens import PenSample
from inkread.training.rare_shapes import RARE_SHAPES
from inkread.training.synth import smooth

__all__ = ["Hand"]

Floats = npt.NDArray[np.float32]
Curve = npt.NDArray[np.float64]  # (N, 2): x, y, y down

_ZOOM = 2  # an MNIST image is enlarged by this before its outline is taken
_RARE_SHARE = 0.25  # of the writers, those who write some digits in rare shapes
_RARE_DIGITS = 0.3  # of the digits of such a writer
_JOINING = 0.15  # of the writers, those who join digits
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
        pens: PenWriters | None = None,
    ) -> None:
        """Draw the habits.

        Args:
            digits: the images to write with, MNIST's training images.
            rng: decides everything, now and in all that is written.
            height_px: of the tall digits.
            own_shapes: write some digits in shapes of ours; else all are MNIST images.
            pens: real writers, of whom this may be one.
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
        # Of some digits a shape that is rare everywhere: a slashed zero, a 4 like a lightning bolt.
        self._rare: dict[int, list[Curve]] = {}
        if own_shapes and rng.random() < _RARE_SHARE:
            self._rare = {
                digit: self._bent_shape(shapes[rng.integers(len(shapes))])
                for digit, shapes in RARE_SHAPES.items()
                if rng.random() < _RARE_DIGITS
            }
        # How often two digits are joined by a stroke.
        self.joins = rng.uniform(0.1, 0.8) if own_shapes and rng.random() < _JOINING else 0.0
        self._real: PenWriter | None = None
        if pens is not None and rng.random() < pens.share:
            self._become(pens.draw(rng))

    def _become(self, writer: PenWriter) -> None:
        """Write as a real writer does; what pen, and how fast, is still of our making."""
        rng = self._rng
        self._real = writer
        self._slant = float(rng.normal(0.0, 0.12))  # beside the writer's own
        self._redrawing = Redrawing(
            rounding=float(rng.choice([0.0, rng.uniform(0.0, 0.06)])),
            bend=rng.uniform(0.0, 0.03),
            stretch=float(np.exp(rng.normal(0.0, 0.12))),
        )
        # Samples have lost how tall they were beside one another.
        self._heights = np.exp(rng.normal(0.0, 0.06, 10))
        self._zero_height = max(0.65, float(self._zero_height))

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
        if (rare := self._rare.get(label)) is not None and rng.random() < 0.9:
            return self._drawn(rare, height, 0.62 * aspect)
        if self._real is not None and (samples := self._real.digits[label]):
            sample = samples[rng.integers(len(samples))]
            return self._penned(sample, height * float(self._heights[label]))
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
        if character is None and self._real and (known := self._real.letters):
            size = self.height_px * rng.uniform(0.5, 1.05)
            return self._penned(known[rng.integers(len(known))], size)
        ways = LETTERS[character or str(rng.choice(_CLEAR_LETTERS))]
        size = self.height_px * rng.uniform(0.6, 1.05)
        shift = np.array([0.0, self.height_px - size])
        scale = np.array([0.75 * self._aspect, 1.0]) * size
        curves = strokes(ways[rng.integers(len(ways))], rounded=rng.random() < 0.3)
        return self._stroked([smooth(curve * scale + shift, 8) for curve in curves], self._lean())

    def whole(self, sample: PenSample) -> Patch:
        """Write a whole number as a real writer did."""
        how = Redrawing(
            rounding=float(self._rng.choice([0.0, self._rng.uniform(0.0, 0.05)])),
            bend=self._rng.uniform(0.0, 0.04),
            stretch=float(np.exp(self._rng.normal(0.0, 0.12))),
        )
        curves = redrawn(sample, self._rng, how)
        lean = float(self._rng.normal(0.0, 0.12))  # beside the writer's own
        return self._stroked([curve * self.height_px for curve in curves], lean)

    def join(self, start: Curve, end: Curve) -> Patch:
        """Draw the stroke between two digits that were written in one go.

        Args:
            start: (2,) where the pen comes from: x, y from the top of the tall digits, in pixels.
            end: (2,) where it goes.

        Returns:
            The stroke; its ``left`` is from the same origin as the x of ``start``.
        """
        sag = self._rng.normal(0.0, 0.06) * self.height_px
        middle = (start + end) / 2 + [0.0, sag]
        patch = self._stroked([smooth(np.stack([start, middle, end]), 6)], 0.0)
        return replace(patch, left=patch.left + round(min(start[0], middle[0], end[0])))

    def _penned(self, sample: PenSample, height: float) -> Patch:
        """A sample of a real writer, in this height, on the line."""
        curves = redrawn(sample, self._rng, self._redrawing)
        bottom = max(curve[:, 1].max() for curve in curves)
        drop = self.height_px - bottom * height + self._lift()
        return self._stroked(
            [curve * height + np.array([0.0, drop]) for curve in curves], self._lean()
        )

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
        return self._bent_shape(_SHAPES[digit][index])

    def _bent_shape(self, shape: Shape) -> list[Curve]:
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
        return draw_strokes(curves, lean, self.height_px, self._pen())

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
    return distance, float(np.clip(slant, -0.8, 0.8)), stroke_width(large)
