"""The commands ``models``: list model files, and roll back a promotion."""

import typer
from rich.table import Table

from inkread.cli import output
from inkread.cli.train_commands import ModelsFolder

__all__ = ["app"]

app = typer.Typer(invoke_without_command=True)


@app.callback()
def list_models(context: typer.Context, models: ModelsFolder = None) -> None:
    """List the models that ship, and those that were promoted."""
    if context.invoked_subcommand:
        return
    from inkread.models import registry

    table = Table(header_style="bold")
    for heading in ("name", "kind", "recipe", "trained", "validation", "size", "state"):
        table.add_column(heading, no_wrap=True)  # a row a model
    for model in registry.list_models(models or registry.get_default_folder()):
        about = model.metadata
        right = about.figures.get("validation_accuracy")
        validation = f"{right.value:.2%} (n = {right.n:,})" if right else ""
        recipe, size = str(about.recipe.get("name")), f"{model.size_bytes / 1e6:.2f} MB"
        state = "in use" if model.is_current else ""
        table.add_row(model.name, about.kind, recipe, about.trained, validation, size, state)
    output.make_console().print(table)


@app.command()
def rollback(models: ModelsFolder = None) -> None:
    """Go back to the model that was in use before the last promotion."""
    from inkread.models.registry import Registry, get_default_folder

    path = Registry(models or get_default_folder()).roll_back()
    typer.echo(f"in use: {path or 'no promoted model, but the one of the service'}")
