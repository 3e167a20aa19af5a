"""What reading gives: frozen digits, numbers and pages, each with ``to_dict`` and ``from_dict``."""

from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["REJECTED", "Box", "Digit", "Number", "Page"]

REJECTED = "?"


class Box(NamedTuple):
    """A rectangle in pixels of the upright input picture; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class Digit:
    """One recognised digit.

    Attributes:
        label: 0-9, the most probable; ``None`` where there was no ink to read.
        confidence: calibrated probability that it is a digit and this one, in [0, 1].
        box: where it stands.
        probabilities: of 0 to 9, given that it is a digit; they add up to 1, or are all 0 where
            there was no ink.
        rejected: not sure enough, no digit, or nothing there.
        junk: probability that it is no digit, in [0, 1]; 0 where the model can't tell, or where
            there was no ink.
    """

    label: int | None
    confidence: float
    box: Box
    probabilities: tuple[float, ...]
    rejected: bool = False
    junk: float = 0.0

    @property
    def text(self) -> str:
        """The digit as a character, ``?`` if it is rejected."""
        return REJECTED if self.rejected else str(self.label)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "label": self.label,
            "confidence": self.confidence,
            "box": list(self.box),
            "probabilities": list(self.probabilities),
            "rejected": self.rejected,
            "junk": self.junk,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Digit":
        """Rebuild from ``to_dict``."""
        return cls(
            label=values["label"],
            confidence=values["confidence"],
            box=Box(*values["box"]),
            probabilities=tuple(values["probabilities"]),
            rejected=values["rejected"],
            junk=values.get("junk", 0.0),  # what was written before there was one is read too
        )


@dataclass(frozen=True)
class Number:
    """One run of digits.

    Attributes:
        text: its digits in writing order, ``?`` for each rejected one; empty if none were found.
        confidence: probability that every digit is right, in [0, 1]; 0 if none were found.
        box: around the digits.
        digits: from left to right.
        rejected: some digit is rejected, or none were found.
    """

    text: str
    confidence: float
    box: Box
    digits: tuple[Digit, ...]
    rejected: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "text": self.text,
            "confidence": self.confidence,
            "box": list(self.box),
            "digits": [digit.to_dict() for digit in self.digits],
            "rejected": self.rejected,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Number":
        """Rebuild from ``to_dict``."""
        return cls(
            text=values["text"],
            confidence=values["confidence"],
            box=Box(*values["box"]),
            digits=tuple(Digit.from_dict(digit) for digit in values["digits"]),
            rejected=values["rejected"],
        )


@dataclass(frozen=True)
class Page:
    """Everything that was read on one picture.

    Attributes:
        numbers: in reading order: by lines, then from left to right.
        width: of the upright picture, in pixels.
        height: of the upright picture, in pixels.
        model: name of the model that read it.
    """

    numbers: tuple[Number, ...]
    width: int
    height: int
    model: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "numbers": [number.to_dict() for number in self.numbers],
            "width": self.width,
            "height": self.height,
            "model": self.model,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Page":
        """Rebuild from ``to_dict``."""
        return cls(
            numbers=tuple(Number.from_dict(number) for number in values["numbers"]),
            width=values["width"],
            height=values["height"],
            model=values["model"],
        )
