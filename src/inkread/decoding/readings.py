"""The texts that a strip may show: as guessed, and as read with the details of each symbol."""

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Guess", "Reading"]


class Guess(NamedTuple):
    """A text that a strip may show.

    Attributes:
        text: its digits, and ``?`` for what is no digit.
        log_probability: natural log of the probability that the strip shows this text.
        raw: the text with separators, if a pattern names some; ``None`` if any are allowed.
        meaning: its value, where it is known what the number is; else empty.
    """

    text: str
    log_probability: float
    raw: str | None = None
    meaning: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from other guesses: its text, and what it means."""
        return self.text, self.meaning


@dataclass(frozen=True)
class Reading:
    """A text that a strip may show, with details of each symbol.

    Attributes:
        text: its digits, and ``?`` for what is no digit.
        raw: the text with its most probable separators.
        log_probability: natural log of the probability that the strip shows this text: the sum
            over all separators and alignments or, with a pattern that names separators, over those
            that match it.
        confidences: for each symbol of the text the probability in [0, 1] that it is right, given
            that the others are; the alternatives are any other digit or ``?``, or no symbol.
        alternatives: for each symbol of the text the probabilities of 0 to 9 in its place; they
            add up to 1.
        spans: for each symbol of the text its first frame, and the one after its last. They don't
            overlap, and often are shorter than the ink: the network marks a digit in few frames.
        raw_share: the share of the probability that belongs to this raw string; the rest to others
            with the same text. 1 where it is known what the number is, and for its value.
    """

    text: str
    raw: str
    log_probability: float
    confidences: tuple[float, ...]
    alternatives: tuple[tuple[float, ...], ...]
    spans: tuple[tuple[int, int], ...]
    raw_share: float = 1.0
