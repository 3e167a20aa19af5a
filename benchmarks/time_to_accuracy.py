"""Train `baseline` and `quick` in turn in one run: test accuracy, and time to 99.0 %.

The test images are read after every epoch, because the time to an accuracy on them is what is
measured; they choose nothing. Times are of training, compilation included, evaluation apart.

python benchmarks/time_to_accuracy.py [--baseline-seeds 3] [--quick-seeds 5]
"""

import argparse
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from provenance import mean_sd, print_provenance

from inkread.runtime import as_input
from inkread.training import mnist
from inkread.training.evaluate import share
from inkread.training.recipes import Recipe, recipe_named
from inkread.training.train import Training

TARGET = 0.99


@dataclass(frozen=True)
class Result:
    """The last epoch's test accuracy, its time, and the time after which TARGET was reached."""

    accuracy: float
    seconds: float
    seconds_to_target: float


def run(recipe: Recipe, data: mnist.Mnist, seed: int) -> Result:
    """Train once and look at the test images after every epoch."""
    seconds_to_target = float("nan")
    with tempfile.TemporaryDirectory() as folder:
        training = Training(recipe, data, Path(folder), seed=seed)
        for epoch in training.epochs():
            probabilities = training.network.predict(
                as_input(data.test.images), batch_size=500, verbose=0
            )
            accuracy = float((probabilities.argmax(axis=1) == data.test.labels).mean())
            if np.isnan(seconds_to_target) and accuracy >= TARGET:
                seconds_to_target = epoch.seconds
            print(
                f"  {recipe.name} seed {seed} epoch {epoch.epoch}: test {accuracy:.2%}, "
                f"validation {epoch.validation_accuracy:.2%}, {epoch.seconds:.1f} s",
                flush=True,
            )
    return Result(accuracy, epoch.seconds, seconds_to_target)


def main() -> None:
    """Run the comparison and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baseline-seeds", type=int, default=3)
    parser.add_argument("--quick-seeds", type=int, default=5)
    counts = parser.parse_args()
    print_provenance()
    data = mnist.load()
    plan = {"quick": counts.quick_seeds, "baseline": counts.baseline_seeds}
    results: dict[str, list[Result]] = {name: [] for name in plan}
    for seed in range(max(plan.values())):  # in turn, because the machine's speed drifts
        for name, count in plan.items():
            if seed < count:
                results[name].append(run(recipe_named(name), data, seed))
    for name, found in results.items():
        accuracies = np.array([result.accuracy for result in found])
        n = len(data.test)
        interval = share(round(float(accuracies.mean()) * n), n)
        print(
            f"{name}: test accuracy {mean_sd(100 * accuracies, '%')}, {len(found)} seeds; "
            f"95 % interval of one test set of {n:,}: {interval.low:.2%} to {interval.high:.2%}; "
            f"training {mean_sd(np.array([result.seconds for result in found]), 's')}; "
            f"to {TARGET:.1%}: {mean_sd(np.array([r.seconds_to_target for r in found]), 's')}"
        )
    times = np.array([result.seconds_to_target for result in results["baseline"]])
    print(f"baseline reached {TARGET:.1%} in {np.isfinite(times).sum()} of {len(times)} runs")
    to_target = float(np.nanmean(times))
    quick = float(np.mean([result.seconds for result in results["quick"]]))
    print(f"quick takes {quick / to_target:.3f} of baseline's time to {TARGET:.1%}")


if __name__ == "__main__":
    main()
