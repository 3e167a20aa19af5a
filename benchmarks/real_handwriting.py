"""Read pictures of real handwriting that are not MNIST, and count what is right.

FOLDER holds `digits/` with `labels.csv` (file, label), `optdigits.npz` (images, labels), and
`numbers/` with `labels.csv` (file, digits); what is missing is left out. None of it is trained on.

python benchmarks/real_handwriting.py FOLDER [--model MODEL]
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from provenance import print_provenance

from inkread import Reader
from inkread.training.evaluate import share


def report(what: str, right: list[bool]) -> None:
    """Print a share with its interval."""
    figure = share(sum(right), len(right))
    print(
        f"{what}: {sum(right)} of {figure.n} right, {figure.value:.2%} "
        f"(95 % interval {figure.low:.2%} to {figure.high:.2%})",
        flush=True,
    )


def labelled(folder: Path, column: str) -> list[tuple[Path, str]]:
    """Return the pictures that a folder's labels.csv names, with their labels."""
    with (folder / "labels.csv").open(newline="") as file:
        return [(folder / row["file"], row[column]) for row in csv.DictReader(file)]


def main() -> None:
    """Measure each kind of picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="default")
    options = parser.parse_args()
    print_provenance()
    reader = Reader(options.model)
    digits, optdigits = options.folder / "digits", options.folder / "optdigits.npz"
    numbers = options.folder / "numbers"
    if digits.exists():
        pictures = labelled(digits, "label")
        report("photos of digits", [str(reader.read_digit(p).label) == y for p, y in pictures])
    if optdigits.exists():
        with np.load(optdigits, allow_pickle=False) as bitmaps:
            pairs = zip(bitmaps["images"], bitmaps["labels"], strict=True)
            right = [reader.read_digit(image).label == label for image, label in pairs]
        report("optdigits bitmaps", right)
    if numbers.exists():
        pictures = labelled(numbers, "digits")
        report("whole numbers", [reader.read_number(p).text == y for p, y in pictures])


if __name__ == "__main__":
    main()
