"""Reads many pictures, in several processes if wanted, and yields the results in order."""

import math
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from inkread.batch.process_limits import ProcessLimits
from inkread.batch.processes import map_in_order, num_cores
from inkread.errors import ImageError
from inkread.imaging.layout_options import LayoutOptions
from inkread.notation import PLAIN, Notation
from inkread.results import Number, Page

if TYPE_CHECKING:  # heavy
    import numpy as np
    from numpy.typing import NDArray

    from inkread.imaging.images import Pages
    from inkread.reader import Reader

__all__ = [
    "Outcome",
    "PictureInput",
    "ReadAs",
    "ReadSettings",
    "choose_num_processes",
    "is_pdf_file",
    "open_reader",
    "read_files",
    "read_picture",
]

_NUM_SIGNATURE_BYTES = 2048
_NO_MEMORY = "there is not enough memory to read it"
_MIN_PICTURES_PER_PROCESS = 32  # about as many are read in the time that a process takes to start


class ReadAs(StrEnum):
    """What a page is read as: any numbers, one number, or one digit."""

    PAGE = "page"
    NUMBER = "number"
    DIGIT = "digit"


@dataclass(frozen=True)
class ReadSettings:
    """The settings for reading pictures.

    Attributes:
        model: the model of single digits: the name of a shipped model, or the path of a model file.
        line_model: the model of numbers: likewise.
        threads: of the networks; ``None`` for one per core, or one if several processes read.
        min_confidence: digits with a lower confidence are rejected, in [0, 1].
        read_as: what each page is read as.
        length: as for ``Reader.read``; not used for single digits.
        pattern: as for ``Reader.read``; not used for single digits.
        check: the name of a check, as for ``Reader.read``; not used for single digits.
        layout: how pages are read; not used for single numbers and digits.
        notation: as for ``Reader.read``; not used for single digits.
    """

    model: str | os.PathLike[str] = "default"
    line_model: str | os.PathLike[str] = "default"
    threads: int | None = None
    min_confidence: float = 0.0
    read_as: ReadAs = ReadAs.PAGE
    length: int | tuple[int, int] | None = None
    pattern: str | None = None
    check: str | None = None
    layout: LayoutOptions = field(default_factory=LayoutOptions)
    notation: Notation = PLAIN


@dataclass(frozen=True)
class PictureInput:
    """A picture to read.

    Attributes:
        name: its name in the results.
        picture: its path, or the bytes of the file.
        annotated: path of the annotated picture to write, if any; from the second page on, the
            page's number is added.
        problem: why it can't be read, if that is known already.
    """

    name: str
    picture: str | bytes
    annotated: Path | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Outcome:
    """The result of reading a page, or the error of a picture that could not be opened.

    Attributes:
        name: of the input.
        page: what was read; ``None`` if it could not be read.
        error: what went wrong, without the name. Both are set if the page was read but its
            annotated picture could not be saved.
        is_last: whether it is the last outcome of this input.
    """

    name: str
    page: Page | None
    error: str | None = None
    is_last: bool = True


def choose_num_processes(num_inputs: int) -> int:
    """Return the number of processes that are worth starting: at most one per core."""
    return max(1, min(num_cores(), math.ceil(num_inputs / _MIN_PICTURES_PER_PROCESS)))


def read_files(
    inputs: Sequence[PictureInput],
    settings: ReadSettings,
    *,
    num_processes: int = 1,
    limits: ProcessLimits | None = None,
) -> Generator[Outcome, None, None]:
    """Read all pages of pictures, and yield the outcomes in the order of the pictures.

    If a process crashes, the outcome of the picture that it read is an error, and a new process
    replaces it. Processes are spawned, so a script must call this under
    ``if __name__ == "__main__":``.

    Args:
        inputs: the pictures.
        settings: how to read them.
        num_processes: at least 1; with 1 and no limits, this process reads.
        limits: of each process; a picture that exceeds them is an error.

    Yields:
        The outcome of each page, as soon as it and those before it are known.

    Raises:
        ModelError: a model can't be loaded.
        ConfigError: a setting is invalid.
        ChildProcessError: a process could not be started.
    """
    if num_processes > 1:
        settings = replace(settings, threads=settings.threads or 1)
    return map_in_order(
        partial(_prepare_reading, settings),
        inputs,
        is_last=attrgetter("is_last"),
        on_crash=_make_crash_outcome,
        num_processes=num_processes,
        limits=limits,
    )


