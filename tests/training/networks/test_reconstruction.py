import dataclasses

import keras
import numpy as np
import pytest

from inkread.errors import ConfigError, ModelError
from inkread.imaging.layout_maps import network_input
from inkread.models.layout_model import LayoutModel
from inkread.models.runtime import LineModel, Model, prepare_glyphs, prepare_strips
from inkread.training.batches.line_batches import pool
from inkread.training.networks import architectures, export
from inkread.training.networks.reconstruction import (
    rebuild_layout_network,
    rebuild_line_network,
    rebuild_network,
)
from inkread.training.recipes import Recipe, recipe_from_dict


def exported(network, num_outputs, path, glyphs, *, is_shifted=False):
    """A model file of an untrained network, but with statistics as after a training."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    built = architectures.build(network, num_outputs, dropout=0.1)
    for layer in built.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, each.shape) for each in layer.get_weights()])
    recipe = Recipe("any", purpose="", network=network, epochs=1, dropout=0.1, shifted=is_shifted)
    metadata = dataclasses.replace(
        Model("default").metadata,
        recipe=recipe.to_dict(),
        junk_threshold=0.5 if num_outputs == 11 else None,
    )
    export.to_onnx(architectures.build_inference_network(built, recipe), path, metadata, glyphs)
    return Model(path)


@pytest.mark.parametrize(("network", "num_outputs"), [("classic", 10), ("compact", 11)])
def test_what_was_exported_comes_back(network, num_outputs, tmp_path, small_mnist):
    glyphs = small_mnist.validation.images[:32]
    model = exported(network, num_outputs, tmp_path / "model.onnx", glyphs)
    answers = rebuild_network(model, glyphs)(prepare_glyphs(glyphs), training=False)
    assert answers.shape == (32, num_outputs)
    assert np.abs(np.asarray(answers) - model.predict_uncalibrated(glyphs)).max() < 1e-5


def test_a_network_of_several_views_comes_back_as_one_of_one_view(tmp_path, small_mnist):
    glyphs = small_mnist.validation.images[:32]
    model = exported("medium", 11, tmp_path / "model.onnx", glyphs, is_shifted=True)
    network = rebuild_network(model, glyphs)
    answers = np.asarray(
        architectures.average_shifted_views(network)(prepare_glyphs(glyphs), training=False)
    )
    assert np.abs(answers - model.predict_uncalibrated(glyphs)).max() < 1e-5
    assert (
        np.abs(np.asarray(network(prepare_glyphs(glyphs), training=False)) - answers).max() > 1e-3
    )


def test_the_shipped_model_comes_back_and_can_be_trained(small_mnist):
    glyphs = small_mnist.validation.images[:32]
    network = rebuild_network(Model("default"), glyphs)
    trained = {weight.shape for weight in network.trainable_weights}
    assert trained >= {(6, 6, 1, 16), (384, 11), (6, 6, 1, 32), (2048, 11)}


@pytest.mark.parametrize("names", [("compact", "medium"), ("compact", "medium", "tiny")])
def test_a_cascade_comes_back_and_all_its_networks_can_be_trained(names, tmp_path, small_mnist):
    glyphs = small_mnist.validation.images[:32]
    members = [
        exported(name, 11, tmp_path / f"{index}.onnx", glyphs) for index, name in enumerate(names)
    ]
    recipes = [recipe_from_dict(member.metadata.recipe) for member in members]
    recipes = [dataclasses.replace(recipe, junk=0.1) for recipe in recipes]
    sure = float(np.median(members[0].predict_uncalibrated(glyphs).max(axis=1)))
    recipe = Recipe("duo", purpose="", members=tuple(recipes), sure=sure)
    cascade = architectures.join_members(
        [rebuild_network(member, glyphs) for member in members], recipe
    )
    metadata = dataclasses.replace(members[0].metadata, recipe=recipe.to_dict())
    export.to_onnx(cascade, tmp_path / "model.onnx", metadata, glyphs)
    network = rebuild_network(Model(tmp_path / "model.onnx"), glyphs)
    answers = np.asarray(network(prepare_glyphs(glyphs), training=False))
    assert (
        np.abs(answers - Model(tmp_path / "model.onnx").predict_uncalibrated(glyphs)).max() < 1e-5
    )
    trained = {weight.shape for weight in network.trainable_weights}
    assert trained >= {(384, 11), (1600, 11)}


def test_an_ensemble_is_refused(tmp_path, small_mnist):
    glyphs = small_mnist.validation.images[:32]
    model = exported("classic", 10, tmp_path / "model.onnx", glyphs)
    member = dict(model.metadata.recipe)
    model.metadata = dataclasses.replace(
        model.metadata, recipe={**member, "name": "trio", "members": [member, member]}
    )
    with pytest.raises(ConfigError, match="expected a model of one network, received the ensemble"):
        rebuild_network(model, glyphs)


@pytest.mark.parametrize("network", ["tiny", "deep"])
def test_weights_of_another_network_are_refused(network, tmp_path, small_mnist):
    glyphs = small_mnist.validation.images[:32]
    model = exported("classic", 10, tmp_path / "model.onnx", glyphs)
    recipe = {**model.metadata.recipe, "network": network}
    model.metadata = dataclasses.replace(model.metadata, recipe=recipe)
    with pytest.raises(ModelError, match=f"expected the weights of network '{network}'"):
        rebuild_network(model, glyphs)


def test_a_line_model_comes_back_from_its_file(small_mnist):
    """The shipped file's: its large weights are in half precision there."""
    model = LineModel("default")
    strips = pool(small_mnist.validation, 6, seed=3, number=0).strips

    network = rebuild_line_network(model, strips)

    inputs = prepare_strips(strips)
    answers = np.asarray(network(inputs, training=False))
    assert np.abs(answers - model.run(inputs)).max() < 1e-2  # logits
    shapes = {weight.shape for weight in network.trainable_weights}
    assert shapes >= {(6, 6, 1, 24), (5, 3, 96, 160)}
    assert not [each for each in network.trainable_weights if "gamma" in each.path]


def test_a_line_model_of_another_network_is_refused(small_mnist):
    model = LineModel("default")
    strips = pool(small_mnist.validation, 2, seed=3, number=0).strips
    recipe = {**model.metadata.recipe, "network": "line"}
    model.metadata = dataclasses.replace(model.metadata, recipe=recipe)
    with pytest.raises(ModelError, match="expected the weights of line network 'line'"):
        rebuild_line_network(model, strips)


def test_the_shipped_layout_model_comes_back_and_knows_the_statistics_of_pages():
    model = LayoutModel()
    pages = np.random.default_rng(0).integers(100, 255, (4, 64, 128)).astype(np.uint8)
    network = rebuild_layout_network(model, pages)
    inputs = np.stack([network_input(page) for page in pages])
    found = np.asarray(network(inputs, training=False))
    assert np.abs(found - model.run(inputs)).max() < 1e-4
    # With the statistics of a batch, which are now its own, it gives the same.
    assert np.abs(np.asarray(network(inputs, training=True)) - found).max() < 1e-2
