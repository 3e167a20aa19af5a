"""The work of one process: fetches, hashes and reads batches of inputs, and stages the results."""

import hashlib
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Protocol

import cv2
import pyarrow as pa

from inkread.batch.allocator import READING_BYTES, keep_freed_memory
from inkread.scale.dataset import Dataset, Keys, content_key, input_key, is_known
from inkread.scale.inputs import UNREADABLE, fetch

__all__ = ["BATCH_SIZE", "Job", "ReadFile", "Row", "Summary", "Worker"]

BATCH_SIZE = 64  # inputs that are staged together, and at most read again after a crash
_MAX_CRASHES = 3  # of processes at one input, after which it is given up
_NUM_PREFETCHED = 8  # inputs

Row = dict[str, Any]
# From a file's bytes, its URI and its SHA-256 to the rows of all its pages, at least one.
ReadFile = Callable[[bytes, str, str], list[Row]]


class Job(Protocol):
    """Reads files into rows; picklable."""

    @property
    def row_schema(self) -> pa.Schema:
        """The columns of a row, among them ``error``: why a page could not be read."""

    @property
    def settings(self) -> dict[str, Any]:
        """All settings that change the results, as JSON values."""

    def load_reader(self) -> ReadFile:
        """Load the models, to be used with one thread.

        Raises:
            InkreadError: a model or a setting can't be used.
        """


@dataclass
class Summary:
    """Counts of the results of many inputs.

    Attributes:
        num_inputs: number of inputs.
        num_read: files that were read.
        num_rows: rows of their results.
        num_refused: rows with an error, of pages that could not be read.
        num_known: files, or contents, that were read before.
        unreadable: URIs of files that could not be fetched, each with the reason.
    """

    num_inputs: int = 0
    num_read: int = 0
    num_rows: int = 0
    num_refused: int = 0
    num_known: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: "Summary") -> None:
        """Add the counts of other inputs."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def to_table(self) -> pa.Table:
        """Return the counts as a table of one row, to be sent to another process."""
        unreadable = [{"uri": uri, "error": error} for uri, error in self.unreadable]
        return pa.Table.from_pylist(
            [{**asdict(self), "unreadable": unreadable}], schema=_SUMMARY_SCHEMA
        )

    @classmethod
    def from_row(cls, record: dict[str, Any]) -> "Summary":
        """Rebuild the counts from a row of ``to_table``."""
        pairs = [(each["uri"], each["error"]) for each in record["unreadable"]]
        return cls(**{**record, "unreadable": pairs})


class Worker:
    """Reads batches of inputs; one that is staged already is not read again."""

    def __init__(self, job: Job, dataset: Dataset, known: Keys) -> None:
        """Load the model.

        Args:
            job: reads the files.
            dataset: where results are staged.
            known: keys of what was read before, from ``Dataset.read_known_keys``.
        """
        warnings.filterwarnings("ignore", module="PIL")  # imaging.images reports faults itself
        cv2.setNumThreads(1)
        keep_freed_memory(READING_BYTES)
        self._read = job.load_reader()
        self._dataset = dataset
        self._known = known

    def read(self, inputs: Sequence[tuple[str, str]]) -> Summary:
        """Read a batch of inputs and stage the results.

        Args:
            inputs: the URI and version of each.

        Raises:
            OSError: the batch can't be staged.
        """
        summary = Summary(num_inputs=len(inputs))
        new = [each for each in inputs if not is_known(self._known, input_key(*each))]
        summary.num_known = len(inputs) - len(new)
        for record in self._read_batch(new, summary.unreadable) if new else ():
            rows = record["rows"]
            summary.num_read += bool(rows)
            summary.num_known += not rows
            summary.num_rows += len(rows)
            summary.num_refused += sum(row.get("error") is not None for row in rows)
        return summary

    def _read_batch(
        self, inputs: Sequence[tuple[str, str]], unreadable: list[tuple[str, str]]
    ) -> list[dict[str, Any]]:
        """Return the records of a batch, reading and staging those that aren't staged yet."""
        name = hashlib.sha256("\n".join(map("\0".join, inputs)).encode()).hexdigest()[:32]
        before = self._dataset.read_batch(name)
        records: list[dict[str, Any]] = before.to_pylist() if before else []
        done = {(record["uri"], record["version"]) for record in records}
        contents = {record["sha256"] for record in records}
        left = [each for each in inputs if each not in done]
        for uri, version, fetched in self._iterate_inputs(name, left, unreadable):
            try:
                data = fetched()
            except UNREADABLE as error:
                reason = getattr(error, "strerror", None) or error
                unreadable.append((uri, f"it can't be read: {reason}"))
                continue
            sha256 = hashlib.sha256(data).hexdigest()
            is_new = sha256 not in contents and not is_known(self._known, content_key(sha256))
            contents.add(sha256)
            rows = self._read(data, uri, sha256) if is_new else []
            record = {"uri": uri, "version": version, "sha256": sha256, "part": sha256[:2]}
            records.append({**record, "rows": rows})
        if len(records) > len(done):
            self._dataset.stage(name, records)
        return records

    def _iterate_inputs(
        self, name: str, inputs: Sequence[tuple[str, str]], unreadable: list[tuple[str, str]]
    ) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
        """Yield the URI and version of each input to read, and a function that fetches its bytes.

        A new batch is only marked as started. If a process crashed at the batch before, each input
        is recorded before it is read, so that one that keeps crashing processes is given up.
        """
        crash_counts = self._dataset.read_crash_counts(name)
        if crash_counts is None:
            self._dataset.record_start(name, {})
            yield from _prefetch(inputs)
            return
        for uri, version in inputs:
            if crash_counts.get(uri, 0) >= _MAX_CRASHES:
                reason = "the process that read it died, again and again; was memory short?"
                unreadable.append((uri, reason))
            else:
                self._dataset.record_start(
                    name, {**crash_counts, uri: crash_counts.get(uri, 0) + 1}
                )
                yield uri, version, partial(fetch, uri)


def _prefetch(
    inputs: Sequence[tuple[str, str]],
) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    """Fetch a few inputs ahead in threads, as object stores have a high latency."""
    with ThreadPoolExecutor(_NUM_PREFETCHED) as pool:
        waiting: deque[tuple[str, str, Callable[[], bytes]]] = deque()
        for uri, version in inputs:
            waiting.append((uri, version, pool.submit(fetch, uri).result))
            if len(waiting) == _NUM_PREFETCHED:
                yield waiting.popleft()
        yield from waiting


_SUMMARY_SCHEMA = pa.schema(
    [
        *((name, pa.int64()) for name in vars(Summary()) if name != "unreadable"),
        ("unreadable", pa.list_(pa.struct([("uri", pa.string()), ("error", pa.string())]))),
    ]
)
