"""Second looks: a doubtful strip is read again, leaned and smaller; the answers are averaged.

Test-time augmentation: a text is as probable as the views of it say on average.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from inkread.decode import Reading

__all__ = ["agreed", "views"]

# Of each view: pixels to the right a pixel down, and its width and height as shares.
_VIEWS = ((-0.15, 1.0, 1.0), (0.0, 0.87, 1.0), (0.0, 0.85, 0.85))


def views(strip: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """Return further views of a strip, of the same size.

    Args:
        strip: (H, W) uint8, ink bright on paper 0.
    """
    height, width = strip.shape
    found = []
    for lean, x_size, y_size in _VIEWS:
        # About the middle of the strip, so that each digit's frames stay its own, or nearly.
        matrix = np.array(
            [
                [x_size, lean, (1 - x_size) * width / 2 - lean * height / 2],
                [0, y_size, (1 - y_size) * height / 2],
            ]
        )
        found.append(np.asarray(cv2.warpAffine(strip, matrix, (width, height)), np.uint8))
    return found


def agreed(
    views: Sequence[Sequence[Reading]], weights: Sequence[float], count: int
) -> tuple[Reading, ...]:
    """Average the readings of several views of one strip.

    Args:
        views: the most probable readings of each view, at least one view; what is not among a
            view's counts as impossible in it.
        weights: how much each view counts; they add up to 1.
        count: how many readings are wanted.

    Returns:
        The most probable readings on average, each as the view that is surest of it has it, with
        its average probability; the confidences of its symbols are lowered or raised to match.
    """
    surest: dict[str, Reading] = {}
    shares: dict[str, float] = {}
    for readings, weight in zip(views, weights, strict=True):
        for reading in readings:
            known = surest.get(reading.text)
            if known is None or reading.log_probability > known.log_probability:
                surest[reading.text] = reading
            share = weight * math.exp(reading.log_probability)
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
