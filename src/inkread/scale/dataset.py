"""What was read, as partitioned Parquet in which every picture is there once, by its content.

::

    OUT/part=ab/rows.parquet          the rows of pictures whose SHA-256 begins with ab
    OUT/part=unreadable/rows.parquet  what the last run could not fetch
    OUT/_files/part=ab/files.parquet  every file that was read: uri, version, sha256
    OUT/_staged/BATCH.parquet         batches that are read but not merged yet
    OUT/_settings.json                how they were read

A batch is one file, named by the inputs in it and written at once: read again by whom ever, it
takes the place of itself. Merging keeps the first of what has the same content, so merging again
what was merged changes nothing. Readers of Parquet pass over names that begin with ``_``.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from inkread.errors import ConfigError
from inkread.files import write_atomically
from inkread.scale.inputs import UNREADABLE, filesystem, is_uri

__all__ = ["Dataset", "Keys", "content_key", "input_key", "is_known", "staged_schema"]

Keys = npt.NDArray[np.bytes_]

_VERSION = 1
_LEDGER = pa.schema([("uri", pa.string()), ("version", pa.string()), ("sha256", pa.string())])
_KEY_BYTES = 16


def input_key(uri: str, version: str) -> bytes:
    """Return 16 bytes that stand for a file in its present state."""
    text = f"{uri}\0{version}".encode()
    return hashlib.blake2b(text, digest_size=_KEY_BYTES).digest()


def content_key(sha256: str) -> bytes:
    """Return 16 bytes that stand for a content."""
    return bytes.fromhex(sha256)[:_KEY_BYTES]


def is_known(known: Keys, key: bytes) -> bool:
    """Return whether a key is among sorted ones."""
    index = int(np.searchsorted(known, np.bytes_(key)))
    return index < len(known) and known[index] == np.bytes_(key)


def staged_schema(rows: pa.Schema) -> pa.Schema:
    """Return the schema of staged batches: a line an input, with all its rows in one cell."""
    fields = [*_LEDGER, pa.field("part", pa.string()), pa.field("rows", pa.list_(pa.struct(rows)))]
    return pa.schema(fields)


class Dataset:
    """The folder, on this machine or in object storage; it can be sent to other processes.

    Attributes:
        out: its path or URI.
        rows: the columns that are read of a picture.
    """

    def __init__(self, out: str, rows: pa.Schema) -> None:
        """Name the folder; nothing is read or written yet.

        Raises:
            ConfigError: a URI of an unknown protocol.
        """
        self.out = out if is_uri(out) else str(Path(out).absolute())
        self.rows = rows
        self._files, self._root = filesystem(self.out)

    def __reduce__(self) -> tuple[type["Dataset"], tuple[str, pa.Schema]]:
        """Say how to make it again elsewhere."""
        return Dataset, (self.out, self.rows)

    def open(self, settings: dict[str, Any], *, again: bool = False) -> None:
        """Begin, or go on with what is there.

        Args:
            settings: what decides what is read.
            again: drop what is there.

        Raises:
            ConfigError: it holds something else, or what was read with other settings.
            OSError: it can't be read or written.
        """
        text = json.dumps(
            {"dataset": _VERSION, "columns": self.rows.names, **settings}, sort_keys=True
        )
        path = self._path("_settings.json")
        if self._files.isfile(self._root):
            raise ConfigError(f"expected a folder for Parquet files, received the file {self.out}")
        if self._files.exists(path):
            if again:
                self._files.rm(self._root, recursive=True)
            elif self._files.cat_file(path).decode() != text:
                raise ConfigError(
                    f"{self.out}: it holds what was read with other settings; "
                    "choose another --out, or delete it"
                )
        elif self._files.exists(self._root) and self._files.ls(self._root):
            raise ConfigError(
                f"{self.out}: expected a folder that is empty or holds results of this engine"
            )
        self._put(path, text.encode())

    def known(self) -> Keys:
        """Return the keys of all files and contents that were read, sorted."""
        keys = [np.array([], f"S{_KEY_BYTES}")]
        for path in [*self._files.glob(self._path("_files/part=*/files.parquet")), *self.staged()]:
            ledger = self.table(path, _LEDGER.names)
            uris, versions = ledger["uri"].to_pylist(), ledger["version"].to_pylist()
            found = [
                *map(input_key, uris, versions),
                *map(content_key, ledger["sha256"].to_pylist()),
            ]
            keys.append(np.array(found, f"S{_KEY_BYTES}"))
        return np.unique(np.concatenate(keys))

    def staged(self) -> list[str]:
        """Return the paths of the batches that are not merged, on the dataset's file system."""
        return sorted(self._files.glob(self._path("_staged/*.parquet")))

    def table(self, path: str, columns: list[str] | None = None) -> pa.Table:
        """Return one file of the data set.

        Raises:
            ConfigError: it is damaged.
        """
        # Without the column that the folder's name would add.
        try:
            file = parquet.ParquetFile(io.BytesIO(self._files.cat_file(path)))
            return file.read(columns)
        except (*UNREADABLE, pa.ArrowException) as error:
            raise ConfigError(f"{path}: expected results of inkread: {error}") from error

    def batch(self, name: str) -> pa.Table | None:
        """Return a staged batch; ``None`` if it isn't there."""
        path = self._path(f"_staged/{name}.parquet")
        return self.table(path) if self._files.exists(path) else None

    def stage(self, name: str, inputs: Sequence[dict[str, Any]]) -> None:
        """Write a batch at once.

        Raises:
            OSError: the disk is full, say.
        """
        table = pa.Table.from_pylist(list(inputs), schema=staged_schema(self.rows))
        self._write(self._path(f"_staged/{name}.parquet"), table)

    def deaths(self, name: str) -> dict[str, int] | None:
        """Return how often a process died over each input of a batch; ``None``: it is new."""
        path = self._path(f"_staged/{name}.begun")
        if not self._files.exists(path):
            return None
        return {str(uri): int(n) for uri, n in json.loads(self._files.cat_file(path)).items()}

    def begin(self, name: str, deaths: dict[str, int]) -> None:
        """Note that a batch was begun, and how often it went wrong."""
        self._put(self._path(f"_staged/{name}.begun"), json.dumps(deaths).encode())

    def merge(self, part: str, staged: pa.Table) -> None:
        """Add what was staged for a partition to it; what is there already is left as it is.

        Args:
            part: the first two digits of the contents' SHA-256.
            staged: lines of ``staged_schema``.

        Raises:
            OSError: the disk is full, say.
        """
        rows_path = self._path(f"part={part}/rows.parquet")
        files_path = self._path(f"_files/part={part}/files.parquet")
        rows = self._table_or_none(rows_path)
        staged = staged.select(staged_schema(self.rows).names).sort_by("uri")
        seen = set(rows["sha256"].to_pylist()) if rows else set()
        chosen = []
        lengths = pc.list_value_length(staged["rows"]).to_pylist()
        for index, sha256 in enumerate(staged["sha256"].to_pylist()):
            if lengths[index] and sha256 not in seen:
                seen.add(sha256)
                chosen.append(index)
        added = self._flat(staged.take(pa.array(chosen, pa.int64())))
        if chosen or rows is None:
            self._write(rows_path, added if rows is None else pa.concat_tables([rows, added]))
        files = self._table_or_none(files_path)
        ledger = staged.select(_LEDGER.names).cast(_LEDGER)
        ledger = ledger if files is None else pa.concat_tables([files, ledger])
        ledger = ledger.group_by(_LEDGER.names).aggregate([])
        if files is None or len(ledger) > len(files):
            # Last, for it is what says that the rows are there.
            self._write(files_path, ledger)

    def _flat(self, staged: pa.Table) -> pa.Table:
        """Return a line for each row of staged inputs."""
        lists = staged["rows"].combine_chunks()
        parents = pc.list_parent_indices(lists)
        values = pa.Table.from_struct_array(pc.list_flatten(lists))
        columns = {name: staged[name].take(parents) for name in ("sha256", "uri")}
        columns |= {name: values[name] for name in self.rows.names}
        return pa.table(columns, schema=self._merged())

    def _merged(self) -> pa.Schema:
        return pa.schema([("sha256", pa.string()), ("uri", pa.string()), *self.rows])

    def name_unreadable(self, unreadable: Iterable[tuple[str, str]]) -> None:
        """Say which inputs could not be fetched, and why, in place of what an earlier run said.

        Raises:
            OSError: the disk is full, say.
        """
        path = self._path("part=unreadable/rows.parquet")
        lines = [{"uri": uri, "error": error} for uri, error in sorted(set(unreadable))]
        if lines:
            self._write(path, pa.Table.from_pylist(lines, schema=self._merged()))
        elif self._files.exists(path):
            self._files.rm(path)

    def forget(self, staged: Iterable[str]) -> None:
        """Remove batches that are merged."""
        for path in staged:
            for each in (path, path.removesuffix(".parquet") + ".begun"):
                if self._files.exists(each):
                    self._files.rm(each)

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _table_or_none(self, path: str) -> pa.Table | None:
        return self.table(path) if self._files.exists(path) else None

    def _write(self, path: str, table: pa.Table) -> None:
        data = io.BytesIO()
        parquet.write_table(table, data)
        self._put(path, data.getvalue())

    def _put(self, path: str, data: bytes) -> None:
        """Write a file that is there whole or not at all."""
        if is_uri(self.out):
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(path, data)  # object stores put whole objects
        else:
            write_atomically(Path(path), data)
