"""Measure the accuracy on other people's handwriting than MNIST's, by source and by shape.

--pens DIR   files of ``inkread data import``, of them only the people who are kept for validation:
             of the same sources as something that recipes with "hands" train on, but other writers.
             UNIPEN's digits by donor and by number of strokes (a 7 of two has a bar, a 0 of two a
             slash), its letters and symbols that look like no digit (rejecting them is right), its
             whole numbers, and the Swiss digits by writer.
--real DIR   sets of which nothing, and nobody, was trained on; missing ones are skipped: `numbers/`
             (labels.csv: file, digits), `sheets/` (labels.csv: file, left, top, right, bottom,
             truth, kind, source; its fields with digits are cut out by their boxes), `singles/` and
             `digits/` (labels.csv: file, label), `optdigits.npz` (images, labels).

Without either, only rare shapes of our own are read, such as slashed zeros, drawn a little
differently each time; recipes with "hands" train on such drawings.

python benchmarks/hands.py [--pens DIR] [--real DIR] [--model MODEL] [--line-model MODEL]
"""

import argparse
import csv
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from provenance import print_provenance

from inkread import Reader
from inkread.models.runtime import Model
from inkread.results import Digit
from inkread.training import mnist
from inkread.training.evaluation.calibrate import fit_rejection_threshold
from inkread.training.evaluation.evaluate import estimate_share
from inkread.training.handwriting.pens import PenSample, load_pens
from inkread.training.handwriting.scans import load_scans
from inkread.training.synthesis.drawn_digits import smooth
from inkread.training.synthesis.patches import draw_patch
from inkread.training.synthesis.pen_writers import Redrawing, redraw
from inkread.training.synthesis.rare_shapes import RARE_SHAPES

HEIGHT_PX, PEN_PX, MARGIN_PX = 60, 5, 20  # of digits drawn from strokes
PAPER, INK = 240, 40
NUM_REDRAWN = 40  # drawings of each rare shape
NUM_LETTERS = 2000  # at most
MIN_SHARE_OF_MNIST, MIN_SHARE_OF_OTHERS = 0.995, 0.99  # kept, where letters are to be rejected


def report(what: str, right: Iterable[bool]) -> None:
    """Print the share of true values with its 95 % interval; nothing if there are no values."""
    answers = list(right)
    if not answers:
        return
    figure = estimate_share(sum(answers), len(answers))
    print(
        f"{what}: {figure.value:.2%} ({sum(answers):,} of {figure.n:,}, "
        f"95 % interval {figure.low:.2%} to {figure.high:.2%})",
        flush=True,
    )


def report_by(what: str, answers: Sequence[tuple[str, bool]]) -> None:
    """Print the share of all, then of each group."""
    report(what, (right for _, right in answers))
    for group in sorted({group for group, _ in answers}):
        report(f"    {group}", (right for each, right in answers if each == group))


def draw_on_paper(curves: list[np.ndarray]) -> np.ndarray:
    """Draw strokes, in heights of the writing, dark on light paper: (H, W) uint8."""
    patch = draw_patch([curve * HEIGHT_PX for curve in curves], 0.0, HEIGHT_PX, PEN_PX)
    ink = np.pad(patch.ink, MARGIN_PX)
    return np.rint(PAPER - (PAPER - INK) * ink).astype(np.uint8)


def draw_sample(sample: PenSample) -> np.ndarray:
    """Draw a sample as it was written."""
    return draw_on_paper(redraw(sample, np.random.default_rng(0), Redrawing()))


def report_rare_shapes(reader: Reader) -> None:
    """Print the share of each digit's rare shapes that is read right."""
    rng = np.random.default_rng(0)
    answers = []
    for label, shapes in RARE_SHAPES.items():
        for shape in shapes:
            for _ in range(NUM_REDRAWN):
                strokes = [np.array(points) + rng.normal(0, 0.02, 2) for points in shape]
                picture = draw_on_paper([smooth(each * [0.62, 1.0], 8) for each in strokes])
                answers.append((str(label), reader.read_digit(picture).label == label))
    report_by("rare shapes of our own, right, by digit", answers)


