"""Trains digit networks, ensembles and cascades, and writes each run to a folder.

A run's folder holds ``recipe.json``, ``history.csv`` and ``checkpoint.keras``, and when the
training is finished ``model.onnx`` and ``metrics.json``; a recipe with members adds ``members/``,
with the folder of a run for each. No random state outlives an epoch: the order of the images, their
distortions and the dropout masks follow from the seed and the epoch's index. So a run that is
resumed from its checkpoint, which holds the weights and the optimizer's state, gives the same
result as an uninterrupted one.
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
import numpy as np
import numpy.typing as npt

import inkread
from inkread.batch.allocator import keep_freed_memory
from inkread.errors import ConfigError
from inkread.files import write_atomically
from inkread.imaging.normalize import GlyphShape
from inkread.models.metadata import ModelMetadata
from inkread.models.runtime import Model, calibrate_outputs, prepare_glyphs
from inkread.training.batches.glyph_batches import Batches, GlyphSource
from inkread.training.data_sources import WEIGHTS_LICENCE, sources_of
from inkread.training.epoch import make_one_cycle_schedule, predict, reseed_dropout, train_epoch
from inkread.training.evaluation.calibrate import fit_rejection_threshold, fit_temperature
from inkread.training.evaluation.evaluate import score_probabilities
from inkread.training.history import Epoch, Step, concatenate_histories, write_history
from inkread.training.mnist import TRAIN_IMAGES, Mnist, Split
from inkread.training.networks import architectures, export
from inkread.training.networks.reconstruction import rebuild_network, take_statistics
from inkread.training.recipes import Recipe, recipe_from_dict
from inkread.training.runs import (
    CHECKPOINT,
    HISTORY,
    MEMBERS,
    METRICS,
    MODEL,
    Progress,
    begin_run,
)
from inkread.training.synthesis.other_hands import OtherHands

__all__ = [
    "Run",
    "Step",
    "Training",
    "compile_network",
    "finish_run",
    "train",
]

LABELS = tuple(str(digit) for digit in range(10))
NUM_PARITY_GLYPHS = 512  # glyphs that the exported file is checked with
MIN_SHARE_OF_DIGITS_KEPT = 0.995  # of the validation images, at the threshold
MIN_SHARE_OF_OTHERS_KEPT = 0.985  # of the digits of other people who are kept for validation
_NUM_STATISTICS = 2048  # glyphs that batch normalisation's statistics are taken from
_NUM_OTHERS = 2500  # digits of theirs
_OTHERS_SEED = 2**31


@dataclass(frozen=True)
class Run:
    """A finished training: its folder, recipe, seed, history and trained network."""

    directory: Path
    recipe: Recipe
    seed: int
    history: tuple[Epoch, ...]
    network: keras.Model

    @property
    def inference_network(self) -> keras.Model:
        """The network with the test-time augmentation of its recipe."""
        return architectures.build_inference_network(self.network, self.recipe)

    @property
    def model_file(self) -> Path:
        """The run's ``model.onnx``."""
        return self.directory / MODEL


