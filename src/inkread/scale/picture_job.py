"""A job that reads pictures of numbers into the rows that ``inkread read --csv`` prints."""

import os
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa

from inkread.batch import batch_reader
from inkread.batch.formats import make_number_rows
from inkread.reader import Reader
from inkread.scale.worker import ReadFile, Row

__all__ = ["PictureJob"]

_INTEGER, _TEXT = pa.int32(), pa.string()


@dataclass(frozen=True)
class PictureJob:
    """Reads pictures of numbers; see ``Job``. A page without numbers has one row.

    Attributes:
        options: as for the local engine; one thread is used whatever they say.
    """

    options: batch_reader.ReadSettings

    @property
    def row_schema(self) -> pa.Schema:
        """The columns of ``formats.CsvWriter`` without the file, and ``error``."""
        types = {
            **dict.fromkeys(("page", "index", "row", "column"), _INTEGER),
            **dict.fromkeys(("text", "raw"), _TEXT),
            "confidence": pa.float64(),
            **dict.fromkeys(("left", "top", "right", "bottom"), _INTEGER),
            "rejected": pa.bool_(),
            **dict.fromkeys(("unconstrained", "value", "unit"), _TEXT),
            "value_confidence": pa.float64(),
            "error": _TEXT,
        }
        return pa.schema(types.items())

    @property
    def settings(self) -> dict[str, Any]:
        """All options but the threads, as JSON values."""
        values = asdict(self.options)
        del values["threads"]
        values |= {name: os.fspath(values[name]) for name in ("model", "line_model")}
        length = self.options.length
        values["notation"] = self.options.notation.to_dict()
        return {**values, "length": list(length) if isinstance(length, tuple) else length}

    def load_reader(self) -> ReadFile:
        """Load the models."""
        options = replace(self.options, threads=1)
        return partial(_read_rows, batch_reader.open_reader(options), options)


def _read_rows(
    reader: Reader, options: batch_reader.ReadSettings, data: bytes, uri: str, _sha256: str
) -> list[Row]:
    rows: list[Row] = []
    for number, outcome in enumerate(
        batch_reader.read_picture(reader, options, batch_reader.PictureInput(uri, data)), start=1
    ):
        page = outcome.page
        found = list(make_number_rows(page, range(len(page.numbers)))) if page else []
        rows += found or [{"page": number, "error": outcome.error}]
    return rows
