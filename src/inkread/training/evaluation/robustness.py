"""How well a model reads glyphs that were spoiled on purpose."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inkread.errors import ConfigError
from inkread.models.metadata import Figure
from inkread.models.runtime import Model
from inkread.training.augmentation.distortions import DISTORTIONS
from inkread.training.evaluation.evaluate import share
from inkread.training.mnist import Split

__all__ = ["STRENGTHS", "Distorted", "Robustness", "measure"]

STRENGTHS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Distorted:
    """How one distortion is borne.

    Attributes:
        distortion: its name in ``DISTORTIONS``.
        accuracy: share of the glyphs whose most probable digit is right, at each of
            ``STRENGTHS``, in that order; whether they would be rejected doesn't count.
    """

    distortion: str
    accuracy: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The accuracy, averaged over the strengths."""
        return sum(self.accuracy) / len(self.accuracy)


@dataclass(frozen=True)
class Robustness:
    """How all distortions are borne.

    Attributes:
        undistorted: accuracy on the same glyphs as they are, with their number.
        distorted: an entry a distortion, in the order of ``DISTORTIONS``.
    """

    undistorted: Figure
    distorted: tuple[Distorted, ...]

    @property
    def mean(self) -> float:
        """The accuracy over all distortions and strengths, each counted alike."""
        return sum(each.mean for each in self.distorted) / len(self.distorted)


def measure(model: Model, split: Split, *, limit: int | None = None, seed: int = 0) -> Robustness:
    """Read a split's glyphs as they are, then under every distortion, at every strength.

    Args:
        model: what reads them.
        split: the glyphs and their labels.
        limit: how many of them are used, drawn at random, for MNIST is not in random order;
            ``None``: all.
        seed: decides the draw and the distortions. Each cell has random numbers of its own, which
            follow from the seed, the distortion's name and the strength alone, so that every model
            reads the same pictures, and a distortion added later changes no other's figures.

    Raises:
        ConfigError: no glyph to read.
    """
    if not len(split) or (limit is not None and limit < 1):
        raise ConfigError(f"expected at least one glyph, received {len(split)} and limit {limit}")
    chosen = _drawn(len(split), limit, seed)
    glyphs, labels = split.images[chosen], split.labels[chosen]

    def num_right(read: npt.NDArray[np.uint8]) -> int:
        return int((model.predict_probabilities(read).argmax(axis=1) == labels).sum())

    undistorted = share(num_right(glyphs), len(glyphs))
    rows = []
    for name, distort in DISTORTIONS.items():
        accuracy = []
        for strength in STRENGTHS:
            rng = np.random.default_rng([seed, int(1000 * strength), *name.encode()])
            spoiled = distort(glyphs, np.full(len(glyphs), strength), rng)
            accuracy.append(num_right(spoiled) / len(glyphs))
        rows.append(Distorted(name, tuple(accuracy)))
    return Robustness(undistorted, tuple(rows))


def _drawn(count: int, limit: int | None, seed: int) -> npt.NDArray[np.intp]:
    """Draw the indices of ``limit`` of the glyphs, rising."""
    if limit is None or limit >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, limit, replace=False))
