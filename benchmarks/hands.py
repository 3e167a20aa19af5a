"""Read the handwriting of people who are not MNIST's, and count what is right by source and shape.

Two kinds of writing, each left out if its folder is not given:

--pens DIR   the pen data and scans that models are trained on, but of the writers who were kept for
             validation: UNIPEN's single digits by donor and by number of strokes (a 7 of two has a
             bar, a 0 of two a slash), its letters (rejected is right), its whole numbers, and the
             Swiss digits. The same sources as something trained on, other writers.
--real DIR   sets that nothing was trained on: `numbers/` (labels.csv: file, digits), `sheets/`
             (labels.csv: file, left, top, right, bottom, truth, kind, source: its fields with
             digits are cut out by their boxes), `singles/` and `digits/` (labels.csv: file, label),
             `optdigits.npz` (images, labels).

A third needs no folder: rare shapes of our own, such as slashed zeros, redrawn a little.

python benchmarks/hands.py [--pens DIR] [--real DIR] [--model MODEL] [--line-model MODEL]
"""

import argparse
import csv
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from provenance import print_provenance

from inkread import Reader
from inkread.training.evaluate import share
from inkread.training.patches import draw_strokes
from inkread.training.pen_writers import Redrawing, redrawn
from inkread.training.pens import PenSample, load_pens, load_scans
from inkread.training.rare_shapes import RARE_SHAPES
from inkread.training.synth import smooth

HEIGHT_PX, PEN_PX, MARGIN_PX = 60, 5, 20  # of digits drawn from strokes
PAPER, INK = 240, 40
REDRAWN = 40  # times each rare shape is drawn


def report(what: str, right: Iterable[bool]) -> None:
    """Print a share with its interval."""
    answers = list(right)
    if not answers:
        return
    figure = share(sum(answers), len(answers))
    print(
        f"{what}: {figure.value:.2%} right ({sum(answers):,} of {figure.n:,}, "
        f"95 % interval {figure.low:.2%} to {figure.high:.2%})",
        flush=True,
    )


def report_by(what: str, answers: list[tuple[str, bool]]) -> None:
    """Print the share of all, then of each kind."""
    report(what, (right for _, right in answers))
    for kind in sorted({kind for kind, _ in answers}):
        report(f"    {kind}", (right for each, right in answers if each == kind))


def on_paper(curves: list[np.ndarray]) -> np.ndarray:
    """Draw strokes, in heights of the writing, dark on light paper: (H, W) uint8."""
    patch = draw_strokes([curve * HEIGHT_PX for curve in curves], 0.0, HEIGHT_PX, PEN_PX)
    ink = np.pad(patch.ink, MARGIN_PX)
    return np.rint(PAPER - (PAPER - INK) * ink).astype(np.uint8)


def drawn(sample: PenSample) -> np.ndarray:
    """Draw a sample as it was written."""
    return on_paper(redrawn(sample, np.random.default_rng(0), Redrawing()))


def report_rare_shapes(reader: Reader) -> None:
    """Print how many of each digit's rare shapes are read."""
    rng = np.random.default_rng(0)
    answers = []
    for label, shapes in RARE_SHAPES.items():
        for shape in shapes:
            for _ in range(REDRAWN):
                strokes = [np.array(points) + rng.normal(0, 0.02, 2) for points in shape]
                picture = on_paper([smooth(each * [0.62, 1.0], 8) for each in strokes])
                answers.append((str(label), reader.read_digit(picture).label == label))
    report_by("rare shapes of our own, by digit", answers)


