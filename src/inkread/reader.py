"""The pipeline: from a picture to its digits, numbers and pages.

``Reader.read`` takes a picture through these stages, each in a module of its own:

1. ``imaging.images`` loads it as a page: upright and grey.
2. ``imaging.layout`` finds runs of writing and print with ``models.layout_model``, and which way up
   the page is; ``imaging.grids`` finds its ruled tables.
3. ``imaging.run_groups`` puts together the runs that are one number, ``imaging.run_crops`` cuts
   each number out of the page: level, without rules.
4. ``recognition.line_reader`` reads each crop as a whole; a doubtful one also digit by digit, with
   ``recognition.glyph_reader``.
5. ``recognition.number_tables`` arranges the numbers in tables.

``Reader.read_number`` and ``Reader.read_digit`` take pictures of one number or digit: there
``imaging.ink`` finds the ink, and ``imaging.segmentation`` its digits.
"""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from inkread.decoding.constraints import Constraint
from inkread.errors import ConfigError, ImageError
from inkread.imaging import images, ink, segmentation
from inkread.imaging.images import Picture
from inkread.imaging.layout_options import Cells, LayoutOptions
from inkread.models.layout_model import LayoutModel
from inkread.models.runtime import DEFAULT, LineModel, Model
from inkread.notation import Notation
from inkread.recognition.digit_reader import DigitReader, LocatedDigit
from inkread.recognition.glyph_reader import GlyphReader
from inkread.recognition.line_reader import LineReader
from inkread.recognition.locator import LocatedNumber, Locator
from inkread.recognition.number_reader import NumberReader
from inkread.recognition.page_reader import PageReader
from inkread.results import Box, Digit, Number, Page

__all__ = ["Check", "Length", "Reader", "read"]

Length = int | tuple[int, int]  # the number of digits; or its least and its greatest
Check = str | Callable[[str], bool]


