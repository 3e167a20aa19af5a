"""Second looks: a doubtful strip is read again, leaned one way and the other; answers are averaged.

Test-time augmentation: a text is as probable as the views of it say on average.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from inkread.decode import Reading

__all__ = ["agreed", "leaned"]

_LEANS = (0.2, -0.15)  # pixels to the right a pixel down


def leaned(strip: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """Return further views of a strip, of the same size: leaned about its middle row.

    Args:
        strip: (H, W) uint8, ink bright on paper 0.
    """
    height, width = strip.shape
    return [
        np.asarray(
            cv2.warpAffine(
                strip, np.array([[1, lean, -lean * height / 2], [0, 1, 0]]), (width, height)
            ),
            np.uint8,
        )
        for lean in _LEANS
    ]


def agreed(views: Sequence[Sequence[Reading]], count: int) -> tuple[Reading, ...]:
    """Average the readings of several views of one strip.

    Args:
        views: the most probable readings of each view, at least one view; what is not among a
            view's counts as impossible in it.
        count: how many readings are wanted.

    Returns:
        The most probable readings on average, each as the view that is surest of it has it, with
        its average probability; the confidences of its symbols are lowered or raised to match.
    """
    surest: dict[str, Reading] = {}
    shares: dict[str, float] = {}
    for reading in (reading for readings in views for reading in readings):
        known = surest.get(reading.text)
        if known is None or reading.log_probability > known.log_probability:
            surest[reading.text] = reading
        share = math.exp(reading.log_probability) / len(views)
        shares[reading.text] = shares.get(reading.text, 0.0) + share
    ranked = sorted(shares, key=lambda text: -shares[text])[:count]
    return tuple(_with_probability(surest[text], shares[text]) for text in ranked)


def _with_probability(reading: Reading, probability: float) -> Reading:
    """Give a reading another probability, and its symbols their part in the difference."""
    log_probability = math.log(max(probability, np.finfo(float).tiny))
    if reading.log_probability >= 0 or not reading.text:
        return replace(reading, log_probability=log_probability)
    # The symbols' confidences multiply to about the probability, and so do their powers.
    power = log_probability / reading.log_probability
    confidences = tuple(confidence**power for confidence in reading.confidences)
    return replace(reading, log_probability=log_probability, confidences=confidences)
