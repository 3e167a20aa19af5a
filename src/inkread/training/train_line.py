"""Trains the line network, which reads whole numbers, on synthetic strips with CTC.

A run's folder holds the same files as that of a digit network (see ``train``). An epoch is a pool
of strips, seen several times. Each pool, the order of its strips and its dropout masks follow from
the seed and the pool's index, so an interrupted run resumes from its last pool.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from inkread.batch.allocator import keep_freed_memory
from inkread.errors import ConfigError
from inkread.models.runtime import LineModel, list_shipped_models, prepare_strips
from inkread.training.batches.line_batches import StripPool, pool, pools
from inkread.training.data_sources import WEIGHTS_LICENCE, line_sources_of
from inkread.training.handwriting.pens import load_pens
from inkread.training.handwriting.scans import load_scans
from inkread.training.history import LineEpoch, Step
from inkread.training.line_fitting import (
    NUM_PARITY_STRIPS,
    SYMBOLS,
    LineFitting,
    compile_line,
)
from inkread.training.line_recipes import LineRecipe
from inkread.training.mnist import Mnist
from inkread.training.networks import architectures
from inkread.training.networks.reconstruction import rebuild_line_network, take_statistics
from inkread.training.runs import CHECKPOINT, MODEL, Progress, begin_run, load_network
from inkread.training.synthesis.pen_writers import PenWriters
from inkread.training.synthesis.scanned_writers import split_by_writer

__all__ = ["LineRun", "LineTraining", "train_line", "write_validation_strips"]

_NUM_VALIDATION_STRIPS = 2000
_VALIDATION_SEED = 2**31  # differs from the seeds of trainings


@dataclass(frozen=True)
class LineRun:
    """A finished training: its folder, its history and its validation strips."""

    directory: Path
    history: tuple[LineEpoch, ...]
    validation: StripPool

    @property
    def model_file(self) -> Path:
        """The run's ``model.onnx``."""
        return self.directory / MODEL


def train_line(  # noqa: PLR0913 - what a training needs
    recipe: LineRecipe,
    data: Mnist,
    directory: Path,
    *,
    seed: int = 0,
    resume: bool = False,
    start: Path | None = None,
    pens: Path | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> LineRun:
    """Train a line network and write a run's folder.

    Args:
        recipe: the configuration of the training.
        data: MNIST, whose digits the strips are made of.
        directory: the run's folder; created if missing.
        seed: decides the initial weights, the pools and everything else random.
        resume: resume the run in the folder, if there is one.
        start: the folder of a run, or the model file, whose weights are the initial weights;
            ``None``: those that the recipe names.
        pens: the folder of other people's handwriting, for a recipe with real writers; ``None``:
            see ``handwriting.pens.load_pens``.
        on_step: called after every step.

    Raises:
        ConfigError: the folder holds a run and ``resume`` is false, or another run; or ``start``
            holds no checkpoint, or one of another network.
        DataError: the recipe has real writers, and their files are missing or broken.
        ModelError: a checkpoint is broken, or the exported file differs from the network.
        OSError: the folder can't be written.
    """
    training = LineTraining(
        recipe, data, directory, seed=seed, resume=resume, start=start, pens=pens, on_step=on_step
    )
    if not training.is_finished:
        for _ in training.epochs():
            pass
        training.finish()
    return LineRun(directory, tuple(training.history), training.validation)


class LineTraining:
    """A training that runs pool by pool, so that callers can use the network in between."""

    def __init__(  # noqa: PLR0913 - those of ``train_line``
        self,
        recipe: LineRecipe,
        data: Mnist,
        directory: Path,
        *,
        seed: int = 0,
        resume: bool = False,
        start: Path | None = None,
        pens: Path | None = None,
        on_step: Callable[[Step], None] | None = None,
    ) -> None:
        """Begin or resume a run; arguments and errors as for ``train_line``."""
        if start is None and recipe.start:
            start = _find_shipped(recipe.start)
        if start is not None:
            recipe = replace(recipe, start_sha256=_sha256(_weights_file(start)))
        self._recipe, self._data, self._directory, self._seed = recipe, data, directory, seed
        self._on_step = on_step
        self._writers = _load_writers(recipe, pens, validation=False)
        begin_run(recipe, seed, directory, resume)
        keep_freed_memory()
        keras.utils.set_random_seed(seed)
        writers = _load_writers(recipe, pens, validation=True)
        self.validation = write_validation_strips(data, writers)

        def build_network() -> keras.Model:
            network = _build_network(recipe, start, self.validation.strips[:NUM_PARITY_STRIPS])
            return compile_line(network, recipe)

        self._progress = Progress(directory, LineEpoch, recipe.steps_per_pool, build_network)

    @property
    def is_finished(self) -> bool:
        """Whether all pools are done and the model file and the metrics exist."""
        return self._progress.is_finished(self._recipe.num_pools)

    @property
    def network(self) -> keras.Model:
        """The network after the last pool."""
        return self._progress.network

    @property
    def history(self) -> list[LineEpoch]:
        """The history of the pools so far."""
        return self._progress.history

    def epochs(self) -> Iterator[LineEpoch]:
        """Train on the remaining pools; each is saved before it is yielded."""
        left = range(len(self.history), self._recipe.num_pools)
        made = pools(
            self._data.train, self._recipe.pool_size, self._seed, left, writers=self._writers
        )
        for strips in made:
            yield self._progress.add(self._fitting.train_pool(strips, self.history))

    def finish(self) -> None:
        """Calibrate and export the network, and measure it on synthetic validation numbers."""
        sources = line_sources_of(self._recipe)
        self._fitting.finish(
            self._directory,
            seconds=self.history[-1].seconds,
            licence=WEIGHTS_LICENCE,
            attribution=tuple(each.attribution for each in sources),
        )

    @property
    def _fitting(self) -> LineFitting:
        return LineFitting(self.network, self._recipe, self._seed, self.validation, self._on_step)


def _sha256(checkpoint: Path) -> str:
    try:
        return hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"expected a run to start from: {error}") from error


