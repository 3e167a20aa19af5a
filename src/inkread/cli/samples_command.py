"""The command ``samples``: writes the sample pictures that ship."""

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from inkread.cli import progress
from inkread.cli.usage import check_folder
from inkread.errors import ConfigError
from inkread.files import write_atomically

__all__ = ["app", "write_new"]

app = typer.Typer()


@app.command()
def samples(
    folder: Annotated[Path, typer.Argument(help="Where to write them.")] = Path("samples"),
) -> None:
    """Write the sample pictures that ship, to try things on."""
    pictures = sorted(
        Path(str(each)) for each in (resources.files("inkread") / "samples").iterdir()
    )
    check_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        write_new(folder / picture.name, picture.read_bytes())
    progress.console.print(f"saved {len(pictures)} pictures in {escape(str(folder))}")
    progress.console.print(f"try: inkread read {escape(str(folder))}")


def write_new(path: Path, content: bytes) -> None:
    """Write a file, unless another one is there; the same one may be.

    Raises:
        ConfigError: it is.
        OSError: it can't be written.
    """
    if path.exists() and path.read_bytes() != content:
        raise ConfigError(f"{path} is there already, and is another file: choose another place")
    write_atomically(path, content)
