"""Batches of strips of synthetic numbers, made beside the training by another process.

A pool of strips follows from the seed and its number alone. While the network learns from one pool,
the next is being written.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import cv2
import numpy as np
import numpy.typing as npt

from inkread.normalize import StripShape, strip
from inkread.runtime import FRAME_PX, as_strips
from inkread.training.mnist import Split
from inkread.training.numbers import number_on_paper
from inkread.training.pen_writers import PenWriters

__all__ = ["MOST_SYMBOLS", "Batch", "Pool", "batches", "pool", "pools"]

_MIXED_PX = 32  # widths of a batch differ by about as much, and are rounded up to it
_MIN_FRAMES_A_SYMBOL = 2  # what is squeezed more can't be spelled out by CTC
MOST_SYMBOLS = 20  # all batches have as many: each new shape of one is compiled anew
_MAX_WIDTH_PX = 640  # few are wider, and each would make its whole batch so wide


@dataclass(frozen=True)
class Pool:
    """Strips with their truth.

    Attributes:
        strips: (H, W) uint8 each, widths differ.
        texts: what is written on each.
    """

    strips: list[npt.NDArray[np.uint8]]
    texts: list[str]


@dataclass(frozen=True)
class Batch:
    """Strips of similar width, padded with paper on the right.

    Attributes:
        strips: (B, H, W, 1) float32 in [0, 1].
        widths: (B,) int32, of the strips without what was added, in pixels.
        labels: (B, MOST_SYMBOLS) int32, classes of the symbols, from 1; 0 after the end.
    """

    strips: npt.NDArray[np.float32]
    widths: npt.NDArray[np.int32]
    labels: npt.NDArray[np.int32]


def pool(
    digits: Split, count: int, seed: int, number: int, *, pens: PenWriters | None = None
) -> Pool:
    """Write a pool of strips.

    Args:
        digits: the images to write with.
        count: how many strips.
        seed: of the training.
        number: of the pool; with the seed it decides everything.
        pens: real writers who write some of the numbers.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
    strips: list[npt.NDArray[np.uint8]] = []
    texts: list[str] = []
    while len(strips) < count:
        picture, text = number_on_paper(digits, rng, pens)
        made = strip(picture, _SHAPE).pixels
        if (
            made.shape[1] >= _MIN_FRAMES_A_SYMBOL * FRAME_PX * len(text)
            and made.shape[1] <= _MAX_WIDTH_PX
            and len(text) <= MOST_SYMBOLS
        ):
            strips.append(made)
            texts.append(text)
    return Pool(strips, texts)


def pools(
    digits: Split, count: int, seed: int, numbers: range, *, pens: PenWriters | None = None
) -> Iterator[Pool]:
    """Give pools in turn, each written by another process while the one before is in use."""
    with ProcessPoolExecutor(1, get_context("spawn"), _start, (digits, pens)) as process:
        waiting = [process.submit(_own_pool, count, seed, number) for number in numbers[:2]]
        for number in numbers:
            made = waiting.pop(0).result()
            if number + 2 in numbers:
                waiting.append(process.submit(_own_pool, count, seed, number + 2))
            yield made


def batches(
    strips: Pool, symbols: str, batch_size: int, rng: np.random.Generator
) -> Iterator[Batch]:
    """Give all strips of a pool once, like widths together, the batches in random order.

    Args:
        strips: the pool.
        symbols: what the classes from 1 stand for.
        batch_size: strips a batch; the last few that don't fill one are left out.
        rng: decides the order.
    """
    widths = np.array([made.shape[1] for made in strips.strips])
    order = np.argsort(widths + rng.uniform(0, _MIXED_PX, len(widths)))
    full = len(order) // batch_size
    starts = rng.permutation(full) * batch_size
    for start in starts:
        chosen = order[start : start + batch_size]
        yield _batch([strips.strips[k] for k in chosen], [strips.texts[k] for k in chosen], symbols)


def _batch(strips: list[npt.NDArray[np.uint8]], texts: list[str], symbols: str) -> Batch:
    """Pad strips to one width and texts to one length."""
    labels = np.zeros((len(texts), MOST_SYMBOLS), np.int32)
    for row, text in zip(labels, texts, strict=True):
        row[: len(text)] = [symbols.index(character) + 1 for character in text]
    widths = np.array([strip.shape[1] for strip in strips], np.int32)
    return Batch(as_strips(strips, _MIXED_PX), widths, labels)


_SHAPE = StripShape()
_sources: list[tuple[Split, PenWriters | None]] = []  # of the process that writes


def _start(digits: Split, pens: PenWriters | None) -> None:
    cv2.setNumThreads(1)
    _sources.append((digits, pens))


def _own_pool(count: int, seed: int, number: int) -> Pool:
    digits, pens = _sources[0]
    return pool(digits, count, seed, number, pens=pens)
