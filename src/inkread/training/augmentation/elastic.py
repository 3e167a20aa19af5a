"""Seeded data augmentation of glyphs: affine and elastic distortion, and stroke width.

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
_NUM_CONTROL_POINTS = 6  # along each side of the elastic displacement field


@dataclass(frozen=True)
class Augmentation:
    """Ranges of the random distortions: uniform and symmetric about "no change".

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

    def scale(self, factor: float) -> "Augmentation":
        """Return an augmentation with all ranges multiplied by ``factor``."""
        return Augmentation(**{name: factor * range_ for name, range_ in asdict(self).items()})


def augment(
    glyphs: npt.NDArray[np.uint8], how: Augmentation, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Distort glyphs, each with its own random parameters.

    Args:
        glyphs: (N, 28, 28) uint8, ink 255 on paper 0.
        how: the ranges of the distortions.
        rng: source of all randomness; the same state gives the same result.

    Returns:
        (N, 28, 28) uint8, ink 255 on paper 0; a new array.
    """
    maps = _draw_sampling_maps(len(glyphs), how, rng)
    strokes = rng.uniform(-how.stroke, how.stroke, len(glyphs))
    result = np.empty(glyphs.shape, np.uint8)
    for index, glyph in enumerate(glyphs):
        warped = cv2.remap(glyph, maps[index, 0], maps[index, 1], cv2.INTER_LINEAR)
        result[index] = _change_stroke(warped, strokes[index])
    return result


def _draw_sampling_maps(
    count: int, how: Augmentation, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Return the source position of each pixel: (N, 2, 28, 28) float32, x then y, in pixels."""
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
    # Many small matrix products instead of a large one, which NumPy's BLAS would run in threads
    # that compete with the training of the network for the processor cores.
    maps = (matrices @ grid + (shift + centre)[:, :, None]).reshape(count, 2, _SIDE, _SIDE)
    if how.elastic_px:
        control = rng.normal(
            0.0, how.elastic_px, (count, 2, _NUM_CONTROL_POINTS, _NUM_CONTROL_POINTS)
        )
        maps += _SPLINE @ control @ _SPLINE.T
    return np.asarray(maps, np.float32)


def _compute_spline_basis() -> npt.NDArray[np.float64]:
    """Return cubic B-spline weights at each pixel: (28, _NUM_CONTROL_POINTS) float64."""
    distance = np.abs(
        np.linspace(0.5, _NUM_CONTROL_POINTS - 1.5, _SIDE)[:, None]
        - np.arange(_NUM_CONTROL_POINTS)[None, :]
    )
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.where(distance < 1, near, far)


_SPLINE = _compute_spline_basis()
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def _change_stroke(glyph: npt.NDArray[np.uint8], amount: float) -> npt.NDArray[np.uint8]:
    """Thicken (amount > 0) or thin (amount < 0) strokes by a fraction of a pixel on each side."""
    if abs(amount) < 0.05:
        return glyph
    other = (cv2.dilate if amount > 0 else cv2.erode)(glyph, _CROSS)
    weight = min(abs(amount), 1.0)
    return np.asarray(cv2.addWeighted(glyph, 1 - weight, other, weight, 0))
