"""Draws the print of forms around a number: box edges, combs, lines to write on, shading."""

import numpy as np
import numpy.typing as npt

__all__ = ["form_rules", "shading"]

Floats = npt.NDArray[np.float32]


def form_rules(shape: tuple[int, int], rng: np.random.Generator, unit: float) -> Floats:
    """Return the rules of a form as a crop of one of its fields shows them.

    Args:
        shape: height and width of the crop, in pixels.
        rng: decides which rules, how thick, how long, how slanted.
        unit: a 28th of the height of the tall digits, in pixels.

    Returns:
        (H, W) float32 in [0, 1].
    """
    result = np.zeros(shape, np.float32)
    kind = rng.choice(5, p=(0.4, 0.15, 0.2, 0.15, 0.1))
    if kind == 0:
        _edges(result, rng, unit)
    elif kind == 1:
        _comb(result, rng, unit)
    elif kind == 2:
        _underline(result, rng, unit)
    elif kind == 3:
        _edges(result, rng, unit)
        _underline(result, rng, unit)
    else:
        _cells(result, rng, unit)
    return result


def shading(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return how much darker a shaded cell is, (H, W) float32 in [0, 1]: flat, or up to an edge."""
    height, width = shape
    shade = np.zeros(shape, np.float32)
    top, bottom, left, right = 0, height, 0, width
    if rng.random() < 0.6:  # a neighbouring cell is light, or dark
        share = rng.uniform(0.03, 0.3)
        side = rng.integers(4)
        top = round(share * height) if side == 0 else top
        bottom = round((1 - share) * height) if side == 1 else bottom
        left = round(0.3 * share * width) if side == 2 else left
        right = round((1 - 0.3 * share) * width) if side == 3 else right
    shade[top:bottom, left:right] = 1.0
    if rng.random() < 0.3:
        shade = 1 - shade
    return np.asarray(shade * np.float32(rng.uniform(0.04, 0.35)))


def _edges(result: Floats, rng: np.random.Generator, unit: float) -> None:
    """One to four edges of a box, near the crop's own; some end on the way, some are double."""
    height, width = result.shape
    count = int(rng.integers(1, 5))
    slope = rng.normal(0.0, 0.012)
    for side in rng.choice(4, count, replace=False, p=(0.35, 0.35, 0.15, 0.15)):
        is_level = side < 2
        # Upright edges lie at the very margin and run right through: else they might be a 1.
        reach = 0.2 * height if is_level else min(0.2 * height, 0.04 * width)
        place = rng.uniform(-0.5, reach)
        place = place if side % 2 == 0 else (height if is_level else width) - 1 - place
        thickness = unit * rng.uniform(0.5, 3.0)
        extent = _extent(rng) if is_level else (0.0, 1.0)
        doubled = unit * rng.uniform(2.5, 5) if rng.random() < 0.1 else 0.0
        for offset in {0.0, doubled}:
            inwards = offset if side % 2 == 0 else -offset
            _line(result, is_level, (place + inwards, slope), thickness, extent)


def _comb(result: Floats, rng: np.random.Generator, unit: float) -> None:
    """Ticks between the digits, short ones at the foot or through the whole field; a base line."""
    height, width = result.shape
    spacing = unit * rng.uniform(16, 45)
    thickness = unit * rng.uniform(0.5, 2.0)
    slope = rng.normal(0.0, 0.01)
    top = rng.choice([0.0, rng.uniform(0.55, 0.9)], p=[0.3, 0.7])
    end = 1.0 if not top or rng.random() < 0.7 else rng.uniform(0.85, 1.0)
    for place in np.arange(rng.uniform(0, spacing), width, spacing):
        _line(result, False, (float(place), slope), thickness, (float(top), float(end)))
    if rng.random() < 0.8:
        _line(result, True, ((end - 0.01) * height, slope), thickness, (0.0, 1.0))


def _underline(result: Floats, rng: np.random.Generator, unit: float) -> None:
    """A line to write on, through what hangs below it; solid, dashed or dotted, or in pieces."""
    height, width = result.shape
    place = height * rng.uniform(0.65, 1.0)
    _line(result, True, (place, rng.normal(0.0, 0.015)), unit * rng.uniform(0.5, 2.2), _extent(rng))
    if rng.random() < 0.35:
        dash = unit * rng.uniform(1.0, 7.0)
        phase = np.arange(width, dtype=np.float32) + rng.uniform(0, 2 * dash)
        result *= (phase % (2 * dash) < dash * rng.uniform(0.6, 1.4)).astype(np.float32)


def _cells(result: Floats, rng: np.random.Generator, unit: float) -> None:
    """A box for each digit, with gaps between the boxes."""
    height, width = result.shape
    side, gap = unit * rng.uniform(26, 44), unit * rng.uniform(0, 10)
    top, bottom = rng.uniform(0, 0.1) * height, (1 - rng.uniform(0, 0.1)) * height
    thickness = unit * rng.uniform(0.5, 1.8)
    for left in np.arange(-rng.uniform(0, side), width, side + gap):
        across = (max(0.0, left / width), min(1.0, (left + side) / width))
        for place in (top, bottom):
            _line(result, True, (place, 0.0), thickness, across)
        for place in (left, left + side):
            _line(result, False, (place, 0.0), thickness, (top / height, bottom / height))


def _extent(rng: np.random.Generator) -> tuple[float, float]:
    """Where a line begins and ends, as shares of the way: mostly all of it."""
    if rng.random() < 0.7:
        return 0.0, 1.0
    start, end = np.sort(rng.uniform(0, 1, 2))
    return (float(start), 1.0) if rng.random() < 0.5 else (0.0, float(end))


def _line(
    result: Floats,
    is_level: bool,
    place: tuple[float, float],
    thickness: float,
    extent: tuple[float, float],
) -> None:
    """Draw a straight line, anti-aliased: level or upright, at an offset with a slope."""
    view = result if is_level else result.T
    offset, slope = place
    across = np.arange(view.shape[0], dtype=np.float32)[:, None]
    along = np.arange(view.shape[1], dtype=np.float32)[None, :]
    distance = np.abs(across - np.float32(offset) - np.float32(slope) * along)
    line = np.clip(np.float32(thickness / 2 + 0.5) - distance, 0, 1)
    first, last = (round(share * view.shape[1]) for share in extent)
    np.maximum(view[:, first:last], line[:, first:last], out=view[:, first:last])
