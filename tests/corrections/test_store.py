import contextlib
import dataclasses
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import Engine

from inkread.corrections import store as stores
from inkread.corrections.correction import NOT_A_DIGIT, Correction, Cursor, hash_token
from inkread.corrections.store import Store
from inkread.errors import ConfigError, DataError, StoreError

ROOT = Path(__file__).parents[2]
PNG = b"\x89PNG\r\n\x1a\n and so on"
ANNE, BEN = hash_token("anne's token"), hash_token("ben's token")


def correction(number=0, **changes):
    """A correction; its glyph says its number."""
    values = {
        "glyph": bytes([number, 255, 0, 7] * 196),
        "read": "7",
        "confidence": 0.625,
        "model": "glyph-cascade",
        "model_sha256": "ab" * 32,
        "label": "1",
        "picture": PNG,
        "person": ANNE,
        "created": datetime(2026, 3, 1, 12, 30, 15, 250_000, UTC),
    }
    return Correction(**{**values, **changes})


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'corrections.db'}"
    return request.getfixturevalue("postgresql_url")


@pytest.fixture
def store(url):
    with contextlib.closing(Store(url)) as opened:
        yield opened


def raw(url):
    """A connection that knows nothing of inkread, to PostgreSQL or SQLite."""
    return psycopg.connect(url) if url.startswith("postgresql") else sqlite3.connect(url[10:])


def test_what_was_added_is_there(store):
    added = correction()
    number = store.add(added)
    assert store.get(number) == dataclasses.replace(added, id=number, picture=None)
    assert store.count() == 1
    assert store.get(number).pixels.shape == (28, 28)
    assert store.get(number).pixels[0, :4].tolist() == [0, 255, 0, 7]


def test_a_picture_is_kept_only_if_configured(url):
    with contextlib.closing(Store(url, keep="picture")) as store:
        assert store.get(store.add(correction())).picture == PNG
        assert store.get(store.add(correction(1, picture=None))).picture is None
    with contextlib.closing(Store(url, keep="glyph")) as store:
        assert store.get(store.add(correction(2))).picture is None


def test_times_come_back_in_utc(store):
    there = timezone(timedelta(hours=5, minutes=30))
    found = store.get(store.add(correction(created=datetime(2026, 1, 1, 3, 0, tzinfo=there))))
    assert found.created == datetime(2025, 12, 31, 21, 30, tzinfo=UTC)
    assert found.created.utcoffset() == timedelta(0)


def test_a_correction_is_made_now_if_not_said_otherwise():
    values = {name: getattr(correction(), name) for name in ("glyph", "read", "confidence")}
    before = datetime.now(UTC)
    made = Correction(**values, model="glyph-cascade", model_sha256="ab" * 32)
    assert before <= made.created <= datetime.now(UTC)


def test_what_is_not_there_is_not_found(store):
    store.add(correction())
    for number in (-1, 0, 99, 2**31, 2**80):
        assert store.get(number) is None
        assert store.judge(number, "3") is None
        assert store.delete(number=number) == 0
    assert store.count() == 1


def test_the_same_persons_correction_of_the_same_glyph_is_one_and_the_last_label_counts(store):
    first = store.add(correction(label="1"))
    assert store.add(correction(label="4", confidence=0.5)) == first
    assert store.count() == 1
    assert (store.get(first).label, store.get(first).confidence) == ("4", 0.5)
    assert store.add(correction(label=None)) == first
    assert store.get(first).label == "4"


def test_other_persons_and_other_glyphs_are_others(store):
    numbers = {store.add(correction()), store.add(correction(person=BEN)), store.add(correction(1))}
    numbers.add(store.add(correction(person="")))
    assert len(numbers) == store.count() == 4


def test_a_reading_waits_for_review_until_it_is_judged(store):
    number = store.add(correction(label=None))
    assert store.count(judged=False) == 1
    assert store.count(judged=True) == 0
    judged = store.judge(number, NOT_A_DIGIT)
    assert judged == store.get(number)
    assert judged.label == NOT_A_DIGIT
    assert (store.count(judged=False), store.count(judged=True)) == (0, 1)


@pytest.mark.parametrize("label", ["", "x", "1 ", "\u0664", "1" * 33, "NOT A DIGIT"])
def test_a_label_is_digits_or_no_digit(store, label):
    number = store.add(correction())
    with pytest.raises(DataError, match="expected a number or 'not a digit'"):
        store.judge(number, label)
    with pytest.raises(DataError, match="expected a number or 'not a digit'"):
        correction(label=label)
    assert store.get(number).label == "1"


