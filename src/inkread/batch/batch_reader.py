"""Many pictures, read by several processes, in their order."""

import math
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from inkread.batch.processes import map_in_order, num_cores
from inkread.errors import ImageError
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
    "open_reader",
    "read_files",
    "read_picture",
]

_WORTH_A_PROCESS = 32  # pictures; about what is read in the time that a process takes to start


class ReadAs(StrEnum):
    """What a picture holds."""

    PAGE = "page"
    NUMBER = "number"
    DIGIT = "digit"


@dataclass(frozen=True)
class ReadSettings:
    """How to read.

    Attributes:
        model: of single digits: the name of a shipped model, or the path of a model file.
        line_model: of numbers: likewise.
        threads: of the network; ``None``: one a core, or one where several processes read.
        min_confidence: reject digits below this confidence, in [0, 1].
        read_as: what each page holds.
        length: as for ``Reader.read``, of pages and numbers.
        pattern: as for ``Reader.read``, of pages and numbers.
        check: the name of a check, as for ``Reader.read``, of pages and numbers.
    """

    model: str | os.PathLike[str] = "default"
    line_model: str | os.PathLike[str] = "default"
    threads: int | None = None
    min_confidence: float = 0.0
    read_as: ReadAs = ReadAs.PAGE
    length: int | tuple[int, int] | None = None
    pattern: str | None = None
    check: str | None = None


@dataclass(frozen=True)
class PictureInput:
    """A picture to read.

    Attributes:
        name: what it is called in the results.
        picture: its path, or the bytes of the file.
        annotated: where to save the annotated picture; a page's number is added from the second on.
        problem: why it can't be read, if that is known already.
    """

    name: str
    picture: str | bytes
    annotated: Path | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a page, or of a picture that could not be opened.

    Attributes:
        name: of the input.
        page: what was read; ``None`` if it could not be.
        error: what went wrong, without the name; both if the annotated picture could not be saved.
        is_last: nothing more comes of this input.
    """

    name: str
    page: Page | None
    error: str | None = None
    is_last: bool = True


def choose_num_processes(num_inputs: int) -> int:
    """Return how many processes are worth starting: at most one a core."""
    return max(1, min(num_cores(), math.ceil(num_inputs / _WORTH_A_PROCESS)))


def read_files(
    inputs: Sequence[PictureInput], settings: ReadSettings, *, num_processes: int = 1
) -> Generator[Outcome, None, None]:
    """Read pictures, all pages of each, and give what came of them in their order.

    With several processes a few pictures are read ahead. A process that dies takes one picture with
    it, whose outcome says so; another takes its place. They are spawned, so a script that calls
    this must do so under ``if __name__ == "__main__":``.

    Args:
        inputs: what to read.
        settings: how to read it.
        num_processes: at least 1; with 1, reading is done in this process.

    Yields:
        The outcome of each page, as soon as it and those before it are known.

    Raises:
        ModelError: the model can't be loaded.
        ConfigError: a setting is wrong.
        ChildProcessError: a process could not be started.
    """
    if num_processes > 1:
        settings = replace(settings, threads=settings.threads or 1)
    return map_in_order(
        partial(_prepare, settings), inputs, on_crash=_lost, num_processes=num_processes
    )


def _prepare(settings: ReadSettings) -> Callable[[PictureInput], Iterator[Outcome]]:
    return partial(read_picture, open_reader(settings), settings)


def _lost(each: PictureInput, reason: str) -> Outcome:
    return Outcome(each.name, None, reason)


def open_reader(settings: ReadSettings) -> "Reader":
    """Load the models.

    Raises:
        ModelError: one can't be loaded.
        ConfigError: a setting is wrong.
    """
    from inkread.reader import Reader

    return Reader(
        settings.model,
        line_model=settings.line_model,
        threads=settings.threads,
        min_confidence=settings.min_confidence,
    )


def read_picture(reader: "Reader", settings: ReadSettings, each: PictureInput) -> Iterator[Outcome]:
    """Read all pages of a picture in this process, and give what came of each."""
    from inkread.imaging.images import open_pages

    if each.problem:
        yield Outcome(each.name, None, each.problem)
        return
    try:
        opened = open_pages(each.picture)
    except ImageError as error:
        yield Outcome(each.name, None, _without_name(error, each))
        return
    with opened:
        for index in range(len(opened)):
            yield _outcome(reader, settings, each, opened, index)


def _outcome(
    reader: "Reader", settings: ReadSettings, each: PictureInput, opened: "Pages", index: int
) -> Outcome:
    from inkread.batch.annotate import save_annotated

    page = error = None
    try:
        pixels = opened[index]
        page = replace(_read(reader, settings, pixels), page=index + 1)
        if each.annotated:
            path = each.annotated
            save_annotated(
                pixels, page, path.with_stem(f"{path.stem}-{index + 1}") if index else path
            )
    except (ImageError, OSError) as problem:
        error = _without_name(problem, each)
    except MemoryError:
        error = "there is not enough memory to read it"
    return Outcome(each.name, page, error, is_last=index + 1 == len(opened))


def _without_name(error: Exception, each: PictureInput) -> str:
    if isinstance(each.picture, bytes):
        return str(error)
    return str(error).removeprefix(f"{Path(each.picture)}: ")


def _read(reader: "Reader", settings: ReadSettings, pixels: "NDArray[np.uint8]") -> Page:
    length, pattern, check = settings.length, settings.pattern, settings.check
    if settings.read_as is ReadAs.PAGE:
        return reader.read(pixels, length=length, pattern=pattern, check=check)
    if settings.read_as is ReadAs.NUMBER:
        number = reader.read_number(pixels, length=length, pattern=pattern, check=check)
    else:
        digit = reader.read_digit(pixels)
        digits = () if digit.label is None else (digit,)
        text = "" if digit.label is None else digit.text
        number = Number(text, digit.confidence, digit.box, digits, digit.rejected)
    model = reader.line_model if settings.read_as is ReadAs.NUMBER else reader.model
    return Page((number,), pixels.shape[1], pixels.shape[0], model.name)
