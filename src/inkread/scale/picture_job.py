"""Pictures of numbers as a job: what ``inkread read`` writes as CSV, in rows of Parquet."""

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

_WHOLE, _TEXT = pa.int32(), pa.string()


@dataclass(frozen=True)
class PictureJob:
    """How pictures are to be read; a page without numbers has a row all the same.

    Attributes:
        how: as for the local engine; its threads are 1.
    """

    how: batch_reader.ReadSettings

    @property
    def rows(self) -> pa.Schema:
        """The columns of ``formats.CsvWriter`` but the file, and ``error``."""
        types = {
            **dict.fromkeys(("page", "index", "row", "column"), _WHOLE),
            **dict.fromkeys(("text", "raw"), _TEXT),
            "confidence": pa.float64(),
            **dict.fromkeys(("left", "top", "right", "bottom"), _WHOLE),
            "rejected": pa.bool_(),
            **dict.fromkeys(("unconstrained", "error"), _TEXT),
        }
        return pa.schema(types.items())

    @property
    def settings(self) -> dict[str, Any]:
        """All but the threads."""
        values = asdict(self.how)
        del values["threads"]
        values |= {name: os.fspath(values[name]) for name in ("model", "line_model")}
        length = self.how.length
        return {**values, "length": list(length) if isinstance(length, tuple) else length}

    def reader(self) -> ReadFile:
        """Load the models."""
        how = replace(self.how, threads=1)
        return partial(_rows, batch_reader.open_reader(how), how)


def _rows(
    reader: Reader, how: batch_reader.ReadSettings, data: bytes, uri: str, _sha256: str
) -> list[Row]:
    rows: list[Row] = []
    for number, outcome in enumerate(
        batch_reader.read_picture(reader, how, batch_reader.PictureInput(uri, data)), start=1
    ):
        page = outcome.page
        found = list(make_number_rows(page, range(len(page.numbers)))) if page else []
        rows += found or [{"page": number, "error": outcome.error}]
    return rows
