"""An append-only journal of the forms that were read; an interrupted run resumes from it.

It lies beside the table that is made of it. After a header, each line is JSON: the record of a
page, a corrected record, a correction that was taken back, or a note that all pages of a file are
done.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from inkread.errors import ConfigError, DataError
from inkread.files import hold_lock
from inkread.forms.corrected_values import parse_correction, parse_value
from inkread.forms.form_reader import FieldReading, FormReading, Status
from inkread.forms.template import Template
from inkread.forms.values import format_value

__all__ = ["FormRecord", "Journal", "journal_path", "make_form_record"]

_FORMAT_VERSION = 1
# Lines are told apart by these. Quotes inside JSON strings are escaped: no file name matches them.
_DONE_PREFIX, _CORRECTED_MARK = '{"done": ', '"status": "corrected"'
_HEADER_PREFIX, _TAKEN_BACK_PREFIX = '{"journal": ', '{"taken_back": '
_LOCK_WAIT_S = 10.0  # a correction takes less than a second


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
    _num_whole_bytes: int = field(default=-1, repr=False)  # after its own last write

    def hold(self, *, wait_s: float = _LOCK_WAIT_S) -> AbstractContextManager[None]:
        """Let no other process change the journal or its table; needed for whatever writes to it.

        Args:
            wait_s: seconds to wait for another one.

        Raises:
            BusyError: another process holds it.
        """
        return hold_lock(self.path, wait_s=wait_s)

    def open(self) -> None:
        """Create the journal, or load ``done`` and cut off what an interruption left unfinished.

        Raises:
            ConfigError: it is no journal, or of another template or other settings.
            OSError: it can't be read or written.
        """
        header = json.dumps({"journal": _FORMAT_VERSION, **self._identity()}, sort_keys=True)
        found = next(self._read_lines(), None) if self.path.exists() else None
        if found is None and self._is_cut_header(header):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(header + "\n", encoding="utf-8")
            return
        if found != header:
            raise ConfigError(
                f"{self.path}: it holds forms read with another template, model or confidence; "
                "add --again to read them all again, or choose another --out"
            )
        self.done |= {
            json.loads(line)["done"] for line in self._read_lines() if line.startswith(_DONE_PREFIX)
        }
        self._append([])

    def _is_cut_header(self, header: str) -> bool:
        """Return whether there is no journal yet, or only the beginning of its first line."""
        return not self.path.exists() or header.encode().startswith(self.path.read_bytes())

    def _append(self, lines: Iterable[str]) -> None:
        """Append whole lines, after what an interruption left unfinished is cut off.

        Raises:
            OSError: they can't be written, for example as the disk is full; none of them is then.
        """
        data = "".join(f"{line}\n" for line in lines).encode()
        with self.path.open("r+b", buffering=0) as file:
            whole = file.seek(0, os.SEEK_END)
            if whole != self._num_whole_bytes:
                whole = file.seek(file.truncate(self._find_whole_bytes()))
            rest = memoryview(data)
            try:
                while rest:
                    rest = rest[file.write(rest) or 0 :]
                os.fsync(file.fileno())
            except OSError:
                file.truncate(whole)
                raise
        self._num_whole_bytes = whole + len(data)

    def _find_whole_bytes(self) -> int:
        """Return where the last line ends that is valid: a header, correction, or finished file."""
        position = whole = 0
        for line in self._read_lines():
            position += len(line.encode()) + 1
            if not whole or _is_final(line):
                whole = position
        return whole

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
        self._append(lines)
        self.done.add(sha256)

    def correct(self, form_id: str, name: str, text: str, *, anyway: bool = False) -> FormRecord:
        """Replace the value of a field by the one that a person gives.

        Args:
            form_id: id of the record.
            name: name of the field.
            text: the value as in a table; an empty text if the field is empty.
            anyway: even if it breaks a constraint of the field.

        Returns:
            The corrected record.

        Raises:
            DataError: there is no such form or field, the field can't have this value, or the value
                breaks a constraint.
            OSError: the journal can't be written.
        """
        record = self._find(form_id, name)
        try:
            form_field = self.template.field_named(name)
            said = parse_correction(form_field, text)
        except ValueError as error:
            raise DataError(f"{name}: {error}") from error
        if said.objection and not anyway:
            raise DataError(
                f"{name}: {said.objection}, received {said.text}; --anyway takes it all the same"
            )
        changed = self._correct(record, {name: said.text})
        self._append([changed.to_json()])
        return changed

    def take_back(self, form_id: str, name: str) -> FormRecord:
        """Put what was read into a field again, in place of what a person gave.

        Returns:
            The record as it is then.

        Raises:
            DataError: there is no such form or field.
            OSError: the journal can't be written.
        """
        self._find(form_id, name)
        self._append([json.dumps({"taken_back": [form_id, name]})])
        return self._find(form_id, name)

    @property
    def kept_path(self) -> Path:
        """Where the journal that ``replace`` replaced is kept, if it has to be."""
        return self.path.with_name(f"{self.path.name}.before")

    def begin_again(self) -> "Journal":
        """Return another journal, which ``replace`` puts in the place of this one at the end."""
        path = self.path.with_name(f"{self.path.name}.again")
        return Journal(path, self.template, self.settings)

    def replace(self, old: "Journal") -> int:
        """Take the place of an older journal, with the corrections of people that it holds.

        The old one is kept at its ``kept_path`` if some of them don't fit: their forms were not
        read now, or their fields can't have these values any more.

        Returns:
            The number of corrections that don't fit.

        Raises:
            DataError: a journal is damaged.
            OSError: a file can't be written; the old journal is unchanged then.
        """
        waiting = {
            (form_id, name): text
            for form_id, said in old.read_corrected_texts().items()
            for name, text in said.items()
        }
        changed = []
        for record in self.read_records():
            fitting = {}
            for each in record.fields:
                with contextlib.suppress(KeyError, ValueError):
                    text = waiting[record.form_id, each.name]
                    parse_correction(self.template.field_named(each.name), text)
                    fitting[each.name] = waiting.pop((record.form_id, each.name))
            if fitting:
                changed.append(self._correct(record, fitting).to_json())
        self._append(changed)
        if waiting:
            old.kept_path.unlink(missing_ok=True)
            old.kept_path.hardlink_to(old.path)
        self.path.replace(old.path)
        return len(waiting)

    def _find(self, form_id: str, name: str) -> FormRecord:
        record = next((each for each in self.read_records() if each.form_id == form_id), None)
        if record is None or not record.fields:
            raise DataError(f"{self.path}: expected the id of a form that was read: {form_id}")
        if name not in self.template.rects:
            raise DataError(
                f"expected a field among {', '.join(self.template.rects)}, received {name}"
            )
        return record

    def read_records(self) -> Iterator[FormRecord]:
        """Yield all records in the order they were added, corrected ones in their last state.

        Raises:
            DataError: the journal is damaged.
        """
        corrections = self.read_corrected_texts()
        for line in self._read_record_lines():
            record = self._parse_record(line)
            if said := corrections.get(record.form_id):
                try:
                    record = self._correct(record, said)
                except ValueError as error:
                    raise self._damaged(error) from error
            yield record

    def _correct(self, record: FormRecord, said: Mapping[str, str]) -> FormRecord:
        """Return a record with the values that people gave; see ``parse_value`` for what raises."""

        def corrected(name: str) -> FieldReading:
            value = parse_value(self.template.field_named(name), said[name])
            return FieldReading(name, value, 1.0, Status.CORRECTED)

        fields = (corrected(each.name) if each.name in said else each for each in record.fields)
        return replace(record, fields=tuple(fields))

    def read_corrected_texts(self) -> dict[str, dict[str, str]]:
        """Return what people gave: values by the field's name, by the form's id.

        The journal may be of another template. It is empty if there is no journal.

        Raises:
            DataError: the journal is damaged.
        """
        corrections: dict[str, dict[str, str]] = {}
        for line in self._read_lines() if self.path.exists() else ():
            try:
                if line.startswith(_TAKEN_BACK_PREFIX):
                    form_id, name = json.loads(line)["taken_back"]
                    corrections.get(form_id, {}).pop(name, None)
                elif _CORRECTED_MARK in line:
                    values = json.loads(line)
                    corrections[f"{values['sha256'][:16]}-{values['page']}"] = {
                        each["name"]: each["value"]
                        for each in values["fields"]
                        if each["status"] == Status.CORRECTED
                    }
            except (ValueError, KeyError, TypeError) as error:
                raise self._damaged(error) from error
        return corrections

    def _read_record_lines(self) -> Iterator[str]:
        """Yield the records as they were read: valid once their file is done."""
        waiting: list[str] = []
        for line in self._read_lines():
            if line.startswith(_DONE_PREFIX):
                yield from waiting
            waiting = [] if _is_final(line) or line.startswith(_HEADER_PREFIX) else [*waiting, line]

    def _parse_record(self, line: str) -> FormRecord:
        try:
            return FormRecord.from_dict(json.loads(line), self.template)
        except (ValueError, KeyError, TypeError, StopIteration) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> DataError:
        return DataError(f"{self.path}: a record is damaged: {error!r}")


def _is_final(line: str) -> bool:
    """Return whether a line stays when an interruption follows it."""
    return line.startswith((_DONE_PREFIX, _TAKEN_BACK_PREFIX)) or _CORRECTED_MARK in line
