"""An ordered process pool: bounded read-ahead, crash isolation, constant memory."""

import contextlib
import multiprocessing
import os
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import Generic, TypeVar

from inkread.batch.allocator import READING_BYTES, keep_freed_memory
from inkread.batch.process_limits import ProcessLimits, limit_memory
from inkread.errors import InkreadError

__all__ = ["map_in_order", "num_cores"]

_MAX_AHEAD_PER_PROCESS = 16  # inputs read ahead of the one whose results are yielded next
_MAX_WAITING_RESULTS = 64  # of one input, until its turn comes; then its process has to wait
_TOO_LONG = getattr(signal, "SIGXCPU", None)  # the signal when the limit of time is exceeded
_STOP_TIMEOUT_S = 5.0  # until a process that doesn't end is killed

_Input = TypeVar("_Input")
_Result = TypeVar("_Result")
_Prepare = Callable[[], Callable[[_Input], Iterable[_Result]]]


def num_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux: a container may have fewer than the machine
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_in_order(
    prepare: _Prepare[_Input, _Result],
    inputs: Iterable[_Input],
    *,
    is_last: Callable[[_Result], bool],
    on_crash: Callable[[_Input, str], _Result],
    num_processes: int,
    limits: ProcessLimits | None = None,
) -> Generator[_Result, None, None]:
    """Apply a function to inputs in several processes, and yield its results in their order.

    A process that crashes loses only the input it was working on; a new one replaces it. Processes
    are spawned, because forked ones would inherit ONNX Runtime and OpenCV without their threads. So
    a script must call this under ``if __name__ == "__main__":``.

    Args:
        prepare: called once in each process; must be picklable. It returns the function that takes
            an input and returns its results.
        inputs: taken one by one, when a process is idle; must be picklable.
        is_last: whether a result is the last one of its input: a process that crashes after it
            has lost nothing.
        on_crash: returns the result for an input whose process crashed, from the input and the
            reason.
        num_processes: at least 1; with 1 and no limits, the function is called in this process.
        limits: of each process; one that exceeds them has crashed.

    Yields:
        The results of each input, as soon as they and those before them are known.

    Raises:
        InkreadError, OSError: raised by ``prepare`` or the function that it returns.
        ChildProcessError: a process could not be started.
    """
    if num_processes == 1 and limits is None:
        read = prepare()
        for each in inputs:
            yield from read(each)
    else:
        with contextlib.closing(
            _WorkerPool(prepare, is_last, on_crash, num_processes, limits)
        ) as pool:
            yield from pool.map(iter(inputs))


@dataclass
class _Task(Generic[_Input, _Result]):
    """An input that is assigned to a process, and its results that wait for their turn."""

    given: _Input
    waiting: deque[_Result] = field(default_factory=deque)
    has_all: bool = False  # its results
    is_done: bool = False  # and its process is ready for another


