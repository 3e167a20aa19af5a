import dataclasses
import warnings

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf

from inkread.errors import ConfigError, ModelError
from inkread.models.metadata import METADATA_KEY, ModelMetadata
from inkread.models.runtime import Model
from inkread.training.networks import architectures, export
from inkread.training.recipes import Recipe

each_format = pytest.mark.parametrize("name", ["model.onnx", "model.tflite", "saved_model"])


@pytest.fixture(scope="module")
def network(small_run):
    return small_run.network


@pytest.fixture(scope="module")
def glyphs(small_mnist):
    return small_mnist.validation.images[:200]


@pytest.fixture(scope="module")
def metadata(small_run):
    return Model(small_run.model_file).metadata


@pytest.fixture(scope="module")
def onnx_file(network, glyphs, metadata, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    export.to_onnx(network, path, metadata, glyphs)
    return path


@pytest.fixture(scope="module")
def litert_file(network, glyphs, tmp_path_factory):
    path = tmp_path_factory.mktemp("litert") / "model.tflite"
    export.to_litert(network, path, glyphs)
    return path


@pytest.fixture(scope="module")
def saved_model(network, glyphs, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "saved_model"
    export.to_saved_model(network, path, glyphs)
    return path


def writers(network, glyphs, metadata):
    return {
        "model.onnx": lambda path: export.to_onnx(network, path, metadata, glyphs),
        "model.tflite": lambda path: export.to_litert(network, path, glyphs),
        "saved_model": lambda path: export.to_saved_model(network, path, glyphs),
    }


def keras_answers(network, glyphs):
    return network.predict(glyphs[..., None].astype(np.float32) / 255, verbose=0)


def litert_answers(path, glyphs):
    with warnings.catch_warnings(action="ignore"):  # it announces its move to another package
        interpreter = tf.lite.Interpreter(str(path))
    given, answer = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    interpreter.resize_tensor_input(given["index"], [len(glyphs), 28, 28, 1])
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], glyphs[..., None].astype(np.float32) / 255)
    interpreter.invoke()
    return interpreter.get_tensor(answer["index"])


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("count", [1, 7, 200])
def test_onnx_answers_as_keras_does_in_batches_of_any_size(onnx_file, network, glyphs, count):
    session = onnxruntime.InferenceSession(onnx_file)
    given = glyphs[:count, ..., None].astype(np.float32) / 255
    (received,) = session.run(["probabilities"], {"glyphs": given})
    np.testing.assert_allclose(received, keras_answers(network, glyphs[:count]), atol=1e-4)


@pytest.mark.parametrize("count", [1, 7, 200])
def test_litert_answers_as_keras_does_in_batches_of_any_size(litert_file, network, glyphs, count):
    received = litert_answers(litert_file, glyphs[:count])
    np.testing.assert_allclose(received, keras_answers(network, glyphs[:count]), atol=1e-4)


@pytest.mark.parametrize("count", [1, 7, 200])
def test_saved_model_answers_as_keras_does_in_batches_of_any_size(
    saved_model, network, glyphs, count
):
    served = tf.saved_model.load(str(saved_model))
    received = served.serve(glyphs[:count, ..., None].astype(np.float32) / 255).numpy()
    np.testing.assert_allclose(received, keras_answers(network, glyphs[:count]), atol=1e-4)


@pytest.mark.parametrize("name", architectures.NETWORKS)
def test_every_network_can_be_exported_to_onnx(name, glyphs, metadata, tmp_path):
    keras.utils.set_random_seed(0)
    network = architectures.build(name, dropout=0.5)
    export.to_onnx(network, tmp_path / "model.onnx", metadata, glyphs)
    received = Model(tmp_path / "model.onnx").predict_uncalibrated(glyphs)
    np.testing.assert_allclose(received, keras_answers(network, glyphs), atol=1e-4)


def test_onnx_names_its_input_and_output_and_leaves_the_batch_open(onnx_file):
    proto = onnx.load(onnx_file)
    onnx.checker.check_model(proto, full_check=True)
    (given,), (answer,) = proto.graph.input, proto.graph.output
    shapes = [
        (value.name, [d.dim_value or None for d in value.type.tensor_type.shape.dim])
        for value in (given, answer)
    ]
    assert shapes == [("glyphs", [None, 28, 28, 1]), ("probabilities", [None, 10])]
    assert given.type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_onnx_carries_its_metadata(onnx_file, metadata):
    properties = {p.key: p.value for p in onnx.load(onnx_file).metadata_props}
    assert ModelMetadata.from_json(properties[METADATA_KEY]) == metadata


