"""The training loop: ``train(recipe, data, directory)`` makes a run.

A run's folder holds ``recipe.json``, ``history.csv``, ``checkpoint.keras``, and when it is done
``model.onnx`` and ``metrics.json``; that of an ensemble also ``members/``, a run each. Nothing
random outlives an epoch: the order of the images, their distortions and dropout follow from the
seed and the number of the epoch. So a run that was killed and resumed from its checkpoint, which
holds the weights and the optimizer's state, ends as one that was never interrupted.
"""

import datetime
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np

import inkread
from inkread.errors import ConfigError, ModelError
from inkread.files import replacing, write_atomically
from inkread.memory import keep_freed_memory
from inkread.metadata import ModelMetadata
from inkread.normalize import GlyphShape
from inkread.runtime import Model, classified
from inkread.training import export, models
from inkread.training.batches import Batches, Source
from inkread.training.calibrate import fit_temperature, threshold_keeping
from inkread.training.evaluate import score
from inkread.training.fitting import fitted, predict
from inkread.training.history import Epoch, Step, chained, read_history, write_history
from inkread.training.line_recipes import LineRecipe
from inkread.training.mnist import TRAIN_IMAGES, Mnist, Split
from inkread.training.recipes import Recipe, recipe_from_dict
from inkread.training.reconstruction import rebuilt

__all__ = [
    "Run",
    "Step",
    "Training",
    "begin",
    "finish",
    "load_network",
    "read_recipe",
    "restart_dropout",
    "set_up",
    "train",
]

CHECKPOINT, HISTORY, RECIPE = "checkpoint.keras", "history.csv", "recipe.json"
MODEL, METRICS, MEMBERS = "model.onnx", "metrics.json", "members"
LABELS = tuple(str(digit) for digit in range(10))
PARITY_GLYPHS = 512
Kind = TypeVar("Kind", bound=Recipe | LineRecipe)
KEPT_DIGITS = 0.995  # share of the validation images that are not rejected as no digits


@dataclass(frozen=True)
class Run:
    """A finished training: its folder, recipe, seed, history, and the trained network."""

    directory: Path
    recipe: Recipe
    seed: int
    history: tuple[Epoch, ...]
    network: keras.Model

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
    on_step: Callable[[Step], None] | None = None,
) -> Run:
    """Train a network, or the members of an ensemble, and leave a run in a folder.

    Args:
        recipe: what to train, and how.
        data: trained on ``data.train``; ``data.validation`` gives each epoch's figures and the
            temperature. The test images are not touched.
        directory: the run's folder; made if need be.
        seed: decides the first weights, the order of the images, distortions and dropout.
        resume: go on from the last epoch that the folder holds.
        teacher: the model file that gives the targets, for a recipe with a teacher.
        on_step: called after every step, or after the steps of one call if the recipe joins them.

    Raises:
        ConfigError: the folder holds a run and ``resume`` is false, or another run; ``seed`` is not
            in [0, 2**32), or that by the number of an ensemble's members; there is no teacher,
            one of another recipe than ``recipe`` wants, or another than the run was begun with.
        ModelError: the folder's checkpoint or the teacher is broken.
        OSError: the folder can't be written.
    """
    if recipe.members:
        _teacher(recipe, teacher)
        return _train_members(recipe, data, directory, seed, resume, on_step)
    training = Training(
        recipe, data, directory, seed=seed, resume=resume, teacher=teacher, on_step=on_step
    )
    if training.is_finished:
        return training.run
    for _ in training.epochs():
        pass
    return training.finish()


