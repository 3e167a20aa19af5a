"""Second looks: a doubtful strip is read again, leaned and smaller; the answers are averaged.

Test-time augmentation: a text is as probable as the views of it say on average.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from inkread.decoding.constraints import Constraint
from inkread.decoding.decoder import Guess, Reading, Scores

__all__ = ["Agreed", "agreed", "guesses", "views", "with_probability"]

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


def guesses(
    seen: Sequence[Scores], constraint: Constraint | None, count: int
) -> list[tuple[Guess, ...]]:
    """Return what each view says of the texts that the strip may show.

    One search finds them, in the views' average; what a view takes for best itself comes to them.

    Args:
        seen: the scores of each view.
        constraint: what is known of the text.
        count: how many texts are wanted, at least.

    Returns:
        For each view its guesses; none where nothing satisfies the constraint.
    """
    if constraint is not None and constraint.names_separators:
        return [scores.find_guesses(constraint, count) for scores in seen]
    texts = [guess.text for guess in Scores.average(seen).find_guesses(constraint, count)]
    own = [s.text for s in seen if constraint is None or constraint.accepts(s.text)]
    texts = list(dict.fromkeys(texts + own))
    return [tuple(Guess(text, s.compute_log_probability(text)) for text in texts) for s in seen]


@dataclass(frozen=True)
class Agreed:
    """A text that several views of a strip were asked about.

    Attributes:
        guess: as the view that is surest of it has it.
        view: the index of that view.
        log_probability: natural log of its probability on average.
    """

    guess: Guess
    view: int
    log_probability: float


def agreed(
    views: Sequence[Sequence[Guess]], weights: Sequence[float], count: int
) -> tuple[Agreed, ...]:
    """Average what several views of one strip say.

    Args:
        views: the most probable guesses of each view, at least one view; what is not among a view's
            counts as impossible in it.
        weights: how much each view counts; they add up to 1.
        count: how many texts are wanted.

    Returns:
        The texts that are most probable on average.
    """
    surest: dict[str, tuple[Guess, int]] = {}
    shares: dict[str, float] = {}
    for view, (guesses, weight) in enumerate(zip(views, weights, strict=True)):
        for guess in guesses:
            known = surest.get(guess.text)
            if known is None or guess.log_probability > known[0].log_probability:
                surest[guess.text] = guess, view
            share = weight * math.exp(guess.log_probability)
            shares[guess.text] = shares.get(guess.text, 0.0) + share
    ranked = sorted(shares, key=lambda text: -shares[text])[:count]
    tiny = np.finfo(float).tiny
    return tuple(Agreed(*surest[text], math.log(max(shares[text], tiny))) for text in ranked)


def with_probability(reading: Reading, log_probability: float) -> Reading:
    """Give a reading another probability, and its symbols their part in the difference."""
    if reading.log_probability >= 0 or not reading.text:
        return replace(reading, log_probability=log_probability)
    # The symbols' confidences multiply to about the probability, and so do their powers.
    power = log_probability / reading.log_probability
    confidences = tuple(confidence**power for confidence in reading.confidences)
    return replace(reading, log_probability=log_probability, confidences=confidences)
