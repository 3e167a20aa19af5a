"""Many scans, read by several processes of this machine into a journal."""

import contextlib
import hashlib
import multiprocessing
import os
import re
import signal
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from inkread import images
from inkread.errors import ImageError
from inkread.forms import fieldcrops
from inkread.forms.fieldreader import of_reader
from inkread.forms.reading import MIN_CONFIDENCE, FormReader
from inkread.forms.records import FormRecord, Journal, form_record
from inkread.forms.template import Template
from inkread.reader import Reader
from inkread.runtime import DEFAULT

__all__ = ["Job", "Progress", "Summary", "read_file", "read_scans"]

_AHEAD = 3  # scans a process may be ahead of the one whose turn it is

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """How scans are to be read; it can be sent to other processes.

    Attributes:
        template: the form.
        model: the name of a shipped model, or the path of a model file.
        min_confidence: fields less sure than this are set aside, in [0, 1].
        crops: a folder for the pictures of the fields that are set aside; ``None``: none are saved.
    """

    template: Template
    model: str = DEFAULT
    min_confidence: float = MIN_CONFIDENCE
    crops: Path | None = None

    @property
    def settings(self) -> dict[str, str | float]:
        """What, beside the template, decides what is read."""
        return {"model": str(self.model), "min_confidence": self.min_confidence}

    def form_reader(self, threads: int | None = None) -> FormReader:
        """Load the model and prepare for the form.

        Raises:
            ModelError: the model can't be loaded.
            TemplateError: the picture of the blank form can't be used.
        """
        reader = of_reader(Reader(self.model, threads=threads))
        return FormReader(self.template, reader, min_confidence=self.min_confidence)


@dataclass
class Summary:
    """What came of many scans.

    Attributes:
        num_forms: pages that were read.
        num_fields: fields on them.
        num_set_aside: those that a person has to look at.
        num_refused: pages that were not read.
        num_known: files that were read before.
        unreadable: files that could not be opened or are the same as another, with the reason.
    """

    num_forms: int = 0
    num_fields: int = 0
    num_set_aside: int = 0
    num_refused: int = 0
    num_known: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def count(self, records: Iterable[FormRecord]) -> None:
        """Count the pages of a file."""
        for record in records:
            self.num_forms += record.error is None
            self.num_refused += record.error is not None
            self.num_fields += len(record.fields)
            self.num_set_aside += sum(each.set_aside for each in record.fields)


@dataclass(frozen=True)
class _Scan:
    name: str
    sha256: str


def read_file(
    reader: FormReader, name: str, sha256: str, crops: Path | None, data: bytes | None = None
) -> list[FormRecord]:
    """Read all pages of a scan's file.

    Args:
        reader: of the form.
        name: path of the file.
        sha256: of the file.
        crops: folder for the pictures of the fields that are set aside.
        data: what the file holds, if that is known already.

    Returns:
        A record for each page; those that could not be read say why.
    """
    shown = name.encode("utf-8", "backslashreplace").decode()
    records: list[FormRecord] = []
    try:
        with images.open_pages(name if data is None else data) as opened:
            records.extend(
                _read_page(reader, opened, index, (shown, sha256), crops)
                for index in range(len(opened))
            )
    except (ImageError, MemoryError) as error:
        reason = str(error).removeprefix(f"{Path(name)}: ") or "not enough memory"
        records.append(FormRecord(shown, len(records) + 1, sha256, error=reason))
    return records


def _read_page(
    reader: FormReader,
    opened: images.Pages,
    index: int,
    scan: tuple[str, str],
    crops: Path | None,
) -> FormRecord:
    shown, sha256 = scan
    try:
        reading = reader.read(images.load(opened[index]))
    except ImageError as error:
        reason = re.sub(r"^.*?: page \d+: ", "", str(error)).removeprefix(opened.prefix)
        return FormRecord(shown, index + 1, sha256, error=reason)
    record = form_record(shown, index + 1, sha256, reading)
    if crops:
        for name, crop in reading.crops.items():
            fieldcrops.save(crops, record.form_id, name, crop)
    return record


