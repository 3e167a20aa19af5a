"""Fills the places of a synthetic page: one entry, written or printed, in a box on a sheet."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from inkread.training.synthesis.page_print import PagePrinter, printed_number, printed_word
from inkread.training.synthesis.page_sheet import HANDWRITING, PRINT, Sheet, SheetText
from inkread.training.synthesis.page_writing import PageHand, number_to_write, word_to_write

__all__ = ["ENTRIES", "Area", "PageContent"]

Floats = npt.NDArray[np.float32]
ENTRIES = (
    "number", "digit", "word", "struck", "dash", "tick", "tally", "crossed", "empty", "print",
    "printed number",
)  # fmt: skip
_MOST_OVER = 0.12  # of the writing's height: how far a run in a cell is taken to reach over a rule


@dataclass(frozen=True)
class Area:
    """An upright box on a sheet, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top


@dataclass(frozen=True)
class PageContent:
    """A sheet, and who writes and prints on it.

    Attributes:
        sheet: that is being filled.
        rng: decides everything.
        writer: whose hand it is.
        printer: with what it is printed.
        has_pens: whether there are real letters to write words with.
    """

    sheet: Sheet
    rng: np.random.Generator
    writer: PageHand
    printer: PagePrinter
    has_pens: bool

    @property
    def unit(self) -> float:
        """Height of the writing, in pixels: what sizes on the page go by."""
        return self.writer.height_px

    def number(self, longest: int = 12) -> str:
        """Think of a number to write."""
        return number_to_write(self.rng, longest)

    def word(self) -> str:
        """Think of a word to write."""
        return word_to_write(self.rng, self.has_pens)

    def enter(self, entry: str, area: Area, *, align: float = 0.5, longest: int = 4) -> str | None:
        """Fill a cell or a field.

        Args:
            entry: one of ``ENTRIES``.
            area: where; the writing is made narrower if it doesn't fit, and may touch the edges.
            align: 0 left, 0.5 in the middle, 1 right.
            longest: characters of a number.

        Returns:
            The text of the run that is there now, ``None`` if there is none.
        """
        rng = self.rng
        marks: dict[str, Callable[[], Floats]] = {
            "dash": self.writer.dash,
            "tick": self.writer.tick,
            "tally": self.writer.tally,
            "crossed": lambda: self.writer.cross(area.width, area.height),
        }
        if entry in marks:
            self._place(marks[entry](), area, align)
        if entry == "empty" or entry in marks:
            return None
        if entry in ("print", "printed number"):
            is_number = entry == "printed number"
            text = printed_number(rng) if is_number else printed_word(rng)
            return self.print_text(text, area, align=align, scale=rng.uniform(0.6, 1.3))
        text = self.number(longest)
        if entry in ("word", "digit"):
            text = (
                self.word()
                if entry == "word"
                else str(1 if rng.random() < 0.15 else rng.integers(10))
            )
        return self.write_text(text, area, align=align, struck=entry == "struck")

    def write_text(
        self, text: str, area: Area, *, align: float = 0.5, struck: bool = False
    ) -> str | None:
        """Write a number or a word into an area; returns the text if it is there."""
        is_number = any(character.isdigit() for character in text)
        ink = self.writer.number(text) if is_number else self.writer.word(text)
        if struck:
            ink = self.writer.struck(ink)
        ink = _narrowed(ink, area.width * 0.98)
        before = len(self.sheet.runs)
        left, top = self._corner(ink, area, align)
        said = SheetText(text, handwritten=True, number=is_number, struck=struck)
        self.sheet.write(ink, left, top, said, tone=self._pen_tone())
        if len(self.sheet.runs) == before:
            return None
        run, reach = self.sheet.runs[-1], _MOST_OVER * self.unit
        low = (area.left - reach, area.top - reach)
        high = (area.right + reach, area.bottom + reach)
        corners = np.clip(run.corners, low, high).astype(np.float32)
        self.sheet.runs[-1] = replace(run, corners=corners)
        return text

    def print_text(
        self, text: str, area: Area, *, align: float = 0.5, scale: float = 1.0, tone: float = -1.0
    ) -> str | None:
        """Print words into an area, a run each; returns the text if all of it is there."""
        words = [(word, self.printer.text(word, scale)) for word in text.split()]
        space = self.printer.space_px(scale)
        total = sum(ink.shape[1] for _, ink in words) + space * (len(words) - 1)
        if not words or total > area.width:
            return None
        left = area.left + align * (area.width - total)
        tall = max(ink.shape[0] for _, ink in words)
        base = area.top + (area.height + tall) / 2
        for word, ink in words:
            self.print_ink(ink, left, base - ink.shape[0], word, tone=tone)
            left += ink.shape[1] + space
        return text

    def print_ink(
        self, ink: Floats, left: float, top: float, text: str, *, tone: float = -1.0
    ) -> None:
        """Put printed characters down as a run; ``tone`` below 0: the printer's."""
        digits = sum(character.isdigit() for character in text)
        is_number = 2 * digits >= len(text.strip(".,:)("))
        said = SheetText(text, handwritten=False, number=is_number)
        self.sheet.write(ink, left, top, said, tone=self.printer.tone if tone < 0 else tone)

    def print_mark(self, ink: Floats, left: float, top: float, tone: float | None = None) -> None:
        """Print what can't be read: a logo, a bar code."""
        self.sheet.lay(ink, left, top, PRINT, tone=self.printer.tone if tone is None else tone)

    def _place(self, ink: Floats, area: Area, align: float) -> None:
        ink = _narrowed(ink, area.width * 0.95)
        left, top = self._corner(ink, area, align)
        self.sheet.lay(ink, left, top, HANDWRITING, tone=self._pen_tone())

    def _corner(self, ink: Floats, area: Area, align: float) -> tuple[float, float]:
        """Where the ink's corner goes: aligned, with a hand's carelessness."""
        rng = self.rng
        room = area.width - ink.shape[1]
        sway = min(0.3 * self.unit, max(0.0, room / 2))
        left = area.left + align * room + rng.normal(0, 0.5) * sway
        left = float(np.clip(left, area.left - 0.05 * self.unit, area.left + max(0.0, room)))
        spare = area.height - ink.shape[0]
        top = area.top + spare * rng.uniform(0.2, 0.9) + rng.normal(0, 0.03) * self.unit
        return left, top

    def _pen_tone(self) -> float:
        return float(np.clip(self.writer.tone + self.rng.normal(0, 0.04), 0.0, 0.85))


def _narrowed(ink: Floats, width: float) -> Floats:
    """Make ink smaller, as a writer does who runs out of room."""
    if ink.shape[1] <= width or width < 4:
        return ink
    share = width / ink.shape[1]
    size = (max(2, round(width)), max(2, round(ink.shape[0] * max(share, 0.75))))
    return np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), np.float32)
