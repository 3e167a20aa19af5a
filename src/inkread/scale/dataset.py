"""The results on disk: partitioned Parquet in which pictures are unique by their content.

::

    OUT/part=ab/rows.parquet          the rows of pictures whose SHA-256 begins with ab
    OUT/part=unreadable/rows.parquet  the inputs that the last run could not fetch
    OUT/_files/part=ab/files.parquet  all files that were read: uri, version, sha256
    OUT/_staged/BATCH.parquet         batches that are read but not merged yet
    OUT/_staged/BATCH.begun           how often a process crashed at inputs of such a batch
    OUT/_settings.json                the settings they were read with

Staging is idempotent: a batch is one file, named by a hash of its inputs and written atomically, so
a batch that is read twice replaces itself. So is merging: of several pictures with the same content
the first is kept. Parquet readers ignore names that begin with ``_``.
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
from inkread.scale.inputs import UNREADABLE, is_uri, open_filesystem

__all__ = ["Dataset", "Keys", "content_key", "input_key", "is_known", "staged_schema"]

Keys = npt.NDArray[np.bytes_]  # (N,) of 16 bytes, sorted

_FORMAT_VERSION = 1
_FILES_SCHEMA = pa.schema([("uri", pa.string()), ("version", pa.string()), ("sha256", pa.string())])
_KEY_BYTES = 16


def input_key(uri: str, version: str) -> bytes:
    """Return a key of 16 bytes for a file in its current version."""
    text = f"{uri}\0{version}".encode()
    return hashlib.blake2b(text, digest_size=_KEY_BYTES).digest()


def content_key(sha256: str) -> bytes:
    """Return a key of 16 bytes for a file's content, from its SHA-256 in hexadecimal."""
    return bytes.fromhex(sha256)[:_KEY_BYTES]


def is_known(known: Keys, key: bytes) -> bool:
    """Return whether a key is among sorted keys."""
    index = int(np.searchsorted(known, np.bytes_(key)))
    return index < len(known) and known[index] == np.bytes_(key)


def staged_schema(rows: pa.Schema) -> pa.Schema:
    """Return the schema of staged batches: a row per input, with its results as a list."""
    fields = [
        *_FILES_SCHEMA,
        pa.field("part", pa.string()),
        pa.field("rows", pa.list_(pa.struct(rows))),
    ]
    return pa.schema(fields)


