"""The review of a table's doubtful fields: lists them, shows them, and takes corrections."""

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

import cv2
from fastapi import FastAPI, Query
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from inkread.corrections.store import Store
from inkread.errors import ConfigError, ImageError
from inkread.forms.corrected_values import CorrectedValue, parse_correction
from inkread.forms.field_crops import FieldCrops
from inkread.forms.fields import DateField, FormField
from inkread.forms.form_reader import FieldReading, Status
from inkread.forms.journal import FormRecord, Journal, journal_path
from inkread.forms.tables import write_tables
from inkread.forms.template import Template
from inkread.reader import Reader
from inkread.web.field_corrections import make_corrections
from inkread.web.metrics import Metrics
from inkread.web.middleware import problems
from inkread.web.middleware.access import Access
from inkread.web.middleware.limits import BodyLimit
from inkread.web.middleware.problems import ProblemError
from inkread.web.middleware.security import Gate
from inkread.web.pool import Pool
from inkread.web.routes import page_routes
from inkread.web.settings import Settings

__all__ = ["Review", "SaidValue", "create_app"]

_MAX_BODY_BYTES, _BODY_TIMEOUT_S = 10_000, 10.0


@dataclass(frozen=True)
class Review:
    """The review of one table. Its methods block; it may be shared between threads.

    Attributes:
        journal: of the table.
        out: the table.
        crops: the pictures of its fields.
        store: of corrections for training; ``None``: they change the table alone.
        reader: with the model that corrections are meant for; ``None`` without a store.
    """

    journal: Journal
    out: Path
    crops: FieldCrops
    store: Store | None = None
    reader: Reader | None = None
    _lock: Lock = field(default_factory=Lock, repr=False)
    _stored: dict[tuple[str, str], list[int]] = field(default_factory=dict, repr=False)

    @classmethod
    def of_table(
        cls, template: Template, out: Path, crops: Path | None = None, store: Store | None = None
    ) -> "Review":
        """Open the review of a table.

        Args:
            template: the form.
            out: the table.
            crops: the folder of the pictures that were saved; else they are cut from the scans.
            store: where corrections go.

        Raises:
            ConfigError: there is no journal beside the table.
            TemplateError: the picture of the blank form can't be used.
        """
        path = journal_path(out)
        if not path.is_file():
            raise ConfigError(
                f"expected a table that `inkread form read` wrote, with its journal: no {path}"
            )
        reader = Reader() if store else None
        return cls(Journal(path, template, {}), out, FieldCrops(template, crops), store, reader)

    def fields(self) -> list[dict[str, Any]]:
        """List the fields that a person has to look at: the least sure first, the missing last."""
        found = [
            (reading.status is Status.MISSING, reading.confidence, record, reading)
            for record in self.journal.read_records()
            for reading in record.fields
            if reading.is_set_aside
        ]
        found.sort(key=lambda each: each[:2])
        return [self._to_dict(record, reading) for *_, record, reading in found]

    def picture(self, form_id: str, name: str) -> bytes:
        """Return the picture of a field as a PNG file.

        Raises:
            ProblemError: there is no such form or field.
            ImageError: its picture can't be had any more.
        """
        record, _ = self._find(form_id, name)
        with self._lock:
            crop = self.crops.find(record, name)
        return bytes(cv2.imencode(".png", crop)[1])

    def correct(
        self, form_id: str, name: str, text: str, *, anyway: bool = False
    ) -> dict[str, Any]:
        """Put a person's value into the table, and its digits into the store of corrections.

        Args:
            form_id: of the form.
            name: of the field.
            text: as in the table; of a date, its digits as they are written will do; nothing: the
                field is empty.
            anyway: even if it breaks a constraint of the field.

        Raises:
            ProblemError: no such form or field, no such value, or it breaks a constraint.
            OSError: the table can't be written.
            StoreError: the database can't be used; the table has the value all the same.
            BusyError: another process is writing to the table.
        """
        form_field = self._field(name)
        said = _parse(form_field, text)
        if said.objection and not anyway:
            raise ProblemError(422, "objection", f"{name}: {said.objection}, received {said.text}")
        with self._lock, self.journal.hold():
            record, before = self._find(form_id, name)
            changed = self.journal.correct(form_id, name, said.text, anyway=True)
            self._write_table()
            self._forget_stored(form_id, name)
            stored = self._store_corrections(record, before, said.digits)
            self._stored[form_id, name] = stored
        return {**self._describe(changed, name), "stored": len(stored)}

    def take_back(self, form_id: str, name: str) -> dict[str, Any]:
        """Put what was read into the table again; the digits stored meanwhile are deleted.

        Args:
            form_id: of the form.
            name: of the field.

        Raises:
            ProblemError: no such form or field.
            OSError: the table can't be written.
            StoreError: the database can't be used; the table has the value all the same.
        """
        with self._lock, self.journal.hold():
            self._find(form_id, name)
            changed = self.journal.take_back(form_id, name)
            self._write_table()
            self._forget_stored(form_id, name)
        return self._describe(changed, name)

    def _write_table(self) -> None:
        records = self.journal.read_records()
        write_tables(self.journal.template, records, self.out, unreadable=None)

    def _forget_stored(self, form_id: str, name: str) -> None:
        """Delete what an earlier correction of the field has stored: it was not right."""
        for number in self._stored.pop((form_id, name), []):
            if self.store:
                self.store.delete(number=number)

    def _describe(self, record: FormRecord, name: str) -> dict[str, Any]:
        return self._to_dict(record, next(each for each in record.fields if each.name == name))

    def _store_corrections(
        self, record: FormRecord, before: FieldReading, digits: str
    ) -> list[int]:
        if self.store is None or self.reader is None:
            return []
        try:
            crop = self.crops.find(record, before.name)
        except ImageError:  # the scan is gone: there is nothing to learn from
            return []
        place = self._field(before.name), self.journal.template.rects[before.name]
        found = make_corrections(self.reader, crop, place, before, digits)
        return [self.store.add(correction) for correction in found]

    def _field(self, name: str) -> FormField:
        if name not in self.journal.template.rects:
            raise ProblemError(404, "not-found", f"there is no field {name[:80]!r} on this form")
        return self.journal.template.field_named(name)

    def _find(self, form_id: str, name: str) -> tuple[FormRecord, FieldReading]:
        for record in self.journal.read_records():
            if record.form_id == form_id:
                for reading in record.fields:
                    if reading.name == name:
                        return record, reading
        raise ProblemError(404, "not-found", "there is no such field of a form in the table")

    def _to_dict(self, record: FormRecord, reading: FieldReading) -> dict[str, Any]:
        form_field = self.journal.template.field_named(reading.name)
        return {
            "form_id": record.form_id,
            "scan": record.scan,
            "page": record.page,
            "name": reading.name,
            "label": form_field.label or reading.name.replace("_", " "),
            "kind": form_field.kind,
            "format": form_field.format if isinstance(form_field, DateField) else None,
            "value": reading.text,
            "confidence": reading.confidence,
            "status": reading.status.value,
            "note": reading.note,
        }


