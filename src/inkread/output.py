"""What the command line prints: pages and evaluations, as tables, JSON Lines and CSV."""

import csv
import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import rich.table
from rich.console import Console
from rich.markup import escape

from inkread.results import Page

if TYPE_CHECKING:  # it needs the extra [train], which reading must do without
    from inkread.training.evaluate import Evaluation

__all__ = ["Csv", "Json", "Table", "console", "print_comparison", "print_evaluation"]

_PIPE_COLUMNS = 160  # Rich guesses 80 for a pipe, and would cut file names there


def console() -> Console:
    """Return a console on standard output."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS, highlight=False)


class Json:
    """Prints pages as JSON Lines: the page's ``to_dict`` and the file's name."""

    def add(self, name: str, page: Page) -> None:
        """Print one page."""
        print(json.dumps({"file": name, **page.to_dict()}), flush=True)

    def close(self) -> None:
        """Finish; there is nothing left to print."""


class Csv:
    """Prints pages as CSV, a row a number; a page without numbers has one of empty fields."""

    def __init__(self) -> None:
        """Print the header."""
        self._writer = csv.writer(sys.stdout, lineterminator="\n")
        self._writer.writerow(
            ["file", "index", "text", "confidence", "left", "top", "right", "bottom", "rejected"]
        )

    def add(self, name: str, page: Page) -> None:
        """Print the numbers of one page."""
        if not page.numbers:  # a blank picture has its row too
            self._writer.writerow([name, *[""] * 8])
        for index, number in enumerate(page.numbers):
            confidence = f"{number.confidence:.4f}"
            rejected = str(number.rejected).lower()
            self._writer.writerow([name, index, number.text, confidence, *number.box, rejected])

    def close(self) -> None:
        """Finish; there is nothing left to print."""
        sys.stdout.flush()


class Table:
    """Prints pages as one table for people, when all are known."""

    def __init__(self) -> None:
        """Start an empty table."""
        self._table = rich.table.Table("file", "number", "confidence", "box", header_style="bold")

    def add(self, name: str, page: Page) -> None:
        """Add the numbers of one page."""
        for number in page.numbers:
            box = " ".join(map(str, number.box))
            text = number.text or "-"
            self._table.add_row(escape(name), text, f"{number.confidence:.1%}", box)
        if not page.numbers:
            self._table.add_row(escape(name), "-", "", "no digits found")

    def close(self) -> None:
        """Print the table."""
        if self._table.row_count:
            console().print(self._table)


def print_comparison(evaluations: Mapping[str, "Evaluation"], title: str) -> None:
    """Print the evaluations of several models side by side, for people; the keys name them."""
    console().print(f"[bold]{escape(title)}[/bold]", _figures(evaluations))


def _figures(evaluations: Mapping[str, "Evaluation"]) -> rich.table.Table:
    """Figures of merit, a row each and a column for each model."""
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
    """Print an evaluation for people."""
    accuracy = evaluation.accuracy
    out = console()
    out.print(
        f"[bold]{escape(title)}[/bold]\n"
        f"accuracy {accuracy.value:.2%} (95 % interval {accuracy.low:.2%} to {accuracy.high:.2%}, "
        f"n = {accuracy.n:,})"
    )
    out.print(_figures({"value": evaluation}))
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
