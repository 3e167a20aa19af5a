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
from inkread.training.mnist import Split
from inkread.training.numbers import number_on_paper

__all__ = ["Batch", "Pool", "batches", "pool", "pools"]

_WIDTH_STEP_PX = 32  # widths are rounded up to these, so that few shapes of batches come up
_MIN_FRAMES_A_SYMBOL = 2  # what is squeezed more can't be spelled out by CTC
_FRAME_PX = 2


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
        labels: (B, L) int32, classes of the symbols, from 1; 0 after the end.
    """

    strips: npt.NDArray[np.float32]
    widths: npt.NDArray[np.int32]
    labels: npt.NDArray[np.int32]


def pool(digits: Split, count: int, seed: int, number: int) -> Pool:
    """Write a pool of strips.

    Args:
        digits: the images to write with.
        count: how many strips.
        seed: of the training.
        number: of the pool; with the seed it decides everything.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
    strips: list[npt.NDArray[np.uint8]] = []
    texts: list[str] = []
    while len(strips) < count:
        picture, text = number_on_paper(digits, rng)
        made = strip(picture, _SHAPE).pixels
        if made.shape[1] >= _MIN_FRAMES_A_SYMBOL * _FRAME_PX * len(text) and made.shape[1] <= 640:
            strips.append(made)
            texts.append(text)
    return Pool(strips, texts)


def pools(digits: Split, count: int, seed: int, numbers: range) -> Iterator[Pool]:
    """Give pools in turn, each written by another process while the one before is in use."""
    with ProcessPoolExecutor(1, get_context("spawn"), _start, (digits,)) as process:
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
    order = np.argsort(widths + rng.uniform(0, _WIDTH_STEP_PX, len(widths)))
    full = len(order) // batch_size
    starts = rng.permutation(full) * batch_size
    for start in starts:
        chosen = order[start : start + batch_size]
        yield batch([strips.strips[k] for k in chosen], [strips.texts[k] for k in chosen], symbols)


def batch(strips: list[npt.NDArray[np.uint8]], texts: list[str], symbols: str) -> Batch:
    """Pad strips to one width and texts to one length."""
    widths = np.array([made.shape[1] for made in strips], np.int32)
    width = -(-int(widths.max()) // _WIDTH_STEP_PX) * _WIDTH_STEP_PX
    inputs = np.zeros((len(strips), strips[0].shape[0], width, 1), np.float32)
    labels = np.zeros((len(texts), max(len(text) for text in texts)), np.int32)
    for index, (made, text) in enumerate(zip(strips, texts, strict=True)):
        inputs[index, :, : made.shape[1], 0] = made * np.float32(1 / 255)
        labels[index, : len(text)] = [symbols.index(character) + 1 for character in text]
    return Batch(inputs, widths, labels)


_SHAPE = StripShape()
_digits: list[Split] = []  # of the process that writes


def _start(digits: Split) -> None:
    cv2.setNumThreads(1)
    _digits.append(digits)


def _own_pool(count: int, seed: int, number: int) -> Pool:
    return pool(_digits[0], count, seed, number)
