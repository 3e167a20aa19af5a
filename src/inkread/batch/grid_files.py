"""Writes the tables of pages as a CSV, Excel or JSON file."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inkread.batch.results_file import BOM
from inkread.errors import ConfigError
from inkread.files import check_target, replace_atomically, write_atomically
from inkread.results import Number, Page

__all__ = ["GRID_SUFFIXES", "GridFile", "show_cell", "tables_of"]

GRID_SUFFIXES = (".csv", ".xlsx", ".json", ".jsonl")
_DOUBTFUL = "FFFFC7CE"  # the colour of doubtful cells: alpha, red, green, blue
_MAX_TITLE = 31  # characters of an Excel sheet's name

Table = list[list[Number | None]]


def tables_of(page: Page) -> list[Table]:
    """Return the numbers of each table of a page by rows; of a page without tables, ``rows()``."""
    tables = [
        [[cell.number if cell else None for cell in row] for row in each.rows]
        for each in page.tables
    ]
    return tables or [[list(row) for row in page.rows()]]


def show_cell(number: Number | None) -> str:
    """Return a number as a table shows it: one that is rejected has `` ?`` behind it."""
    if number is None:
        return ""
    text = number.raw or number.text
    return f"{text} ?".strip() if number.rejected else text


class GridFile:
    """A file of tables, which is written when it is closed.

    Text stays text, with its leading zeros; doubtful numbers are marked: by a question mark, and
    in Excel by a colour as well. In CSV tables are apart by an empty line, in Excel each is a
    sheet.
    """

    def __init__(self, path: Path, *, bom: bool = False) -> None:
        """Start a file.

        Args:
            path: of the file; its suffix is one of ``GRID_SUFFIXES``.
            bom: whether CSV begins with a byte order mark.

        Raises:
            ConfigError: another suffix, or a file that isn't empty is there already.
        """
        check_target(path, GRID_SUFFIXES)
        if path.exists() and path.stat().st_size:
            raise ConfigError(f"{path} holds results already: choose another --out")
        self._path = path
        self._bom = bom
        self._pages: list[tuple[str, Page]] = []

    def add(self, name: str, page: Page) -> None:
        """Add one page of a file."""
        self._pages.append((name, page))

    def close(self) -> None:
        """Write the file.

        Raises:
            OSError: it can't be written.
        """
        write = {".csv": self._write_csv, ".xlsx": self._write_xlsx}
        write.get(self._path.suffix.lower(), self._write_json)()

    def _tables(self) -> Iterator[tuple[str, Page, Table]]:
        for name, page in self._pages:
            for each in tables_of(page):
                yield name, page, each

    def _write_csv(self) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for index, (_, _, rows) in enumerate(self._tables()):
            if index:
                writer.writerow([])
            writer.writerows([show_cell(number) for number in row] for row in rows)
        write_atomically(self._path, BOM * self._bom + text.getvalue())

    def _write_json(self) -> None:
        lines = [
            json.dumps(
                {
                    "file": name,
                    "page": page.page,
                    "tables": [
                        [[_describe(number) for number in row] for row in rows]
                        for rows in tables_of(page)
                    ],
                    "notes": list(page.notes),
                }
            )
            for name, page in self._pages
        ]
        write_atomically(self._path, "".join(line + "\n" for line in lines))

    def _write_xlsx(self) -> None:
        from openpyxl import Workbook
        from openpyxl.comments import Comment
        from openpyxl.styles import PatternFill

        book = Workbook()
        book.remove(book.active)
        fill = PatternFill("solid", start_color=_DOUBTFUL)
        for index, (name, _, rows) in enumerate(self._tables(), start=1):
            kept = "".join(
                letter for letter in Path(name).stem if letter.isalnum() or letter in "-_ "
            )
            sheet = book.create_sheet(f"{index} {kept}"[:_MAX_TITLE].strip())
            for y, row in enumerate(rows, start=1):
                for x, number in enumerate(row, start=1):
                    if number is None:
                        continue
                    cell = sheet.cell(y, x, number.raw or number.text)
                    cell.data_type, cell.number_format = "s", "@"  # text stays text
                    if number.rejected:
                        cell.fill = fill
                        cell.comment = Comment(_explain(number), "inkread")
        if not book.worksheets:
            book.create_sheet("nothing read")
        with replace_atomically(self._path) as temporary:
            book.save(temporary)


def _describe(number: Number | None) -> dict[str, Any] | None:
    if number is None:
        return None
    return {
        "text": number.text,
        "raw": number.raw,
        "confidence": number.confidence,
        "rejected": number.rejected,
        "box": list(number.box),
    }


def _explain(number: Number) -> str:
    if number.struck:
        return "crossed out"
    return f"doubtful: {number.confidence:.0%} sure"
