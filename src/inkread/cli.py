"""The command line: parse, call, print.

Results go to standard output, progress and messages to standard error. Exit codes: 0 done, 1 some
input or step failed (each is named), 2 wrong usage, 130 interrupted.
"""

import io
import json
import logging
import os
import sys
import warnings
from collections import Counter
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from PIL import Image, ImageShow
from rich.logging import RichHandler
from rich.markup import escape
from rich.table import Table

import inkread
from inkread import messages, output
from inkread.errors import ConfigError, InkreadError
from inkread.results import Page

if TYPE_CHECKING:  # heavy, or of the extra [train], which reading must do without
    import numpy as np
    from numpy.typing import NDArray

    from inkread.training.mnist import Mnist

__all__ = ["app", "main"]

app = typer.Typer(
    cls=messages.ReportingGroup,
    help="Reads handwritten digits, and trains the networks that do.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(help="MNIST: fetch it, describe it, show it.", no_args_is_help=True)
app.add_typer(data_app, name="data")


def main() -> None:
    """Run the command line."""
    # Set before TensorFlow is imported: its start-up notices are not for users.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # What is wrong with a picture is said once, by inkread.images.
    warnings.filterwarnings("ignore", module="PIL")
    # File names may hold bytes that are no text; they are printed escaped.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    log = logging.getLogger("inkread")
    log.addHandler(RichHandler(console=messages.console, show_time=False, show_path=False))
    log.propagate = False
    app()


class ReadAs(StrEnum):
    """What a picture holds."""

    PAGE = "page"
    NUMBER = "number"
    DIGIT = "digit"


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
ModelName = Annotated[str, typer.Option(help="Name of a shipped model, or a model file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"inkread {inkread.__version__}")
        raise typer.Exit


@app.command()
def read(
    images: Annotated[list[str], typer.Argument(help="Pictures to read; - is standard input.")],
    read_as: Annotated[
        ReadAs,
        typer.Option("--as", help="What each picture holds: anything, one number, one digit."),
    ] = ReadAs.PAGE,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a line of JSON a picture.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a line of CSV a number.")] = False,
    annotate: Annotated[
        Path | None,
        typer.Option(help="Save annotated pictures in this folder.", show_default=False),
    ] = None,
    min_confidence: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Print digits less sure than this as '?'.")
    ] = 0.0,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of the network; one a core if not given.")
    ] = None,
    model: ModelName = "default",
) -> None:
    """Read the numbers in pictures."""
    from inkread.annotate import save_annotated
    from inkread.images import load_upright

    if as_json and as_csv:
        raise typer.BadParameter("choose one of --json and --csv")
    reader = inkread.Reader(model, threads=threads, min_confidence=min_confidence)
    show = output.Json() if as_json else output.Csv() if as_csv else output.Table()
    stems = Counter(Path(name).name for name in images)
    num_failed = 0
    for index, name in enumerate(images, start=1):
        page = None
        try:
            pixels = load_upright(sys.stdin.buffer.read() if name == "-" else name)
            page = _read_as(read_as, reader, pixels)
            if annotate:
                stem = "stdin" if name == "-" else Path(name).name
                if stems[stem] > 1:
                    stem = f"{index}-{stem}"
                save_annotated(pixels, page, annotate / f"{stem}.png")
        except (InkreadError, OSError) as error:
            num_failed += 1
            named = str(error).startswith(f"{name}: ") and name != "-"
            messages.complain(str(error) if named else f"{name}: {error}")
        if page:  # also if its annotated picture could not be saved
            show.add(name, page)
    show.close()
    if num_failed:
        raise typer.Exit(1)


def _read_as(read_as: ReadAs, reader: "inkread.Reader", pixels: "NDArray[np.uint8]") -> Page:
    if read_as is ReadAs.PAGE:
        return reader.read(pixels)
    if read_as is ReadAs.NUMBER:
        number = reader.read_number(pixels)
    else:
        digit = reader.read_digit(pixels)
        digits = () if digit.label is None else (digit,)
        text = "" if digit.label is None else digit.text
        number = inkread.Number(text, digit.confidence, digit.box, digits, digit.rejected)
    return Page((number,), pixels.shape[1], pixels.shape[0], reader.model.name)


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
    data: DataFolder = None,
) -> None:
    """Train a network on MNIST."""
    from inkread.training import plots, recipes
    from inkread.training import train as training

    chosen = recipes.recipe_named(recipe)
    if epochs:
        chosen = replace(chosen, epochs=epochs)
    folder = out or Path("runs") / f"{recipe}-{seed}"
    mnist = _load_mnist(data)
    try:
        with messages.training() as on_step:
            run = training.train(chosen, mnist, folder, seed=seed, resume=resume, on_step=on_step)
    except KeyboardInterrupt:
        messages.complain(f"interrupted; go on with the same command and --resume ({folder})")
        raise typer.Exit(130) from None
    title = f"{recipe}, seed {seed}"
    picked = plots.pick_samples(mnist.train, 10, seed)
    plots.save(plots.samples(mnist.train, picked, "training images"), folder / "samples.png")
    plots.save(plots.curves(run.history, title), folder / "curves.png")
    last = run.history[-1]
    typer.echo(
        f"{run.model_file}: validation accuracy {last.validation_accuracy:.2%} "
        f"(n = {len(mnist.validation):,}) after {last.seconds:.0f} s of training"
    )


