"""Connects to SQLite and PostgreSQL, and translates their errors to ``StoreError``."""

import errno
import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from inkread.errors import ConfigError, StoreError

__all__ = ["DiskFullError", "connect", "translate_errors"]

_FULL = "the disk is full"
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_REASONS = {  # keys: SQLite's primary result codes, PostgreSQL's SQLSTATE or its class
    "SQLITE_FULL": _FULL,
    "SQLITE_IOERR_WRITE": _FULL,  # or the user's part of it is
    "SQLITE_IOERR_SHMSIZE": _FULL,
    "SQLITE_BUSY": "it is locked by another process",
    "SQLITE_LOCKED": "it is locked by another process",
    "SQLITE_CANTOPEN": "the file can't be opened",
    "SQLITE_READONLY": "it may not be written",
    "SQLITE_PERM": "it may not be opened",
    "SQLITE_CORRUPT": "the file is broken",
    "SQLITE_NOTADB": "the file is no SQLite database",
    "SQLITE_IOERR": "the disk can't be read or written",
    "53100": _FULL,
    "55P03": "it is locked by another connection",
    "40P01": "it is locked by another connection",
    "42501": "the user may not do that",
    "53": "it has too much to do",
    "57": "it is shutting down",
    "08": "it can't be reached",
}


class DiskFullError(StoreError):
    """A disk without space for a change of the database."""


def connect(url: str, timeout_s: float) -> Engine:
    """Return a pool of connections to a database; it connects at the first use.

    Args:
        url: as for ``Store``.
        timeout_s: seconds to wait for a connection, or for a lock that another one holds.

    Raises:
        ConfigError: the URL is invalid, or PostgreSQL's driver psycopg isn't installed.
        StoreError: the folder of an SQLite file can't be made.
    """
    if timeout_s <= 0:
        raise ConfigError(f"expected a timeout above 0 s, received {timeout_s}")
    parsed = _parse_url(url)
    common: dict[str, Any] = {"pool_timeout": timeout_s, "pool_size": 8, "max_overflow": 8}
    if parsed.drivername == "sqlite":
        path = Path(parsed.database or "")
        with translate_errors(str(parsed)):
            path.parent.mkdir(parents=True, exist_ok=True)
        engine = sqlalchemy.create_engine(parsed, connect_args={"timeout": timeout_s}, **common)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = {
        "connect_timeout": max(2, math.ceil(timeout_s)),  # libpq's minimum is 2 s
        "options": f"-c lock_timeout={round(timeout_s * 1000)} -c timezone=UTC",
    }
    try:
        engine = sqlalchemy.create_engine(
            parsed, connect_args=options, pool_pre_ping=True, **common
        )
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"PostgreSQL needs {error.name}: pip install 'inkread[postgresql]'"
        ) from error
    event.listen(engine, "connect", _set_up_postgresql)
    return engine


def _parse_url(url: str) -> URL:
    expected = "expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
    if "://" not in url:
        if not url or url == ":memory:":
            raise ConfigError(f"{expected}, received {url!r}")
        return URL.create("sqlite", database=url)
    try:
        parsed = sqlalchemy.make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(
            f"{expected}, received something else"
        ) from error  # it may hold a password
    driver = _DRIVERS.get(parsed.drivername)
    is_file = bool(parsed.database) and parsed.database != ":memory:"
    if driver is None or (driver == "sqlite" and not is_file):
        raise ConfigError(f"{expected}, received {parsed.render_as_string(hide_password=True)}")
    return parsed.set(drivername=driver)


def _set_up_sqlite(connection: sqlite3.Connection, _: object) -> None:
    """Set the options that SQLite keeps per connection."""
    # Disables the implicit transactions of Python's module; ``_begin_sqlite`` begins them.
    connection.isolation_level = None
    give_up = time.monotonic() + connection.execute("PRAGMA busy_timeout").fetchone()[0] / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            # SQLite's busy timeout doesn't cover another process that switches the same new file.
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
    connection.execute(
        "PRAGMA synchronous=FULL"
    )  # with WAL's default, a power failure loses commits
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute("PRAGMA wal_autocheckpoint=256")  # pages: the log has 1 MiB, not 4


def _begin_sqlite(connection: sqlalchemy.Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


def _set_up_postgresql(connection: Any, _: object) -> None:  # noqa: ANN401 - psycopg's, optional
    """Make commits durable even where the server's default is otherwise."""
    connection.autocommit = True
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )
    connection.autocommit = False


@contextmanager
def translate_errors(name: str) -> Iterator[None]:
    """Translate the errors of SQLAlchemy and the operating system to ``StoreError``.

    Args:
        name: name of the database for the message, without a password.

    Raises:
        StoreError: in place of any of those errors.
    """
    try:
        yield
    except DBAPIError as error:
        reason = _describe_reason(error.orig)
        kind = DiskFullError if reason == _FULL else StoreError
        raise kind(f"{name}: {reason}: {_first_line(error.orig)}") from error
    except (SQLAlchemyError, OSError) as error:
        if isinstance(error, OSError) and error.errno in _NO_SPACE:
            raise DiskFullError(f"{name}: {_FULL}: {_first_line(error)}") from error
        raise StoreError(f"{name}: it can't be reached: {_first_line(error)}") from error


def _describe_reason(error: BaseException | None) -> str:
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorname", "")
        return next((_REASONS[name] for name in _REASONS if code.startswith(name)), "it failed")
    code = (
        getattr(error, "sqlstate", None) or "08"
    )  # without an answer of the server there is no code
    return _REASONS.get(code) or _REASONS.get(code[:2]) or "it failed"


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().partition("\n")[0]
