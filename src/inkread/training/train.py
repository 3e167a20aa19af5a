"""The training loop: ``train(recipe, data, directory)`` makes a run.

A run's folder holds ``recipe.json``, ``history.csv``, ``checkpoint.keras``, and when it is done
``model.onnx`` and ``metrics.json``; that of a recipe with members also ``members/``, a run each.
Nothing random outlives an epoch: the order of the images, their distortions and dropout follow from
the seed and the number of the epoch. So a run that was killed and resumed from its checkpoint,
which holds the weights and the optimizer's state, ends as one that was never interrupted.
"""

import datetime
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras

import inkread
from inkread.errors import ConfigError
from inkread.files import write_atomically
from inkread.memory import keep_freed_memory
from inkread.metadata import ModelMetadata
from inkread.normalize import GlyphShape
from inkread.runtime import Model, classified
from inkread.training import export, models
from inkread.training.batches import Batches, Source
from inkread.training.calibrate import fit_temperature, threshold_keeping
from inkread.training.evaluate import score
from inkread.training.fitting import fitted, one_cycle, predict, restart_dropout
from inkread.training.history import Epoch, Step, chained, write_history
from inkread.training.mnist import TRAIN_IMAGES, Mnist, Split
from inkread.training.other_hands import OtherHands
from inkread.training.recipes import Recipe
from inkread.training.runs import (
    CHECKPOINT,
    HISTORY,
    MEMBERS,
    METRICS,
    MODEL,
    Progress,
    begin,
)

__all__ = [
    "Run",
    "Step",
    "Training",
    "finish",
    "set_up",
    "train",
]

LABELS = tuple(str(digit) for digit in range(10))
PARITY_GLYPHS = 512
KEPT_DIGITS = 0.995  # share of the validation images that are not rejected as no digits


@dataclass(frozen=True)
class Run:
    """A finished training: its folder, recipe, seed, history, and the network as trained."""

    directory: Path
    recipe: Recipe
    seed: int
    history: tuple[Epoch, ...]
    network: keras.Model

    @property
    def answering(self) -> keras.Model:
        """The network as it answers."""
        return models.answering(self.network, self.recipe)

    @property
    def model_file(self) -> Path:
        """The run's ``model.onnx``."""
        return self.directory / MODEL


def train(  # noqa: PLR0913 - what to do, and four options by name
    recipe: Recipe,
    data: Mnist,
    directory: Path,
    *,
    seed: int = 0,
    resume: bool = False,
    teacher: Path | None = None,
    pens: Path | None = None,
    on_step: Callable[[Step], None] | None = None,
) -> Run:
    """Train a network, or the members of an ensemble or a cascade, and leave a run in a folder.

    Args:
        recipe: what to train, and how.
        data: trained on ``data.train``; ``data.validation`` gives each epoch's figures and the
            temperature. The test images are not touched.
        directory: the run's folder; made if need be.
        seed: decides the first weights, the order of the images, distortions and dropout.
        resume: go on from the last epoch that the folder holds.
        teacher: the model file that gives the targets, for a recipe with a teacher, or members
            that have one.
        pens: the folder of other people's handwriting, for a recipe that needs it; ``None``: see
            ``pens.load_pens``.
        on_step: called after every step, or after the steps of one call if the recipe joins them.

    Raises:
        ConfigError: the folder holds a run and ``resume`` is false, or another run; ``seed`` is not
            in [0, 2**32), or that by the number of members; there is no teacher,
            one of another recipe than ``recipe`` wants, or another than the run was begun with.
        DataError: the recipe needs other people's handwriting, and it is not there.
        ModelError: the folder's checkpoint or the teacher is broken.
        OSError: the folder can't be written.
    """
    if recipe.members:
        members = _begin_members(recipe, directory, seed, resume, teacher)
        runs = [
            train(
                member, data, folder,
                seed=own_seed, resume=resume, pens=pens, on_step=on_step,
                teacher=teacher if member.teacher else None,
            )
            for member, folder, own_seed in members
        ]  # fmt: skip
        run = _joined(runs, recipe, directory, seed)
        finish(run, data.validation, _sha256(teacher))
        return run
    training = Training(
        recipe, data, directory,
        seed=seed, resume=resume, teacher=teacher, pens=pens, on_step=on_step,
    )  # fmt: skip
    if training.is_finished:
        return training.run
    for _ in training.epochs():
        pass
    return training.finish()


