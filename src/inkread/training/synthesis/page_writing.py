"""Handwriting of one person on a page: numbers, words, strike-outs, ticks and scribbles as ink."""

import cv2
import numpy as np
import numpy.typing as npt

from inkread.training.handwriting.pens import PenStrokes
from inkread.training.mnist import Split
from inkread.training.synthesis.drawn_digits import smooth
from inkread.training.synthesis.letter_strokes import LETTERS
from inkread.training.synthesis.number_texts import JUNK, SEPARATORS, number_text
from inkread.training.synthesis.patches import Patch
from inkread.training.synthesis.writer import Hand

__all__ = ["PageHand", "number_to_write", "word_to_write"]

Floats = npt.NDArray[np.float32]
_ASCENDING, _DESCENDING = "bdfhklt", "gjpqy"
_DRAWN = [letter for letter in LETTERS if letter.isalpha()]


class _PenHand(Hand):
    """A hand that writes a real person's digits and letters, where there are any."""

    def __init__(
        self, digits: Split, rng: np.random.Generator, height_px: float, pens: PenStrokes
    ) -> None:
        super().__init__(digits, rng, height_px)
        self._pens = pens
        self._writers = rng.integers(len(pens.by_writer), size=400)
        self._slant = float(rng.normal(0.0, 0.08))
        self._chosen: dict[str, list[int]] = {}
        self._mnist_share = float(rng.choice([0.0, 1.0], p=[0.75, 0.25]))

    def digit(self, label: int) -> Patch:
        found = self._samples(str(label))
        if not found or self._rng.random() < self._mnist_share:
            return super().digit(label)
        return self._penned(str(label), self.height_px * self._rng.uniform(0.85, 1.1), 0.0)

    def letter(self, character: str | None = None) -> Patch:
        if character is None or not self._samples(character):
            known = character if character in LETTERS else None
            return super().letter(known)
        height = self.height_px * self._rng.uniform(0.9, 1.1)
        if character.islower():
            height *= 1.0 if character in _ASCENDING + _DESCENDING else 0.62
        return self._penned(character, height, 0.35 * (character in _DESCENDING))

    def _samples(self, label: str) -> list[int]:
        if label not in self._chosen:
            of_writers = (self._pens.of(label, int(writer)) for writer in self._writers)
            self._chosen[label] = next((found for found in of_writers if found), [])[:4]
        return self._chosen[label]

    def _penned(self, label: str, height: float, drop: float) -> Patch:
        index = int(self._rng.choice(self._samples(label)))
        own = self._pens.strokes[index]
        tall = max(float(np.ptp(np.concatenate(own)[:, 1])), 0.25)
        scale = height / tall
        shift = np.array([0.0, self.height_px * (1 + drop) - height + self._lift()])
        return self._stroked(
            [piece.astype(np.float64) * scale * [self._width, 1.0] + shift for piece in own],
            self._lean(),
        )

    @property
    def _width(self) -> float:
        return float(np.clip(self._aspect, 0.8, 1.25))


