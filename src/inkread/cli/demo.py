"""Demonstrates the whole workflow: data, samples, architecture, training, evaluation, reading."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import resources
from pathlib import Path

from rich.markup import escape

from inkread.batch.annotate import save_annotated
from inkread.cli import output
from inkread.errors import DataError
from inkread.imaging.images import load_upright
from inkread.reader import Reader
from inkread.training import mnist, runs, train
from inkread.training.evaluation import evaluate, plots
from inkread.training.history import Step
from inkread.training.networks import architectures
from inkread.training.recipes import recipe_named

__all__ = ["run_demo"]

DownloadBars = Callable[[], AbstractContextManager[mnist.Progress]]
TrainingBar = Callable[[], AbstractContextManager[Callable[[Step], None]]]


def run_demo(
    directory: Path, data: Path | None, *, downloads: DownloadBars, training: TrainingBar
) -> None:
    """Run the demo: print its steps to standard output, and save pictures in a folder.

    If MNIST can't be loaded, the training is left out, and the sample pictures are still read.

    Args:
        directory: folder for the pictures and the run; those of an earlier demo are replaced.
        data: a folder with MNIST's IDX files, tried first, or ``None``.
        downloads: makes a context that shows the progress of downloads through a callback.
        training: makes a context that shows the progress of the training through a callback.

    Raises:
        OSError: the folder can't be written.
    """
    out = output.make_console()
    try:
        with downloads() as on_progress:
            dataset = mnist.load(data, on_progress=on_progress)
    except DataError as error:
        out.print(f"[bold]No training without MNIST.[/bold] {escape(str(error))}")
    else:
        _evaluate(_train(dataset, directory, training), dataset, directory)
    _read_samples(directory)


def _train(dataset: mnist.Mnist, directory: Path, training: TrainingBar) -> Path:
    """Show the data and the network, train it, and return its model file."""
    out = output.make_console()
    out.rule("1. Data")
    out.print(
        f"MNIST from {escape(dataset.source)}: {len(dataset.train):,} images to train on, "
        f"{len(dataset.validation):,} to validate on, {len(dataset.test):,} to test on"
    )
    _save_figure(
        plots.draw_samples(dataset.train, plots.pick_samples(dataset.train, 10), "MNIST"),
        directory / "samples.png",
    )
    out.rule("2. Architecture")
    recipe = recipe_named("quick")
    architectures.build(recipe.network, recipe.num_outputs, recipe.dropout).summary(
        print_fn=out.print
    )
    out.rule("3. Training")
    out.print(f"recipe {recipe.name}: {recipe.purpose}")
    run_directory = directory / "run"
    for name in (runs.RECIPE, runs.CHECKPOINT):  # it always trains anew
        (run_directory / name).unlink(missing_ok=True)
    steps: list[Step] = []
    with training() as show_step:

        def on_step(step: Step) -> None:
            steps.append(step)
            show_step(step)

        run = train.train(recipe, dataset, run_directory, on_step=on_step)
    last = run.history[-1]
    out.print(
        f"trained in {last.seconds:.0f} s; validation accuracy {last.validation_accuracy:.2%}"
    )
    _save_figure(
        plots.draw_curves(run.history, f"recipe {recipe.name}", steps), directory / "curves.png"
    )
    return run.model_file


def _evaluate(model_file: Path, dataset: mnist.Mnist, directory: Path) -> None:
    output.make_console().rule("4. Evaluation")
    found = evaluate.evaluate(Reader(model_file).model, dataset.test)
    output.print_evaluation(found, "The network just trained, on MNIST's test images")
    _save_figure(plots.draw_confusion(found, "MNIST test images"), directory / "confusion.png")
    _save_figure(
        plots.draw_mistakes(found, dataset.test, "Misread test images"), directory / "mistakes.png"
    )


def _read_samples(directory: Path) -> None:
    out = output.make_console()
    out.rule("5. Reading pictures with the shipped model")
    reader = Reader()
    with resources.as_file(resources.files("inkread") / "samples") as folder:
        paths = sorted(folder.glob("*.png"))
        table = output.PageTable([path.name for path in paths])
        for path in paths:
            pixels = load_upright(path)
            page = reader.read(pixels)
            table.add(path.name, page)
            save_annotated(pixels, page, directory / f"read-{path.name}")
    out.print(escape(f"saved the annotated pictures as {directory / 'read-*.png'}"))


def _save_figure(canvas: plots.Canvas, path: Path) -> None:
    plots.save(canvas, path)
    output.make_console().print(escape(f"saved {path}"))
