"""Scores what a reader reports on whole pages, as `real_pages.py` and `peers.py` both do.

FOLDER holds pictures and `labels.csv` with the columns file, left, top, right, bottom, truth, kind
and source. `field` is a number in a box: it is right if exactly one reported number has more than
half of its own box inside, and its digits. `sequence` is the numbers of the picture in reading
order, joined by /: the longest common subsequence counts. What is reported with certainty (without
`?`) and is no label's is wrong.
"""

import csv
import difflib
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Reported", "Score", "keep_digits", "load_labels", "print_scores", "score_page"]

SURE = 0.95


@dataclass(frozen=True)
class Reported:
    """A number that was reported: its digits, its box on the picture, its confidence."""

    text: str
    box: tuple[float, float, float, float]
    confidence: float


@dataclass
class Score:
    """Counts over some pages."""

    numbers: int = 0
    right: int = 0
    wrong: int = 0
    sure_from_nothing: int = 0
    seconds: list[float] = field(default_factory=list)


def keep_digits(text: str) -> str:
    """Return the digits of a text."""
    return re.sub(r"\D", "", text)


def load_labels(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Return the labels of each picture of a folder."""
    pages: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (folder / "labels.csv").open(newline="") as labels:
        for row in csv.DictReader(labels):
            pages[row["file"]].append(row)
    return pages


def overlap(box: tuple[float, float, float, float], row: dict[str, str]) -> float:
    """Return the share of a box that is inside the box of a label."""
    sides = [int(row[name]) for name in ("left", "top", "right", "bottom")]
    width = min(box[2], sides[2]) - max(box[0], sides[0])
    height = min(box[3], sides[3]) - max(box[1], sides[1])
    area = max(1.0, (box[2] - box[0]) * (box[3] - box[1]))
    return max(0.0, width) * max(0.0, height) / area


def score_page(numbers: list[Reported], rows: list[dict[str, str]], total: Score) -> None:
    """Count the labelled numbers of a page, those that are right, and what is wrong."""
    if rows[0]["kind"] == "sequence":
        truth = [digits for text in rows[0]["truth"].split("/") if (digits := keep_digits(text))]
        said = [number.text for number in numbers if number.text and "?" not in number.text]
        blocks = difflib.SequenceMatcher(None, truth, said, autojunk=False).get_matching_blocks()
        right = sum(block.size for block in blocks)
        total.numbers += len(truth)
        total.right += right
        total.wrong += len(said) - right
        return
    fields = [row for row in rows if row["kind"] == "field" and keep_digits(row["truth"])]
    held: dict[int, list[str]] = defaultdict(list)
    for number in numbers:
        shares = [overlap(number.box, row) for row in fields]
        best = max(range(len(fields)), key=shares.__getitem__, default=None)
        if best is not None and shares[best] > 0.5:
            held[best].append(number.text)
        elif number.text and "?" not in number.text:
            total.wrong += 1
            total.sure_from_nothing += number.confidence >= SURE
    total.numbers += len(fields)
    for index, row in enumerate(fields):
        is_right = held[index] == [keep_digits(row["truth"])]
        total.right += is_right
        total.wrong += not is_right and any(text and "?" not in text for text in held[index])


def print_scores(totals: dict[str, Score]) -> None:
    """Print the scores of each source, and of all."""
    for source, each in sorted(totals.items()):
        seconds = sum(each.seconds) / max(1, len(each.seconds))
        print(
            f"{source:12} {len(each.seconds):3} pages, {each.right} of {each.numbers} right, "
            f"{each.wrong} reported wrongly, {seconds:.2f} s a page"
        )
    count, right, wrong, sure = (
        sum(values)
        for values in zip(
            *((s.numbers, s.right, s.wrong, s.sure_from_nothing) for s in totals.values()),
            strict=True,
        )
    )
    mean = sum(each.right / each.numbers for each in totals.values()) / len(totals)
    print(
        f"all {right / count:.1%} of {count} found and right; mean over {len(totals)} sources "
        f"{mean:.1%}; right among those reported {right / max(1, right + wrong):.1%}; "
        f"reported from nothing with confidence {SURE} or more: {sure}"
    )
