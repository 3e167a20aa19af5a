"""What a crop of a number shows beside it: margins, and pieces of other writing and print."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["with_surroundings"]

Floats = npt.NDArray[np.float32]

_TIGHT = 0.5  # of the crops, those cut close to the number
_CUT_OFF = 0.16  # of the crops, those with a neighbour's ink at an edge


def with_surroundings(
    ink: Floats, rng: np.random.Generator, height_px: float, neighbour: Callable[[], Floats]
) -> Floats:
    """Add the margins of a crop, and what is cut off at its edges.

    Args:
        ink: (H, W) float32 in [0, 1]: the number, without margins.
        rng: decides everything.
        height_px: of the tall digits.
        neighbour: makes something that stands beside it, (h, w) float32 in [0, 1].

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
        other = neighbour()
        side = rng.choice(4, p=(0.42, 0.42, 0.08, 0.08))
        margin = (top, bottom, left, right)[side]
        # A neighbour at the side must not look like a digit of the number: a sliver of it.
        most = 0.8 if side < 2 else 0.35
        shown = max(1, round(margin * rng.uniform(0.2, most)))
        _lay(canvas, other, int(side), shown, rng)
    return canvas


def _lay(canvas: Floats, other: Floats, side: int, shown: int, rng: np.random.Generator) -> None:
    """Let the edge of something show at a side: above, below, on the left, on the right."""
    if side >= 2:  # as above and below, of the picture laid on its side
        canvas, other = canvas.T, other.T
    shown = min(shown, other.shape[0])
    columns = min(other.shape[1], canvas.shape[1])
    start = int(rng.integers(0, canvas.shape[1] - columns + 1))
    if side % 2 == 0:
        view, piece = canvas[:shown, start : start + columns], other[-shown:, :columns]
    else:
        view, piece = canvas[-shown:, start : start + columns], other[:shown, :columns]
    np.maximum(view, piece, out=view)