def _begin_members(
    recipe: Recipe, directory: Path, seed: int, resume: bool, teacher: Path | None
) -> list[tuple[Recipe, Path, int]]:
    """Begin or resume the run of an ensemble or a cascade; return members, folders and seeds."""
    count = len(recipe.members)
    _check_seed(seed, (2**32 - count) // count)
    for each in [member for member in recipe.members if member.teacher] or [recipe]:
        _teacher(each, teacher)
    begin(recipe, seed, directory, resume, _sha256(teacher))
    return [
        (member, directory / MEMBERS / f"{index}-{member.name}", seed * count + index)
        for index, member in enumerate(recipe.members)
    ]


def _joined(runs: Sequence[Run], recipe: Recipe, directory: Path, seed: int) -> Run:
    """Join the runs of the members into one, calibration and export apart."""
    history = tuple(chained([run.history for run in runs]))
    write_history(directory / HISTORY, history)
    network = models.joined([run.network for run in runs], recipe)
    network.save(directory / CHECKPOINT)
    return Run(directory, recipe, seed, history, network)


class Training:
    """A training that is taken epoch by epoch, for who wants to look at the network in between."""

    def __init__(  # noqa: PLR0913 - those of ``train``
        self,
        recipe: Recipe,
        data: Mnist,
        directory: Path,
        *,
        seed: int = 0,
        resume: bool = False,
        teacher: Path | None = None,
        pens: Path | None = None,
        on_step: Callable[[Step], None] | None = None,
    ) -> None:
        """Begin or resume; arguments and errors as for ``train``, but the recipe has no members."""
        self._recipe, self._data, self._directory, self._seed = recipe, data, directory, seed
        self._on_step = on_step
        if recipe.members:
            raise ConfigError(f"expected the recipe of one network, received {recipe.name!r}")
        _check_seed(seed, 2**32 - 1)
        loaded_teacher = _teacher(recipe, teacher)
        self._teacher_sha256 = _sha256(teacher)
        others = OtherHands.load(pens) if recipe.needs_others else None
        begin(recipe, seed, directory, resume, self._teacher_sha256)
        self._source = Source(data.train, recipe, seed, loaded_teacher, others)
        keep_freed_memory()
        keras.utils.set_random_seed(seed)
        num_batches = self._source.num_batches

        def first() -> keras.Model:
            network = models.build(recipe.network, recipe.num_outputs, recipe.dropout)
            set_up(network, recipe, num_steps=recipe.epochs * num_batches)
            return network

        self._progress = Progress(directory, Epoch, num_batches, first)

    @property
    def network(self) -> keras.Model:
        """As the last epoch left it."""
        return self._progress.network

    @property
    def history(self) -> list[Epoch]:
        """The epochs so far."""
        return self._progress.history

    def epochs(self) -> Iterator[Epoch]:
        """Train the epochs that are left; each is on disk when it is handed out."""
        for number in range(len(self.history), self._recipe.epochs):
            yield self._progress.add(self._trained_epoch(number))

    @property
    def run(self) -> Run:
        """The run as it stands."""
        return Run(self._directory, self._recipe, self._seed, tuple(self.history), self.network)

    @property
    def is_finished(self) -> bool:
        """Whether no epoch is left, and the model file and the metrics are there."""
        return self._progress.is_finished(self._recipe.epochs)

    def finish(self) -> Run:
        """Calibrate, export, and measure on the validation images."""
        finish(self.run, self._data.validation, self._teacher_sha256)
        return self.run

    def _trained_epoch(self, number: int) -> Epoch:
        batches = partial(Batches, self._source, number)
        restart_dropout(self.network, self._seed, number)
        place = (number, self._recipe.epochs)
        return fitted(
            self.network, batches, self._data.validation, place, self.history, self._on_step
        )


def _teacher(recipe: Recipe, path: Path | None) -> Model | None:
    """Load the teacher that a recipe wants."""
    if recipe.teacher is None:
        if path:
            raise ConfigError(f"expected no teacher for recipe {recipe.name!r}, received {path}")
        return None
    if path is None:
        raise ConfigError(
            f"recipe {recipe.name!r} needs a teacher: the model file of recipe {recipe.teacher!r}"
        )
    model = Model(path)
    if model.metadata.recipe.get("name") != recipe.teacher:
        raise ConfigError(
            f"expected a teacher of recipe {recipe.teacher!r}, "
            f"received {path} of {model.metadata.recipe.get('name')!r}"
        )
    return model


def _sha256(file: Path | None) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file else None


def set_up(network: keras.Model, recipe: Recipe, num_steps: int) -> None:
    """Compile a network as a recipe says, for so many steps in all."""
    rate: Any = recipe.learning_rate
    if recipe.warmup is not None:
        rate = one_cycle(rate, recipe.warmup, num_steps)
    network.compile(
        optimizer=keras.optimizers.Adam(rate, weight_decay=recipe.weight_decay or None),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        steps_per_execution=recipe.steps_per_call,
        jit_compile=False,  # XLA compiles longer than it saves here
    )


def _check_seed(seed: int, largest: int) -> None:
    if not 0 <= seed <= largest:
        raise ConfigError(f"expected a seed from 0 to {largest}, received {seed}")


def finish(run: Run, validation: Split, teacher_sha256: str | None = None) -> None:
    """Calibrate, export and measure on the validation images."""
    network = run.answering
    raw = predict(network, validation)
    uncalibrated = classified(raw, len(LABELS), temperature=1.0)
    temperature = fit_temperature(uncalibrated.probabilities, validation.labels)
    outputs = classified(raw, len(LABELS), temperature)
    found = score(outputs.probabilities, validation.labels)
    tells_junk = run.recipe.num_outputs > len(LABELS)
    threshold = threshold_keeping(outputs.junk, KEPT_DIGITS) if tells_junk else None
    metadata = ModelMetadata(
        labels=LABELS,
        shape=GlyphShape(),
        temperature=temperature,
        junk_threshold=threshold,
        recipe=run.recipe.to_dict(),
        seed=run.seed,
        data_sha256=TRAIN_IMAGES.sha256,
        teacher_sha256=teacher_sha256,
        package_version=inkread.__version__,
        trained=datetime.datetime.now(datetime.UTC).date().isoformat(),
        figures={"validation_accuracy": found.accuracy},
    )
    glyphs = export.settled(network, validation.images[:PARITY_GLYPHS], run.recipe.sure)
    export.to_onnx(network, run.model_file, metadata, glyphs)
    metrics = {
        "validation_accuracy": asdict(found.accuracy),
        "validation_negative_log_likelihood": found.negative_log_likelihood,
        "temperature": temperature,
        "junk_threshold": threshold,
        "training_seconds": run.history[-1].seconds,
        "num_parameters": run.network.count_params(),
    }
    write_atomically(run.directory / METRICS, json.dumps(metrics, indent=2) + "\n")
