"""The command line: parse, call, print.

Results go to standard output, progress and messages to standard error. Exit codes: 0 done, 1 some
input or step failed (each is named), 2 wrong usage, 130 interrupted.
"""

import io
import json
import logging
import os
import re
import sys
import warnings
from collections import Counter
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.logging import RichHandler
from rich.markup import escape
from rich.table import Table

import inkread
from inkread.batch import batch_reader, formats
from inkread.batch.allocator import READING_BYTES, keep_freed_memory
from inkread.batch.batch_reader import ReadAs
from inkread.batch.results_file import ResultsFile, ResultsFormat, choose_format
from inkread.batch.sources import STDIN, find
from inkread.cli import (
    evaluate_commands,
    form_commands,
    output,
    progress,
    serve_commands,
    train_commands,
)
from inkread.cli.engine_options import ChosenEngine, Engine, RayAddress, read_on_ray
from inkread.errors import InkreadError
from inkread.files import check_target

if TYPE_CHECKING:  # it needs the extra [ray]
    from inkread.scale.picture_job import PictureJob

__all__ = ["app", "main"]

app = typer.Typer(
    cls=progress.ReportingGroup,
    help="Reads handwritten digits, and trains the networks that do.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(evaluate_commands.app)
app.add_typer(serve_commands.app)
app.add_typer(form_commands.app, name="form")


def main() -> None:
    """Run the command line."""
    # Set before TensorFlow is imported: its start-up notices are not for users.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    keep_freed_memory(READING_BYTES)
    # What is wrong with a picture is said once, by inkread.images.
    warnings.filterwarnings("ignore", module="PIL")
    # File names may hold bytes that are no text; they are printed escaped.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    log = logging.getLogger("inkread")
    log.addHandler(RichHandler(console=progress.console, show_time=False, show_path=False))
    log.propagate = False
    app()


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
    images: Annotated[
        list[str],
        typer.Argument(help="Pictures, folders, or quoted patterns; - is standard input."),
    ],
    read_as: Annotated[
        ReadAs,
        typer.Option("--as", help="What each page holds: anything, one number, one digit."),
    ] = ReadAs.PAGE,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON a page.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a line of CSV a number.")] = False,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Write results to this file, a .csv or .jsonl; with --engine ray, to this folder "
            "or URI, as Parquet.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with --out: read what it doesn't hold yet.")
    ] = False,
    doubtful: Annotated[
        bool,
        typer.Option(
            "--doubtful",
            help="Print only numbers that are rejected or less sure than --min-confidence, and "
            "pages on which there are none; --out gets all.",
        ),
    ] = False,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Look in folders of folders, too.")
    ] = False,
    annotate: Annotated[
        Path | None,
        typer.Option(help="Save annotated pictures in this folder.", show_default=False),
    ] = None,
    min_confidence: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Print digits less sure than this as '?'.")
    ] = 0.0,
    length: Annotated[
        str | None,
        typer.Option(metavar="N|A-B", help="How many digits each number has.", show_default=False),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            metavar="RE", help="A regular expression that each number matches.", show_default=False
        ),
    ] = None,
    check: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="A check that each number passes, e.g. luhn.", show_default=False
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; up to one a core if not given.", show_default=False),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of the network; one a core if not given.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="Model of single digits: a shipped one's name, or a file.")
    ] = "default",
    line_model: Annotated[
        str, typer.Option(help="Model of numbers: a shipped one's name, or a file.")
    ] = "default",
    engine: ChosenEngine = Engine.LOCAL,
    ray_address: RayAddress = None,
) -> None:
    """Read the numbers in pictures."""
    if as_json and as_csv:
        raise typer.BadParameter("choose one of --json and --csv")
    if resume and not out:
        raise typer.BadParameter("--resume goes on with a file of results: name it with --out")
    if read_as is ReadAs.DIGIT and (length or pattern or check):
        raise typer.BadParameter("--length, --pattern and --check are of numbers, not of one digit")
    settings = batch_reader.ReadSettings(
        model, line_model, threads, min_confidence, read_as, _length(length), pattern, check
    )
    if engine is Engine.RAY:
        _check_for_ray({
            "--json": as_json, "--csv": as_csv, "--doubtful": doubtful,
            "--annotate": annotate, "--jobs": jobs, "--threads": threads,
        })  # fmt: skip
        if not out:
            raise typer.BadParameter("--engine ray writes Parquet files: name a folder with --out")
        read_on_ray(images, partial(_for_ray, settings), out, ray_address, recursive=recursive)
        return
    inputs = _inputs(images, recursive, annotate)
    form = ResultsFormat.JSON if as_json else ResultsFormat.CSV if as_csv else None
    with ExitStack() as stack:
        record = None
        if out:
            path = Path(out)
            record = ResultsFile(
                path, form or choose_format(path), formats.CsvWriter.HEADER, resume=resume
            )
            stack.callback(record.close)
            inputs = [
                each for each in inputs if each.name == STDIN or each.name not in record.names
            ]
        shows = [formats.make_page_writer(record.form, record.write)] if record else []
        if doubtful or not record:
            keep = partial(_is_doubtful, min_confidence) if doubtful else None
            shows.append(output.printed(form, keep, [each.name for each in inputs]))
        num_failed = _read_all(
            inputs, settings, jobs or batch_reader.choose_num_processes(len(inputs)), shows
        )
    if record:
        failed = f", {num_failed:,} failed" if num_failed else ""
        before = f", {len(record.names):,} were read before" if resume else ""
        progress.console.print(
            f"{len(inputs) - num_failed:,} read{failed}{before}; results in {escape(out or '')}"
        )
    if num_failed:
        raise typer.Exit(1)


