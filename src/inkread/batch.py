"""Many pictures, read by several processes, in their order, while memory stays what it was."""

import contextlib
import math
import multiprocessing
import os
import signal
import sys
import warnings
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from inkread.errors import ImageError, InkreadError
from inkread.results import Number, Page

if TYPE_CHECKING:  # heavy
    import numpy as np
    from numpy.typing import NDArray

    from inkread.images import Pages
    from inkread.reader import Reader

__all__ = [
    "Input",
    "Outcome",
    "ReadAs",
    "Settings",
    "open_reader",
    "outcomes_of",
    "processes_for",
    "read_files",
]

_WORTH_A_PROCESS = 32  # pictures; about what is read in the time that a process takes to start
_AHEAD = 16  # how many pictures a process may be ahead of the one whose turn it is
_HELD_PAGES = 64  # results of one file that may wait for their turn


class ReadAs(StrEnum):
    """What a picture holds."""

    PAGE = "page"
    NUMBER = "number"
    DIGIT = "digit"


@dataclass(frozen=True)
class Settings:
    """How to read.

    Attributes:
        model: of single digits: the name of a shipped model, or the path of a model file.
        line_model: of numbers: likewise.
        threads: of the network; ``None``: one a core, or one where several processes read.
        min_confidence: reject digits below this confidence, in [0, 1].
        read_as: what each page holds.
        length: as for ``Reader.read``, of pages and numbers.
        pattern: as for ``Reader.read``, of pages and numbers.
        check: the name of a check, as for ``Reader.read``, of pages and numbers.
    """

    model: str | os.PathLike[str] = "default"
    line_model: str | os.PathLike[str] = "default"
    threads: int | None = None
    min_confidence: float = 0.0
    read_as: ReadAs = ReadAs.PAGE
    length: int | tuple[int, int] | None = None
    pattern: str | None = None
    check: str | None = None


