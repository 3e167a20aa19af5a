"""The command ``explain``: what decided how a digit is read."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

import inkread
from inkread.batch.sources import STDIN
from inkread.cli import progress
from inkread.cli.read_command import read_source
from inkread.cli.usage import check_file
from inkread.errors import InkreadError

__all__ = ["app"]

app = typer.Typer()


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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    model: Annotated[
        str, typer.Option(help="Name of a shipped model, or a model file.")
    ] = "default",
) -> None:
    """Show which ink, and which empty paper, decided how a digit is read."""
    from inkread.explain import illustration
    from inkread.explain.occlusion import explain as find_explanation
    from inkread.imaging.images import load_upright

    check_file(out, illustration.SUFFIXES)
    if features:
        from inkread.training.evaluation import plots

        check_file(features, plots.SUFFIXES)
    reader = inkread.Reader(model)
    try:
        pixels = load_upright(read_source(image))
        found = find_explanation(reader, pixels)
    except InkreadError as error:
        _print_error_of(image, error)
        raise typer.Exit(1) from None
    typer.echo(json.dumps({"file": image, **found.to_dict()}) if as_json else found.summary)
    if out:
        illustration.save_explanation(pixels, found, out)
        progress.console.print(f"saved {escape(str(out))}")
    if features:
        from inkread.explain.feature_maps import compute_feature_maps

        maps = compute_feature_maps(reader.model, found.glyph)
        plots.save(
            plots.draw_feature_maps(maps, f"The first layers of {reader.model.name}"), features
        )
        progress.console.print(f"saved {escape(str(features))}")


def _print_error_of(name: str, error: Exception) -> None:
    is_named = str(error).startswith(f"{name}: ") and name != STDIN
    progress.print_error(str(error) if is_named else f"{name}: {error}")
