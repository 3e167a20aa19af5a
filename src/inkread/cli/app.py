"""The command line: parses arguments, calls the library, prints the results.

Results go to standard output, progress and messages to standard error. Exit codes: 0 done, 1 some
input or step failed (each is named), 2 wrong usage, 130 interrupted.
"""

import io
import logging
import sys
import warnings
from typing import Annotated

import typer
from rich.logging import RichHandler

import inkread
from inkread.batch.allocator import READING_BYTES, keep_freed_memory
from inkread.cli import (
    evaluate_commands,
    explain_command,
    form_commands,
    models_commands,
    progress,
    read_command,
    samples_command,
    serve_commands,
)
from inkread.cli.tensorflow_notices import hide_tensorflow_notices

__all__ = ["app", "main"]

app = typer.Typer(
    cls=progress.ReportingGroup,
    help="Reads handwritten digits, and trains the networks that do.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(read_command.app)
app.add_typer(samples_command.app)
app.add_typer(explain_command.app)
app.add_typer(evaluate_commands.app)
app.add_typer(serve_commands.app)
app.add_typer(form_commands.app, name="form")
app.add_typer(models_commands.app, name="models")


def main() -> None:
    """Run the command line."""
    hide_tensorflow_notices()
    keep_freed_memory(READING_BYTES)
    # Faults of pictures are reported once, by inkread.imaging.images.
    warnings.filterwarnings("ignore", module="PIL")
    # File names may hold bytes that are no valid text; they are printed escaped.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    log = logging.getLogger("inkread")
    log.addHandler(RichHandler(console=progress.console, show_time=False, show_path=False))
    log.propagate = False
    app()


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"inkread {inkread.__version__}")
        raise typer.Exit
