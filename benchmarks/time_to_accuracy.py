"""Measure the training time of recipes to 98, 99 and 99.5 % accuracy on the test images.

`baseline` is the Keras example's network and training, reimplemented from its published
architecture. The test images are read after every epoch, because the time to an accuracy on them is
measured; no setting is chosen by them. Times include compilation and exclude evaluation.

If `baseline` is in the plan, each time is also given as a share of its mean time to 99.0 %.

python benchmarks/time_to_accuracy.py [--plan baseline=2 quick=5 brisk=5]
"""

import argparse
import os
import tempfile
from dataclasses import dataclass
from math import nan
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import numpy.typing as npt
from provenance import mean_sd, print_provenance

from inkread.errors import ConfigError
from inkread.models.runtime import calibrate_outputs
from inkread.training import mnist
from inkread.training.epoch import predict
from inkread.training.evaluation.evaluate import estimate_share
from inkread.training.recipes import Recipe, recipe_named
from inkread.training.train import LABELS, Training

TARGETS = (0.98, 0.99, 0.995)
REFERENCE = 0.99  # baseline's time to this accuracy is the unit of the relative times
DEFAULT_PLAN = {"baseline": 2, "quick": 5, "brisk": 5}  # seeds of each recipe


@dataclass(frozen=True)
class Result:
    """The last epoch's test accuracy and time, and the time to each of TARGETS, or nan."""

    accuracy: float
    seconds: float
    seconds_to: tuple[float, ...]


def measure_training(recipe: Recipe, data: mnist.Mnist, seed: int) -> Result:
    """Train once, and read the test images after every epoch."""
    seconds_to = dict.fromkeys(TARGETS, nan)
    with tempfile.TemporaryDirectory() as folder:
        training = Training(recipe, data, Path(folder), seed=seed)
        for epoch in training.epochs():
            outputs = predict(training.network, data.test)
            read = calibrate_outputs(outputs, len(LABELS), 1.0).probabilities.argmax(axis=1)
            accuracy = float((read == data.test.labels).mean())
            for target, seconds in seconds_to.items():
                if np.isnan(seconds) and accuracy >= target:
                    seconds_to[target] = epoch.seconds
            print(
                f"  {recipe.name} seed {seed} epoch {epoch.epoch}: test {accuracy:.2%}, "
                f"validation {epoch.validation_accuracy:.2%}, {epoch.seconds:.1f} s",
                flush=True,
            )
    return Result(accuracy, epoch.seconds, tuple(seconds_to.values()))


def parse_plan(words: list[str]) -> dict[str, int]:
    """Parse words such as `quick=5`: a recipe of one network, and its number of seeds."""
    plan = {}
    for word in words:
        name, _, count = word.partition("=")
        if not count.isdecimal() or int(count) < 1:
            raise ConfigError(f"expected RECIPE=SEEDS with at least one seed, received {word!r}")
        recipe = recipe_named(name)
        if recipe.teacher or recipe.members:
            raise ConfigError(
                f"expected recipes of one network without a teacher, received {name!r}"
            )
        plan[name] = int(count)
    return plan


def compute_mean(times: npt.NDArray[np.float64]) -> float:
    """Return the mean of the finite times; nan if there is none."""
    reached = times[np.isfinite(times)]
    return float(reached.mean()) if len(reached) else nan


def format_share(times: npt.NDArray[np.float64], reference: float) -> str:
    """Format the mean time as a share of the reference; empty if either was never reached."""
    ratio = compute_mean(times) / reference
    if np.isnan(ratio):
        return ""
    return f"; {ratio:.3f} of baseline's time to {REFERENCE:.1%}, 1/{1 / ratio:.1f}"


def main() -> None:
    """Train all recipes and seeds of the plan, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = [f"{name}={count}" for name, count in DEFAULT_PLAN.items()]
    parser.add_argument("--plan", nargs="+", default=default, metavar="RECIPE=SEEDS")
    try:
        plan = parse_plan(parser.parse_args().plan)
    except ConfigError as error:
        parser.error(str(error))
    print_provenance()
    data = mnist.load()
    results: dict[str, list[Result]] = {name: [] for name in plan}
    for seed in range(max(plan.values())):  # in turn, because the machine's speed drifts
        for name, count in plan.items():
            if seed < count:
                results[name].append(measure_training(recipe_named(name), data, seed))
    baseline = np.array([result.seconds_to for result in results.get("baseline", [])])
    reference = compute_mean(baseline[:, TARGETS.index(REFERENCE)]) if len(baseline) else nan
    n = len(data.test)
    for name, found in results.items():
        accuracies = np.array([result.accuracy for result in found])
        interval = estimate_share(round(float(accuracies.mean()) * n), n)
        seconds = np.array([result.seconds for result in found])
        print(
            f"{name}: test accuracy {mean_sd(100 * accuracies, '%')}; 95 % interval of one test "
            f"set of {n:,}: {interval.low:.2%} to {interval.high:.2%}; training "
            f"{mean_sd(seconds, 's')}{format_share(seconds, reference)}"
        )
        for target, times in zip(TARGETS, np.array([r.seconds_to for r in found]).T, strict=True):
            reached = times[np.isfinite(times)]
            took = mean_sd(reached, "s") if len(reached) else "never"
            print(
                f"  to {target:.1%}: {took}, by {len(reached)} of {len(times)} seeds"
                f"{format_share(times, reference)}"
            )


if __name__ == "__main__":
    main()
