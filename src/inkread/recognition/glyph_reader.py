"""Regions to digits: glyphs through the glyph model, one digit at a time."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from inkread.imaging import normalize
from inkread.imaging.segmentation import Region
from inkread.models.runtime import Model
from inkread.results import Digit

__all__ = ["GlyphReader"]


class GlyphReader:
    """Reads the digits in regions, each on its own."""

    def __init__(self, model: Model, min_confidence: float) -> None:
        """Take a model.

        Args:
            model: that says which digit a glyph is.
            min_confidence: reject digits below this confidence, in [0, 1], besides what the model
                takes for no digit.
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
            self._digit(region, probabilities, junk)
            for region, probabilities, junk in zip(
                regions, found.probabilities.tolist(), found.junk.tolist(), strict=True
            )
        ]

    def is_junk(self, digit: Digit) -> bool:
        """Whether the model takes it for no digit."""
        threshold = self._model.metadata.junk_threshold
        return threshold is not None and digit.junk > threshold

    def _digit(self, region: Region, probabilities: list[float], junk: float) -> Digit:
        highest = max(probabilities)
        confidence = highest * (1 - junk)
        digit = Digit(
            label=probabilities.index(highest),
            confidence=confidence,
            box=region.box,
            probabilities=tuple(probabilities),
            junk=junk,
        )
        return replace(digit, rejected=self.is_junk(digit) or confidence < self._min_confidence)
