"""Stores the corrections that people make in a database: SQLite or PostgreSQL.

When ``Store.add`` and ``Store.judge`` return, the change is committed: it survives a killed
process, and a power failure as far as the disks keep what they have confirmed.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import sqlalchemy
from sqlalchemy import DateTime, Double, LargeBinary, String, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from inkread.corrections import schema
from inkread.corrections.correction import (
    MAX_LABEL_LENGTH,
    MAX_NAME_LENGTH,
    Correction,
    Cursor,
    check_label,
)
from inkread.corrections.database import DiskFullError, connect, translate_errors
from inkread.corrections.reserve import Reserve
from inkread.errors import ConfigError, DataError, StoreError

__all__ = ["Keep", "Store"]

_MAX_BOX_LENGTH = 40
_MAX_ID = 2**31 - 1
_MAX_LIST_LENGTH = 1_000
_EXPORT_BATCH_SIZE = 200

Keep = Literal["glyph", "picture"]


class _Base(DeclarativeBase):
    pass


class _Row(_Base):
    """A row of the table of corrections, which ``migrations`` create."""

    __tablename__ = "corrections"

    id: Mapped[int] = mapped_column(primary_key=True)
    content_sha256: Mapped[str] = mapped_column(String(64))
    person: Mapped[str] = mapped_column(String(64))
    glyph: Mapped[bytes] = mapped_column(LargeBinary)
    picture: Mapped[bytes | None] = mapped_column(LargeBinary)
    read: Mapped[str] = mapped_column(String(MAX_LABEL_LENGTH))
    confidence: Mapped[float] = mapped_column(Double)
    model: Mapped[str] = mapped_column(String(MAX_NAME_LENGTH))
    model_sha256: Mapped[str] = mapped_column(String(64))
    label: Mapped[str | None] = mapped_column(String(MAX_LABEL_LENGTH))
    created: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    box: Mapped[str | None] = mapped_column(String(_MAX_BOX_LENGTH))
    strip: Mapped[bytes | None] = mapped_column(LargeBinary)


class Store:
    """A database of corrections. Its methods block; threads may share it.

    Several processes may use and open one database at the same time; the first one upgrades its
    schema.

    Attributes:
        keep: ``"glyph"``: pictures are dropped before they are written; ``"picture"``: they are
            kept beside the glyph.
        name: the database's URL without its password, for messages.
    """

    def __init__(self, url: str, keep: Keep = "glyph", *, timeout_s: float = 5.0) -> None:
        """Open a database, create it if it isn't there, and upgrade its schema.

        Args:
            url: ``sqlite:///FILE`` or ``postgresql://USER:PASSWORD@HOST/DATABASE``; a path without
                a scheme is an SQLite file.
            keep: whether pictures are kept, or only glyphs.
            timeout_s: seconds to wait for a connection, or for a lock that another one holds.

        Raises:
            ConfigError: the URL or ``keep`` is invalid, or psycopg isn't installed for PostgreSQL.
            StoreError: the database can't be reached, is locked, full or broken, or its schema is
                newer than this program.
        """
        if keep not in get_args(Keep):
            raise ConfigError(f"expected keep to be glyph or picture, received {keep!r}")
        self.keep = keep
        self._engine = connect(url, timeout_s)
        self.name = self._engine.url.render_as_string(hide_password=True)
        self._reserve = (
            None if self._is_postgresql else Reserve(Path(self._engine.url.database or ""))
        )
        try:
            self._open()
        except StoreError:
            self.close()
            raise

    def _open(self) -> None:
        try:
            schema.upgrade(self._engine)
        except DiskFullError:
            if self._reserve is None:
                raise
            self._reserve.release()  # a new process needs a little to open the database
            schema.upgrade(self._engine)
        self._hold_space_if_any()

    def close(self) -> None:
        """Close the connections that no thread is using."""
        self._engine.dispose()

    def add(self, correction: Correction) -> int:
        """Write a correction, commit it, and return its id.

        It replaces the same person's correction of the same content; if it has no label, the stored
        label is kept.

        Raises:
            StoreError: as for opening; nothing is written then.
        """
        values = _to_values(correction)
        if self.keep == "glyph":
            values["picture"] = values["box"] = None
        insert: Any = postgresql.insert if self._is_postgresql else sqlite.insert
        statement = insert(_Row).values(values)
        replaced = {name: statement.excluded[name] for name in values}
        replaced["label"] = func.coalesce(statement.excluded.label, _Row.label)
        statement = statement.on_conflict_do_update(
            index_elements=["person", "content_sha256"], set_=replaced
        ).returning(_Row.id)
        if self._reserve:
            with translate_errors(self.name):
                self._reserve.hold(len(values["picture"] or b""))
        with self._session() as session:
            return int(session.execute(statement).scalar_one())

    def judge(self, number: int, label: str | None) -> Correction | None:
        """Set the label of a correction, commit it, and return the correction.

        Args:
            number: the id.
            label: as in ``Correction``; ``None``: it waits for review again.

        Returns:
            The changed correction; ``None`` if there is none with this id.

        Raises:
            DataError: the label is invalid.
            StoreError: as for opening; nothing is written then.
        """
        if label is not None:
            check_label(label)
        with self._session() as session:
            row = session.execute(
                sqlalchemy.update(_Row)
                .where(_Row.id == min(number, _MAX_ID))
                .values(label=label)
                .returning(_Row)
            ).scalar_one_or_none()
            return _to_correction(row) if row else None

    def get(self, number: int) -> Correction | None:
        """Return the correction with this id; ``None`` if there is none.

        Raises:
            StoreError: as for opening.
        """
        with self._session() as session:
            row = session.get(_Row, number) if 0 < number <= _MAX_ID else None
            return _to_correction(row) if row else None

    def list_doubtful(
        self, limit: int = 50, *, after: Cursor | None = None, judged: bool | None = None
    ) -> list[Correction]:
        """List a page of corrections, the least confident reading first.

        Args:
            limit: number of corrections at most, from 1 to 1,000.
            after: the ``cursor`` of the last one of the page before; ``None``: the first page.
            judged: only those with a label, or only those without; ``None``: both.

        Raises:
            DataError: the limit or the cursor is invalid.
            StoreError: as for opening.
        """
        if not 0 < limit <= _MAX_LIST_LENGTH:
            raise DataError(f"expected a limit from 1 to {_MAX_LIST_LENGTH}, received {limit}")
        if after and not (0 <= after.confidence <= 1 and 0 < after.id <= _MAX_ID):
            raise DataError(f"expected a cursor of a correction, received {after}")
        place = (_Row.confidence, _Row.id)
        query = _filter_judged(select(_Row), judged).order_by(*place).limit(limit)
        if after:
            query = query.where(tuple_(*place) > tuple_(*after))
        with self._session() as session:
            return [_to_correction(row) for row in session.scalars(query)]

    def export(self, *, judged: bool | None = None) -> Iterator[Correction]:
        """Yield all corrections by ascending id; no transaction stays open in between.

        Args:
            judged: as for ``list_doubtful``.

        Raises:
            StoreError: as for opening.
        """
        query = _filter_judged(select(_Row), judged).order_by(_Row.id).limit(_EXPORT_BATCH_SIZE)
        last = 0
        while True:
            with self._session() as session:
                batch = [
                    _to_correction(row) for row in session.scalars(query.where(_Row.id > last))
                ]
            yield from batch
            if len(batch) < _EXPORT_BATCH_SIZE:
                return
            last = batch[-1].id

    def count(self, *, judged: bool | None = None) -> int:
        """Count the corrections.

        Args:
            judged: as for ``list_doubtful``.

        Raises:
            StoreError: as for opening.
        """
        with self._session() as session:
            counted = session.scalar(_filter_judged(select(func.count()).select_from(_Row), judged))
            return counted or 0

    def delete(self, *, number: int | None = None, person: str | None = None) -> int:
        """Delete corrections irrecoverably: by id, by person, or all if neither is given.

        On a full disk an SQLite file's are deleted one by one, in the space that is held for that.

        Args:
            number: the id.
            person: a hash from ``hash_token``.

        Returns:
            The number of deleted corrections.

        Raises:
            StoreError: as for opening; nothing is deleted then, or some of those on a full disk.
        """
        query = sqlalchemy.delete(_Row)
        if number is not None:
            query = query.where(_Row.id == min(number, _MAX_ID))
        if person is not None:
            query = query.where(_Row.person == person)
        num_deleted = 0
        try:
            num_deleted = self._delete(query)
            self._empty_log()
        except DiskFullError:
            if self._reserve is None:
                raise
            self._reserve.release()
            self._empty_log()
            first = query.where(_Row.id.in_(_select_first(query)))
            while deleted := self._delete(first):
                num_deleted += deleted
                self._empty_log()
            self._hold_space_if_any()
        return num_deleted

    def _delete(self, query: sqlalchemy.Delete) -> int:
        with self._session() as session:
            return len(session.execute(query.returning(_Row.id)).all())

    def _empty_log(self) -> None:
        """Empty SQLite's write-ahead log, in which what was deleted would stay for a while."""
        if not self._is_postgresql:
            with translate_errors(self.name), self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _hold_space_if_any(self) -> None:
        if self._reserve:
            with suppress(OSError):  # later ones may be refused; those that are there stay usable
                self._reserve.hold()

    @property
    def _is_postgresql(self) -> bool:
        return self._engine.dialect.name == "postgresql"

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with translate_errors(self.name), Session(self._engine) as session, session.begin():
            yield session


