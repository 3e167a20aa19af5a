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
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.logging import RichHandler
from rich.markup import escape
from rich.table import Table

import inkread
from inkread import messages, output
from inkread.errors import InkreadError
from inkread.files import check_target
from inkread.forms import commands as form_commands
from inkread.results import Page
from inkread.training import commands, train_commands
from inkread.web import commands as web_commands

if TYPE_CHECKING:  # heavy
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["app", "main"]

app = typer.Typer(
    cls=messages.ReportingGroup,
    help="Reads handwritten digits, and trains the networks that do.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(commands.app)
app.add_typer(web_commands.app)
app.add_typer(form_commands.app, name="form")


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
            pixels = load_upright(_source(name))
            page = _read_as(read_as, reader, pixels)
            if annotate:
                stem = "stdin" if name == "-" else Path(name).name
                if stems[stem] > 1:
                    stem = f"{index}-{stem}"
                save_annotated(pixels, page, annotate / f"{stem}.png")
        except (InkreadError, OSError) as error:
            num_failed += 1
            _complain_of(name, error)
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
    from inkread import illustrate
    from inkread.explain import explain as find_explanation
    from inkread.images import load_upright

    if out:
        check_target(out, illustrate.SUFFIXES)
    if features:
        from inkread.training import plots

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
        illustrate.save_illustrated(pixels, found, out)
        messages.console.print(f"saved {escape(str(out))}")
    if features:
        from inkread.training.features import feature_maps, picture

        maps = feature_maps(reader.model, found.glyph)
        plots.save(picture(maps, f"The first layers of {reader.model.name}"), features)
        messages.console.print(f"saved {escape(str(features))}")


def _source(name: str) -> str | bytes:
    return sys.stdin.buffer.read() if name == "-" else name


def _complain_of(name: str, error: Exception) -> None:
    named = str(error).startswith(f"{name}: ") and name != "-"
    messages.complain(str(error) if named else f"{name}: {error}")


models_app = typer.Typer(invoke_without_command=True)
app.add_typer(models_app, name="models")


@models_app.callback()
def list_models(context: typer.Context, models: train_commands.ModelsFolder = None) -> None:
    """List the models that ship, and those that were promoted."""
    if context.invoked_subcommand:
        return
    from inkread.registry import Registry, default_folder
    from inkread.runtime import Model, shipped_models

    promoted = {
        version.path.stem: (version.path, "in use" if version.is_current else "")
        for version in Registry(models or default_folder()).versions()
    }
    shipped = {name: (path, "") for name, path in shipped_models().items()}
    table = Table("name", "recipe", "trained", "figures", "size", "", header_style="bold")
    for name, (path, state) in (shipped | promoted).items():
        about = Model(path).metadata
        figures = ", ".join(
            f"{figure.replace('_', ' ')} {measured.value:.2%} (n = {measured.n:,})"
            for figure, measured in about.figures.items()
        )
        size = f"{path.stat().st_size / 1e6:.2f} MB"
        table.add_row(name, str(about.recipe.get("name")), about.trained, figures, size, state)
    output.console().print(table)


@models_app.command()
def rollback(models: train_commands.ModelsFolder = None) -> None:
    """Go back to the model that was in use before the last promotion."""
    from inkread.registry import Registry, default_folder

    path = Registry(models or default_folder()).rollback()
    typer.echo(f"in use: {path or 'no promoted model, but the one of the service'}")


if __name__ == "__main__":
    main()
