"""The commands that need the extra [train]; importing them loads nothing of it.

They are listed in every installation: without the extra, running one says what to install.
"""

import json
import shlex
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from PIL import Image, ImageShow
from rich.markup import escape
from rich.table import Table

from inkread import messages, output
from inkread.errors import ConfigError
from inkread.files import check_target, write_atomically

if TYPE_CHECKING:
    from inkread.runtime import Model
    from inkread.training.mnist import Mnist
    from inkread.training.recipes import Recipe

__all__ = ["app"]

app = typer.Typer()
data_app = typer.Typer(help="MNIST: fetch it, describe it, show it.", no_args_is_help=True)
app.add_typer(data_app, name="data")


class ExportFormat(StrEnum):
    """What a network can be exported to."""

    ONNX = "onnx"
    LITERT = "litert"
    SAVED_MODEL = "saved-model"


_EXPORT_NAMES = {
    ExportFormat.ONNX: "model.onnx",
    ExportFormat.LITERT: "model.tflite",
    ExportFormat.SAVED_MODEL: "saved_model",
}


class Split(StrEnum):
    """A part of MNIST."""

    TEST = "test"
    VALIDATION = "validation"


DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Folder with MNIST's IDX files, plain or gzipped.", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ModelsFolder = Annotated[
    Path | None,
    typer.Option(
        "--models",
        help="Folder of the promoted models.",
        show_default="of the user; INKREAD_MODELS",
    ),
]


@data_app.command("fetch")
def data_fetch(data: DataFolder = None) -> None:
    """Get MNIST from the first source that works, verify it, and cache it."""
    from inkread.training import mnist

    with messages.downloads() as on_progress:
        _, source = mnist.fetch(data, on_progress=on_progress)
    typer.echo(f"MNIST is complete and verified; from {source}")


@data_app.command("info")
def data_info(data: DataFolder = None, as_json: AsJson = False) -> None:
    """Describe MNIST: where it came from, its splits, how many of each digit."""
    import numpy as np

    mnist = _load_mnist(data)
    splits = {"train": mnist.train, "validation": mnist.validation, "test": mnist.test}
    counts = {
        name: np.bincount(split.labels, minlength=10).tolist() for name, split in splits.items()
    }
    if as_json:
        typer.echo(json.dumps({"source": mnist.source, "counts": counts}))
        return
    table = Table("split", "images", *map(str, range(10)), header_style="bold")
    for name, row in counts.items():
        table.add_row(name, f"{sum(row):,}", *(f"{count:,}" for count in row))
    output.console().print(f"source: {escape(mnist.source)}", table)


@data_app.command("show")
def data_show(
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("samples.png"),
    per_digit: Annotated[int, typer.Option(min=1, max=100, help="Samples of each digit.")] = 10,
    index: Annotated[
        list[int] | None, typer.Option(help="Show this training image; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Chooses the samples.")] = 0,
    window: Annotated[bool, typer.Option("--window", help="Open a window as well.")] = False,
    data: DataFolder = None,
) -> None:
    """Save a picture of training images, with their labels and indices."""
    import numpy as np

    from inkread.training import plots

    check_target(out, plots.SUFFIXES)
    split = _load_mnist(data).train
    if index:
        place = {int(number): at for at, number in enumerate(split.indices)}
        if missing := [number for number in index if number not in place]:
            raise ConfigError(
                "expected indices of training images, from 0 to 59999 without those of the "
                f"validation split, received {missing}"
            )
        indices = np.array([[place[number] for number in index]])
    else:
        indices = plots.pick_samples(split, per_digit, seed)
    plots.save(plots.samples(split, indices, "MNIST training images"), out)
    typer.echo(f"saved {out}")
    if window:
        with Image.open(out) as picture:
            if not ImageShow.show(picture, "MNIST"):
                raise ConfigError(f"expected a program that shows pictures, found none; see {out}")


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
        from_recipe = {"--epochs": epochs, "--teacher": teacher, "--resume": resume}
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
        _train_line(recipe, seed, out, epochs, resume, data)
        return
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
    mnist = _load_mnist(data)
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
    model = next(iter(_load_models([learner]).values()))
    found = finetune.stored_corrections(url, model, seed=seed)
    folder = out or Path("runs") / f"{model.name}-corrected-{seed}"
    mnist = _load_mnist(data)
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
    recipe: str, seed: int, out: Path | None, pools: int | None, resume: bool, data: Path | None
) -> None:
    from inkread.training import plots
    from inkread.training.line_recipes import LINE_RECIPES
    from inkread.training.train_line import train_line

    chosen = LINE_RECIPES[recipe]
    if pools:
        chosen = replace(chosen, num_pools=pools)
    folder = out or Path("runs") / f"{recipe}-{seed}"
    mnist = _load_mnist(data)
    with _interruptible(folder), messages.training() as on_step:
        run = train_line(chosen, mnist, folder, seed=seed, resume=resume, on_step=on_step)
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


