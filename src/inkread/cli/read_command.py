"""The command ``read``: the numbers in pictures."""

import re
import sys
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

import inkread
from inkread.batch import batch_reader, formats
from inkread.batch.batch_reader import ReadAs
from inkread.batch.grid_files import GRID_SUFFIXES, GridFile
from inkread.batch.process_limits import ProcessLimits
from inkread.batch.results_file import BOM, SUFFIXES, ResultsFile, ResultsFormat
from inkread.batch.sources import STDIN, find, make_cell, make_printable
from inkread.cli import progress
from inkread.cli.engine_options import ChosenEngine, Engine, RayAddress, check_address, read_on_ray
from inkread.cli.output import GridPrinter, choose_printer
from inkread.cli.usage import check_file, check_folder, wrong_usage
from inkread.decoding.check_digits import CHECKS
from inkread.decoding.constraints import Constraint
from inkread.imaging.layout_options import MOST_CELLS, Cells, LayoutOptions
from inkread.notation import PLAIN, Notation, ValueKind

if TYPE_CHECKING:  # it needs the extra [ray]
    from inkread.scale.picture_job import PictureJob

__all__ = ["app", "read_source"]

app = typer.Typer()


def read_source(name: str) -> str | bytes:
    """Return the bytes of standard input for ``-``, and any other name as it is."""
    if name != STDIN:
        return name
    from inkread.imaging.input_files import read_file_object

    return read_file_object(sys.stdin.buffer)


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
            help="Write results to this file, a .csv or .jsonl; with --table a .csv, .xlsx or "
            ".json of the tables; with --engine ray, to this folder or URI, as Parquet.",
            show_default=False,
        ),
    ] = None,
    bom: Annotated[
        bool,
        typer.Option("--bom", help="Begin CSV with a byte order mark, as Excel expects of UTF-8."),
    ] = False,
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
            metavar="NAME",
            help=f"A check that each number passes: {', '.join(CHECKS)}.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        ValueKind | None,
        typer.Option(help="What each number is; only such numbers are read.", show_default=False),
    ] = None,
    decimal: Annotated[
        str, typer.Option(metavar="MARKS", help="The marks that may part decimals: . or , or both.")
    ] = PLAIN.decimal,
    decimals: Annotated[
        str | None,
        typer.Option(
            metavar="N|A-B", help="How many digits follow the decimal point.", show_default=False
        ),
    ] = None,
    least: Annotated[
        str | None,
        typer.Option("--min", help="The least value, date or time.", show_default=False),
    ] = None,
    greatest: Annotated[
        str | None,
        typer.Option("--max", help="The greatest value, date or time.", show_default=False),
    ] = None,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="No number has a minus, or stands in brackets.")
    ] = False,
    date_format: Annotated[
        str | None,
        typer.Option("--format", help="The order of a date, e.g. D/M/YYYY.", show_default=False),
    ] = None,
    printed: Annotated[
        bool, typer.Option("--printed", help="Report printed numbers, too, not only written ones.")
    ] = False,
    cells: Annotated[
        Cells,
        typer.Option(
            help="Narrow cells with a digit each: one number (join), a number each (split), or "
            "what the page suggests (auto)."
        ),
    ] = Cells.AUTO,
    grid: Annotated[
        str | None,
        typer.Option(
            metavar="ROWSxCOLUMNS",
            help="How many rows and columns the table has, e.g. 9x9.",
            show_default=False,
        ),
    ] = None,
    as_table: Annotated[bool, typer.Option("--table", help="Print tables as grids.")] = False,
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
    if read_as is not ReadAs.PAGE and (
        printed or as_table or grid is not None or cells is not Cells.AUTO
    ):
        raise typer.BadParameter(
            "--printed, --cells, --grid and --table are of whole pages: they can't go with --as"
        )
    if as_table and (as_json or as_csv or doubtful):
        raise typer.BadParameter("--table prints grids: it can't go with --json, --csv, --doubtful")
    if bom and not (as_csv or (out or "").lower().endswith(".csv")):
        raise typer.BadParameter("--bom is of CSV: add --csv, or --out with a .csv")
    if as_table and resume:
        raise typer.BadParameter("--table writes its file at the end: it can't go with --resume")
    if resume and not out:
        raise typer.BadParameter("--resume goes on with a file of results: name it with --out")
    check_address(engine, ray_address)
    check_folder(annotate)
    with wrong_usage():
        notation = Notation(
            kind, decimal, _parse_decimals(decimals), least, greatest, not unsigned, date_format
        )
        Constraint(_parse_length(length), pattern, check, notation)
    if read_as is ReadAs.DIGIT and (length or pattern or check or notation != PLAIN):
        raise typer.BadParameter("--length, --pattern, --check and --kind are of numbers")
    settings = batch_reader.ReadSettings(
        model,
        line_model,
        threads,
        min_confidence,
        read_as,
        _parse_length(length),
        pattern,
        check,
        LayoutOptions(printed, cells, _parse_grid(grid)),
        notation,
    )
    if engine is Engine.RAY:
        _refuse_with_ray({
            "--json": as_json, "--csv": as_csv, "--bom": bom, "--doubtful": doubtful,
            "--annotate": annotate, "--jobs": jobs, "--threads": threads,
        })  # fmt: skip
        if not out:
            raise typer.BadParameter("--engine ray writes Parquet files: name a folder with --out")
        make_job = partial(_make_ray_job, settings)
        read_on_ray(images, make_job, out, ray_address, recursive=recursive)
        return
    form = ResultsFormat.JSON if as_json else ResultsFormat.CSV if as_csv else None
    _check_out(out, form, as_table)
    keep = partial(_is_doubtful, min_confidence) if doubtful else None
    inputs = _find_inputs(images, recursive, annotate)
    _read_here(inputs, settings, jobs, _Output(form, keep, out, resume, as_table, bom))


