"""Synthetic digits rendered from stroke shapes, optionally on synthetic paper.

Used for sample pictures and tests with known labels, and as training data for shapes that are rare
in MNIST: a 1 with a flag or a foot, a closed 4, a barred 7. No real handwriting is used.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread.errors import ConfigError
from inkread.imaging.normalize import make_glyph
from inkread.results import Box
from inkread.training.mnist import Split
from inkread.training.synthesis.digit_strokes import SHAPES

__all__ = ["PAPERS", "Writing", "draw_glyphs", "put_on_paper", "smooth", "write"]

PAPERS = ("plain", "grain", "gradient", "shadow", "ruled", "grid")


@dataclass(frozen=True)
class Writing:
    """Rendered digits with their labels and bounding boxes.

    Attributes:
        ink: (H, W) uint8, ink 255 on paper 0, anti-aliased.
        text: the digits, from left to right.
        boxes: the bounding box of each digit's ink, in pixels.
    """

    ink: npt.NDArray[np.uint8]
    text: str
    boxes: tuple[Box, ...]


def write(
    text: str,
    rng: np.random.Generator,
    *,
    height_px: int = 60,
    pen_px: float = 4.0,
    gap: float = 0.35,
) -> Writing:
    """Draw digits in a row, with random variation of each.

    Args:
        text: digits; may be empty.
        rng: source of randomness for shapes, slant, sizes and positions.
        height_px: approximate height of a digit, in pixels.
        pen_px: width of the pen, in pixels.
        gap: approximate space between two digits, as a fraction of the height.

    Returns:
        The ink, its text and a box for each digit, with a margin of half the height around them.
    """
    margin = round(0.5 * height_px)
    slant = rng.uniform(-0.05, 0.25)
    strokes: list[list[npt.NDArray[np.float64]]] = []
    left = float(margin)
    for character in text:
        digit = _draw_digit(int(character), rng, slant, height_px)
        points = np.concatenate(digit)
        shift = np.array([left - points[:, 0].min(), margin + rng.uniform(-0.05, 0.05) * height_px])
        strokes.append([stroke + shift for stroke in digit])
        left += float(np.ptp(points[:, 0])) + gap * height_px * rng.uniform(0.7, 1.3)
    ink = np.zeros((height_px + 2 * margin, round(left + margin)), np.uint8)
    boxes = []
    for digit in strokes:
        own = np.zeros_like(ink)
        for stroke in digit:
            _draw_line(own, stroke, pen_px)
        x, y, width, height = cv2.boundingRect((own > 63).astype(np.uint8))
        boxes.append(Box(x, y, x + width, y + height))
        ink = cv2.max(ink, own)
    return Writing(ink, text, tuple(boxes))


def draw_glyphs(count: int, rng: np.random.Generator) -> Split:
    """Draw normalised glyphs of all digits, with random shapes and pen widths.

    Args:
        count: number of glyphs, at least one; labels cycle through 0-9.
        rng: source of randomness for shapes, slant, sizes and pens.

    Returns:
        Glyphs, (count, 28, 28) uint8, ink 255 on paper 0, and their labels, (count,) uint8.
    """
    labels = np.arange(count) % 10
    images = []
    for label in labels:
        height_px = 60
        strokes = _draw_digit(int(label), rng, rng.uniform(-0.25, 0.4), height_px, 0.03)
        margin = 16
        corner = np.concatenate(strokes).min(axis=0) - margin
        far = np.concatenate(strokes).max(axis=0) + margin
        width, height = np.ceil(far - corner).astype(int)
        ink = np.zeros((height, width), np.uint8)
        pen_px = rng.uniform(2.5, 12.0)
        for stroke in strokes:
            _draw_line(ink, stroke - corner, pen_px)
        images.append(make_glyph(ink))
    return Split(np.stack(images), labels.astype(np.uint8))


def put_on_paper(
    ink: npt.NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    paper: str = "plain",
    paper_rgb: tuple[int, int, int] = (246, 244, 238),
    ink_rgb: tuple[int, int, int] = (35, 40, 90),
) -> npt.NDArray[np.uint8]:
    """Render ink on synthetic paper, as a camera would capture it.

    Args:
        ink: (H, W) uint8, ink 255 on paper 0.
        rng: source of randomness for grain and sensor noise.
        paper: one of ``PAPERS``.
        paper_rgb: colour of the paper.
        ink_rgb: colour of the ink.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        ConfigError: ``paper`` is not in ``PAPERS``.
    """
    if paper not in PAPERS:
        raise ConfigError(f"expected a paper among {PAPERS}, received {paper!r}")
    height, width = ink.shape
    picture: npt.NDArray[np.float32] = np.full((height, width, 3), paper_rgb, np.float32)
    if paper in ("ruled", "grid"):
        _draw_ruling(picture, paper == "grid", max(16, height // 5))
    share = ink[..., None].astype(np.float32) / 255
    picture += (np.array(ink_rgb, np.float32) - picture) * share
    if paper == "grain":
        grain = cv2.GaussianBlur(rng.normal(0, 30, (height, width)).astype(np.float32), (0, 0), 1.2)
        picture += grain[..., None]
    if paper == "gradient":
        ramp = np.linspace(1.0, 0.45, width, dtype=np.float32)[None, :]
        picture *= (ramp * np.linspace(1.0, 0.8, height, dtype=np.float32)[:, None])[..., None]
    if paper == "shadow":
        edge = np.array([[0, 0], [0.55 * width, 0], [0.35 * width, height], [0, height]])
        light = np.ones((height, width), np.float32)
        cv2.fillPoly(light, [edge.astype(np.int32)], 0.55)
        picture *= cv2.GaussianBlur(light, (0, 0), height / 40)[..., None]
    picture += rng.normal(0, 2.0, picture.shape).astype(np.float32)
    return np.clip(picture, 0, 255).astype(np.uint8)


def smooth(control: npt.NDArray[np.float64], steps: int = 12) -> npt.NDArray[np.float64]:
    """Interpolate points by a uniform Catmull-Rom spline.

    Args:
        control: (N, 2), pixels, x then y; N at least 2. A repeated point makes a corner.
        steps: number of curve points for each pair of neighbouring control points.

    Returns:
        (steps * (N - 1) + 1, 2), pixels.
    """
    padded = np.concatenate([control[:1], control, control[-1:]])
    before, start, end, after = (padded[k : len(padded) - 3 + k, None] for k in range(4))
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    pieces = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return np.concatenate([pieces.reshape(-1, 2), control[-1:]])


def _draw_digit(
    digit: int,
    rng: np.random.Generator,
    slant: float,
    height_px: int,
    wobble_share: float = 0.015,
) -> list[npt.NDArray[np.float64]]:
    """Return the strokes of one digit as smooth curves: (N, 2) pixels each, x then y.

    The control points are displaced by ``wobble_share`` of the digit's size (standard deviation).
    """
    shapes = SHAPES[digit]
    shape = shapes[rng.integers(len(shapes))]
    aspect = rng.uniform(0.45, 0.8)
    size = height_px * rng.uniform(0.93, 1.05)
    strokes = []
    for points in shape:
        control = np.array(points)
        wobble = rng.normal(0, wobble_share, control.shape)
        repeated = np.all(control[1:] == control[:-1], axis=1)
        wobble[1:][repeated] = wobble[:-1][repeated]  # a corner stays a corner
        x, y = (control + wobble).T
        strokes.append(smooth(np.stack([(x * aspect + slant * (1 - y)) * size, y * size], axis=1)))
    return strokes


def _draw_line(ink: npt.NDArray[np.uint8], points: npt.NDArray[np.float64], pen_px: float) -> None:
    """Draw a curve with a round pen, anti-aliased, at four times the resolution."""
    large = np.zeros((ink.shape[0] * 4, ink.shape[1] * 4), np.uint8)
    vertices = np.rint(points * 4).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(large, [vertices], False, 255, max(1, round(pen_px * 4)), cv2.LINE_8)
    ink[:] = cv2.max(ink, cv2.resize(large, ink.shape[::-1], interpolation=cv2.INTER_AREA))


def _draw_ruling(picture: npt.NDArray[np.float32], grid: bool, spacing_px: int) -> None:
    """Draw horizontal lines, and vertical ones for a grid, into an RGB picture in place."""
    colour = (150.0, 180.0, 215.0)
    for y in range(spacing_px // 2, picture.shape[0], spacing_px):
        picture[y : y + 1] = colour
    if grid:
        for x in range(spacing_px // 2, picture.shape[1], spacing_px):
            picture[:, x : x + 1] = colour