class _Worker:
    """A process that works on one input at a time.

    It sends ``None`` when it is ready for an input: after its start, and after each input. Each
    result is sent in a tuple of its own. An exception is sent as it is, and ends the process.
    """

    def __init__(self, prepare: _Prepare[_Input, _Result], limits: ProcessLimits | None) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(
            target=_run_worker, args=(other, prepare, limits), daemon=True
        )
        with _block_interrupts():
            self.process.start()
        other.close()
        self.has_started = False

    def send(self, given: object) -> None:
        """Send an input to the process, which must be ready for it."""
        with contextlib.suppress(OSError):  # it crashed, which is noticed when it is listened to
            self.connection.send(given)

    def stop(self) -> None:
        """End the process, even while it works on an input."""
        self.connection.close()
        self.process.terminate()
        self.process.join(_STOP_TIMEOUT_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class _WorkerPool(Generic[_Input, _Result]):
    """Several worker processes, and the tasks that are begun but not yielded completely."""

    def __init__(
        self,
        prepare: _Prepare[_Input, _Result],
        is_last: Callable[[_Result], bool],
        on_crash: Callable[[_Input, str], _Result],
        num_processes: int,
        limits: ProcessLimits | None,
    ) -> None:
        self._prepare = prepare
        self._limits = limits
        self._is_last = is_last
        self._on_crash = on_crash
        self._num_processes = num_processes
        self._idle: list[_Worker] = []
        self._busy: dict[_Worker, _Task[_Input, _Result]] = {}
        self._tasks: deque[_Task[_Input, _Result]] = deque()  # in the order of the inputs

    def map(self, inputs: Iterator[_Input]) -> Iterator[_Result]:
        """Yield the results of all inputs in order."""
        self._assign(inputs)
        while self._tasks:
            self._receive()
            yield from self._yield_ready()
            self._assign(inputs)

    def close(self) -> None:
        """End all workers."""
        for worker in (*self._busy, *self._idle):
            worker.stop()
        self._busy.clear()
        self._idle.clear()

    def _assign(self, inputs: Iterator[_Input]) -> None:
        num_free = self._num_processes - len(self._busy)
        num_ahead = _MAX_AHEAD_PER_PROCESS * self._num_processes - len(self._tasks)
        for given in islice(inputs, min(num_free, num_ahead)):
            worker = self._take_idle_worker()
            self._busy[worker] = _Task(given)
            self._tasks.append(self._busy[worker])
            if worker.has_started:
                worker.send(given)

    def _take_idle_worker(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.process.is_alive():
                return worker
            worker.stop()  # it crashed while it was idle
        return _Worker(self._prepare, self._limits)

    def _receive(self) -> None:
        """Wait until some workers have sent messages, and take one message of each."""
        listened = [
            (worker, task)
            for worker, task in self._busy.items()
            # A worker that is far ahead isn't listened to: its pipe fills up, and it has to wait.
            if task is self._tasks[0] or len(task.waiting) < _MAX_WAITING_RESULTS
        ]
        ready = wait([worker.connection for worker, _ in listened])
        for worker, task in listened:
            if worker.connection in ready:
                self._receive_from(worker, task)

    def _receive_from(self, worker: _Worker, task: _Task[_Input, _Result]) -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._handle_crash(worker, task)
            return
        if isinstance(message, Exception):
            raise message
        if message is not None:
            task.waiting.extend(message)
            task.has_all = self._is_last(message[0])
        elif worker.has_started:
            task.is_done = True
            del self._busy[worker]
            self._idle.append(worker)
        else:
            worker.has_started = True
            worker.send(task.given)

    def _handle_crash(self, worker: _Worker, task: _Task[_Input, _Result]) -> None:
        """Remove a worker that crashed, and complete its task with ``on_crash``."""
        del self._busy[worker]
        worker.process.join(_STOP_TIMEOUT_S)
        worker.stop()
        code = worker.process.exitcode or 0
        how = f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        if self._limits and -code == _TOO_LONG:
            how = f"took more than {self._limits.max_cpu_s} s"
        if not worker.has_started:
            raise ChildProcessError(f"a process that was to read {how} at its start")
        if not task.has_all:
            reason = f"the process that read it {how}; is it broken, or was memory short?"
            task.waiting.append(self._on_crash(task.given, reason))
        task.is_done = True

    def _yield_ready(self) -> Iterator[_Result]:
        """Yield the waiting results that no earlier input delays."""
        while self._tasks:
            task = self._tasks[0]
            while task.waiting:
                yield task.waiting.popleft()
            if not task.is_done:
                return
            self._tasks.popleft()


def _run_worker(
    connection: Connection, prepare: _Prepare[_Input, _Result], limits: ProcessLimits | None
) -> None:
    """Work on inputs until the parent closes the connection; runs in the process of a worker."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it, too, and ends this process
    warnings.filterwarnings("ignore", module="PIL")  # broken pictures are reported as ImageError
    cv2.setNumThreads(1)
    keep_freed_memory(READING_BYTES)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            read = prepare()
            if limits:
                limit_memory(limits.max_bytes)
            # Only now: an exit in the middle of an import would raise other errors.
            signal.signal(signal.SIGTERM, _exit)
            while True:
                connection.send(None)
                given = connection.recv()
                if limits:
                    limits.renew_time()
                for result in read(given):
                    connection.send((result,))
                    if limits:
                        limits.renew_time()
        except (InkreadError, OSError) as error:
            connection.send(error)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing is left that needs cleaning up


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit()  # unwinds the stack, so that temporary files are removed


@contextlib.contextmanager
def _block_interrupts() -> Iterator[None]:
    """Block SIGINT while a process starts: until it ignores Ctrl-C, it would print a traceback."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # started first, since it unblocks SIGINT when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
