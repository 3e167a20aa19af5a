"""Upgrades the database's schema with Alembic; the migrations are in ``migrations/``."""

from importlib import resources

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from inkread.corrections.database import translate_errors
from inkread.errors import StoreError

__all__ = ["upgrade"]

_ADVISORY_LOCK_KEY = 0x696E6B72656164  # "inkread" in ASCII


def upgrade(engine: Engine) -> None:
    """Upgrade the schema to the latest version, in one transaction, one process at a time.

    Raises:
        StoreError: the schema is newer than this program, or the database can't be used.
    """
    name = engine.url.render_as_string(hide_password=True)
    config = Config()
    config.set_main_option(
        "script_location", str(resources.files("inkread.corrections") / "migrations")
    )
    script = ScriptDirectory.from_config(config)
    with translate_errors(name):
        with engine.connect() as connection:
            if _is_current(connection, script, name):
                return
        # IMMEDIATE locks SQLite before the check, so that no two processes find it empty.
        with engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(
                    sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(_ADVISORY_LOCK_KEY))
                )
            if not _is_current(connection, script, name):
                config.attributes["connection"] = connection
                command.upgrade(config, "head")


def _is_current(connection: sqlalchemy.Connection, script: ScriptDirectory, name: str) -> bool:
    found = MigrationContext.configure(connection).get_current_heads()
    known = {revision.revision for revision in script.walk_revisions()}
    if newer := sorted(set(found) - known):
        raise StoreError(
            f"{name}: expected a schema among {sorted(known)}, received {', '.join(newer)}: "
            "a newer inkread has used it"
        )
    return set(found) == set(script.get_heads())
