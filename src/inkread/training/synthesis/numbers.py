"""Synthetic pictures of numbers with known texts: simulated handwriting, paper and camera."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inkread.training.mnist import Split
from inkread.training.synthesis import papers
from inkread.training.synthesis.number_texts import JUNK, SEPARATORS, number_text
from inkread.training.synthesis.writer import Hand, Patch

__all__ = ["WrittenNumber", "number_on_paper", "written_number"]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class WrittenNumber:
    """A number as it was written, before any paper.

    Attributes:
        ink: (H, W) float32 in [0, 1].
        raw: what was written, separators included, ``?`` for each letter; without spaces.
        height_px: of the tall digits.
    """

    ink: Floats
    raw: str
    height_px: float


def number_on_paper(digits: Split, rng: np.random.Generator) -> tuple[npt.NDArray[np.uint8], str]:
    """Return a picture of one number, as a camera or scanner gives it.

    Args:
        digits: the images to write with, MNIST's training images.
        rng: decides everything.

    Returns:
        (H, W) uint8, dark ink on lighter paper; and what was written, without spaces.
    """
    written = written_number(digits, rng, number_text(rng))
    ink = _with_surroundings(written, digits, rng)
    return papers.picture(ink, rng, written.height_px), written.raw


def written_number(
    digits: Split,
    rng: np.random.Generator,
    text: str,
    *,
    gap: float | None = None,
    own_shapes: bool = True,
) -> WrittenNumber:
    """Write a text in one hand.

    Args:
        digits: the images to write with.
        rng: decides the hand and everything else.
        text: digits, separators, ``?`` for a letter, spaces for wide gaps.
        gap: mean space between two characters as a share of the height, below 0 where they touch;
            ``None``: the writer's own.
        own_shapes: write some digits in shapes of ours; else all are of the images.
    """
    height = float(np.exp(rng.uniform(np.log(18), np.log(44))))
    hand = Hand(digits, rng, height, own_shapes=own_shapes)
    patches = _written(hand, rng, text)
    mean_gap = rng.choice([rng.normal(0.2, 0.12), rng.normal(0.06, 0.06)]) if gap is None else gap
    spread = rng.uniform(0.02, 0.1)
    drift = rng.normal(0.0, 0.03)  # of the baseline, a share of the way along
    left = 0.0
    placed: list[tuple[int, int, Floats]] = []
    for previous, (character, patch) in zip([("", None), *patches], patches, strict=False):
        if character == " ":
            left += height * rng.uniform(0.25, 1.2)
            continue
        space = mean_gap + rng.normal(0.0, spread)
        if character in SEPARATORS or (previous[0] and previous[0] in SEPARATORS):
            space += rng.uniform(-0.05, 0.25)
        if character == "chained":
            space = 0.0 if previous[0] == "chained" else space
        # Two digits may touch, but one must not hide in the other.
        left += max(space * height, -0.12 * patch.width) if placed else 0.0
        top = patch.top + round(drift * left)
        placed.append((round(left + patch.left), top, patch.ink))
        left += patch.width
    raw = text.replace(" ", "")
    return WrittenNumber(_pasted(placed), raw, height)


def _written(hand: Hand, rng: np.random.Generator, text: str) -> list[tuple[str, Patch]]:
    """Each character with its patch; a space has an empty one."""
    empty = Patch(np.zeros((1, 1), np.float32), 0, 0, 0.0)
    result: list[tuple[str, Patch]] = []
    index = 0
    while index < len(text):
        character = text[index]
        zeros = len(text[index:]) - len(text[index:].lstrip("0"))
        if zeros >= 2 and hand.chains_zeros:
            result += [("chained", patch) for patch in hand.chain(zeros)]
            index += zeros
            continue
        if character == " ":
            result.append((character, empty))
        elif character == JUNK:
            result.append((character, hand.letter()))
        elif character in SEPARATORS:
            result.append((character, hand.separator(character)))
        else:
            result.append((character, hand.digit(int(character))))
        index += 1
    return result


def _pasted(placed: list[tuple[int, int, Floats]]) -> Floats:
    """Lay patches onto one another, the darker ink counting."""
    if not placed:
        return np.zeros((28, 120), np.float32)
    left = min(x for x, _, _ in placed)
    top = min(y for _, y, _ in placed)
    right = max(x + ink.shape[1] for x, _, ink in placed)
    bottom = max(y + ink.shape[0] for _, y, ink in placed)
    canvas = np.zeros((bottom - top, right - left), np.float32)
    for x, y, ink in placed:
        view = canvas[y - top : y - top + ink.shape[0], x - left : x - left + ink.shape[1]]
        np.maximum(view, ink, out=view)
    rows, columns = canvas.max(axis=1) > 0.3, canvas.max(axis=0) > 0.3
    if not rows.any():
        return canvas
    y0, y1 = np.flatnonzero(rows)[[0, -1]]
    x0, x1 = np.flatnonzero(columns)[[0, -1]]
    return canvas[y0 : y1 + 1, x0 : x1 + 1]


def _with_surroundings(written: WrittenNumber, digits: Split, rng: np.random.Generator) -> Floats:
    """Add the margins of a crop, and what is cut off at its edges: other people's lines."""
    height, width = written.ink.shape
    size = written.height_px
    tight = rng.random() < 0.5
    reach = 0.18 if tight else 0.6
    top, bottom = (round(size * rng.uniform(0.02, reach)) for _ in range(2))
    left, right = (round(size * rng.uniform(0.02, 0.3 if tight else 1.2)) for _ in range(2))
    ink = np.zeros((height + top + bottom, width + left + right), np.float32)
    ink[top : top + height, left : left + width] = written.ink
    if rng.random() < 0.12:  # the line above or below
        other = written_number(digits, rng, "".join(str(d) for d in rng.integers(0, 10, 6)))
        shown = max(1, round(min(top, bottom) * rng.uniform(0.2, 0.8)))
        columns = min(other.ink.shape[1], ink.shape[1])
        start = int(rng.integers(0, ink.shape[1] - columns + 1))
        view = ink[:, start : start + columns]
        if rng.random() < 0.5:
            view[:shown] = np.maximum(view[:shown], other.ink[-shown:, :columns])
        else:
            view[-shown:] = np.maximum(view[-shown:], other.ink[:shown, :columns])
    return ink
