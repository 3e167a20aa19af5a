"""The reader: pictures in, digits, numbers and pages out."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt

from inkread.decoding.constraints import Constraint
from inkread.errors import ConfigError, ImageError
from inkread.imaging import crops, images, ink, segmentation
from inkread.imaging.images import Picture
from inkread.models.layout_model import LayoutModel
from inkread.models.runtime import DEFAULT, LineModel, Model
from inkread.recognition import fusion
from inkread.recognition.glyph_reader import GlyphReader
from inkread.recognition.line_reader import LineReader
from inkread.recognition.page_reader import Cells, PageOptions, PageReader
from inkread.results import Box, Digit, Number, Page

__all__ = ["Check", "Length", "Reader", "read"]

Length = int | tuple[int, int]  # so many digits; from so many to so many
Check = str | Callable[[str], bool]

_STRIP_LIKE_PX = 160  # pictures no higher than this are taken as cut to their number already
_SURE = 0.95  # a digit on its own that is less sure is read by the line model too
_WAYS = 6  # to read it that count


class Reader:
    """Reads numbers and digits; may be shared between threads.

    Attributes:
        model: the glyph model in use: it reads single digits.
        line_model: the line model in use: it reads numbers.
        layout_model: the layout model in use: it finds what is where on a page.
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
            model: of single digits: the name of a shipped glyph model, or the path of one.
            line_model: of numbers: the name of a shipped line model, or the path of one.
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
        self.layout_model = LayoutModel(threads=threads)
        self.min_confidence = min_confidence
        self._digits = GlyphReader(self.model, min_confidence)
        pieces = GlyphReader(self.model, 0.0)  # rejects nothing but what is no digit
        self._lines = LineReader(self.line_model, pieces, min_confidence)
        self._pages = PageReader(self.layout_model, self._lines)

    def read(
        self,
        image: Picture,
        *,
        length: Length | None = None,
        pattern: str | None = None,
        check: Check | None = None,
        printed: bool = False,
        cells: str = Cells.AUTO,
    ) -> Page:
        """Read every number on a picture, in reading order.

        Args:
            image: a path, the bytes of an image file, a binary file object, a PIL image, or an
                array (H, W) or (H, W, 3 or 4), RGB or RGBA, uint8, uint16, or float in [0, 1].
            length: how many digits each number has: exactly, or at least and at most.
            pattern: a regular expression that each number matches.
            check: the name of a check that each number passes, or a function that says so.
            printed: report printed numbers as well as handwritten ones.
            cells: what narrow cells with one digit each are: ``join``: one number, ``split``: a
                number each, ``auto``: one number where they stand alone in a row.

        Returns:
            The page; without numbers if the picture is blank.

        Raises:
            ImageError: not a picture that can be read, or a file of several pages.
            ConfigError: ``cells`` is none of these.
        """
        constraint = _constraint(length, pattern, check)
        page = images.load(image)
        options = PageOptions(printed=printed, cells=_chosen_cells(cells), constraint=constraint)
        found = self._pages.read(page, options)
        height, width = page.shape
        return Page(
            found.numbers,
            width,
            height,
            self.line_model.name,
            tables=found.tables,
            notes=found.notes,
        )

    def read_pages(
        self,
        image: Picture,
        *,
        length: Length | None = None,
        pattern: str | None = None,
        check: Check | None = None,
        printed: bool = False,
        cells: str = Cells.AUTO,
    ) -> Iterator[Page]:
        """Read the pages of a PDF or TIFF file, or the one page of any other picture, one by one.

        Args:
            image: as for ``read``.
            length: as for ``read``.
            pattern: as for ``read``.
            check: as for ``read``.
            printed: as for ``read``.
            cells: as for ``read``.

        Yields:
            Each page, as ``read`` gives it, with its place in the file as ``page``.

        Raises:
            ImageError: not a picture that can be read, or a page of it, when its turn comes.
        """
        for index, pixels in enumerate(images.pages(image), start=1):
            page = self.read(
                pixels, length=length, pattern=pattern, check=check, printed=printed, cells=cells
            )
            yield replace(page, page=index)

    def read_number(
        self,
        image: Picture,
        *,
        length: Length | None = None,
        pattern: str | None = None,
        check: Check | None = None,
    ) -> Number:
        """Read a picture of one number: the line with the most ink, as one run of digits.

        Args:
            image: as for ``read``.
            length: as for ``read``.
            pattern: as for ``read``.
            check: as for ``read``.

        Returns:
            The number; rejected, with an empty text, if the picture is blank.

        Raises:
            ImageError: not a picture that can be read.
        """
        return self.candidates(image, length=length, pattern=pattern, check=check, count=1)[0]

    def candidates(
        self,
        image: Picture,
        *,
        length: Length | None = None,
        pattern: str | None = None,
        check: Check | None = None,
        count: int = 5,
    ) -> tuple[Number, ...]:
        """Read a picture of one number in several ways, the most probable first.

        Args:
            image: as for ``read``.
            length: as for ``read``.
            pattern: as for ``read``.
            check: as for ``read``.
            count: how many at most.

        Returns:
            At least one number, each with another text; where there is nothing to read, or nothing
            that satisfies what is asked for, one that is rejected.

        Raises:
            ImageError: not a picture that can be read.
            ConfigError: a length, pattern or check that nothing satisfies.
        """
        constraint = _constraint(length, pattern, check)
        page = images.load(image)
        if page.shape[0] <= _STRIP_LIKE_PX:  # cut to the number already
            dark = ink.dark_on_light(page)
            return self._lines.candidates(
                crops.whole(dark),
                constraint,
                count,
                lambda: segmentation.single_line(ink.find_dark(dark)),
            )
        found = ink.find(page)
        run = segmentation.single_line(found)
        if not run:
            return (Number("", 0.0, _whole(page), (), rejected=True),)
        crop = crops.around([region.box for region in run], found.page)
        return self._lines.candidates(crop, constraint, count, lambda: run)

    def read_digit(self, image: Picture) -> Digit:
        """Read a picture of one digit, of any size, place, colour and stroke width.

        Args:
            image: as for ``read``.

        Returns:
            The digit; rejected, without a label, if the picture is blank.

        Raises:
            ImageError: not a picture that can be read.
        """
        page = images.load(image)
        found = ink.find(page)
        region = segmentation.single_digit(found)
        if region is None:
            num_labels = len(self.model.metadata.labels)
            return Digit(None, 0.0, _whole(page), (0.0,) * num_labels, rejected=True)
        (digit,) = self._digits.read([region])
        if digit.confidence >= _SURE or self._digits.is_junk(digit):
            return digit
        # The line model has seen other hands than MNIST's: its word counts where this one doubts.
        numbers = self._lines.candidates(crops.around([region.box], found.page), None, _WAYS)
        return fusion.averaged(digit, numbers, self.min_confidence)

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
        return self.model.probabilities(glyphs)


def _constraint(
    length: Length | None, pattern: str | None, check: Check | None
) -> Constraint | None:
    if length is None and pattern is None and check is None:
        return None
    return Constraint(length, pattern, check)


def _chosen_cells(cells: str) -> Cells:
    try:
        return Cells(cells)
    except ValueError:
        choices = ", ".join(Cells)
        raise ConfigError(f"expected cells to be one of {choices}, received {cells!r}") from None


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