@app.command()
def recipes() -> None:
    """List the recipes."""
    from inkread.training.recipes import RECIPES

    table = Table("recipe", "purpose", "network", "epochs", header_style="bold")
    for recipe in RECIPES.values():
        table.add_row(recipe.name, recipe.purpose, recipe.network, str(recipe.epochs))
    output.console().print(table)


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="A shipped model, a model file, or a run's folder.")],
    split: Annotated[Split, typer.Option(help="Which images.")] = Split.TEST,
    out: Annotated[
        Path | None,
        typer.Option(help="Save confusion.png and mistakes.png here.", show_default=False),
    ] = None,
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Measure a model on MNIST: accuracy with its interval, each digit, the worst mistakes."""
    from inkread.runtime import Model
    from inkread.training import evaluate as evaluation
    from inkread.training import plots

    path = Path(model)
    loaded = Model(path / "model.onnx" if path.is_dir() else model)
    images = getattr(_load_mnist(data), split.value)
    found = evaluation.evaluate(loaded, images)
    if as_json:
        typer.echo(json.dumps({"model": loaded.name, "split": split.value, **found.to_dict()}))
    else:
        output.print_evaluation(found, f"{loaded.name} on MNIST's {split.value} images")
    if out:
        plots.save(plots.confusion(found, f"{loaded.name}, {split.value}"), out / "confusion.png")
        plots.save(plots.mistakes(found, images, f"Misread by {loaded.name}"), out / "mistakes.png")
        names = escape(f"{out / 'confusion.png'} and {out / 'mistakes.png'}")
        messages.console.print(f"saved {names}")


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

        if not (run / training.MODEL).exists():
            raise ConfigError(f"expected a finished run, received {run}: train it with --resume")
        metadata = Model(run / training.MODEL).metadata
        exporting.to_onnx(network, path, metadata, glyphs)
    elif to is ExportFormat.LITERT:
        exporting.to_litert(network, path, glyphs)
    else:
        exporting.to_saved_model(network, path, glyphs)
    typer.echo(f"saved {path}; its probabilities agree with Keras' to {exporting.TOLERANCE:g}")


@app.command()
def models() -> None:
    """List the shipped models."""
    from inkread.runtime import Model, shipped_models

    table = Table("name", "recipe", "trained", "figures", "size", header_style="bold")
    for name, path in shipped_models().items():
        about = Model(name).metadata
        figures = ", ".join(
            f"{figure.replace('_', ' ')} {measured.value:.2%} (n = {measured.n:,})"
            for figure, measured in about.figures.items()
        )
        size = f"{path.stat().st_size / 1e6:.2f} MB"
        table.add_row(name, str(about.recipe.get("name")), about.trained, figures, size)
    output.console().print(table)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pictures and the run.")] = Path("demo"),
    data: DataFolder = None,
) -> None:
    """See it all: data, samples, architecture, training, evaluation, reading."""
    from inkread.training.demo import run_demo

    run_demo(out, data, downloads=messages.downloads, training=messages.training)


def _load_mnist(data: Path | None) -> "Mnist":
    from inkread.training import mnist

    with messages.downloads() as on_progress:
        return mnist.load(data, on_progress=on_progress)


if __name__ == "__main__":
    main()
