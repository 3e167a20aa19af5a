"""Seeded changes of a glyph's shape: what other hands and pens do to a digit.

The elastic distortion follows Simard, Steinkraus and Platt 2003 ("Best practices for convolutional
neural networks applied to visual document analysis"), with the smooth displacement field drawn on
a coarse grid and interpolated by cubic B-splines instead of blurred white noise.
"""

from dataclasses import asdict, dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread.imaging.normalize import GlyphShape

__all__ = ["Augmentation", "augment"]

_SIDE = GlyphShape.side_px
_GRID = 6  # control points a side of the elastic displacement field


@dataclass(frozen=True)
class Augmentation:
    """How far glyphs are distorted: ranges are symmetric about "no change" and drawn uniformly.

    Attributes:
        rotation_deg: largest rotation.
        shear: largest horizontal shear (tangent of the slant).
        log_scale: largest change of the logarithm of the size.
        log_aspect: largest change of the logarithm of width over height.
        shift_px: largest translation, horizontal and vertical.
        elastic_px: standard deviation of the elastic displacement at its control points.
        stroke: largest change of stroke width, in pixels added on each side; at most 1.
    """

    rotation_deg: float = 0.0
    shear: float = 0.0
    log_scale: float = 0.0
    log_aspect: float = 0.0
    shift_px: float = 0.0
    elastic_px: float = 0.0
    stroke: float = 0.0

    def scaled(self, factor: float) -> "Augmentation":
        """Return an augmentation whose every range is ``factor`` times this one's."""
        return Augmentation(**{name: factor * range_ for name, range_ in asdict(self).items()})


def augment(
    glyphs: npt.NDArray[np.uint8], how: Augmentation, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Distort every glyph in its own way.

    Args:
        glyphs: (N, 28, 28) uint8, ink 255 on paper 0.
        how: the ranges of the distortions.
        rng: decides everything; the same state gives the same result.

    Returns:
        (N, 28, 28) uint8, ink 255 on paper 0; a new array.
    """
    maps = _sampling_maps(len(glyphs), how, rng)
    strokes = rng.uniform(-how.stroke, how.stroke, len(glyphs))
    result = np.empty(glyphs.shape, np.uint8)
    for index, glyph in enumerate(glyphs):
        warped = cv2.remap(glyph, maps[index, 0], maps[index, 1], cv2.INTER_LINEAR)
        result[index] = _change_stroke(warped, strokes[index])
    return result


def _sampling_maps(
    count: int, how: Augmentation, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Where each pixel of the result is taken from: (N, 2, 28, 28) float32, x then y."""
    angle = np.deg2rad(rng.uniform(-how.rotation_deg, how.rotation_deg, count))
    shear = rng.uniform(-how.shear, how.shear, count)
    scale = np.exp(-rng.uniform(-how.log_scale, how.log_scale, count))
    aspect = np.exp(0.5 * rng.uniform(-how.log_aspect, how.log_aspect, count))
    shift = rng.uniform(-how.shift_px, how.shift_px, (count, 2))
    cosine, sine = np.cos(angle), np.sin(angle)
    x_scale, y_scale = scale / aspect, scale * aspect
    matrices = np.empty((count, 2, 2))  # rotation @ shear @ scale
    matrices[:, 0, 0] = cosine * x_scale
    matrices[:, 0, 1] = (cosine * shear - sine) * y_scale
    matrices[:, 1, 0] = sine * x_scale
    matrices[:, 1, 1] = (sine * shear + cosine) * y_scale

    centre = (_SIDE - 1) / 2
    axis = np.arange(_SIDE) - centre
    grid = np.stack(np.meshgrid(axis, axis)).reshape(2, -1)  # x then y
    # Many small products: one large one would be taken up by the threads of NumPy's BLAS, which
    # wait for the processors that the network is training on.
    maps = (matrices @ grid + (shift + centre)[:, :, None]).reshape(count, 2, _SIDE, _SIDE)
    if how.elastic_px:
        control = rng.normal(0.0, how.elastic_px, (count, 2, _GRID, _GRID))
        maps += _SPLINE @ control @ _SPLINE.T
    return np.asarray(maps, np.float32)


def _spline_basis() -> npt.NDArray[np.float64]:
    """Cubic B-spline weights of the control points at each pixel: (28, _GRID)."""
    distance = np.abs(np.linspace(0.5, _GRID - 1.5, _SIDE)[:, None] - np.arange(_GRID)[None, :])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.where(distance < 1, near, far)


_SPLINE = _spline_basis()
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def _change_stroke(glyph: npt.NDArray[np.uint8], amount: float) -> npt.NDArray[np.uint8]:
    """Thicken (amount > 0) or thin (amount < 0) by that share of a pixel on each side."""
    if abs(amount) < 0.05:
        return glyph
    other = (cv2.dilate if amount > 0 else cv2.erode)(glyph, _CROSS)
    weight = min(abs(amount), 1.0)
    return np.asarray(cv2.addWeighted(glyph, 1 - weight, other, weight, 0))
