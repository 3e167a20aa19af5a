"""Reads many scans of a form with several processes of this machine, into a journal."""

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from inkread.batch.process_limits import ProcessLimits
from inkread.batch.processes import map_in_order
from inkread.batch.sources import make_printable
from inkread.errors import ImageError
from inkread.forms import field_crops
from inkread.forms.field_reader import make_field_reader
from inkread.forms.form_reader import MIN_CONFIDENCE, FormReader
from inkread.forms.journal import FormRecord, Journal, make_form_record
from inkread.forms.template import Template
from inkread.imaging import images
from inkread.imaging.input_files import check_regular
from inkread.models.runtime import DEFAULT
from inkread.reader import Reader

__all__ = ["FormBatchJob", "FormBatchSummary", "Progress", "read_file", "read_scans"]

Progress = Callable[[int, int], None]  # called with the numbers of scans done, fields set aside


@dataclass(frozen=True)
class FormBatchJob:
    """The form and the options to read scans with; picklable.

    Attributes:
        template: the form.
        model: the name of a shipped model, or the path of a model file.
        min_confidence: fields with less confidence are set aside, in [0, 1].
        crops: a folder for the pictures of the fields that are set aside; ``None``: none are saved.
    """

    template: Template
    model: str = DEFAULT
    min_confidence: float = MIN_CONFIDENCE
    crops: Path | None = None

    @property
    def settings(self) -> dict[str, str | float]:
        """The options, other than the template, that change the results."""
        return {"model": str(self.model), "min_confidence": self.min_confidence}

    def form_reader(self, threads: int | None = None) -> FormReader:
        """Load the model and prepare for the form.

        Raises:
            ModelError: the model can't be loaded.
            TemplateError: the picture of the blank form can't be used.
        """
        reader = make_field_reader(Reader(self.model, threads=threads))
        return FormReader(self.template, reader, min_confidence=self.min_confidence)


@dataclass
class FormBatchSummary:
    """Counts of the results of many scans.

    Attributes:
        num_forms: pages that were read.
        num_fields: fields on them.
        num_set_aside: fields that a person has to review.
        num_refused: pages that could not be read as this form.
        num_known: files that an earlier run has read.
        unreadable: names of files that could not be opened, or have the same content as another
            file, each with the reason.
    """

    num_forms: int = 0
    num_fields: int = 0
    num_set_aside: int = 0
    num_refused: int = 0
    num_known: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def add_pages(self, records: Iterable[FormRecord]) -> None:
        """Add the pages of a file to the counts."""
        for record in records:
            self.num_forms += record.error is None
            self.num_refused += record.error is not None
            self.num_fields += len(record.fields)
            self.num_set_aside += sum(each.is_set_aside for each in record.fields)


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
        reader: for the form.
        name: path of the file.
        sha256: SHA-256 of the file, in hexadecimal.
        crops: folder for the pictures of the fields that are set aside; ``None``: none are saved.
        data: the bytes of the file, if they are loaded already.

    Returns:
        A record for each page; the records of pages that could not be read hold the reason.
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
    record = make_form_record(shown, index + 1, sha256, reading)
    if crops:
        for name, crop in reading.crops.items():
            field_crops.save_crop(crops, record.form_id, name, crop)
    return record


def read_scans(
    names: Iterable[str],
    job: FormBatchJob,
    journal: Journal,
    *,
    num_processes: int = 1,
    limits: ProcessLimits | None = None,
    on_progress: Progress = lambda done, set_aside: None,
) -> FormBatchSummary:
    """Read the scans that aren't in the journal yet, and append them to it in the given order.

    Files are identified by their content: a file with the same bytes as one that was read is not
    read again. If a process crashes, one scan is lost, and its record says so. Processes are
    spawned, so a script that calls this with several must do so under
    ``if __name__ == "__main__":``.

    Args:
        names: paths of the scans; files of several pages hold a form on each.
        job: the form and the options.
        journal: an open journal, to which records are appended.
        num_processes: at least 1; with 1 and no limits, reading is done in this process.
        limits: of each process; a scan that exceeds them is lost.
        on_progress: called with the numbers of scans done and of fields set aside so far.

    Raises:
        ModelError: the model can't be loaded.
        TemplateError: the picture of the blank form can't be used.
        OSError: the journal or the crops can't be written.
        ChildProcessError: a process could not be started.
    """
    summary = FormBatchSummary()
    num_done = 0

    def new_scans() -> Iterator[_Scan]:
        nonlocal num_done
        known: dict[str, str] = {}
        for name in names:
            shown = make_printable(name)
            try:
                sha256 = _hash_file(name)
            except (ImageError, OSError, ValueError) as error:  # ValueError: a null character
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
        partial(_open_reader, job, threads),
        new_scans(),
        is_last=lambda _: True,  # there is one result a scan
        on_crash=_record_crash,
        num_processes=num_processes,
        limits=limits,
    )
    with contextlib.closing(results):
        for scan, records in results:
            journal.add(records, scan.sha256)
            summary.add_pages(records)
            num_done += 1
            on_progress(num_done, summary.num_set_aside)
    return summary


def _open_reader(job: FormBatchJob, threads: int | None) -> Callable[[_Scan], Iterator[_Outcome]]:
    return partial(_read, job.form_reader(threads), job.crops)


def _read(reader: FormReader, crops: Path | None, scan: _Scan) -> Iterator[_Outcome]:
    yield scan, read_file(reader, scan.name, scan.sha256, crops)


def _record_crash(scan: _Scan, reason: str) -> _Outcome:
    return scan, [FormRecord(make_printable(scan.name), 1, scan.sha256, error=reason)]


def _hash_file(name: str | os.PathLike[str]) -> str:
    check_regular(name)
    with Path(name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