class Dataset:
    """The folder of results, on this machine or in object storage; picklable.

    Attributes:
        out: its path or URI.
        row_schema: the columns of a picture's results.
    """

    def __init__(self, out: str, row_schema: pa.Schema) -> None:
        """Store the location; nothing is read or written yet.

        Raises:
            ConfigError: the URI's protocol is unknown.
        """
        self.out = out if is_uri(out) else str(Path(out).absolute())
        self.row_schema = row_schema
        self._files, self._root = open_filesystem(self.out)

    def __reduce__(self) -> tuple[type["Dataset"], tuple[str, pa.Schema]]:
        """Return the arguments that ``pickle`` rebuilds it with."""
        return Dataset, (self.out, self.row_schema)

    def open(self, settings: dict[str, Any], *, again: bool = False) -> None:
        """Create the folder, or resume with the results in it.

        Args:
            settings: all settings that change the results.
            again: remove the results that are there.

        Raises:
            ConfigError: the folder holds something else, or results of other settings.
            OSError: it can't be read or written.
        """
        text = json.dumps(
            {"dataset": _FORMAT_VERSION, "columns": self.row_schema.names, **settings},
            sort_keys=True,
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
        self._write_bytes(path, text.encode())

    def read_known_keys(self) -> Keys:
        """Return the keys of all files and contents that were read."""
        keys = [np.array([], f"S{_KEY_BYTES}")]
        for path in [
            *self._files.glob(self._path("_files/part=*/files.parquet")),
            *self.list_staged(),
        ]:
            files_table = self.read_table(path, _FILES_SCHEMA.names)
            uris, versions = files_table["uri"].to_pylist(), files_table["version"].to_pylist()
            found = [
                *map(input_key, uris, versions),
                *map(content_key, files_table["sha256"].to_pylist()),
            ]
            keys.append(np.array(found, f"S{_KEY_BYTES}"))
        return np.unique(np.concatenate(keys))

    def list_staged(self) -> list[str]:
        """Return the paths, on the dataset's file system, of the batches that are not merged."""
        return sorted(self._files.glob(self._path("_staged/*.parquet")))

    def read_table(self, path: str, columns: list[str] | None = None) -> pa.Table:
        """Read one Parquet file of the dataset.

        Raises:
            ConfigError: it is damaged.
        """
        # Not parquet.read_table, which would add a column for the folder's name.
        try:
            file = parquet.ParquetFile(io.BytesIO(self._files.cat_file(path)))
            return file.read(columns)
        except (*UNREADABLE, pa.ArrowException) as error:
            raise ConfigError(f"{path}: expected results of inkread: {error}") from error

    def read_batch(self, name: str) -> pa.Table | None:
        """Read a staged batch; ``None`` if it isn't there."""
        path = self._path(f"_staged/{name}.parquet")
        return self.read_table(path) if self._files.exists(path) else None

    def stage(self, name: str, inputs: Sequence[dict[str, Any]]) -> None:
        """Write a batch atomically.

        Raises:
            OSError: it can't be written, for example as the disk is full.
        """
        table = pa.Table.from_pylist(list(inputs), schema=staged_schema(self.row_schema))
        self._write_table(self._path(f"_staged/{name}.parquet"), table)

    def read_crash_counts(self, name: str) -> dict[str, int] | None:
        """Return how often a process crashed at each input; ``None``: the batch is new."""
        path = self._path(f"_staged/{name}.begun")
        if not self._files.exists(path):
            return None
        return {str(uri): int(n) for uri, n in json.loads(self._files.cat_file(path)).items()}

    def record_start(self, name: str, crash_counts: dict[str, int]) -> None:
        """Record that a batch was started, and how often a process crashed at each input."""
        self._write_bytes(self._path(f"_staged/{name}.begun"), json.dumps(crash_counts).encode())

    def merge(self, part: str, staged: pa.Table) -> None:
        """Add staged results to their partition; contents that are there already are skipped.

        Args:
            part: the partition: the first two hexadecimal digits of the contents' SHA-256.
            staged: rows of ``staged_schema``.

        Raises:
            OSError: it can't be written, for example as the disk is full.
        """
        rows_path = self._path(f"part={part}/rows.parquet")
        files_path = self._path(f"_files/part={part}/files.parquet")
        rows = self._read_if_exists(rows_path)
        staged = staged.select(staged_schema(self.row_schema).names).sort_by("uri")
        seen = set(rows["sha256"].to_pylist()) if rows else set()
        chosen = []
        lengths = pc.list_value_length(staged["rows"]).to_pylist()
        for index, sha256 in enumerate(staged["sha256"].to_pylist()):
            if lengths[index] and sha256 not in seen:
                seen.add(sha256)
                chosen.append(index)
        added = self._flatten(staged.take(pa.array(chosen, pa.int64())))
        if chosen or rows is None:
            self._write_table(rows_path, added if rows is None else pa.concat_tables([rows, added]))
        files = self._read_if_exists(files_path)
        files_table = staged.select(_FILES_SCHEMA.names).cast(_FILES_SCHEMA)
        files_table = files_table if files is None else pa.concat_tables([files, files_table])
        files_table = files_table.group_by(_FILES_SCHEMA.names).aggregate([])
        if files is None or len(files_table) > len(files):
            # Written last: a file that is listed here has its rows in the dataset.
            self._write_table(files_path, files_table)

    def _flatten(self, staged: pa.Table) -> pa.Table:
        """Return a row per result of staged inputs."""
        lists = staged["rows"].combine_chunks()
        parents = pc.list_parent_indices(lists)
        values = pa.Table.from_struct_array(pc.list_flatten(lists))
        columns = {name: staged[name].take(parents) for name in ("sha256", "uri")}
        columns |= {name: values[name] for name in self.row_schema.names}
        return pa.table(columns, schema=self._merged_schema())

    def _merged_schema(self) -> pa.Schema:
        return pa.schema([("sha256", pa.string()), ("uri", pa.string()), *self.row_schema])

    def write_unreadable(self, unreadable: Iterable[tuple[str, str]]) -> None:
        """Write which inputs could not be fetched, and why; replaces the list of an earlier run.

        Raises:
            OSError: it can't be written, for example as the disk is full.
        """
        path = self._path("part=unreadable/rows.parquet")
        lines = [{"uri": uri, "error": error} for uri, error in sorted(set(unreadable))]
        if lines:
            self._write_table(path, pa.Table.from_pylist(lines, schema=self._merged_schema()))
        elif self._files.exists(path):
            self._files.rm(path)

    def remove_staged(self, staged: Iterable[str]) -> None:
        """Remove batches that are merged."""
        for path in staged:
            for each in (path, path.removesuffix(".parquet") + ".begun"):
                if self._files.exists(each):
                    self._files.rm(each)

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _read_if_exists(self, path: str) -> pa.Table | None:
        return self.read_table(path) if self._files.exists(path) else None

    def _write_table(self, path: str, table: pa.Table) -> None:
        data = io.BytesIO()
        parquet.write_table(table, data)
        self._write_bytes(path, data.getvalue())

    def _write_bytes(self, path: str, data: bytes) -> None:
        """Write a file atomically."""
        if is_uri(self.out):
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(path, data)  # atomic in object stores
        else:
            write_atomically(Path(path), data)