class PageHand:
    """Somebody with a pen; habits hold for the whole page.

    Attributes:
        height_px: of the tall digits.
    """

    def __init__(
        self,
        digits: Split,
        rng: np.random.Generator,
        height_px: float,
        pens: PenStrokes | None = None,
    ) -> None:
        """Draw the habits.

        Args:
            digits: the images to write with.
            rng: decides everything, now and in all that is written.
            height_px: of the tall digits.
            pens: strokes of real writers, of which some then write.
        """
        self._rng, self.height_px = rng, height_px
        self._hand: Hand
        if pens is not None and rng.random() < 0.5:
            self._hand = _PenHand(digits, rng, height_px, pens)
        else:
            self._hand = Hand(digits, rng, height_px)
        # A felt pen on small writing would fill it.
        self._hand.pen_px = min(self._hand.pen_px, max(1.2, 0.15 * height_px))
        self._pens = pens
        gaps = (rng.normal(0.2, 0.12), rng.normal(0.08, 0.06), rng.uniform(0.25, 1.1))
        self._gap = float(rng.choice(gaps, p=(0.38, 0.37, 0.25)))
        self._spread = rng.uniform(0.02, 0.1)
        self.tone = float(rng.choice([rng.uniform(0.0, 0.35), rng.uniform(0.25, 0.65)]))

    @property
    def pen_px(self) -> float:
        """Width of the strokes, in pixels."""
        return self._hand.pen_px

    def number(self, text: str, gap: float | None = None) -> Floats:
        """Write a number: digits, separators and spaces.

        Args:
            text: what to write.
            gap: between characters, as a share of the height; ``None``: the writer's own.

        Returns:
            (H, W) float32 in [0, 1], cut to the ink.
        """
        rng, mean = self._rng, self._gap if gap is None else gap
        drift, left = rng.normal(0.0, 0.02), 0.0
        placed: list[tuple[int, int, Floats]] = []
        for character in text:
            if character == " ":
                left += self.height_px * rng.uniform(0.2, 0.55)
                continue
            patch = self._patch(character)
            top = patch.top + round(drift * left)
            placed.append((round(left) + patch.left, top, patch.ink))
            left += patch.width + self.height_px * max(-0.25, mean + rng.normal(0, self._spread))
        return _together(placed)

    def word(self, text: str) -> Floats:
        """Write a word, its letters close or joined; returned as a number is."""
        rng = self._rng
        gap = rng.uniform(-0.05, 0.12) * self.height_px
        left = 0.0
        placed: list[tuple[int, int, Floats]] = []
        for character in text:
            patch = self._patch(character)
            placed.append((round(left) + patch.left, patch.top, patch.ink))
            left += patch.width + gap + rng.normal(0, 0.03) * self.height_px
        return _together(placed)

    def struck(self, ink: Floats) -> Floats:
        """Cross a text out: by a line, two, a zigzag, a cross or a scribble; the ink grows."""
        rng = self._rng
        height, width = ink.shape
        reach = round(0.35 * self.height_px)
        grown = np.pad(ink, reach)
        left, right = reach * rng.uniform(0, 1), width + reach * rng.uniform(1, 2)
        middle = reach + height * rng.uniform(0.35, 0.65)
        kind = rng.integers(5)
        if kind in (0, 1):
            lines = [
                [(left, middle + rng.normal(0, 0.1) * height), (right, middle + k * 0.2 * height)]
                for k in range(int(kind) + 1)
            ]
        elif kind == 2:
            lines = [
                [(left, reach), (right, height + reach)],
                [(left, height + reach), (right, reach)],
            ]
        elif kind == 3:
            lines = [[(left, height + reach), (right, reach)]]
        else:
            count = int(np.clip(3 * width / height, 4, 30))
            xs = np.linspace(left, right, count)
            rise = rng.uniform(0.2, 0.5) * height
            lines = [[(x, middle + (rise if k % 2 else -rise)) for k, x in enumerate(xs)]]
        return np.maximum(grown, self.strokes(lines, grown.shape))

    def dash(self) -> Floats:
        """Write a dash."""
        length = self.height_px * self._rng.uniform(0.5, 1.6)
        tilt, sag = self._rng.normal(0, 0.08, 2) * length
        size = (round(0.8 * self.height_px), round(length + 2 * self.pen_px + 4))
        y = size[0] / 2
        line = [(2, y), (length / 2, y + sag), (length, y + tilt)]
        return self.strokes([line], size)

    def tick(self) -> Floats:
        """Write a tick or a cross, as in a check box."""
        rng, side = self._rng, self.height_px * self._rng.uniform(0.7, 1.5)
        size = (round(1.4 * side) + 4, round(1.5 * side) + 4)
        if rng.random() < 0.5:
            lines = [[(0.1, rng.uniform(0.4, 0.7)), (0.4, 1.1), (rng.uniform(0.8, 1.3), 0.1)]]
        else:
            lines = [[(0.1, 0.1), (1.0, 1.1)], [(1.0, 0.15), (0.1, 1.05)]]
        return self.strokes(
            [[(x * side + 2, y * side + 2) for x, y in line] for line in lines], size
        )

    def tally(self) -> Floats:
        """Write strokes that count: three to five, the last one perhaps across the others."""
        rng, tall = self._rng, self.height_px
        count, step = int(rng.integers(3, 6)), self.height_px * rng.uniform(0.2, 0.4)
        size = (round(1.1 * tall) + 4, round(count * step + 0.4 * tall) + 4)
        lines = []
        for index in range(count):
            x = 0.15 * tall + index * step + rng.normal(0, 0.03) * tall
            lean = rng.normal(0.04, 0.05) * tall
            lines.append([(x + lean, 2 + 0.06 * tall * rng.random()), (x, tall)])
        if count == 5 or rng.random() < 0.3:
            lines[-1] = [(2, 0.8 * tall), (lines[-1][0][0], 0.25 * tall)]
        return self.strokes(lines, size)

    def cross(self, width: float, height: float) -> Floats:
        """Cross a cell of a size in pixels out, from corner to corner."""
        size = (max(6, round(height)), max(6, round(width)))
        low, high = self._rng.uniform(0.02, 0.3, 4), self._rng.uniform(0.7, 0.98, 4)
        lines = [
            [(low[0] * size[1], low[1] * size[0]), (high[0] * size[1], high[1] * size[0])],
            [(high[2] * size[1], low[2] * size[0]), (low[3] * size[1], high[3] * size[0])],
        ]
        return self.strokes(lines[: 1 + int(self._rng.random() < 0.85)], size)

    def scribble(self, width: float, height: float) -> Floats:
        """Write a signature or a scribble of about a size in pixels."""
        rng = self._rng
        count = int(rng.integers(8, 26))
        x = np.linspace(0.08, 0.92, count) + rng.normal(0, 0.06, count)
        y = 0.5 + rng.uniform(0.1, 0.3) * np.where(np.arange(count) % 2, 1, -1)
        y = y + rng.normal(0, 0.12, count)
        line = [(a * width, b * height) for a, b in zip(x, y, strict=True)]
        return self.strokes([line], (round(height), round(width)))

    def strokes(self, lines: list[list[tuple[float, float]]], size: tuple[int, int]) -> Floats:
        """Draw curves through points with the pen on a canvas of height and width ``size``."""
        canvas = np.zeros((max(3, size[0]), max(3, size[1])), np.uint8)
        for line in lines:
            points = smooth(np.array(line, np.float64), 8)
            vertices = np.rint(points * 16).astype(np.int32).reshape(-1, 1, 2)
            cv2.polylines(
                canvas, [vertices], False, 255, max(1, round(self.pen_px)), cv2.LINE_AA, 4
            )
        return canvas * np.float32(1 / 255)

    def _patch(self, character: str) -> Patch:
        if character.isdigit():
            return self._hand.digit(int(character))
        if character in SEPARATORS:
            return self._hand.separator(character)
        if isinstance(self._hand, _PenHand):
            return self._hand.letter(character)
        return self._hand.letter(character if character in LETTERS else None)


