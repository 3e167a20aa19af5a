"""Atomic file writes, locks, checks of output paths, and the cache folder."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import platformdirs

from inkread.errors import BusyError, ConfigError

__all__ = [
    "check_folder",
    "check_target",
    "find_user_folder",
    "get_cache_folder",
    "hold_lock",
    "replace_atomically",
    "write_atomically",
]

_PREFIX = ".writing-"
_RETRY_S = 0.02  # between two attempts to get a lock


def get_cache_folder() -> Path:
    """Return the folder of the cache: ``$INKREAD_CACHE``, or one in the user's cache folder.

    Raises:
        ConfigError: as for ``find_user_folder``.
    """
    return find_user_folder("INKREAD_CACHE", platformdirs.user_cache_path)


def find_user_folder(variable: str, locate: Callable[[str], Path]) -> Path:
    """Return the folder that an environment variable names, or else one in the user's home.

    Args:
        variable: its name.
        locate: returns the folder in the user's home from a program's name.

    Raises:
        ConfigError: the variable isn't set, and the user has no home, as in some containers.
    """
    if named := os.environ.get(variable):
        return Path(named)
    try:
        found = locate("inkread")
    except RuntimeError:
        found = Path()
    if not found.is_absolute():
        raise ConfigError(
            f"expected a home folder, found none: set {variable} to a folder, or HOME"
        )
    return found


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


def check_folder(path: Path) -> None:
    """Check that files could be written to a folder, before the work for them is done.

    Args:
        path: of the folder; it and its parents may be missing.

    Raises:
        ConfigError: it, or a parent of it, is a file.
    """
    nearest = next(each for each in (path, *path.parents) if each.exists())
    if not nearest.is_dir():
        raise ConfigError(f"expected a folder, received {path}: {nearest} is a file")


@contextmanager
def replace_atomically(path: Path) -> Iterator[Path]:
    """Write a file atomically: a context manager that yields a temporary path to write to.

    When the block succeeds, the temporary file replaces ``path``; otherwise it is removed. It has
    the suffix of ``path``, for libraries that choose a format by it. A file that is replaced keeps
    its permissions, and a link the place that it leads to.

    Raises:
        OSError: the folder can't be written or the disk is full; ``path`` is left unchanged.
        ConfigError: the path is a device or a pipe.
    """
    if path.is_symlink():
        path = path.resolve()
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ConfigError(f"expected the name of a file to write, received the device {path}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_PREFIX, suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(_choose_mode(path))
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


def _choose_mode(path: Path) -> int:
    """Return the permissions of the file that is there, or those of any new file of the user."""
    try:
        return path.stat().st_mode & 0o777
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask


@contextmanager
def hold_lock(path: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Let no other process write to a file or folder: a context manager that holds its lock.

    The lock is a hidden file beside the path, whose lock the system drops when the process ends,
    however it ends. Only those that ask for it are kept out.

    Args:
        path: of the file or folder; it need not exist.
        wait_s: seconds to wait while another process, or thread, holds it.

    Raises:
        BusyError: another one holds it; the message names its process.
        OSError: the lock's file can't be written.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        yield  # a device or a pipe, to which several processes may write
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    name = path.resolve()
    beside = name.with_name(f".{name.name}.lock")
    deadline = time.monotonic() + wait_s
    while (file := _try_lock(beside)) is None:
        if time.monotonic() >= deadline:
            raise BusyError(
                f"{path} is in use by {_describe_holder(beside)}: expected to be alone; wait until "
                "that is done, or choose another"
            )
        time.sleep(_RETRY_S)
    try:
        yield
    finally:
        beside.unlink(missing_ok=True)  # while it is locked, so that it is nobody else's
        file.close()


def _try_lock(path: Path) -> IO[str] | None:
    """Create and lock a file; return ``None`` if another one holds its lock."""
    file = path.open("a+", encoding="utf-8", errors="replace")
    try:
        if _lock_handle(file.fileno()) and _is_at(path, file.fileno()):
            file.truncate(0)
            file.write(f"process {os.getpid()}")
            file.flush()
            return file
    except BaseException:
        file.close()
        raise
    file.close()
    return None


def _is_at(path: Path, handle: int) -> bool:
    """Return whether an open file is still the one at a path: its last holder removes it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _describe_holder(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:40] or "another process"
    except OSError:
        return "another process"


if sys.platform == "win32":
    import msvcrt

    def _lock_handle(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock_handle(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
