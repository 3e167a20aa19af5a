"""What goes to standard error: progress bars, notices, and errors as one line each."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

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

from inkread.errors import InkreadError

if TYPE_CHECKING:  # they need extras, which reading must do without
    from inkread.scale.worker import Summary
    from inkread.training.history import Step

__all__ = [
    "ReportingGroup",
    "complain",
    "console",
    "counting",
    "downloads",
    "forms",
    "reading",
    "training",
]

console = Console(stderr=True, highlight=False, soft_wrap=True)


# What of each extra an error may name as missing.
_EXTRAS = {
    "train": {
        *("keras", "tensorflow", "sklearn", "scipy", "matplotlib", "onnx", "tf2onnx", "jinja2"),
        "markupsafe",
    },
    "web": {"fastapi", "uvicorn", "multipart", "prometheus_client", "sqlalchemy", "alembic"},
    "forms": {"yaml", "pydantic", "pydantic_core", "reportlab", "pyarrow", "openpyxl"},
    "ray": {"ray", "fsspec", "pandas"},
}


class ReportingGroup(typer.core.TyperGroup):
    """Turns errors into one line on standard error and an exit code."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        """Run a command; its errors end here."""
        try:
            return super().invoke(ctx)
        except InkreadError as error:
            complain(str(error))
        except ModuleNotFoundError as error:
            missing = (error.name or "").split(".")[0]
            extra = next((name for name, needs in _EXTRAS.items() if missing in needs), None)
            if extra is None:
                raise
            complain(f"this needs {error.name}: pip install 'inkread[{extra}]'")
        except BrokenPipeError:
            _abandon_output()
        except OSError as error:
            complain(f"{error}")
            try:
                sys.stdout.flush()
            except OSError:
                _abandon_output()
        except KeyboardInterrupt:
            complain("interrupted")
            raise typer.Exit(130) from None
        raise typer.Exit(1)


def _abandon_output() -> None:
    """Send what is left to nowhere: Python would fail on it once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(text: str) -> None:
    """Print an error."""
    console.print(f"[red]error:[/red] {escape(text)}")


@contextmanager
def downloads() -> Iterator[Callable[[str, int, int], None]]:
    """Show downloads as bars on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def on_progress(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name)
            progress.update(tasks[name], completed=done, total=total or None)

        yield on_progress


@contextmanager
def reading(total: int) -> Iterator[Callable[[], None]]:
    """Show how many pictures of several are done, on a terminal only."""
    if total < 2 or not console.is_terminal:
        yield lambda: None
        return
    columns = (
        TextColumn("{task.percentage:.0f} %"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    # On one terminal results are printed above the bar; elsewhere standard output is left alone.
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
def training() -> Iterator[Callable[["Step"], None]]:
    """Show the training as one bar on standard error."""
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
def forms(total: int) -> Iterator[Callable[[int, int], None]]:
    """Show how many scans are read as a bar on standard error."""
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
def counting() -> Iterator[Callable[["Summary"], None]]:
    """Show how many pictures are done, of a number that isn't known, on a terminal only."""
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
