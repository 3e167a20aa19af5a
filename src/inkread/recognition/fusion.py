"""Combines the predictions of the glyph model and the line model."""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

from inkread.decoding.readings import Reading
from inkread.imaging.crops import Crop, find_frames
from inkread.imaging.normalize import Strip
from inkread.results import Digit, Number

__all__ = ["average_digit", "choose_weight", "join_digits"]

_GLYPH_WEIGHT = 1 / 2  # of the glyph model; the line model has the rest
_LONE_GLYPH_WEIGHT = 2 / 3  # of the glyph model where a run is a single piece of ink
_MIN_PROBABILITY = 1e-9  # keeps logarithms finite


def join_digits(
    digits: Sequence[Digit], strip: Strip, crop: Crop, lengths: Collection[int]
) -> Reading | None:
    """Join the digits that the glyph model read in a run into a reading of its strip.

    A piece of ink that is no digit may be a part of one, or several that touch. So where one of
    several pieces is rejected, or the line model sees several digits in a rejected single piece,
    the glyph model can't say what the run is.

    Args:
        digits: what the glyph model read in the run's pieces of ink, from left to right; those that
            are rejected are no digits.
        strip: of the run.
        crop: that the strip was made from.
        lengths: how many digits the run may have according to the line model.

    Returns:
        The reading; ``None`` if the glyph model can't say.
    """
    if not digits:
        return None
    if any(digit.rejected for digit in digits) and not (len(digits) == 1 and 1 in lengths):
        return None
    # Whether it is a digit is decided by the model's threshold, not by a probability.
    confidences = tuple(1.0 if digit.rejected else digit.confidence for digit in digits)
    text = "".join(digit.text for digit in digits)
    return Reading(
        text=text,
        raw=text,
        log_probability=sum(
            math.log(max(confidence, _MIN_PROBABILITY)) for confidence in confidences
        ),
        confidences=confidences,
        alternatives=tuple(digit.probabilities for digit in digits),
        spans=tuple(find_frames(digit.box, strip, crop) for digit in digits),
    )


def average_digit(digit: Digit, numbers: Sequence[Number], min_confidence: float) -> Digit:
    """Average the probabilities that both models give to a single digit.

    Args:
        digit: as the glyph model read it; not one that it takes for no digit.
        numbers: the line model's candidates; only those of exactly one digit are used.
        min_confidence: the digit is rejected if the result is less confident, in [0, 1].
    """
    line = [0.0] * len(digit.probabilities)
    for number in numbers:
        if len(number.digits) == 1 and not number.digits[0].junk:
            line[number.digits[0].label or 0] += number.confidence
    share = (1 - _GLYPH_WEIGHT) if sum(line) else 0.0
    mixed = [(1 - share) * g + share * x for g, x in zip(digit.probabilities, line, strict=True)]
    probabilities = tuple(value / sum(mixed) for value in mixed)
    averaged = replace(
        digit,
        label=probabilities.index(max(probabilities)),
        confidence=max(probabilities) * (1 - digit.junk),
        probabilities=probabilities,
        rejected=False,
    )
    return averaged.reject_below(min_confidence)


def choose_weight(digits: Sequence[Digit]) -> float:
    """Return the weight of the glyph model in the average of both, in [0, 1].

    It is higher for a single digit, which is what the glyph model was trained on, non-digits
    included.

    Args:
        digits: what the glyph model read in the run's pieces of ink.
    """
    return _LONE_GLYPH_WEIGHT if len(digits) == 1 else _GLYPH_WEIGHT