def test_the_doubtful_come_first_page_by_page(store):
    confidences = [0.5, 0.25, 1.0, 0.1 + 0.2, 0.25, 0.0, 0.25, 0.75]
    for index, confidence in enumerate(confidences):
        label = None if index % 2 else "3"
        store.add(correction(index, confidence=confidence, label=label))
    expected = sorted(range(8), key=lambda index: (confidences[index], index))
    assert [each.glyph[0] for each in store.list_doubtful()] == expected
    found, after = [], None
    while page := store.list_doubtful(3, after=after):
        found += page
        after = page[-1].cursor
        store.add(correction(100 + len(found), confidence=0.0))  # behind us: not seen any more
    assert [each.glyph[0] for each in found] == expected
    unjudged = store.list_doubtful(judged=False)
    assert [each.glyph[0] for each in unjudged] == [index for index in expected if index % 2]


@pytest.mark.parametrize(
    ("limit", "after"),
    [(0, None), (1_001, None), (5, Cursor(float("nan"), 1)), (5, Cursor(0.5, 2**40))],
)
def test_a_page_that_cannot_be_is_refused(store, limit, after):
    with pytest.raises(DataError, match=r"expected a (limit|cursor)"):
        store.list_doubtful(limit, after=after)


def test_an_export_has_all_in_order_and_tolerates_writing_in_between(store, monkeypatch):
    monkeypatch.setattr(stores, "_EXPORT_BATCH_SIZE", 2)
    numbers = [store.add(correction(index)) for index in range(5)]
    found = []
    for each in store.export():
        found.append(each.id)
        store.delete(number=numbers[3])
    assert found == [numbers[0], numbers[1], numbers[2], numbers[4]]
    assert list(store.export(judged=False)) == []


def test_one_persons_are_deleted_or_all(store):
    for index in range(3):
        store.add(correction(index))
        last = store.add(correction(index, person=BEN))
    assert store.delete(person=hash_token("anne's token")) == 3
    assert {each.person for each in store.export()} == {BEN}
    assert store.delete(number=last, person=ANNE) == 0
    assert store.delete(number=last) == 1
    assert store.add(correction(9)) > last  # a number that was given away is not given again
    assert store.delete() == 3
    assert store.count() == 0


def test_a_deleted_glyph_is_gone_from_the_files(tmp_path):
    store = Store(str(tmp_path / "corrections.db"), keep="picture")
    secret = bytes(range(256)) * 3 + bytes(16)
    store.add(correction(glyph=secret, picture=PNG + secret))
    store.add(correction(1))
    store.delete(person=ANNE)
    for path in tmp_path.iterdir():
        assert secret[:64] not in path.read_bytes()


def test_a_store_opened_again_has_what_was_there(url):
    with contextlib.closing(Store(url)) as store:
        number = store.add(correction())
    with contextlib.closing(Store(url)) as store:
        assert store.get(number).label == "1"


