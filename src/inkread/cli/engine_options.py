"""The options of commands that can run on Ray, and reading with it, which imports Ray lazily."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from inkread.cli import progress

if TYPE_CHECKING:  # it needs the extra [ray]
    from inkread.scale.worker import Job

__all__ = ["ChosenEngine", "Engine", "RayAddress", "check_address", "read_on_ray"]


class Engine(StrEnum):
    """Where the work is done."""

    LOCAL = "local"
    RAY = "ray"


ChosenEngine = Annotated[
    Engine, typer.Option("--engine", help="Processes of this machine, or Ray, on many.")
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        help="Cluster to run on; RAY_ADDRESS, or else this machine's cores.", show_default=False
    ),
]


def check_address(engine: Engine, address: str | None) -> None:
    """Refuse the address of a cluster that nothing would run on."""
    if address is not None and engine is not Engine.RAY:
        raise typer.BadParameter("--ray-address is of a cluster: add --engine ray")


def read_on_ray(
    names: Sequence[str],
    make_job: "Callable[[], Job]",
    out: str,
    address: str | None,
    *,
    recursive: bool = False,
    again: bool = False,
) -> None:
    """Read into a folder of Parquet files with Ray, and print a summary.

    Args:
        names: paths, URIs, and Parquet lists of them.
        make_job: makes the job; called after Ray is imported.
        out: path or URI of the folder.
        address: address of a cluster; ``None``: the default of ``RayAddress``.
        recursive: also search subfolders.
        again: remove the results that the folder holds.

    Raises:
        typer.Exit: some inputs could not be read.
    """
    from inkread.scale import ray_engine
    from inkread.scale.dataset import Dataset

    job = make_job()
    dataset = Dataset(out, job.row_schema)
    dataset.open(job.settings, again=again)
    with ray_engine.connect(address), progress.show_count() as on_batch:
        summary = ray_engine.read(names, job, dataset, recursive=recursive, on_batch=on_batch)
    progress.console.print(
        f"{summary.num_read:,} pictures read, {summary.num_rows:,} rows, "
        f"{summary.num_known:,} known already: {escape(out)}"
    )
    if failed := summary.num_refused + len(summary.unreadable):
        progress.print_error(f"{failed:,} not read; the column error says why")
        raise typer.Exit(1)