def train(  # noqa: PLR0913 - three arguments and five keyword options
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
    """Train a network, or the members of an ensemble or a cascade, and write a run's folder.

    Args:
        recipe: the configuration of the training.
        data: MNIST. ``data.train`` is trained on; ``data.validation`` gives the metrics of each
            epoch and the temperature. The test images aren't used.
        directory: the run's folder; created if missing.
        seed: decides the initial weights, the order of the images, distortions and dropout.
        resume: resume from the last epoch saved in the folder.
        teacher: the model file that gives the targets, if the recipe or a member has a teacher.
        pens: folder of other people's handwriting, for recipes that train on it; ``None``: the
            environment variable INKREAD_PENS names it.
        on_step: called after every step, or once per ``recipe.steps_per_call`` steps.

    Raises:
        DataError: other people's handwriting is needed, and missing or broken.
        ConfigError: the folder holds a run and ``resume`` is false, or a different run; ``seed`` is
            not in [0, 2**32), divided by the number of members; the teacher is missing, is of the
            wrong recipe, or isn't the one that the run was started with.
        ModelError: the folder's checkpoint or the teacher is broken.
        OSError: the folder can't be written.
    """
    if recipe.members:
        others = _draw_validation_digits(recipe, pens)  # an error in the folder is found at once
        members = _begin_members(recipe, directory, seed, resume, teacher)
        runs = [
            train(
                member, data, folder,
                seed=own_seed, resume=resume, on_step=on_step,
                teacher=teacher if member.teacher else None, pens=pens,
            )
            for member, folder, own_seed in members
        ]  # fmt: skip
        run = _join_runs(runs, recipe, directory, seed)
        finish_run(run, data.validation, _sha256(teacher), others=others)
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
    """Begin or resume the run of an ensemble or a cascade; return its members."""
    count = len(recipe.members)
    _check_seed(seed, (2**32 - count) // count)
    for each in [member for member in recipe.members if member.teacher] or [recipe]:
        _load_teacher(each, teacher)
    begin_run(recipe, seed, directory, resume, _sha256(teacher))
    return [
        (member, directory / MEMBERS / f"{index}-{member.name}", seed * count + index)
        for index, member in enumerate(recipe.members)
    ]


def _join_runs(runs: Sequence[Run], recipe: Recipe, directory: Path, seed: int) -> Run:
    """Combine the members' runs into one run that isn't calibrated and exported yet."""
    history = tuple(concatenate_histories([run.history for run in runs]))
    write_history(directory / HISTORY, history)
    network = architectures.join_members([run.network for run in runs], recipe)
    network.save(directory / CHECKPOINT)
    return Run(directory, recipe, seed, history, network)


class Training:
    """A training that runs epoch by epoch, so that callers can use the network in between."""

    def __init__(  # noqa: PLR0913 - the arguments of ``train``
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
        """Begin or resume a run; as for ``train``, but the recipe must have no members."""
        self._recipe, self._data, self._directory, self._seed = recipe, data, directory, seed
        self._on_step = on_step
        if recipe.members:
            raise ConfigError(f"expected the recipe of one network, received {recipe.name!r}")
        _check_seed(seed, 2**32 - 1)
        loaded_teacher = _load_teacher(recipe, teacher)
        self._teacher_sha256 = _sha256(teacher)
        hands = OtherHands.load(pens) if recipe.needs_others else None
        self._others = _draw_validation_digits(recipe, pens)
        begin_run(recipe, seed, directory, resume, self._teacher_sha256)
        self._source = GlyphSource(data.train, recipe, seed, loaded_teacher, hands)
        keep_freed_memory()
        keras.utils.set_random_seed(seed)
        num_batches = self._source.num_batches

        def build_network() -> keras.Model:
            network = architectures.build(recipe.network, recipe.num_outputs, recipe.dropout)
            if loaded_teacher is not None and recipe.from_teacher:
                _begin_as(loaded_teacher, network, recipe, data.train.images[:_NUM_STATISTICS])
            compile_network(network, recipe, num_steps=recipe.epochs * num_batches)
            return network

        self._progress = Progress(directory, Epoch, num_batches, build_network)

    @property
    def network(self) -> keras.Model:
        """The network after the last epoch."""
        return self._progress.network

    @property
    def history(self) -> list[Epoch]:
        """The history so far."""
        return self._progress.history

    def epochs(self) -> Iterator[Epoch]:
        """Train the remaining epochs; each is saved before it is yielded."""
        for number in range(len(self.history), self._recipe.epochs):
            yield self._progress.add(self._train_epoch(number))

    @property
    def run(self) -> Run:
        """The run so far."""
        return Run(self._directory, self._recipe, self._seed, tuple(self.history), self.network)

    @property
    def is_finished(self) -> bool:
        """Whether all epochs are done and the model file and the metrics exist."""
        return self._progress.is_finished(self._recipe.epochs)

    def finish(self) -> Run:
        """Calibrate and export the network, and measure it on the validation images."""
        finish_run(self.run, self._data.validation, self._teacher_sha256, others=self._others)
        return self.run

    def _train_epoch(self, number: int) -> Epoch:
        batches = partial(Batches, self._source, number)
        reseed_dropout(self.network, self._seed, number)
        place = (number, self._recipe.epochs)
        return train_epoch(
            self.network, batches, self._data.validation, place, self.history, self._on_step
        )


def _draw_validation_digits(recipe: Recipe, pens: Path | None) -> Split | None:
    """Draw digits of the people who are kept for validation; ``None`` if the recipe needs none."""
    if not recipe.needs_others:
        return None
    hands = OtherHands.load(pens, validation=True)
    return hands.draw_digits(_NUM_OTHERS, np.random.default_rng(_OTHERS_SEED))


def _load_teacher(recipe: Recipe, path: Path | None) -> Model | None:
    """Load a recipe's teacher, or return ``None`` if the recipe has none."""
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


def _begin_as(
    teacher: Model, network: keras.Model, recipe: Recipe, glyphs: npt.NDArray[np.uint8]
) -> None:
    """Give a network the weights of the teacher's network of the same architecture."""
    known = rebuild_network(teacher, glyphs[:NUM_PARITY_GLYPHS])
    parts = architectures.get_members(known) or [known]
    names = [each.network for each in recipe_from_dict(teacher.metadata.recipe).networks]
    if recipe.network not in names:
        raise ConfigError(
            f"expected a teacher with a network {recipe.network!r}, received one of {names}"
        )
    part = parts[names.index(recipe.network)]
    take_statistics(part, prepare_glyphs(glyphs))
    network.set_weights(part.get_weights())


def _sha256(file: Path | None) -> str | None:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file else None


def compile_network(network: keras.Model, recipe: Recipe, num_steps: int) -> None:
    """Compile a network with a recipe's optimizer and loss, for ``num_steps`` steps in all."""
    rate: Any = recipe.learning_rate
    if recipe.warmup is not None:
        rate = make_one_cycle_schedule(rate, recipe.warmup, num_steps)
    network.compile(
        optimizer=keras.optimizers.Adam(rate, weight_decay=recipe.weight_decay or None),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        steps_per_execution=recipe.steps_per_call,
        jit_compile=False,  # XLA would take longer to compile than it saves
    )


def _check_seed(seed: int, largest: int) -> None:
    if not 0 <= seed <= largest:
        raise ConfigError(f"expected a seed from 0 to {largest}, received {seed}")


def finish_run(
    run: Run,
    validation: Split,
    teacher_sha256: str | None = None,
    *,
    licence: str | None = WEIGHTS_LICENCE,
    others: Split | None = None,
    least_threshold: float = 0.0,
) -> None:
    """Calibrate and export a run's network, and write its metrics on the validation images.

    Args:
        run: the run, its epochs done.
        validation: MNIST's validation images.
        teacher_sha256: of the teacher's model file, if there is one.
        licence: of the weights, for the model file; ``None`` states none.
        others: digits of other people who are kept for validation. If given, the threshold for "no
            digit" keeps most of them too.
        least_threshold: of a model that was trained further: its threshold for "no digit" isn't
            lowered, because it may have been fitted on handwriting that isn't at hand.
    """
    network = run.inference_network
    splits = [validation] if others is None else [validation, others]
    raw = [predict(network, split) for split in splits]
    temperature = fit_temperature(
        calibrate_outputs(raw[0], len(LABELS), temperature=1.0).probabilities, validation.labels
    )
    outputs = [calibrate_outputs(each, len(LABELS), temperature) for each in raw]
    found = [
        score_probabilities(each.probabilities, split.labels)
        for each, split in zip(outputs, splits, strict=True)
    ]
    figures = {"validation_accuracy": found[0].accuracy}
    if others is not None:
        figures["other_hands_accuracy"] = found[1].accuracy
    threshold = None
    if run.recipe.num_outputs > len(LABELS):
        kept = (MIN_SHARE_OF_DIGITS_KEPT, MIN_SHARE_OF_OTHERS_KEPT)
        fitted = [
            fit_rejection_threshold(each.junk, share)
            for each, share in zip(outputs, kept, strict=False)
        ]
        threshold = max(least_threshold, *fitted)
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
        figures=figures,
        licence=licence,
        attribution=tuple(source.attribution for source in sources_of(run.recipe)),
    )
    glyphs = export.away_from_threshold(
        network, validation.images[:NUM_PARITY_GLYPHS], run.recipe.sure
    )
    export.to_onnx(network, run.model_file, metadata, glyphs)
    metrics = {
        **{name: asdict(figure) for name, figure in figures.items()},
        "validation_negative_log_likelihood": found[0].negative_log_likelihood,
        "temperature": temperature,
        "junk_threshold": threshold,
        "training_seconds": run.history[-1].seconds if run.history else 0.0,
        "num_parameters": run.network.count_params(),
    }
    write_atomically(run.directory / METRICS, json.dumps(metrics, indent=2) + "\n")
