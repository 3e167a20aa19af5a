"""An append-only journal of the forms that were read; an interrupted run resumes from it.

It lies beside the table that is made of it. After a header, each line is JSON: the record of a
page, a corrected record, or a note that all pages of a file are done.
"""

import datetime
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from inkread.errors import ConfigError, DataError
from inkread.forms.fields import AmountField, DateField, FormField, TickField
from inkread.forms.form_reader import FieldReading, FormReading, Status
from inkread.forms.template import Template
from inkread.forms.values import Value, format_value

__all__ = ["FormRecord", "Journal", "journal_path", "make_form_record", "parse_value"]

_FORMAT_VERSION = 1
# Lines are told apart by these. Quotes inside JSON strings are escaped: no file name matches them.
_DONE_PREFIX, _CORRECTED_MARK = '{"done": ', '"status": "corrected"'


@dataclass(frozen=True)
class FormRecord:
    """The result of one page of a scan: the values of its fields, or why it was refused.

    Attributes:
        scan: the name of its file.
        page: its number in the file, from 1.
        sha256: SHA-256 of the file, in hexadecimal.
        fields: the values, in the template's order; none if the page was refused.
        error: why it was refused; ``None`` if it was not.
        residual_mm: residual of the alignment; ``None`` if refused.
        dpi: resolution of the scan, in pixels per inch; ``None`` if refused.
        turned_deg: rotation of the form on the scan, clockwise; ``None`` if refused.
    """

    scan: str
    page: int
    sha256: str
    fields: tuple[FieldReading, ...] = ()
    error: str | None = None
    residual_mm: float | None = None
    dpi: float | None = None
    turned_deg: float | None = None

    @property
    def form_id(self) -> str:
        """An id of the page that depends on its content alone, not on the file's name."""
        return f"{self.sha256[:16]}-{self.page}"

    def to_json(self) -> str:
        """Return the record as a line of JSON."""
        values = {**asdict(self), "fields": [_to_plain(each) for each in self.fields]}
        return json.dumps(values, ensure_ascii=False)

    @classmethod
    def from_dict(cls, values: dict[str, Any], template: Template) -> "FormRecord":
        """Rebuild a record from the parsed JSON of ``to_json``.

        Raises:
            KeyError, TypeError, ValueError, StopIteration: it is something else.
        """
        fields = tuple(
            FieldReading(
                each["name"],
                parse_value(template.field_named(each["name"]), each["value"]),
                float(each["confidence"]),
                Status(each["status"]),
                each["note"],
            )
            for each in values["fields"]
        )
        return cls(**{**values, "fields": fields})


def make_form_record(scan: str, page: int, sha256: str, reading: FormReading) -> FormRecord:
    """Make the record of a page from its reading."""
    alignment = reading.alignment
    return FormRecord(
        scan,
        page,
        sha256,
        reading.fields,
        residual_mm=round(alignment.residual_mm, 4),
        dpi=round(alignment.dpi, 1),
        turned_deg=round(alignment.turned_deg, 2),
    )


def journal_path(out: Path) -> Path:
    """Return the path of a table's journal: beside the table."""
    return out.with_name(f"{out.name}.journal")


def parse_value(form_field: FormField, text: str) -> Value:
    """Parse the text of a value in a table; an empty text is ``None``.

    Raises:
        ValueError: the field can't have such a value.
    """
    if not text:
        return None
    if isinstance(form_field, TickField):
        if text not in ("true", "false"):
            raise ValueError(f"expected true or false, received {text!r}")
        return text == "true"
    if isinstance(form_field, DateField):
        return datetime.date.fromisoformat(text)
    if isinstance(form_field, AmountField):
        whole, _, decimals = text.partition(".")
        if not (whole + decimals).isdecimal() or len(decimals) > form_field.decimals:
            raise ValueError(f"expected an amount such as 12.50, received {text!r}")
        return Decimal(text).quantize(Decimal(1).scaleb(-form_field.decimals))
    if not text.isdecimal():
        raise ValueError(f"expected digits, received {text!r}")
    return text


def _to_plain(reading: FieldReading) -> dict[str, Any]:
    return {
        "name": reading.name,
        "value": format_value(reading.value),
        "confidence": round(reading.confidence, 6),
        "status": reading.status.value,
        "note": reading.note,
    }


