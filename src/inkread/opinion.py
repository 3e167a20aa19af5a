"""A second opinion on a number: its digits read one by one, where they stand apart."""

import math
from collections.abc import Sequence

from inkread.crops import Crop, frames_of
from inkread.decode import Reading
from inkread.normalize import Strip
from inkread.results import Digit

__all__ = ["opinion", "weight"]

_LEAST = 1e-9  # a probability of 0 has no logarithm


def opinion(digits: Sequence[Digit], strip: Strip, crop: Crop, num_read: int) -> Reading | None:
    """Return what the glyph model says of a run, as a reading of its strip; ``None`` if nothing.

    A piece that is no digit may be a part of one, or several that touch: in a run of pieces,
    or where the line model reads several digits, it tells nothing of the whole.

    Args:
        digits: of the run's pieces, from left to right; rejected ones are no digits.
        strip: of the run.
        crop: that the strip was made from.
        num_read: how many digits the line model reads there.
    """
    is_one = len(digits) == 1 and num_read == 1
    if not digits or (not is_one and any(digit.rejected for digit in digits)):
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
        spans=tuple(frames_of(digit.box, strip, crop) for digit in digits),
    )


def weight(digits: Sequence[Digit]) -> float:
    """How much the opinion counts beside the line model's, in [0, 1].

    A digit on its own is what the glyph model was made for, and knows from letters.
    """
    return 2 / 3 if len(digits) == 1 else 1 / 2
