"""Second opinions: a number's digits read one by one; a lone digit read as a number."""

import math
from collections.abc import Collection, Sequence
from dataclasses import replace

from inkread.decoding.decoder import Reading
from inkread.imaging.crops import Crop, find_frames
from inkread.imaging.normalize import Strip
from inkread.results import Digit, Number

__all__ = ["averaged", "opinion", "weight"]

_WEIGHT = 1 / 2  # of the glyph model's word
_LONE_WEIGHT = 2 / 3  # of its word on whether a piece that stands alone is a digit, and which
_LEAST = 1e-9  # a probability of 0 has no logarithm


def opinion(
    digits: Sequence[Digit], strip: Strip, crop: Crop, counts: Collection[int]
) -> Reading | None:
    """Return what the glyph model says of a run, as a reading of its strip; ``None`` if nothing.

    A piece that is no digit may be a part of one, or several that touch: in a run of pieces,
    or where the line model reads several digits, it tells nothing of the whole.

    Args:
        digits: of the run's pieces, from left to right; rejected ones are no digits.
        strip: of the run.
        crop: that the strip was made from.
        counts: how many digits there may be to the line model.
    """
    if not digits:
        return None
    if any(digit.rejected for digit in digits) and not (len(digits) == 1 and 1 in counts):
        return None
    # Whether it is a digit is decided by the model's threshold, not by a probability.
    confidences = tuple(1.0 if digit.rejected else digit.confidence for digit in digits)
    text = "".join(digit.text for digit in digits)
    return Reading(
        text=text,
        raw=text,
        log_probability=sum(math.log(max(confidence, _LEAST)) for confidence in confidences),
        confidences=confidences,
        alternatives=tuple(digit.probabilities for digit in digits),
        spans=tuple(find_frames(digit.box, strip, crop) for digit in digits),
    )


def averaged(digit: Digit, numbers: Sequence[Number], min_confidence: float) -> Digit:
    """Average what both models say of a lone digit.

    Args:
        digit: what the glyph model says; no junk.
        numbers: the ways in which the line model reads it; those of one digit count.
        min_confidence: what is less sure than this is rejected, in [0, 1].
    """
    line = [0.0] * len(digit.probabilities)
    for number in numbers:
        if len(number.digits) == 1 and not number.digits[0].junk:
            line[number.digits[0].label or 0] += number.confidence
    share = (1 - _WEIGHT) if sum(line) else 0.0
    mixed = [(1 - share) * g + share * x for g, x in zip(digit.probabilities, line, strict=True)]
    probabilities = tuple(value / sum(mixed) for value in mixed)
    confidence = max(probabilities) * (1 - digit.junk)
    return replace(
        digit,
        label=probabilities.index(max(probabilities)),
        confidence=confidence,
        probabilities=probabilities,
        rejected=confidence < min_confidence,
    )


def weight(digits: Sequence[Digit]) -> float:
    """How much the opinion counts beside the line model's, in [0, 1].

    A digit on its own is what the glyph model was made for, and knows from letters.
    """
    return _LONE_WEIGHT if len(digits) == 1 else _WEIGHT
