"""Checks what a command was given before any work; what is wrong is wrong usage: exit code 2."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from inkread import files
from inkread.cli import progress
from inkread.errors import ConfigError

__all__ = ["check_file", "check_folder", "wrong_usage"]


@contextmanager
def wrong_usage() -> Iterator[None]:
    """Report a ``ConfigError`` as wrong usage: a context manager around checks of options."""
    try:
        yield
    except ConfigError as error:
        progress.print_error(str(error))
        raise typer.Exit(2) from error


def check_file(path: Path | None, suffixes: Sequence[str] = ()) -> None:
    """Check that a file could be written to a path, if there is one; see ``files.check_target``."""
    with wrong_usage():
        if path:
            files.check_target(path, suffixes)


def check_folder(path: Path | None) -> None:
    """Check that a path could be a folder, if there is one; see ``files.check_folder``."""
    with wrong_usage():
        if path:
            files.check_folder(path)