def _check_for_ray(options: dict[str, object]) -> None:
    if unfit := [name for name, value in options.items() if value]:
        raise typer.BadParameter(f"{', '.join(unfit)} can't go with --engine ray")


def _for_ray(settings: batch_reader.ReadSettings) -> "PictureJob":
    from inkread.scale.picture_job import PictureJob

    return PictureJob(settings)


def _is_doubtful(min_confidence: float, number: inkread.Number) -> bool:
    return number.rejected or number.confidence < min_confidence


def _length(text: str | None) -> int | tuple[int, int] | None:
    """Parse ``6`` or ``4-6``."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= low <= high:
        raise typer.BadParameter(f"expected a --length such as 6 or 4-6, received {text!r}")
    return (low, high) if found and found[2] else low


def _inputs(
    names: list[str], recursive: bool, annotate: Path | None
) -> list[batch_reader.PictureInput]:
    """Find what is to be read, each with the name of its annotated picture."""
    sources = find(names, recursive=recursive, without=annotate)
    stems = ["stdin" if each.name == STDIN else Path(each.name).name for each in sources]
    counts = Counter(stems)
    inputs = []
    for index, (source, stem) in enumerate(zip(sources, stems, strict=True), start=1):
        alone = stem if counts[stem] == 1 else f"{index}-{stem}"
        target = annotate / f"{alone}.png" if annotate else None
        inputs.append(
            batch_reader.PictureInput(source.name, _source(source.name), target, source.problem)
        )
    return inputs


def _read_all(
    inputs: list[batch_reader.PictureInput],
    settings: batch_reader.ReadSettings,
    num_processes: int,
    shows: list[formats.PageWriter],
) -> int:
    """Read, show what was found, and name what failed; return how many inputs did, or a page."""
    failed: set[str] = set()
    outcomes = batch_reader.read_files(inputs, settings, num_processes=num_processes)
    with closing(outcomes), progress.reading(len(inputs)) as on_done:
        for outcome in outcomes:
            if outcome.error:
                failed.add(outcome.name)
                progress.complain(f"{outcome.name}: {outcome.error}")
            if outcome.page:  # also if its annotated picture could not be saved
                for show in shows:
                    show.add(outcome.name, outcome.page)
            if outcome.is_last:
                on_done()
    return len(failed)


@app.command()
def explain(
    image: Annotated[str, typer.Argument(help="Picture of one digit; - is standard input.")],
    out: Annotated[
        Path | None, typer.Option(help="Save a picture of it; a .png.", show_default=False)
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(
            help="Save what the first layers make of the digit; needs the train extra.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    model: ModelName = "default",
) -> None:
    """Show which ink, and which empty paper, decided how a digit is read."""
    from inkread.explain import illustration
    from inkread.explain.occlusion import explain as find_explanation
    from inkread.imaging.images import load_upright

    if out:
        check_target(out, illustration.SUFFIXES)
    if features:
        from inkread.training.evaluation import plots

        check_target(features, plots.SUFFIXES)
    reader = inkread.Reader(model)
    try:
        pixels = load_upright(_source(image))
        found = find_explanation(reader, pixels)
    except InkreadError as error:
        _complain_of(image, error)
        raise typer.Exit(1) from None
    typer.echo(json.dumps({"file": image, **found.to_dict()}) if as_json else found.summary)
    if out:
        illustration.save_illustrated(pixels, found, out)
        progress.console.print(f"saved {escape(str(out))}")
    if features:
        from inkread.explain.feature_maps import feature_maps

        maps = feature_maps(reader.model, found.glyph)
        plots.save(
            plots.draw_feature_maps(maps, f"The first layers of {reader.model.name}"), features
        )
        progress.console.print(f"saved {escape(str(features))}")


def _source(name: str) -> str | bytes:
    return sys.stdin.buffer.read() if name == STDIN else name


def _complain_of(name: str, error: Exception) -> None:
    named = str(error).startswith(f"{name}: ") and name != "-"
    progress.complain(str(error) if named else f"{name}: {error}")


models_app = typer.Typer(invoke_without_command=True)
app.add_typer(models_app, name="models")


@models_app.callback()
def list_models(context: typer.Context, models: train_commands.ModelsFolder = None) -> None:
    """List the models that ship, and those that were promoted."""
    if context.invoked_subcommand:
        return
    from inkread.models.registry import Registry, get_default_folder
    from inkread.models.runtime import LineModel, Model, list_shipped_models

    listed = [
        (name, path, kind, "")
        for kind in (Model, LineModel)
        for name, path in list_shipped_models(kind.kind).items()
    ]
    listed += [
        (version.path.stem, version.path, Model, "in use" if version.is_current else "")
        for version in Registry(models or get_default_folder()).list_versions()
    ]
    table = Table("name", "kind", "recipe", "trained", "figures", "size", "", header_style="bold")
    for name, path, kind, state in listed:
        about = kind(path).metadata
        figures = ", ".join(
            f"{figure.replace('_', ' ')} {measured.value:.2%} (n = {measured.n:,})"
            for figure, measured in about.figures.items()
        )
        recipe, size = str(about.recipe.get("name")), f"{path.stat().st_size / 1e6:.2f} MB"
        table.add_row(name, about.kind, recipe, about.trained, figures, size, state)
    output.console().print(table)


@models_app.command()
def rollback(models: train_commands.ModelsFolder = None) -> None:
    """Go back to the model that was in use before the last promotion."""
    from inkread.models.registry import Registry, get_default_folder

    path = Registry(models or get_default_folder()).roll_back()
    typer.echo(f"in use: {path or 'no promoted model, but the one of the service'}")
