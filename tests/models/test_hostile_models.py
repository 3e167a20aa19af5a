"""Model files that nobody should have made."""

import json
import threading

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from inkread.errors import ModelError
from inkread.models.layout_model import LayoutModel
from inkread.models.metadata import METADATA_KEY, ModelMetadata
from inkread.models.registry import Registry
from inkread.models.runtime import LineModel, Model, list_shipped_models

SHIPPED = list_shipped_models()["default"]


@pytest.fixture(scope="module")
def document():
    return json.loads(Model(SHIPPED, threads=1).metadata.to_json()) | {"junk_threshold": None}


def save(path, nodes, initializers, document):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("glyphs", TensorProto.FLOAT, ["N", 28, 28, 1])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 10])],
        initializers,
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(proto, {METADATA_KEY: json.dumps(document)})
    path.write_bytes(proto.SerializeToString())
    return path


def test_weights_in_other_files_are_not_read(tmp_path, monkeypatch, document):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(np.arange(7840, dtype=np.float32).tobytes())
    weights = numpy_helper.from_array(np.zeros((784, 10), np.float32), "weights")
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "secret"), ("offset", "0"), ("length", "31360")):
        entry = weights.external_data.add()
        entry.key, entry.value = key, value
    nodes = [
        helper.make_node("Flatten", ["glyphs"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "weights"], ["probabilities"]),
    ]
    path = save(tmp_path / "m.onnx", nodes, [weights], document)
    with pytest.raises(ModelError, match="expected all weights in the file"):
        Model(path)
    # The same, spelled as no writer of ONNX does: the length of the key in two bytes.
    odd = path.read_bytes().replace(b"\x0a\x08location", b"\x0a\x88\x00location")
    path.write_bytes(odd)
    with pytest.raises(ModelError, match=r"m\.onnx"):
        Model(path)


def test_a_model_that_does_not_end_is_not_promoted(tmp_path, document, monkeypatch):
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Identity", ["x"], ["y"]),
        ],
        "body",
        [
            value("step", TensorProto.INT64, []),
            value("go", TensorProto.BOOL, []),
            value("x", TensorProto.FLOAT, ["N", 10]),
        ],
        [value("go_on", TensorProto.BOOL, []), value("y", TensorProto.FLOAT, ["N", 10])],
    )
    nodes = [
        helper.make_node("Flatten", ["glyphs"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Loop", ["", "true", "logits"], ["probabilities"], body=body),
    ]
    weights = numpy_helper.from_array(np.zeros((784, 10), np.float32), "weights")
    true = numpy_helper.from_array(np.array(True), "true")
    path = save(tmp_path / "endless.onnx", nodes, [weights, true], document)
    with pytest.raises(ModelError, match=r"an answer to an empty picture in 0\.5 s"):
        Model(path, threads=1).try_out(timeout_s=0.5)
    monkeypatch.setattr(Model.try_out, "__defaults__", (0.5,))
    registry = Registry(tmp_path / "models")
    with pytest.raises(ModelError, match="it takes too long"):
        registry.promote(path, "endless")
    assert registry.list_versions() == []


@pytest.mark.parametrize("kind", [LineModel, LayoutModel])
def test_models_of_every_kind_have_a_limit_of_time(kind, monkeypatch):
    class PassedAtOnce(threading.Timer):
        def start(self):
            self.function(*self.args)

    monkeypatch.setattr(threading, "Timer", PassedAtOnce)
    with pytest.raises(ModelError, match="it takes too long"):
        kind(threads=1).try_out()


@pytest.mark.parametrize("kind", [Model, LineModel, LayoutModel])
def test_the_shipped_models_are_loaded_and_answer(kind):
    model = kind(threads=1)
    model.try_out(timeout_s=60)
    assert model.metadata.labels


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("recipe", None, "as recipe"),
        ("recipe", "x", "as recipe"),
        ("seed", "7", "as seed"),
        ("trained", 3, "as trained"),
        ("labels", [["0"]] * 10, "as labels"),
        ("labels", ["00"] * 10, "as labels"),
    ],
)
def test_a_value_of_another_kind_is_refused_by_name(document, name, value, said):
    with pytest.raises(ModelError, match=said):
        ModelMetadata.from_json(json.dumps(document | {name: value}))


@pytest.mark.parametrize("size", [100_000, -1, True, 1e300])
def test_a_constant_out_of_range_is_refused_by_name(document, size):
    shape = document["shape"] | {"box_px": size}
    with pytest.raises(ModelError, match="expected box_px from 0 to 4096"):
        ModelMetadata.from_json(json.dumps(document | {"shape": shape}))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": ' * 50_000, " " * 2_000_000])
def test_deep_or_long_metadata_is_refused(text):
    with pytest.raises(ModelError):
        ModelMetadata.from_json(text)
