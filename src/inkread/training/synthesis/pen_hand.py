"""A writer who may be a real one, and who may write shapes that are rare everywhere."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from inkread.training.handwriting.pens import PenSample
from inkread.training.mnist import Split
from inkread.training.synthesis.drawn_digits import smooth
from inkread.training.synthesis.patches import Patch
from inkread.training.synthesis.pen_writers import PenWriter, PenWriters, Redrawing, redraw
from inkread.training.synthesis.rare_shapes import RARE_SHAPES
from inkread.training.synthesis.writer import Hand

__all__ = ["PenHand"]

Curve = npt.NDArray[np.float64]  # (N, 2): x, y, y down

_RARE_SHARE = 0.2  # of the writers, those who write some digits in rare shapes
_RARE_DIGITS = 0.3  # of the digits of such a writer
_JOINING = 0.1  # of the writers, those who join digits
_KEEPS_FLAG = 0.4  # of the real writers, those who write a 1 as we would let them
_MAX_JOIN = 0.9  # longest stroke between two digits, as a share of their height


class PenHand(Hand):
    """One writer with one pen, like ``Hand``; the shapes may be those of a real writer.

    A real writer's strokes are redrawn with a pen and a speed of our making. Some writers, real or
    not, write a few digits in shapes that are rare everywhere: a slashed zero, a 4 like a bolt.
    """

    def __init__(
        self, digits: Split, rng: np.random.Generator, height_px: float, writers: PenWriters
    ) -> None:
        """Draw the habits.

        Args:
            digits: the images to write with, MNIST's training images.
            rng: decides everything, now and in all that is written.
            height_px: of the tall digits.
            writers: the real writers, of whom this may be one.
        """
        scanned = writers.draw_scanned(rng)
        super().__init__(scanned or digits, rng, height_px, own_shapes=scanned is None)
        self._rare: dict[int, list[Curve]] = {}
        if rng.random() < _RARE_SHARE:
            self._rare = {
                digit: self._bend_shape(shapes[rng.integers(len(shapes))])
                for digit, shapes in RARE_SHAPES.items()
                if rng.random() < _RARE_DIGITS
            }
        self._join_share = rng.uniform(0.1, 0.8) if rng.random() < _JOINING else 0.0
        self._real: PenWriter | None = None
        if scanned is None and rng.random() < writers.share:
            self._become(writers.draw(rng))

    def _become(self, writer: PenWriter) -> None:
        """Write as a real writer does; which pen, and how fast, is still of our making."""
        rng = self._rng
        self._real = writer
        self._slant = float(rng.normal(0.0, 0.12))  # beside the writer's own
        self._redrawing = Redrawing(
            rounding=float(rng.choice([0.0, rng.uniform(0.0, 0.06)])),
            bend=rng.uniform(0.0, 0.03),
            stretch=float(np.exp(rng.normal(0.0, 0.12))),
        )
        # A sample's box doesn't say how tall it was beside the others.
        self._heights = np.exp(rng.normal(0.0, 0.06, 10))
        self._zero_height = max(0.65, float(self._zero_height))
        if rng.random() > _KEEPS_FLAG:
            self._one, self._one_lean = None, 0.0

    def digit(self, label: int) -> Patch:
        """Write a digit."""
        rng = self._rng
        rare, real = self._rare.get(label), self._real
        samples = real.digits[label] if real is not None else ()
        if rare is None and (not samples or (label == 1 and self._one is not None)):
            return super().digit(label)
        height = self.height_px * float(np.exp(rng.normal(0.0, self._height_sd)))
        if label == 0:
            height *= float(self._zero_height)
        if rare is not None:
            aspect = 0.62 * self._aspect * float(np.exp(rng.normal(0.0, 0.1)))
            return self._drawn(rare, height, aspect)
        sample = samples[rng.integers(len(samples))]
        return self._draw_sample(sample, height * float(self._heights[label]))

    def letter(self, character: str | None = None) -> Patch:
        """Write a letter or symbol that is no digit; a random one if none is named."""
        if character is None and self._real is not None and (known := self._real.letters):
            size = self.height_px * self._rng.uniform(0.5, 1.05)
            return self._draw_sample(known[self._rng.integers(len(known))], size)
        return super().letter(character)

    def whole_number(self, sample: PenSample) -> Patch:
        """Write a whole number as a real writer did."""
        rng = self._rng
        how = Redrawing(
            rounding=float(rng.choice([0.0, rng.uniform(0.0, 0.05)])),
            bend=rng.uniform(0.0, 0.04),
            stretch=float(np.exp(rng.normal(0.0, 0.12))),
        )
        curves = [curve * self.height_px for curve in redraw(sample, rng, how)]
        return self._stroked(curves, float(rng.normal(0.0, 0.12)))

    def join(self, start: Curve, end: Curve) -> Patch | None:
        """Draw the stroke between two digits, if they are written in one go.

        Args:
            start: (2,) where the pen comes from: x, and y from the top of the tall digits, in
                pixels.
            end: (2,) where it goes.

        Returns:
            The stroke, its ``left`` from the origin of ``start``; ``None`` where the pen is lifted:
            mostly, and always where the way is long or leads back.
        """
        across, down = (end - start) / self.height_px
        is_short = 0 < across < _MAX_JOIN and abs(down) < 1
        if not is_short or self._rng.random() >= self._join_share:
            return None
        sag = self._rng.normal(0.0, 0.06) * self.height_px
        middle = (start + end) / 2 + [0.0, sag]
        patch = self._stroked([smooth(np.stack([start, middle, end]), 6)], 0.0)
        return replace(patch, left=patch.left + round(min(start[0], middle[0], end[0])))

    def _draw_sample(self, sample: PenSample, height: float) -> Patch:
        """A sample of a real writer, in this height, on the line."""
        curves = redraw(sample, self._rng, self._redrawing)
        bottom = max(curve[:, 1].max() for curve in curves)
        drop = self.height_px - bottom * height + self._lift()
        return self._stroked(
            [curve * height + np.array([0.0, drop]) for curve in curves], self._lean()
        )
