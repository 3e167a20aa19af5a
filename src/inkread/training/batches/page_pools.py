"""Pools of synthetic pages on disk, made beside the training by another process.

A pool follows from the seed and its number alone. While the network learns from one pool, the next
is being made; a pool that is there already, of a run that was interrupted, is used as it is.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inkread.files import replace_atomically
from inkread.imaging.layout_maps import CELL_PX, network_input
from inkread.training.handwriting.pens import load_pen_strokes
from inkread.training.mnist import Split
from inkread.training.synthesis.fonts import find_fonts
from inkread.training.synthesis.pages import PLANES, PageMaker

__all__ = ["PagePool", "PoolPlan", "as_input", "page_batches", "page_pool", "page_pools"]


@dataclass(frozen=True)
class PoolPlan:
    """Which pools are made.

    Attributes:
        count: pages in a pool.
        side_px: of a page's picture.
        seed: of the training.
        directory: where pools are kept while they are needed.
        pens: folder of the strokes of real writers; ``None``: there are none.
    """

    count: int
    side_px: int
    seed: int
    directory: Path
    pens: Path | None = None


@dataclass(frozen=True)
class PagePool:
    """Pages with their truth.

    Attributes:
        pictures: (N, S, S) uint8.
        planes: (N, S / 4, S / 4, len(PLANES)) uint8; see ``pages.PLANES``.
    """

    pictures: npt.NDArray[np.uint8]
    planes: npt.NDArray[np.uint8]


def page_pool(maker: PageMaker, plan: PoolPlan, number: int) -> PagePool:
    """Make a pool; the plan's seed and the number decide everything."""
    side, small = plan.side_px, plan.side_px // CELL_PX
    pictures = np.empty((plan.count, side, side), np.uint8)
    planes = np.empty((plan.count, small, small, len(PLANES)), np.uint8)
    for index in range(plan.count):
        rng = np.random.default_rng(np.random.SeedSequence([plan.seed, number, index]))
        made = maker.page(rng, side_px=side)
        pictures[index], planes[index] = made.picture, made.planes
    return PagePool(pictures, planes)


def page_pools(digits: Split, plan: PoolPlan, numbers: range) -> Iterator[PagePool]:
    """Give pools in turn, each made by another process while the one before is in use."""
    plan.directory.mkdir(parents=True, exist_ok=True)
    start = (digits, plan.pens)
    with ProcessPoolExecutor(1, get_context("spawn"), _start, start) as process:
        waiting = [process.submit(_own_pool, plan, number) for number in numbers[:3]]
        for number in numbers:
            path = waiting.pop(0).result()
            if number + 3 in numbers:
                waiting.append(process.submit(_own_pool, plan, number + 3))
            with np.load(path) as data:
                yield PagePool(data["pictures"], data["planes"])
            path.unlink()


def page_batches(
    pool: PagePool, batch_size: int, rng: np.random.Generator
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]]:
    """Give all pages of a pool once, in random order: what the network sees, and the planes."""
    order = rng.permutation(len(pool.pictures))
    for start in range(0, len(order) - batch_size + 1, batch_size):
        chosen = np.sort(order[start : start + batch_size])
        yield as_input(pool.pictures[chosen]), pool.planes[chosen]


def as_input(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return pictures, (N, H, W) uint8, as the network sees them: (N, H, W, 2) float32."""
    return np.stack([network_input(picture) for picture in pictures])


_makers: list[PageMaker] = []  # of the process that makes pools


def _start(digits: Split, pens: Path | None) -> None:
    cv2.setNumThreads(1)
    _makers.append(PageMaker(digits, find_fonts(), load_pen_strokes(pens) if pens else None))


def _own_pool(plan: PoolPlan, number: int) -> Path:
    path = plan.directory / f"pages-{plan.seed}-{number}.npz"
    if not path.exists():
        made = page_pool(_makers[0], plan, number)
        with replace_atomically(path) as temporary, temporary.open("wb") as file:
            np.savez(file, pictures=made.pictures, planes=made.planes)
    return path
