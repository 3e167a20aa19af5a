"""Scans of a form as a job for Ray: the rows of its table, for Parquet."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from inkread.forms.form_batch import Job, read_file
from inkread.forms.form_reader import FormReader
from inkread.forms.tables import arrow_schema, columns_of, row_of
from inkread.scale.worker import ReadFile, Row

__all__ = ["FormJob"]


@dataclass(frozen=True)
class FormJob:
    """How scans are to be read.

    Attributes:
        how: as for the local engine.
    """

    how: Job

    @property
    def rows(self) -> pa.Schema:
        """The columns of the form's table but the scan, and ``error``."""
        return arrow_schema({**_columns(self.how), "error": "text"})

    @property
    def settings(self) -> dict[str, Any]:
        """The template, the model and the least confidence."""
        return {"template": self.how.template.model_dump(mode="json"), **self.how.settings}

    def reader(self) -> ReadFile:
        """Load the model and prepare for the form."""
        return partial(_rows, self.how.form_reader(threads=1), self.how)


def _columns(how: Job) -> dict[str, str]:
    return {name: kind for name, kind in columns_of(how.template).items() if name != "scan"}


def _rows(reader: FormReader, how: Job, data: bytes, uri: str, sha256: str) -> list[Row]:
    rows: list[Row] = []
    for record in read_file(reader, uri, sha256, how.crops, data):
        if record.error is not None:
            rows.append({"form_id": record.form_id, "page": record.page, "error": record.error})
            continue
        row = dict(zip(columns_of(how.template), row_of(record), strict=True))
        del row["scan"]
        rows.append(row)
    return rows
