"""Synthetic glyphs of marks that are not writing: scribbles, lines, spots, and blank paper.

Each function returns (28, 28) uint8, ink 255 on paper 0; ``rng`` is the source of all randomness.
"""

import cv2
import numpy as np
import numpy.typing as npt

from inkread.imaging import normalize
from inkread.imaging.normalize import GlyphShape
from inkread.training.synthesis import drawn_digits
from inkread.training.synthesis.fonts import CANVAS_PX
from inkread.training.synthesis.pen import distort_ink, draw_strokes

__all__ = [
    "draw_blank_paper",
    "draw_lines",
    "draw_noise",
    "draw_ruled_lines",
    "draw_scribble",
    "draw_spots",
]

Ink = npt.NDArray[np.uint8]

_SIDE = GlyphShape.side_px


def draw_scribble(rng: np.random.Generator) -> Ink:
    """Draw a scribble: random points, a coil, a spiral or a zigzag, joined by a curve."""
    kind = rng.integers(3)
    count = int(rng.integers(9, 25))
    if kind == 0:  # random points
        points = rng.uniform(20, 76, (count, 2))
    elif kind == 1:  # a coil or a spiral
        count *= 2
        angle = np.arange(count) * rng.uniform(0.9, 1.5)
        circle = np.stack([np.cos(angle), np.sin(angle)], axis=1) * rng.uniform(0.6, 1.3, 2)
        if rng.random() < 0.5:  # a coil
            points = 48 + 12 * circle
            points[:, 0] += np.linspace(-28, 28, count) * rng.choice([-1, 1])
        else:  # a spiral
            points = 48 + 28 * circle * np.linspace(0.05, 1, count)[:, None]
        points += rng.normal(0, 1.5, points.shape)
    else:  # a zigzag, as for striking out text
        rise = rng.uniform(5, 28)
        y = 48 + np.where(np.arange(count) % 2, 1, -1) * rise + rng.normal(0, 4, count)
        points = np.stack([np.linspace(18, 78, count) + rng.normal(0, 3, count), y], axis=1)
    return draw_strokes([drawn_digits.smooth(points)], rng, widest_px=7)


def draw_lines(rng: np.random.Generator) -> Ink:
    """Draw a dash, an arc, or several parallel or crossing lines; none looks like a 1."""
    return draw_strokes(_choose_lines(rng), rng)


def _choose_lines(rng: np.random.Generator) -> list[npt.NDArray[np.float64]]:
    kind = rng.integers(4)
    steps = np.linspace(-1, 1, 20)[:, None]
    if kind == 0:  # a dash
        angle = rng.uniform(-0.4, 0.4)
        return [48 + 30 * steps * [np.cos(angle), np.sin(angle)]]
    if kind == 1:  # an arc
        bend = rng.uniform(10, 40) * rng.choice([-1, 1])
        x, y = 30 * steps, bend * (1 - steps**2)
        return [48 + np.concatenate([x, y], axis=1) * rng.uniform(0.8, 1.1, 2)]
    if kind == 2:  # parallel
        angle, distance = rng.uniform(-np.pi / 2, np.pi / 2), rng.uniform(12, 24)
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]]) * distance
        count = int(rng.integers(2, 5))
        return [
            48 + 26 * steps * along + across * (place - (count - 1) / 2) + rng.normal(0, 2, 2)
            for place in range(count)
        ]
    # crossing
    angles = rng.uniform(0, np.pi) + np.cumsum(rng.uniform(0.6, 1.5, rng.integers(2, 5)))
    return [
        48 + 28 * steps * [np.cos(angle), np.sin(angle)] + rng.normal(0, 5, 2) for angle in angles
    ]


def draw_ruled_lines(rng: np.random.Generator) -> Ink:
    """Draw ruled lines or a grid from edge to edge, as on forms and squared paper."""
    ink = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    spacing, width = int(rng.integers(14, 60)), int(rng.integers(2, 8))
    directions = [(True, False), (False, True), (True, True)][rng.choice(3, p=[0.5, 0.1, 0.4])]
    for place in range(int(rng.integers(0, spacing)), CANVAS_PX, spacing):
        if directions[0]:
            ink[place : place + width] = 255
        if directions[1] and (
            directions[0] or spacing < 40
        ):  # a single vertical line looks like a 1
            ink[:, place : place + width] = 255
    if not ink.any():
        ink[CANVAS_PX // 2 :][:width] = 255
    turn = cv2.getRotationMatrix2D((CANVAS_PX / 2, CANVAS_PX / 2), rng.uniform(-6, 6), 1.2)
    ink = cv2.warpAffine(ink, turn, ink.shape)
    if rng.random() < 0.5:
        return normalize.make_glyph(ink)
    return _fade(cv2.resize(ink, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), rng)


def draw_spots(rng: np.random.Generator) -> Ink:
    """Draw blurred dots, blots and smears, one to fifteen of them."""
    ink = np.zeros((CANVAS_PX, CANVAS_PX), np.uint8)
    count = int(rng.choice([1, 2, 3, 6, 15]))
    for _spot in range(count):
        x, y = rng.integers(20, 76, 2).tolist()
        axes = (rng.uniform(3, 34 / np.sqrt(count)) * rng.uniform(0.5, 1.0, 2)).astype(int) + 2
        cv2.ellipse(ink, (x, y), axes.tolist(), rng.uniform(0, 180), 0, 360, 255, -1, cv2.LINE_AA)
    ink = cv2.GaussianBlur(distort_ink(ink, rng), (0, 0), rng.uniform(0.5, 6))
    if rng.random() < 0.5 and (ink > 63).any():
        return normalize.make_glyph(ink)
    return _fade(cv2.resize(ink, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), rng)


def draw_blank_paper(rng: np.random.Generator) -> Ink:
    """Draw paper without writing: clean, grainy, stained, or unevenly lit."""
    amount = rng.random(3) * (rng.random(3) < 0.6)
    coarse = rng.normal(0, 1, (int(rng.integers(2, 9)), int(rng.integers(2, 9))))
    cloud = cv2.resize(coarse, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    x, y = rng.uniform(-1, 1, 2)
    ramp = (x * np.arange(_SIDE) + y * np.arange(_SIDE)[:, None]) / _SIDE
    grain = cv2.GaussianBlur(rng.normal(0, 1, (_SIDE, _SIDE)), (0, 0), rng.uniform(0.2, 1.5))
    level = rng.uniform(0, 60)
    paper = level + 60 * amount[0] * cloud + 160 * amount[1] * ramp + 70 * amount[2] * grain
    return np.asarray(np.clip(paper, 0, 255), np.uint8)


def draw_noise(rng: np.random.Generator) -> Ink:
    """Draw noise all over: grains of one to five pixels, of two levels or of many, or solid ink."""
    grains = -(-_SIDE // int(rng.integers(1, 6)))
    noise = rng.random((grains, grains))
    if rng.random() < 0.5:
        noise = (noise < rng.uniform(0.15, 1.0)).astype(np.float64)
    if rng.random() < 0.1:
        noise = np.ones_like(noise)
    method = int(rng.choice([cv2.INTER_NEAREST, cv2.INTER_LINEAR]))
    large = cv2.resize(noise, (_SIDE, _SIDE), interpolation=method)
    return _fade(np.rint(255 * large).astype(np.uint8), rng)


def _fade(glyph: Ink, rng: np.random.Generator) -> Ink:
    """Reduce a glyph's ink to a random 30 to 100 % of its intensity."""
    return np.asarray(cv2.convertScaleAbs(glyph, alpha=rng.uniform(0.3, 1.0)))
