import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from mnist_sources import TINY, TINY_SHAPES, Mirror
from short_trainings import RECIPES, SEED, Stop, stopper

from inkread.training import mnist
from inkread.training.mnist import IdxFile, Split
from inkread.training.train import train


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


@pytest.fixture(scope="session")
def tiny(small_mnist):
    """A hundred images, and none to test on: training must not touch those."""
    return dataclasses.replace(
        small_mnist,
        train=Split(small_mnist.train.images[:100], small_mnist.train.labels[:100]),
        validation=Split(small_mnist.validation.images[:60], small_mnist.validation.labels[:60]),
        test=None,
    )


@pytest.fixture(scope="session")
def unbroken(tiny, tmp_path_factory):
    """An unbroken run of each network; don't write to their folders."""
    root = tmp_path_factory.mktemp("unbroken")
    return {name: train(recipe, tiny, root / name, seed=SEED) for name, recipe in RECIPES.items()}


@pytest.fixture(scope="session")
def interrupted(tiny, tmp_path_factory):
    """The folders of runs of the same recipes that were stopped in their third epoch."""
    root = tmp_path_factory.mktemp("interrupted")
    for name, recipe in RECIPES.items():
        with pytest.raises(Stop):
            train(recipe, tiny, root / name, seed=SEED, on_step=stopper(3, 2))
    return {name: root / name for name in RECIPES}
