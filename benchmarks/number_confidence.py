"""Measure how well the reader's confidence in whole numbers matches its accuracy.

The numbers are synthetic, from the generator that the line model was trained with, but made of
MNIST test images; numbers with letters are left out. Prints a risk-coverage table, and plots the
curve.

python benchmarks/number_confidence.py [--count 2000] [--seed 0] [--line-model MODEL] [--plot FILE]
"""

import argparse
from pathlib import Path

from inkread.privacy import keep_library_files_in_cache

keep_library_files_in_cache()

import numpy as np
from matplotlib.figure import Figure
from provenance import print_provenance

from inkread import Reader
from inkread.results import REJECTED
from inkread.training import mnist
from inkread.training.evaluation import plots
from inkread.training.synthesis.number_texts import SEPARATORS
from inkread.training.synthesis.numbers import number_on_paper

COVERAGES = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)
NUM_BINS = 15
PARTS = str.maketrans("", "", SEPARATORS)


def read_numbers(reader: Reader, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the confidence in each number, (N,) float64, and whether it is right, (N,) bool."""
    rng = np.random.default_rng(seed)
    digits = mnist.load().test
    confidences, right = [], []
    while len(right) < count:
        picture, raw = number_on_paper(digits, rng)
        text = raw.translate(PARTS)
        if text and REJECTED not in text:
            number = reader.read_number(picture)
            confidences.append(number.confidence)
            right.append(number.text == text)
    return np.array(confidences), np.array(right)


def compute_calibration_error(confidences: np.ndarray, right: np.ndarray) -> float:
    """Return the expected calibration error, with bins of equal width."""
    bins = np.minimum((confidences * NUM_BINS).astype(int), NUM_BINS - 1)
    gaps = np.bincount(bins, confidences - right, NUM_BINS)
    return float(np.abs(gaps).sum() / len(right))


def draw_curve(coverage: np.ndarray, risk: np.ndarray) -> Figure:
    """Return the risk-coverage curve."""
    canvas = Figure(figsize=(5, 3.6), layout="constrained")
    axis = canvas.subplots()
    axis.plot(100 * coverage, 100 * risk, color=plots.SERIES[0])
    axis.set(xlabel="share accepted, the most confident first", ylabel="error among the accepted",
             xlim=(0, 100), ylim=(0, None), title="whole synthetic numbers")  # fmt: skip
    for each in (axis.xaxis, axis.yaxis):
        each.set_major_formatter("{x:g} %")
    axis.grid(alpha=0.3)
    return canvas


def main() -> None:
    """Read the numbers, and print accuracy and calibration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--line-model", default="default")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    print_provenance()
    confidences, right = read_numbers(
        Reader(line_model=options.line_model), options.count, options.seed
    )
    order = np.argsort(-confidences, kind="stable")
    num_accepted = np.arange(1, len(right) + 1)
    risk = np.cumsum(~right[order]) / num_accepted
    error = compute_calibration_error(confidences, right)
    print(
        f"whole numbers right: {right.mean():.2%} (n = {len(right):,}), mean confidence "
        f"{confidences.mean():.2%}, calibration error {error:.2%}"
    )
    for coverage in COVERAGES:
        last = round(coverage * len(right)) - 1
        print(
            f"the {coverage:.0%} most confident, from {confidences[order[last]]:.3f} on: "
            f"{risk[last]:.2%} wrong"
        )
    if options.plot:
        plots.save(draw_curve(num_accepted / len(right), risk), options.plot)


if __name__ == "__main__":
    main()
