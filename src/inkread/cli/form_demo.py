"""Demonstrates forms: a template, the blank form, a filled-in scan, and the table read from it."""

import shlex
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import rich.table
from rich.markup import escape

from inkread.cli import output
from inkread.cli.samples_command import write_new
from inkread.forms.journal import FormRecord
from inkread.forms.printing import print_form
from inkread.forms.template import Template, load

__all__ = ["DemoFiles", "show_next_commands", "show_records", "write_files"]

_FORM = "meter-reading"


@dataclass(frozen=True)
class DemoFiles:
    """The files of the demo.

    Attributes:
        template: the form, as YAML.
        blank: the same as PDF, to be printed.
        scan: a filled-in form.
        table: what is read on it.
        crops: folder for the pictures of the fields that a person has to look at.
    """

    template: Path
    blank: Path
    scan: Path
    table: Path
    crops: Path


def write_files(folder: Path) -> DemoFiles:
    """Write what the demo reads: the template, the blank form and a scan of a filled-in one.

    Raises:
        ConfigError: other files of these names are there.
        OSError: the folder can't be written.
    """
    files = DemoFiles(
        folder / f"{_FORM}.yaml",
        folder / f"{_FORM}.pdf",
        folder / f"{_FORM}-filled.jpg",
        folder / "table.csv",
        folder / "doubtful",
    )
    folder.mkdir(parents=True, exist_ok=True)
    for path in (files.template, files.scan):
        write_new(path, (resources.files("inkread.forms") / "samples" / path.name).read_bytes())
    print_form(load(files.template), files.blank)
    return files


def show_records(template: Template, records: list[FormRecord]) -> None:
    """Print the fields of forms as a table to standard output."""
    table = rich.table.Table("field", "value", "confidence", "status", "note")
    for record in records:
        for field in record.fields:
            label = template.field_named(field.name).label or field.name
            shown = label, field.text, f"{field.confidence:.2%}", field.status.value, field.note
            table.add_row(*map(escape, shown))
    output.make_console().print(table)


def show_next_commands(files: DemoFiles, records: list[FormRecord]) -> None:
    """Print commands to try next: with the doubtful field, if there is one."""
    doubtful = [(r.form_id, f) for r in records for f in r.fields if f.is_set_aside]
    form, table = shlex.quote(str(files.template)), shlex.quote(str(files.table))
    commands = [
        f"inkread form review {form} --out {table} --crops {shlex.quote(str(files.crops))}",
        *(
            f"inkread form correct {form} {form_id} {field.name} 4071335 --out {table}"
            for form_id, field in doubtful[:1]
        ),
        f"inkread form read {form} YOUR-SCANS --out {table}",
    ]
    out = output.make_console()
    out.print(f"\nThe filled-in form: {escape(str(files.scan))}; blank: {escape(str(files.blank))}")
    out.print("Next, try:")
    for command in commands:
        out.print(f"  {escape(command)}", soft_wrap=True)
