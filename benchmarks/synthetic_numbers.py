"""Read synthetic numbers of five digits from MNIST test images, which nothing was trained on.

Spaced, touching, and on patterned paper. The hands that bend and set the digits and the prints of
the paper are of the same code as in the line model's training, without shapes of our own.

python benchmarks/synthetic_numbers.py [--count 1000] [--seed 0] [--line-model MODEL]
"""

import argparse

import numpy as np
from provenance import print_provenance

from inkread import Reader
from inkread.training import mnist, papers
from inkread.training.evaluate import share
from inkread.training.mnist import Split
from inkread.training.numbers import written_number

# The mean space between two digits, as a share of their height; how dark the paper's print is.
KINDS = {
    "spaced": (0.3, 0.0),
    "touching": (-0.03, 0.0),
    "on patterned paper": (0.3, 0.3),
}
MARGIN = 0.2  # around the number, in heights
PAPER, OPACITY, NOISE = 235, 0.75, 3.0


def numbers(
    digits: Split, count: int, seed: int, gap: float, print_depth: float
) -> list[tuple[np.ndarray, str]]:
    """Return pictures of numbers with what is written on each."""
    made = []
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        text = "".join(str(digit) for digit in rng.integers(0, 10, 5))
        written = written_number(digits, rng, text, gap=gap, own_shapes=False)
        margin = round(MARGIN * written.height_px)
        ink = np.pad(written.ink, margin)
        printed = print_depth * papers.fine_print(ink.shape, rng, written.height_px)
        light = PAPER * (1 - printed) * (1 - OPACITY * ink) + rng.normal(0, NOISE, ink.shape)
        made.append((np.clip(light, 0, 255).astype(np.uint8), text))
    return made


def main() -> None:
    """Read each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--line-model", default="default")
    options = parser.parse_args()
    print_provenance()
    digits = mnist.load().test
    reader = Reader(line_model=options.line_model)
    for kind, (gap, print_depth) in KINDS.items():
        pictures = numbers(digits, options.count, options.seed, gap, print_depth)
        right = sum(reader.read_number(picture).text == text for picture, text in pictures)
        found = share(right, len(pictures))
        print(
            f"five digits, {kind}: {found.value:.2%} whole numbers right "
            f"(n = {found.n:,}, 95 % interval {found.low:.2%} to {found.high:.2%})",
            flush=True,
        )


if __name__ == "__main__":
    main()
