"""Measure how long `fit` takes after an epoch's last step, with Keras' input and with inkread's.

Short epochs of the recipe `quick`, alternating between both. The time from the callback at the end
of the training to the return of `fit` is printed; it should be close to 0.

python benchmarks/epoch_end.py [--epochs 20]
"""

import argparse
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from inkread.privacy import keep_library_files_in_cache

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keep_library_files_in_cache()

import keras
import numpy as np
from provenance import mean_sd, print_provenance

from inkread.training import mnist
from inkread.training.batches.glyph_batches import Batches, GlyphSource
from inkread.training.epoch import make_dataset
from inkread.training.mnist import Split
from inkread.training.networks import architectures
from inkread.training.recipes import recipe_named
from inkread.training.train import compile_network

NUM_BATCHES = 100


def measure_wait(network: keras.Model, batches: Iterable[Any]) -> tuple[float, float]:
    """Train one epoch; return the seconds to its last step, and from then until `fit` returned."""
    ends: list[float] = []
    end = keras.callbacks.LambdaCallback(on_train_end=lambda _: ends.append(time.perf_counter()))
    start = time.perf_counter()
    network.fit(batches, shuffle=False, verbose=0, callbacks=[end])
    return ends[0] - start, time.perf_counter() - ends[0]


def main() -> None:
    """Train epochs with both inputs alternately, and print the waits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=20, help="of each kind")
    epochs = parser.parse_args().epochs
    if epochs < 1:
        parser.error(f"expected at least one epoch, received {epochs}")
    print_provenance()
    recipe, train = recipe_named("quick"), mnist.load().train
    count = NUM_BATCHES * recipe.batch_size
    source = GlyphSource(Split(train.images[:count], train.labels[:count]), recipe, seed=0)
    network = architectures.build(recipe.network, recipe.num_outputs, recipe.dropout)
    compile_network(network, recipe, num_steps=2 * (epochs + 1) * NUM_BATCHES)
    ways: dict[str, Callable[[Batches], Iterable[Any]]] = {
        "Keras": lambda made: made,
        "ours": make_dataset,
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    measure_wait(network, Batches(source, 0))  # compiles
    for epoch in range(epochs):
        for name, fed in ways.items():
            times[name].append(measure_wait(network, fed(Batches(source, epoch))))
    for name, each in times.items():
        steps, ends = np.array(each).T
        print(
            f"{name}: {NUM_BATCHES} steps {mean_sd(steps, 's')}, then a wait of "
            f"{mean_sd(ends, 's')}, {ends.max():.3f} s at most; over 0.05 s in "
            f"{(ends > 0.05).sum()} of {len(ends)} epochs"
        )


if __name__ == "__main__":
    main()
