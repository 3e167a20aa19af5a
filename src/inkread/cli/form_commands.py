"""The commands ``form``. Importing this module doesn't import the extra [forms]."""

import os
from collections.abc import Callable
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from inkread.batch.sources import Source, find, make_printable
from inkread.cli import progress
from inkread.cli.engine_options import ChosenEngine, Engine, RayAddress, check_address, read_on_ray
from inkread.cli.samples_command import write_new
from inkread.cli.usage import check_file, check_folder, wrong_usage
from inkread.errors import ConfigError, ImageError
from inkread.files import write_atomically

if TYPE_CHECKING:  # it needs the extra [forms]
    from inkread.forms.form_batch import FormBatchJob
    from inkread.forms.journal import Journal
    from inkread.scale.form_job import FormJob

__all__ = ["app"]

app = typer.Typer(help="Forms: print them, read stacks of scans into tables.", no_args_is_help=True)

_MIN_MARKERS = 3  # of the four that are in the corners of our own forms

TemplateFile = Annotated[Path, typer.Argument(help="The form, as YAML.", show_default=False)]
Out = Annotated[
    Path,
    typer.Option(help="The table: .csv, .parquet, .xlsx or .jsonl.", show_default=False),
]


@app.command("print")
def print_form(
    template: TemplateFile,
    out: Annotated[Path, typer.Option(help="PDF to write.")] = Path("form.pdf"),
    font: Annotated[
        Path | None, typer.Option(help="TrueType font of the labels.", show_default=False)
    ] = None,
) -> None:
    """Write a form as PDF, to be printed at 100 %."""
    from inkread.forms import printing
    from inkread.forms.template import load

    check_file(out, (".pdf",))
    printing.print_form(load(template), out, font=font)
    progress.console.print(f"saved {escape(str(out))}")


