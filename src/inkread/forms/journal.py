"""What was read, a form a line, in a journal that outlives a kill, beside the table made of it."""

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
from inkread.forms.values import Value, as_text

__all__ = ["FormRecord", "Journal", "form_record", "journal_path", "value_from_text"]

_VERSION = 1
# Quotes inside a text are escaped, so that no name of a file looks like these.
_DONE, _CORRECTED = '{"done": ', '"status": "corrected"'


@dataclass(frozen=True)
class FormRecord:
    """What came of one page of a scan.

    Attributes:
        scan: the name of its file.
        page: which of its pages, from 1.
        sha256: of the file.
        fields: what was read, in the template's order; none if it was refused.
        error: why it was refused; ``None`` if it was not.
        residual_mm: of the alignment; ``None`` if refused.
        dpi: of the scan on the form, in pixels an inch; ``None`` if refused.
        turned_deg: how far the form is turned on it; ``None`` if refused.
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
        """A short name of the page by its content: the same wherever it is read."""
        return f"{self.sha256[:16]}-{self.page}"

    def to_json(self) -> str:
        """Return a line of JSON."""
        values = {**asdict(self), "fields": [_plain(each) for each in self.fields]}
        return json.dumps(values, ensure_ascii=False)

    @classmethod
    def from_dict(cls, values: dict[str, Any], template: Template) -> "FormRecord":
        """Rebuild from the values of ``to_json``.

        Raises:
            KeyError, TypeError, ValueError, StopIteration: they are of something else.
        """
        fields = tuple(
            FieldReading(
                each["name"],
                value_from_text(template.named(each["name"]), each["value"]),
                float(each["confidence"]),
                Status(each["status"]),
                each["note"],
            )
            for each in values["fields"]
        )
        return cls(**{**values, "fields": fields})


def form_record(scan: str, page: int, sha256: str, reading: FormReading) -> FormRecord:
    """Return the record of a form that was read."""
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
    """Return where the journal of a table is: beside it."""
    return out.with_name(f"{out.name}.journal")


def value_from_text(form_field: FormField, text: str) -> Value:
    """Return a value that tables hold as text.

    Raises:
        ValueError: no value of such a field.
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


def _plain(reading: FieldReading) -> dict[str, Any]:
    return {
        "name": reading.name,
        "value": as_text(reading.value),
        "confidence": round(reading.confidence, 6),
        "status": reading.status.value,
        "note": reading.note,
    }


@dataclass
class Journal:
    """The records of a table, appended as they come; what a kill cut off is read again.

    Attributes:
        path: of the journal.
        template: the form.
        settings: what else decides what is read: the model, the least confidence.
        done: the hashes of the files that are read, all pages of them.
    """

    path: Path
    template: Template
    settings: dict[str, Any]
    done: set[str] = field(default_factory=set)

    def open(self) -> None:
        """Begin, or go on with what is there.

        Raises:
            ConfigError: it is of another template or other settings, or no journal.
            OSError: it can't be read or written.
        """
        header = json.dumps({"journal": _VERSION, **self._identity()}, sort_keys=True)
        if not self.path.exists() or not self.path.stat().st_size:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(header + "\n", encoding="utf-8")
            return
        lines = self._lines()
        if next(lines, None) != header:
            raise ConfigError(
                f"{self.path}: it holds forms read with another template, model or confidence; "
                "add --again to read them all again, or choose another --out"
            )
        position = whole = len(header.encode()) + 1
        for line in lines:
            position += len(line.encode()) + 1
            if line.startswith(_DONE):
                self.done.add(json.loads(line)["done"])
            if line.startswith(_DONE) or _CORRECTED in line:
                whole = position
        # What a kill cut off, in a line or between those of one file, is read again.
        with self.path.open("r+b") as file:
            file.truncate(whole)

    def _identity(self) -> dict[str, Any]:
        return {"template": self.template.model_dump(mode="json"), **self.settings}

    def _lines(self) -> Iterator[str]:
        try:
            with self.path.open(encoding="utf-8", newline="\n") as file:
                for line in file:
                    if line.endswith("\n"):
                        yield line[:-1]
        except ValueError as error:
            raise ConfigError(f"{self.path}: expected a journal of inkread: {error}") from error

    def add(self, records: Iterable[FormRecord], sha256: str) -> None:
        """Append the records of all pages of a file at once.

        Raises:
            OSError: the disk is full, say.
        """
        lines = [record.to_json() for record in records]
        lines.append(json.dumps({"done": sha256}))
        with self.path.open("ab") as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
        self.done.add(sha256)

    def correct(self, form_id: str, name: str, text: str) -> FormRecord:
        """Put a person's value in place of what was read.

        Args:
            form_id: of the record.
            name: of the field.
            text: the value as tables hold it; nothing: the field is empty.

        Returns:
            The record as it is now.

        Raises:
            DataError: there is no such form, or field, or the field can't hold the value.
            OSError: the journal can't be written.
        """
        record = next((each for each in self.records() if each.form_id == form_id), None)
        if record is None or not record.fields:
            raise DataError(f"{self.path}: expected the id of a form that was read: {form_id}")
        if name not in self.template.rects:
            raise DataError(
                f"expected a field among {', '.join(self.template.rects)}, received {name}"
            )
        try:
            value = value_from_text(self.template.named(name), text)
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

    def records(self) -> Iterator[FormRecord]:
        """Give all records in the order they came, corrected ones in their last state.

        Raises:
            DataError: the journal is damaged.
        """
        changed: dict[str, str] = {}
        for line in self._bodies():
            if _CORRECTED in line:
                changed[self._record(line).form_id] = line
        seen: set[str] = set()
        for line in self._bodies():
            record = self._record(line)
            if record.form_id not in changed:
                yield record
            elif record.form_id not in seen:
                seen.add(record.form_id)
                yield self._record(changed[record.form_id])

    def _bodies(self) -> Iterator[str]:
        lines = self._lines()
        next(lines, None)
        # A file's records count once the file is done, except corrections, which come later.
        waiting: list[str] = []
        for line in lines:
            if line.startswith(_DONE):
                yield from waiting
                waiting = []
            elif _CORRECTED in line:
                yield line
            else:
                waiting.append(line)

    def _record(self, line: str) -> FormRecord:
        try:
            return FormRecord.from_dict(json.loads(line), self.template)
        except (ValueError, KeyError, TypeError, StopIteration) as error:
            raise DataError(f"{self.path}: a record is damaged: {error!r}") from error