def _select_first(query: sqlalchemy.Delete) -> sqlalchemy.Select[int]:
    """Select the first row that a deletion is of."""
    found = select(func.min(_Row.id))
    return found if query.whereclause is None else found.where(query.whereclause)


def _filter_judged(query: Any, judged: bool | None) -> Any:  # noqa: ANN401 - any kind of select
    if judged is None:
        return query
    return query.where(_Row.label.is_not(None) if judged else _Row.label.is_(None))


_STORED_FIELDS = (
    *("person", "glyph", "picture", "read", "confidence", "model", "model_sha256", "label"),
    *("created", "content_sha256", "box", "strip"),
)


def _to_values(correction: Correction) -> dict[str, Any]:
    values = {name: getattr(correction, name) for name in _STORED_FIELDS}
    box = ",".join(map(str, correction.box)) if correction.box else None
    return {**values, "created": correction.created.astimezone(UTC), "box": box}


def _to_correction(row: _Row) -> Correction:
    values = {
        name: getattr(row, name) for name in ("id", *_STORED_FIELDS) if name != "content_sha256"
    }
    # SQLite stores no time zone; times are written in UTC.
    created = row.created.replace(tzinfo=row.created.tzinfo or UTC).astimezone(UTC)
    box = tuple(map(int, row.box.split(","))) if row.box else None
    return Correction(**{**values, "created": created, "box": box})
