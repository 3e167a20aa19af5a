"""The reader: pictures in, digits, numbers and pages out."""

import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt

from inkread import images, ink, normalize, segment
from inkread.errors import ConfigError, ImageError
from inkread.images import Picture
from inkread.results import Box, Digit, Number, Page
from inkread.runtime import DEFAULT, Model

__all__ = ["Check", "Length", "Reader", "read"]

Length = int | tuple[int, int]  # so many digits; from so many to so many
Check = str | Callable[[str], bool]


class Reader:
    """Reads digits with one model; may be shared between threads.

    Attributes:
        model: the model file in use.
        min_confidence: digits below it are rejected, as is what the model takes for no digit.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = DEFAULT,
        *,
        threads: int | None = None,
        min_confidence: float = 0.0,
    ) -> None:
        """Load a model.

        Args:
            model: the name of a shipped model, or the path of a model file.
            threads: how many the network may use; ``None``: one a core.
            min_confidence: reject digits below this confidence, in [0, 1].

        Raises:
            ModelError: the model is missing, corrupt, foreign, or of a newer format.
            ConfigError: ``threads`` or ``min_confidence`` out of range.
        """
        if not 0.0 <= min_confidence <= 1.0:
            raise ConfigError(f"expected min_confidence in [0, 1], received {min_confidence}")
        self.model = Model(model, threads=threads)
        self.min_confidence = min_confidence

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
        _refuse_constraints(length, pattern, check)
        page = images.load(image)
        lines = segment.lines(ink.find(page))
        runs = [number for line in lines for number in line]
        digits = iter(self._recognised([region for run in runs for region in run]))
        numbers = tuple(self._number([next(digits) for _ in run]) for run in runs)
        return Page(numbers, page.shape[1], page.shape[0], self.model.name)

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
        for index, pixels in enumerate(images.pages(image), start=1):
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
        _refuse_constraints(length, pattern, check)
        page = images.load(image)
        digits = self._recognised(segment.single_line(ink.find(page)))
        if not digits:
            return Number("", 0.0, _whole(page), (), rejected=True)
        return self._number(digits)

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
        region = segment.single_digit(ink.find(page))
        if region is None:
            num_labels = len(self.model.metadata.labels)
            return Digit(None, 0.0, _whole(page), (0.0,) * num_labels, rejected=True)
        return self._recognised([region])[0]

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

    def _recognised(self, regions: Sequence[segment.Region]) -> list[Digit]:
        if not regions:
            return []
        shape = self.model.shape
        glyphs = np.stack([normalize.glyph(region.ink, shape) for region in regions])
        found = self.model.classify(glyphs)
        return [
            self._digit(region.box, probabilities, junk)
            for region, probabilities, junk in zip(
                regions, found.probabilities.tolist(), found.junk.tolist(), strict=True
            )
        ]

    def _digit(self, box: Box, probabilities: list[float], junk: float) -> Digit:
        highest = max(probabilities)
        confidence = highest * (1 - junk)
        threshold = self.model.metadata.junk_threshold
        is_junk = threshold is not None and junk > threshold
        return Digit(
            label=probabilities.index(highest),
            confidence=confidence,
            box=box,
            probabilities=tuple(probabilities),
            rejected=is_junk or confidence < self.min_confidence,
            junk=junk,
        )

    def _number(self, digits: list[Digit]) -> Number:
        return Number(
            text="".join(digit.text for digit in digits),
            confidence=math.prod(digit.confidence for digit in digits),
            box=Box(
                min(digit.box.left for digit in digits),
                min(digit.box.top for digit in digits),
                max(digit.box.right for digit in digits),
                max(digit.box.bottom for digit in digits),
            ),
            digits=tuple(digits),
            rejected=any(digit.rejected for digit in digits),
        )


def _refuse_constraints(*constraints: object) -> None:
    if any(constraint is not None for constraint in constraints):
        raise ConfigError("expected no length, pattern or check: this version reads without them")


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
