"""Many scans, read by several processes of this machine into a journal."""

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from inkread.batch.processes import map_in_order
from inkread.batch.sources import make_printable
from inkread.errors import ImageError
from inkread.forms import field_crops
from inkread.forms.field_reader import of_reader
from inkread.forms.form_reader import MIN_CONFIDENCE, FormReader
from inkread.forms.journal import FormRecord, Journal, form_record
from inkread.forms.template import Template
from inkread.imaging import images
from inkread.models.runtime import DEFAULT
from inkread.reader import Reader

__all__ = ["Job", "Progress", "Summary", "read_file", "read_scans"]

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


_Outcome = tuple[_Scan, list[FormRecord]]


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
    shown = make_printable(name)
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
            field_crops.save(crops, record.form_id, name, crop)
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
        ChildProcessError: a process could not be started.
    """
    summary = Summary()
    num_done = 0

    def new_scans() -> Iterator[_Scan]:
        nonlocal num_done
        known: dict[str, str] = {}
        for name in names:
            shown = make_printable(name)
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

    threads = None if num_processes == 1 else 1
    results = map_in_order(
        partial(_prepare, job, threads), new_scans(), on_crash=_lost, num_processes=num_processes
    )
    with contextlib.closing(results):
        for scan, records in results:
            journal.add(records, scan.sha256)
            summary.count(records)
            num_done += 1
            on_progress(num_done, summary.num_set_aside)
    return summary


def _prepare(job: Job, threads: int | None) -> Callable[[_Scan], Iterator[_Outcome]]:
    return partial(_read, job.form_reader(threads), job.crops)


def _read(reader: FormReader, crops: Path | None, scan: _Scan) -> Iterator[_Outcome]:
    yield scan, read_file(reader, scan.name, scan.sha256, crops)


def _lost(scan: _Scan, reason: str) -> _Outcome:
    return scan, [FormRecord(make_printable(scan.name), 1, scan.sha256, error=reason)]


def _sha256(name: str | os.PathLike[str]) -> str:
    with Path(name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
