"""Corrections on a disk without space: none is added, and all can be deleted."""

import contextlib
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from inkread.corrections.correction import Correction
from inkread.corrections.reserve import Reserve
from inkread.corrections.store import Store
from inkread.errors import StoreError


def correction(index, picture=b""):
    return Correction(
        glyph=bytes([index]) * 784,
        read="7",
        confidence=0.5,
        model="m",
        model_sha256="0" * 64,
        label="1",
        picture=b"\x89PNG\r\n\x1a\n" + picture,
    )


@contextlib.contextmanager
def full_disk(database, *, even_log=False):
    """A disk that lets SQLite change one row at a time, where the reserve was released."""
    reserve = Path(f"{database}-reserve")

    def refuse(cursor, statement, parameters, context):
        is_small = "min(" in statement or (statement.startswith("PRAGMA") and not even_log)
        if statement.startswith(("DELETE", "PRAGMA")) and (reserve.exists() or not is_small):
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorname = "SQLITE_FULL"
            raise error

    event.listen(Engine, "do_execute", refuse)
    try:
        yield
    finally:
        event.remove(Engine, "do_execute", refuse)


@pytest.fixture
def database(tmp_path):
    return tmp_path / "corrections.db"


def test_corrections_are_deleted_on_a_full_disk(database):
    with contextlib.closing(Store(str(database))) as store:
        for index in range(5):
            store.add(correction(index))
        with full_disk(database):
            assert store.delete(number=2) == 1
            assert store.delete() == 4
        assert store.count() == 0
        assert Path(f"{database}-reserve").stat().st_size > 1_000_000


def test_without_any_space_it_is_an_error(database):
    with contextlib.closing(Store(str(database))) as store:
        store.add(correction(1))
        with full_disk(database, even_log=True), pytest.raises(StoreError, match="disk is full"):
            store.delete()
        assert store.count() == 1


def test_as_much_space_is_held_as_the_largest_picture_takes(database):
    with contextlib.closing(Store(str(database), keep="picture")) as store:
        least = Path(f"{database}-reserve").stat().st_size
        store.add(correction(1, picture=bytes(5_000_000)))
        held = Path(f"{database}-reserve").stat().st_size
        assert held - least >= 5_000_000
        with full_disk(database):
            assert store.delete() == 1
        assert Path(f"{database}-reserve").stat().st_size == held


def test_what_could_not_be_deleted_later_is_not_stored(database, monkeypatch):
    def refuse(self, num_bytes=0):
        raise OSError(28, "No space left on device")

    with contextlib.closing(Store(str(database))) as store:
        monkeypatch.setattr(Reserve, "hold", refuse)
        with pytest.raises(StoreError, match="the disk is full"):
            store.add(correction(1))
        assert store.count() == 0


def test_a_full_disk_keeps_nobody_from_opening(database, monkeypatch):
    with contextlib.closing(Store(str(database))) as store:
        store.add(correction(1))
    Path(f"{database}-reserve").unlink()

    def refuse(self, num_bytes=0):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Reserve, "hold", refuse)
    with contextlib.closing(Store(str(database))) as store:
        assert store.delete() == 1
