"""Time recipes to 98, 99 and 99.5 % on the test images, in turn, in one run.

`baseline` is the Keras example's network and training, written afresh from its published
architecture. The test images are read after every epoch, because the time to an accuracy on them
is what is measured; they choose nothing. Times are of training, compilation included, evaluation
apart.

python benchmarks/time_to_accuracy.py [--plan baseline=2 quick=5 brisk=5]
"""

import argparse
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from provenance import mean_sd, print_provenance

from inkread.errors import ConfigError
from inkread.runtime import as_input, classified
from inkread.training import mnist
from inkread.training.evaluate import share
from inkread.training.recipes import Recipe, recipe_named
from inkread.training.train import LABELS, Training

TARGETS = (0.98, 0.99, 0.995)
PLAN = {"baseline": 2, "quick": 5, "brisk": 5}  # seeds of each recipe


@dataclass(frozen=True)
class Result:
    """The last epoch's test accuracy and time, and the time to each of TARGETS, nan if never."""

    accuracy: float
    seconds: float
    seconds_to: tuple[float, ...]


def run(recipe: Recipe, data: mnist.Mnist, seed: int) -> Result:
    """Train once and look at the test images after every epoch."""
    seconds_to = dict.fromkeys(TARGETS, float("nan"))
    inputs = as_input(data.test.images)
    with tempfile.TemporaryDirectory() as folder:
        training = Training(recipe, data, Path(folder), seed=seed)
        for epoch in training.epochs():
            outputs = training.network.predict(inputs, batch_size=500, verbose=0)
            read = classified(outputs, len(LABELS), 1.0).probabilities.argmax(axis=1)
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


def planned(words: list[str]) -> dict[str, int]:
    """Parse `recipe=seeds` words."""
    plan = {}
    for word in words:
        name, _, count = word.partition("=")
        if not count.isdecimal() or int(count) < 1:
            raise ConfigError(f"expected RECIPE=SEEDS with at least one seed, received {word!r}")
        plan[recipe_named(name).name] = int(count)
    return plan


def main() -> None:
    """Run the comparison and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = [f"{name}={count}" for name, count in PLAN.items()]
    parser.add_argument("--plan", nargs="+", default=default, metavar="RECIPE=SEEDS")
    try:
        plan = planned(parser.parse_args().plan)
    except ConfigError as error:
        parser.error(str(error))
    print_provenance()
    data = mnist.load()
    results: dict[str, list[Result]] = {name: [] for name in plan}
    for seed in range(max(plan.values())):  # in turn, because the machine's speed drifts
        for name, count in plan.items():
            if seed < count:
                results[name].append(run(recipe_named(name), data, seed))
    n = len(data.test)
    for name, found in results.items():
        accuracies = np.array([result.accuracy for result in found])
        interval = share(round(float(accuracies.mean()) * n), n)
        seconds = np.array([result.seconds for result in found])
        print(
            f"{name}: test accuracy {mean_sd(100 * accuracies, '%')}; 95 % interval of one test "
            f"set of {n:,}: {interval.low:.2%} to {interval.high:.2%}; training "
            f"{mean_sd(seconds, 's')}"
        )
        for target, times in zip(TARGETS, np.array([r.seconds_to for r in found]).T, strict=True):
            reached = times[np.isfinite(times)]
            took = mean_sd(reached, "s") if len(reached) else "never"
            print(f"  to {target:.1%}: {took}, by {len(reached)} of {len(times)} seeds")
    if "baseline" in results:
        place = TARGETS.index(0.99)
        reference = float(np.nanmean([result.seconds_to[place] for result in results["baseline"]]))
        for name in plan.keys() - {"baseline"}:
            whole = float(np.mean([result.seconds for result in results[name]]))
            print(
                f"{name}: the whole training takes {whole / reference:.3f} of baseline's time to "
                f"99.0 %, 1/{reference / whole:.1f}"
            )


if __name__ == "__main__":
    main()
