"""The results of reading: digits, numbers and pages, which are frozen and convert to JSON."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from decimal import Decimal
from typing import Any, NamedTuple

from inkread import table
from inkread.meanings import NOTHING, Meaning
from inkread.notation import PLAIN, Notation

__all__ = [
    "REJECTED",
    "Box",
    "Cell",
    "Digit",
    "Number",
    "NumberTable",
    "Page",
    "find_box",
    "unite",
]

REJECTED = "?"
_MIN_OVERLAP = 0.6  # of two boxes of one digit: the line model places boxes less exactly than ink


class Box(NamedTuple):
    """A rectangle in pixels of the upright input picture; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    def overlap(self, other: "Box") -> float:
        """Return the intersection over the union of two boxes that are not empty, in [0, 1]."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        both = max(0, width) * max(0, height)
        areas = [(box.right - box.left) * (box.bottom - box.top) for box in (self, other)]
        return both / (sum(areas) - both)


def unite(boxes: Sequence[Box]) -> Box:
    """Return the bounding box of boxes, of which there is at least one."""
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )


def find_box(boxes: Sequence[Box], wanted: Box) -> int | None:
    """Return the index of the box that is nearly the wanted one; ``None`` if none is."""
    overlaps = [box.overlap(wanted) for box in boxes]
    best = max(range(len(boxes)), key=overlaps.__getitem__, default=None)
    return best if best is not None and overlaps[best] > _MIN_OVERLAP else None


@dataclass(frozen=True)
class Digit:
    """One recognised digit.

    Attributes:
        label: the most probable digit, 0-9; ``None`` if there was no ink.
        confidence: calibrated probability that it is a digit and has this label, in [0, 1].
        box: its place on the page.
        probabilities: of 0 to 9, given that it is a digit; they add up to 1, or are all 0 if there
            was no ink.
        rejected: whether it is too uncertain, probably no digit, or without ink.
        junk: probability that it is no digit, in [0, 1]; 0 if the model doesn't estimate it, or
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

    def reject_below(self, min_confidence: float) -> "Digit":
        """Return the digit, rejected if it is less confident than this, or was rejected before."""
        return replace(self, rejected=self.rejected or self.confidence < min_confidence)

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
            junk=values.get("junk", 0.0),  # missing in results of versions before it existed
        )


@dataclass(frozen=True)
class Number:
    """One run of digits.

    Attributes:
        text: its digits in writing order, ``?`` for each rejected one; empty if none were found.
        confidence: probability that the whole text is right, in [0, 1]; 0 if no digits were found.
        box: the bounding box of the digits.
        digits: from left to right.
        rejected: whether any digit is rejected, the confidence is too low, or no digits were found.
        raw: the text with its separators (``1.250,-``); the same as ``text`` if the model doesn't
            read separators.
        unconstrained: the text that was read without the requested length, pattern or check, if
            they changed it or no text satisfied them; else ``None``.
        print_probability: the probability that it is printed and not handwritten, in [0, 1]; 0
            where the layout was not looked at.
        struck: whether it is crossed out; such a number is not read.
        notation: how it is written: what ``value``, ``unit``, ``date`` and ``time`` go by.
        value_confidence: probability that the separators are right as well, so that the value is,
            in [0, 1]; where the notation has a kind, ``confidence`` is that, too.
    """

    text: str
    confidence: float
    box: Box
    digits: tuple[Digit, ...]
    rejected: bool = False
    raw: str = ""
    unconstrained: str | None = None
    print_probability: float = 0.0
    struck: bool = False
    notation: Notation = PLAIN
    value_confidence: float = 0.0

    def __post_init__(self) -> None:
        """Fill in ``raw`` from the text if it isn't given."""
        if not self.raw:
            object.__setattr__(self, "raw", self.text)

    def reject_below(self, min_confidence: float) -> "Number":
        """Return the number with everything rejected that is less confident than this.

        A number is rejected if its own confidence is lower, or that of a digit; what was rejected
        before stays so.
        """
        digits = tuple(digit.reject_below(min_confidence) for digit in self.digits)
        is_doubtful = self.confidence < min_confidence or any(digit.rejected for digit in digits)
        return replace(
            self,
            text="".join(digit.text for digit in digits),
            digits=digits,
            rejected=self.rejected or is_doubtful,
        )

    def with_boxes(self, move: Callable[[Box], Box]) -> "Number":
        """Return the number with its box and those of its digits moved."""
        digits = tuple(replace(digit, box=move(digit.box)) for digit in self.digits)
        return replace(self, box=move(self.box), digits=digits)

    @property
    def value(self) -> Decimal | None:
        """What it is worth, with sign and point; ``None`` if it is no number, or may be two."""
        return self._meaning.value

    @property
    def unit(self) -> str:
        """What is written beside the value, such as a currency; empty if nothing is."""
        return self._meaning.unit

    @property
    def date(self) -> date | None:
        """The date that it is; ``None`` if it is none, or may be two."""
        return self._meaning.date

    @property
    def time(self) -> time | None:
        """The time of day that it is; ``None`` if it is none."""
        return self._meaning.time

    @property
    def _meaning(self) -> Meaning:
        is_whole = self.text and REJECTED not in self.text + self.raw
        return self.notation.interpret(self.raw) if is_whole else NOTHING

    @property
    def printed(self) -> bool:
        """Whether it is rather printed than handwritten."""
        return self.print_probability > 0.5

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "text": self.text,
            "confidence": self.confidence,
            "box": list(self.box),
            "digits": [digit.to_dict() for digit in self.digits],
            "rejected": self.rejected,
            "raw": self.raw,
            "unconstrained": self.unconstrained,
            "printed": self.printed,
            "print_probability": self.print_probability,
            "struck": self.struck,
            "value": None if self.value is None else str(self.value),
            "unit": self.unit,
            "date": self.date.isoformat() if self.date else None,
            "time": self.time.isoformat() if self.time is not None else None,
            "value_confidence": self.value_confidence,
            "notation": self.notation.to_dict(),
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
            # Missing in results of versions before they existed.
            raw=values.get("raw", ""),
            unconstrained=values.get("unconstrained"),
            print_probability=values.get("print_probability", 0.0),
            struck=values.get("struck", False),
            notation=Notation.from_dict(values.get("notation", {})),
            value_confidence=values.get("value_confidence", 0.0),
        )