@app.command()
def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="A shipped model, a model file, or a run's folder; several are compared.",
        ),
    ],
    split: Annotated[Split, typer.Option(help="Which images.")] = Split.TEST,
    report: Annotated[
        Path | None,
        typer.Option(help="Write a page (HTML) on the models here.", show_default=False),
    ] = None,
    robustness_images: Annotated[
        int, typer.Option(min=0, help="How many images the report distorts; 0: none.")
    ] = 2_000,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Save confusion.png and mistakes.png of one model here.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON a model.")] = False,
    data: DataFolder = None,
) -> None:
    """Measure models on MNIST: accuracy with its interval, calibration, the worst mistakes."""
    from inkread.training import evaluate as evaluation
    from inkread.training import plots
    from inkread.training import report as reporting

    if out and len(models) > 1:
        raise typer.BadParameter(f"--out expects one model, received {len(models)}")
    pictures = [out / "confusion.png", out / "mistakes.png"] if out else []
    for target in [*pictures, report] if report else pictures:
        check_target(target)
    loaded = _load_models(models)
    images = getattr(_load_mnist(data), split.value)
    found = {name: evaluation.evaluate(model, images) for name, model in loaded.items()}
    for name, each in found.items():
        if as_json:
            typer.echo(json.dumps({"model": name, "split": split.value, **each.to_dict()}))
        elif len(found) == 1:
            output.print_evaluation(each, f"{name} on MNIST's {split.value} images")
        if pictures:
            plots.save(plots.confusion(each, f"{name}, {split.value}"), pictures[0])
            plots.save(plots.mistakes(each, images, f"Misread by {name}"), pictures[1])
            messages.console.print(f"saved {escape(' and '.join(map(str, pictures)))}")
    if len(found) > 1 and not as_json:
        output.print_comparison(found, f"MNIST's {split.value} images, n = {len(images):,}")
    if report:
        options = {"split": split.value, "robustness-images": robustness_images, "report": report}
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        command = shlex.join(["inkread", "evaluate", *models, *words])
        setting = reporting.Setting(images, split.value, command, robustness_images)
        with messages.console.status("measuring robustness and speed"):
            subjects = [
                reporting.examine(model, setting, name=name, evaluation=found[name])
                for name, model in loaded.items()
            ]
        write_atomically(report, reporting.page(subjects, setting))
        messages.console.print(f"saved {escape(str(report))}")


@app.command()
def threshold(
    max_error: Annotated[
        float, typer.Option(help="Share of the accepted digits that may be wrong.")
    ],
    model: Annotated[
        str, typer.Option(help="A shipped model, a model file, or a run's folder.")
    ] = "default",
    certainty: Annotated[float, typer.Option(help="Of the bound on that share.")] = 0.95,
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Choose a --min-confidence for a wanted error rate, on MNIST's validation images."""
    from inkread.training.calibrate import guaranteed_threshold

    (chosen,) = _load_models([model]).values()
    images = _load_mnist(data).validation
    found = chosen.classify(images.images)
    confidence = found.probabilities * (1 - found.junk[:, None])  # as the reader takes it
    answer = guaranteed_threshold(confidence, images.labels, max_error, certainty)
    if as_json:
        typer.echo(json.dumps({"model": chosen.name, "n": len(images), **vars(answer)}))
        return
    typer.echo(
        f"--min-confidence {answer.threshold:.9g} accepts {answer.coverage:.1%} of "
        f"{len(images):,} validation digits; {answer.error:.3%} of those are wrong, and of unseen "
        f"digits like them at most {answer.bound:.3%} ({certainty:.0%} certain)"
    )


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    to: Annotated[
        ExportFormat, typer.Option("--format", help="What to write.")
    ] = ExportFormat.ONNX,
    out: Annotated[
        Path | None, typer.Option(help="Where to write it.", show_default="in the run's folder")
    ] = None,
    data: DataFolder = None,
) -> None:
    """Export a run's network, and check that the result computes the same."""
    from inkread.training import export as exporting
    from inkread.training import train as training

    network = training.load_network(run)
    glyphs = _load_mnist(data).validation.images[: training.PARITY_GLYPHS]
    path = out or run / _EXPORT_NAMES[to]
    if to is ExportFormat.ONNX:
        from inkread.runtime import Model

        metadata = Model(_model_file(run)).metadata
        exporting.to_onnx(network, path, metadata, glyphs)
    elif to is ExportFormat.LITERT:
        exporting.to_litert(network, path, glyphs)
    else:
        exporting.to_saved_model(network, path, glyphs)
    typer.echo(f"saved {path}; its probabilities agree with Keras' to {exporting.TOLERANCE:g}")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pictures and the run.")] = Path("demo"),
    data: DataFolder = None,
) -> None:
    """See it all: data, samples, architecture, training, evaluation, reading."""
    from inkread.training.demo import run_demo

    run_demo(out, data, downloads=messages.downloads, training=messages.training)


def _load_models(models: list[str]) -> "dict[str, Model]":
    """Load models by the names that tell them apart: their own, or else as they were given."""
    from inkread.runtime import Model

    loaded = [
        Model(_model_file(Path(model)) if Path(model).is_dir() else model) for model in models
    ]
    names = [model.name for model in loaded]
    if len(set(names)) < len(names):
        names = models
    if len(set(names)) < len(names):
        raise ConfigError(f"expected different models, received {' '.join(models)}")
    return dict(zip(names, loaded, strict=True))


def _model_file(run: Path) -> Path:
    path = run / _EXPORT_NAMES[ExportFormat.ONNX]
    if not path.exists():
        raise ConfigError(f"expected a finished run, received {run}: train it with --resume")
    return path


def _load_mnist(data: Path | None) -> "Mnist":
    from inkread.training import mnist

    with messages.downloads() as on_progress:
        return mnist.load(data, on_progress=on_progress)