def _train_members(
    recipe: Recipe,
    data: Mnist,
    directory: Path,
    seed: int,
    resume: bool,
    on_step: Callable[[Step], None] | None,
) -> Run:
    seeds = range(seed * len(recipe.members), (seed + 1) * len(recipe.members))
    _check_seed(seed, (2**32 - len(seeds)) // len(seeds))
    begin(recipe, seed, directory, resume)
    runs = []
    for index, (member, own_seed) in enumerate(zip(recipe.members, seeds, strict=True)):
        folder = directory / MEMBERS / f"{index}-{member.name}"
        runs.append(train(member, data, folder, seed=own_seed, resume=resume, on_step=on_step))
    history = tuple(chained([run.history for run in runs]))
    write_history(directory / HISTORY, history)
    network = models.averaged([run.network for run in runs])
    network.save(directory / CHECKPOINT)
    run = Run(directory, recipe, seed, history, network)
    finish(run, data.validation)
    return run


class Training:
    """A training that is taken epoch by epoch, for who wants to look at the network in between.

    Attributes:
        network: as the last epoch left it.
        history: the epochs so far.
    """

    def __init__(  # noqa: PLR0913 - those of ``train``
        self,
        recipe: Recipe,
        data: Mnist,
        directory: Path,
        *,
        seed: int = 0,
        resume: bool = False,
        teacher: Path | None = None,
        on_step: Callable[[Step], None] | None = None,
    ) -> None:
        """Begin or resume; arguments and errors as for ``train``; an ensemble has none."""
        self._recipe, self._data, self._directory, self._seed = recipe, data, directory, seed
        self._on_step = on_step
        self.history: list[Epoch] = []
        if recipe.members:
            raise ConfigError(f"expected the recipe of one network, received {recipe.name!r}")
        _check_seed(seed, 2**32 - 1)
        loaded_teacher = _teacher(recipe, teacher)
        self._teacher_sha256 = hashlib.sha256(teacher.read_bytes()).hexdigest() if teacher else None
        begin(recipe, seed, directory, resume, self._teacher_sha256)
        self._source = Source(data.train, recipe, seed, loaded_teacher)
        keep_freed_memory()
        keras.utils.set_random_seed(seed)
        num_batches = self._source.num_batches
        if not (directory / CHECKPOINT).exists():
            self.network = _first_network(recipe, loaded_teacher, data.validation)
            set_up(self.network, recipe, num_steps=recipe.epochs * num_batches)
            return
        self.network = load_network(directory)
        num_done = int(self.network.optimizer.iterations) // num_batches
        self.history = read_history(directory / HISTORY, Epoch)[:num_done]
        if len(self.history) < num_done:
            raise ConfigError(
                f"{directory / HISTORY}: expected {num_done} epochs, received {len(self.history)}"
            )

    def epochs(self) -> Iterator[Epoch]:
        """Train the epochs that are left; each is on disk when it is handed out."""
        for number in range(len(self.history), self._recipe.epochs):
            self.history.append(self._trained_epoch(number))
            # The history first: if it is one epoch ahead of the checkpoint, resuming can tell.
            write_history(self._directory / HISTORY, self.history)
            with replacing(self._directory / CHECKPOINT) as temporary:
                self.network.save(temporary)
            yield self.history[-1]

    @property
    def run(self) -> Run:
        """The run as it stands."""
        return Run(self._directory, self._recipe, self._seed, tuple(self.history), self.network)

    @property
    def is_finished(self) -> bool:
        """Whether no epoch is left, and the model file and the metrics are there."""
        files = (self._directory / MODEL, self._directory / METRICS)
        return len(self.history) == self._recipe.epochs and all(file.exists() for file in files)

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


def _first_network(recipe: Recipe, teacher: Model | None, validation: Split) -> keras.Model:
    """Build a recipe's network, with random weights or its teacher's."""
    if teacher is None or not recipe.from_teacher:
        return models.build(recipe.network, recipe.num_outputs, recipe.dropout)
    network = rebuilt(teacher, validation.images[:PARITY_GLYPHS])
    known = teacher.metadata.recipe.get("network"), teacher.metadata.num_outputs
    if known != (recipe.network, recipe.num_outputs):
        raise ConfigError(
            f"expected a teacher with network {recipe.network!r} and {recipe.num_outputs} outputs "
            f"to begin from, received {known[0]!r} with {known[1]}"
        )
    return network


def set_up(network: keras.Model, recipe: Recipe, num_steps: int) -> None:
    """Compile a network as a recipe says, for so many steps in all."""
    rate: Any = recipe.learning_rate
    if recipe.warmup is not None:
        warmup_steps = max(1, round(recipe.warmup * num_steps))
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=recipe.learning_rate / 10,
            decay_steps=max(1, num_steps - warmup_steps),
            warmup_target=recipe.learning_rate,
            warmup_steps=warmup_steps,
        )
    network.compile(
        optimizer=keras.optimizers.Adam(rate, weight_decay=recipe.weight_decay or None),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        steps_per_execution=recipe.steps_per_call,
        jit_compile=False,  # XLA compiles longer than it saves here
    )


