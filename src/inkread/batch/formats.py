"""Writes pages as JSON Lines or CSV."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol

from inkread.batch.results_file import BOM, ResultsFormat
from inkread.batch.sources import escape_controls, make_cell, make_printable
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
    """Writes or prints pages one by one."""

    def add(self, name: str, page: Page) -> None:
        """Write one page of a file.

        Args:
            name: of the file.
            page: the results of reading it.
        """


def _print(text: str) -> None:
    sys.stdout.write(escape_controls(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


class JsonWriter:
    """Writes pages as JSON Lines: an object with the file's name and the page's ``to_dict``."""

    def __init__(self, write: WriteText = _print, keep: KeepNumber | None = None) -> None:
        """Create a writer.

        Args:
            write: takes the text of a page at once; by default, it goes to standard output.
            keep: returns whether to write a number; pages of which none is kept are left out,
                except blank ones. By default all are written.
        """
        self._write = write
        self._keep = keep

    def add(self, name: str, page: Page) -> None:
        """Write one page."""
        kept = select_indices(page, self._keep)
        if kept or not page.numbers:
            page = replace(page, numbers=tuple(page.numbers[index] for index in kept))
            self._write(json.dumps({"file": make_printable(name), **page.to_dict()}) + "\n")


class CsvWriter:
    """Writes pages as CSV, one row for each number; a blank page has one row of empty fields.

    ``row`` and ``column`` are places in the table that ``Page.rows`` returns, ``index`` is the
    place in reading order, all from 0. ``page`` counts from 1.
    """

    COLUMNS = (
        "file", "page", "index", "row", "column", "text", "raw", "confidence", "left", "top",
        "right", "bottom", "rejected", "unconstrained", "value", "unit", "value_confidence",
    )  # fmt: skip
    HEADER = ",".join(COLUMNS) + "\n"

    def __init__(
        self,
        write: WriteText = _print,
        keep: KeepNumber | None = None,
        *,
        header: bool = True,
        bom: bool = False,
    ) -> None:
        """Create a writer.

        Args:
            write: takes the text of a page at once; by default, it goes to standard output.
            keep: returns whether to write a number; pages of which none is kept are left out,
                except blank ones. By default all are written.
            header: whether to write the names of the columns first.
            bom: whether to write a byte order mark before them.
        """
        self._write = write
        self._keep = keep
        if header:
            write(BOM * bom + self.HEADER)

    def add(self, name: str, page: Page) -> None:
        """Write the numbers of one page."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        cell = make_cell(name)
        if not page.numbers:  # a blank page
            writer.writerow([cell, page.page, *[""] * (len(self.COLUMNS) - 2)])
        for row in make_number_rows(page, select_indices(page, self._keep)):
            row["confidence"] = f"{row['confidence']:.4f}"
            row["value_confidence"] = f"{row['value_confidence']:.4f}"
            row["rejected"] = str(row["rejected"]).lower()
            writer.writerow([cell, *row.values()])
        if text.getvalue():
            self._write(text.getvalue())


def make_number_rows(page: Page, indices: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Yield numbers of a page as rows of a table.

    Args:
        page: the page.
        indices: of the numbers, in ``page.numbers``.

    Yields:
        For each number its values by ``CsvWriter.COLUMNS``, without the file.
    """
    places = {
        id(number): (row, column)
        for row, cells in enumerate(page.rows())
        for column, number in enumerate(cells)
    }
    for index in indices:
        number = page.numbers[index]
        values = (
            page.page, index, *places[id(number)], number.text, number.raw, number.confidence,
            *number.box, number.rejected, number.unconstrained, _format_value(number), number.unit,
            number.value_confidence,
        )  # fmt: skip
        yield dict(zip(CsvWriter.COLUMNS[1:], values, strict=True))


def _format_value(number: Number) -> str | None:
    """Return the value, date or time as text; ``None`` if there is none."""
    if number.value is not None:
        return str(number.value)
    found = number.date if number.date is not None else number.time
    return None if found is None else found.isoformat()


def make_page_writer(form: ResultsFormat, write: WriteText) -> PageWriter:
    """Return a writer of a format for ``ResultsFile``, which writes the CSV header itself.

    Args:
        form: the format.
        write: takes the text of a page at once.
    """
    return JsonWriter(write) if form is ResultsFormat.JSON else CsvWriter(write, header=False)


def select_indices(page: Page, keep: KeepNumber | None) -> list[int]:
    """Return the indices of the page's numbers for which ``keep`` is true; of all if it is None."""
    return [index for index, number in enumerate(page.numbers) if keep is None or keep(number)]
