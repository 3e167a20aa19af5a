"""Read whole real pages, and count the numbers that are found and right.

FOLDER holds pictures and `labels.csv` with the columns file, left, top, right, bottom, truth, kind
(`field`: a number in a box; `sequence`: the numbers of the picture in reading order, joined by /)
and source. A number in a box is right if exactly one reported number has more than half of its own
box inside, and its digits; of a sequence the longest common subsequence counts.

python benchmarks/real_pages.py FOLDER [--layout]
"""

import argparse
import csv
import difflib
import re
from collections import defaultdict
from pathlib import Path

from provenance import print_provenance

from inkread import Number, Reader
from inkread.results import LayoutOptions


def keep_digits(text: str) -> str:
    """Return the digits of a text."""
    return re.sub(r"\D", "", text)


def overlap(number: Number, row: dict[str, str]) -> float:
    """Return the share of a number's box that is inside the box of a label."""
    sides = [int(row[name]) for name in ("left", "top", "right", "bottom")]
    box = number.box
    width = min(box.right, sides[2]) - max(box.left, sides[0])
    height = min(box.bottom, sides[3]) - max(box.top, sides[1])
    area = (box.right - box.left) * (box.bottom - box.top)
    return max(0, width) * max(0, height) / area


def score(numbers: list[Number], rows: list[dict[str, str]]) -> tuple[int, int, int]:
    """Count the labelled numbers, those that are right, and what was reported wrongly."""
    if rows[0]["kind"] == "sequence":
        truth = [digits for text in rows[0]["truth"].split("/") if (digits := keep_digits(text))]
        said = [number.text for number in numbers if "?" not in number.text]
        blocks = difflib.SequenceMatcher(None, truth, said, autojunk=False).get_matching_blocks()
        right = sum(block.size for block in blocks)
        return len(truth), right, len(said) - right
    fields = [row for row in rows if row["kind"] == "field" and keep_digits(row["truth"])]
    held: dict[int, list[str]] = defaultdict(list)
    false = 0
    for number in numbers:
        shares = [overlap(number, row) for row in fields]
        best = max(range(len(fields)), key=shares.__getitem__, default=None)
        if best is not None and shares[best] > 0.5:
            held[best].append(number.text)
        else:
            false += "?" not in number.text
    right = sum(held[index] == [keep_digits(row["truth"])] for index, row in enumerate(fields))
    wrong = sum(
        any("?" not in text for text in texts) and texts != [keep_digits(fields[index]["truth"])]
        for index, texts in held.items()
    )
    return len(fields), right, false + wrong


def main() -> None:
    """Read every page and report by source."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layout", action="store_true", help="find numbers by the layout model")
    arguments = parser.parse_args()
    print_provenance()
    pages: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (arguments.folder / "labels.csv").open(newline="") as labels:
        for row in csv.DictReader(labels):
            pages[row["file"]].append(row)
    reader = Reader()
    options = LayoutOptions() if arguments.layout else None
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for file, rows in pages.items():
        found = reader.read(arguments.folder / file, layout=options).numbers
        is_mixed = rows[0]["source"] == "sudoku"  # whose printed givens count
        numbers = [each for each in found if each.text and (is_mixed or not each.printed)]
        for index, count in enumerate(score(numbers, rows)):
            totals[rows[0]["source"]][index] += count
    for source, (count, right, wrong) in sorted(totals.items()):
        print(f"{source:12} {right} of {count} right, {wrong} reported wrongly")
    count, right, wrong = (sum(each[index] for each in totals.values()) for index in range(3))
    mean = sum(right / count for count, right, _ in totals.values()) / len(totals)
    print(
        f"all {right / count:.1%} of {count} found and right; mean over the sources {mean:.1%}; "
        f"right among those reported {right / max(1, right + wrong):.1%}"
    )


if __name__ == "__main__":
    main()
