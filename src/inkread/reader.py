"""The reader: pictures in, digits, numbers and pages out."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt

from inkread.decoding.constraints import Constraint
from inkread.errors import ConfigError, ImageError
from inkread.imaging import crops, images, ink, segmentation
from inkread.imaging.images import Picture
from inkread.models.runtime import DEFAULT, LineModel, Model
from inkread.recognition import fusion
from inkread.recognition.glyph_reader import GlyphReader
from inkread.recognition.line_reader import LineReader
from inkread.results import Box, Digit, Number, Page

__all__ = ["Check", "Length", "Reader", "read"]

Length = int | tuple[int, int]  # so many digits; from so many to so many
Check = str | Callable[[str], bool]

_STRIP_LIKE_PX = 160  # pictures no higher than this are taken as cut to their number already
_TELLING_DIGITS = 4  # fewer don't say which way up a page is: a 6 may be a 9
_SURE = 0.95  # a digit on its own that is less sure is read by the line model too
_WAYS = 6  # to read it that count
_CLEAR_DOUBT = 0.2  # mean over a page: above it, the page may stand on its head


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
        self.min_confidence = min_confidence
        self._digits = GlyphReader(self.model, min_confidence)
        pieces = GlyphReader(self.model, 0.0)  # rejects nothing but what is no digit
        self._lines = LineReader(self.line_model, pieces, min_confidence)

    def read(
        self,
        image: Picture,
        *,
        length: Length | None = None,
        pattern: str | None = None,
        check: Check | None = None,
    ) -> Page:
        """Read every number on a picture, in reading order.

        Args:
            image: a path, the bytes of an image file, a binary file object, a PIL image, or an
                array (H, W) or (H, W, 3 or 4), RGB or RGBA, uint8, uint16, or float in [0, 1].
            length: how many digits each number has: exactly, or at least and at most.
            pattern: a regular expression that each number matches.
            check: the name of a check that each number passes, or a function that says so.

        Returns:
            The page; without numbers if the picture is blank.

        Raises:
            ImageError: not a picture that can be read, or a file of several pages.
        """
        constraint = _constraint(length, pattern, check)
        page = images.load(image)
        numbers = self._read_upright(page, constraint)
        # It may be upside down, or on its side; what reads as one digit hardly holds four.
        if numbers and _num_digits(numbers) != 1 and _doubt(numbers) > _CLEAR_DOUBT:
            turned = {
                turns: self._read_upright(np.ascontiguousarray(np.rot90(page, turns)), constraint)
                for turns in (2, 1, 3)
            }
            turns = min(turned, key=lambda turns: _doubt(turned[turns]))
            is_clear = _doubt(turned[turns]) < min(_CLEAR_DOUBT, _doubt(numbers) / 2)
            if is_clear and _num_digits(turned[turns]) >= _TELLING_DIGITS:
                numbers = tuple(_turned_back(number, turns, page) for number in turned[turns])
        return Page(numbers, page.shape[1], page.shape[0], self.line_model.name)

    def read_pages(
        self,
        image: Picture,
        *,
        length: Length | None = None,
        pattern: str | None = None,
        check: Check | None = None,
    ) -> Iterator[Page]:
        """Read the pages of a PDF or TIFF file, or the one page of any other picture, one by one.

        Args:
            image: as for ``read``.
            length: as for ``read``.
            pattern: as for ``read``.
            check: as for ``read``.

        Yields:
            Each page, as ``read`` gives it, with its place in the file as ``page``.

        Raises:
            ImageError: not a picture that can be read, or a page of it, when its turn comes.
        """
        for index, pixels in enumerate(images.load_pages(image), start=1):
            page = self.read(pixels, length=length, pattern=pattern, check=check)
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
            dark = ink.make_dark_on_light(page)
            return self._lines.candidates(
                crops.crop_whole(dark),
                constraint,
                count,
                lambda: segmentation.find_single_line(ink.find_dark(dark)),
            )
        found = ink.find(page)
        run = segmentation.find_single_line(found)
        if not run:
            return (Number("", 0.0, _whole(page), (), rejected=True),)
        crop = crops.crop_around([region.box for region in run], found.page)
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
        region = segmentation.find_single_digit(found)
        if region is None:
            num_labels = len(self.model.metadata.labels)
            return Digit(None, 0.0, _whole(page), (0.0,) * num_labels, rejected=True)
        (digit,) = self._digits.read([region])
        if digit.confidence >= _SURE or self._digits.is_junk(digit):
            return digit
        # The line model has seen other hands than MNIST's: its word counts where this one doubts.
        numbers = self._lines.candidates(crops.crop_around([region.box], found.page), None, _WAYS)
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
        return self.model.predict_probabilities(glyphs)

    def _read_upright(
        self, page: npt.NDArray[np.uint8], constraint: Constraint | None
    ) -> tuple[Number, ...]:
        """Read the numbers of a page; runs in which nothing is written are left out."""
        found = ink.find(page)
        runs = [run for line in segmentation.find_lines(found) for run in line]
        cut = [crops.crop_around([region.box for region in run], found.page) for run in runs]
        numbers = self._lines.read(cut, constraint, runs)
        return tuple(number for number in numbers if number.text or number.unconstrained)


def _constraint(
    length: Length | None, pattern: str | None, check: Check | None
) -> Constraint | None:
    if length is None and pattern is None and check is None:
        return None
    return Constraint(length, pattern, check)


def _num_digits(numbers: Sequence[Number]) -> int:
    return sum(len(number.digits) for number in numbers)


def _doubt(numbers: Sequence[Number]) -> float:
    """How doubtful the digits of a page are on the whole, in [0, 1]; 1 where none were found."""
    digits = [digit for number in numbers for digit in number.digits]
    return 1 - sum(digit.confidence for digit in digits) / len(digits) if digits else 1.0


def _turned_back(number: Number, turns: int, page: npt.NDArray[np.uint8]) -> Number:
    """Return a number of a page that was turned by so many quarters with its boxes on the page."""
    height, width = page.shape

    def back(box: Box) -> Box:
        left, top, right, bottom = box
        if turns == 2:
            return Box(width - right, height - bottom, width - left, height - top)
        if turns == 1:
            return Box(width - bottom, left, width - top, right)
        return Box(top, height - right, bottom, height - left)

    digits = tuple(replace(digit, box=back(digit.box)) for digit in number.digits)
    return replace(number, box=back(number.box), digits=digits)


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