@each_format
def test_a_folder_that_is_not_there_is_made(network, glyphs, metadata, tmp_path, name):
    path = tmp_path / "new" / "folder" / name
    writers(network, glyphs, metadata)[name](path)
    assert path.exists()


@each_format
def test_an_earlier_export_is_replaced(network, glyphs, metadata, tmp_path, name):
    path = tmp_path / name
    if name == "saved_model":
        path.mkdir()
        (path / "saved_model.pb").write_bytes(b"old")
        (path / "old").write_bytes(b"old")
    else:
        path.write_bytes(b"old")
    writers(network, glyphs, metadata)[name](path)
    assert [left.name for left in tmp_path.iterdir()] == [name]
    assert b"old" not in tree(tmp_path).values()


@each_format
def test_a_failed_check_leaves_everything_as_it_was(
    network, glyphs, metadata, tmp_path, monkeypatch, name
):
    monkeypatch.setattr(export, "TOLERANCE", -1)
    write = writers(network, glyphs, metadata)[name]
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    with pytest.raises(ModelError, match="differ from Keras"):
        write(fresh / name)
    assert tree(fresh) == {}

    kept = tmp_path / "kept"
    earlier = kept / name / "saved_model.pb" if name == "saved_model" else kept / name
    earlier.parent.mkdir(parents=True)
    earlier.write_bytes(b"earlier")
    before = tree(kept)
    with pytest.raises(ModelError, match="differ from Keras"):
        write(kept / name)
    assert tree(kept) == before


@pytest.fixture(scope="module")
def duo(glyphs, metadata):
    """A cascade whose first network is as sure of one glyph as it must be, and its metadata."""
    networks = [architectures.build("classic"), architectures.build("compact")]
    sure = float(keras_answers(networks[0], glyphs).max(axis=1)[7])
    recipe = Recipe("duo", "", members=(Recipe("one", "", "classic", 1),) * 2, sure=sure)
    return architectures.join_members(networks, recipe), dataclasses.replace(
        metadata, recipe=recipe.to_dict()
    )


def test_glyphs_that_rounding_may_send_to_either_network_are_not_compared(duo, glyphs, tmp_path):
    network, about = duo
    compared = export.away_from_threshold(network, glyphs, about.recipe["sure"])
    assert 0 < len(compared) < len(glyphs)
    assert not (compared == glyphs[7]).all(axis=(1, 2)).any()
    export.to_onnx(network, tmp_path / "model.onnx", about, compared)
    received = Model(tmp_path / "model.onnx").predict_uncalibrated(compared)
    np.testing.assert_allclose(received, keras_answers(network, compared), atol=1e-4)
    assert export.away_from_threshold(network, glyphs, None) is glyphs


def test_litert_answers_as_keras_does_for_a_cascade(duo, glyphs, tmp_path):
    network, about = duo
    compared = export.away_from_threshold(network, glyphs, about.recipe["sure"])
    export.to_litert(network, tmp_path / "model.tflite", compared)
    answers = litert_answers(tmp_path / "model.tflite", compared[:3])
    np.testing.assert_allclose(answers, keras_answers(network, compared[:3]), atol=1e-4)


def test_check_parity_accepts_what_agrees():
    expected = np.full((2, 10), 0.1, np.float32)
    export.check_parity(expected, expected + np.float32(0.5e-4))


@pytest.mark.parametrize("wrong", [0.1002, 0.0, 1.0, np.nan, np.inf])
def test_check_parity_refuses_one_wrong_value(wrong):
    expected = np.full((2, 10), 0.1, np.float32)
    received = expected.copy()
    received[1, 3] = wrong
    with pytest.raises(ModelError, match=r"expected at most 0\.0001"):
        export.check_parity(expected, received)


def test_a_saved_model_replaces_nothing_but_a_saved_model(network, glyphs, tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    for path in (tmp_path, tmp_path / "precious.txt"):
        with pytest.raises(ConfigError, match="an earlier SavedModel, received"):
            export.to_saved_model(network, path, glyphs)
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_the_metadata_written_is_the_metadata_given(network, glyphs, metadata, tmp_path):
    changed = dataclasses.replace(metadata, seed=99, temperature=2.5)
    export.to_onnx(network, tmp_path / "model.onnx", changed, glyphs)
    assert Model(tmp_path / "model.onnx").metadata == changed
