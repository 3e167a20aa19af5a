"""The whole workflow in one go: data, samples, architecture, training, evaluation, reading."""

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
    """Show the workflow, printing to standard output and leaving pictures in a folder.

    Without MNIST it says so, and reads the sample pictures all the same.

    Args:
        directory: for the pictures and the run; what an earlier demo left there is replaced.
        data: a folder with MNIST's IDX files, tried first, or ``None``.
        downloads: gives a callback that shows downloads for as long as its context lasts.
        training: likewise for the steps of the training.

    Raises:
        OSError: the folder can't be written.
    """
    out = output.console()
    try:
        with downloads() as on_progress:
            dataset = mnist.load(data, on_progress=on_progress)
    except DataError as error:
        out.print(f"[bold]No training without MNIST.[/bold] {escape(str(error))}")
    else:
        _train_and_evaluate(dataset, directory, training)
    _read_samples(directory)


def _train_and_evaluate(dataset: mnist.Mnist, directory: Path, training: TrainingBar) -> None:
    out = output.console()
    out.rule("1. Data")
    out.print(
        f"MNIST from {escape(dataset.source)}: {len(dataset.train):,} images to train on, "
        f"{len(dataset.validation):,} to validate on, {len(dataset.test):,} to test on"
    )
    _save(
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
    for name in (runs.RECIPE, runs.CHECKPOINT):  # the demo starts anew each time
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
    _save(plots.draw_curves(run.history, f"recipe {recipe.name}", steps), directory / "curves.png")
    out.rule("4. Evaluation")
    found = evaluate.evaluate(Reader(run.model_file).model, dataset.test)
    output.print_evaluation(found, "The network just trained, on MNIST's test images")
    _save(plots.draw_confusion(found, "MNIST test images"), directory / "confusion.png")
    _save(
        plots.draw_mistakes(found, dataset.test, "Misread test images"), directory / "mistakes.png"
    )


def _read_samples(directory: Path) -> None:
    out = output.console()
    out.rule("5. Reading pictures with the shipped model")
    reader = Reader()
    with resources.as_file(resources.files("inkread") / "samples") as folder:
        paths = sorted(folder.glob("*.png"))
        table = output.Table([path.name for path in paths])
        for path in paths:
            pixels = load_upright(path)
            page = reader.read(pixels)
            table.add(path.name, page)
            save_annotated(pixels, page, directory / f"read-{path.name}")
    out.print(escape(f"saved the annotated pictures as {directory / 'read-*.png'}"))


def _save(canvas: plots.Canvas, path: Path) -> None:
    plots.save(canvas, path)
    output.console().print(escape(f"saved {path}"))
