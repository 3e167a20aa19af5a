"""One process's share: batches of inputs, fetched, hashed, read and staged."""

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

__all__ = ["BATCH", "Job", "ReadFile", "Row", "Summary", "Worker"]

BATCH = 64  # inputs that are staged together; a death costs no more reading than that
_MAX_DEATHS = 3
_FETCHED_AHEAD = 8

Row = dict[str, Any]
# The file's bytes, its name and its SHA-256 to the rows of all its pages, one at least.
ReadFile = Callable[[bytes, str, str], list[Row]]


class Job(Protocol):
    """What is to be read of a picture; it can be sent to other processes."""

    @property
    def rows(self) -> pa.Schema:
        """The columns of a row; ``error`` among them says why a page could not be read."""

    @property
    def settings(self) -> dict[str, Any]:
        """What decides what is read, as JSON has it."""

    def reader(self) -> ReadFile:
        """Load the model, with one thread.

        Raises:
            InkreadError: the model or a setting can't be used.
        """


@dataclass
class Summary:
    """What came of inputs.

    Attributes:
        num_inputs: how many there were.
        num_read: files that were read.
        num_rows: of them.
        num_refused: rows that say why a page could not be read.
        num_known: files, or contents, that were read before.
        unreadable: what could not be fetched, and why.
    """

    num_inputs: int = 0
    num_read: int = 0
    num_rows: int = 0
    num_refused: int = 0
    num_known: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: "Summary") -> None:
        """Add what came of other inputs."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def to_table(self) -> pa.Table:
        """Return one line that can go from process to process."""
        unreadable = [{"uri": uri, "error": error} for uri, error in self.unreadable]
        return pa.Table.from_pylist([{**asdict(self), "unreadable": unreadable}], schema=_SUMMARY)

    @classmethod
    def from_line(cls, line: dict[str, Any]) -> "Summary":
        """Rebuild from a line of ``to_table``."""
        pairs = [(each["uri"], each["error"]) for each in line["unreadable"]]
        return cls(**{**line, "unreadable": pairs})


class Worker:
    """Reads batches; a batch that is staged already is not read again."""

    def __init__(self, job: Job, dataset: Dataset, known: Keys) -> None:
        """Load the model.

        Args:
            job: what to read.
            dataset: where to.
            known: what was read before, as ``Dataset.known`` has it.
        """
        warnings.filterwarnings("ignore", module="PIL")  # what is wrong is said once, by images
        cv2.setNumThreads(1)
        keep_freed_memory(READING_BYTES)
        self._read = job.reader()
        self._dataset = dataset
        self._known = known

    def read(self, inputs: Sequence[tuple[str, str]]) -> Summary:
        """Read inputs and stage what they hold.

        Args:
            inputs: the uri and version of each.

        Raises:
            OSError: the batch can't be staged.
        """
        summary = Summary(num_inputs=len(inputs))
        new = [each for each in inputs if not is_known(self._known, input_key(*each))]
        summary.num_known = len(inputs) - len(new)
        for line in self._staged(new, summary.unreadable) if new else ():
            rows = line["rows"]
            summary.num_read += bool(rows)
            summary.num_known += not rows
            summary.num_rows += len(rows)
            summary.num_refused += sum(row.get("error") is not None for row in rows)
        return summary

    def _staged(
        self, inputs: Sequence[tuple[str, str]], unreadable: list[tuple[str, str]]
    ) -> list[dict[str, Any]]:
        """Return the lines of a batch, from the dataset or read now and staged."""
        name = hashlib.sha256("\n".join(map("\0".join, inputs)).encode()).hexdigest()[:32]
        before = self._dataset.batch(name)
        lines: list[dict[str, Any]] = before.to_pylist() if before else []
        done = {(line["uri"], line["version"]) for line in lines}
        contents = {line["sha256"] for line in lines}
        left = [each for each in inputs if each not in done]
        for uri, version, fetched in self._fetched(name, left, unreadable):
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
            line = {"uri": uri, "version": version, "sha256": sha256, "part": sha256[:2]}
            lines.append({**line, "rows": rows})
        if len(lines) > len(done):
            self._dataset.stage(name, lines)
        return lines

    def _fetched(
        self, name: str, inputs: Sequence[tuple[str, str]], unreadable: list[tuple[str, str]]
    ) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
        """Give the inputs of a batch, but those over which processes died, and their bytes.

        Only where one died over the batch is it noted before each input that it is under way.
        """
        deaths = self._dataset.deaths(name)
        if deaths is None:
            self._dataset.begin(name, {})
            yield from _ahead(inputs)
            return
        for uri, version in inputs:
            if deaths.get(uri, 0) >= _MAX_DEATHS:
                reason = "the process that read it died, again and again; was memory short?"
                unreadable.append((uri, reason))
            else:
                self._dataset.begin(name, {**deaths, uri: deaths.get(uri, 0) + 1})
                yield uri, version, partial(fetch, uri)


def _ahead(
    inputs: Sequence[tuple[str, str]],
) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    """Fetch a few inputs ahead of the one that is read: a store's answers take their time."""
    with ThreadPoolExecutor(_FETCHED_AHEAD) as pool:
        waiting: deque[tuple[str, str, Callable[[], bytes]]] = deque()
        for uri, version in inputs:
            waiting.append((uri, version, pool.submit(fetch, uri).result))
            if len(waiting) == _FETCHED_AHEAD:
                yield waiting.popleft()
        yield from waiting


_SUMMARY = pa.schema(
    [
        *((name, pa.int64()) for name in vars(Summary()) if name != "unreadable"),
        ("unreadable", pa.list_(pa.struct([("uri", pa.string()), ("error", pa.string())]))),
    ]
)
