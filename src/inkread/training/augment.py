"""Seeded distortions of glyphs: what other hands, pens and cameras do to a digit.

The elastic distortion follows Simard, Steinkraus and Platt 2003 ("Best practices for convolutional
neural networks applied to visual document analysis"), with the smooth displacement field drawn on
a coarse grid and interpolated by cubic B-splines instead of blurred white noise.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Augmentation", "augment"]

_SIDE = 28
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
        photometric: probability of each of: blur, noise, fading, specks, and a line across.
    """

    rotation_deg: float = 0.0
    shear: float = 0.0
    log_scale: float = 0.0
    log_aspect: float = 0.0
    shift_px: float = 0.0
    elastic_px: float = 0.0
    stroke: float = 0.0
    photometric: float = 0.0


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
    if how.photometric:
        for glyph in result:
            _expose(glyph, how.photometric, rng)
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
    grid = np.stack(np.meshgrid(axis, axis))  # (2, 28, 28), x then y
    maps = np.einsum("nij,jhw->nihw", matrices, grid) + (shift + centre)[:, :, None, None]
    if how.elastic_px:
        control = rng.normal(0.0, how.elastic_px, (count, 2, _GRID, _GRID))
        maps += np.einsum("hi,ncij,wj->nchw", _SPLINE, control, _SPLINE, optimize=True)
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


def _expose(glyph: npt.NDArray[np.uint8], chance: float, rng: np.random.Generator) -> None:
    """Spoil one glyph, in place, as paper, pen and camera do; each way with the given chance."""
    blur, noise, fade, specks, line = rng.random(5) < chance
    if specks:
        for x, y in rng.integers(1, _SIDE - 1, (rng.integers(1, 4), 2)):
            cv2.circle(glyph, (int(x), int(y)), 0, int(rng.integers(80, 256)), 1)
    if line:
        (x0, y0), (x1, y1) = rng.integers(0, _SIDE, (2, 2)).tolist()
        if rng.random() < 0.5:  # from edge to edge, as a ruled line runs
            (x0, x1), y1 = (0, _SIDE - 1), y0 + int(rng.integers(-2, 3))
        cv2.line(glyph, (x0, y0), (x1, y1), int(rng.integers(40, 200)), 1, cv2.LINE_AA)
    if blur:
        glyph[:] = cv2.GaussianBlur(glyph, (0, 0), rng.uniform(0.4, 1.2))
    if fade:  # pale ink on paper that is not clean
        low, high = rng.uniform(0, 60), rng.uniform(120, 255)
        glyph[:] = np.clip(low + glyph * ((high - low) / 255), 0, 255)
    if noise:
        grain = rng.normal(0, rng.uniform(5, 50), glyph.shape)
        glyph[:] = np.clip(glyph + grain, 0, 255)
