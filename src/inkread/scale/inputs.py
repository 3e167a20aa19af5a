"""What a user names to pictures wherever they are: files, folders, URIs, Parquet lists of URIs."""

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
    "filesystem",
    "is_uri",
    "listed",
]

# What fsspec and the libraries behind it raise for what is not there, or not so named.
UNREADABLE = (OSError, ValueError, ImportError)
SCHEMA = pa.schema([("uri", pa.string()), ("version", pa.string())])


@dataclass(frozen=True)
class Input:
    """A picture that is to be read.

    Attributes:
        uri: where it is: a path, or a URI that fsspec knows.
        version: changes when the picture does: its size and time, or its ETag; empty if unknown.
        problem: why there is nothing to read, if so.
    """

    uri: str
    version: str = ""
    problem: str | None = None


def is_uri(name: str | os.PathLike[str]) -> bool:
    """Return whether a name is a URI, not a path."""
    return "://" in os.fspath(name)


def filesystem(name: str | os.PathLike[str]) -> tuple[Any, str]:
    """Return fsspec's file system of a path or URI, and the path on it.

    Raises:
        ConfigError: no such protocol, or the library for it is missing.
    """
    if not is_uri(name):
        return fsspec.filesystem("file"), str(Path(name).absolute())
    try:
        found: tuple[Any, str] = fsspec.core.url_to_fs(os.fspath(name))
    except (ValueError, ImportError) as error:
        raise ConfigError(f"expected a URI that fsspec knows, received {name}: {error}") from error
    return found


def fetch(uri: str) -> bytes:
    """Return the bytes of a picture.

    Raises:
        OSError, ValueError, ImportError: it can't be read; ``UNREADABLE`` is all three.
    """
    if not is_uri(uri):
        return Path(uri).read_bytes()
    with fsspec.open(uri, "rb") as file:
        return bytes(file.read())


def listed(names: Iterable[str], *, recursive: bool = False) -> Iterator[Input]:
    """Find the pictures that names mean, each once.

    Paths mean what ``sources.find`` says. A URI means a picture, a pattern, or the pictures of a
    folder by their suffixes.

    Args:
        names: paths and URIs; no Parquet lists.
        recursive: look in folders of folders, too.

    Raises:
        ConfigError: a URI of an unknown protocol, or standard input.
    """
    seen: set[str] = set()
    for name in names:
        found = _remote(name, recursive) if is_uri(name) else _local(name, recursive)
        for each in found:
            if each.uri not in seen:
                seen.add(each.uri)
                yield each


def _local(name: str, recursive: bool) -> Iterator[Input]:
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
        except (OSError, ValueError):  # why not is said when it is read
            yield Input(str(path))
        else:
            yield Input(str(path), f"{stat.st_size}-{stat.st_mtime_ns}")


def _remote(name: str, recursive: bool) -> Iterator[Input]:
    files, path = filesystem(name)
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
            yield Input(name, _version(files.info(path)))
            return
    except UNREADABLE as error:
        yield Input(name, problem=f"it can't be read: {error}")
        return
    pictures = {each: info for each, info in found.items() if info.get("type") == "file"}
    if not pictures:
        yield Input(name, problem="expected pictures, but there are none")
    for each in sorted(pictures):
        yield Input(files.unstrip_protocol(each), _version(pictures[each]))


def _version(info: dict[str, Any]) -> str:
    """Return what changes with a file, of what its listing says."""
    tag = info.get("ETag") or info.get("etag") or info.get("md5Hash")
    return str(tag or f"{info.get('size')}-{info.get('mtime') or info.get('created') or ''}")


class ParquetList:
    """A Parquet file that names pictures; it can be sent to other processes.

    Attributes:
        num_groups: its row groups, which are read one by one.
    """

    def __init__(self, name: str) -> None:
        """Look at its schema.

        Raises:
            ConfigError: there is no such list, or no column ``uri`` of text in it.
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

    def inputs(self, group: int) -> pa.Table:
        """Return the pictures of a row group as ``SCHEMA`` has them.

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
        files, path = filesystem(self._name)
        with files.open(path, "rb") as file:
            yield parquet.ParquetFile(file)
