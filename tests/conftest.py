import os

# Before TensorFlow is imported: its start-up notices are not for test output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import dataclasses
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest

from inkread.reader import Reader
from inkread.training import mnist
from inkread.training.mnist import Mnist, Split
from inkread.training.recipes import recipe_named
from inkread.training.train import Run, train

pytest_plugins = ["serving", "browsing", "drawing_pad"]


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
def probabilities(reader: Reader, full_mnist: Mnist) -> np.ndarray:
    """(10,000, 10) float32: the shipped model's, of all test images."""
    return reader.classify(full_mnist.test.images)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that runs for the tests, without a database's name."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    on_path = shutil.which("initdb")
    if not (found or on_path):
        pytest.fail("expected PostgreSQL's programs: install Debian's package postgresql")
    programs = found[-1] if found else Path(on_path).parent
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    as_user = ["runuser", "-u", user, "--"] if user else []
    port = _free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if user:
            shutil.chown(folder, user)
        control = [*as_user, str(programs / "pg_ctl"), "--pgdata", str(folder / "data")]
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={name}"

        def call(*arguments: str) -> None:
            # To a file: a server that was started keeps what it inherits open, a pipe as well.
            with (folder / "errors").open("w") as errors:
                done = subprocess.run(
                    [*control, *arguments],
                    cwd=folder,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    check=False,
                )
            if done.returncode:
                log = folder / "log"
                told = (folder / "errors").read_text() + (log.read_text() if log.exists() else "")
                pytest.fail(f"pg_ctl {' '.join(arguments)} failed: {told}")

        call("initdb", "--options", "--username=inkread --auth=trust --encoding=UTF8 --no-sync")
        call("start", "--wait", "--timeout=300", "--log", str(folder / "log"), "--options", options)
        try:
            yield f"postgresql://inkread@127.0.0.1:{port}"
        finally:
            call("stop", "--wait", "--mode", "immediate")


@pytest.fixture
def postgresql_url(postgresql_server: str) -> str:
    """The URL of an empty PostgreSQL database."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(f"{postgresql_server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{postgresql_server}/{name}"


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    return _free_port()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
