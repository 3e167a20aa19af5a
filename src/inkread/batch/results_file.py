"""An append-only results file; an interrupted run resumes from it."""

import csv
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import IO

from inkread.errors import ConfigError
from inkread.files import check_target, hold_lock

__all__ = ["BOM", "SUFFIXES", "ResultsFile", "ResultsFormat"]

BOM = "\ufeff"  # of a text in UTF-8: by it Excel knows that it is one


class ResultsFormat(StrEnum):
    """The format of a results file."""

    CSV = "csv"
    JSON = "json"


# By the suffix of a file's name.
SUFFIXES = {
    ".csv": ResultsFormat.CSV,
    ".jsonl": ResultsFormat.JSON,
    ".ndjson": ResultsFormat.JSON,
    ".json": ResultsFormat.JSON,
}


class ResultsFile:
    """The results of pictures, appended in the order in which they are read.

    Each page is appended by one ``write``, so after a kill only the last page may be incomplete.
    Resuming drops the results of the last picture, whose pages may be incomplete: it is read again.

    Attributes:
        path: of the file.
        form: the format of the results.
        names: of the pictures whose complete results the file held when it was opened.
    """

    def __init__(
        self, path: Path, form: ResultsFormat, header: str, *, resume: bool = False
    ) -> None:
        """Open the file, or create it.

        Args:
            path: of the file.
            form: the format of the results.
            header: the first line if the format is CSV, with or without a byte order mark; written
                with the first results.
            resume: whether to append to the results that the file holds.

        Raises:
            ConfigError: the file isn't empty and ``resume`` is false, or it holds no results of
                this format.
            OSError: it can't be read or written.
            BusyError: another process writes to it.
        """
        check_target(path)
        self.path = path
        self.form = form
        self.names: frozenset[str] = frozenset()
        with ExitStack() as stack:
            stack.enter_context(hold_lock(path))
            self._open(header, resume=resume)
            self._lock = stack.pop_all()

    def _open(self, header: str, *, resume: bool) -> None:
        path, form = self.path, self.form
        kept_bytes = 0
        if path.exists() and path.stat().st_size:
            if not resume:
                raise ConfigError(
                    f"{path} holds results already: add --resume, or choose another --out"
                )
            self.names, kept_bytes = _find_complete(path, form, header)
            os.truncate(path, kept_bytes)
        self._header = header if form is ResultsFormat.CSV and not kept_bytes else ""
        self._file = path.open("ab", buffering=0)

    def write(self, text: str) -> None:
        """Append the results of a page.

        Args:
            text: lines in the format of the file.

        Raises:
            OSError: they can't be written, for example because the disk is full.
        """
        data = memoryview((self._header + text).encode())
        self._header = ""
        try:
            while data:
                data = data[self._file.write(data) or 0 :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def close(self) -> None:
        """Close the file, so that others may write to it; closing it again does nothing."""
        self._file.close()
        self._lock.close()


def _find_complete(path: Path, form: ResultsFormat, header: str) -> tuple[frozenset[str], int]:
    """Return the names of all pictures but the last, and the offset of the last one's results."""
    with path.open("rb") as file:
        rows = (
            _iterate_csv(path, file, header)
            if form is ResultsFormat.CSV
            else _iterate_json(path, file)
        )
        names: set[str] = set()
        last, last_start = None, 0
        for name, start in rows:
            if name != last:
                last, last_start = name, start
                names.add(name)
    names.discard(last or "")
    return frozenset(names), last_start


def _iterate_json(path: Path, file: IO[bytes]) -> Iterator[tuple[str, int]]:
    """Yield the name of the picture in each complete line, and the offset of the line in bytes."""
    start = 0
    for number, line in enumerate(file, start=1):
        if not line.endswith(b"\n"):
            return  # an incomplete line: the run was killed
        try:
            name = json.loads(line)["file"]
        except (ValueError, LookupError, TypeError) as error:
            raise ConfigError(
                f"{path}, line {number}: expected results of inkread, a line of JSON a page"
            ) from error
        yield str(name), start
        start += len(line)


def _iterate_csv(path: Path, file: IO[bytes], header: str) -> Iterator[tuple[str, int]]:
    """Yield the name of the picture in each complete row, and the offset of the row in bytes."""
    names = header.removeprefix(BOM)
    first = file.readline()
    if not any(
        first == whole if first.endswith(b"\n") else whole.startswith(first)
        for whole in (names.encode(), f"{BOM}{names}".encode())
    ):
        raise ConfigError(f"{path}: expected CSV whose first line is {names.strip()!r}")
    consumed, at_end = len(first), False

    def lines() -> Iterator[str]:
        nonlocal consumed, at_end
        for line in file:
            if not line.endswith(b"\n"):
                break
            consumed += len(line)
            yield line.decode("utf-8", "surrogateescape")
        at_end = True

    num_columns = header.count(",") + 1
    rows, start = csv.reader(lines(), strict=True), consumed
    try:
        for row in rows:
            if len(row) != num_columns:
                raise ConfigError(f"{path}: expected {num_columns} columns, received {row}")
            yield row[0], start
            start = consumed
    except csv.Error as error:
        if not at_end:  # at the end, a quoted name is incomplete: the run was killed
            raise ConfigError(
                f"{path}: expected CSV, received line {rows.line_num}: {error}"
            ) from error