def report_pens(reader: Reader, folder: Path) -> None:
    """Print what is right of the writers kept for validation."""
    pens = load_pens(folder, validation=True)
    found = [(sample, reader.read_digit(drawn(sample))) for sample in pens.digits]
    right = [(sample, str(digit.label) == sample.label) for sample, digit in found]
    report_by("UNIPEN digits, by donor", [(each.writer.split("/")[0], ok) for each, ok in right])
    by_shape = [(f"{each.label} in {min(len(each.strokes), 3)} strokes", ok) for each, ok in right]
    report_by("UNIPEN digits, by strokes (3: or more)", by_shape)
    report("UNIPEN digits not rejected", (not digit.rejected for _, digit in found))
    letters = pens.letters[:: max(1, len(pens.letters) // 2000)]
    report("UNIPEN letters rejected", (reader.read_digit(drawn(each)).rejected for each in letters))
    numbers = [sample for sample in pens.numbers if len(sample.label) > 1]
    plain = [each for each in numbers if not set(each.label) - set("0123456789.,-/=: ")]
    report(
        "UNIPEN whole numbers",
        (
            reader.read_number(drawn(each)).text == "".join(filter(str.isdigit, each.label))
            for each in plain
        ),
    )
    scans = load_scans(folder, validation=True)
    scanned = [reader.read_digit(image) for image in scans.images]
    pairs = zip(scanned, scans.labels, scans.writers, strict=True)
    report_by(
        "Swiss digits, by writer",
        [(f"writer {writer}", digit.label == label) for digit, label, writer in pairs],
    )
    report("Swiss digits not rejected", (not digit.rejected for digit in scanned))


def rows_of(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a folder's labels.csv."""
    with (folder / "labels.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def report_amounts(reader: Reader, folder: Path) -> None:
    """Print the share of whole amounts that are right, of the surest half, and the time of one."""
    numbers, right, seconds = [], [], []
    rows = rows_of(folder)
    for row in rows:
        start = time.perf_counter()
        numbers.append(reader.read_number(folder / row["file"]))
        seconds.append(time.perf_counter() - start)
        right.append(numbers[-1].text == row["digits"])
    report("amounts", right)
    order = np.argsort([-number.confidence for number in numbers], kind="stable")
    report("    the surest half of them", (right[index] for index in order[: len(order) // 2]))
    pairs = zip(numbers, rows, strict=True)
    lengths = (len(number.text) == len(row["digits"]) for number, row in pairs)
    report("    number of digits", lengths)
    print(f"    p50 {1000 * np.median(seconds):.1f} ms an amount, the file read", flush=True)


def report_sheets(reader: Reader, folder: Path) -> None:
    """Print the share of fields whose digits are right, cut out by their boxes."""
    answers = []
    for row in rows_of(folder):
        digits = "".join(filter(str.isdigit, row["truth"]))
        if row["kind"] != "field" or not digits:
            continue
        with Image.open(folder / row["file"]) as picture:
            box = tuple(round(float(row[edge])) for edge in ("left", "top", "right", "bottom"))
            cut = np.asarray(picture.convert("RGB").crop(box))
        answers.append((row["source"], reader.read_number(cut).text == digits))
    report_by("fields of sheets, cut out", answers)
    sources = sorted({source for source, _ in answers})
    means = [np.mean([ok for each, ok in answers if each == source]) for source in sources]
    print(f"    mean of the {len(sources)} sources: {np.mean(means):.2%}", flush=True)


def report_real(reader: Reader, folder: Path) -> None:
    """Print what is right of each set that is there."""
    if (folder / "numbers").exists():
        report_amounts(reader, folder / "numbers")
    if (folder / "sheets").exists():
        report_sheets(reader, folder / "sheets")
    for name, what in (("singles", "single digits"), ("digits", "photos of digits")):
        if (folder / name).exists():
            rows = rows_of(folder / name)
            report(
                what,
                (
                    str(reader.read_digit(folder / name / row["file"]).label) == row["label"]
                    for row in rows
                ),
            )
    if (folder / "optdigits.npz").exists():
        with np.load(folder / "optdigits.npz", allow_pickle=False) as bitmaps:
            pairs = list(zip(bitmaps["images"], bitmaps["labels"], strict=True))
        report("optdigits", (reader.read_digit(image).label == label for image, label in pairs))


def main() -> None:
    """Measure each kind of writing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pens", type=Path)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--line-model", default="default")
    options = parser.parse_args()
    print_provenance()
    reader = Reader(options.model, line_model=options.line_model)
    report_rare_shapes(reader)
    if options.pens:
        report_pens(reader, options.pens)
    if options.real:
        report_real(reader, options.real)


if __name__ == "__main__":
    main()
