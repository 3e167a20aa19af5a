"""The commands that train. Importing this module doesn't import the extra [train]."""

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from inkread.cli import output, progress
from inkread.cli.correction_learning import learn
from inkread.cli.data_commands import DataFolder, PensFolder, load_mnist
from inkread.cli.engine_options import ChosenEngine, Engine, RayAddress, check_address
from inkread.cli.usage import check_folder, wrong_usage
from inkread.training.plan import (
    Plan,
    check_folders,
    expand_seeds,
    parse_seeds,
    resolve_recipe,
    resume_plan,
    run_plan,
)

if TYPE_CHECKING:
    from inkread.training.history import Step
    from inkread.training.recipes import Recipe

__all__ = ["ModelsFolder", "app"]

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
            help="Model file that teaches a recipe with a teacher; see inkread recipes.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            help="Run's folder, or model file, whose weights a line recipe begins with.",
            show_default=False,
        ),
    ] = None,
    learner: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Train this model further: a model file, a run's folder, default: the digit model "
            "and the number model that ship, or current: those that were promoted last.",
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
    check_address(engine, ray_address)
    if learner is not None or corrections is not None:
        _refuse_with_corrections({
            "--epochs": epochs, "--teacher": teacher, "--start": start, "--resume": resume,
            "--seeds": seeds, "--pens": pens,
        })  # fmt: skip
        if learner is None or corrections is None:
            raise typer.BadParameter("--from and --corrections go together")
        check_folder(out)
        learn(learner, corrections, models, out, seed, data)
        return
    if engine is Engine.RAY and seeds is None:
        raise typer.BadParameter("--engine ray trains several seeds side by side: add --seeds")
    if seeds is not None and seed:
        raise typer.BadParameter("choose one of --seed and --seeds")
    folder = out or Path("runs")
    if seeds is None and not out:
        folder /= f"{recipe}-{seed}"
    plan = Plan(recipe, folder, seed, epochs, resume, teacher, start, data, pens)
    check_folder(folder)
    with wrong_usage():  # before any work
        resolve_recipe(plan)
        chosen = None if seeds is None else parse_seeds(seeds)
    plans = [plan] if chosen is None else expand_seeds(plan, chosen)
    check_folders(plans)
    if engine is Engine.LOCAL:
        _train_here(plans)
    else:
        _train_on_ray(plans, ray_address)


def _refuse_with_corrections(options: dict[str, object]) -> None:
    if given := [name for name, value in options.items() if value]:
        raise typer.BadParameter(f"{', '.join(given)} can't go with --from or --corrections")


def _train_here(plans: list[Plan]) -> None:
    digits = load_mnist(plans[0].data)
    for plan in plans:
        with _report_interruption(plan.folder) as check, progress.show_training() as show_step:

            def on_step(step: "Step", show: "Callable[[Step], None]" = show_step) -> None:
                check()
                show(step)

            sentence = run_plan(plan, digits, on_step)
        typer.echo(sentence)


def _train_on_ray(plans: list[Plan], address: str | None) -> None:
    from inkread.scale import ray_engine

    load_mnist(plans[0].data)  # fetched once, before all processes need it
    whole = [_make_paths_absolute(plan) for plan in plans]  # workers have other working directories
    with _report_interruption(plans[0].folder.parent), ray_engine.connect(address):
        for _, sentence in ray_engine.run_in_parallel(resume_plan, whole):
            typer.echo(sentence)


def _make_paths_absolute(plan: Plan) -> Plan:
    paths = {name: getattr(plan, name) for name in ("folder", "teacher", "start", "data", "pens")}
    return replace(plan, **{name: path and path.absolute() for name, path in paths.items()})


@contextmanager
def _report_interruption(folder: Path) -> Iterator[Callable[[], None]]:
    """Print how to resume a training if Ctrl-C stops it.

    Yields a function to call at each step: what a signal raises is lost where it comes while a
    library calls back or frees something, and is raised again there.
    """
    was_interrupted = threading.Event()

    def interrupt(*_: object) -> None:
        was_interrupted.set()
        raise KeyboardInterrupt

    def check() -> None:
        if was_interrupted.is_set():
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield check
    except KeyboardInterrupt:
        progress.print_error(f"interrupted; go on with the same command and --resume ({folder})")
        raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGINT, before)


@app.command()
def recipes() -> None:
    """List the recipes."""
    from inkread.training.layout_recipes import LAYOUT_RECIPES
    from inkread.training.line_recipes import LINE_RECIPES
    from inkread.training.recipes import RECIPES

    table = Table("recipe", "purpose", "network", "epochs", "teacher", header_style="bold")
    for recipe in RECIPES.values():
        networks, epochs = _describe_networks(recipe)
        teachers = {each.teacher for each in recipe.networks if each.teacher}
        table.add_row(recipe.name, recipe.purpose, networks, epochs, ", ".join(sorted(teachers)))
    for line in LINE_RECIPES.values():
        table.add_row(line.name, line.purpose, "line", f"{line.num_pools} pools", "")
    for layout in LAYOUT_RECIPES.values():
        table.add_row(layout.name, layout.purpose, "layout", f"{layout.num_pools} pools", "")
    output.make_console().print(table)


def _describe_networks(recipe: "Recipe") -> tuple[str, str]:
    """Describe the networks of a recipe and their epochs, with a count where there are several."""
    times = "\N{MULTIPLICATION SIGN}"
    networks = Counter(each.network for each in recipe.networks).items()
    epochs = Counter(each.epochs for each in recipe.networks).items()
    return (
        ", ".join(f"{name} {times}{count}" if count > 1 else name for name, count in networks),
        ", ".join(f"{count} {times} {each}" if count > 1 else str(each) for each, count in epochs),
    )
