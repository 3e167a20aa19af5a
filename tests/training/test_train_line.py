import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from inkread.errors import ConfigError, DataError
from inkread.models.runtime import LineModel, prepare_strips
from inkread.training import train_line
from inkread.training.batches import line_batches
from inkread.training.handwriting.archives import FOLDER_VARIABLE
from inkread.training.history import LineEpoch, read_history
from inkread.training.line_fitting import SYMBOLS, remove_separators
from inkread.training.line_recipes import LINE_RECIPES, LineRecipe
from inkread.training.networks import architectures
from inkread.training.runs import MODEL, load_network
from inkread.training.train_line import LineTraining

SMALL = LineRecipe("line", "a test", num_pools=2, pool_size=32, passes=2, batch_size=32)


@pytest.fixture(scope="module", autouse=True)
def few_validation_strips():
    patch = pytest.MonkeyPatch()
    patch.setattr(train_line, "_NUM_VALIDATION_STRIPS", 24)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def unbroken(small_mnist, tmp_path_factory):
    directory = tmp_path_factory.mktemp("runs") / "line"
    return train_line.train_line(SMALL, small_mnist, directory, seed=5)


def test_a_run_leaves_its_files(unbroken):
    names = {path.name for path in unbroken.directory.iterdir()}
    assert names == {"recipe.json", "history.csv", "checkpoint.keras", "model.onnx", "metrics.json"}
    assert read_history(unbroken.directory / "history.csv", LineEpoch) == list(unbroken.history)
    metrics = json.loads((unbroken.directory / "metrics.json").read_text())
    assert metrics["temperature"] > 0
    assert metrics["validation_accuracy"]["n"] == 24


def test_the_model_file_says_what_it_is(unbroken):
    model = LineModel(unbroken.model_file)
    assert model.symbols == SYMBOLS
    assert model.metadata.kind == "line"
    assert model.metadata.recipe == SMALL.to_dict()
    assert model.metadata.seed == 5


