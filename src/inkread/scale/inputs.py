"""Finds and fetches the pictures that a user names: files, folders, URIs, Parquet lists of URIs."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from inkread.batch import sources
from inkread.errors import ConfigError

__all__ = [
    "SCHEMA",
    "UNREADABLE",
    "Input",
    "ParquetList",
    "fetch",
    "is_uri",
    "list_inputs",
    "open_filesystem",
]

# Raised by fsspec and its backends for files that are missing or names that are invalid.
UNREADABLE = (OSError, ValueError, ImportError)
SCHEMA = pa.schema([("uri", pa.string()), ("version", pa.string())])


@dataclass(frozen=True)
class Input:
    """A picture to read, wherever it is.

    Attributes:
        uri: a path, or a URI that fsspec supports.
        version: changes when the file does: its size and modification time, or its ETag; empty if
            unknown.
        problem: why it can't be read, if that is known already.
    """

    uri: str
    version: str = ""
    problem: str | None = None


def is_uri(name: str | os.PathLike[str]) -> bool:
    """Return whether a name is a URI rather than a path."""
    return "://" in os.fspath(name)


def open_filesystem(name: str | os.PathLike[str]) -> tuple[Any, str]:
    """Return fsspec's file system for a path or URI, and the path on it.

    Raises:
        ConfigError: the protocol is unknown, or its library isn't installed.
    """
    if not is_uri(name):
        return fsspec.filesystem("file"), str(Path(name).absolute())
    try:
        found: tuple[Any, str] = fsspec.core.url_to_fs(os.fspath(name))
    except (ValueError, ImportError) as error:
        raise ConfigError(f"expected a URI that fsspec knows, received {name}: {error}") from error
    return found


def fetch(uri: str) -> bytes:
    """Return the bytes of a file, from a path or a URI.

    Raises:
        OSError, ValueError, ImportError: it can't be read; ``UNREADABLE`` is all three.
    """
    if not is_uri(uri):
        return Path(uri).read_bytes()
    with fsspec.open(uri, "rb") as file:
        return bytes(file.read())


def list_inputs(names: Iterable[str], *, recursive: bool = False) -> Iterator[Input]:
    """List the pictures that are named, each once.

    Paths are resolved by ``sources.find``. A URI is that of a picture, a pattern, or a folder, of
    which pictures are recognised by their suffixes.

    Args:
        names: paths and URIs; no Parquet lists.
        recursive: also search subfolders.

    Raises:
        ConfigError: a URI's protocol is unknown, or a name is standard input.
    """
    seen: set[str] = set()
    for name in names:
        found = _list_remote(name, recursive) if is_uri(name) else _list_local(name, recursive)
        for each in found:
            if each.uri not in seen:
                seen.add(each.uri)
                yield each


def _list_local(name: str, recursive: bool) -> Iterator[Input]:
    if name == sources.STDIN:
        raise ConfigError("expected files, folders or URIs to read with Ray, received -")
    for source in sources.find([name], recursive=recursive):
        shown = sources.make_printable(source.name)
        if source.problem or shown != source.name:
            yield Input(shown, problem=source.problem or "expected a name that is text")
            continue
        path = Path(source.name).absolute()
        try:
            stat = path.stat()
        except (OSError, ValueError):  # the reason is reported when it is fetched
            yield Input(str(path))
        else:
            yield Input(str(path), f"{stat.st_size}-{stat.st_mtime_ns}")


def _list_remote(name: str, recursive: bool) -> Iterator[Input]:
    files, path = open_filesystem(name)
    try:
        if fsspec.core.has_magic(path):
            found = files.glob(path, detail=True)
        elif files.isdir(path):
            inside = files.find(path, maxdepth=None if recursive else 1, detail=True)
            found = {
                each: info
                for each, info in inside.items()
                if sources.is_picture(each.rpartition("/")[2])
            }
        else:
            yield Input(name, _version_of(files.info(path)))
            return
    except UNREADABLE as error:
        yield Input(name, problem=f"it can't be read: {error}")
        return
    pictures = {each: info for each, info in found.items() if info.get("type") == "file"}
    if not pictures:
        yield Input(name, problem="expected pictures, but there are none")
    for each in sorted(pictures):
        yield Input(files.unstrip_protocol(each), _version_of(pictures[each]))


def _version_of(info: dict[str, Any]) -> str:
    """Return a version from a file's listing: its ETag or hash, or its size and time."""
    tag = info.get("ETag") or info.get("etag") or info.get("md5Hash")
    return str(tag or f"{info.get('size')}-{info.get('mtime') or info.get('created') or ''}")


class ParquetList:
    """A Parquet file that lists pictures; picklable.

    Attributes:
        num_groups: number of its row groups, which are read one by one.
    """

    def __init__(self, name: str) -> None:
        """Read its schema.

        Raises:
            ConfigError: it can't be read, or has no text column ``uri``.
        """
        self._name = name
        try:
            with self._open() as file:
                schema, self.num_groups = file.schema_arrow, file.num_row_groups
        except (*UNREADABLE, pa.ArrowException) as error:
            raise ConfigError(
                f"{name}: expected a Parquet list, but it can't be read: {error}"
            ) from error
        texts = [
            field.name
            for field in schema
            if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
        ]
        if "uri" not in texts:
            raise ConfigError(
                f"{name}: expected a column uri of text, "
                f"received {', '.join(schema.names) or 'none'}"
            )
        self._columns = [column for column in SCHEMA.names if column in texts]

    def read_group(self, group: int) -> pa.Table:
        """Read the pictures of a row group, as a table of ``SCHEMA``.

        Raises:
            OSError: it can't be read any more.
        """
        with self._open() as file:
            table = file.read_row_group(group, columns=self._columns)
        table = table.filter(pc.is_valid(table["uri"]))
        if "version" not in self._columns:
            table = table.append_column("version", pa.nulls(len(table), pa.string()))
        versions = table["version"].cast(pa.string()).fill_null("")
        return pa.table({"uri": table["uri"].cast(pa.string()), "version": versions}, SCHEMA)

    @contextmanager
    def _open(self) -> Iterator[Any]:
        files, path = open_filesystem(self._name)
        with files.open(path, "rb") as file:
            yield parquet.ParquetFile(file)
