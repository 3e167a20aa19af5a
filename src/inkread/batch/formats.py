"""Writes pages as JSON Lines or CSV."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol

from inkread.batch.results_file import ResultsFormat
from inkread.results import Number, Page

__all__ = [
    "CsvWriter",
    "JsonWriter",
    "KeepNumber",
    "PageWriter",
    "WriteText",
    "make_number_rows",
    "make_page_writer",
    "select_indices",
]

WriteText = Callable[[str], object]
KeepNumber = Callable[[Number], bool]


class PageWriter(Protocol):
    """Something that pages are given to."""

    def add(self, name: str, page: Page) -> None:
        """Show one page of a file."""


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


class JsonWriter:
    """Writes pages as JSON Lines: the page's ``to_dict`` and the file's name."""

    def __init__(self, write: WriteText = _print, keep: KeepNumber | None = None) -> None:
        """Start.

        Args:
            write: takes the lines of a page at once; standard output if not given.
            keep: which numbers are written; pages without one are left out, but for blank ones.
        """
        self._write = write
        self._keep = keep

    def add(self, name: str, page: Page) -> None:
        """Write one page."""
        kept = select_indices(page, self._keep)
        if kept or not page.numbers:
            page = replace(page, numbers=tuple(page.numbers[index] for index in kept))
            self._write(json.dumps({"file": name, **page.to_dict()}) + "\n")


class CsvWriter:
    """Writes pages as CSV, a row a number; a page without numbers has one of empty fields.

    ``row`` and ``column`` are places in the table that ``Page.rows`` gives, ``index`` that in
    reading order; all from 0. ``page`` is from 1.
    """

    COLUMNS = (
        "file", "page", "index", "row", "column", "text", "raw", "confidence", "left", "top",
        "right", "bottom", "rejected", "unconstrained",
    )  # fmt: skip
    HEADER = ",".join(COLUMNS) + "\n"

    def __init__(
        self, write: WriteText = _print, keep: KeepNumber | None = None, *, header: bool = True
    ) -> None:
        """Start.

        Args:
            write: takes the rows of a page at once; standard output if not given.
            keep: which numbers are written; pages without one are left out, but for blank ones.
            header: write the names of the columns first.
        """
        self._write = write
        self._keep = keep
        if header:
            write(self.HEADER)

    def add(self, name: str, page: Page) -> None:
        """Write the numbers of one page."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not page.numbers:  # a blank picture has its row too
            writer.writerow([name, page.page, *[""] * (len(self.COLUMNS) - 2)])
        for row in make_number_rows(page, select_indices(page, self._keep)):
            row["confidence"] = f"{row['confidence']:.4f}"
            row["rejected"] = str(row["rejected"]).lower()
            writer.writerow([name, *row.values()])
        if text.getvalue():
            self._write(text.getvalue())


def make_number_rows(page: Page, indices: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Yield numbers of a page as table rows, keyed by ``CsvWriter.COLUMNS`` without the file."""
    places = {
        id(number): (row, column)
        for row, cells in enumerate(page.rows())
        for column, number in enumerate(cells)
    }
    for index in indices:
        number = page.numbers[index]
        values = (
            page.page, index, *places[id(number)], number.text, number.raw, number.confidence,
            *number.box, number.rejected, number.unconstrained,
        )  # fmt: skip
        yield dict(zip(CsvWriter.COLUMNS[1:], values, strict=True))


def make_page_writer(form: ResultsFormat, write: WriteText) -> PageWriter:
    """Return what writes pages to a file of results, which has its own header."""
    return JsonWriter(write) if form is ResultsFormat.JSON else CsvWriter(write, header=False)


def select_indices(page: Page, keep: KeepNumber | None) -> list[int]:
    """Return the indices of the numbers to write."""
    return [index for index, number in enumerate(page.numbers) if keep is None or keep(number)]
