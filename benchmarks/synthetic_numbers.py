"""Measure the accuracy on synthetic five-digit numbers made of MNIST test images.

The digits are spaced, touching, or on patterned paper. Each kind is made twice: from the unchanged
images side by side, and by simulated writers, who bend, slant and scale the digits and use
different pens. The writers and the print on the paper come from the code of the line model's
training data, without the digit shapes that were added to MNIST's.

python benchmarks/synthetic_numbers.py [--count 1000] [--seed 0] [--line-model MODEL]
"""

import argparse

import cv2
import numpy as np
from provenance import print_provenance

from inkread import Reader
from inkread.training import mnist
from inkread.training.evaluation.evaluate import estimate_share
from inkread.training.mnist import Split
from inkread.training.synthesis import papers
from inkread.training.synthesis.numbers import written_number

# Space between two digits as a share of their height (of simulated writers, the mean space), and
# darkness of the paper's print in [0, 1].
KINDS = {
    "spaced": (0.3, 0.0),
    "touching": (0.0, 0.0),
    "on patterned paper": (0.3, 0.3),
}
TOUCHING_BY_HAND = -0.03  # mean space of touching digits by simulated writers
HEIGHT_PX = 20  # height of most digits in MNIST's images
MARGIN = 0.2  # around the number, as a share of the digits' height
PAPER, OPACITY, NOISE = 235, 0.75, 3.0
MIN_INK = 50  # columns of an image without a value above this are cut off


def put_side_by_side(
    digits: Split, rng: np.random.Generator, text: str, gap: float
) -> tuple[np.ndarray, float]:
    """Put images of these digits side by side; return the ink in [0, 1] and the digits' height."""
    pieces = []
    for digit in text:
        image = digits.images[rng.choice(np.flatnonzero(digits.labels == int(digit)))]
        columns = np.flatnonzero(image.max(axis=0) > MIN_INK)
        pieces.append(image[:, columns[0] : columns[-1] + 1] / np.float32(255))
    space = np.zeros((len(pieces[0]), round(gap * HEIGHT_PX)), np.float32)
    row = np.hstack([part for piece in pieces for part in (space, piece)][1:])
    zoom = rng.uniform(1, 3)
    large = cv2.resize(row, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    return np.clip(large, 0, 1), HEIGHT_PX * zoom


def write_by_hand(
    digits: Split, rng: np.random.Generator, text: str, gap: float
) -> tuple[np.ndarray, float]:
    """Write a number by a simulated writer; return the ink in [0, 1] and the digits' height."""
    written = written_number(digits, rng, text, gap=gap or TOUCHING_BY_HAND, own_shapes=False)
    return written.ink, written.height_px


WRITERS = {"images as they are": put_side_by_side, "by hand": write_by_hand}


def put_on_paper(
    ink: np.ndarray, rng: np.random.Generator, height_px: float, print_depth: float
) -> np.ndarray:
    """Put ink, in [0, 1], on light paper: (H, W) uint8."""
    ink = np.pad(ink, round(MARGIN * height_px))
    printed = print_depth * papers.fine_print(ink.shape, rng, height_px)
    light = PAPER * (1 - printed) * (1 - OPACITY * ink) + rng.normal(0, NOISE, ink.shape)
    return np.clip(light, 0, 255).astype(np.uint8)


def main() -> None:
    """Read each kind made in each way, and print the accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--line-model", default="default")
    options = parser.parse_args()
    print_provenance()
    digits = mnist.load().test
    reader = Reader(line_model=options.line_model)
    for way, written in WRITERS.items():
        for kind, (gap, print_depth) in KINDS.items():
            right = 0
            for index in range(options.count):
                rng = np.random.default_rng([options.seed, index])
                text = "".join(str(digit) for digit in rng.integers(0, 10, 5))
                ink, height_px = written(digits, rng, text, gap)
                picture = put_on_paper(ink, rng, height_px, print_depth)
                right += reader.read_number(picture).text == text
            found = estimate_share(right, options.count)
            print(
                f"five digits, {way}, {kind}: {found.value:.2%} whole numbers right "
                f"(n = {found.n:,}, 95 % interval {found.low:.2%} to {found.high:.2%})",
                flush=True,
            )


if __name__ == "__main__":
    main()
