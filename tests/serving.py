"""The real service in a process of its own, for tests."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

import pytest

__all__ = ["Served"]

START_S, STOP_S = 300, 60
PATIENT = ("--port", "0", "--timeout", "300")  # a busy machine is no failure


class Served:
    """A running service: ``with Served("--queue", "2") as served: served.url``.

    Another command that serves is given as ``command``, a program to run it by as ``under``.
    A variable of the environment that is None is unset.

    Attributes:
        url: where it listens.
        log: the lines of its log, parsed.
    """

    def __init__(self, *options, command=("serve", *PATIENT), environment=None, under=()):
        variables = {**os.environ, "INKREAD_MODELS": "/nonexistent", **(environment or {})}
        self.process = subprocess.Popen(
            [*under, sys.executable, "-m", "inkread", *command, *map(str, options)],
            stderr=subprocess.PIPE,
            env={name: value for name, value in variables.items() if value is not None},
            text=True,
        )
        self.lines = deque()
        self._listening = threading.Event()
        self._drain = threading.Thread(target=self._read, daemon=True)
        self._drain.start()
        if not (self._listening.wait(START_S) and self.log):
            self.stop(signal.SIGKILL)
            raise AssertionError(f"the service did not start: {list(self.lines)}")
        self.url = self.log[0]["url"]

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            self._listening.set()
        self._listening.set()

    @property
    def log(self):
        return [json.loads(line) for line in list(self.lines) if line.startswith("{")]

    def logged(self, request_id):
        """What is logged of one request, once it is."""
        for _ in range(200):
            found = [line for line in self.log if line.get("request_id") == request_id]
            if found:
                return found[0]
            threading.Event().wait(0.02)
        raise AssertionError(f"nothing is logged of {request_id}")

    @property
    def peak_bytes(self):
        """The most memory that the process had so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(STOP_S)
        self._drain.join(STOP_S)
        self.process.stderr.close()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """A service that stores corrections with their pictures; the tests of a module share it."""
    database = tmp_path_factory.mktemp("corrections") / "corrections.db"
    with Served("--corrections", database, "--keep", "picture") as service:
        yield service
