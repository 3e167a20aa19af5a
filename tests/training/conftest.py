import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from mnist_sources import TINY, TINY_SHAPES, Mirror

from inkread.training import mnist
from inkread.training.mnist import IdxFile


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
