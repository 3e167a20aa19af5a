"""Reads the files that pictures come in: regular files of limited size."""

import os
import stat
from pathlib import Path
from typing import IO

from inkread.errors import ImageError

__all__ = ["MAX_FILE_BYTES", "check_regular", "read_file_object", "read_path"]

MAX_FILE_BYTES = 1_000_000_000
_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def check_regular(path: str | os.PathLike[str]) -> None:
    """Check that a path leads to a regular file that isn't too large; a missing one passes.

    Raises:
        ImageError: it leads to a pipe, a socket or a device, or to a file that is too large.
    """
    try:
        found = Path(path).stat()
    except (OSError, ValueError):  # opening it will tell why
        return
    for is_kind, name in _KINDS:
        if is_kind(found.st_mode):
            raise ImageError(f"expected a file, received {name}; - reads standard input")
    if stat.S_ISREG(found.st_mode):
        _check_size(found.st_size)


def read_path(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        ImageError: it can't be read, is no regular file, or too large.
    """
    check_regular(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"expected a picture, but it can't be read: {reason}") from error
    except MemoryError as error:
        raise ImageError("there is not enough memory to read it") from error
    _check_size(len(data))
    return data


def read_file_object(file: IO[bytes]) -> bytes:
    """Return what is left of a binary file object.

    Raises:
        ImageError: it can't be read, isn't binary, or holds too much.
    """
    try:
        data = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ImageError(f"the file object can't be read: {error}") from error
    if not isinstance(data, bytes):
        raise ImageError(f"expected a binary file object, received one of {type(data).__name__}")
    _check_size(len(data))
    return data


def _check_size(num_bytes: int) -> None:
    if num_bytes > MAX_FILE_BYTES:
        raise ImageError(
            f"expected a file of at most {MAX_FILE_BYTES / 1e6:,.0f} MB, received more"
        )
