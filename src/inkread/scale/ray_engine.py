"""Runs jobs and trainings on a cluster with Ray; the only module that imports it.

Ray Data hands batches of inputs to a pool of actors, each with one reader and one thread. The
actors write the results to the dataset themselves and return only counts. Staging and merging are
idempotent, so a batch may be read twice: after a crash, or by an earlier driver that still runs.
"""

import contextlib
import logging
import math
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

# Set before Ray is imported, which reads them once.
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import pyarrow as pa
import ray
import ray.data
import ray.exceptions

from inkread.errors import ConfigError
from inkread.scale.dataset import Dataset
from inkread.scale.inputs import SCHEMA, Input, ParquetList, list_inputs
from inkread.scale.worker import BATCH_SIZE, Job, Summary, Worker

__all__ = ["connect", "read", "run_in_parallel"]

_MAX_INPUTS_PER_TASK = 100_000  # of merging
_AUTHENTICATION_VARIABLES = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextlib.contextmanager
def connect(address: str | None = None, *, num_cpus: int | None = None) -> Iterator[None]:
    """Connect to a cluster, or start Ray on this machine; an open connection is used and kept.

    Args:
        address: address of a cluster, such as ``auto`` or ``ray://host:10001``; by default the
            environment variable ``RAY_ADDRESS``, or else this machine.
        num_cpus: cores of this machine to use; by default all.

    Raises:
        ConfigError: there is no cluster at the address.
    """
    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address == "local":
        options |= {"num_cpus": num_cpus, "include_dashboard": False}
        if not any(name in os.environ for name in _AUTHENTICATION_VARIABLES):
            # Without it Ray would store a token in the home folder.
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex()
    try:
        ray.init(address, **options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(f"expected a Ray cluster at {address}: {error}") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        yield
    finally:
        ray.shutdown()


class _Actor:
    """A ``Worker`` with the interface that Ray Data requires of actors."""

    def __init__(self, job: Job, dataset: Dataset, known: Any) -> None:
        self._worker = Worker(job, dataset, ray.get(known))

    def __call__(self, table: pa.Table) -> pa.Table:
        uris, versions = table["uri"].to_pylist(), table["version"].to_pylist()
        return self._worker.read(list(zip(uris, versions, strict=True))).to_table()


def read(
    names: Sequence[str],
    job: Job,
    dataset: Dataset,
    *,
    recursive: bool = False,
    on_batch: Callable[[Summary], None] = lambda summary: None,
) -> Summary:
    """Read the inputs that the dataset doesn't hold yet, and merge the results into it.

    Args:
        names: paths, URIs, and Parquet lists with a column ``uri`` and optionally ``version``.
        job: reads the files.
        dataset: an open dataset; one driver at a time may write to it.
        recursive: also search subfolders.
        on_batch: called after each batch with the counts so far.

    Raises:
        ConfigError: a name or a setting is invalid.
        ModelError: the model can't be loaded.
        OSError: the dataset can't be written.
    """
    job.load_reader()  # raises errors in the model or a setting before any work
    summary = Summary()
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    inputs = _create_input_dataset(names, recursive, summary)
    if inputs is not None:
        actors = inputs.map_batches(
            _Actor,
            batch_size=None,
            batch_format="pyarrow",
            compute=_create_actor_pool(),
            num_cpus=1,
            fn_constructor_args=(job, dataset, ray.put(dataset.read_known_keys())),
        )
        for line in _iterate_rows(actors):
            summary.add(Summary.from_row(line))
            on_batch(summary)
    _merge(dataset)
    dataset.write_unreadable(summary.unreadable)
    return summary


def _create_input_dataset(names: Sequence[str], recursive: bool, summary: Summary) -> Any:
    """Return a Ray dataset of inputs, a batch per block; count those known to be unreadable."""
    lists = [name for name in names if name.lower().endswith(".parquet")]
    found: list[Input] = []
    for each in list_inputs([name for name in names if name not in lists], recursive=recursive):
        if each.problem:
            summary.num_inputs += 1
            summary.unreadable.append((each.uri, each.problem))
        else:
            found.append(each)
    blocks = [
        pa.table(
            {"uri": [each.uri for each in batch], "version": [each.version for each in batch]},
            schema=SCHEMA,
        )
        for batch in (
            found[start : start + BATCH_SIZE] for start in range(0, len(found), BATCH_SIZE)
        )
    ]
    parts = [ray.data.from_arrow(blocks)] if blocks else []
    parts += [_create_list_dataset(name) for name in lists]
    if len(parts) > 1:
        return parts[0].union(*parts[1:])
    return parts[0] if parts else None


def _create_list_dataset(name: str) -> Any:
    """Return a Ray dataset that reads a Parquet list lazily, by row group."""
    found = ParquetList(name)

    def load(groups: pa.Table) -> pa.Table:
        return pa.concat_tables(map(found.read_group, groups["group"].to_pylist()))

    return _load_in_tasks("group", range(found.num_groups), load).repartition(
        target_num_rows_per_block=BATCH_SIZE
    )


def _load_in_tasks(column: str, values: Iterable[Any], load: Callable[[pa.Table], pa.Table]) -> Any:
    """Return a Ray dataset of the tables that tasks load, one for each value."""
    # Ray's own Parquet reader is not used: it fails now and then on fsspec's file systems.
    blocks = [pa.table({column: [value]}) for value in values]
    return ray.data.from_arrow(blocks).map_batches(load, batch_size=None, batch_format="pyarrow")


def _create_actor_pool() -> Any:
    num_actors = max(1, int(ray.cluster_resources().get("CPU", 1)))  # type: ignore[no-untyped-call]
    # Its size may shrink: otherwise actors of a lost node would wait for cores for ever.
    return ray.data.ActorPoolStrategy(min_size=1, initial_size=num_actors, max_size=num_actors)


def _merge(dataset: Dataset) -> None:
    """Merge the staged batches, of this run and of earlier ones that were interrupted."""
    staged = dataset.list_staged()
    if not staged:
        return

    def merge(group: pa.Table) -> pa.Table:
        dataset.merge(group["part"][0].as_py(), group)
        return pa.table({"num_inputs": [len(group)]})

    def load(paths: pa.Table) -> pa.Table:
        return pa.concat_tables(map(dataset.read_table, paths["path"].to_pylist()))

    num_tasks = math.ceil(BATCH_SIZE * len(staged) / _MAX_INPUTS_PER_TASK)
    groups = _load_in_tasks("path", staged, load).groupby(
        "part", num_partitions=min(256, num_tasks)
    )
    for _ in _iterate_rows(groups.map_groups(merge, batch_format="pyarrow")):
        pass
    dataset.remove_staged(staged)


def _iterate_rows(dataset: Any) -> Iterator[dict[str, Any]]:
    try:
        for table in dataset.iter_batches(batch_size=None, batch_format="pyarrow"):
            yield from table.to_pylist()
    except ray.exceptions.RayTaskError as error:
        # Raise the task's own exception, such as that of a full disk.
        raise error.cause from error


def run_in_parallel(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    num_threads: int = 1,
) -> Iterator[tuple[Item, Result]]:
    """Call a function with each of many items in parallel, each call on cores of its own.

    A call whose process crashes is repeated, so the function must be able to resume.

    Args:
        function: importable by other processes.
        items: the argument of each call.
        num_threads: cores per call, and threads that libraries may use in it.

    Yields:
        Each item and its result, in the order of completion.
    """
    threads = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    variables = {**dict.fromkeys(threads, str(num_threads)), "TF_CPP_MIN_LOG_LEVEL": "3"}
    remote = ray.remote(function).options(
        num_cpus=num_threads, max_retries=-1, runtime_env={"env_vars": variables}
    )
    waiting = {remote.remote(item): item for item in items}
    while waiting:
        (done,), _ = ray.wait(list(waiting), num_returns=1)
        item = waiting.pop(done)
        try:
            yield item, ray.get(done)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from error
