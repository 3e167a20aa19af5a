"""Measure a recipe's test accuracy, its spread over several seeds, and its training time.

The test images are read once per seed, by the finished model file. Runs are kept in a folder, so
a stopped benchmark resumes, and a finished one is only evaluated again. The time of a recipe with a
teacher excludes the teacher's training.

python benchmarks/accuracy.py RECIPE [--seeds 5] [--runs runs] [--teacher MODEL]
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from provenance import mean_sd, print_provenance

from inkread.errors import ConfigError
from inkread.models.runtime import Model
from inkread.training import mnist
from inkread.training.evaluation.evaluate import estimate_share, evaluate
from inkread.training.recipes import recipe_named
from inkread.training.train import train


def main() -> None:
    """Train and evaluate every seed, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--teacher", type=Path)
    options = parser.parse_args()
    if options.seeds < 1:
        parser.error(f"expected at least one seed, received {options.seeds}")
    try:
        recipe = recipe_named(options.recipe)
    except ConfigError as error:
        parser.error(str(error))
    print_provenance()
    data = mnist.load()
    accuracies, validations, minutes = [], [], []
    for seed in range(options.seeds):
        folder = options.runs / f"{recipe.name}-{seed}"
        run = train(recipe, data, folder, seed=seed, resume=True, teacher=options.teacher)
        model = Model(run.model_file)
        found = evaluate(model, data.test)
        accuracies.append(100 * found.accuracy.value)
        validations.append(100 * model.metadata.figures["validation_accuracy"].value)
        minutes.append(run.history[-1].seconds / 60)
        print(
            f"  seed {seed}: test {accuracies[-1]:.2f} %, validation {validations[-1]:.2f} %, "
            f"{minutes[-1]:.1f} min, {run.network.count_params():,} parameters",
            flush=True,
        )
    n = len(data.test)
    is_taught = any(each.teacher for each in recipe.networks)
    spent = mean_sd(np.array(minutes), "min") + (", its teacher's apart" if is_taught else "")
    interval = estimate_share(round(float(np.mean(accuracies)) / 100 * n), n)
    print(
        f"{recipe.name}: test accuracy {mean_sd(np.array(accuracies), '%')}; 95 % interval of one "
        f"test set of {n:,}: {interval.low:.2%} to {interval.high:.2%}; validation accuracy "
        f"{mean_sd(np.array(validations), '%')}; training {spent}"
    )


if __name__ == "__main__":
    main()
