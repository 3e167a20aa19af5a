"""Measure how often the value of a number is right: its point, its sign, a date, a fraction.

Synthetic values are written by simulated writers with MNIST validation images on plain paper, and
read without and with what is known of them. With FOLDER, the labelled fields of real sheets that
have a separator are cut out and read as well: it holds pictures and `labels.csv` with the columns
file, left, top, right, bottom, truth (a decimal with a point, a date D/M/Y, or a fraction), kind.

python benchmarks/values.py [FOLDER] [--count 300] [--seed 0] [--line-model MODEL]
"""

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from provenance import print_provenance
from synthetic_numbers import put_on_paper

from inkread import Notation, Number, Reader
from inkread.forms.form_reader import MIN_CONFIDENCE
from inkread.training import mnist
from inkread.training.evaluation.evaluate import estimate_share
from inkread.training.synthesis.numbers import written_number

NOTATIONS = {
    "decimals": Notation("decimal", decimals=(1, 2), decimal=".", signed=False),
    "with comma and thousands": Notation("decimal", decimals=2, decimal=",", signed=False),
    "negatives": Notation("integer"),
    "fractions": Notation("fraction", max=20),
    "dates with slashes": Notation("date", format="D/M/Y"),
    "times": Notation("time"),
}
INSIDE_PX = 3  # cut off a field's box, where its lines are


def make_text(kind: str, rng: np.random.Generator) -> str:
    """Return a value as people write it."""
    whole, small = int(rng.integers(0, 10 ** rng.integers(1, 4))), int(rng.integers(1, 10))
    match kind:
        case "decimals":
            return f"{whole}.{rng.integers(0, 100):02d}"[: rng.integers(-1, 1) or None]
        case "with comma and thousands":
            return f"{whole + 1}.{rng.integers(0, 1000):03d},{rng.integers(0, 100):02d}"
        case "negatives":
            return f"-{whole + 1}"
        case "fractions":
            bottom = int(rng.choice([2, 3, 4, 5, 8, 10]))
            wholes = f"{small} " if rng.random() < 0.3 else ""
            return f"{wholes}{rng.integers(1, bottom)}/{bottom}"
        case "dates with slashes":
            year = int(rng.integers(2000, 2030))
            year = year if rng.random() < 0.5 else year % 100
            return f"{rng.integers(1, 29)}/{rng.integers(1, 13)}/{year:02d}"
        case _:
            return f"{rng.integers(0, 24)}:{rng.integers(0, 60):02d}"


def key_of(number: Number) -> str:
    """Return what a number means, as text."""
    return number.notation.interpret(number.raw).key if number.text else ""


def report(name: str, found: list[tuple[bool, float]]) -> None:
    """Print the share that is right, and how many stand and are wrong."""
    share = estimate_share(sum(is_right for is_right, _ in found), len(found))
    standing = [is_right for is_right, confidence in found if confidence >= MIN_CONFIDENCE]
    wrong = len(standing) - sum(standing)
    print(
        f"{name}: {share.value:.1%} right ({share.low:.1%} to {share.high:.1%}); "
        f"{len(standing) / len(found):.1%} at {MIN_CONFIDENCE} or more, {wrong} of them wrong "
        f"(n = {len(found)})",
        flush=True,
    )


def measure_synthetic(reader: Reader, count: int, seed: int) -> None:
    """Read synthetic values of each kind, and print the shares."""
    digits = mnist.load().validation
    for kind, notation in NOTATIONS.items():
        plain, known = [], []
        for index in range(count):
            rng = np.random.default_rng([seed, index])
            text = make_text(kind, rng)
            written = written_number(digits, rng, text, own_shapes=False)
            picture = put_on_paper(written.ink, rng, written.height_px, 0.0)
            truth = notation.interpret(text).key
            number = reader.read_number(
                picture, notation=Notation(decimal=notation.decimal, format=notation.format)
            )
            plain.append((key_of(number) == truth, number.value_confidence))
            number = reader.read_number(picture, notation=notation)
            known.append((key_of(number) == truth, number.confidence * (not number.rejected)))
        report(f"synthetic {kind}, nothing known", plain)
        report(f"synthetic {kind}, the kind known", known)


def read_labels(folder: Path) -> Iterator[tuple[str, np.ndarray, str]]:
    """Yield the kind, the picture and the truth of each field with a separator."""
    with (folder / "labels.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            truth = row["truth"]
            if row["kind"] != "field" or not set(truth) & set("./") or len(truth) < 3:
                continue
            left, top, right, bottom = (int(row[n]) for n in ("left", "top", "right", "bottom"))
            page = cv2.imread(str(folder / row["file"]))
            cut = page[top + INSIDE_PX : bottom - INSIDE_PX, left + INSIDE_PX : right - INSIDE_PX]
            kind = "decimal" if "." in truth else "date" if truth.count("/") == 2 else "fraction"
            yield kind, cut, truth


def measure_real(reader: Reader, folder: Path) -> None:
    """Read real fields, and print each that is wrong and the shares."""
    found: dict[str, list[tuple[bool, float]]] = {}
    for kind, picture, truth in read_labels(folder):
        decimals = len(truth.partition(".")[2]) or None
        notations = {
            "nothing known": Notation(decimal="."),
            "the kind known": Notation(kind, ".", format="D/M/Y" if kind == "date" else None),
        }
        if kind == "decimal":
            notations["the number of decimals known"] = Notation(kind, ".", decimals)
        for known, notation in notations.items():
            wanted = notations["the kind known"].interpret(truth).key
            number = reader.read_number(picture, notation=notation)
            is_right = key_of(number) == wanted and not number.rejected
            found.setdefault(f"real {kind}, {known}", []).append((is_right, number.confidence))
            if not is_right:
                print(f"  {truth} read as {number.raw!r} ({number.confidence:.3f}), {known}")
    for name, results in found.items():
        report(name, results)


def main() -> None:
    """Measure the kinds of values."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--line-model", default="default")
    options = parser.parse_args()
    print_provenance()
    reader = Reader(line_model=options.line_model, threads=1)
    if options.folder:
        measure_real(reader, options.folder)
    measure_synthetic(reader, options.count, options.seed)


if __name__ == "__main__":
    main()
