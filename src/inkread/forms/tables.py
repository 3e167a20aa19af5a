"""Writes records as a table: CSV, Parquet, Excel or JSON Lines; refused pages in a second table."""

import csv
import datetime
import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkread.batch.sources import make_cell
from inkread.errors import ConfigError
from inkread.files import check_target, replace_atomically
from inkread.forms.fields import (
    AmountField,
    DateField,
    DecimalField,
    FormField,
    TickField,
    TimeField,
)
from inkread.forms.journal import FormRecord
from inkread.forms.template import Template
from inkread.forms.values import format_value

if TYPE_CHECKING:  # only where Parquet is written
    import pyarrow as pa

__all__ = ["SUFFIXES", "arrow_schema", "columns_of", "errors_path", "row_of", "write_tables"]

SUFFIXES = (".csv", ".parquet", ".xlsx", ".jsonl")
_PARQUET_BATCH_ROWS = 1000  # that are written as one row group
_MAX_XLSX_ROWS = 1_048_575
_PAGE_COLUMNS = ("form_id", "scan", "page", "residual_mm", "dpi", "turned_deg")
_ERROR_COLUMNS = ("scan", "page", "error")

Row = Sequence[Any]


def errors_path(out: Path) -> Path:
    """Return the path of the table of refused pages: beside the other table."""
    return out.with_stem(f"{out.stem}-errors")


def write_tables(
    template: Template,
    records: Iterable[FormRecord],
    out: Path,
    unreadable: Sequence[tuple[str, str]] | None = (),
) -> None:
    """Write the table of forms and that of refused pages; each replaces an older one atomically.

    The row of a form has its id, scan, page and alignment, for each field the value,
    ``_confidence`` and ``_status``, and the notes on fields that are set aside.

    Args:
        template: the form.
        records: the records of all pages.
        out: file to write; its suffix decides the format.
        unreadable: names of files that could not be opened, each with the reason; ``None``: the
            table of refused pages stays as it is.

    Raises:
        ConfigError: an unknown suffix, or more rows than an Excel sheet can have.
        OSError: a file can't be written.
    """
    check_target(out, SUFFIXES)
    refused: list[tuple[str, int | None, str | None]] = []

    def rows() -> Iterator[FormRecord]:
        for record in records:
            if record.error is None:
                yield record
            else:
                refused.append((record.scan, record.page, record.error))

    if out.suffix.lower() == ".jsonl":
        _write_jsonl(out, (_to_dict(record) for record in rows()))
        if unreadable is None:
            return
        refused += [(name, None, reason) for name, reason in unreadable]
        errors = (dict(zip(_ERROR_COLUMNS, row, strict=True)) for row in refused)
        _write_jsonl(errors_path(out), errors)
        return
    write = {".csv": _write_csv, ".parquet": _write_parquet, ".xlsx": _write_xlsx}
    columns = columns_of(template)
    write[out.suffix.lower()](out, columns, (row_of(record) for record in rows()))
    if unreadable is None:
        return
    refused += [(name, None, reason) for name, reason in unreadable]
    kinds = {"scan": "text", "page": "integer", "error": "text"}
    write[out.suffix.lower()](errors_path(out), kinds, iter(refused))


def columns_of(template: Template) -> dict[str, str]:
    """Return the kind of value in each column of a form's table, by the column's name."""
    kinds = dict.fromkeys(_PAGE_COLUMNS, "number") | {
        "form_id": "text", "scan": "text", "page": "integer",
    }  # fmt: skip
    for field in template.fields:
        kinds[field.name] = _kind_of(field)
        kinds[f"{field.name}_confidence"] = "number"
        kinds[f"{field.name}_status"] = "text"
    return {**kinds, "notes": "text"}


def _kind_of(field: FormField) -> str:
    if isinstance(field, TickField):
        return "truth"
    if isinstance(field, DateField):
        return "date"
    if isinstance(field, TimeField):
        return "time"
    if isinstance(field, DecimalField):
        return f"amount {field.num_decimals}"
    return f"amount {field.decimals}" if isinstance(field, AmountField) else "text"


def row_of(record: FormRecord) -> Row:
    """Return the row of a form that was read, in the order of ``columns_of``."""
    row: list[Any] = [getattr(record, name) for name in _PAGE_COLUMNS]
    for field in record.fields:
        row += [field.value, round(field.confidence, 4), field.status.value]
    return [*row, _join_notes(record)]


def _join_notes(record: FormRecord) -> str:
    return "; ".join(f"{field.name}: {field.note}" for field in record.fields if field.note)


def _to_dict(record: FormRecord) -> dict[str, Any]:
    fields = {
        field.name: {
            "value": field.value
            if isinstance(field.value, bool | None)
            else format_value(field.value),
            "confidence": round(field.confidence, 4),
            "status": field.status.value,
            "note": field.note,
        }
        for field in record.fields
    }
    return {**{name: getattr(record, name) for name in _PAGE_COLUMNS}, "fields": fields}


def _write_jsonl(out: Path, values: Iterable[dict[str, Any]]) -> None:
    with replace_atomically(out) as temporary, temporary.open("w", encoding="utf-8") as file:
        for value in values:
            file.write(json.dumps(value, ensure_ascii=False) + "\n")


def _write_csv(out: Path, columns: dict[str, str], rows: Iterable[Row]) -> None:
    with (
        replace_atomically(out) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow(map(_make_csv_cell, row))


def _make_csv_cell(value: Any) -> Any:
    # Of the texts only file names can begin with the characters of a formula.
    if isinstance(value, str):
        return make_cell(value)
    return format_value(value) if isinstance(value, bool | datetime.date | None) else value


def _write_parquet(out: Path, columns: dict[str, str], rows: Iterable[Row]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    schema = arrow_schema(columns)
    with replace_atomically(out) as temporary, parquet.ParquetWriter(temporary, schema) as writer:
        waiting = iter(rows)
        while batch := list(islice(waiting, _PARQUET_BATCH_ROWS)):
            values = dict(zip(columns, map(list, zip(*batch, strict=True)), strict=True))
            writer.write_table(pa.table(values, schema=schema))


def arrow_schema(columns: dict[str, str]) -> "pa.Schema":
    """Return the Arrow schema of columns as ``columns_of`` describes them."""
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "integer": pa.int32(),
        "number": pa.float64(),
        "truth": pa.bool_(),
        "date": pa.date32(),
        "time": pa.time32("s"),
    }
    return pa.schema(
        [
            (name, types.get(kind) or pa.decimal128(24, int(kind.split()[1])))
            for name, kind in columns.items()
        ]
    )


def _write_xlsx(out: Path, columns: dict[str, str], rows: Iterable[Row]) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("forms")
    sheet.freeze_panes = "B2"

    def cell(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        made = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("?", value))
        made.data_type = "s"  # text, so that a name that begins with = is no formula
        return made

    with replace_atomically(out) as temporary:
        sheet.append([cell(name) for name in columns])
        for number, row in enumerate(rows):
            if number >= _MAX_XLSX_ROWS:
                raise ConfigError(
                    f"{out}: expected at most {_MAX_XLSX_ROWS:,} forms for Excel; choose .parquet"
                )
            sheet.append([cell(_to_excel_number(value)) for value in row])
        book.save(temporary)


def _to_excel_number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
