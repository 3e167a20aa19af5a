"""Short trainings that the tests of this folder share: recipes, interruption, comparison."""

import dataclasses

import numpy as np
import pytest

from inkread.training.augmentation.elastic import Augmentation
from inkread.training.recipes import Recipe
from inkread.training.train import Training

SEED = 5
NUM_STEPS = 4  # 100 images in batches of 32: the last batch is a short one
CLASSIC = Recipe(
    name="classic-dropout-augmentation",
    purpose="everything random",
    network="classic",
    epochs=3,
    batch_size=32,
    dropout=0.5,
    augmentation=Augmentation(rotation_deg=12, elastic_px=1, stroke=0.7),
    spoiled=0.2,
    drawn=0.1,
    junk=0.1,
)
COMPACT = Recipe(
    name="compact-schedule",
    purpose="batch normalisation, a schedule, weight decay",
    network="compact",
    epochs=3,
    batch_size=32,
    learning_rate=0.01,
    warmup=0.2,
    weight_decay=0.02,
    label_smoothing=0.1,
)
RECIPES = {"classic": CLASSIC, "compact": COMPACT}
TRIO = Recipe(
    name="trio",
    purpose="an ensemble of unlike members",
    members=(
        dataclasses.replace(COMPACT, epochs=1),
        dataclasses.replace(COMPACT, epochs=2, shifted=True),
        dataclasses.replace(COMPACT, epochs=1, network="classic", learning_rate=0.001),
    ),
)
PUPIL = dataclasses.replace(
    COMPACT,
    name="pupil",
    teacher="compact-schedule",
    taught_share=0.5,
    taught_copies=2,
    spoiled=0.2,
    junk=0.1,
)
DUO = Recipe(
    name="duo",
    purpose="a cascade whose second is taught",
    members=(
        dataclasses.replace(COMPACT, epochs=8, junk=0.1),
        dataclasses.replace(PUPIL, epochs=1),
    ),
    sure=0.5,
)

RUN_FILES = {"recipe.json", "history.csv", "checkpoint.keras", "model.onnx", "metrics.json"}


class Stop(KeyboardInterrupt):
    """What Ctrl-C raises, told from a real one."""


def stopper(epoch, step):
    """An ``on_step`` that stops the training right after that step."""

    def on_step(at):
        if (at.epoch, at.step) == (epoch, step):
            raise Stop

    return on_step


def without_export(recipe, data, folder, **options):
    """Train every epoch that is left, and leave the run's other files out."""
    training = Training(recipe, data, folder, **options)
    for _ in training.epochs():
        pass
    return training


def assert_same_weights(received, expected):
    for ours, theirs in zip(received.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


def assert_same_run(received, expected):
    assert_same_weights(received.network, expected.network)
    for ours, theirs in zip(received.history, expected.history, strict=True):
        values, wanted = dataclasses.asdict(ours), dataclasses.asdict(theirs)
        del values["seconds"], wanted["seconds"]
        assert values == pytest.approx(wanted, rel=1e-5)
