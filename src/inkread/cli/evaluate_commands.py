"""The commands that need the extra [train]. Importing this module doesn't import it.

They are listed in every installation: without the extra, they print what to install.
"""

import json
import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from inkread.cli import data_commands, output, progress, train_commands
from inkread.cli.correction_learning import load_model
from inkread.cli.data_commands import DataFolder, load_mnist
from inkread.cli.usage import check_file, check_folder
from inkread.errors import ConfigError
from inkread.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inkread.models.runtime import Model
    from inkread.training.evaluation.evaluate import Evaluation
    from inkread.training.evaluation.report import Setting

__all__ = ["app"]

app = typer.Typer()
app.add_typer(data_commands.app, name="data")
app.add_typer(train_commands.app)


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


class SplitChoice(StrEnum):
    """A part of MNIST."""

    TEST = "test"
    VALIDATION = "validation"


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="A shipped model, a model file, or a run's folder; several are compared.",
        ),
    ],
    split: Annotated[SplitChoice, typer.Option(help="Which images.")] = SplitChoice.TEST,
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
    from inkread.training.evaluation import evaluate as evaluation
    from inkread.training.evaluation import plots
    from inkread.training.evaluation import report as reporting

    if out and len(models) > 1:
        raise typer.BadParameter(f"--out expects one model, received {len(models)}")
    pictures = [out / "confusion.png", out / "mistakes.png"] if out else []
    check_folder(out)
    for target in [*pictures, report]:
        check_file(target)
    loaded = _load_models(models)
    images = getattr(load_mnist(data), split.value)
    found = {name: evaluation.evaluate(model, images) for name, model in loaded.items()}
    for name, each in found.items():
        if as_json:
            typer.echo(json.dumps({"model": name, "split": split.value, **each.to_dict()}))
        elif len(found) == 1:
            output.print_evaluation(each, f"{name} on MNIST's {split.value} images")
        if pictures:
            plots.save(plots.draw_confusion(each, f"{name}, {split.value}"), pictures[0])
            plots.save(plots.draw_mistakes(each, images, f"Misread by {name}"), pictures[1])
            progress.console.print(f"saved {escape(' and '.join(map(str, pictures)))}")
    if len(found) > 1 and not as_json:
        output.print_comparison(found, f"MNIST's {split.value} images, n = {len(images):,}")
    if report:
        options = {"split": split.value, "robustness-images": robustness_images, "report": report}
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        command = shlex.join(["inkread", "evaluate", *models, *words])
        setting = reporting.Setting(images, split.value, command, robustness_images)
        _write_report(report, setting, loaded, found)


def _write_report(
    path: Path,
    setting: "Setting",
    models: "Mapping[str, Model]",
    evaluations: "Mapping[str, Evaluation]",
) -> None:
    from inkread.training.evaluation import report as reporting

    with progress.console.status("measuring robustness and speed"):
        subjects = [
            reporting.examine(model, setting, name=name, evaluation=evaluations[name])
            for name, model in models.items()
        ]
    write_atomically(path, reporting.render_page(subjects, setting))
    progress.console.print(f"saved {escape(str(path))}")


@app.command()
def threshold(
    max_error: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the accepted digits that may be wrong.")
    ],
    model: Annotated[
        str, typer.Option(help="A shipped model, a model file, or a run's folder.")
    ] = "default",
    certainty: Annotated[
        float, typer.Option(min=0, max=1, help="Of the bound on that share.")
    ] = 0.95,
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Choose a --min-confidence for a wanted error rate, on MNIST's validation images."""
    from inkread.training.evaluation.calibrate import find_guaranteed_threshold

    (chosen,) = _load_models([model]).values()
    images = load_mnist(data).validation
    found = chosen.classify(images.images)
    confidence = found.probabilities * (1 - found.junk[:, None])  # as the reader takes it
    answer = find_guaranteed_threshold(confidence, images.labels, max_error, certainty)
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
    from inkread.training.networks import export as exporting
    from inkread.training.networks.architectures import build_inference_network
    from inkread.training.runs import load_network, read_recipe
    from inkread.training.train import NUM_PARITY_GLYPHS

    recipe, _ = read_recipe(run)
    network = build_inference_network(load_network(run), recipe)
    validation = load_mnist(data).validation
    glyphs = exporting.away_from_threshold(
        network, validation.images[:NUM_PARITY_GLYPHS], recipe.sure
    )
    path = out or run / _EXPORT_NAMES[to]
    if to is ExportFormat.ONNX:
        metadata = load_model(str(run)).metadata
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
    from inkread.cli.demo import run_demo

    check_folder(out)
    run_demo(out, data, downloads=progress.show_downloads, training=progress.show_training)


def _load_models(models: list[str]) -> "dict[str, Model]":
    """Load models, by their own names, or as they were given if those aren't unique."""
    loaded = [load_model(model) for model in models]
    names = [model.name for model in loaded]
    if len(set(names)) < len(names):
        names = models
    if len(set(names)) < len(names):
        raise ConfigError(f"expected different models, received {' '.join(models)}")
    return dict(zip(names, loaded, strict=True))