def write_validation_strips(data: Mnist, writers: PenWriters | None = None) -> StripPool:
    """Write the numbers that line networks are measured on, the same for all of them.

    Args:
        data: MNIST, whose validation images the numbers are made of.
        writers: real writers, who write some of them; ``None``: there are none.
    """
    return pool(data.validation, _NUM_VALIDATION_STRIPS, _VALIDATION_SEED, 0, writers=writers)


def _load_writers(recipe: LineRecipe, pens: Path | None, *, validation: bool) -> PenWriters | None:
    if not recipe.writers:
        return None
    scanned = split_by_writer(load_scans(pens, validation=validation))
    return PenWriters(load_pens(pens, validation=validation), recipe.writers, scanned)


def _find_shipped(name: str) -> Path:
    shipped = list_shipped_models("line")
    if name not in shipped:
        raise ConfigError(
            f"expected a shipped line model among {sorted(shipped)}, received {name!r}"
        )
    return shipped[name]


def _weights_file(start: Path) -> Path:
    return start / CHECKPOINT if start.is_dir() else start


def _build_network(
    recipe: LineRecipe, start: Path | None, strips: list[npt.NDArray[np.uint8]]
) -> keras.Model:
    """Build the network that a training begins with.

    Args:
        recipe: of the training.
        start: a run or a model file whose weights are the initial weights; ``None``: random ones.
        strips: check what was built from a model file, and give batch normalisation the statistics
            that the file lacks.

    Raises:
        ConfigError: the start is of another network.
    """
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(recipe.precision)
    try:
        network = architectures.build_line(recipe.network, len(SYMBOLS), recipe.dropout)
    finally:
        keras.config.set_dtype_policy(policy)
    if start is None:
        return network
    if start.is_dir():
        known = load_network(start)
    else:
        known = rebuild_line_network(LineModel(start), strips)
        take_statistics(known, prepare_strips(strips))
    try:
        architectures.grow(network, known)
    except ConfigError as error:
        raise ConfigError(f"{start}: {error}") from error
    return network
