"""Print on a page: texts in many fonts, bar codes, marks, logos and stamps as ink."""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

__all__ = ["PagePrinter", "bar_code", "logo", "printed_number", "printed_word"]

Floats = npt.NDArray[np.float32]
_NUMBERS_SHARE = 0.08  # of the words, those that are numbers
_WORDS = [
    "Name",
    "Date",
    "Total",
    "Marks",
    "Score",
    "Number",
    "Page",
    "Class",
    "Year",
    "Class",
    "Roll",
    "No.",
    "Sum",
    "Subtotal",
    "Amount",
    "Signature",
    "Place",
    "Result",
    "Grade",
    "Student",
    "Teacher",
    "Examiner",
    "Course",
    "Code",
    "Section",
    "Part",
    "Question",
    "Answer",
    "Time",
    "Weight",
    "Height",
    "Length",
    "Volume",
    "Unit",
    "Price",
    "Quantity",
    "Tax",
    "Order",
    "Invoice",
    "Customer",
    "Address",
    "City",
    "Country",
    "Phone",
    "Account",
    "Bank",
    "Branch",
    "Office",
    "Station",
    "Depth",
    "Sample",
    "Species",
    "Count",
    "Remarks",
    "Comments",
    "Yes",
    "Nein",
    "Datum",
    "Betrag",
    "Summe",
    "Punkte",
    "Klasse",
    "Nom",
    "Prénom",
    "Montant",
    "Somme",
    "Fecha",
    "Nombre",
    "Firma",
    "Importe",
    "Totale",
    "Data",
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
    "for",
    "on",
    "with",
    "by",
    "from",
    "that",
    "this",
    "are",
    "be",
    "as",
    "at",
    "or",
    "an",
    "it",
    "not",
    "all",
    "if",
    "please",
    "fill",
    "form",
    "only",
    "use",
    "black",
    "ink",
    "write",
    "clearly",
    "within",
    "each",
    "box",
    "do",
    "leave",
    "blank",
]


@lru_cache(512)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


class PagePrinter:
    """A press with a few fonts.

    Attributes:
        size_px: of the running text: about the height of a capital, times 1.4.
        tone: grey of its ink, in [0, 1].
    """

    def __init__(self, fonts: tuple[Path, ...], rng: np.random.Generator, size_px: float) -> None:
        """Choose fonts."""
        self._fonts = [str(fonts[rng.integers(len(fonts))]) for _ in range(3)]
        self._rng, self.size_px = rng, size_px
        self.tone = float(rng.choice([rng.uniform(0, 0.3), rng.uniform(0.2, 0.75)], p=[0.75, 0.25]))

    def text(self, text: str, scale: float = 1.0, font: int = 0) -> Floats:
        """Print a text on one line.

        Args:
            text: without line breaks.
            scale: of the font, against that of the running text.
            font: which of the press's fonts, 0 to 2.

        Returns:
            (H, W) float32 in [0, 1], cut to the ink.
        """
        size = max(5, round(self.size_px * scale))
        face = _font(self._fonts[font], size)
        left, top, right, bottom = face.getbbox(text)
        width, height = int(right - left) + 2, int(bottom - top) + 2
        picture = Image.new("L", (max(3, width), max(3, height)))
        ImageDraw.Draw(picture).text((1 - left, 1 - top), text, fill=255, font=face)
        return np.asarray(picture) * np.float32(1 / 255)

    def space_px(self, scale: float = 1.0) -> float:
        """Return the width of a space, in pixels."""
        return 0.28 * self.size_px * scale


def printed_word(rng: np.random.Generator) -> str:
    """Return a word of a form, letters that look like one, or a number among the words."""
    if rng.random() < _NUMBERS_SHARE:
        return printed_number(rng)
    if rng.random() < 0.65:
        word = str(rng.choice(_WORDS))
    else:
        letters = "aeioutnrsldhcmfpgbvwykzxjq"
        count = int(rng.integers(1, 12))
        places = np.minimum(rng.exponential(7, count).astype(int), len(letters) - 1)
        word = "".join(letters[place] for place in places)
    style = rng.random()
    if style < 0.25:
        word = word.upper()
    elif style < 0.5:
        word = word.capitalize()
    if rng.random() < 0.15:
        word += str(rng.choice([":", ".", ",", "?", ")", "*"]))
    return word


def printed_number(rng: np.random.Generator) -> str:
    """Return a number as forms print it; many are of one or two digits, as rows are numbered."""
    kind = rng.choice(5, p=(0.4, 0.15, 0.2, 0.1, 0.15))
    if kind == 0:
        return str(rng.integers(0, 10 if rng.random() < 0.5 else 100))
    if kind == 1:
        return "".join(str(digit) for digit in rng.integers(0, 10, rng.integers(1, 11)))
    if kind == 2:
        return f"{rng.integers(1, 40)}{rng.choice(['.', ')', ''])}"
    if kind == 3:
        return f"{rng.integers(1, 32):02d}{rng.choice(['.', '/', '-'])}{rng.integers(1, 13):02d}"
    return f"{rng.integers(0, 1000)}{rng.choice(['.', ','])}{rng.integers(0, 100):02d}"


def bar_code(rng: np.random.Generator, width: int, height: int) -> Floats:
    """Print a bar code, or a code of squares if it is about as wide as high."""
    if width > 1.6 * height:
        bars = rng.random(max(4, width // int(rng.integers(2, 4)))) < 0.5
        row = cv2.resize(bars.astype(np.float32)[None], (width, 1), interpolation=cv2.INTER_NEAREST)
        return np.repeat(row, height, axis=0)
    count = int(rng.integers(10, 26))
    squares = (rng.random((count, count)) < 0.5).astype(np.float32)
    for y, x in ((0, 0), (0, count - 5), (count - 5, 0)):
        squares[y : y + 5, x : x + 5] = 1
        squares[y + 1 : y + 4, x + 1 : x + 4] = 0
        squares[y + 2, x + 2] = 1
    return np.asarray(
        cv2.resize(squares, (width, height), interpolation=cv2.INTER_NEAREST), np.float32
    )


def logo(rng: np.random.Generator, side: int) -> Floats:
    """Print a logo or mark: shapes over one another, filled or not."""
    canvas = np.zeros((side, side), np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        thickness = int(rng.choice([-1, 1, max(1, side // 14)]))
        colour = int(rng.choice([255, 255, 0]))
        points = rng.integers(0, side, (int(rng.integers(3, 7)), 1, 2)).astype(np.int32)
        kind = rng.integers(4)
        centre = (int(points[0, 0, 0]), int(points[0, 0, 1]))
        if kind == 0:
            cv2.circle(canvas, centre, int(rng.integers(2, side // 2 + 3)), colour, thickness)
        elif kind == 1:
            cv2.rectangle(
                canvas, centre, (int(points[1, 0, 0]), int(points[1, 0, 1])), colour, thickness
            )
        elif kind == 2 and thickness < 0:
            cv2.fillPoly(canvas, [points], colour)
        else:
            axes = rng.integers(2, side // 2 + 3, 2).tolist()
            cv2.ellipse(canvas, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, thickness)
    return canvas * np.float32(1 / 255)
