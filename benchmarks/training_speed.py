"""Profile a training: multiply-adds per layer, time of steps and batches, share of the peak.

A step is counted as three times the arithmetic of the forward pass, as is usual: the gradients of
the inputs and of the weights cost as much again each. The peak is that of matrix multiplication on
all cores. A recipe's teacher is ignored.

python benchmarks/training_speed.py [RECIPE]
"""

import argparse
import dataclasses
import os
import tempfile
import time
from pathlib import Path

from inkread.privacy import keep_library_files_in_cache

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keep_library_files_in_cache()

import keras
import numpy as np
from peak import measure_peak_multiply_adds
from provenance import print_provenance

from inkread.batch.processes import num_cores
from inkread.errors import ConfigError
from inkread.training import mnist
from inkread.training.batches.glyph_batches import Batches, GlyphSource
from inkread.training.mnist import Mnist, Split
from inkread.training.networks import architectures
from inkread.training.recipes import Recipe, recipe_named
from inkread.training.train import Training

NUM_BATCHES = 100
NUM_EPOCHS = 5


def count_multiply_adds(layer: keras.Layer) -> int:
    """Return the multiply-adds per glyph of a convolution or a dense layer; 0 for other layers."""
    if isinstance(layer, keras.layers.Conv2D):
        return int(np.prod(layer.output.shape[1:3])) * int(np.prod(layer.kernel.shape))
    return int(np.prod(layer.kernel.shape)) if isinstance(layer, keras.layers.Dense) else 0


def time_epochs(recipe: Recipe, data: Mnist) -> list[float]:
    """Train for a few short epochs; return their durations without the first, which compiles."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = dataclasses.replace(recipe, epochs=NUM_EPOCHS + 1)
        ends = [epoch.seconds for epoch in Training(recipe, data, Path(folder)).epochs()]
    return list(np.diff(ends))


def time_batches(recipe: Recipe, data: Mnist) -> list[float]:
    """Make the batches of the same epochs without training; return the durations."""
    source = GlyphSource(data.train, recipe, seed=0)
    Batches(source, NUM_EPOCHS)[0]  # synthetic glyphs are drawn once, with the first batch
    times = []
    for epoch in range(NUM_EPOCHS):
        start = time.perf_counter()
        batches = Batches(source, epoch)
        for number in range(len(batches)):
            batches[number]
        times.append(time.perf_counter() - start)
    return times


def load_recipe_without_teacher(name: str) -> Recipe:
    """Return a single network's recipe, without its teacher."""
    recipe = recipe_named(name)
    if recipe.members:
        raise ConfigError(f"expected the recipe of one network, received {name!r}")
    return dataclasses.replace(recipe, teacher=None, taught_share=0.0, taught_copies=0)


def main() -> None:
    """Print the layers' multiply-adds, then the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", nargs="?", default="standard")
    try:
        recipe = load_recipe_without_teacher(parser.parse_args().recipe)
    except ConfigError as error:
        parser.error(str(error))
    print_provenance()
    network = architectures.build(recipe.network, recipe.num_outputs, recipe.dropout)
    total = sum(count_multiply_adds(layer) for layer in network.layers)
    for layer in network.layers:
        if count := count_multiply_adds(layer):
            print(f"  {layer.name}: {layer.output.shape[1:]}, {count:,} multiply-adds")
    print(f"{recipe.network}: {total:,} multiply-adds, {network.count_params():,} parameters")
    whole = mnist.load()
    count = NUM_BATCHES * recipe.batch_size
    data = dataclasses.replace(
        whole,
        train=Split(whole.train.images[:count], whole.train.labels[:count]),
        validation=Split(whole.validation.images[:100], whole.validation.labels[:100]),
    )
    plain = dataclasses.replace(recipe, augmentation=None, spoiled=0.0, drawn=0.0, junk=0.0)
    best = measure_peak_multiply_adds(num_cores())
    for what, times, work in (
        ("steps with their batches", time_epochs(recipe, data), total),
        ("steps with undistorted batches", time_epochs(plain, data), total),
        ("batches alone", time_batches(recipe, data), 0),
    ):
        each_ms = 1000 * np.array(times) / NUM_BATCHES
        line = f"{what}: {each_ms.mean():.2f} ± {each_ms.std(ddof=1):.2f} ms (n = {len(times)})"
        if work:
            rate = 3 * work * recipe.batch_size / (each_ms.mean() / 1000)
            line += f", {2 * rate / 1e9:.0f} GFLOP/s, {rate / best:.0%} of the peak"
        print(line, flush=True)


if __name__ == "__main__":
    main()
