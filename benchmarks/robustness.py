"""Read MNIST under every distortion of `inkread.training.distortions`, with one model or several.

python benchmarks/robustness.py MODEL... [--split test|validation] [--limit N] [--json FILE]

MODEL is the name of a shipped model or a model file. Every model reads the same pictures.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from provenance import print_provenance

from inkread.runtime import Model
from inkread.training import mnist
from inkread.training.evaluate import share
from inkread.training.mnist import Split
from inkread.training.robustness import STRENGTHS, Robustness, measure


def print_table(model: Model, found: tuple[Robustness, ...]) -> None:
    """Print a model's accuracy, distortion by strength, with the means."""
    print(f"\n{model.name}: accuracy in %\n{'strength':14}" + _cells([*STRENGTHS, "mean"]))
    for row in found:
        print(f"{row.distortion:14}" + _cells([100 * value for value in (*row.accuracy, row.mean)]))
    means = np.mean([row.accuracy for row in found], axis=0)
    print(f"{'mean':14}" + _cells([*(100 * means), 100 * means.mean()]))


def _cells(values: list[float | str]) -> str:
    return "".join(f"{value:>8}" if isinstance(value, str) else f"{value:8.2f}" for value in values)


def print_side_by_side(models: list[Model], found: list[tuple[Robustness, ...]]) -> None:
    """Print the models' means over the strengths, a column a model."""
    width = 2 + max(8, *(len(model.name) for model in models))
    print(f"\n{'mean, %':14}" + "".join(f"{model.name:>{width}}" for model in models))
    for rows in zip(*found, strict=True):
        cells = "".join(f"{100 * row.mean:{width}.2f}" for row in rows)
        print(f"{rows[0].distortion:14}{cells}")
    grand = "".join(f"{100 * grand_mean(rows):{width}.2f}" for rows in found)
    print(f"{'all':14}{grand}")


def grand_mean(found: tuple[Robustness, ...]) -> float:
    """Return the accuracy over all distortions and strengths, each counted alike."""
    return float(np.mean([row.mean for row in found]))


def undistorted(model: Model, split: Split) -> float:
    """Print and return the accuracy on the split's glyphs as they are."""
    right = int((model.probabilities(split.images).argmax(axis=1) == split.labels).sum())
    figure = share(right, len(split))
    print(
        f"{model.name}: undistorted {figure.value:.2%} of {figure.n:,} "
        f"(95 % interval {figure.low:.2%} to {figure.high:.2%})",
        flush=True,
    )
    return figure.value


def main() -> None:
    """Measure every model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--split", choices=("test", "validation"), default="test")
    parser.add_argument("--limit", type=int, help="how many images; all, if not given")
    parser.add_argument("--seed", type=int, default=0, help="of the distortions")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    if options.limit is not None and options.limit < 1:
        parser.error(f"expected a limit of at least 1, received {options.limit}")
    models = [Model(name) for name in options.models]
    data: Split = getattr(mnist.load(), options.split)
    split = Split(data.images[: options.limit], data.labels[: options.limit])
    print_provenance()
    print(f"{len(split):,} {options.split} images, distortions' seed {options.seed}", flush=True)
    clean = [undistorted(model, split) for model in models]
    found = []
    for model in models:
        found.append(measure(model, split, seed=options.seed))
        print_table(model, found[-1])
    if len(models) > 1:
        print_side_by_side(models, found)
    if options.json:
        figures = {
            "split": options.split,
            "n": len(split),
            "seed": options.seed,
            "strengths": STRENGTHS,
            "models": [
                {
                    "model": model.name,
                    "undistorted": accuracy,
                    "mean": grand_mean(rows),
                    "distortions": [asdict(row) | {"mean": row.mean} for row in rows],
                }
                for model, accuracy, rows in zip(models, clean, found, strict=True)
            ],
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
