"""Progress bars and messages for people, on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
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

if TYPE_CHECKING:  # it needs the extra [train], which reading must do without
    from inkread.training.train import Step

__all__ = ["downloads", "messages", "training"]

messages = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def downloads() -> Iterator[Callable[[str, int, int], None]]:
    """Show downloads as bars on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=messages, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def on_progress(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name)
            progress.update(tasks[name], completed=done, total=total or None)

        yield on_progress


@contextmanager
def training() -> Iterator[Callable[["Step"], None]]:
    """Show the training as one bar on standard error."""
    columns = (
        TextColumn("epoch {task.fields[epoch]}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}"), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=messages) as progress:
        tasks: list[TaskID] = []

        def on_step(step: "Step") -> None:
            total = step.num_epochs * step.num_steps
            done = (step.epoch - 1) * step.num_steps + step.step
            epoch = f"{step.epoch}/{step.num_epochs}"
            if not tasks:
                tasks.append(progress.add_task("", total=total, epoch=epoch, loss=step.loss))
            progress.update(tasks[0], completed=done, epoch=epoch, loss=step.loss)

        yield on_step
