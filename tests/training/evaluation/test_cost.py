import dataclasses

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from inkread.errors import ConfigError, ModelError
from inkread.imaging.normalize import GlyphShape
from inkread.models.metadata import ModelMetadata
from inkread.models.runtime import Model
from inkread.training.evaluation.cost import measure_cost, measure_speed
from inkread.training.networks import architectures, export
from inkread.training.recipes import Recipe


def saved(path, nodes, weights, inputs, outputs):
    """Write an ONNX file with one input and one output whose first axis is free."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *inputs])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", *outputs])],
        [onnx.numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def ones(*shape):
    return np.ones(shape, np.float32)


def test_the_classic_network_counted_by_hand(small_mnist, tmp_path, rng):
    metadata = ModelMetadata(tuple("0123456789"), GlyphShape(), 1.0, {}, 0, "", "", "")
    path = tmp_path / "classic.onnx"
    network = architectures.build("classic")
    for weight in network.weights:  # biases of zero would be left out of the file
        weight.assign(rng.normal(0, 0.1, weight.shape))
    export.to_onnx(network, path, metadata, small_mnist.test.images[:2])
    cost = measure_cost(path)
    assert cost.num_parameters == 34_826
    assert cost.num_multiply_adds == (
        26 * 26 * 32 * (1 * 3 * 3) + 11 * 11 * 64 * (32 * 3 * 3) + 1600 * 10
    )
    assert cost.num_bytes == path.stat().st_size


def test_a_cascade_is_counted_as_for_a_glyph_that_both_networks_answer(small_mnist, tmp_path, rng):
    metadata = ModelMetadata(tuple("0123456789"), GlyphShape(), 1.0, {}, 0, "", "", "")
    recipe = Recipe("duo", "", members=(Recipe("one", "", "classic", 1),) * 2, sure=1.0)
    costs = []
    networks = [
        architectures.build("classic"),
        architectures.average_shifted_views(architectures.build("compact")),
    ]
    both = architectures.join_members(networks, recipe)
    for network in (*networks, both):
        for weight in network.weights:  # as after a training: what is 0 or 1 may be left out
            weight.assign(weight + rng.uniform(0.001, 0.01, weight.shape))
        path = tmp_path / "model.onnx"
        of_both = dataclasses.replace(metadata, recipe=recipe.to_dict())
        described = of_both if network is both else metadata
        export.to_onnx(network, path, described, small_mnist.test.images[:50])
        costs.append(measure_cost(path))
    first, second, both = (cost.num_multiply_adds for cost in costs)
    assert both == first + second
    assert [cost.least_multiply_adds for cost in costs] == [first, second, first]
    assert second > 3 * 53_450
    assert costs[2].num_parameters == pytest.approx(
        costs[0].num_parameters + costs[1].num_parameters, abs=5
    )


def test_a_grouped_strided_convolution(tmp_path):
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=2, strides=[2, 2])
    path = saved(tmp_path / "a.onnx", [node], {"w": ones(6, 2, 3, 3)}, (4, 9, 9), (6, 4, 4))
    cost = measure_cost(path)
    assert cost.num_multiply_adds == 4 * 4 * 6 * (2 * 3 * 3)
    assert cost.num_parameters == 6 * 2 * 3 * 3


@pytest.mark.parametrize("transposed", [0, 1])
def test_a_gemm_sums_over_the_inputs(tmp_path, transposed):
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=transposed)
    weights = {"w": ones(*((5, 7) if transposed else (7, 5))), "b": ones(5)}
    cost = measure_cost(saved(tmp_path / "a.onnx", [node], weights, (7,), (5,)))
    assert (cost.num_multiply_adds, cost.num_parameters) == (35, 40)


def test_shapes_and_axes_are_no_parameters(tmp_path):
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["y"]),
    ]
    weights = {"shape": np.array([-1, 6]), "w": ones(6, 5)}
    cost = measure_cost(saved(tmp_path / "a.onnx", nodes, weights, (2, 3), (5,)))
    assert (cost.num_multiply_adds, cost.num_parameters) == (30, 30)


@pytest.mark.parametrize("content", [b"", b"no network"])
def test_what_is_no_onnx_file_is_refused(tmp_path, content):
    path = tmp_path / "a.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"a\.onnx: expected a readable ONNX file"):
        measure_cost(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"no\.onnx"):
        measure_cost(tmp_path / "no.onnx")


def test_a_layer_of_unknown_size_is_refused(tmp_path):
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    path = saved(tmp_path / "a.onnx", [node], {"w": ones(7, 5)}, ("M", 7), ("M", 5))
    with pytest.raises(ModelError, match="size follows from the graph, received MatMul"):
        measure_cost(path)


def test_speed_says_what_was_timed(small_run, small_mnist):
    found = measure_speed(Model(small_run.model_file), small_mnist.test.images[:10], num_calls=5)
    assert (found.num_glyphs, found.num_calls) == (10, 5)
    assert 0 < found.median_ms <= found.p99_ms
    assert found.glyphs_per_second == pytest.approx(10 / (found.median_ms / 1000))


@pytest.mark.parametrize(("num_glyphs", "num_calls"), [(0, 5), (3, 0)])
def test_nothing_to_time_is_refused(small_run, small_mnist, num_glyphs, num_calls):
    glyphs = small_mnist.test.images[:num_glyphs]
    with pytest.raises(ConfigError, match=f"received {num_glyphs} and {num_calls}"):
        measure_speed(Model(small_run.model_file), glyphs, num_calls)
