"""Adds margins, and pieces of other writing and print, to a synthetic crop of a number."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["with_surroundings"]

Floats = npt.NDArray[np.float32]

_TIGHT = 0.5  # of the crops, those cut close to the number
_CUT_OFF = 0.12  # of the crops, those with a piece of the line above or below
_BESIDE = 0.03  # of the crops that may have one, those with a sliver of what stands beside


def with_surroundings(
    ink: Floats,
    rng: np.random.Generator,
    height_px: float,
    neighbour: Callable[[], Floats],
    *,
    beside: bool = False,
) -> Floats:
    """Add the margins of a crop, and what is cut off at its edges.

    Args:
        ink: (H, W) float32 in [0, 1]: the number, without margins.
        rng: decides everything.
        height_px: of the tall digits.
        neighbour: makes something that stands near it, (h, w) float32 in [0, 1].
        beside: whether slivers may show at the left and the right too.

    Returns:
        (H + margins, W + margins) float32 in [0, 1].
    """
    height, width = ink.shape
    tight = rng.random() < _TIGHT
    reach = 0.18 if tight else 0.6
    top, bottom = (round(height_px * rng.uniform(0.02, reach)) for _ in range(2))
    left, right = (round(height_px * rng.uniform(0.02, 0.3 if tight else 1.2)) for _ in range(2))
    canvas = np.zeros((height + top + bottom, width + left + right), np.float32)
    canvas[top : top + height, left : left + width] = ink
    if rng.random() < _CUT_OFF:
        _lay(canvas, neighbour(), min(top, bottom) * rng.uniform(0.2, 0.8), rng)
    if beside and rng.random() < _BESIDE:
        # Little of it, so that it looks like no digit of the number.
        _lay(canvas.T, neighbour().T, min(left, right) * rng.uniform(0.2, 0.35), rng)
    return canvas


def _lay(canvas: Floats, other: Floats, depth_px: float, rng: np.random.Generator) -> None:
    """Let the edge of something show above or below, to some depth."""
    shown = min(max(1, round(depth_px)), len(other))
    columns = min(other.shape[1], canvas.shape[1])
    start = int(rng.integers(0, canvas.shape[1] - columns + 1))
    view = canvas[:, start : start + columns]
    if rng.random() < 0.5:
        view[:shown] = np.maximum(view[:shown], other[-shown:, :columns])
    else:
        view[-shown:] = np.maximum(view[-shown:], other[:shown, :columns])
