"""Files written so that an interruption leaves the old one or the new one, never half of one."""

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
    """Return the folder for what can be made again: ``$INKREAD_CACHE`` or the user's cache."""
    return Path(os.environ.get("INKREAD_CACHE") or platformdirs.user_cache_dir("inkread"))


def check_target(path: Path, suffixes: Sequence[str] = ()) -> None:
    """Refuse a path that no file can be written to, before the work for the file is done.

    Args:
        path: of the file to be; folders on the way to it may be missing.
        suffixes: what it may end in, in small letters with the dot; empty: anything.

    Raises:
        ConfigError: another suffix, a folder, or a path through a file.
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
    """Give a path beside ``path`` to write to; it replaces ``path`` when the block succeeds.

    The temporary name ends as ``path`` does, so that libraries which go by the suffix work.

    Raises:
        OSError: the folder can't be written or the disk is full; ``path`` is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_PREFIX, suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            # mkstemp makes files private; the result gets the mode any new file of the user's has.
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        # The name that was asked for tells the user more than the one beside it.
        if Path(str(error.filename)).name.startswith(_PREFIX):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a whole file at once.

    Raises:
        OSError: the folder can't be written or the disk is full; ``path`` is then as it was.
    """
    with replace_atomically(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)
