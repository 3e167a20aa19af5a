"""How well a model reads glyphs that were spoiled on purpose."""

from dataclasses import dataclass

import numpy as np

from inkread.errors import ConfigError
from inkread.runtime import Model
from inkread.training.distortions import DISTORTIONS
from inkread.training.mnist import Split

__all__ = ["STRENGTHS", "Robustness", "measure"]

STRENGTHS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Robustness:
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


def measure(
    model: Model, split: Split, *, limit: int | None = None, seed: int = 0
) -> tuple[Robustness, ...]:
    """Read a split's glyphs under every distortion, at every strength.

    Args:
        model: what reads them.
        split: the glyphs and their labels.
        limit: how many of its first glyphs are used; ``None``: all.
        seed: decides the distortions. Each cell has random numbers of its own, which follow from
            the seed, the distortion's name and the strength alone, so that every model reads the
            same pictures, and a distortion added later changes no other's figures.

    Returns:
        One entry a distortion, in the order of ``DISTORTIONS``.

    Raises:
        ConfigError: no glyph to read.
    """
    glyphs, labels = split.images[:limit], split.labels[:limit]
    if not len(glyphs) or (limit is not None and limit < 1):
        raise ConfigError(f"expected at least one glyph, received {len(split)} and limit {limit}")
    rows = []
    for name, distort in DISTORTIONS.items():
        accuracy = []
        for strength in STRENGTHS:
            rng = np.random.default_rng([seed, int(1000 * strength), *name.encode()])
            spoiled = distort(glyphs, np.full(len(glyphs), strength), rng)
            accuracy.append(float((model.probabilities(spoiled).argmax(axis=1) == labels).mean()))
        rows.append(Robustness(name, tuple(accuracy)))
    return tuple(rows)
