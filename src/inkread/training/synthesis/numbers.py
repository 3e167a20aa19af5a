"""Synthetic pictures of numbers with known texts: simulated handwriting, paper and camera."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inkread.training.handwriting.pens import PenSample
from inkread.training.mnist import Split
from inkread.training.synthesis import papers
from inkread.training.synthesis.number_texts import JUNK, SEPARATORS, number_text
from inkread.training.synthesis.patches import Patch
from inkread.training.synthesis.pen_hand import PenHand
from inkread.training.synthesis.pen_writers import PenWriters
from inkread.training.synthesis.printed_texts import print_text
from inkread.training.synthesis.surroundings import with_surroundings
from inkread.training.synthesis.writer import Hand

__all__ = ["WrittenNumber", "number_on_paper", "written_number"]

Floats = npt.NDArray[np.float32]
Point = npt.NDArray[np.float64]  # (2,): x, y in pixels

_WHOLE_SHARE = 0.05  # of the numbers, those that stand as real writers wrote them
_PRINTED_SHARE = 0.1  # of the numbers, those in print


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


def number_on_paper(
    digits: Split, rng: np.random.Generator, writers: PenWriters | None = None
) -> tuple[npt.NDArray[np.uint8], str]:
    """Return a picture of one number, as a camera or scanner gives it.

    With real writers there are also numbers as they wrote them, numbers in print, more kinds of
    texts, and the rules of forms.

    Args:
        digits: the images to write with, MNIST's training images.
        rng: decides everything.
        writers: real writers, who write some of the numbers; ``None``: there are none.

    Returns:
        (H, W) uint8, dark ink on lighter paper; and what was written, without spaces.
    """
    if writers is None:
        written = written_number(digits, rng, number_text(rng))
    else:
        written = _any_number(digits, rng, writers)
    ink = with_surroundings(
        written.ink, rng, written.height_px,
        lambda: _neighbour(digits, rng, has_print=writers is not None),
        beside=writers is not None,
    )  # fmt: skip
    return papers.picture(ink, rng, written.height_px, forms=writers is not None), written.raw


def written_number(
    digits: Split,
    rng: np.random.Generator,
    text: str,
    *,
    gap: float | None = None,
    own_shapes: bool = True,
    writers: PenWriters | None = None,
) -> WrittenNumber:
    """Write a text in one hand.

    Args:
        digits: the images to write with.
        rng: decides the hand and everything else.
        text: digits, separators, ``?`` for a letter, spaces for wide gaps.
        gap: mean space between two characters as a share of the height, below 0 where they touch;
            ``None``: the writer's own.
        own_shapes: write some digits in shapes of ours; else all are of the images.
        writers: real writers, one of whom may write it, in shapes of ours too; ``None``: there are
            none.
    """
    height = _digit_height(rng)
    hand = (
        Hand(digits, rng, height, own_shapes=own_shapes)
        if writers is None
        else PenHand(digits, rng, height, writers)
    )
    patches = _written(hand, rng, text)
    mean_gap = rng.choice([rng.normal(0.2, 0.12), rng.normal(0.06, 0.06)]) if gap is None else gap
    spread = rng.uniform(0.02, 0.1)
    drift = rng.normal(0.0, 0.03)  # of the baseline, a share of the way along
    left = 0.0
    lifted: Point | None = None  # where the pen left the digit before
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
        drop = drift * left
        placed.append((round(left + patch.left), patch.top + round(drop), patch.ink))
        down, up = _find_ends(character, patch, (left, drop))
        if isinstance(hand, PenHand) and lifted is not None and down is not None:
            join = hand.join(lifted, down)
            placed += [(join.left, join.top, join.ink)] if join else []
        lifted = up
        left += patch.width
    raw = text.replace(" ", "")
    return WrittenNumber(_pasted(placed), raw, height)


def _digit_height(rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(18), np.log(44))))


def _any_number(digits: Split, rng: np.random.Generator, writers: PenWriters) -> WrittenNumber:
    """A number in any hand, in print, or whole as a real writer wrote it."""
    kind = rng.random()
    sample = writers.draw_number(rng) if kind < _WHOLE_SHARE else None
    if sample is not None:
        return _whole_number(digits, rng, writers, sample)
    text = number_text(rng, more_kinds=True)
    if kind > 1 - _PRINTED_SHARE:
        height = _digit_height(rng)
        return WrittenNumber(print_text(text, rng, height), text.replace(" ", ""), height)
    return written_number(digits, rng, text, writers=writers)


def _whole_number(
    digits: Split, rng: np.random.Generator, writers: PenWriters, sample: PenSample
) -> WrittenNumber:
    """A number as a real writer wrote it, with another pen."""
    height = float(np.exp(rng.uniform(np.log(22), np.log(52))))  # of all, tails included
    patch = PenHand(digits, rng, height, writers).whole_number(sample)
    known = "0123456789" + SEPARATORS
    raw = "".join(
        character if character in known else JUNK for character in sample.label.replace(" ", "")
    )
    return WrittenNumber(_pasted([(0, 0, patch.ink)]), raw, height)


def _find_ends(
    character: str, patch: Patch, corner: tuple[float, float]
) -> tuple[Point | None, Point | None]:
    """Where the pen came down and was lifted on the canvas, if it wrote a digit."""
    if patch.ends is None or not character.isdigit():
        return None, None
    start, end = patch.ends + np.array(corner)
    return start, end


def _neighbour(digits: Split, rng: np.random.Generator, *, has_print: bool) -> Floats:
    """What may stand above, below or beside a number: other writing, or print."""
    if has_print and rng.random() < 0.3:
        return print_text(JUNK * int(rng.integers(3, 12)), rng, rng.uniform(10, 40))
    return written_number(digits, rng, "".join(str(d) for d in rng.integers(0, 10, 6))).ink


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
