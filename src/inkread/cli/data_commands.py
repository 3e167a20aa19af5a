"""The commands ``data``: MNIST and other people's handwriting.

Importing this module doesn't import the extra [train].
"""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from PIL import Image, ImageShow
from rich.markup import escape
from rich.table import Table

from inkread.cli import output, progress
from inkread.cli.usage import check_file, check_folder
from inkread.errors import ConfigError

if TYPE_CHECKING:
    from inkread.training.mnist import Mnist

__all__ = ["DataFolder", "Original", "PensFolder", "app", "load_mnist"]

app = typer.Typer(
    help="MNIST: fetch it, describe it, show it. Other people's handwriting: import it.",
    no_args_is_help=True,
)

DataFolder = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Folder with MNIST's IDX files, plain or gzipped.", show_default=False
    ),
]
PensFolder = Annotated[
    Path | None,
    typer.Option(
        "--pens",
        help="Folder of other people's handwriting; see inkread data import.",
        show_default="INKREAD_PENS",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("fetch")
def data_fetch(data: DataFolder = None) -> None:
    """Get MNIST from the first source that works, verify it, and cache it."""
    from inkread.training import mnist

    with progress.show_downloads() as on_progress:
        _, source = mnist.fetch(data, on_progress=on_progress)
    typer.echo(f"MNIST is complete and verified; from {source}")


@app.command("info")
def data_info(data: DataFolder = None, as_json: AsJson = False) -> None:
    """Describe MNIST: where it came from, its splits, how many of each digit."""
    import numpy as np

    mnist = load_mnist(data)
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
    output.make_console().print(f"source: {escape(mnist.source)}", table)


@app.command("show")
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

    from inkread.training.evaluation import plots

    check_file(out, plots.SUFFIXES)
    split = load_mnist(data).train
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
    plots.save(plots.draw_samples(split, indices, "MNIST training images"), out)
    typer.echo(f"saved {out}")
    if window:
        with Image.open(out) as picture:
            if not ImageShow.show(picture, "MNIST"):
                raise ConfigError(f"expected a program that shows pictures, found none; see {out}")


class Original(StrEnum):
    """A public collection of handwriting that can be imported."""

    UNIPEN = "unipen"
    PENDIGITS = "pendigits"
    SWISS = "swiss"
    OMNIGLOT = "omniglot"


@app.command("import")
def data_import(
    original: Annotated[Original, typer.Argument(help="Which collection.")],
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE...",
            help="Its unpacked files: UNIPEN's folder train_r01_v07, pendigits-orig.tra, a "
            "checkout of kensanata/numbers, Omniglot's folders of alphabets.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write to; give it to --pens.")],
) -> None:
    """Make the files that trainings read from a public collection of handwriting."""
    from inkread.training.handwriting.originals import IMPORTS

    check_folder(out)
    for imported in IMPORTS[original.value](sources, out):
        typer.echo(imported.summary)


def load_mnist(data: Path | None) -> "Mnist":
    """Load MNIST, and show the progress of a download."""
    from inkread.training import mnist

    with progress.show_downloads() as on_progress:
        return mnist.load(data, on_progress=on_progress)