def read_scans(
    names: Iterable[str],
    job: Job,
    journal: Journal,
    *,
    num_processes: int = 1,
    on_progress: Progress = lambda done, set_aside: None,
) -> Summary:
    """Read scans that the journal doesn't hold yet, and add them to it in their order.

    Nothing is read twice: what has the same bytes as a file that was read is passed over. A process
    that dies takes one scan with it, whose record says so. Processes are spawned, so a script that
    calls this with several must do so under ``if __name__ == "__main__":``.

    Args:
        names: paths of the scans; files of several pages hold a form on each.
        job: how to read them.
        journal: open; what is read is added to it.
        num_processes: at least 1; with 1, reading is done in this process.
        on_progress: called with the numbers of scans done and of fields set aside so far.

    Raises:
        ModelError: the model can't be loaded.
        TemplateError: the picture of the blank form can't be used.
        OSError: the journal or the crops can't be written.
    """
    summary = Summary()
    num_done = 0

    def new_scans() -> Iterator[_Scan]:
        nonlocal num_done
        known: dict[str, str] = {}
        for name in names:
            shown = name.encode("utf-8", "backslashreplace").decode()
            try:
                sha256 = _sha256(name)
            except (OSError, ValueError) as error:  # ValueError: a null character in the path
                reason = getattr(error, "strerror", None) or error
                summary.unreadable.append((shown, f"it can't be read: {reason}"))
            else:
                if sha256 in known:
                    summary.unreadable.append((shown, f"the same file as {known[sha256]}"))
                elif sha256 in journal.done:
                    summary.num_known += 1
                else:
                    known[sha256] = shown
                    yield _Scan(name, sha256)
                    continue
            num_done += 1
            on_progress(num_done, summary.num_set_aside)

    reader = job.form_reader()  # what is wrong with the model or the form is said before any work
    if num_processes == 1:
        results = _in_this_process(new_scans(), job, reader)
    else:
        del reader
        results = _in_processes(new_scans(), job, num_processes)
    with contextlib.closing(results):
        for scan, records in results:
            journal.add(records, scan.sha256)
            summary.count(records)
            num_done += 1
            on_progress(num_done, summary.num_set_aside)
    return summary


_Results = Generator[tuple[_Scan, list[FormRecord]], None, None]


def _in_this_process(scans: Iterator[_Scan], job: Job, reader: FormReader) -> _Results:
    for scan in scans:
        yield scan, read_file(reader, scan.name, scan.sha256, job.crops)


def _in_processes(scans: Iterator[_Scan], job: Job, num_processes: int) -> _Results:
    """Read with a pool; where a process dies, find out over which scan and go on with the rest."""
    waiting: deque[tuple[_Scan, Future[list[FormRecord]]]] = deque()
    pool = _pool(job, num_processes)
    try:
        while True:
            while len(waiting) < _AHEAD * num_processes:
                scan = next(scans, None)
                if scan is None:
                    break
                waiting.append((scan, pool.submit(_work, scan)))
            if not waiting:
                return
            scan, future = waiting[0]
            try:
                records = future.result()
            except BrokenProcessPool:
                pool.shutdown(cancel_futures=True)
                suspects = [each for each, _ in waiting]
                waiting.clear()
                yield from ((each, _alone(each, job)) for each in suspects)
                pool = _pool(job, num_processes)
                continue
            waiting.popleft()
            yield scan, records
    finally:
        pool.shutdown(cancel_futures=True)


def _alone(scan: _Scan, job: Job) -> list[FormRecord]:
    """Read a scan in a process of its own, which may die."""
    with _pool(job, 1) as pool:
        try:
            return pool.submit(_work, scan).result()
        except BrokenProcessPool:
            shown = scan.name.encode("utf-8", "backslashreplace").decode()
            reason = "the process that read it died; was memory short?"
            return [FormRecord(shown, 1, scan.sha256, error=reason)]


def _pool(job: Job, num_processes: int) -> ProcessPoolExecutor:
    # Forked processes would share ONNX Runtime's and OpenCV's threads, which they can't.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(num_processes, context, initializer=_start, initargs=(job,))


_worker: tuple[FormReader, Job] | None = None


def _start(job: Job) -> None:
    global _worker  # noqa: PLW0603 - what a process keeps between its tasks
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started it is told, and ends it
    warnings.filterwarnings("ignore", module="PIL")  # what is wrong is said once, by images
    cv2.setNumThreads(1)
    _worker = job.form_reader(threads=1), job


def _work(scan: _Scan) -> list[FormRecord]:
    if _worker is None:
        raise RuntimeError("expected a process that was started for a job")
    reader, job = _worker
    return read_file(reader, scan.name, scan.sha256, job.crops)


def _sha256(name: str | os.PathLike[str]) -> str:
    with Path(name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
