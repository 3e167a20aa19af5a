"""Find runs on synthetic pages of MNIST test images, which nothing was trained on, and tell them.

A run is found if a box of the layout has at least half of the union in common with it. Of the runs
found, the shares told right: handwritten or printed, a number or not, struck or not, where the
text's top is. By kind of page, with Wilson's 95 % interval over all.

python benchmarks/layout_maps.py [--model FILE] [--count 20] [--seed 0] [--pens FOLDER]
"""

import argparse
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from provenance import print_provenance

from inkread.imaging.layout import TextRun, find_layout
from inkread.models.layout_model import LayoutModel
from inkread.training import mnist
from inkread.training.evaluation.evaluate import share
from inkread.training.handwriting.pens import load_pen_strokes
from inkread.training.synthesis.page_kinds import KINDS
from inkread.training.synthesis.page_print import find_fonts
from inkread.training.synthesis.page_sheet import SheetRun
from inkread.training.synthesis.pages import PageMaker, SyntheticPage, is_legible

LEAST_IOU = 0.5
FIGURES = ("found", "true", "handwritten", "number", "struck", "direction")


def overlap(one: np.ndarray, two: np.ndarray) -> float:
    """Return the intersection of two boxes over their union."""
    common, _ = cv2.intersectConvexConvex(one, two)
    union = cv2.contourArea(one) + cv2.contourArea(two) - common
    return float(common / max(union, 1e-6))


def matched(
    runs: tuple[SheetRun, ...], found: tuple[TextRun, ...]
) -> list[tuple[SheetRun, TextRun]]:
    """Pair each run with the box that has most in common with it."""
    pairs = []
    left = list(found)
    for run in runs:
        shares = [overlap(run.corners, each.corners) for each in left]
        if shares and max(shares) >= LEAST_IOU:
            pairs.append((run, left.pop(int(np.argmax(shares)))))
    return pairs


def quarter(run: SheetRun) -> int:
    """By how many quarter turns clockwise a run is turned, at the nearest."""
    up = run.corners[0] - run.corners[3]
    return round(float(np.arctan2(up[0], -up[1])) / (np.pi / 2)) % 4


def count(page: SyntheticPage, found: tuple[TextRun, ...], totals: dict[str, list[int]]) -> None:
    """Add a page's rights and totals."""
    legible = tuple(run for run in page.runs if is_legible(run, page.picture.shape))
    pairs = matched(legible, found)
    unclear = [run for run in page.runs if not is_legible(run, page.picture.shape)]
    others = sum(
        1 for each in found if not any(overlap(run.corners, each.corners) > 0.1 for run in unclear)
    )
    added = {"found": (len(pairs), len(legible)), "true": (len(pairs), max(others, len(pairs)))}
    for name, right in (
        ("handwritten", [(t.handwritten > 0.5) == s.handwritten for s, t in pairs]),
        ("number", [(t.number > 0.5) == s.number for s, t in pairs]),
        ("struck", [(t.struck > 0.5) == s.struck for s, t in pairs]),
        ("direction", [int(np.argmax(t.directions)) == quarter(s) for s, t in pairs]),
    ):
        added[name] = (sum(right), len(right))
    for name, (right, total) in added.items():
        totals[name][0] += right
        totals[name][1] += total


def main() -> None:
    """Find and tell runs, kind by kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default")
    parser.add_argument("--count", type=int, default=20, help="pages of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pens", type=Path)
    arguments = parser.parse_args()
    model = LayoutModel(arguments.model)
    pens = load_pen_strokes(arguments.pens) if arguments.pens else None
    maker = PageMaker(mnist.load().test, find_fonts(), pens)
    whole: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    print(f"{'kind':10s} " + " ".join(f"{name:>12s}" for name in FIGURES))
    for index, kind in enumerate(KINDS):
        totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for number in range(arguments.count):
            rng = np.random.default_rng([2**32 - 1, arguments.seed, index, number])
            page = maker.page(rng, kind=kind)
            count(page, find_layout(model.maps, page.picture).runs, totals)
        shown = [f"{totals[name][0] / max(1, totals[name][1]):12.2%}" for name in FIGURES]
        print(f"{kind:10s} " + " ".join(shown))
        for name in FIGURES:
            whole[name] = [a + b for a, b in zip(whole[name], totals[name], strict=True)]
    for name in FIGURES:
        figure = share(*whole[name])
        print(
            f"{name}: {figure.value:.2%} (n = {figure.n:,}; {figure.low:.2%} to {figure.high:.2%})"
        )
    print_provenance()


if __name__ == "__main__":
    main()