@dataclass(frozen=True)
class Cell:
    """One cell of a ruled table.

    Attributes:
        box: inside its rules.
        number: what is written in it; ``None`` where that is no number, or nothing.
    """

    box: Box
    number: Number | None


@dataclass(frozen=True)
class NumberTable:
    """A ruled table on a page.

    Attributes:
        rows: from top to bottom, each from left to right; ``None`` where a column has no cell.
    """

    rows: tuple[tuple[Cell | None, ...], ...]

    @property
    def box(self) -> Box:
        """Around all cells."""
        return unite([cell.box for row in self.rows for cell in row if cell])

    def with_boxes(self, move: Callable[[Box], Box]) -> "NumberTable":
        """Return the table with its cells' boxes, and those of their numbers, moved."""
        return NumberTable(
            tuple(
                tuple(
                    cell and Cell(move(cell.box), cell.number and cell.number.with_boxes(move))
                    for cell in row
                )
                for row in self.rows
            )
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold; cells hold the whole number or ``None``."""
        return {
            "box": list(self.box),
            "rows": [
                [
                    cell
                    and {
                        "box": list(cell.box),
                        "number": cell.number and cell.number.to_dict(),
                    }
                    for cell in row
                ]
                for row in self.rows
            ],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "NumberTable":
        """Rebuild from ``to_dict``."""

        def rebuild(cell: dict[str, Any] | None) -> Cell | None:
            if cell is None:
                return None
            number = cell["number"]
            return Cell(Box(*cell["box"]), Number.from_dict(number) if number else None)

        return cls(tuple(tuple(rebuild(cell) for cell in row) for row in values["rows"]))


@dataclass(frozen=True)
class Page:
    """All numbers read on one picture, or on one page of a file.

    Attributes:
        numbers: in reading order: by lines, then from left to right.
        width: of the upright picture, in pixels.
        height: of the upright picture, in pixels.
        model: name of the model that read it.
        page: number of the page in its file, from 1.
        tables: the ruled tables with at least two rows and two columns, from top to bottom.
        notes: sentences on what was found where nothing sure could be read.
    """

    numbers: tuple[Number, ...]
    width: int
    height: int
    model: str
    page: int = 1
    tables: tuple[NumberTable, ...] = ()
    notes: tuple[str, ...] = ()

    def rows(self) -> tuple[tuple[Number | None, ...], ...]:
        """Arrange the numbers as a table.

        Numbers above one another form a column, whether aligned to the left, the right or the
        middle. The page may be slightly skewed.

        Returns:
            The lines from top to bottom, each with one cell for every column: a number, or ``None``
            where the line has none. Empty if there are no numbers.
        """
        places = table.arrange_in_rows([number.box for number in self.numbers])
        return tuple(
            tuple(None if index is None else self.numbers[index] for index in row) for row in places
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return {
            "numbers": [number.to_dict() for number in self.numbers],
            "width": self.width,
            "height": self.height,
            "model": self.model,
            "page": self.page,
            "tables": [each.to_dict() for each in self.tables],
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Page":
        """Rebuild from ``to_dict``."""
        return cls(
            numbers=tuple(Number.from_dict(number) for number in values["numbers"]),
            width=values["width"],
            height=values["height"],
            model=values["model"],
            page=values.get("page", 1),
            tables=tuple(NumberTable.from_dict(each) for each in values.get("tables", ())),
            notes=tuple(values.get("notes", ())),
        )
