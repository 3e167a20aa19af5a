"""Building blocks of distortions, for whole batches: random values, blending, smooth noise."""

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
    "blend",
    "draw_clouds",
    "draw_greys",
    "draw_uniform",
    "project_pixels",
    "to_column",
    "to_glyphs",
]

Glyphs = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

Strengths = npt.NDArray[np.floating]
Distortion = Callable[[Glyphs, Strengths, np.random.Generator], Glyphs]

SIDE = GlyphShape.side_px
CENTRE = (SIDE - 1) / 2
AXIS = np.arange(SIDE, dtype=np.float32) - np.float32(CENTRE)  # pixels from the centre


def to_column(values: npt.ArrayLike) -> Floats:
    """Reshape one number for each glyph so that it broadcasts: (N,) becomes (N, 1, 1) float32."""
    return np.asarray(values, np.float32)[:, None, None]


def draw_uniform(rng: np.random.Generator, low: float, high: float, count: int) -> Floats:
    """Draw a uniform random number for each glyph: (count, 1, 1) float32 in [low, high)."""
    return to_column(rng.uniform(low, high, count))


def draw_greys(rng: np.random.Generator, count: int) -> Floats:
    """Draw a grey for each glyph: (count, 1, 1) float32.

    A third are ink (255), a third paper (0), the others uniform between them.
    """
    return np.clip(draw_uniform(rng, -255, 510, count), 0, 255)


def to_glyphs(values: npt.NDArray[np.floating]) -> Glyphs:
    """Convert numbers of any range to uint8, rounded and clipped to 0-255."""
    return np.asarray(np.rint(np.clip(values, 0, 255)), np.uint8)


def blend(glyphs: Glyphs, other: npt.ArrayLike, opacity: npt.ArrayLike) -> Glyphs:
    """Blend glyphs with other values.

    Args:
        glyphs: (N, 28, 28) uint8.
        other: 0 to 255, of a shape that broadcasts to that of the glyphs.
        opacity: in [0, 1], broadcasts likewise; 0 keeps the glyphs, 1 gives ``other``.

    Returns:
        (N, 28, 28) uint8; a new array.
    """
    below = glyphs.astype(np.float32)
    return to_glyphs(
        below + (np.asarray(other, np.float32) - below) * np.asarray(opacity, np.float32)
    )


def project_pixels(angle: Floats) -> Floats:
    """Return the coordinate of each pixel along a direction, relative to the glyph's centre.

    Args:
        angle: (N, 1, 1), radians from the x axis towards the y axis, which points down.

    Returns:
        (N, 28, 28) float32, in pixels.
    """
    return AXIS[None, None, :] * np.cos(angle) + AXIS[None, :, None] * np.sin(angle)


def draw_clouds(rng: np.random.Generator, count: int, cells: int) -> Floats:
    """Draw smooth random fields: cubic B-splines of normally distributed control points.

    Args:
        rng: source of randomness.
        count: number of fields.
        cells: spline cells along each side; the fewer, the smoother.

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
    """Return the cubic B-spline weights of each control point at each pixel: (28, cells + 3)."""
    place = (np.arange(SIDE) + 0.5) * cells / SIDE + 1
    distance = np.abs(place[:, None] - np.arange(cells + 3)[None, :])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.asarray(np.where(distance < 1, near, far), np.float32)
