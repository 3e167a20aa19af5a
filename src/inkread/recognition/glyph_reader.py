"""Reads single digits: the ink of each becomes a glyph, which the glyph model classifies."""

from collections.abc import Sequence

import numpy as np

from inkread.imaging import normalize
from inkread.imaging.segmentation import Region
from inkread.models.runtime import Model
from inkread.results import Digit

__all__ = ["GlyphReader"]


class GlyphReader:
    """Reads the digits in regions of ink, each on its own."""

    def __init__(self, model: Model, min_confidence: float) -> None:
        """Take a model.

        Args:
            model: the glyph model.
            min_confidence: digits less confident than this are rejected, in [0, 1], besides those
                that the model takes for no digit.
        """
        self._model, self._min_confidence = model, min_confidence

    def read(self, regions: Sequence[Region]) -> list[Digit]:
        """Read the digit in each region."""
        if not regions:
            return []
        shape = self._model.shape
        glyphs = np.stack([normalize.make_glyph(region.ink, shape) for region in regions])
        found = self._model.classify(glyphs)
        return [
            self._digit(region, probabilities, junk, is_junk)
            for region, probabilities, junk, is_junk in zip(
                regions,
                found.probabilities.tolist(),
                found.junk.tolist(),
                self._model.rejects(found.junk).tolist(),
                strict=True,
            )
        ]

    def _digit(
        self, region: Region, probabilities: list[float], junk: float, is_junk: bool
    ) -> Digit:
        highest = max(probabilities)
        digit = Digit(
            label=probabilities.index(highest),
            confidence=highest * (1 - junk),
            box=region.box,
            probabilities=tuple(probabilities),
            rejected=is_junk,
            junk=junk,
        )
        return digit.reject_below(self._min_confidence)
