"""Reads and writes the folder of a training run, from which an interrupted training resumes."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import keras

from inkread.errors import ConfigError, ModelError
from inkread.files import replace_atomically, write_atomically
from inkread.training.history import Epoch, LineEpoch, read_history, write_history
from inkread.training.line_recipes import LineRecipe
from inkread.training.recipes import Recipe, recipe_from_dict

__all__ = ["Progress", "begin_run", "load_network", "read_recipe"]

CHECKPOINT, HISTORY, RECIPE = "checkpoint.keras", "history.csv", "recipe.json"
MODEL, METRICS, MEMBERS = "model.onnx", "metrics.json", "members"
AnyRecipe = TypeVar("AnyRecipe", bound=Recipe | LineRecipe)
Row = TypeVar("Row", Epoch, LineEpoch)


class Progress(Generic[Row]):
    """The state of the training in a folder.

    Attributes:
        directory: the run's folder.
        network: the network after the last epoch.
        history: the epochs so far.
    """

    def __init__(
        self,
        directory: Path,
        kind: type[Row],
        steps_per_epoch: int,
        build_network: Callable[[], keras.Model],
    ) -> None:
        """Load the last epoch of a run, or build the network of a new run.

        Args:
            directory: the run's folder, after ``begin_run``.
            kind: the type of the history's rows.
            steps_per_epoch: number of optimizer steps in an epoch.
            build_network: returns a new, compiled network; called if there is no checkpoint.

        Raises:
            ConfigError: the history lacks epochs that the checkpoint has seen.
            ModelError: the checkpoint is broken.
        """
        self.directory = directory
        self.history: list[Row] = []
        if not (directory / CHECKPOINT).exists():
            self.network = build_network()
            return
        self.network = load_network(directory)
        num_done = int(self.network.optimizer.iterations) // steps_per_epoch
        self.history = read_history(directory / HISTORY, kind)[:num_done]
        if len(self.history) < num_done:
            raise ConfigError(
                f"{directory / HISTORY}: expected {num_done} epochs, received {len(self.history)}"
            )

    def add(self, epoch: Row) -> Row:
        """Save an epoch's history and the network's checkpoint, and return the epoch."""
        self.history.append(epoch)
        # The history is saved first: resuming drops an epoch that the checkpoint lacks.
        write_history(self.directory / HISTORY, self.history)
        with replace_atomically(self.directory / CHECKPOINT) as temporary:
            self.network.save(temporary)
        return epoch

    def is_finished(self, num_epochs: int) -> bool:
        """Return whether all epochs are done and the model file and the metrics exist."""
        files = (self.directory / MODEL, self.directory / METRICS)
        return len(self.history) == num_epochs and all(file.exists() for file in files)


def begin_run(
    recipe: Recipe | LineRecipe,
    seed: int,
    directory: Path,
    resume: bool,
    teacher_sha256: str | None = None,
) -> None:
    """Write ``recipe.json``, or check that the existing one describes the same run.

    Raises:
        ConfigError: the folder holds a run and ``resume`` is false, or a different run.
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


def _read_recipe(
    directory: Path, parse: Callable[[dict[str, Any]], AnyRecipe]
) -> tuple[AnyRecipe, int]:
    path = directory / RECIPE
    try:
        values = json.loads(path.read_text())
        return parse(values["recipe"]), int(values["seed"])
    except OSError as error:
        raise ConfigError(f"expected the folder of a run, received {directory}: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is broken: {error!r}") from error


def load_network(directory: Path) -> keras.Model:
    """Load the network after the last epoch of the run in a folder.

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