def number_to_write(rng: np.random.Generator, longest: int = 12) -> str:
    """Return a number as people write it in cells and fields: most of them short."""
    if rng.random() < 0.05:  # which look like rules
        return "1" * int(rng.integers(1, min(3, longest) + 1))
    kind = rng.choice(4, p=(0.25, 0.45, 0.15, 0.15))
    if kind == 0:
        text = number_text(rng)
        text = "".join(character for character in text if character != JUNK).strip(" -=:.,")
    elif kind == 1:
        text = str(rng.integers(0, 10 ** rng.integers(1, 4)))
    elif kind == 2:
        text = f"{rng.integers(0, 1000)}.{rng.integers(0, 100)}"
    else:
        text = "".join(str(digit) for digit in rng.integers(0, 10, rng.integers(1, longest + 1)))
    if rng.random() < 0.12:  # slim, and easily lost beside a wide gap
        text = "1" + text
    if len(text) > longest or not any(character.isdigit() for character in text):
        text = str(rng.integers(0, 10 ** min(3, longest)))
    return text


def word_to_write(rng: np.random.Generator, pens: bool) -> str:
    """Return letters to write: a word, capitals or small, without lookalikes if drawn by us."""
    count = int(rng.integers(1, 10))
    capitals = rng.random() < 0.35
    if pens:
        vowels, others = "aeiou", "bcdfghjklmnprstvwyz"
        text = "".join(
            str(rng.choice(list(vowels if (k + capitals) % 2 else others))) for k in range(count)
        )
        return text.upper() if capitals else (text.capitalize() if rng.random() < 0.4 else text)
    pool = [letter for letter in _DRAWN if letter.isupper() == capitals]
    return "".join(str(rng.choice(pool)) for _ in range(count))


def _together(placed: list[tuple[int, int, Floats]]) -> Floats:
    """Lay patches onto one another, and cut the result to its ink."""
    if not placed:
        return np.zeros((3, 3), np.float32)
    left, top = min(x for x, _, _ in placed), min(y for _, y, _ in placed)
    right = max(x + ink.shape[1] for x, _, ink in placed)
    bottom = max(y + ink.shape[0] for _, y, ink in placed)
    canvas = np.zeros((bottom - top, right - left), np.float32)
    for x, y, ink in placed:
        view = canvas[y - top : y - top + ink.shape[0], x - left : x - left + ink.shape[1]]
        np.maximum(view, ink, out=view)
    x, y, width, height = cv2.boundingRect((canvas > 0.3).astype(np.uint8))
    return canvas[y : y + height, x : x + width] if width and height else canvas
