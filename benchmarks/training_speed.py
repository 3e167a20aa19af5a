"""Profile a training: multiply-adds per layer, time of steps and batches, share of the peak.

A step's arithmetic is taken as three times that of the forward pass, as is usual: the gradients of
the inputs and of the weights cost as much again each. The peak is that of matrix multiplication on
all cores. A teacher is left out.

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
from peak import peak_multiply_adds
from provenance import print_provenance

from inkread.batch.processes import num_cores
from inkread.errors import ConfigError
from inkread.training import mnist
from inkread.training.glyph_batches import Batches, GlyphSource
from inkread.training.mnist import Mnist, Split
from inkread.training.networks import architectures
from inkread.training.recipes import Recipe, recipe_named
from inkread.training.train import Training

NUM_BATCHES = 100
ROUNDS = 5


def multiply_adds(layer: keras.Layer) -> int:
    """Return the multiply-adds of a convolution or a dense layer for one glyph."""
    if isinstance(layer, keras.layers.Conv2D):
        return int(np.prod(layer.output.shape[1:3])) * int(np.prod(layer.kernel.shape))
    return int(np.prod(layer.kernel.shape)) if isinstance(layer, keras.layers.Dense) else 0


def epoch_seconds(recipe: Recipe, data: Mnist) -> list[float]:
    """Train for a few short epochs; the first, which compiles, is left out."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = dataclasses.replace(recipe, epochs=ROUNDS + 1)
        ends = [epoch.seconds for epoch in Training(recipe, data, Path(folder)).epochs()]
    return list(np.diff(ends))


def batch_seconds(recipe: Recipe, data: Mnist) -> list[float]:
    """Make the batches of the same epochs without training on them."""
    source = GlyphSource(data.train, recipe, seed=0)
    Batches(source, ROUNDS)[0]  # what is drawn by code is drawn once, with the first batch
    times = []
    for epoch in range(ROUNDS):
        start = time.perf_counter()
        batches = Batches(source, epoch)
        for number in range(len(batches)):
            batches[number]
        times.append(time.perf_counter() - start)
    return times


def recipe_without_teacher(name: str) -> Recipe:
    """Return the recipe of one network, without its teacher."""
    recipe = recipe_named(name)
    if recipe.members:
        raise ConfigError(f"expected the recipe of one network, received {name!r}")
    return dataclasses.replace(recipe, teacher=None, taught_share=0.0, taught_copies=0)


def main() -> None:
    """Print the layers, then the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", nargs="?", default="standard")
    try:
        recipe = recipe_without_teacher(parser.parse_args().recipe)
    except ConfigError as error:
        parser.error(str(error))
    print_provenance()
    network = architectures.build(recipe.network, recipe.num_outputs, recipe.dropout)
    total = sum(multiply_adds(layer) for layer in network.layers)
    for layer in network.layers:
        if count := multiply_adds(layer):
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
    best = peak_multiply_adds(num_cores())
    for what, times, work in (
        ("steps with their batches", epoch_seconds(recipe, data), total),
        ("steps with undistorted batches", epoch_seconds(plain, data), total),
        ("batches alone", batch_seconds(recipe, data), 0),
    ):
        each_ms = 1000 * np.array(times) / NUM_BATCHES
        line = f"{what}: {each_ms.mean():.2f} ± {each_ms.std(ddof=1):.2f} ms (n = {len(times)})"
        if work:
            rate = 3 * work * recipe.batch_size / (each_ms.mean() / 1000)
            line += f", {2 * rate / 1e9:.0f} GFLOP/s, {rate / best:.0%} of the peak"
        print(line, flush=True)


if __name__ == "__main__":
    main()
