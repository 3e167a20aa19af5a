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
from inkread.scale.commands import ChosenEngine, Engine, RayAddress
from inkread.training.data_commands import DataFolder, PensFolder, load_mnist
from inkread.training.plan import Plan, carry_out, chosen_recipe, go_on, seeded, seeds_of

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
        typer.Option(
            help="Model file that teaches the recipe distilled or cascade.", show_default=False
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            help="Run's folder, or model file, whose weights a recipe of numbers begins with.",
            show_default=False,
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
    pens: PensFolder = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="A-B|A,B",
            help="Train with each of these seeds, into OUT/RECIPE-SEED.",
            show_default=False,
        ),
    ] = None,
    engine: ChosenEngine = Engine.LOCAL,
    ray_address: RayAddress = None,
) -> None:
    """Train a network on MNIST, or a model further on corrections."""
    if learner is not None or corrections is not None:
        from_recipe = {
            "--epochs": epochs,
            "--teacher": teacher,
            "--start": start,
            "--resume": resume,
            "--seeds": seeds,
        }
        if unfit := [name for name, value in from_recipe.items() if value]:
            raise typer.BadParameter(f"{', '.join(unfit)} can't go with --from or --corrections")
        if learner is None or corrections is None:
            raise typer.BadParameter("--from and --corrections go together")
        _learn(learner, corrections, models, out, seed, data)
        return
    if engine is Engine.RAY and seeds is None:
        raise typer.BadParameter("--engine ray trains several seeds side by side: add --seeds")
    if seeds is not None and seed:
        raise typer.BadParameter("choose one of --seed and --seeds")
    folder = out or Path("runs")
    if seeds is None and not out:
        folder /= f"{recipe}-{seed}"
    plan = Plan(recipe, folder, seed, epochs, resume, teacher, start, data, pens)
    chosen_recipe(plan)  # what is wrong with it is said before any work
    if seeds is None:
        _train_here([plan])
    elif engine is Engine.LOCAL:
        _train_here(seeded(plan, seeds_of(seeds)))
    else:
        _train_on_ray(seeded(plan, seeds_of(seeds)), ray_address)


def _train_here(plans: list[Plan]) -> None:
    digits = load_mnist(plans[0].data)
    for plan in plans:
        with _interruptible(plan.folder), messages.training() as on_step:
            sentence = carry_out(plan, digits, on_step)
        typer.echo(sentence)


def _train_on_ray(plans: list[Plan], address: str | None) -> None:
    from inkread.scale import ray_engine

    load_mnist(plans[0].data)  # fetched once, and not by all at the same time
    whole = [_with_whole_paths(plan) for plan in plans]  # other processes are in other folders
    with _interruptible(plans[0].folder.parent), ray_engine.connected(address):
        for _, sentence in ray_engine.side_by_side(go_on, whole):
            typer.echo(sentence)


def _with_whole_paths(plan: Plan) -> Plan:
    paths = {name: getattr(plan, name) for name in ("folder", "teacher", "start", "data", "pens")}
    return replace(plan, **{name: path and path.absolute() for name, path in paths.items()})


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
        teachers = {each.teacher for each in recipe.networks if each.teacher}
        table.add_row(recipe.name, recipe.purpose, networks, epochs, ", ".join(sorted(teachers)))
    for line in LINE_RECIPES.values():
        table.add_row(line.name, line.purpose, "line", f"{line.num_pools} pools", "")
    output.console().print(table)


def _networks_and_epochs(recipe: "Recipe") -> tuple[str, str]:
    """Describe a recipe's networks and their epochs; those of several members are counted."""
    times = "\N{MULTIPLICATION SIGN}"
    networks = Counter(each.network for each in recipe.networks).items()
    epochs = Counter(each.epochs for each in recipe.networks).items()
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
