"""Measures a model's accuracy on distorted glyphs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inkread.errors import ConfigError
from inkread.models.metadata import Figure
from inkread.models.runtime import Model
from inkread.training.augmentation.distortions import DISTORTIONS
from inkread.training.evaluation.evaluate import estimate_share
from inkread.training.mnist import Split

__all__ = ["STRENGTHS", "Distorted", "Robustness", "measure_robustness"]

STRENGTHS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Distorted:
    """Accuracy under one distortion.

    Attributes:
        distortion: its name in ``DISTORTIONS``.
        accuracy: share of the glyphs whose most probable digit is correct, one value for each of
            ``STRENGTHS``; rejection is ignored.
    """

    distortion: str
    accuracy: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The accuracy, averaged over the strengths."""
        return sum(self.accuracy) / len(self.accuracy)


@dataclass(frozen=True)
class Robustness:
    """Accuracy under every distortion.

    Attributes:
        undistorted: accuracy on the same glyphs without distortion.
        distorted: one entry per distortion, in the order of ``DISTORTIONS``.
    """

    undistorted: Figure
    distorted: tuple[Distorted, ...]

    @property
    def mean(self) -> float:
        """The accuracy, averaged over all distortions and strengths with equal weights."""
        return sum(each.mean for each in self.distorted) / len(self.distorted)


def measure_robustness(
    model: Model, split: Split, *, limit: int | None = None, seed: int = 0
) -> Robustness:
    """Measure a model's accuracy without distortion, and under every distortion and strength.

    Args:
        model: the model to measure.
        split: the glyphs and their labels.
        limit: number of glyphs to draw at random, since MNIST isn't in random order; ``None``: all.
        seed: seeds the draw and the distortions. Each pair of distortion and strength has its own
            random generator, seeded with the seed, the distortion's name and the strength. So every
            model reads the same pictures, and adding a distortion changes no other result.

    Raises:
        ConfigError: no glyph to read.
    """
    if not len(split) or (limit is not None and limit < 1):
        raise ConfigError(f"expected at least one glyph, received {len(split)} and limit {limit}")
    chosen = _draw_indices(len(split), limit, seed)
    glyphs, labels = split.images[chosen], split.labels[chosen]

    def num_right(read: npt.NDArray[np.uint8]) -> int:
        return int((model.predict_probabilities(read).argmax(axis=1) == labels).sum())

    undistorted = estimate_share(num_right(glyphs), len(glyphs))
    rows = []
    for name, distort in DISTORTIONS.items():
        accuracy = []
        for strength in STRENGTHS:
            rng = np.random.default_rng([seed, int(1000 * strength), *name.encode()])
            spoiled = distort(glyphs, np.full(len(glyphs), strength), rng)
            accuracy.append(num_right(spoiled) / len(glyphs))
        rows.append(Distorted(name, tuple(accuracy)))
    return Robustness(undistorted, tuple(rows))


def _draw_indices(count: int, limit: int | None, seed: int) -> npt.NDArray[np.intp]:
    """Draw the indices of ``limit`` glyphs, in ascending order."""
    if limit is None or limit >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, limit, replace=False))
