"""Atomic file writes, checks of output paths, and the cache folder."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from inkread.errors import ConfigError

__all__ = ["check_target", "get_cache_folder", "replace_atomically", "write_atomically"]

_PREFIX = ".writing-"


def get_cache_folder() -> Path:
    """Return the folder of the cache: ``$INKREAD_CACHE``, or one in the user's cache folder."""
    return Path(os.environ.get("INKREAD_CACHE") or platformdirs.user_cache_dir("inkread"))


def check_target(path: Path, suffixes: Sequence[str] = ()) -> None:
    """Check that a file could be written to a path, before the work for the file is done.

    Args:
        path: of the file to write; its parent folders may be missing.
        suffixes: the allowed suffixes, in lower case with the dot; empty allows any.

    Raises:
        ConfigError: the suffix is not allowed, the path is a folder, or a parent of it is a file.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        one_of = "one of " if len(suffixes) > 1 else ""
        raise ConfigError(
            f"expected a file ending in {one_of}{', '.join(suffixes)}, received {path}"
        )
    if path.is_dir():
        raise ConfigError(f"expected the name of a file to write, received the folder {path}")
    nearest = next(parent for parent in path.parents if parent.exists())
    if not nearest.is_dir():
        raise ConfigError(f"expected a file in a folder, received {path}: {nearest} is a file")


@contextmanager
def replace_atomically(path: Path) -> Iterator[Path]:
    """Write a file atomically: a context manager that yields a temporary path to write to.

    When the block succeeds, the temporary file replaces ``path``; otherwise it is removed. It has
    the suffix of ``path``, for libraries that choose a format by it.

    Raises:
        OSError: the folder can't be written or the disk is full; ``path`` is left unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_PREFIX, suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            # mkstemp makes files private; the result gets the mode of any new file of the user.
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        # The caller knows the requested path, not the temporary one.
        if Path(str(error.filename)).name.startswith(_PREFIX):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a file atomically.

    Args:
        path: of the file; missing parent folders are created.
        data: the whole content; a string is encoded as UTF-8.

    Raises:
        OSError: the folder can't be written or the disk is full; ``path`` is left unchanged.
    """
    with replace_atomically(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)
