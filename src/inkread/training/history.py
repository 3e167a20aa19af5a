"""Reads and writes the history of a run, ``history.csv``, with one row per epoch."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TypeVar

from inkread.errors import ConfigError
from inkread.files import write_atomically

__all__ = ["Epoch", "LineEpoch", "Step", "concatenate_histories", "read_history", "write_history"]


@dataclass(frozen=True)
class Epoch:
    """The metrics of one epoch.

    Attributes:
        epoch: the epoch's number, from 1.
        loss: mean training loss over the epoch, in nats, with dropout, distortions and label
            smoothing.
        accuracy: share of the training images read correctly during the epoch, likewise.
        validation_loss: negative log-likelihood of the validation images after it, in nats.
        validation_accuracy: share of the validation images read correctly after it.
        seconds: training time since the start of the run, with compilation, without evaluation.
    """

    epoch: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


@dataclass(frozen=True)
class LineEpoch:
    """The metrics of one pool of strips.

    Attributes:
        epoch: the epoch's number, from 1.
        loss: mean training loss over the pool, in nats per symbol.
        validation_loss: loss on synthetic numbers of validation images, after the pool.
        validation_accuracy: share of those numbers read correctly as a whole, with separators.
        seconds: training time since the start of the run, with compilation, without evaluation.
    """

    epoch: int
    loss: float
    validation_loss: float
    validation_accuracy: float
    seconds: float


@dataclass(frozen=True)
class Step:
    """The progress of a training.

    Attributes:
        epoch: the current epoch, from 1.
        num_epochs: number of epochs.
        step: the current step of the epoch, from 1.
        num_steps: number of steps in an epoch.
        loss: mean training loss of the epoch so far, in nats.
    """

    epoch: int
    num_epochs: int
    step: int
    num_steps: int
    loss: float


Row = TypeVar("Row", Epoch, LineEpoch)


def write_history(path: Path, history: Sequence[Row]) -> None:
    """Write a history, replacing the file atomically.

    Raises:
        OSError: the file can't be written.
    """
    text = io.StringIO()
    columns = [column.name for column in fields(history[0] if history else Epoch)]
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(epoch) for epoch in history)
    write_atomically(path, text.getvalue())


def concatenate_histories(histories: Sequence[Sequence[Epoch]]) -> list[Epoch]:
    """Concatenate the histories of consecutive trainings; epochs and seconds accumulate."""
    joined: list[Epoch] = []
    for history in histories:
        before = joined[-1].seconds if joined else 0.0
        for epoch in history:
            seconds = before + epoch.seconds
            joined.append(replace(epoch, epoch=len(joined) + 1, seconds=seconds))
    return joined


def read_history(path: Path, kind: type[Row]) -> list[Row]:
    """Read a history.

    Args:
        path: the CSV file.
        kind: the type of its rows.

    Raises:
        ConfigError: the file is missing or broken.
    """
    columns = [column.name for column in fields(kind)]
    try:
        with path.open(newline="") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames != columns:
                raise ConfigError(
                    f"{path}: expected the columns {columns}, received {reader.fieldnames}"
                )
            return [
                kind(int(row["epoch"]), *(float(row[column]) for column in columns[1:]))
                for row in reader
            ]
    except (OSError, ValueError, TypeError, KeyError, csv.Error) as error:
        raise ConfigError(f"expected the history of a run at {path}: {error!r}") from error
