"""Disk space that is kept beside an SQLite database, so that a full disk doesn't prevent deletion.

SQLite writes what it changes to a log first, and to delete irrecoverably is to overwrite: deleting
takes as much space as what is deleted.
"""

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["Reserve"]

# For what waits in the log, which database.py keeps at 1 MiB, and for what stands around a row.
_LEAST_BYTES = 3 << 20


class Reserve:
    """A file that holds space, for whoever removes it."""

    def __init__(self, database: Path) -> None:
        """Set the database's file, without making the reserve yet."""
        self._path = database.with_name(f"{database.name}-reserve")
        self._least_bytes = _LEAST_BYTES

    def hold(self, num_bytes: int = 0) -> None:
        """Make sure that space is held to delete a correction of this size; the file only grows.

        Raises:
            OSError: there isn't as much.
        """
        # A tenth more: pages have headers, in the database and in its log.
        wanted = max(self._least_bytes, _LEAST_BYTES + num_bytes + num_bytes // 10)
        with self._path.open("ab") as file:
            held = file.tell()
            if held >= wanted:
                return
            try:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), held, wanted - held)
                else:
                    file.write(bytes(wanted - held))
            except OSError:
                file.truncate(held)
                raise

    def release(self) -> None:
        """Let go of the space; the next ``hold`` takes as much again."""
        with suppress(FileNotFoundError):
            self._least_bytes = self._path.stat().st_size
            self._path.unlink()