def _parse(form_field: FormField, text: str) -> CorrectedValue:
    try:
        return parse_correction(form_field, text)
    except ValueError as error:
        raise ProblemError(422, "invalid", f"{form_field.name}: {error}") from error


class SaidValue(BaseModel):
    """The value that a person sees in a field."""

    model_config = ConfigDict(extra="forbid")

    value: str = Field(max_length=40)


def create_app(review: Review, hosts: tuple[str, ...]) -> FastAPI:
    """Make the application.

    Args:
        review: of a table.
        hosts: names that requests may call it by.
    """
    app = FastAPI(title="inkread form review", openapi_url=None)
    problems.install(app)

    @app.get("/v1/fields")
    def fields() -> JSONResponse:
        return JSONResponse({"form": review.journal.template.form, "fields": review.fields()})

    @app.get("/v1/fields/{form_id}/{name}/picture")
    def picture(form_id: str, name: str) -> Response:
        return Response(review.picture(form_id, name), media_type="image/png")

    @app.put("/v1/fields/{form_id}/{name}")
    def correct(
        form_id: str, name: str, said: SaidValue, anyway: Annotated[bool, Query()] = False
    ) -> JSONResponse:
        return JSONResponse(review.correct(form_id, name, said.value, anyway=anyway))

    @app.delete("/v1/fields/{form_id}/{name}")
    def take_back(form_id: str, name: str) -> JSONResponse:
        return JSONResponse(review.take_back(form_id, name))

    page_routes.add_pages(app, {"/": "form-review.html"})
    app.add_middleware(problems.UnexpectedErrors)
    app.add_middleware(BodyLimit, _MAX_BODY_BYTES, _BODY_TIMEOUT_S)
    app.add_middleware(Gate, Settings(hosts=hosts))
    app.add_middleware(Access, Metrics(Pool(1, 0), dict))
    return app