@app.command("new")
def new(
    blank: Annotated[Path, typer.Argument(help="Picture of the blank form, edge to edge.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Template to write; standard output if not given.", show_default=False),
    ] = None,
    page: Annotated[
        str | None,
        typer.Option(
            help="Paper: a4, a5, letter, 210x297 (mm) or 8.5x11in; if not given, that of the PDF "
            "file, or what the picture's resolution or its shape say.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Propose a template from the picture of a blank form: the boxes found on it.

    Of a photo, the sheet is made flat and saved beside the template: scans are aligned by it.
    """
    from inkread.forms.blank_page import load_blank
    from inkread.forms.markers import detect
    from inkread.forms.propose import format_template, propose

    check_file(out, (".yaml", ".yml"))
    found = load_blank(blank, page)
    if found.was_rectified and not out:
        raise ConfigError(f"{blank}: expected --out for a photo: its sheet is made flat and saved")
    fields = propose(found.pixels, found.size_mm)
    if not fields:
        raise ImageError(f"{blank}: expected boxes with lines around them, found none")
    if found.was_rectified and out:
        blank = out.with_name(f"{out.stem}-flat.png")
        found.save(blank)
        progress.console.print(f"saved {escape(str(blank))}: the sheet made flat")
    beside = (out.parent if out else Path()).resolve()
    shown = Path(os.path.relpath(blank.resolve(), beside))
    if len(detect(found.pixels)) >= _MIN_MARKERS:
        progress.console.print("printed by inkread: the template it was printed from reads it best")
    text = format_template(blank.stem, shown, found.size_mm, fields)
    if out:
        write_atomically(out, text)
        progress.console.print(f"saved {escape(str(out))}: {len(fields)} boxes")
    else:
        typer.echo(text, nl=False)


@app.command("template")
def template(
    name: Annotated[
        str, typer.Argument(help="Name of a form that ships.", show_default=False)
    ] = "meter-reading",
    out: Annotated[
        Path | None,
        typer.Option(help="Template to write.", show_default="NAME.yaml"),
    ] = None,
) -> None:
    """Write the template of a form that ships, to print and to change."""
    folder = Path(str(resources.files("inkread.forms") / "samples"))
    shipped = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    with wrong_usage():
        if name not in shipped:
            raise ConfigError(f"expected a form among {', '.join(shipped)}; received {name!r}")
    target = out or Path(f"{name}.yaml")
    check_file(target, (".yaml", ".yml"))
    write_new(target, shipped[name].read_bytes())
    progress.console.print(f"saved {escape(str(target))}")
    progress.console.print(f"try: inkread form print {escape(str(target))} --out {name}.pdf")


@app.command("demo")
def demo(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("form-demo"),
) -> None:
    """Read a filled-in form that ships, and say what to try next: no printer is needed."""
    from inkread.cli import form_demo
    from inkread.models.runtime import DEFAULT

    files = form_demo.write_files(out)
    job = _make_job(files.template, DEFAULT, files.crops)
    _read_here(find([str(files.scan)], recursive=False), job, files.table, 1, again=False)
    records = list(_make_journal(files.table, job).read_records())
    form_demo.show_records(job.template, records)
    form_demo.show_next_commands(files, records)


@app.command("read")
def read(
    template: TemplateFile,
    scans: Annotated[
        list[str], typer.Argument(help="Scans: pictures, PDF, TIFF, folders, quoted patterns.")
    ],
    out: Annotated[
        str,
        typer.Option(
            metavar="PATH",
            help="The table: .csv, .parquet, .xlsx or .jsonl; with --engine ray, a folder or URI.",
            show_default=False,
        ),
    ],
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Look in folders of folders, too.")
    ] = False,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=1.0, help="Set fields less sure than this aside.", show_default=False
        ),
    ] = None,
    crops: Annotated[
        Path | None,
        typer.Option(help="Save pictures of the fields set aside here.", show_default=False),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="How many; one a core if not given.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Read what was read before too.")] = False,
    model: Annotated[str, typer.Option(help="Name of a shipped model, or a file.")] = "default",
    engine: ChosenEngine = Engine.LOCAL,
    ray_address: RayAddress = None,
) -> None:
    """Read scans of a form into a table; run again after an interruption, it goes on."""
    check_address(engine, ray_address)
    check_folder(crops)
    confidence = {} if min_confidence is None else {"min_confidence": min_confidence}
    make_job = partial(_make_job, template, model, crops, **confidence)
    if engine is Engine.RAY:
        if processes:
            raise typer.BadParameter("--processes is of the local engine; Ray knows its cores")
        for_ray = partial(_make_ray_job, make_job)
        read_on_ray(scans, for_ray, out, ray_address, recursive=recursive, again=again)
    else:
        from inkread.forms.tables import SUFFIXES

        check_file(Path(out), SUFFIXES)
        found = find(scans, recursive=recursive)
        _read_here(found, make_job(), Path(out), processes, again)


def _make_job(template: Path, model: str, crops: Path | None, **options: float) -> "FormBatchJob":
    from inkread.forms.form_batch import FormBatchJob
    from inkread.forms.template import load

    return FormBatchJob(load(template), model, crops=crops and crops.absolute(), **options)


def _make_ray_job(make_job: "Callable[[], FormBatchJob]") -> "FormJob":
    from inkread.scale.form_job import FormJob

    return FormJob(make_job())


def _read_here(
    scans: list[Source], job: "FormBatchJob", out: Path, processes: int | None, again: bool
) -> None:
    from inkread.batch.batch_reader import is_pdf_file
    from inkread.batch.process_limits import ProcessLimits
    from inkread.batch.processes import num_cores
    from inkread.forms.form_batch import read_scans
    from inkread.forms.tables import errors_path, write_tables

    old = _make_journal(out, job)
    names = [each.name for each in scans if not each.problem]
    count = min(processes or num_cores(), max(1, len(names)))
    limits = ProcessLimits() if count > 1 or any(map(is_pdf_file, names)) else None
    with old.hold(wait_s=0):
        journal = old.begin_again() if again else old
        journal.open()
        with progress.show_scans(len(names)) as on_progress:
            summary = read_scans(
                names, job, journal, num_processes=count, limits=limits, on_progress=on_progress
            )
        summary.unreadable += [
            (make_printable(each.name), each.problem) for each in scans if each.problem
        ]
        if again:
            num_lost = journal.replace(old)
            if num_lost:
                kept = f"{old.kept_path} has them"
                progress.print_error(f"{num_lost:,} corrections fit nothing read now; {kept}")
        write_tables(job.template, old.read_records(), out, summary.unreadable)
    progress.console.print(
        f"{summary.num_forms:,} forms read, {summary.num_set_aside:,} of {summary.num_fields:,} "
        f"fields set aside, {summary.num_known:,} scans known already: {escape(str(out))}"
    )
    if failed := summary.num_refused + len(summary.unreadable):
        progress.print_error(f"{failed:,} not read; {errors_path(out)} says why")
        raise typer.Exit(1)


@app.command("correct")
def correct(
    template: TemplateFile,
    form_id: Annotated[str, typer.Argument(help="The form's id in the table.")],
    field: Annotated[str, typer.Argument(help="The field's name.")],
    value: Annotated[str, typer.Argument(help="As in the table; '' for an empty field.")],
    out: Out,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Even if it breaks a constraint of the field.")
    ] = False,
) -> None:
    """Put a person's value into a table in place of what was read."""
    from inkread.forms.journal import Journal, journal_path
    from inkread.forms.tables import SUFFIXES, write_tables
    from inkread.forms.template import load

    check_file(out, SUFFIXES)
    journal = Journal(journal_path(out), load(template), {})
    with journal.hold():
        journal.correct(form_id, field, value, anyway=anyway)
        write_tables(journal.template, journal.read_records(), out, unreadable=None)


def _make_journal(out: Path, job: "FormBatchJob") -> "Journal":
    from inkread.forms.journal import Journal, journal_path

    return Journal(journal_path(out), job.template, job.settings)
