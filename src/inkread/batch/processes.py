"""Many inputs, read by several processes, in their order, while memory stays what it was."""

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
from inkread.errors import InkreadError

__all__ = ["map_in_order", "num_cores"]

_AHEAD = 16  # how many inputs a process may be ahead of the one whose turn it is
_HELD_RESULTS = 64  # of one input, that may wait for their turn

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
    on_crash: Callable[[_Input, str], _Result],
    num_processes: int,
) -> Generator[_Result, None, None]:
    """Read inputs, and give what comes of them in their order.

    With several processes a few inputs are read ahead. A process that dies takes one input with it;
    another takes its place. They are spawned: forked ones would share ONNX Runtime's and OpenCV's
    threads, which they can't. So a script that calls this must do so under
    ``if __name__ == "__main__":``.

    Args:
        prepare: called once in each process, to which it is sent; what it returns is kept there,
            and gives the results of an input.
        inputs: taken one by one, each when a process has nothing to do, to which it is sent.
        on_crash: gives the result for an input over which a process died, from it and the reason.
        num_processes: at least 1; with 1, reading is done in this process.

    Yields:
        The results of each input, as soon as they and those before them are known.

    Raises:
        InkreadError, OSError: as ``prepare`` and what it returns raise them.
        ChildProcessError: a process could not be started.
    """
    if num_processes == 1:
        read = prepare()
        for each in inputs:
            yield from read(each)
    else:
        with contextlib.closing(_Team(prepare, on_crash, num_processes)) as team:
            yield from team.read(iter(inputs))


@dataclass
class _Task(Generic[_Input, _Result]):
    """An input that a process has, and the results that wait for their turn."""

    given: _Input
    held: deque[_Result] = field(default_factory=deque)
    is_done: bool = False


class _Worker:
    """A process that reads one input at a time.

    It sends ``None`` whenever it is ready for one: at its start and after each. Each result comes
    in a tuple of its own; an error ends it.
    """

    def __init__(self, prepare: _Prepare[_Input, _Result]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, prepare), daemon=True)
        with _without_interrupts():
            self.process.start()
        other.close()
        self.has_started = False

    def send(self, given: object) -> None:
        """Give it an input, which it is ready for."""
        with contextlib.suppress(OSError):  # it died: that is found when it is listened to
            self.connection.send(given)

    def stop(self) -> None:
        """End it, also in the middle of an input."""
        self.connection.close()
        self.process.terminate()
        self.process.join(5.0)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class _Team(Generic[_Input, _Result]):
    """Several workers, and what they have found ahead of its turn."""

    def __init__(
        self,
        prepare: _Prepare[_Input, _Result],
        on_crash: Callable[[_Input, str], _Result],
        num_processes: int,
    ) -> None:
        self._prepare = prepare
        self._lost = on_crash
        self._num_processes = num_processes
        self._idle: list[_Worker] = []
        self._busy: dict[_Worker, _Task[_Input, _Result]] = {}
        self._tasks: deque[_Task[_Input, _Result]] = deque()  # in the order of the inputs

    def read(self, inputs: Iterator[_Input]) -> Iterator[_Result]:
        """Yield the results of all inputs in order."""
        self._give_out(inputs)
        while self._tasks:
            self._receive()
            yield from self._in_turn()
            self._give_out(inputs)

    def close(self) -> None:
        """End all workers."""
        for worker in (*self._busy, *self._idle):
            worker.stop()
        self._busy.clear()
        self._idle.clear()

    def _give_out(self, inputs: Iterator[_Input]) -> None:
        num_free = self._num_processes - len(self._busy)
        num_ahead = _AHEAD * self._num_processes - len(self._tasks)
        for given in islice(inputs, min(num_free, num_ahead)):
            worker = self._free_worker()
            self._busy[worker] = _Task(given)
            self._tasks.append(self._busy[worker])
            if worker.has_started:
                worker.send(given)

    def _free_worker(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.process.is_alive():
                return worker
            worker.stop()  # it died with nothing to do
        return _Worker(self._prepare)

    def _receive(self) -> None:
        """Wait for the workers, and take one message of each that has some."""
        awaited = [
            (worker, task)
            for worker, task in self._busy.items()
            # One that is far ahead waits: its pipe is full soon.
            if task is self._tasks[0] or len(task.held) < _HELD_RESULTS
        ]
        heard = wait([worker.connection for worker, _ in awaited])
        for worker, task in awaited:
            if worker.connection in heard:
                self._receive_from(worker, task)

    def _receive_from(self, worker: _Worker, task: _Task[_Input, _Result]) -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            self._lose(worker, task)
            return
        if isinstance(message, Exception):
            raise message
        if message is not None:
            task.held.extend(message)
        elif worker.has_started:
            task.is_done = True
            del self._busy[worker]
            self._idle.append(worker)
        else:
            worker.has_started = True
            worker.send(task.given)

    def _lose(self, worker: _Worker, task: _Task[_Input, _Result]) -> None:
        """Take note that a worker died."""
        del self._busy[worker]
        worker.process.join(5.0)
        worker.stop()
        code = worker.process.exitcode or 0
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        if not worker.has_started:
            raise ChildProcessError(f"a process that was to read ended {how} at its start")
        task.held.append(
            self._lost(task.given, f"the process that read it ended {how}; was memory short?")
        )
        task.is_done = True

    def _in_turn(self) -> Iterator[_Result]:
        """Yield what need not wait for anything before it."""
        while self._tasks:
            task = self._tasks[0]
            while task.held:
                yield task.held.popleft()
            if not task.is_done:
                return
            self._tasks.popleft()


def _work(connection: Connection, prepare: _Prepare[_Input, _Result]) -> None:
    """Read what comes until the other side is gone."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started it is told, and ends it
    warnings.filterwarnings("ignore", module="PIL")  # what is wrong is said once, by images
    cv2.setNumThreads(1)
    keep_freed_memory(READING_BYTES)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            read = prepare()
            # Not before: an import that is interrupted fails with an error of its own.
            signal.signal(signal.SIGTERM, _end)
            while True:
                connection.send(None)
                for result in read(connection.recv()):
                    connection.send((result,))
        except (InkreadError, OSError) as error:
            connection.send(error)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Python's own clean-up may be cut short


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit()  # so that files half written are removed


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Keep Ctrl-C from what is started here, which would print a traceback before it ignores it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it lets them through once it runs
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
