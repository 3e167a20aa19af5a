"""Test-time augmentation of strips: sheared and scaled views, and the mean of their readings."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from inkread.decoding.constraints import Constraint
from inkread.decoding.decoder import Scores
from inkread.decoding.readings import Guess, Reading

__all__ = [
    "AveragedText",
    "average_alternatives",
    "average_guesses",
    "guess_texts",
    "make_views",
    "put_first",
    "with_less",
    "with_probability",
]

# Of each view: shear in pixels to the right a pixel down, scale in x, scale in y.
_MIN_SHARE = 1e-9  # of a digit; keeps quotients finite
_VIEWS = ((-0.15, 1.0, 1.0), (0.0, 0.87, 1.0), (0.0, 0.85, 0.85))


def make_views(strip: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """Make sheared and scaled views of a strip.

    Args:
        strip: (H, W) uint8, ink bright on paper 0.

    Returns:
        Each (H, W) uint8, ink bright on paper 0.
    """
    height, width = strip.shape
    found = []
    for shear, x_scale, y_scale in _VIEWS:
        # About the middle of the strip, so that each digit stays on or near its own frames.
        matrix = np.array(
            [
                [x_scale, shear, (1 - x_scale) * width / 2 - shear * height / 2],
                [0, y_scale, (1 - y_scale) * height / 2],
            ]
        )
        found.append(np.asarray(cv2.warpAffine(strip, matrix, (width, height)), np.uint8))
    return found


def guess_texts(
    views: Sequence[Scores], constraint: Constraint | None, count: int
) -> list[tuple[Guess, ...]]:
    """Return the probability that each view gives to each text that the strip may show.

    The texts are the best of the views' averaged scores, and each view's own best one.

    Args:
        views: the scores of each view.
        constraint: what is known of the text.
        count: how many texts are wanted, at least.

    Returns:
        For each view its guesses; none where nothing satisfies the constraint.
    """
    if constraint is not None and constraint.names_separators:
        return [scores.find_guesses(constraint, count) for scores in views]
    texts = [guess.text for guess in Scores.average(views).find_guesses(constraint, count)]
    own = [s.text for s in views if constraint is None or constraint.accepts(s.text)]
    texts = list(dict.fromkeys(texts + own))
    return [tuple(Guess(text, s.compute_log_probability(text)) for text in texts) for s in views]


@dataclass(frozen=True)
class AveragedText:
    """A text with its mean probability over the views of a strip.

    Attributes:
        guess: as in the view that gives the text its highest probability.
        view: the index of that view.
        log_probability: natural log of the mean probability.
    """

    guess: Guess
    view: int
    log_probability: float


def average_guesses(
    views: Sequence[Sequence[Guess]], weights: Sequence[float], count: int
) -> tuple[AveragedText, ...]:
    """Average the probabilities that several views of one strip give to texts.

    Args:
        views: the guesses of each view, at least one view; a text that is not among a view's
            guesses has probability 0 in it.
        weights: of the views; they add up to 1.
        count: how many texts are wanted.

    Returns:
        The texts that are most probable on average, the best first.
    """
    highest: dict[tuple[str, str], tuple[Guess, int]] = {}
    means: dict[tuple[str, str], float] = {}
    for view, (guesses, weight) in enumerate(zip(views, weights, strict=True)):
        for guess in guesses:
            known = highest.get(guess.key)
            if known is None or guess.log_probability > known[0].log_probability:
                highest[guess.key] = guess, view
            share = weight * math.exp(guess.log_probability)
            means[guess.key] = means.get(guess.key, 0.0) + share
    ranked = sorted(means, key=lambda key: -means[key])[:count]
    tiny = np.finfo(float).tiny
    return tuple(AveragedText(*highest[key], math.log(max(means[key], tiny))) for key in ranked)


def average_alternatives(
    readings: Sequence[Reading], shares: Sequence[float]
) -> tuple[tuple[float, ...], ...]:
    """Average what several views say that each symbol of a text might be instead.

    Args:
        readings: the same text's, of each view.
        shares: the view's weight times the probability that it gives to the text.

    Returns:
        For each symbol the probabilities of 0 to 9; they add up to 1.
    """
    symbols = range(len(readings[0].text))
    means = []
    for place in symbols:
        mass = np.zeros(10)
        for reading, share in zip(readings, shares, strict=True):
            row = np.array(reading.alternatives[place])
            symbol = reading.text[place]
            # The probability of the text with another digit here is to that of the text as the
            # probabilities of the two digits are; for what is no digit, the row alone counts.
            own = row[int(symbol)] if symbol.isdecimal() else 1.0
            mass += share * row / max(own, _MIN_SHARE)
        means.append(tuple((mass / mass.sum()).tolist()))
    return tuple(means)


def put_first(
    alternatives: Sequence[tuple[float, ...]], text: str
) -> tuple[tuple[float, ...], ...]:
    """Let no digit be more probable than the one that was read in its place.

    Of each view only the most probable texts are averaged, so that one which is second in all of
    them may seem to be more probable by its digits alone.

    Args:
        alternatives: for each symbol of the text the probabilities of 0 to 9.
        text: that was read.
    """
    found = []
    for row, symbol in zip(alternatives, text, strict=True):
        limited = np.minimum(row, row[int(symbol)]) if symbol.isdecimal() else np.array(row)
        found.append(tuple((limited / limited.sum()).tolist()))
    return tuple(found)


def with_less(reading: Reading, probability: float) -> Reading:
    """Return a reading whose probability is lower by the given one, as are its symbols'."""
    rest = max(math.exp(reading.log_probability) - probability, float(np.finfo(float).tiny))
    return replace(reading, log_probability=math.log(rest), confidences=(rest,))


def with_probability(reading: Reading, log_probability: float) -> Reading:
    """Return a reading with another probability, and its symbols' confidences scaled to fit it.

    Args:
        reading: to change.
        log_probability: natural log of the new probability.
    """
    if reading.log_probability >= 0 or not reading.text:
        return replace(reading, log_probability=log_probability)
    # The confidences multiply to about the probability, and so do their powers.
    power = log_probability / reading.log_probability
    confidences = tuple(confidence**power for confidence in reading.confidences)
    return replace(reading, log_probability=log_probability, confidences=confidences)
