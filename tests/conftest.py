import os

# Before TensorFlow is imported: its start-up notices are not for test output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
from serving import Served

from inkread.reader import Reader
from inkread.training import mnist
from inkread.training.mnist import Mnist, Split
from inkread.training.recipes import recipe_named
from inkread.training.train import Run, train


@pytest.fixture(scope="session")
def full_mnist() -> Mnist:
    return mnist.load()


@pytest.fixture(scope="session")
def small_mnist(full_mnist: Mnist) -> Mnist:
    """The first images of each split: enough to run every step of a training in a second."""

    def first(split: Split, count: int) -> Split:
        return Split(split.images[:count], split.labels[:count])

    return dataclasses.replace(
        full_mnist,
        train=first(full_mnist.train, 640),
        validation=first(full_mnist.validation, 300),
        test=first(full_mnist.test, 300),
    )


@pytest.fixture(scope="session")
def small_run(small_mnist: Mnist, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of the quick recipe on ``small_mnist``, shortened; don't write to it."""
    recipe = dataclasses.replace(recipe_named("quick"), epochs=2, batch_size=64)
    return train(recipe, small_mnist, tmp_path_factory.mktemp("runs") / "small", seed=3)


@pytest.fixture(scope="session")
def reader() -> Reader:
    """The shipped model's reader."""
    return Reader()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service that stores corrections with their pictures; the tests of a module share it."""
    database = tmp_path_factory.mktemp("corrections") / "corrections.db"
    with Served("--corrections", database, "--keep", "picture") as service:
        yield service


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
