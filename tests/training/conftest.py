import dataclasses

import pytest
from short_trainings import RECIPES, SEED, Stop, stopper

from inkread.training.mnist import Split
from inkread.training.train import train


@pytest.fixture(scope="session")
def tiny(small_mnist):
    """A hundred images, and none to test on: training must not touch those."""
    return dataclasses.replace(
        small_mnist,
        train=Split(small_mnist.train.images[:100], small_mnist.train.labels[:100]),
        validation=Split(small_mnist.validation.images[:60], small_mnist.validation.labels[:60]),
        test=None,
    )


@pytest.fixture(scope="session")
def unbroken(tiny, tmp_path_factory):
    """An unbroken run of each network; don't write to their folders."""
    root = tmp_path_factory.mktemp("unbroken")
    return {name: train(recipe, tiny, root / name, seed=SEED) for name, recipe in RECIPES.items()}


@pytest.fixture(scope="session")
def interrupted(tiny, tmp_path_factory):
    """The folders of runs of the same recipes that were stopped in their third epoch."""
    root = tmp_path_factory.mktemp("interrupted")
    for name, recipe in RECIPES.items():
        with pytest.raises(Stop):
            train(recipe, tiny, root / name, seed=SEED, on_step=stopper(3, 2))
    return {name: root / name for name in RECIPES}