def report_pens(reader: Reader, model: Model, folder: Path) -> None:
    """Print the accuracy on the writing of people who are kept for validation."""
    pens = load_pens(folder, validation=True)
    read = [(sample, reader.read_digit(draw_sample(sample))) for sample in pens.digits]
    right = [(sample, str(digit.label) == sample.label) for sample, digit in read]
    by_donor = [(each.writer.split("/")[0], ok) for each, ok in right]
    report_by("UNIPEN digits, right, by donor", by_donor)
    by_shape = [(f"{each.label} in {min(len(each.strokes), 3)} strokes", ok) for each, ok in right]
    report_by("UNIPEN digits, right, by strokes (3: or more)", by_shape)
    scans = load_scans(folder, validation=True)
    scanned = [reader.read_digit(image) for image in scans.images]
    pairs = zip(scanned, scans.labels, scans.writers, strict=True)
    by_writer = [(f"writer {writer}", digit.label == label) for digit, label, writer in pairs]
    report_by("Swiss digits, right, by writer", by_writer)
    every = max(1, -(-len(pens.letters) // NUM_LETTERS))
    letters = [reader.read_digit(draw_sample(each)) for each in pens.letters[::every]]
    report_rejection(model, [digit for _, digit in read], scanned, letters)
    clear = set("0123456789.,-/=: ")
    numbers = [each for each in pens.numbers if len(each.label) > 1 and not set(each.label) - clear]
    answers = []
    for sample in numbers:
        digits = "".join(filter(str.isdigit, sample.label))
        answers.append(reader.read_number(draw_sample(sample)).text == digits)
    report("UNIPEN whole numbers of digits and separators, right", answers)


def report_rejection(
    model: Model, pen: list[Digit], scanned: list[Digit], letters: list[Digit]
) -> None:
    """Print what is rejected as no digit: at the model's threshold, and where digits are kept."""
    if model.metadata.junk_threshold is None:
        return
    in_mnist = model.classify(mnist.load().test.images).junk
    others = [np.array([digit.junk for digit in digits], np.float32) for digits in (pen, scanned)]
    kept = max(
        fit_rejection_threshold(in_mnist, MIN_SHARE_OF_MNIST),
        fit_rejection_threshold(np.concatenate(others), MIN_SHARE_OF_OTHERS),
    )
    what = f"{MIN_SHARE_OF_MNIST:.1%} of MNIST's test digits and {MIN_SHARE_OF_OTHERS:.0%} of these"
    thresholds = {"the model's own threshold": model.metadata.junk_threshold, what: kept}
    for name, threshold in thresholds.items():
        print(f"no digit, {name}: above {threshold:.5g}")
        report("    MNIST's test digits kept", in_mnist <= threshold)
        report("    UNIPEN digits kept", others[0] <= threshold)
        report("    Swiss digits kept", others[1] <= threshold)
        report("    UNIPEN letters and symbols rejected", (d.junk > threshold for d in letters))


def read_rows(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a folder's labels.csv."""
    with (folder / "labels.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def report_amounts(reader: Reader, folder: Path) -> None:
    """Print the share of whole amounts that are right, of the surest half, and the time of one."""
    numbers, right, seconds = [], [], []
    rows = read_rows(folder)
    for row in rows:
        start = time.perf_counter()
        numbers.append(reader.read_number(folder / row["file"]))
        seconds.append(time.perf_counter() - start)
        right.append(numbers[-1].text == row["digits"])
    report("amounts, right", right)
    order = np.argsort([-number.confidence for number in numbers], kind="stable")
    report("    the surest half of them", (right[index] for index in order[: len(order) // 2]))
    pairs = zip(numbers, rows, strict=True)
    report(
        "    number of digits", (len(number.text) == len(row["digits"]) for number, row in pairs)
    )
    print(f"    p50 {1000 * np.median(seconds):.1f} ms an amount, the file read", flush=True)


def report_sheets(reader: Reader, folder: Path) -> None:
    """Print the share of fields whose digits are right, cut out by their boxes."""
    answers = []
    for row in read_rows(folder):
        digits = "".join(filter(str.isdigit, row["truth"]))
        if row["kind"] != "field" or not digits:
            continue
        with Image.open(folder / row["file"]) as picture:
            box = tuple(round(float(row[edge])) for edge in ("left", "top", "right", "bottom"))
            cut = np.asarray(picture.convert("RGB").crop(box))
        answers.append((row["source"], reader.read_number(cut).text == digits))
    report_by("fields of sheets, cut out, digits right, by source", answers)
    sources = sorted({source for source, _ in answers})
    means = [np.mean([ok for each, ok in answers if each == source]) for source in sources]
    print(f"    mean of the {len(sources)} sources: {np.mean(means):.2%}", flush=True)


def report_real(reader: Reader, folder: Path) -> None:
    """Print the accuracy on each set that is there."""
    if (folder / "numbers").exists():
        report_amounts(reader, folder / "numbers")
    if (folder / "sheets").exists():
        report_sheets(reader, folder / "sheets")
    for name, what in (("singles", "single digits"), ("digits", "photos of digits")):
        if (folder / name).exists():
            answers = [
                str(reader.read_digit(folder / name / row["file"]).label) == row["label"]
                for row in read_rows(folder / name)
            ]
            report(f"{what}, right", answers)
    if (folder / "optdigits.npz").exists():
        with np.load(folder / "optdigits.npz", allow_pickle=False) as bitmaps:
            pairs = list(zip(bitmaps["images"], bitmaps["labels"], strict=True))
        report("optdigits, right", (reader.read_digit(image).label == y for image, y in pairs))


def main() -> None:
    """Measure each kind of writing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pens", type=Path)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--line-model", default="default")
    options = parser.parse_args()
    print_provenance()
    reader = Reader(options.model, line_model=options.line_model)
    report_rare_shapes(reader)
    if options.pens:
        report_pens(reader, Model(options.model), options.pens)
    if options.real:
        report_real(reader, options.real)


if __name__ == "__main__":
    main()