def restart_dropout(network: keras.Model, seed: int, epoch: int) -> None:
    """Restart the random stream of each dropout layer, which a checkpoint does not hold."""
    for index, layer in enumerate(network.layers):
        if isinstance(layer, keras.layers.Dropout):
            state = np.random.SeedSequence([seed, epoch, index]).generate_state(2)
            layer.seed_generator.state.assign(state)


def _check_seed(seed: int, largest: int) -> None:
    if not 0 <= seed <= largest:
        raise ConfigError(f"expected a seed from 0 to {largest}, received {seed}")


def begin(
    recipe: Recipe | LineRecipe,
    seed: int,
    directory: Path,
    resume: bool,
    teacher_sha256: str | None = None,
) -> None:
    """Write ``recipe.json``, or check that the one that is there is of the same run.

    Raises:
        ConfigError: the folder holds a run and ``resume`` is false, or another run.
        OSError: the folder can't be written.
    """
    path = directory / RECIPE
    if not path.exists():
        described = {"seed": seed, "teacher_sha256": teacher_sha256, "recipe": recipe.to_dict()}
        write_atomically(path, json.dumps(described, indent=2) + "\n")
        return
    if not resume:
        raise ConfigError(f"{directory} holds a run already: resume it, or choose another folder")
    parse = LineRecipe.from_dict if isinstance(recipe, LineRecipe) else recipe_from_dict
    known_recipe, known_seed = _read_recipe(directory, parse)
    if (known_recipe, known_seed) != (recipe, seed):
        raise ConfigError(
            f"expected the folder of a run of recipe {recipe.name!r} with seed {seed} and the same "
            f"settings, received {directory}: recipe {known_recipe.name!r} with seed {known_seed}"
        )
    known_teacher = json.loads(path.read_text()).get("teacher_sha256")
    if known_teacher != teacher_sha256:
        raise ConfigError(
            f"expected the teacher that {directory} was begun with, the model file with SHA-256 "
            f"{known_teacher}, received one with {teacher_sha256}"
        )


def read_recipe(directory: Path) -> tuple[Recipe, int]:
    """Return the recipe and the seed of the run in a folder.

    Raises:
        ConfigError: the folder holds no run, or ``recipe.json`` is broken.
    """
    return _read_recipe(directory, recipe_from_dict)


def _read_recipe(directory: Path, parse: Callable[[dict[str, Any]], Kind]) -> tuple[Kind, int]:
    path = directory / RECIPE
    try:
        values = json.loads(path.read_text())
        return parse(values["recipe"]), int(values["seed"])
    except OSError as error:
        raise ConfigError(f"expected the folder of a run, received {directory}: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is broken: {error!r}") from error


def load_network(directory: Path) -> keras.Model:
    """Load the network of the run in a folder, as its last epoch left it.

    Raises:
        ModelError: there is no checkpoint, or it is broken.
    """
    path = directory / CHECKPOINT
    if not path.exists():
        raise ModelError(f"expected a checkpoint, found none at {path}")
    try:
        return keras.models.load_model(path, safe_mode=True)
    except (ValueError, OSError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path} is not a readable checkpoint: {error}") from error


def finish(run: Run, validation: Split, teacher_sha256: str | None = None) -> None:
    """Calibrate, export and measure on the validation images."""
    raw = predict(run.network, validation)
    uncalibrated = classified(raw, len(LABELS), temperature=1.0)
    temperature = fit_temperature(uncalibrated.probabilities, validation.labels)
    outputs = classified(raw, len(LABELS), temperature)
    found = score(outputs.probabilities, validation.labels)
    threshold = threshold_keeping(outputs.junk, KEPT_DIGITS) if run.recipe.junk else None
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
    export.to_onnx(run.network, run.model_file, metadata, validation.images[:PARITY_GLYPHS])
    metrics = {
        "validation_accuracy": asdict(found.accuracy),
        "validation_negative_log_likelihood": found.negative_log_likelihood,
        "temperature": temperature,
        "junk_threshold": threshold,
        "training_seconds": run.history[-1].seconds,
        "num_parameters": run.network.count_params(),
    }
    write_atomically(run.directory / METRICS, json.dumps(metrics, indent=2) + "\n")
