"""The commands that train; importing them loads nothing of the extra [train]."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from inkread import messages, output
from inkread.errors import ConfigError
from inkread.training.data_commands import DataFolder, load_mnist

if TYPE_CHECKING:
    from inkread.runtime import Model
    from inkread.training.recipes import Recipe

__all__ = ["ModelsFolder", "app", "load_model"]

app = typer.Typer()

ModelsFolder = Annotated[
    Path | None,
    typer.Option(
        "--models",
        help="Folder of the promoted models.",
        show_default="of the user; INKREAD_MODELS",
    ),
]


@app.command()
def train(
    recipe: Annotated[
        str, typer.Option(help="Name of a recipe; see inkread recipes.")
    ] = "standard",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Decides everything random.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run.", show_default="runs/RECIPE-SEED"),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Instead of the recipe's.", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a stopped run.")] = False,
    teacher: Annotated[
        Path | None,
        typer.Option(help="Model file that teaches the recipe distilled.", show_default=False),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a run whose weights the recipe line begins with.", show_default=False
        ),
    ] = None,
    learner: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Train this model further: a shipped one, a model file, a run's folder, or "
            "current: the one that was promoted last.",
            show_default=False,
        ),
    ] = None,
    corrections: Annotated[
        str | None,
        typer.Option(
            help="Database of the corrections to learn from, with --from.", show_default=False
        ),
    ] = None,
    models: ModelsFolder = None,
    data: DataFolder = None,
) -> None:
    """Train a network on MNIST, or a model further on corrections."""
    if learner is not None or corrections is not None:
        from_recipe = {
            "--epochs": epochs,
            "--teacher": teacher,
            "--start": start,
            "--resume": resume,
        }
        if unfit := [name for name, value in from_recipe.items() if value]:
            raise typer.BadParameter(f"{', '.join(unfit)} can't go with --from or --corrections")
        if learner is None or corrections is None:
            raise typer.BadParameter("--from and --corrections go together")
        _learn(learner, corrections, models, out, seed, data)
        return
    from inkread.training.line_recipes import LINE_RECIPES
    from inkread.training.recipes import recipe_named

    if recipe in LINE_RECIPES:
        if teacher:
            raise ConfigError(f"expected no --teacher for recipe {recipe!r}, received {teacher}")
        _train_line(recipe, seed, out, epochs, resume, start, data)
        return
    if start:
        raise ConfigError(f"expected no --start for recipe {recipe!r}, received {start}")
    chosen = recipe_named(recipe)  # first, for what follows loads TensorFlow and MNIST
    if epochs and chosen.members:
        raise ConfigError(
            f"expected no --epochs for recipe {recipe!r}, received {epochs}: "
            "an ensemble's epochs are its members'"
        )
    if epochs:
        chosen = replace(chosen, epochs=epochs)
    from inkread.training import plots
    from inkread.training import train as training

    folder = out or Path("runs") / f"{recipe}-{seed}"
    mnist = load_mnist(data)
    with _interruptible(folder), messages.training() as on_step:
        run = training.train(
            chosen, mnist, folder, seed=seed, resume=resume, teacher=teacher, on_step=on_step
        )
    title = f"{recipe}, seed {seed}"
    picked = plots.pick_samples(mnist.train, 10, seed)
    plots.save(plots.samples(mnist.train, picked, "training images"), folder / "samples.png")
    plots.save(plots.curves(run.history, title), folder / "curves.png")
    last = run.history[-1]
    typer.echo(
        f"{run.model_file}: validation accuracy {last.validation_accuracy:.2%} "
        f"(n = {len(mnist.validation):,}) after {last.seconds:.0f} s of training"
    )


def _learn(
    learner: str, url: str, models: Path | None, out: Path | None, seed: int, data: Path | None
) -> None:
    """Train a model further on corrections, and promote the result unless it got worse."""
    from inkread.registry import Registry, default_folder
    from inkread.runtime import DEFAULT
    from inkread.training import finetune, promotion

    registry = Registry(models or default_folder())
    if learner == "current":
        learner = str(registry.current() or DEFAULT)
    model = load_model(learner)
    found = finetune.stored_corrections(url, model, seed=seed)
    folder = out or Path("runs") / f"{model.name}-corrected-{seed}"
    mnist = load_mnist(data)
    with messages.training() as on_step:
        run = finetune.finetune(model, found.train, mnist, folder, seed=seed, on_step=on_step)
    typer.echo(
        f"{run.model_file}: learned from {len(found.train)} corrections; "
        f"{len(found.held_out)} held out, {found.num_skipped} can't be learned from"
    )
    trials = promotion.compare(model, run.model_file, mnist.validation, found.held_out)
    for trial in trials:
        typer.echo(trial.summary)
    version = promotion.promote(run.model_file, trials, registry, model.name)
    typer.echo(f"promoted: {version.path}")


def _train_line(
    recipe: str,
    seed: int,
    out: Path | None,
    pools: int | None,
    resume: bool,
    start: Path | None,
    data: Path | None,
) -> None:
    from inkread.training import plots
    from inkread.training.line_recipes import LINE_RECIPES
    from inkread.training.train_line import train_line

    chosen = LINE_RECIPES[recipe]
    if pools:
        chosen = replace(chosen, num_pools=pools)
    folder = out or Path("runs") / f"{recipe}-{seed}"
    mnist = load_mnist(data)
    with _interruptible(folder), messages.training() as on_step:
        run = train_line(
            chosen, mnist, folder, seed=seed, resume=resume, start=start, on_step=on_step
        )
    strips = run.validation
    shown = plots.strips(strips.strips[:40], strips.texts[:40], "synthetic numbers")
    plots.save(shown, folder / "samples.png")
    plots.save(plots.curves(run.history, f"{recipe}, seed {seed}"), folder / "curves.png")
    last = run.history[-1]
    typer.echo(
        f"{run.model_file}: synthetic validation numbers right as a whole, separators included: "
        f"{last.validation_accuracy:.2%} (n = {len(strips.texts):,}) "
        f"after {last.seconds:.0f} s of training"
    )


@contextmanager
def _interruptible(folder: Path) -> Iterator[None]:
    """Say how to go on with a training that Ctrl-C stops."""
    try:
        yield
    except KeyboardInterrupt:
        messages.complain(f"interrupted; go on with the same command and --resume ({folder})")
        raise typer.Exit(130) from None


@app.command()
def recipes() -> None:
    """List the recipes."""
    from inkread.training.line_recipes import LINE_RECIPES
    from inkread.training.recipes import RECIPES

    table = Table("recipe", "purpose", "network", "epochs", "teacher", header_style="bold")
    for recipe in RECIPES.values():
        networks, epochs = _networks_and_epochs(recipe)
        table.add_row(recipe.name, recipe.purpose, networks, epochs, recipe.teacher or "")
    for line in LINE_RECIPES.values():
        table.add_row(line.name, line.purpose, "line", f"{line.num_pools} pools", "")
    output.console().print(table)


def _networks_and_epochs(recipe: "Recipe") -> tuple[str, str]:
    """Describe a recipe's networks and their epochs; those of an ensemble are counted."""
    times = "\N{MULTIPLICATION SIGN}"
    parts = recipe.members or (recipe,)
    networks = Counter(part.network for part in parts).items()
    epochs = Counter(part.epochs for part in parts).items()
    return (
        ", ".join(f"{name} {times}{count}" if count > 1 else name for name, count in networks),
        ", ".join(f"{count} {times} {each}" if count > 1 else str(each) for each, count in epochs),
    )


def load_model(name: str) -> "Model":
    """Load a model by its name, its file or its run's folder."""
    from inkread.runtime import Model

    run = Path(name)
    if not run.is_dir():
        return Model(name)
    path = run / "model.onnx"
    if not path.exists():
        raise ConfigError(f"expected a finished run, received {run}: train it with --resume")
    return Model(path)