@dataclass(frozen=True)
class Input:
    """A picture to read.

    Attributes:
        name: what it is called in the results.
        picture: its path, or the bytes of the file.
        annotated: where to save the annotated picture; a page's number is added from the second on.
        problem: why it can't be read, if that is known already.
    """

    name: str
    picture: str | bytes
    annotated: Path | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a page, or of a picture that could not be opened.

    Attributes:
        name: of the input.
        page: what was read; ``None`` if it could not be.
        error: what went wrong, without the name; both if the annotated picture could not be saved.
        is_last: nothing more comes of this input.
    """

    name: str
    page: Page | None
    error: str | None = None
    is_last: bool = True


def processes_for(num_inputs: int) -> int:
    """Return how many processes are worth starting: at most one a core."""
    available = getattr(os, "sched_getaffinity", None)
    num_cores = len(available(0)) if available else os.cpu_count() or 1
    return max(1, min(num_cores, math.ceil(num_inputs / _WORTH_A_PROCESS)))


def read_files(
    inputs: Sequence[Input], settings: Settings, *, num_processes: int = 1
) -> Generator[Outcome, None, None]:
    """Read pictures, all pages of each, and give what came of them in their order.

    With several processes a few pictures are read ahead. A process that dies takes one picture with
    it, whose outcome says so; another takes its place. They are spawned, so a script that calls
    this must do so under ``if __name__ == "__main__":``.

    Args:
        inputs: what to read.
        settings: how to read it.
        num_processes: at least 1; with 1, reading is done in this process.

    Yields:
        The outcome of each page, as soon as it and those before it are known.

    Raises:
        ModelError: the model can't be loaded.
        ConfigError: a setting is wrong.
        ChildProcessError: a process could not be started.
    """
    if num_processes == 1:
        reader = open_reader(settings)
        for each in inputs:
            yield from outcomes_of(reader, settings, each)
    else:
        with contextlib.closing(_Team(settings, num_processes)) as team:
            yield from team.read(inputs)


def open_reader(settings: Settings) -> "Reader":
    """Load the models.

    Raises:
        ModelError: one can't be loaded.
        ConfigError: a setting is wrong.
    """
    from inkread.reader import Reader

    return Reader(
        settings.model,
        line_model=settings.line_model,
        threads=settings.threads,
        min_confidence=settings.min_confidence,
    )


def outcomes_of(reader: "Reader", settings: Settings, each: Input) -> Iterator[Outcome]:
    """Read all pages of a picture in this process, and give what came of each."""
    from inkread.images import open_pages

    if each.problem:
        yield Outcome(each.name, None, each.problem)
        return
    try:
        opened = open_pages(each.picture)
    except ImageError as error:
        yield Outcome(each.name, None, _without_name(error, each))
        return
    with opened:
        for index in range(len(opened)):
            yield _outcome(reader, settings, each, opened, index)


def _outcome(
    reader: "Reader", settings: Settings, each: Input, opened: "Pages", index: int
) -> Outcome:
    from inkread.annotate import save_annotated

    page = error = None
    try:
        pixels = opened[index]
        page = replace(_read(reader, settings, pixels), page=index + 1)
        if each.annotated:
            path = each.annotated
            save_annotated(
                pixels, page, path.with_stem(f"{path.stem}-{index + 1}") if index else path
            )
    except (ImageError, OSError) as problem:
        error = _without_name(problem, each)
    except MemoryError:
        error = "there is not enough memory to read it"
    return Outcome(each.name, page, error, is_last=index + 1 == len(opened))


def _without_name(error: Exception, each: Input) -> str:
    if isinstance(each.picture, bytes):
        return str(error)
    return str(error).removeprefix(f"{Path(each.picture)}: ")


def _read(reader: "Reader", settings: Settings, pixels: "NDArray[np.uint8]") -> Page:
    length, pattern, check = settings.length, settings.pattern, settings.check
    if settings.read_as is ReadAs.PAGE:
        return reader.read(pixels, length=length, pattern=pattern, check=check)
    if settings.read_as is ReadAs.NUMBER:
        number = reader.read_number(pixels, length=length, pattern=pattern, check=check)
    else:
        digit = reader.read_digit(pixels)
        digits = () if digit.label is None else (digit,)
        text = "" if digit.label is None else digit.text
        number = Number(text, digit.confidence, digit.box, digits, digit.rejected)
    model = reader.line_model if settings.read_as is ReadAs.NUMBER else reader.model
    return Page((number,), pixels.shape[1], pixels.shape[0], model.name)


class _Worker:
    """A process that reads one picture at a time.

    It sends ``None`` when it is ready, or the error that keeps it from being so; then, for each
    input, its outcomes.
    """

    def __init__(self, settings: Settings) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, settings), daemon=True)
        with _without_interrupts():
            self.process.start()
        other.close()
        self.is_ready = False
        self.index: int | None = None  # of the input that it reads

    def stop(self) -> None:
        """End it, also in the middle of a picture."""
        self.connection.close()
        self.process.terminate()
        self.process.join(5.0)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class _Team:
    """Several workers, and what they have found ahead of its turn."""

    def __init__(self, settings: Settings, num_processes: int) -> None:
        self._settings = settings
        self._num_processes = num_processes
        self._workers: list[_Worker] = []
        self._held: dict[int, deque[Outcome]] = {}
        self._next = self._turn = 0  # indices of the input to give out, and of that to yield

    def read(self, inputs: Sequence[Input]) -> Iterator[Outcome]:
        """Yield the outcomes of all inputs in order."""
        while self._turn < len(inputs):
            self._give_out(inputs)
            by_connection = {
                worker.connection: worker for worker in self._workers if self._is_awaited(worker)
            }
            for connection in wait(list(by_connection)):
                self._receive(by_connection[connection], inputs)  # type: ignore[index]
            while held := self._held.get(self._turn):
                outcome = held.popleft()
                if outcome.is_last:
                    del self._held[self._turn]
                    self._turn += 1
                yield outcome

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.stop()
        self._workers.clear()

    def _give_out(self, inputs: Sequence[Input]) -> None:
        while len(self._workers) < min(self._num_processes, len(inputs) - self._turn):
            self._workers.append(_Worker(self._settings))
        end = min(len(inputs), self._turn + _AHEAD * self._num_processes)
        for worker in list(self._workers):
            if worker.is_ready and worker.index is None and self._next < end:
                try:
                    worker.connection.send(inputs[self._next])
                except OSError:  # it died with nothing to do
                    self._dismiss(worker)
                    self._workers.append(_Worker(self._settings))
                else:
                    worker.index = self._next
                    self._held[self._next] = deque()
                    self._next += 1

    def _is_awaited(self, worker: _Worker) -> bool:
        if worker.index is None:
            return not worker.is_ready
        # One that is far ahead waits: its pipe is full soon.
        return worker.index == self._turn or len(self._held[worker.index]) < _HELD_PAGES

    def _receive(self, worker: _Worker, inputs: Sequence[Input]) -> None:
        try:
            received = worker.connection.recv()
        except (EOFError, OSError):
            self._lose(worker, inputs)
            return
        if isinstance(received, InkreadError):
            raise received
        if received is None:
            worker.is_ready = True
            return
        if worker.index is not None:
            self._held[worker.index].append(received)
        if received.is_last:
            worker.index = None

    def _lose(self, worker: _Worker, inputs: Sequence[Input]) -> None:
        """Take note that a worker died."""
        worker.process.join(5.0)
        self._dismiss(worker)
        code = worker.process.exitcode or 0
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        if worker.index is None:
            raise ChildProcessError(f"a process that was to read pictures ended {how} at its start")
        reason = f"the process that read it ended {how}; was memory short?"
        self._held[worker.index].append(Outcome(inputs[worker.index].name, None, reason))

    def _dismiss(self, worker: _Worker) -> None:
        worker.stop()
        self._workers.remove(worker)


def _work(connection: Connection, settings: Settings) -> None:
    """Read what comes until the other side is gone."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started it is told, and ends it
    warnings.filterwarnings("ignore", module="PIL")  # as in cli.main
    cv2.setNumThreads(1)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            reader = open_reader(replace(settings, threads=settings.threads or 1))
            # Not before: an import that is interrupted fails with an error of its own.
            signal.signal(signal.SIGTERM, _end)
            connection.send(None)
            while True:
                for outcome in outcomes_of(reader, settings, connection.recv()):
                    connection.send(outcome)
        except InkreadError as error:
            connection.send(error)


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
