"""What distortions are made of, a batch at a time: greys, opacities, directions, clouds."""

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from inkread.imaging.normalize import GlyphShape

__all__ = [
    "AXIS",
    "CENTRE",
    "SIDE",
    "Distortion",
    "Floats",
    "Glyphs",
    "Strengths",
    "across",
    "as_glyphs",
    "blend",
    "clouds",
    "column",
    "greys",
    "uniform",
]

Glyphs = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

Strengths = npt.NDArray[np.floating]
Distortion = Callable[[Glyphs, Strengths, np.random.Generator], Glyphs]

SIDE = GlyphShape.side_px
CENTRE = (SIDE - 1) / 2
AXIS = np.arange(SIDE, dtype=np.float32) - np.float32(CENTRE)  # pixels from the centre


def column(values: npt.ArrayLike) -> Floats:
    """Return one number a glyph so that it multiplies glyphs: (N,) becomes (N, 1, 1) float32."""
    return np.asarray(values, np.float32)[:, None, None]


def uniform(rng: np.random.Generator, low: float, high: float, count: int) -> Floats:
    """Return one uniform random number a glyph, as a column: (count, 1, 1) float32."""
    return column(rng.uniform(low, high, count))


def greys(rng: np.random.Generator, count: int) -> Floats:
    """Return one grey a glyph, as a column: a third each ink (255), paper (0) and any between."""
    return np.clip(uniform(rng, -255, 510, count), 0, 255)


def as_glyphs(values: npt.NDArray[np.floating]) -> Glyphs:
    """Return numbers of any range as uint8, rounded and limited to 0 and 255."""
    return np.asarray(np.rint(np.clip(values, 0, 255)), np.uint8)


def blend(glyphs: Glyphs, other: npt.ArrayLike, opacity: npt.ArrayLike) -> Glyphs:
    """Lay something over glyphs.

    Args:
        glyphs: (N, 28, 28) uint8.
        other: 0 to 255, of a shape that broadcasts to that of the glyphs.
        opacity: in [0, 1], likewise; at 0 the glyphs stay, at 1 only ``other`` is seen.

    Returns:
        (N, 28, 28) uint8; a new array.
    """
    below = glyphs.astype(np.float32)
    return as_glyphs(
        below + (np.asarray(other, np.float32) - below) * np.asarray(opacity, np.float32)
    )


def across(angle: Floats) -> Floats:
    """Return how far each pixel lies from the centre in a direction.

    Args:
        angle: (N, 1, 1), radians from the x axis towards the y axis, which points down.

    Returns:
        (N, 28, 28) float32, pixels.
    """
    return AXIS[None, None, :] * np.cos(angle) + AXIS[None, :, None] * np.sin(angle)


def clouds(rng: np.random.Generator, count: int, cells: int) -> Floats:
    """Return smooth random fields, the smoother the fewer their cells a side.

    Returns:
        (count, 28, 28) float32, each of mean 0 and standard deviation 1.
    """
    basis = _spline(cells)
    control = rng.standard_normal((count, cells + 3, cells + 3), np.float32)
    fields = basis @ control @ basis.T
    fields -= fields.mean(axis=(1, 2), keepdims=True)
    return np.asarray(fields / fields.std(axis=(1, 2), keepdims=True))


@cache
def _spline(cells: int) -> Floats:
    """Cubic B-spline weights of cells + 3 control points at each pixel: (28, cells + 3)."""
    place = (np.arange(SIDE) + 0.5) * cells / SIDE + 1
    distance = np.abs(place[:, None] - np.arange(cells + 3)[None, :])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.asarray(np.where(distance < 1, near, far), np.float32)