def test_frames_are_distributions_whatever_their_company(unbroken):
    """A strip's frames don't depend on the wider strips beside it."""
    model = LineModel(unbroken.model_file)
    strips = unbroken.validation.strips[:6]

    together = model.predict_log_probabilities(strips)

    for strip, frames in zip(strips, together, strict=True):
        assert frames.shape == ((strip.shape[1] + 1) // 2, len(SYMBOLS) + 1)
        np.testing.assert_allclose(np.exp(frames).sum(axis=1), 1, atol=1e-5)
        (alone,) = model.predict_log_probabilities([strip])
        # Only what lies within the network's reach of the padding may differ a little.
        np.testing.assert_allclose(np.exp(alone[:-24]), np.exp(frames[:-24]), atol=1e-3)


def test_training_learns(unbroken):
    first, second = unbroken.history
    assert second.loss < first.loss


def test_a_resumed_run_ends_as_an_unbroken_one(unbroken, small_mnist, tmp_path):
    next(LineTraining(SMALL, small_mnist, tmp_path / "line", seed=5).epochs())

    resumed = LineTraining(SMALL, small_mnist, tmp_path / "line", seed=5, resume=True)
    for _ in resumed.epochs():
        pass

    # The sums of CTC are taken in any order: not bit for bit.
    for one, two in zip(unbroken.history, resumed.history, strict=True):
        assert one.epoch == two.epoch
        assert two.loss == pytest.approx(one.loss, rel=1e-3)
        assert two.validation_loss == pytest.approx(one.validation_loss, rel=1e-3)


def test_a_finished_run_is_left_as_it_is(unbroken, small_mnist, tmp_path):
    copy = shutil.copytree(unbroken.directory, tmp_path / "copy")
    before = (copy / "model.onnx").read_bytes()

    train_line.train_line(SMALL, small_mnist, copy, seed=5, resume=True)

    assert (copy / "model.onnx").read_bytes() == before


def test_a_run_may_begin_with_the_weights_of_another(unbroken, small_mnist, tmp_path):
    directory = tmp_path / "further"
    training = LineTraining(SMALL, small_mnist, directory, seed=6, start=unbroken.directory)

    known = load_network(unbroken.directory).get_weights()
    assert all(
        np.array_equal(*pair) for pair in zip(training.network.get_weights(), known, strict=True)
    )
    begun = json.loads((directory / "recipe.json").read_text())["recipe"]
    checkpoint = (unbroken.directory / "checkpoint.keras").read_bytes()
    assert begun["start_sha256"] == hashlib.sha256(checkpoint).hexdigest()


def test_a_start_that_is_no_run_is_refused(small_mnist, tmp_path):
    with pytest.raises(ConfigError, match="a run to start from"):
        LineTraining(SMALL, small_mnist, tmp_path / "new", start=tmp_path / "none")
    assert not (tmp_path / "new").exists()


def test_a_folder_with_another_run_is_refused(unbroken, small_mnist):
    with pytest.raises(ConfigError, match="holds a run already"):
        train_line.train_line(SMALL, small_mnist, unbroken.directory, seed=5)
    with pytest.raises(ConfigError, match="seed 6"):
        train_line.train_line(SMALL, small_mnist, unbroken.directory, seed=6, resume=True)


@pytest.mark.parametrize(
    "change", [{"num_pools": 0}, {"batch_size": 100}, {"passes": 0}, {"pool_size": 0}]
)
def test_a_recipe_that_makes_no_sense_is_refused(change):
    with pytest.raises(ConfigError, match="expected counts"):
        replace(SMALL, **change)


@pytest.mark.parametrize("values", [{"name": "x"}, {**SMALL.to_dict(), "extra": 1}, []])
def test_a_recipe_from_broken_values_is_refused(values):
    with pytest.raises(ConfigError):
        LineRecipe.from_dict(values)


def test_recipes_come_back_from_plain_values():
    for recipe in LINE_RECIPES.values():
        rebuilt = LineRecipe.from_dict(json.loads(json.dumps(recipe.to_dict())))
        assert rebuilt == recipe
        assert rebuilt.to_dict() == recipe.to_dict()


def test_a_text_is_what_is_no_separator():
    assert remove_separators("1.250,-") == "1250"
    assert remove_separators("=?7:") == "?7"


def test_a_pool_is_written_in_one_process_and_in_another(small_mnist):
    """The training's pools are those that anybody gets for its seed and number."""
    (made,) = line_batches.pools(small_mnist.train, 4, 9, range(1))
    assert made.texts == line_batches.pool(small_mnist.train, 4, 9, 0).texts


def test_a_run_may_begin_with_the_weights_of_a_model_file(unbroken, small_mnist, tmp_path):
    """Batch normalisation is folded there: the network answers as the file does, and learns."""
    recipe = replace(SMALL, name="further", num_pools=1)
    directory = tmp_path / "further"
    training = LineTraining(recipe, small_mnist, directory, seed=6, start=unbroken.model_file)

    strips = prepare_strips(unbroken.validation.strips[:4])
    found = np.asarray(training.network(strips, training=False))
    known = LineModel(unbroken.model_file).run(strips)
    np.testing.assert_allclose(softmax(found, axis=-1), softmax(known, axis=-1), atol=1e-4)
    begun = json.loads((directory / "recipe.json").read_text())["recipe"]
    assert begun["start_sha256"] == hashlib.sha256(unbroken.model_file.read_bytes()).hexdigest()
    (row,) = training.epochs()
    assert row.loss > 0
    normalising = [each for each in load_network(directory).layers if "normalization" in each.name]
    assert normalising
    assert all(layer.trainable for layer in normalising)


def test_a_recipe_may_begin_with_the_shipped_model(small_mnist, tmp_path):
    recipe = replace(SMALL, start="default", network="line_deep")
    training = LineTraining(recipe, small_mnist, tmp_path / "new", seed=6)
    shipped = LineModel("default")
    strips = prepare_strips(training.validation.strips[:4])
    found = np.asarray(training.network(strips, training=False))
    np.testing.assert_allclose(
        softmax(found, axis=-1), softmax(shipped.run(strips), axis=-1), atol=1e-4
    )
    with pytest.raises(ConfigError, match="expected a shipped line model"):
        LineTraining(replace(SMALL, start="none"), small_mnist, tmp_path / "other")


def test_a_deeper_network_grows_from_a_trained_one_in_another_precision(
    unbroken, small_mnist, tmp_path
):
    """It answers as the trained one does, and its file computes in float32."""
    recipe = replace(
        SMALL, name="deeper", network="line_deep", precision="mixed_bfloat16", num_pools=1
    )
    directory = tmp_path / "deeper"
    training = LineTraining(recipe, small_mnist, directory, start=unbroken.directory)
    strips = prepare_strips(unbroken.validation.strips[:4])
    found = np.asarray(training.network(strips, training=False))
    known = LineModel(unbroken.model_file).run(strips)
    np.testing.assert_allclose(softmax(found, axis=-1), softmax(known, axis=-1), atol=0.05)

    assert [row.epoch for row in training.epochs()] == [1]
    training.finish()
    answers = LineModel(directory / MODEL).run(strips)
    network = architectures.build_line("line_deep", len(SYMBOLS), recipe.dropout)
    network.set_weights(load_network(directory).get_weights())
    exact = np.asarray(network(strips, training=False))
    difference = np.abs(softmax(answers, axis=-1) - softmax(exact, axis=-1)).mean()
    assert difference < 1e-3


def test_another_networks_weights_are_refused(small_mnist, tmp_path):
    directory = tmp_path / "deep"
    recipe = replace(SMALL, network="line_deep", num_pools=1)
    train_line.train_line(recipe, small_mnist, directory)
    with pytest.raises(ConfigError, match="expected the weights of this network"):
        LineTraining(SMALL, small_mnist, tmp_path / "new", start=directory)


def test_a_recipe_with_real_writers_needs_them(small_mnist, tmp_path, monkeypatch):
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    with pytest.raises(DataError, match="--pens DIR"):
        LineTraining(replace(SMALL, writers=0.5), small_mnist, tmp_path / "new")
    assert not (tmp_path / "new").exists()