class Reader:
    """Reads numbers and digits; may be shared between threads.

    Attributes:
        model: the glyph model in use: it reads single digits.
        line_model: the line model in use: it reads numbers.
        min_confidence: digits and numbers below it are rejected, as is what is no digit.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = DEFAULT,
        *,
        line_model: str | os.PathLike[str] = DEFAULT,
        threads: int | None = None,
        min_confidence: float = 0.0,
    ) -> None:
        """Load the models.

        Args:
            model: reads single digits: the name of a shipped glyph model, or the path of one.
            line_model: reads numbers: the name of a shipped line model, or the path of one.
            threads: how many the networks may use; ``None``: one a core.
            min_confidence: reject digits and numbers below this confidence, in [0, 1].

        Raises:
            ModelError: a model is missing, corrupt, foreign, or of a newer format.
            ConfigError: ``threads`` or ``min_confidence`` out of range.
        """
        if not 0.0 <= min_confidence <= 1.0:
            raise ConfigError(f"expected min_confidence in [0, 1], received {min_confidence}")
        self.model = Model(model, threads=threads)
        self.line_model = LineModel(line_model, threads=threads)
        self.min_confidence = min_confidence
        self._threads = threads
        glyphs = GlyphReader(self.model, 0.0)  # rejects nothing but what is no digit
        self._lines = LineReader(self.line_model, glyphs, min_confidence)
        self._numbers = NumberReader(self._lines)
        self._digits = DigitReader(self.model, self._lines, min_confidence)

    def read(  # noqa: PLR0913 - all that may be known of a page
        self,
        image: Picture,
        *,
        length: Length | None = None,
        pattern: str | None = None,
        check: Check | None = None,
        notation: Notation | None = None,
        printed: bool = False,
        cells: Cells | str = Cells.AUTO,
        grid: tuple[int, int] | None = None,
    ) -> Page:
        """Read every number on a picture, in reading order.

        Args:
            image: a path, the bytes of an image file, a binary file object, a PIL image, or an
                array (H, W) or (H, W, 3 or 4), RGB or RGBA, uint8, uint16, or float in [0, 1].
            length: how many digits each number has: exactly, or at least and at most.
            pattern: a regular expression that each number matches.
            check: the name of a check that each number passes, or a function that says so.
            notation: what each number is (a decimal, a date) and how it is written.
            printed: report printed numbers as well as handwritten ones; without it they are
                reported only where there are no handwritten ones, and among the handwritten
                values of a table.
            cells: what narrow cells with one digit each are: "join", the digits of one number;
                "split", a number each; "auto": what the page suggests.
            grid: how many rows and columns the table on the picture has, if it is known.

        Returns:
            The page; without numbers if none are found: then its ``notes`` say what was seen.

        Raises:
            ImageError: not a picture that can be read, or a file of several pages.
            ConfigError: an option that makes no sense.
        """
        options = LayoutOptions(printed, Cells.parse(cells), grid)
        constraint = _constraint(length, pattern, check, notation)
        page = images.load(image)
        found = self._page_reader.read(page, options, constraint)
        height, width = page.shape
        name = self.line_model.name
        return Page(found.numbers, width, height, name, tables=found.tables, notes=found.notes)

    def read_pages(  # noqa: PLR0913 - as for read
        self,
        image: Picture,
        *,
        length: Length | None = None,
        pattern: str | None = None,
        check: Check | None = None,
        notation: Notation | None = None,
        printed: bool = False,
        cells: Cells | str = Cells.AUTO,
        grid: tuple[int, int] | None = None,
    ) -> Iterator[Page]:
        """Read the pages of a PDF or TIFF file, or the one page of any other picture, one by one.

        Args:
            image: as for ``read``.
            length: as for ``read``.
            pattern: as for ``read``.
            check: as for ``read``.
            notation: as for ``read``.
            printed: as for ``read``.
            cells: as for ``read``.
            grid: as for ``read``.

        Yields:
            Each page, as ``read`` gives it, with its place in the file as ``page``.

        Raises:
            ImageError: not a picture that can be read, or a page of it, when its turn comes.
        """
        for index, pixels in enumerate(images.load_pages(image), start=1):
            page = self.read(
                pixels, length=length, pattern=pattern, check=check, notation=notation,
                printed=printed, cells=cells, grid=grid,
            )  # fmt: skip
            yield replace(page, page=index)

    def read_number(
        self,
        image: Picture,
        *,
        length: Length | None = None,
        pattern: str | None = None,
        check: Check | None = None,
        notation: Notation | None = None,
    ) -> Number:
        """Read a picture of one number: the line with the most ink, as one run of digits.

        Args:
            image: as for ``read``.
            length: as for ``read``.
            pattern: as for ``read``.
            check: as for ``read``.
            notation: as for ``read``.

        Returns:
            The number; rejected, with an empty text, if the picture is blank.

        Raises:
            ImageError: not a picture that can be read.
        """
        return self.candidates(
            image, length=length, pattern=pattern, check=check, notation=notation, count=1
        )[0]

    def candidates(
        self,
        image: Picture,
        *,
        length: Length | None = None,
        pattern: str | None = None,
        check: Check | None = None,
        notation: Notation | None = None,
        count: int = 5,
    ) -> tuple[Number, ...]:
        """Return the most probable readings of a picture of one number.

        Args:
            image: as for ``read``.
            length: as for ``read``.
            pattern: as for ``read``.
            check: as for ``read``.
            notation: as for ``read``.
            count: how many at most.

        Returns:
            At least one number, the most probable first, each with another text; where there is
            nothing to read, or nothing that satisfies what is asked for, one that is rejected.

        Raises:
            ImageError: not a picture that can be read.
            ConfigError: a length, pattern or check that nothing satisfies.
        """
        constraint = _constraint(length, pattern, check, notation)
        page = images.load(image)
        return self._numbers.candidates(page, constraint, count)

    def read_digit(self, image: Picture, *, box: Box | None = None) -> Digit:
        """Read one digit, of any size, place, colour and stroke width.

        Args:
            image: as for ``read``.
            box: of one of the digits on the picture, in its pixels; ``None``: the picture is one
                digit.

        Returns:
            The digit; with a box, the digit that ``read`` gives there, and where it gives none,
            what the box holds. Rejected, without a label, if the picture is blank.

        Raises:
            ImageError: not a picture that can be read, or a box outside it or without ink.
        """
        page = images.load(image)
        if box is not None:
            return self._locator.find_digit(page, box, None).digit
        found = ink.find(page)
        region = segmentation.find_single_digit(found)
        if region is None:
            num_labels = len(self.model.metadata.labels)
            return Digit(None, 0.0, _whole(page), (0.0,) * num_labels, rejected=True)
        return self._digits.read(region, found, is_alone=True)

    def locate_digit(
        self,
        image: Picture,
        box: Box | None = None,
        *,
        length: Length | None = None,
        pattern: str | None = None,
        check: Check | None = None,
        notation: Notation | None = None,
    ) -> LocatedDigit:
        """Read one digit as ``read_digit`` does, and cut out its ink.

        Args:
            image: as for ``read``.
            box: as for ``read_digit``.
            length: that ``read`` was told, if it was; needs a box.
            pattern: the same.
            check: the same.
            notation: the same.

        Raises:
            ImageError: not a picture that can be read, one without ink, or a box outside it or
                without ink.
            ConfigError: a length, pattern or check that nothing satisfies, or without a box.
        """
        constraint = _constraint(length, pattern, check, notation)
        page = images.load(image)
        if box is not None:
            return self._locator.find_digit(page, box, constraint)
        if constraint is not None:
            raise ConfigError("expected a box with length, pattern or check, received none")
        found = ink.find(page)
        region = segmentation.find_single_digit(found)
        if region is None:
            raise ImageError("expected a picture of a digit, received one without ink")
        return LocatedDigit(self._digits.read(region, found, is_alone=True), region.ink)

    def locate_number(
        self, image: Picture, box: Box, num_digits: int, constraint: Constraint | None = None
    ) -> LocatedNumber:
        """Find the number in a box, as ``read`` reads it there, and cut it out.

        Args:
            image: as for ``read``.
            box: of a number on the picture, in its pixels, or around parts that are one number.
            num_digits: how many it truly has; what was missed of it is looked for beside the box.
            constraint: what ``read`` was told of every number, if anything.

        Raises:
            ImageError: not a picture that can be read, or a box outside it or without ink.
        """
        return self._locator.find_number(images.load(image), box, constraint, num_digits)

    def classify(self, glyphs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Classify glyphs that are as MNIST's are already.

        Args:
            glyphs: (N, 28, 28) uint8, ink 255 on paper 0; N may be 0.

        Returns:
            (N, 10) float32, calibrated probabilities of 0 to 9, given that the glyphs are digits;
            each row adds up to 1.

        Raises:
            ImageError: another shape or dtype.
        """
        side = self.model.shape.side_px
        if not (
            isinstance(glyphs, np.ndarray)
            and glyphs.dtype == np.uint8
            and glyphs.shape[1:] == (side, side)
        ):
            received = (
                f"{glyphs.dtype} {glyphs.shape}"
                if isinstance(glyphs, np.ndarray)
                else type(glyphs).__name__
            )
            raise ImageError(f"expected glyphs as uint8 (N, {side}, {side}), received {received}")
        return self.model.predict_probabilities(glyphs)

    @cached_property
    def _page_reader(self) -> PageReader:
        """The reader of pages by their layout; its model is loaded when it is first asked for."""
        return PageReader(LayoutModel(threads=self._threads), self._lines, self._numbers)

    @cached_property
    def _locator(self) -> Locator:
        return Locator(self._page_reader, self._digits)


def _constraint(
    length: Length | None, pattern: str | None, check: Check | None, notation: Notation | None
) -> Constraint | None:
    if (length, pattern, check, notation) == (None,) * 4:
        return None
    return Constraint(length, pattern, check, notation)


def read(image: Picture) -> Page:
    """Read every number on a picture with the default reader, which the process keeps.

    Args:
        image: a path, the bytes of an image file, a binary file object, a PIL image, or an array
            (H, W) or (H, W, 3 or 4), RGB or RGBA, uint8, uint16, or float in [0, 1].

    Returns:
        The page; without numbers if the picture is blank.

    Raises:
        ImageError: not a picture that can be read.
    """
    with _default_lock:
        reader = _default_reader()
    return reader.read(image)


_default_lock = threading.Lock()


@cache
def _default_reader() -> Reader:
    return Reader()


def _whole(page: npt.NDArray[np.uint8]) -> Box:
    return Box(0, 0, page.shape[1], page.shape[0])
