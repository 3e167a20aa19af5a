"""Prints to standard error: progress bars, notices, and each error as one line."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from inkread.batch.sources import escape_controls
from inkread.errors import InkreadError

if TYPE_CHECKING:  # they need extras, which reading must do without
    from inkread.scale.worker import Summary
    from inkread.training.history import Step

__all__ = [
    "ReportingGroup",
    "console",
    "print_error",
    "show_count",
    "show_downloads",
    "show_reading",
    "show_scans",
    "show_training",
]

console = Console(stderr=True, highlight=False, soft_wrap=True)

# By the folders of the package that import what the extra installs.
_EXTRAS = {
    "training": "train",
    "web": "web",
    "corrections": "web",
    "forms": "forms",
    "scale": "ray",
}


class ReportingGroup(typer.core.TyperGroup):
    """Turns errors into one line on standard error and an exit code."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        """Run a command, and report its errors."""
        try:
            return super().invoke(ctx)
        except InkreadError as error:
            print_error(str(error))
        except ModuleNotFoundError as error:
            extra = _find_extra(error)
            if extra is None:
                raise
            print_error(f"this needs {error.name}: {_describe_installation(extra)}")
        except BrokenPipeError:
            _discard_output()
        except OSError as error:
            print_error(f"{error}")
            try:
                sys.stdout.flush()
            except OSError:
                _discard_output()
        except KeyboardInterrupt:
            print_error("interrupted")
            raise typer.Exit(130) from None
        raise typer.Exit(1)


def _find_extra(error: ModuleNotFoundError) -> str | None:
    """Return the extra that installs a missing module: that of the folder which imports it."""
    modules = [frame.f_globals["__name__"] for frame, _ in walk_tb(error.__traceback__)]
    folders = [name.split(".")[1] for name in modules if name.startswith("inkread.")]
    is_own = (error.name or "").startswith("inkread")
    return None if is_own else _EXTRAS.get(folders[-1])


def _describe_installation(extra: str) -> str:
    """Return the command that installs an extra: from the folder that inkread came from, if any."""
    about: dict[str, Any] = {}
    with suppress(metadata.PackageNotFoundError):  # it runs without being installed
        about = json.loads(metadata.distribution("inkread").read_text("direct_url.json") or "{}")
    if "dir_info" not in about:
        return f"pip install 'inkread[{extra}]'"
    folder = Path(url2pathname(urlsplit(about["url"]).path))
    name = "." if folder == Path.cwd() else folder
    editable = "-e " if about["dir_info"].get("editable") else ""
    return f"pip install {editable}'{name}[{extra}]'"


def _discard_output() -> None:
    """Redirect standard output to the null device, as flushing it at exit would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_error(text: str) -> None:
    """Print an error."""
    console.print(f"[red]error:[/red] {escape(escape_controls(text))}")


@contextmanager
def show_downloads() -> Iterator[Callable[[str, int, int], None]]:
    """Show the progress of downloads as bars."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def on_progress(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name)
            progress.update(tasks[name], completed=done, total=total or None)

        yield on_progress


@contextmanager
def show_reading(total: int) -> Iterator[Callable[[], None]]:
    """Show the progress of reading several pictures as a bar, on a terminal only."""
    if total < 2 or not console.is_terminal:
        yield lambda: None
        return
    columns = (
        TextColumn("{task.percentage:.0f} %"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    # If standard output is the same terminal, results are printed above the bar.
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()
    ) as progress:
        task = progress.add_task("", total=total, rate="")

        def on_done() -> None:
            progress.advance(task)
            speed = progress.tasks[0].speed
            progress.update(task, rate=f"{speed:.0f}/s" if speed else "")

        yield on_done


@contextmanager
def show_training() -> Iterator[Callable[["Step"], None]]:
    """Show the progress of a training as a bar."""
    columns = (
        TextColumn("epoch {task.fields[epoch]}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        tasks: list[TaskID] = []

        def on_step(step: "Step") -> None:
            total = step.num_epochs * step.num_steps
            done = (step.epoch - 1) * step.num_steps + step.step
            epoch = f"{step.epoch}/{step.num_epochs}"
            if not tasks:
                tasks.append(progress.add_task("", total=total, epoch=epoch, loss=step.loss))
            progress.update(tasks[0], completed=done, epoch=epoch, loss=step.loss)

        yield on_step


@contextmanager
def show_scans(total: int) -> Iterator[Callable[[int, int], None]]:
    """Show the progress of reading scans of forms as a bar."""
    columns = (
        TextColumn("scans"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[set_aside]} fields set aside"),
        TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=total, set_aside=0)

        def on_progress(done: int, set_aside: int) -> None:
            progress.update(task, completed=done, set_aside=set_aside)

        yield on_progress


@contextmanager
def show_count() -> Iterator[Callable[["Summary"], None]]:
    """Show the number of pictures done, if their total is unknown, on a terminal only."""
    if not console.is_terminal:
        yield lambda summary: None
        return
    columns = (
        TextColumn("{task.completed:,.0f} pictures"),
        TextColumn("{task.fields[failed]:,} not read"),
        TextColumn("{task.fields[known]:,} known already"), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None, failed=0, known=0)

        def on_batch(summary: "Summary") -> None:
            failed = summary.num_refused + len(summary.unreadable)
            progress.update(
                task, completed=summary.num_inputs, failed=failed, known=summary.num_known
            )

        yield on_batch
