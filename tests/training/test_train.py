import dataclasses
import json

import keras
import numpy as np
import pytest
from short_trainings import (
    COMPACT,
    NUM_STEPS,
    RUN_FILES,
    SEED,
    assert_same_weights,
    without_export,
)

import inkread
from inkread.models.runtime import Model
from inkread.training.evaluation.evaluate import evaluate
from inkread.training.history import Epoch, read_history
from inkread.training.recipes import recipe_named
from inkread.training.runs import load_network, read_recipe
from inkread.training.train import Step, Training, train


def test_a_run_folder_holds_what_the_design_says(small_run):
    assert {path.name for path in small_run.directory.iterdir()} == RUN_FILES
    assert read_recipe(small_run.directory) == (small_run.recipe, small_run.seed)
    assert tuple(read_history(small_run.directory / "history.csv", Epoch)) == small_run.history


def test_metrics_are_those_of_the_model_file_on_the_validation_images(small_run, small_mnist):
    metrics = json.loads((small_run.directory / "metrics.json").read_text())
    model = Model(small_run.model_file)
    found = evaluate(model, small_mnist.validation)
    assert metrics["validation_accuracy"] == vars(found.accuracy)
    assert metrics["validation_negative_log_likelihood"] == pytest.approx(
        found.negative_log_likelihood, rel=1e-3
    )
    assert metrics["temperature"] == model.metadata.temperature
    assert metrics["training_seconds"] == small_run.history[-1].seconds > 0
    assert metrics["num_parameters"] == small_run.network.count_params()


def test_the_model_file_tells_where_it_came_from(small_run, small_mnist):
    metadata = Model(small_run.model_file).metadata
    assert metadata.recipe == small_run.recipe.to_dict()
    assert metadata.seed == small_run.seed == 3
    assert metadata.package_version == inkread.__version__
    assert metadata.data_sha256.startswith("ba891046e6505d7a")
    assert metadata.figures["validation_accuracy"].n == len(small_mnist.validation)


def test_the_checkpoint_is_the_trained_network(small_run):
    loaded = load_network(small_run.directory)
    for received, wanted in zip(loaded.get_weights(), small_run.network.get_weights(), strict=True):
        np.testing.assert_array_equal(received, wanted)
    assert int(loaded.optimizer.iterations) == int(small_run.network.optimizer.iterations) == 20


def test_training_learns(small_run):
    first, last = small_run.history[0], small_run.history[-1]
    assert last.loss < first.loss
    assert last.validation_accuracy > 0.2  # twice as good as guessing


def test_on_step_is_called_after_every_step(tiny, tmp_path):
    steps = []
    recipe = dataclasses.replace(COMPACT, epochs=2)
    training = without_export(recipe, tiny, tmp_path, on_step=steps.append)
    assert [dataclasses.replace(step, loss=0.0) for step in steps] == [
        Step(epoch, 2, step, NUM_STEPS, 0.0) for epoch in (1, 2) for step in range(1, NUM_STEPS + 1)
    ]
    means = [step.loss for step in steps if step.step == NUM_STEPS]
    assert means == pytest.approx([epoch.loss for epoch in training.history])


def test_steps_joined_in_one_call_are_the_same_steps(unbroken, tiny, tmp_path):
    steps = []
    recipe = dataclasses.replace(COMPACT, steps_per_call=3)
    joined = without_export(recipe, tiny, tmp_path, seed=SEED, on_step=steps.append)
    assert_same_weights(joined.network, unbroken["compact"].network)
    assert [(step.epoch, step.step) for step in steps] == [
        (epoch, step) for epoch in (1, 2, 3) for step in (3, NUM_STEPS)
    ]


def test_another_seed_gives_another_run(unbroken, tiny, tmp_path):
    recipe = dataclasses.replace(COMPACT, epochs=1)
    other = without_export(recipe, tiny, tmp_path, seed=SEED + 1)
    assert other.history[0].loss != pytest.approx(unbroken["compact"].history[0].loss, rel=1e-4)


def test_the_seconds_only_rise(small_run):
    first, second = small_run.history
    assert 0 < first.seconds < second.seconds


def test_baseline_is_compiled_as_the_classic_is(tiny, tmp_path):
    recipe = recipe_named("baseline")
    assert (recipe.epochs, recipe.batch_size, recipe.augmentation) == (12, 128, None)
    network = Training(recipe, tiny, tmp_path).network
    assert type(network.optimizer) is keras.optimizers.Adam
    assert float(network.optimizer.learning_rate) == pytest.approx(0.001)
    assert network.optimizer.weight_decay is None
    assert type(network.loss) is keras.losses.CategoricalCrossentropy
    assert network.loss.label_smoothing == 0
    assert network.count_params() == 34_826
    assert [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)] == [
        0.5
    ]


def test_an_unwritable_folder_is_an_os_error(tiny, tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    with pytest.raises(OSError, match="file"):
        train(COMPACT, tiny, file / "run")
