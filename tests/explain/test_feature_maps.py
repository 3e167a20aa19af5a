import dataclasses

import keras
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from inkread.errors import ConfigError
from inkread.explain.feature_maps import compute_feature_maps
from inkread.models.metadata import METADATA_KEY
from inkread.models.runtime import Model, prepare_glyphs
from inkread.training.evaluation.plots import draw_feature_maps
from inkread.training.networks import architectures, export
from inkread.training.recipes import Recipe
from inkread.training.runs import load_network


def test_the_shipped_models_first_layers(small_mnist):
    maps = compute_feature_maps(Model(), small_mnist.test.images[0])

    assert [layer.shape for layer in maps] == [(16, 10, 10), (48, 4, 4), (96, 2, 2)]
    assert all(layer.min() >= 0 and layer.max() > 0 for layer in maps)


def test_feature_maps_are_what_keras_computes(small_run, small_mnist):
    glyph = small_mnist.test.images[0]
    network = load_network(small_run.directory)
    layers = [layer.output for layer in network.layers if isinstance(layer, keras.layers.ReLU)]
    expected = keras.Model(network.input, layers)(prepare_glyphs(glyph[None]), training=False)
    maps = compute_feature_maps(Model(small_run.model_file), glyph, num_layers=2)

    assert len(maps) == 2
    for received, answer in zip(maps, expected[:2], strict=True):
        wanted = keras.ops.convert_to_numpy(answer)[0].transpose(2, 0, 1)
        np.testing.assert_allclose(received, wanted, atol=1e-4)


def test_a_second_network_that_was_not_asked_has_no_maps(small_mnist, tmp_path):
    glyphs = small_mnist.test.images[:8]
    networks = [
        architectures.build("classic", num_outputs=11),
        architectures.build("tiny", num_outputs=11),
    ]
    recipe = Recipe("duo", "", members=(Recipe("one", "", "classic", 1, junk=0.1),) * 2, sure=1e-3)
    metadata = dataclasses.replace(Model().metadata, recipe=recipe.to_dict())
    export.to_onnx(
        architectures.join_members(networks, recipe), tmp_path / "duo.onnx", metadata, glyphs
    )
    maps = compute_feature_maps(Model(tmp_path / "duo.onnx"), glyphs[0])

    assert [layer.shape for layer in maps] == [(32, 26, 26), (64, 11, 11)]


def test_a_network_without_convolutions_is_refused(tmp_path):
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["glyphs"], ["flat"], axis=1),
            helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        ],
        "linear",
        [helper.make_tensor_value_info("glyphs", onnx.TensorProto.FLOAT, ["N", 28, 28, 1])],
        [helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["N", 11])],
        [numpy_helper.from_array(np.zeros((784, 11), np.float32), "weights")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(proto, {METADATA_KEY: Model().metadata.to_json()})
    onnx.save(proto, tmp_path / "linear.onnx")
    with pytest.raises(ConfigError, match="expected a network of convolutions and ReLU"):
        compute_feature_maps(Model(tmp_path / "linear.onnx"), np.zeros((28, 28), np.uint8))


def test_the_picture_has_a_titled_block_a_layer():
    layers = [np.ones((16, 14, 14), np.float32), np.zeros((20, 7, 7), np.float32)]
    canvas = draw_feature_maps(layers, "first layers of $x_{")

    canvas.draw_without_rendering()  # the name is no formula
    assert canvas.get_suptitle() == "first layers of $x_{"
    titles = [axis.get_title() for axis in canvas.axes]
    assert titles == ["layer 1: 16 maps of 14 x 14", "layer 2: 20 maps of 7 x 7"]
    one, two = (axis.images[0].get_array() for axis in canvas.axes)
    assert one.shape == (1 * 15, 16 * 15)
    assert two.shape == (2 * 8, 16 * 8)


def test_every_map_is_in_its_place():
    layer = np.arange(18, dtype=np.float32)[:, None, None] * np.ones((1, 2, 3), np.float32)
    block = np.asarray(draw_feature_maps([layer], "").axes[0].images[0].get_array())

    # Rows of sixteen; each map of 2 x 3 has a line below it and on its right.
    assert (block[0:2, 0:3] == 0).all()
    assert (block[0:2, 60:63] == 15).all()
    assert (block[3:5, 4:7] == 17).all()