@dataclass(frozen=True)
class _Output:
    form: ResultsFormat | None  # None: a table for people
    keep: formats.KeepNumber | None  # of what is printed
    file: str | None
    resume: bool
    as_table: bool
    bom: bool  # before CSV


def _check_out(out: str | None, form: ResultsFormat | None, as_table: bool) -> None:
    """Refuse a file whose name says that something else is in it."""
    path = Path(out) if out else None
    if as_table or form is None:
        check_file(path, GRID_SUFFIXES if as_table else tuple(SUFFIXES))
    elif path and SUFFIXES.get(path.suffix.lower(), form) is not form:
        raise typer.BadParameter(f"--{form} contradicts the name of --out, {path}")
    check_file(path)


def _read_here(
    inputs: list[batch_reader.PictureInput],
    settings: batch_reader.ReadSettings,
    jobs: int | None,
    output: _Output,
) -> None:
    """Read with processes of this machine, and print or write the results."""
    with ExitStack() as stack:
        record, tables = None, None
        shows: list[formats.PageWriter] = []
        if output.file and output.as_table:
            tables = GridFile(Path(output.file), bom=output.bom)
            shows.append(tables)
        elif output.file:
            path = Path(output.file)
            form = output.form or SUFFIXES[path.suffix.lower()]
            header = BOM * output.bom + formats.CsvWriter.HEADER
            record = ResultsFile(path, form, header, resume=output.resume)
            stack.callback(record.close)
            inputs = [
                each
                for each in inputs
                if each.name == STDIN
                or not record.names & {make_printable(each.name), make_cell(each.name)}
            ]
            shows.append(formats.make_page_writer(record.form, record.write))
        if output.keep or not output.file:
            names = [each.name for each in inputs]
            printer = choose_printer(output.form, output.keep, names, bom=output.bom)
            shows.append(GridPrinter() if output.as_table else printer)
        num_processes = jobs or batch_reader.choose_num_processes(len(inputs))
        num_failed, num_doubtful = _read_all(inputs, settings, num_processes, shows)
        if tables:
            tables.close()
    if output.file or output.keep:
        doubtful = f"; {num_doubtful:,} of them doubtful" if num_doubtful or output.keep else ""
        failed = f", {num_failed:,} failed" if num_failed else ""
        before = f", {len(record.names):,} were read before" if record and output.resume else ""
        where = f"; results in {escape(output.file)}" if output.file else ""
        progress.console.print(
            f"{len(inputs) - num_failed:,} read{doubtful}{failed}{before}{where}"
        )
    if num_failed:
        raise typer.Exit(1)