@dataclass
class Journal:
    """A file of records; the records of a file that was not finished are dropped.

    Attributes:
        path: path of the journal.
        template: the form.
        settings: the other options that change the results: the model, the minimum confidence.
        done: the SHA-256 of the files of which all pages are read.
    """

    path: Path
    template: Template
    settings: dict[str, Any]
    done: set[str] = field(default_factory=set)

    def open(self) -> None:
        """Create the journal, or load ``done`` and cut off what an interruption left unfinished.

        Raises:
            ConfigError: it is no journal, or of another template or other settings.
            OSError: it can't be read or written.
        """
        header = json.dumps({"journal": _FORMAT_VERSION, **self._identity()}, sort_keys=True)
        if not self.path.exists() or not self.path.stat().st_size:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(header + "\n", encoding="utf-8")
            return
        lines = self._read_lines()
        if next(lines, None) != header:
            raise ConfigError(
                f"{self.path}: it holds forms read with another template, model or confidence; "
                "add --again to read them all again, or choose another --out"
            )
        position = whole = len(header.encode()) + 1
        for line in lines:
            position += len(line.encode()) + 1
            if line.startswith(_DONE_PREFIX):
                self.done.add(json.loads(line)["done"])
            if line.startswith(_DONE_PREFIX) or _CORRECTED_MARK in line:
                whole = position
        # An incomplete line, or pages of a file that is not done, are cut off and read again.
        with self.path.open("r+b") as file:
            file.truncate(whole)

    def _identity(self) -> dict[str, Any]:
        return {"template": self.template.model_dump(mode="json"), **self.settings}

    def _read_lines(self) -> Iterator[str]:
        try:
            with self.path.open(encoding="utf-8", newline="\n") as file:
                for line in file:
                    if line.endswith("\n"):
                        yield line[:-1]
        except ValueError as error:
            raise ConfigError(f"{self.path}: expected a journal of inkread: {error}") from error

    def add(self, records: Iterable[FormRecord], sha256: str) -> None:
        """Append the records of all pages of a file, in one write.

        Raises:
            OSError: it can't be written, for example as the disk is full.
        """
        lines = [record.to_json() for record in records]
        lines.append(json.dumps({"done": sha256}))
        with self.path.open("ab") as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
        self.done.add(sha256)

    def correct(self, form_id: str, name: str, text: str) -> FormRecord:
        """Replace the value of a field by the one that a person gives.

        Args:
            form_id: id of the record.
            name: name of the field.
            text: the value as in a table; an empty text if the field is empty.

        Returns:
            The corrected record.

        Raises:
            DataError: there is no such form or field, or the field can't have this value.
            OSError: the journal can't be written.
        """
        record = next((each for each in self.read_records() if each.form_id == form_id), None)
        if record is None or not record.fields:
            raise DataError(f"{self.path}: expected the id of a form that was read: {form_id}")
        if name not in self.template.rects:
            raise DataError(
                f"expected a field among {', '.join(self.template.rects)}, received {name}"
            )
        try:
            value = parse_value(self.template.field_named(name), text)
        except ValueError as error:
            raise DataError(f"{name}: {error}") from error
        fields = tuple(
            FieldReading(name, value, 1.0, Status.CORRECTED) if each.name == name else each
            for each in record.fields
        )
        changed = replace(record, fields=fields)
        with self.path.open("ab") as file:
            file.write(f"{changed.to_json()}\n".encode())
        return changed

    def read_records(self) -> Iterator[FormRecord]:
        """Yield all records in the order they were added, corrected ones in their last state.

        Raises:
            DataError: the journal is damaged.
        """
        changed: dict[str, str] = {}
        for line in self._read_record_lines():
            if _CORRECTED_MARK in line:
                changed[self._parse_record(line).form_id] = line
        seen: set[str] = set()
        for line in self._read_record_lines():
            record = self._parse_record(line)
            if record.form_id not in changed:
                yield record
            elif record.form_id not in seen:
                seen.add(record.form_id)
                yield self._parse_record(changed[record.form_id])

    def _read_record_lines(self) -> Iterator[str]:
        lines = self._read_lines()
        next(lines, None)
        # Records are valid once their file is done; corrections come later, and always are.
        waiting: list[str] = []
        for line in lines:
            if line.startswith(_DONE_PREFIX):
                yield from waiting
                waiting = []
            elif _CORRECTED_MARK in line:
                yield line
            else:
                waiting.append(line)

    def _parse_record(self, line: str) -> FormRecord:
        try:
            return FormRecord.from_dict(json.loads(line), self.template)
        except (ValueError, KeyError, TypeError, StopIteration) as error:
            raise DataError(f"{self.path}: a record is damaged: {error!r}") from error
