"""Run the service in its own process, for other benchmarks."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

__all__ = ["Served", "run_service"]


class Served(NamedTuple):
    """A running service.

    Attributes:
        url: its base URL.
        pid: its process id.
    """

    url: str
    pid: int


@contextmanager
def run_service(*options: str) -> Iterator[Served]:
    """Run ``inkread serve`` on a free port for the duration of the block; its log is discarded."""
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
