"""Distortions of a glyph's geometry: stroke width, translation, scale, rotation and shear."""

import cv2
import numpy as np
import numpy.typing as npt

from inkread.training.augmentation.blending import (
    CENTRE,
    SIDE,
    Distortion,
    Glyphs,
    Strengths,
    blend,
    to_column,
)

__all__ = ["SHAPE_DISTORTIONS", "dilate", "get_neighbours"]


def get_neighbours(glyphs: Glyphs, edge: int) -> tuple[Glyphs, ...]:
    """Return the glyphs and copies shifted by one pixel in four directions, (N, 28, 28) uint8 each.

    Args:
        glyphs: (N, 28, 28) uint8.
        edge: the value outside of the glyphs, 0-255.
    """
    framed = np.pad(glyphs, ((0, 0), (1, 1), (1, 1)), constant_values=edge)
    shifted = framed[:, :-2, 1:-1], framed[:, 2:, 1:-1], framed[:, 1:-1, :-2], framed[:, 1:-1, 2:]
    return (glyphs, *shifted)


def dilate(glyphs: Glyphs) -> Glyphs:
    """Dilate ink by one pixel in four directions: (N, 28, 28) uint8."""
    return np.asarray(np.maximum.reduce(get_neighbours(glyphs, 0)))


def _erode(glyphs: Glyphs) -> Glyphs:
    return np.asarray(np.minimum.reduce(get_neighbours(glyphs, 255)))


def _thicken(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Thicken strokes by up to 2 pixels on each side, as a broad pen."""
    del rng
    for step in range(2):
        share = np.clip(2 * to_column(strength) - step, 0, 1)
        glyphs = blend(glyphs, dilate(glyphs), share)
    return glyphs


def _thin(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Thin strokes by up to 2 pixels on each side, keeping lines that erosion would delete."""
    del rng
    for step in range(2):
        share = np.clip(2 * to_column(strength) - step, 0, 1)
        core = _erode(glyphs)
        ridge = glyphs - np.minimum(glyphs, dilate(core))  # lines too thin for erosion
        glyphs = blend(glyphs, np.maximum(core, ridge), share)
    return glyphs


def _warp(glyphs: Glyphs, matrices: npt.NDArray[np.float64], shifts: npt.ArrayLike = 0.0) -> Glyphs:
    """Transform by (N, 2, 2) matrices about the centre and (N, 2) shifts in pixels, x then y."""
    result = np.empty_like(glyphs)
    moved = np.asarray(shifts) + CENTRE - matrices.sum(axis=2) * CENTRE
    transforms = np.concatenate([matrices, moved[:, :, None]], axis=2)
    for index, glyph in enumerate(glyphs):
        result[index] = cv2.warpAffine(glyph, transforms[index], (SIDE, SIDE))
    return result


def _shift(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Shift by up to 6 pixels in x and y, less where over a tenth of the ink would be cut off."""
    shifts = 6 * strength[:, None] * rng.choice([-1, 1], (len(glyphs), 2))
    for axis in (0, 1):  # x, y
        profile = glyphs.sum(axis=1 + axis, dtype=np.float64)  # ink by column, by row
        profile = np.where(shifts[:, axis, None] > 0, profile[:, ::-1], profile)
        lost = np.cumsum(profile, axis=1) <= 0.05 * profile.sum(axis=1, keepdims=True)
        shifts[:, axis] = np.clip(shifts[:, axis], -lost.sum(axis=1), lost.sum(axis=1))
    return _warp(glyphs, np.tile(np.eye(2), (len(glyphs), 1, 1)), shifts)


def _scale(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Scale by a factor between 0.5 and 1.3."""
    scale = np.where(rng.random(len(glyphs)) < 0.6, 0.5, 1.3) ** strength
    return _warp(glyphs, scale[:, None, None] * np.eye(2))


def _rotate(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Rotate by up to 35 degrees."""
    angle = np.deg2rad(35) * strength * rng.choice([-1.0, 1.0], len(glyphs))
    cosine, sine = np.cos(angle), np.sin(angle)
    return _warp(glyphs, np.moveaxis(np.array([[cosine, -sine], [sine, cosine]]), 2, 0))


def _shear(glyphs: Glyphs, strength: Strengths, rng: np.random.Generator) -> Glyphs:
    """Shear horizontally by a tangent of up to 0.6."""
    slant = 0.6 * strength * rng.choice([-1.0, 1.0], len(glyphs))
    matrices = np.tile(np.eye(2), (len(glyphs), 1, 1))
    matrices[:, 0, 1] = slant
    return _warp(glyphs, matrices)


SHAPE_DISTORTIONS: dict[str, Distortion] = {
    "thick": _thicken,
    "thin": _thin,
    "shift": _shift,
    "scale": _scale,
    "rotation": _rotate,
    "shear": _shear,
}
