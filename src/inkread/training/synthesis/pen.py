"""Draws strokes with a simulated pen, and distorts ink as handwriting varies."""

from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from inkread.imaging import normalize
from inkread.training.synthesis.fonts import CANVAS_PX

__all__ = ["distort_ink", "draw_strokes"]

Ink = npt.NDArray[np.uint8]


def draw_strokes(
    lines: list[npt.NDArray[np.float64]], rng: np.random.Generator, widest_px: float = 11
) -> Ink:
    """Draw lines with a pen of slightly varying width, distort them, and normalise the result.

    Args:
        lines: (N, 2) float64 each, x then y, in pixels of a canvas of side ``CANVAS_PX``, y down.
        rng: source of randomness for the pen and the distortion.
        widest_px: largest width of the pen, in pixels of that canvas.

    Returns:
        (28, 28) uint8, ink 255 on paper 0.
    """
    ink = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    pen_px, change = np.exp(rng.uniform(np.log(1.6), np.log(widest_px))), rng.uniform(0, 0.35)
    for line in lines:
        widths = pen_px * (1 + change * np.sin(np.arange(len(line)) / 9 + rng.uniform(0, 6)))
        vertices = np.rint(line * 16).astype(int).tolist()
        for (start, end), width in zip(pairwise(vertices), widths, strict=False):
            cv2.line(ink, start, end, 255, max(1, round(width)), cv2.LINE_AA, shift=4)
    return normalize.make_glyph(distort_ink(ink, rng))


def distort_ink(ink: Ink, rng: np.random.Generator) -> Ink:
    """Distort ink by a random perspective with slant and rotation, and a smooth displacement.

    Args:
        ink: (CANVAS_PX, CANVAS_PX) uint8, ink 255 on paper 0.
        rng: source of all randomness.

    Returns:
        (CANVAS_PX, CANVAS_PX) uint8, ink 255 on paper 0; ``ink`` itself if the distortion would
        move all of it off the canvas.
    """
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
