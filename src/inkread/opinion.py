"""A second opinion on a number: its digits read one by one, where they stand apart."""

import math
from collections.abc import Sequence

from inkread.crops import Crop, frames_of
from inkread.decode import Reading
from inkread.normalize import Strip
from inkread.results import Digit

__all__ = ["opinion", "weight"]

_LEAST = 1e-9  # a probability of 0 has no logarithm


def opinion(digits: Sequence[Digit], strip: Strip, crop: Crop) -> Reading | None:
    """Return what the glyph model says of a run, as a reading of its strip; ``None`` if nothing.

    In a run of several pieces, one that is no digit says that they are not a digit each: then the
    pieces tell nothing of the whole.

    Args:
        digits: of the run's pieces, from left to right; rejected ones are no digits.
        strip: of the run.
        crop: that the strip was made from.
    """
    if not digits or (len(digits) > 1 and any(digit.rejected for digit in digits)):
        return None
    confidences = tuple(digit.junk if digit.rejected else digit.confidence for digit in digits)
    text = "".join(digit.text for digit in digits)
    return Reading(
        text=text,
        raw=text,
        log_probability=sum(math.log(max(confidence, _LEAST)) for confidence in confidences),
        confidences=confidences,
        alternatives=tuple(digit.probabilities for digit in digits),
        spans=tuple(frames_of(digit.box, strip, crop) for digit in digits),
    )


def weight(digits: Sequence[Digit]) -> float:
    """How much the opinion counts beside the line model's, in [0, 1].

    A digit on its own is what the glyph model was made for, and knows from letters.
    """
    return 2 / 3 if len(digits) == 1 else 1 / 2
