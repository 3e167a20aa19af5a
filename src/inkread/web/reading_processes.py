"""Processes that decode and read what requests bring: killable, with limits of memory and time.

A picture can make a library of others take all memory, never end, or crash. In a process of its own
that costs one request: the process is killed when its time is up, and another one takes its place.
"""

import contextlib
import multiprocessing
import queue
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from inkread.batch.allocator import READING_BYTES, keep_freed_memory
from inkread.batch.process_limits import limit_memory
from inkread.errors import InkreadError
from inkread.models.registry import Registry
from inkread.web.live_reader import LiveReader
from inkread.web.middleware.problems import ProblemError
from inkread.web.pool import WorkTimeoutError

__all__ = ["ProcessOptions", "ReadingProcesses"]

T = TypeVar("T")

_START_S = 120.0  # in which a process must have loaded its models
_STOP_S = 5.0
_WARM_UP = np.pad(np.zeros((30, 4), np.uint8), 20, constant_values=255)  # a 1


@dataclass(frozen=True)
class ProcessOptions:
    """What a process reads with.

    Attributes:
        models: the folder of promoted models.
        model: used while none is promoted.
        max_bytes: memory that it may take besides that of its models.
    """

    models: Path
    model: str
    max_bytes: int


class ReadingProcesses:
    """A fixed number of processes, each of which does one piece of work at a time.

    Threads may share it. The processes start with the first work, or with ``start``.
    """

    def __init__(self, count: int, options: ProcessOptions) -> None:
        """Set the number of processes, without starting any."""
        self._count, self._options = count, options
        self._idle: queue.Queue[_Process] = queue.Queue()
        self._lock = threading.Lock()
        self._all: set[_Process] = set()
        self._is_closed = False

    @property
    def num_ready(self) -> int:
        """How many have loaded their models: those that work, and those that wait for work."""
        return sum(each.is_ready for each in list(self._all))

    def start(self) -> None:
        """Start those that aren't there, and wait until one is ready.

        Raises:
            WorkTimeoutError: none is, in two minutes.
        """
        self._fill()
        self._idle.put(self._take(time.monotonic() + _START_S))

    def call(
        self, work: Callable[..., T], *arguments: object, with_reader: bool, deadline: float
    ) -> T:
        """Do work in a process.

        Args:
            work: a function of a module.
            arguments: to call it with; they and the result must be picklable.
            with_reader: whether the process' reader comes first.
            deadline: of ``time.monotonic``.

        Raises:
            WorkTimeoutError: it was not done by then; its process was killed.
            ProblemError: raised by the work, or its process crashed or took too much memory.
            InkreadError: raised by the work.
        """
        self._fill()
        process = self._take(deadline)
        try:
            found, value = process.ask((work, arguments, with_reader), deadline)
        except (EOFError, OSError):
            self._replace(process)
            how = process.describe_end()
            detail = f"the process that read it {how}: it is broken, or takes too much memory"
            raise ProblemError(422, "picture", detail) from None
        except BaseException:
            self._replace(process)
            raise
        self._idle.put(process)
        if found == "result":
            result: T = value
            return result
        if found == "problem":
            status, kind, detail, headers, more = value
            raise ProblemError(status, kind, detail, headers, **more)
        if found == "memory":
            megabytes = self._options.max_bytes / 1e6
            detail = f"expected what can be read with {megabytes:,.0f} MB of memory"
            raise ProblemError(413, "too-large", detail)
        raise value

    def close(self) -> None:
        """End all processes, even while they work."""
        with self._lock:
            self._is_closed = True
            processes, self._all = self._all, set()
        for process in processes:
            process.stop()

    def _take(self, deadline: float) -> "_Process":
        try:
            return self._idle.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise WorkTimeoutError from None

    def _fill(self) -> None:
        """Start as many processes as are missing; each comes to the idle ones when it is ready."""
        while True:
            with self._lock:
                if self._is_closed or len(self._all) >= self._count:
                    return
                process = _Process(self._options)
                self._all.add(process)
            threading.Thread(target=self._await, args=(process,), daemon=True).start()

    def _await(self, process: "_Process") -> None:
        try:
            process.wait_until_ready()
        except (EOFError, OSError, WorkTimeoutError):
            with self._lock:
                self._all.discard(process)
            process.stop()
        else:
            self._idle.put(process)

    def _replace(self, process: "_Process") -> None:
        process.stop()
        with self._lock:
            self._all.discard(process)
        self._fill()


class _Process:
    """A process with a pipe."""

    def __init__(self, options: ProcessOptions) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, options), daemon=True)
        self.process.start()
        other.close()
        self.is_ready = False

    def wait_until_ready(self) -> None:
        if not self.connection.poll(_START_S):
            raise WorkTimeoutError
        self.connection.recv()
        self.is_ready = True

    def ask(self, question: object, deadline: float) -> tuple[str, Any]:
        self.connection.send(question)
        if not self.connection.poll(max(0.0, deadline - time.monotonic())):
            raise WorkTimeoutError
        answer: tuple[str, Any] = self.connection.recv()
        return answer

    def describe_end(self) -> str:
        code = self.process.exitcode or 0
        return f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

    def stop(self) -> None:
        self.is_ready = False
        self.process.kill()
        self.process.join(_STOP_S)
        self.connection.close()


def _work(connection: Connection, options: ProcessOptions) -> None:
    """Answer what is asked until the pipe is closed; runs in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service ends its processes itself
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    warnings.simplefilter("ignore")  # what is wrong with a picture is answered
    cv2.setNumThreads(1)
    keep_freed_memory(READING_BYTES)
    live = LiveReader(Registry(options.models), options.model, threads=1)
    live.reader().read(_WARM_UP)  # loads what is loaded when it is first needed
    limit_memory(options.max_bytes)
    with contextlib.suppress(EOFError, OSError):
        connection.send(None)
        while True:
            work, arguments, with_reader = connection.recv()
            answer = _answer(live, work, arguments, with_reader)
            try:
                connection.send(answer)
            except (MemoryError, ValueError):  # too large for a pipe
                connection.send(("memory", None))


def _answer(
    live: LiveReader, work: Callable[..., object], arguments: tuple[object, ...], with_reader: bool
) -> tuple[str, object]:
    try:
        return "result", work(*((live.reader(),) if with_reader else ()), *arguments)
    except ProblemError as error:
        problem = (error.status_code, error.kind, error.detail, error.headers, error.more)
        return "problem", problem
    except MemoryError:
        return "memory", None
    except InkreadError as error:
        is_memory = isinstance(error.__cause__, MemoryError)
        return ("memory", None) if is_memory else ("error", type(error)(str(error)))
    except Exception as error:  # noqa: BLE001 - the service logs it, and answers with 500
        if any(words in str(error) for words in ("nsufficient memory", "bad_alloc", "bad alloc")):
            return "memory", None
        return "error", RuntimeError(traceback.format_exc())