def _refuse_with_ray(options: dict[str, object]) -> None:
    if given := [name for name, value in options.items() if value]:
        raise typer.BadParameter(f"{', '.join(given)} can't go with --engine ray")


def _make_ray_job(settings: batch_reader.ReadSettings) -> "PictureJob":
    from inkread.scale.picture_job import PictureJob

    return PictureJob(settings)


def _is_doubtful(min_confidence: float, number: inkread.Number) -> bool:
    return number.rejected or number.confidence < min_confidence


def _parse_length(text: str | None) -> int | tuple[int, int] | None:
    """Parse ``6`` or ``4-6``."""
    found = _parse_span(text)
    low = found[0] if isinstance(found, tuple) else found
    if text is not None and not low:
        raise typer.BadParameter(f"expected a --length such as 6 or 4-6, received {text!r}")
    return found


def _parse_decimals(text: str | None) -> int | tuple[int, int] | None:
    """Parse ``2`` or ``0-2``."""
    found = _parse_span(text)
    if text is not None and found is None:
        raise typer.BadParameter(f"expected --decimals such as 2 or 0-2, received {text!r}")
    return found


def _parse_span(text: str | None) -> int | tuple[int, int] | None:
    found = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", text or "", re.ASCII)
    if not found or (found[2] and int(found[1]) > int(found[2])):
        return None
    return (int(found[1]), int(found[2])) if found[2] else int(found[1])


def _find_inputs(
    names: list[str], recursive: bool, annotate: Path | None
) -> list[batch_reader.PictureInput]:
    """Find the inputs, and name the annotated picture of each."""
    sources = find(names, recursive=recursive, without=annotate)
    stems = ["stdin" if each.name == STDIN else Path(each.name).name for each in sources]
    counts = Counter(stems)
    inputs = []
    for index, (source, stem) in enumerate(zip(sources, stems, strict=True), start=1):
        alone = stem if counts[stem] == 1 else f"{index}-{stem}"
        target = annotate / f"{alone}.png" if annotate else None
        inputs.append(
            batch_reader.PictureInput(source.name, read_source(source.name), target, source.problem)
        )
    return inputs


def _read_all(
    inputs: list[batch_reader.PictureInput],
    settings: batch_reader.ReadSettings,
    num_processes: int,
    shows: list[formats.PageWriter],
) -> tuple[int, int]:
    """Read inputs, show each page, print each error.

    Returns:
        The number of inputs with an error, and of those in which a number is rejected.
    """
    failed: set[str] = set()
    doubtful: set[str] = set()
    apart = num_processes > 1 or any(batch_reader.is_pdf_file(each.picture) for each in inputs)
    outcomes = batch_reader.read_files(
        inputs, settings, num_processes=num_processes, limits=ProcessLimits() if apart else None
    )
    with closing(outcomes), progress.show_reading(len(inputs)) as on_done:
        for outcome in outcomes:
            if outcome.error:
                failed.add(outcome.name)
                progress.print_error(f"{make_printable(outcome.name)}: {outcome.error}")
            if outcome.page:  # even if its annotated picture could not be saved
                if any(number.rejected for number in outcome.page.numbers):
                    doubtful.add(outcome.name)
                for show in shows:
                    show.add(outcome.name, outcome.page)
            if outcome.is_last:
                on_done()
    return len(failed), len(doubtful - failed)


def _parse_grid(text: str | None) -> tuple[int, int] | None:
    """Parse ``9x9``: rows and columns."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,3})[xX](\d{1,3})", text)
    if not found or not all(1 <= int(count) <= MOST_CELLS for count in found.groups()):
        raise typer.BadParameter(
            f"expected a --grid of rows and columns such as 9x9, each from 1 to {MOST_CELLS}, "
            f"received {text!r}"
        )
    return int(found[1]), int(found[2])
