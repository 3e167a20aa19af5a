"""A job that reads scans of a form into the rows of its table."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from inkread.forms.form_batch import FormBatchJob, read_file
from inkread.forms.form_reader import FormReader
from inkread.forms.tables import arrow_schema, columns_of, row_of
from inkread.scale.worker import ReadFile, Row

__all__ = ["FormJob"]


@dataclass(frozen=True)
class FormJob:
    """Reads scans of a form; see ``Job``.

    Attributes:
        job: the form and the options, as for the local engine.
    """

    job: FormBatchJob

    @property
    def row_schema(self) -> pa.Schema:
        """The columns of the form's table without the scan, and ``error``."""
        return arrow_schema({**_table_columns(self.job), "error": "text"})

    @property
    def settings(self) -> dict[str, Any]:
        """The template, the model and the minimum confidence."""
        return {"template": self.job.template.model_dump(mode="json"), **self.job.settings}

    def load_reader(self) -> ReadFile:
        """Load the model and prepare for the form."""
        return partial(_read_rows, self.job.form_reader(threads=1), self.job)


def _table_columns(job: FormBatchJob) -> dict[str, str]:
    return {name: kind for name, kind in columns_of(job.template).items() if name != "scan"}


def _read_rows(
    reader: FormReader, job: FormBatchJob, data: bytes, uri: str, sha256: str
) -> list[Row]:
    rows: list[Row] = []
    for record in read_file(reader, uri, sha256, job.crops, data):
        if record.error is not None:
            rows.append({"form_id": record.form_id, "page": record.page, "error": record.error})
            continue
        row = dict(zip(columns_of(job.template), row_of(record), strict=True))
        del row["scan"]
        rows.append(row)
    return rows
