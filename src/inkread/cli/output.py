"""Prints results to standard output: pages and evaluations, as tables for people."""

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import rich.table
from rich.console import Console
from rich.markup import escape

from inkread.batch.formats import CsvWriter, JsonWriter, KeepNumber, PageWriter, select_indices
from inkread.batch.grid_files import show_cell, tables_of
from inkread.batch.results_file import ResultsFormat
from inkread.batch.sources import escape_controls, make_printable
from inkread.results import Page

if TYPE_CHECKING:  # it needs the extra [train], which reading must do without
    from inkread.training.evaluation.evaluate import Evaluation

__all__ = [
    "GridPrinter",
    "PageTable",
    "choose_printer",
    "describe_nothing",
    "make_console",
    "print_comparison",
    "print_evaluation",
]

_MAX_NAME_COLUMNS = 60  # width of the column of file names
_PIPE_WIDTH_COLUMNS = 160  # Rich assumes 80 for a pipe, and would cut file names


def make_console() -> Console:
    """Return a Rich console that writes to standard output."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH_COLUMNS, highlight=False)


class PageTable:
    """Prints pages as a table, line by line as they are read."""

    def __init__(self, names: Iterable[str] = (), keep: KeepNumber | None = None) -> None:
        """Start an empty table; its header is printed with the first page.

        Args:
            names: the files' names, for the width of their column.
            keep: chooses the numbers to print; pages of which none is kept are left out, but not
                blank ones.
        """
        self._width = max(4, min(_MAX_NAME_COLUMNS, max(map(len, names), default=0)))
        self._keep = keep
        self._is_empty = True

    def add(self, name: str, page: Page) -> None:
        """Print the numbers of one page."""
        name = escape_controls(make_printable(name))
        label = name if page.page == 1 else f"{name}, page {page.page}"
        for index in select_indices(page, self._keep):
            number = page.numbers[index]
            notes = ["crossed out" if number.struck else "rejected"] if number.rejected else []
            if number.printed:
                notes.append("printed")
            if number.unconstrained is not None:
                notes.append(f"read as {number.unconstrained}")
            box = " ".join(map(str, number.box))
            self._print_line(label, number.raw or "-", f"{number.confidence:.1%}", box, *notes)
        if not page.numbers:
            self._print_line(label, "-", "", describe_nothing(page))
        elif page.notes and self._keep:
            self._print_line(label, "-", "", "; ".join(page.notes))

    def _print_line(self, name: str, number: str, confidence: str, box: str, *notes: str) -> None:
        if self._is_empty:
            self._is_empty = False
            self._print_line("file", "number", "confidence", "box")
        line = f"{name:<{self._width}}  {number:<12}  {confidence:>10}  {box:<20}"
        sys.stdout.write("  ".join([line, *notes]).rstrip() + "\n")
        sys.stdout.flush()


class GridPrinter:
    """Prints the ruled tables of pages as grids; of a page without one, its numbers by rows."""

    def add(self, name: str, page: Page) -> None:
        """Print one page; rejected numbers are marked with ``?`` behind them."""
        name = escape_controls(make_printable(name))
        title = escape(name if page.page == 1 else f"{name}, page {page.page}")
        if not page.numbers:
            sys.stdout.write(f"{name}: {describe_nothing(page)}\n")
            return
        for rows in tables_of(page):
            grid = rich.table.Table(title=title, title_justify="left", show_header=False)
            for row in rows:
                grid.add_row(*(show_cell(number) for number in row))
            make_console().print(grid)


def describe_nothing(page: Page) -> str:
    """Say of a page without numbers what was seen on it."""
    seen = "; ".join(page.notes)
    return f"no numbers found{': ' if seen else ''}{seen}"


def choose_printer(
    form: ResultsFormat | None,
    keep: KeepNumber | None,
    names: Iterable[str],
    *,
    bom: bool = False,
) -> PageWriter:
    """Return the printer for a format of results; ``None`` is the table for people.

    Args:
        form: the format.
        keep: chooses the numbers to print; ``None``: all.
        names: the files' names, for the width of their column.
        bom: begin CSV with a byte order mark.
    """
    if form is None:
        return PageTable(names, keep)
    return JsonWriter(keep=keep) if form is ResultsFormat.JSON else CsvWriter(keep=keep, bom=bom)


def print_comparison(evaluations: Mapping[str, "Evaluation"], title: str) -> None:
    """Print the evaluations of several models, by their names, side by side."""
    make_console().print(f"[bold]{escape(title)}[/bold]", _make_figures_table(evaluations))


def _make_figures_table(evaluations: Mapping[str, "Evaluation"]) -> rich.table.Table:
    """Make a table of figures: a row for each figure, a column for each model."""
    table = rich.table.Table("figure", *map(escape, evaluations), header_style="bold")
    found = evaluations.values()
    if len(evaluations) > 1:
        table.add_row("accuracy", *(f"{each.accuracy.value:.2%}" for each in found))
    table.add_row(
        "error among the 98 % most confident", *(f"{each.sure_error.value:.2%}" for each in found)
    )
    table.add_row(
        "expected calibration error", *(f"{each.expected_calibration_error:.3%}" for each in found)
    )
    table.add_row("Brier score", *(f"{each.brier_score:.4f}" for each in found))
    table.add_row(
        "negative log-likelihood (nats)",
        *(f"{each.negative_log_likelihood:.4f}" for each in found),
    )
    if any(each.kept for each in found):
        kept = (f"{each.kept.value:.2%}" if each.kept else "all" for each in found)
        table.add_row("kept as digits", *kept)
    return table


def print_evaluation(evaluation: "Evaluation", title: str) -> None:
    """Print an evaluation: its figures, the confusion matrix, the worst mistakes."""
    accuracy = evaluation.accuracy
    out = make_console()
    out.print(
        f"[bold]{escape(title)}[/bold]\n"
        f"accuracy {accuracy.value:.2%} (95 % interval {accuracy.low:.2%} to {accuracy.high:.2%}, "
        f"n = {accuracy.n:,})"
    )
    out.print(_make_figures_table({"value": evaluation}))
    digits = rich.table.Table("digit", "precision", "recall", "images", header_style="bold")
    for digit in evaluation.digits:
        digits.add_row(
            str(digit.label), f"{digit.precision:.2%}", f"{digit.recall:.2%}", f"{digit.count:,}"
        )
    confusion = rich.table.Table("label", *map(str, range(10)), header_style="bold")
    for label, row in enumerate(evaluation.confusion.tolist()):
        confusion.add_row(str(label), *(str(count) if count else "·" for count in row))
    out.print(digits, "Confusion: a row a label, a column what was read", confusion)
    for mistake in evaluation.mistakes[:10]:
        out.print(
            f"image {mistake.index}: a {mistake.label} read as {mistake.read} "
            f"with {mistake.confidence:.1%}"
        )
