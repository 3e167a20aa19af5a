"""Measure the accuracy on MNIST under every distortion of `augmentation.distortions`.

python benchmarks/robustness.py MODEL... [--split test|validation] [--limit N] [--json FILE]

MODEL is the name of a shipped model or a model file. Every model reads the same pictures.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from provenance import print_provenance

from inkread.models.runtime import Model
from inkread.training import mnist
from inkread.training.evaluation.robustness import STRENGTHS, Robustness, measure_robustness


def print_table(model: Model, found: Robustness) -> None:
    """Print a table of a model's accuracy by distortion and strength, with the means."""
    clean = found.undistorted
    print(
        f"\n{model.name}: undistorted {clean.value:.2%} of {clean.n:,} "
        f"(95 % interval {clean.low:.2%} to {clean.high:.2%}); distorted, accuracy in %"
    )
    print(f"{'strength':14}" + _format_cells([*STRENGTHS, "mean"]))
    for row in found.distorted:
        print(
            f"{row.distortion:14}"
            + _format_cells([100 * value for value in (*row.accuracy, row.mean)])
        )
    means = np.mean([row.accuracy for row in found.distorted], axis=0)
    print(f"{'mean':14}" + _format_cells([*(100 * means), 100 * found.mean]), flush=True)


def _format_cells(values: list[float | str]) -> str:
    return "".join(f"{value:>8}" if isinstance(value, str) else f"{value:8.2f}" for value in values)


def print_side_by_side(models: list[Model], found: list[Robustness]) -> None:
    """Print a table of the means over the strengths, with a column per model."""
    width = 2 + max(8, *(len(model.name) for model in models))
    print(f"\n{'mean, %':14}" + "".join(f"{model.name:>{width}}" for model in models))
    lines = [("undistorted", [each.undistorted.value for each in found])]
    lines += [
        (rows[0].distortion, [row.mean for row in rows])
        for rows in zip(*(each.distorted for each in found), strict=True)
    ]
    lines.append(("all distorted", [each.mean for each in found]))
    for name, values in lines:
        print(f"{name:14}" + "".join(f"{100 * value:{width}.2f}" for value in values))


def main() -> None:
    """Measure every model, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--split", choices=("test", "validation"), default="test")
    parser.add_argument(
        "--limit", type=int, help="how many images, drawn at random; all, if not given"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draw and the distortions")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    if options.limit is not None and options.limit < 1:
        parser.error(f"expected a limit of at least 1, received {options.limit}")
    models = [Model(name) for name in options.models]
    split = getattr(mnist.load(), options.split)
    print_provenance()
    print(f"{options.split} images, seed {options.seed}", flush=True)
    found = []
    for model in models:
        found.append(measure_robustness(model, split, limit=options.limit, seed=options.seed))
        print_table(model, found[-1])
    if len(models) > 1:
        print_side_by_side(models, found)
    if options.json:
        figures = {
            "split": options.split,
            "n": found[0].undistorted.n,
            "seed": options.seed,
            "strengths": STRENGTHS,
            "models": [
                {
                    "model": model.name,
                    "undistorted": each.undistorted.value,
                    "mean": each.mean,
                    "distortions": [asdict(row) | {"mean": row.mean} for row in each.distorted],
                }
                for model, each in zip(models, found, strict=True)
            ],
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
