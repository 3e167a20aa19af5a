"""Trains models further on corrections: the digit model on digits, the number model on numbers."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape

from inkread.cli import progress
from inkread.cli.data_commands import load_mnist
from inkread.errors import ConfigError, DataError, ModelError

if TYPE_CHECKING:
    from inkread.models.registry import Registry
    from inkread.models.runtime import LineModel, Model
    from inkread.training.promotion import Trial

__all__ = ["learn", "load_model"]

_CURRENT = "current"  # in place of a model: those that were promoted last


def learn(
    learner: str, url: str, models: Path | None, out: Path | None, seed: int, data: Path | None
) -> None:
    """Train models further on corrections, and promote those that did not get worse.

    Args:
        learner: a model file, a run's folder, ``default`` or ``current``: of the last two, each
            model learns for which there are enough corrections.
        url: the database of the corrections.
        models: the folder of promoted models; ``None``: the user's.
        out: the run's folder, in which that of a number model beside a digit model is ``numbers``;
            ``None``: ``runs/NAME-corrected-SEED``.
        seed: decides everything random.
        data: the folder of MNIST.

    Raises:
        DataError: too few corrections.
        ModelError: a model got worse.
    """
    from inkread.models.registry import Registry, get_default_folder
    from inkread.models.runtime import DEFAULT, LineModel, Model

    registry = Registry(models or get_default_folder())
    if learner not in (_CURRENT, DEFAULT):
        model = _load_either(learner)
        if isinstance(model, LineModel):
            _learn_numbers(model, url, registry, out, seed, data)
        else:
            _learn_digits(model, url, registry, out, seed, data)
        return
    is_current = learner == _CURRENT
    digit_model = Model((is_current and registry.find_current(Model)) or DEFAULT)
    number_model = LineModel((is_current and registry.find_current(LineModel)) or DEFAULT)
    failed: list[DataError | ModelError] = []
    works: tuple[Callable[[], None], ...] = (
        partial(_learn_digits, digit_model, url, registry, out, seed, data),
        partial(_learn_numbers, number_model, url, registry, out and out / "numbers", seed, data),
    )
    for work in works:
        try:
            work()
        except (DataError, ModelError) as error:
            failed.append(error)
    if any(isinstance(each, ModelError) for each in failed) or len(failed) == 2:
        raise type(failed[-1])("; ".join(map(str, failed)))
    for each in failed:
        progress.console.print(escape(f"not learned: {each}"))


def _learn_digits(
    model: "Model", url: str, registry: "Registry", out: Path | None, seed: int, data: Path | None
) -> None:
    from inkread.training import finetune, promotion

    found = finetune.load_corrections(url, model, seed=seed)
    mnist = load_mnist(data)
    folder = out or Path("runs") / f"{model.name}-corrected-{seed}"
    with progress.show_training() as on_step:
        run = finetune.finetune(model, found.train, mnist, folder, seed=seed, on_step=on_step)
    typer.echo(
        f"{run.model_file}: learned from {len(found.train)} corrections; "
        f"{len(found.held_out)} held out, {found.num_skipped} can't be learned from"
    )
    trials = promotion.compare(model, run.model_file, mnist.validation, found.held_out)
    _promote(model, run.model_file, trials, registry)


def _learn_numbers(
    model: "LineModel",
    url: str,
    registry: "Registry",
    out: Path | None,
    seed: int,
    data: Path | None,
) -> None:
    from inkread.training import finetune_line, promotion

    found = finetune_line.load_number_corrections(url, seed=seed)
    mnist = load_mnist(data)
    folder = out or Path("runs") / f"{model.name}-corrected-{seed}"
    with progress.show_training() as on_step:
        run = finetune_line.finetune_line(
            model, found.train, mnist, folder, seed=seed, on_step=on_step
        )
    typer.echo(
        f"{run.model_file}: learned from {len(found.train.texts)} corrected numbers; "
        f"{len(found.held_out.texts)} held out, {found.num_skipped} can't be learned from"
    )
    trials = promotion.compare_lines(model, run.model_file, run.validation, found.held_out)
    _promote(model, run.model_file, trials, registry)


def _promote(
    model: "Model | LineModel", learned: Path, trials: "Sequence[Trial]", registry: "Registry"
) -> None:
    """Report the trials of what a model has become, and promote it if it passed them."""
    from inkread.training import promotion

    for trial in trials:
        typer.echo(trial.summary)
    version = promotion.promote(learned, trials, registry, model.name, type(model))
    typer.echo(f"promoted: {version.path}")


def _load_either(name: str) -> "Model | LineModel":
    """Load a digit model or a number model by its file or its run's folder."""
    from inkread.models.runtime import LineModel

    try:
        return load_model(name)
    except ModelError as error:
        if "received 'line'" not in str(error):
            raise
    return LineModel(_find_file(name))


def load_model(name: str) -> "Model":
    """Load a digit model by its name, its file or its run's folder.

    Raises:
        ConfigError: the run isn't finished.
        ModelError: the model can't be loaded.
    """
    from inkread.models.runtime import Model

    return Model(_find_file(name))


def _find_file(name: str) -> str | Path:
    run = Path(name)
    if not run.is_dir():
        return name
    path = run / "model.onnx"
    if not path.exists():
        raise ConfigError(f"expected a finished run, received {run}: train it with --resume")
    return path
