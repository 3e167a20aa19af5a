"""Run the service in its own process, for other benchmarks."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

__all__ = ["Served", "served"]


class Served(NamedTuple):
    """A running service.

    Attributes:
        url: where it listens.
        pid: of its process.
    """

    url: str
    pid: int


@contextmanager
def served(*options: str) -> Iterator[Served]:
    """Run ``inkread serve`` on a free port until the block ends; its log goes nowhere."""
    command = [sys.executable, "-m", "inkread", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            url = json.loads(process.stderr.readline())["url"]
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield Served(url, process.pid)
        finally:
            process.terminate()
            process.wait(60)