def test_threads_share_a_store(store):
    def add(thread):
        numbers.extend(store.add(correction(8 * thread + index)) for index in range(8))

    numbers = []
    threads = [threading.Thread(target=add, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [each.id for each in store.export()]
    assert len(set(numbers)) == 64


def test_processes_that_open_a_new_database_at_once_all_can(url):
    program = (
        f"from inkread.corrections.store import Store; print(Store({url!r}, timeout_s=60).count())"
    )
    command = [sys.executable, "-c", program]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    assert [process.communicate()[0].strip() for process in started] == [b"0"] * 4


def test_a_database_of_the_first_schema_is_upgraded_with_its_corrections(url):
    with contextlib.closing(Store(url)) as store:
        number = store.add(correction())
    with contextlib.closing(raw(url)) as connection:
        connection.execute("ALTER TABLE corrections DROP COLUMN box")
        connection.execute("ALTER TABLE corrections DROP COLUMN strip")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
        connection.commit()
    with contextlib.closing(Store(url, "picture")) as store:
        assert store.get(number).label == "1"
        assert store.get(number).box is None
        number = store.add(correction(1, box=(3, 4, 50, 60), strip=PNG))
        assert store.get(number).box == (3, 4, 50, 60)
        assert store.get(number).strip == PNG
        assert store.judge(number, None).label is None


def test_a_newer_schema_is_refused(url):
    Store(url).close()
    with contextlib.closing(raw(url)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(
        StoreError, match=r"expected a schema among \['0001', '0002', '0003'\], received 9999"
    ):
        Store(url)


def test_a_locked_database_is_an_error(url):
    with contextlib.closing(Store(url, timeout_s=0.2)) as store:
        store.add(correction())
        with contextlib.closing(raw(url)) as other:
            is_sqlite = isinstance(other, sqlite3.Connection)
            other.execute("BEGIN IMMEDIATE" if is_sqlite else "LOCK TABLE corrections")
            with pytest.raises(StoreError, match="it is locked by another"):
                store.add(correction(1))
        assert store.count() == 1


def test_a_full_disk_is_an_error_and_what_was_there_stays(url):
    full = contextlib.ExitStack()
    if url.startswith("sqlite"):

        def limit(connection, _):
            connection.execute("PRAGMA max_page_count=12")

        event.listen(Engine, "connect", limit)
        full.callback(event.remove, Engine, "connect", limit)
    with full, contextlib.closing(Store(url)) as store:
        store.add(correction())
        if url.startswith("postgresql"):
            fill_up(url)
        with pytest.raises(StoreError, match="the disk is full"):
            add_many(store)
        assert store.get(1).glyph == correction().glyph


def add_many(store):
    for index in range(1, 100):
        store.add(correction(index))


def fill_up(url):
    """Let PostgreSQL refuse every row as it does when its disk is full."""
    with contextlib.closing(raw(url)) as connection:
        connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"
        )
        connection.execute(
            "CREATE TRIGGER full_disk BEFORE INSERT ON corrections EXECUTE FUNCTION refuse()"
        )
        connection.commit()


def test_an_unreachable_server_is_an_error_that_keeps_the_password(free_port):
    with pytest.raises(StoreError, match="it can't be reached") as caught:
        Store(f"postgresql://anne:secret@127.0.0.1:{free_port}/corrections")
    assert "secret" not in str(caught.value)


def test_a_database_that_is_not_there_is_an_error(postgresql_url):
    with pytest.raises(StoreError, match=r"it can't be reached: .* does not exist"):
        Store(postgresql_url + "_missing")


def test_a_server_that_was_started_again_is_reached_again(url):
    with contextlib.closing(Store(url)) as store:
        store.add(correction())
        if url.startswith("postgresql"):
            with contextlib.closing(raw(url)) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        assert store.count() == 1


def test_files_that_cannot_be_databases_are_errors(tmp_path):
    text = tmp_path / "text.db"
    text.write_text("not a database " * 100)
    with pytest.raises(StoreError, match="the file is no SQLite database"):
        Store(f"sqlite:///{text}")
    with pytest.raises(StoreError, match="it can't be reached"):
        Store(f"sqlite:///{text}/below.db")
    with pytest.raises(StoreError, match="the file can't be opened"):
        Store(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize(
    "url",
    ["", ":memory:", "sqlite://", "sqlite:///:memory:", "mysql://a:secret@b/c", "http://secret:x"],
)
def test_other_urls_are_refused(url):
    with pytest.raises(ConfigError, match="expected sqlite:///FILE or postgresql://") as caught:
        Store(url)
    assert "secret" not in str(caught.value)


def test_settings_that_cannot_be_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="expected keep to be glyph or picture, received 'all'"):
        Store(str(tmp_path / "a.db"), keep="all")
    with pytest.raises(ConfigError, match="expected a timeout above 0 s"):
        Store(str(tmp_path / "a.db"), timeout_s=0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"glyph": b"short"}, "a glyph of 784 bytes, received '5'"),
        ({"read": "<b>"}, "digits or \\? as read"),
        ({"confidence": 1.5}, "a confidence in"),
        ({"confidence": float("nan")}, "a confidence in"),
        ({"model": ""}, "a model's name"),
        ({"model_sha256": "AB" * 32}, "a SHA-256"),
        ({"picture": b"GIF89a"}, "a picture as PNG"),
        ({"person": "anne's token"}, "a person's hash from hash_token, received 'another text'"),
        ({"created": datetime(2026, 1, 1)}, "a time with its zone"),  # noqa: DTZ001 - on purpose
    ],
)
def test_what_no_correction_can_be_is_refused(changes, message):
    with pytest.raises(DataError, match=f"expected {message}"):
        correction(**changes)


def test_the_schema_is_what_the_program_expects(store, url):
    """A database made by the migrations takes and gives every column."""
    engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    columns = {each["name"] for each in sqlalchemy.inspect(engine).get_columns("corrections")}
    engine.dispose()
    fields = {field.name for field in dataclasses.fields(Correction)}
    assert columns == fields | {"content_sha256"}


def test_no_acknowledged_correction_is_lost_when_the_process_is_killed(url):
    command = [sys.executable, "benchmarks/durability.py", "--url", url, "--kills", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 of them missing" in done.stdout
