"""Measure the accuracy on pictures of real handwriting other than MNIST.

FOLDER holds `digits/` with `labels.csv` (file, label), `optdigits.npz` (images, labels), `numbers/`
with `labels.csv` (file, digits), and `pages/` with `labels.csv` (file, lines: the page's lines of
digits, joined by " / ", and optionally a remark in brackets). Missing parts are skipped. None of it
is trained on.

python benchmarks/real_handwriting.py FOLDER [--model MODEL] [--line-model MODEL]
"""

import argparse
import csv
import re
from pathlib import Path

import numpy as np
from provenance import print_provenance

from inkread import Reader
from inkread.training.evaluation.evaluate import estimate_share


def report(what: str, right: list[bool]) -> None:
    """Print the share of correct readings with its 95 % interval."""
    figure = estimate_share(sum(right), len(right))
    print(
        f"{what}: {sum(right)} of {figure.n} right, {figure.value:.2%} "
        f"(95 % interval {figure.low:.2%} to {figure.high:.2%})",
        flush=True,
    )


def read_labels(folder: Path, column: str) -> list[tuple[Path, str]]:
    """Return the pictures listed in a folder's labels.csv, with their labels."""
    with (folder / "labels.csv").open(newline="") as file:
        return [(folder / row["file"], row[column]) for row in csv.DictReader(file)]


def report_numbers(reader: Reader, pictures: list[tuple[Path, str]]) -> None:
    """Print the accuracy on whole numbers: all, the most confident half, and with known length."""
    found = [(reader.read_number(picture), text) for picture, text in pictures]
    right = [number.text == text for number, text in found]
    report("whole numbers", right)
    order = np.argsort([-number.confidence for number, _ in found], kind="stable")
    report("the surest half of them", [right[index] for index in order[: len(order) // 2]])
    known = [reader.read_number(p, length=len(text)).text == text for p, text in pictures]
    report("whole numbers, their length given", known)


def report_pages(reader: Reader, pictures: list[tuple[Path, str]]) -> None:
    """Print the share of lines of digits that are found on their page, in order."""
    right = []
    for picture, described in pictures:
        lines = re.findall(r"\d+", re.sub(r"\(.*", "", described))
        texts = iter([number.text for number in reader.read(picture).numbers])
        right += [line in texts for line in lines]  # each after the one before
    report("lines of digits on pages", right)


def main() -> None:
    """Measure each kind of picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--line-model", default="default")
    options = parser.parse_args()
    print_provenance()
    reader = Reader(options.model, line_model=options.line_model)
    digits, optdigits = options.folder / "digits", options.folder / "optdigits.npz"
    numbers, pages = options.folder / "numbers", options.folder / "pages"
    if digits.exists():
        pictures = read_labels(digits, "label")
        report("photos of digits", [str(reader.read_digit(p).label) == y for p, y in pictures])
    if optdigits.exists():
        with np.load(optdigits, allow_pickle=False) as bitmaps:
            pairs = zip(bitmaps["images"], bitmaps["labels"], strict=True)
            right = [reader.read_digit(image).label == label for image, label in pairs]
        report("optdigits bitmaps", right)
    if numbers.exists():
        report_numbers(reader, read_labels(numbers, "digits"))
    if pages.exists():
        report_pages(reader, read_labels(pages, "lines"))


if __name__ == "__main__":
    main()
