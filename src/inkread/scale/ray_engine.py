"""Ray: many machines read, or train, what one of them would; the only module that imports it.

Ray Data hands batches of inputs to a pool of actors, each with one reader and one thread. What the
actors return is small: the rows go from them to the dataset. So a batch that is read twice, after
a death or by an earlier driver that is still at work, leaves what it left before.
"""

import contextlib
import logging
import math
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

# Before Ray is imported, which reads them then.
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import pyarrow as pa
import ray
import ray.data
import ray.exceptions

from inkread.errors import ConfigError
from inkread.scale.dataset import Dataset
from inkread.scale.inputs import SCHEMA, Input, ParquetList, listed
from inkread.scale.worker import BATCH, Job, Summary, Worker

__all__ = ["connected", "read", "side_by_side"]

_INPUTS_A_PARTITION = 100_000  # that one task merges
_AUTHENTICATION = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextlib.contextmanager
def connected(address: str | None = None, *, num_cpus: int | None = None) -> Iterator[None]:
    """Use a cluster, or start Ray on this machine; if it is in use already, it stays so.

    Args:
        address: of a cluster, such as ``auto`` or ``ray://host:10001``; the environment's
            ``RAY_ADDRESS`` if not given.
        num_cpus: cores to use of this machine; all of them if not given.

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
        if not any(name in os.environ for name in _AUTHENTICATION):
            # Otherwise Ray stores a token in the home folder.
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
    """A worker that Ray Data hands tables to."""

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
    """Read what names mean, but what the dataset holds already, and merge it into the dataset.

    Args:
        names: paths, URIs, and Parquet lists with a column ``uri`` and perhaps ``version``.
        job: how to read.
        dataset: open; one driver at a time may write to it.
        recursive: look in folders of folders, too.
        on_batch: called with what came of all inputs so far.

    Raises:
        ConfigError: a name or a setting is wrong.
        ModelError: the model can't be loaded.
        OSError: the dataset can't be written.
    """
    job.reader()  # what is wrong with the model or a setting is said before any work
    summary = Summary()
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    inputs = _inputs(names, recursive, summary)
    if inputs is not None:
        actors = inputs.map_batches(
            _Actor,
            batch_size=None,
            batch_format="pyarrow",
            compute=_pool(),
            num_cpus=1,
            fn_constructor_args=(job, dataset, ray.put(dataset.known())),
        )
        for line in _lines(actors):
            summary.add(Summary.from_line(line))
            on_batch(summary)
    _merge(dataset)
    dataset.name_unreadable(summary.unreadable)
    return summary


def _inputs(names: Sequence[str], recursive: bool, summary: Summary) -> Any:
    """Return a Ray dataset of inputs, a block a batch; note what can't be read by its name."""
    lists = [name for name in names if name.lower().endswith(".parquet")]
    found: list[Input] = []
    for each in listed([name for name in names if name not in lists], recursive=recursive):
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
        for batch in (found[start : start + BATCH] for start in range(0, len(found), BATCH))
    ]
    parts = [ray.data.from_arrow(blocks)] if blocks else []
    parts += [_list(name) for name in lists]
    if len(parts) > 1:
        return parts[0].union(*parts[1:])
    return parts[0] if parts else None


def _list(name: str) -> Any:
    """Return a Parquet list as a Ray dataset; but for its schema it is not read yet."""
    found = ParquetList(name)

    def load(groups: pa.Table) -> pa.Table:
        return pa.concat_tables(map(found.inputs, groups["group"].to_pylist()))

    return _spread("group", range(found.num_groups), load).repartition(
        target_num_rows_per_block=BATCH
    )


def _spread(column: str, values: Iterable[Any], load: Callable[[pa.Table], pa.Table]) -> Any:
    """Return what tasks load for each of the values."""
    # Not Ray's own reading of Parquet, which fails now and then on fsspec's file systems.
    blocks = [pa.table({column: [value]}) for value in values]
    return ray.data.from_arrow(blocks).map_batches(load, batch_size=None, batch_format="pyarrow")


def _pool() -> Any:
    num_actors = max(1, int(ray.cluster_resources().get("CPU", 1)))  # type: ignore[no-untyped-call]
    # It may shrink: else actors of a dead node would wait for cores until the end of time.
    return ray.data.ActorPoolStrategy(min_size=1, initial_size=num_actors, max_size=num_actors)


def _merge(dataset: Dataset) -> None:
    """Merge what is staged, by this run or one before it that was killed."""
    staged = dataset.staged()
    if not staged:
        return

    def merge(group: pa.Table) -> pa.Table:
        dataset.merge(group["part"][0].as_py(), group)
        return pa.table({"num_inputs": [len(group)]})

    def load(paths: pa.Table) -> pa.Table:
        return pa.concat_tables(map(dataset.table, paths["path"].to_pylist()))

    num_tasks = math.ceil(BATCH * len(staged) / _INPUTS_A_PARTITION)
    groups = _spread("path", staged, load).groupby("part", num_partitions=min(256, num_tasks))
    for _ in _lines(groups.map_groups(merge, batch_format="pyarrow")):
        pass
    dataset.forget(staged)


def _lines(dataset: Any) -> Iterator[dict[str, Any]]:
    try:
        for table in dataset.iter_batches(batch_size=None, batch_format="pyarrow"):
            yield from table.to_pylist()
    except ray.exceptions.RayTaskError as error:
        # What went wrong in a task, a full disk say, as if it had been done here.
        raise error.cause from error


def side_by_side(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    num_threads: int = 1,
) -> Iterator[tuple[Item, Result]]:
    """Call a function with many items at once, each on cores of its own.

    A call whose process dies is made again, so the function must bear that.

    Args:
        function: importable by the processes that call it.
        items: what it is called with.
        num_threads: cores of a call, and threads that the libraries in it may use.

    Yields:
        Each item and what was returned, as they are done.
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
