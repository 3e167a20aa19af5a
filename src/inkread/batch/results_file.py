"""A file of results that grows while pictures are read, and is gone on with after a kill."""

import csv
import json
import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO

from inkread.errors import ConfigError
from inkread.files import check_target

__all__ = ["ResultsFile", "ResultsFormat", "choose_format"]

_SUFFIXES = {".csv": "csv", ".jsonl": "json", ".ndjson": "json", ".json": "json"}


class ResultsFormat(StrEnum):
    """How results are written."""

    CSV = "csv"
    JSON = "json"


def choose_format(path: Path) -> ResultsFormat:
    """Return how results are written to a file of this name.

    Raises:
        ConfigError: the suffix says nothing of it, or no such file can be written.
    """
    check_target(path, tuple(_SUFFIXES))
    return ResultsFormat(_SUFFIXES[path.suffix.lower()])


class ResultsFile:
    """The results of pictures that were read in order, one after the other.

    What is given to ``write`` is appended in one go, so a kill leaves whole pages but for the last
    one. Going on drops the results of the last picture, which may be incomplete: it is read again.

    Attributes:
        path: where it is.
        form: how results are written to it.
        names: of the pictures whose results it held, complete, when it was opened.
    """

    def __init__(
        self, path: Path, form: ResultsFormat, header: str, *, resume: bool = False
    ) -> None:
        """Open the file, or make it.

        Args:
            path: of the file.
            form: how results are written to it.
            header: its first line if it is CSV; written with the first results.
            resume: go on with what it holds.

        Raises:
            ConfigError: it holds something already and is not to be gone on with, or it holds
                something else than such results.
            OSError: it can't be read or written.
        """
        check_target(path)
        self.path = path
        self.form = form
        self.names: frozenset[str] = frozenset()
        kept_bytes = 0
        if path.exists() and path.stat().st_size:
            if not resume:
                raise ConfigError(
                    f"{path} holds results already: add --resume, or choose another --out"
                )
            self.names, kept_bytes = _complete(path, form, header)
            os.truncate(path, kept_bytes)
        self._header = header if form is ResultsFormat.CSV and not kept_bytes else ""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)

    def write(self, text: str) -> None:
        """Append text at once.

        Raises:
            OSError: the disk is full, say.
        """
        data = memoryview((self._header + text).encode("utf-8", "surrogateescape"))
        self._header = ""
        try:
            while data:
                data = data[self._file.write(data) or 0 :]
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def close(self) -> None:
        """Let go of the file; closing again does nothing."""
        self._file.close()


def _complete(path: Path, form: ResultsFormat, header: str) -> tuple[frozenset[str], int]:
    """Return the names of all pictures but the last, and where in the file its results begin."""
    with path.open("rb") as file:
        rows = (
            _csv_rows(path, file, header) if form is ResultsFormat.CSV else _json_rows(path, file)
        )
        names: set[str] = set()
        last, last_start = None, 0
        for name, start in rows:
            if name != last:
                last, last_start = name, start
                names.add(name)
    names.discard(last or "")
    return frozenset(names), last_start


def _json_rows(path: Path, file: IO[bytes]) -> Iterator[tuple[str, int]]:
    """Yield the name of the picture in each whole line, and where the line begins."""
    start = 0
    for number, line in enumerate(file, start=1):
        if not line.endswith(b"\n"):
            return  # a kill cut it off
        try:
            name = json.loads(line)["file"]
        except (ValueError, LookupError, TypeError) as error:
            raise ConfigError(
                f"{path}, line {number}: expected results of inkread, a line of JSON a page"
            ) from error
        yield str(name), start
        start += len(line)


def _csv_rows(path: Path, file: IO[bytes], header: str) -> Iterator[tuple[str, int]]:
    """Yield the name of the picture in each whole row, and where the row begins."""
    first = file.readline()
    if not header.encode().startswith(first.rstrip(b"\n")) or (
        first.endswith(b"\n") and first != header.encode()
    ):
        raise ConfigError(f"{path}: expected CSV whose first line is {header.strip()!r}")
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
        if not at_end:  # else a kill cut off a quoted name
            raise ConfigError(
                f"{path}: expected CSV, received line {rows.line_num}: {error}"
            ) from error