def is_pdf_file(picture: str | bytes) -> bool:
    """Return whether a picture is a PDF file, which another process had better read.

    Drawing a page of a small PDF can take any time and memory, and even end the process.
    """
    from inkread.imaging.input_files import check_regular
    from inkread.imaging.pdf import is_pdf

    if isinstance(picture, bytes):
        return is_pdf(picture)
    try:
        check_regular(picture)
        with Path(picture).open("rb") as file:
            return is_pdf(file.read(_NUM_SIGNATURE_BYTES))
    except (ImageError, OSError, ValueError):  # whoever reads it will tell
        return False


def _prepare_reading(settings: ReadSettings) -> Callable[[PictureInput], Iterator[Outcome]]:
    return partial(read_picture, open_reader(settings), settings)


def _make_crash_outcome(picture_input: PictureInput, reason: str) -> Outcome:
    return Outcome(picture_input.name, None, reason)


def open_reader(settings: ReadSettings) -> "Reader":
    """Load the models.

    Raises:
        ModelError: a model can't be loaded.
        ConfigError: a setting is invalid.
    """
    from inkread.reader import Reader

    return Reader(
        settings.model,
        line_model=settings.line_model,
        threads=settings.threads,
        min_confidence=settings.min_confidence,
    )


def read_picture(
    reader: "Reader", settings: ReadSettings, picture_input: PictureInput
) -> Iterator[Outcome]:
    """Read all pages of a picture in this process.

    Args:
        reader: the reader to use.
        settings: how to read the picture.
        picture_input: the picture.

    Yields:
        The outcome of each page; a single one if the picture can't be opened.
    """
    from inkread.imaging.images import open_pages

    if picture_input.problem:
        yield Outcome(picture_input.name, None, picture_input.problem)
        return
    try:
        opened = open_pages(picture_input.picture)
    except (ImageError, MemoryError) as error:
        reason = _remove_name(error, picture_input) or _NO_MEMORY
        yield Outcome(picture_input.name, None, reason)
        return
    with opened:
        for index in range(len(opened)):
            yield _read_page(reader, settings, picture_input, opened, index)


def _read_page(
    reader: "Reader",
    settings: ReadSettings,
    picture_input: PictureInput,
    opened: "Pages",
    index: int,
) -> Outcome:
    from inkread.batch.annotate import save_annotated

    page = error = None
    try:
        pixels = opened[index]
        page = replace(_read_pixels(reader, settings, pixels), page=index + 1)
        if picture_input.annotated:
            path = picture_input.annotated
            save_annotated(
                pixels, page, path.with_stem(f"{path.stem}-{index + 1}") if index else path
            )
    except (ImageError, OSError) as problem:
        error = _remove_name(problem, picture_input)
    except MemoryError:
        error = _NO_MEMORY
    return Outcome(picture_input.name, page, error, is_last=index + 1 == len(opened))


def _remove_name(error: Exception, picture_input: PictureInput) -> str:
    if isinstance(picture_input.picture, bytes):
        return str(error)
    return str(error).removeprefix(f"{Path(picture_input.picture)}: ")


def _read_pixels(reader: "Reader", settings: ReadSettings, pixels: "NDArray[np.uint8]") -> Page:
    length, pattern, check = settings.length, settings.pattern, settings.check
    if settings.read_as is ReadAs.PAGE:
        return reader.read(
            pixels,
            length=length,
            pattern=pattern,
            check=check,
            notation=settings.notation,
            printed=settings.layout.printed,
            cells=settings.layout.cells,
            grid=settings.layout.grid,
        )
    if settings.read_as is ReadAs.NUMBER:
        number = reader.read_number(
            pixels, length=length, pattern=pattern, check=check, notation=settings.notation
        )
    else:
        digit = reader.read_digit(pixels)
        digits = () if digit.label is None else (digit,)
        text = "" if digit.label is None else digit.text
        number = Number(text, digit.confidence, digit.box, digits, digit.rejected)
    model = reader.line_model if settings.read_as is ReadAs.NUMBER else reader.model
    return Page((number,), pixels.shape[1], pixels.shape[0], model.name)
