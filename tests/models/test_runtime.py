import dataclasses
import hashlib
import json

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from scipy.special import softmax

from inkread.errors import ConfigError, ModelError
from inkread.imaging.normalize import GlyphShape
from inkread.models.metadata import FORMAT_VERSION, METADATA_KEY, Figure, ModelMetadata
from inkread.models.runtime import Model, apply_temperature, list_shipped_models, prepare_glyphs

METADATA = ModelMetadata(
    labels=tuple("0123456789"),
    shape=GlyphShape(),
    temperature=1.25,
    recipe={"name": "quick", "augmentation": {"shear": 0.25}},
    seed=7,
    data_sha256="ab" * 32,
    package_version="0.1.0",
    trained="2025-01-31",
    figures={"validation_accuracy": Figure(0.99, 5000, 0.987, 0.9924)},
    licence="CC-BY-4.0",
    attribution=("Some digits by somebody, CC0", "Others by nobody, MIT"),
)


def document(**changes):
    return json.dumps({**json.loads(METADATA.to_json()), **changes})


ELEVEN = document(junk_threshold=0.5)


def write_model(path, metadata=None, **changes):
    """Write an ONNX file that answers 0.1 for every digit; ``changes`` make it another's.

    ``logits`` are what it answers for blank paper, before the softmax; ink changes nothing.
    """
    made = {
        "input_name": "glyphs", "batch": "N", "side": 28, "dtype": np.float32,
        "output_name": "probabilities", "num_labels": 10, "logits": 0.0, **changes,
    }  # fmt: skip
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(made["dtype"]))
    weights = np.zeros((made["side"] ** 2, made["num_labels"]), made["dtype"])
    bias = np.zeros(made["num_labels"], made["dtype"]) + np.array(made["logits"], made["dtype"])
    given, answer = made["input_name"], made["output_name"]
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", [given], ["flat"], axis=1),
            helper.make_node("MatMul", ["flat", "weights"], ["zeros"]),
            helper.make_node("Add", ["zeros", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], [answer], axis=1),
        ],
        "uniform",
        [
            helper.make_tensor_value_info(
                given, kind, [made["batch"], made["side"], made["side"], 1]
            )
        ],
        [helper.make_tensor_value_info(answer, kind, [made["batch"], made["num_labels"]])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if metadata is not None:
        helper.set_model_props(proto, {METADATA_KEY: metadata})
    onnx.save(proto, path)
    return path


def test_metadata_survives_json():
    assert ModelMetadata.from_json(METADATA.to_json()) == METADATA


def test_metadata_ignores_keys_it_does_not_know():
    assert ModelMetadata.from_json(document(author="somebody")) == METADATA


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, 0, -1, "1", 1.0, None])
def test_another_format_version_is_refused_by_name(version):
    with pytest.raises(ModelError, match=rf"version {FORMAT_VERSION} .*received {version}"):
        ModelMetadata.from_json(document(format_version=version))


def test_another_kind_is_refused_by_name():
    with pytest.raises(ModelError, match=r"'glyph', 'layout', 'line'.*received 'word'"):
        ModelMetadata.from_json(document(kind="word"))


@pytest.mark.parametrize(
    "key", ["format_version", "labels", "shape", "temperature", "recipe", "seed", "trained"]
)
def test_a_missing_key_is_refused_by_name(key):
    values = json.loads(METADATA.to_json())
    del values[key]
    with pytest.raises(ModelError, match=key):
        ModelMetadata.from_json(json.dumps(values))


def test_a_model_file_need_not_state_licence_and_attribution():
    values = json.loads(METADATA.to_json())
    del values["licence"], values["attribution"]
    metadata = ModelMetadata.from_json(json.dumps(values))
    assert (metadata.licence, metadata.attribution) == (None, ())


@pytest.mark.parametrize(
    ("key", "value"),
    [("licence", 4), ("licence", ["MIT"]), ("attribution", "MNIST"), ("attribution", [1])],
)
def test_a_licence_or_attribution_that_is_no_text_is_refused_by_name(key, value):
    with pytest.raises(ModelError, match=f"{key}.*, received "):
        ModelMetadata.from_json(document(**{key: value}))


@pytest.mark.parametrize("temperature", [0, -1.0, "warm", None, float("nan"), float("inf")])
def test_a_temperature_that_is_no_positive_number_is_refused(temperature):
    with pytest.raises(ModelError, match="temperature"):
        ModelMetadata.from_json(document(temperature=temperature))


@pytest.mark.parametrize("text", ["", "{", "not JSON", "[1, 2]", "3", "null", '"text"'])
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(ModelError, match="metadata"):
        ModelMetadata.from_json(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": None},
        {"shape": 28},
        {"shape": {"side": 28}},
        {"figures": [1]},
        {"figures": {"accuracy": {"value": 1.0}}},
    ],
)
def test_values_of_another_form_are_refused(changes):
    with pytest.raises(ModelError, match="metadata"):
        ModelMetadata.from_json(document(**changes))


def test_a_file_of_the_right_form_is_loaded(tmp_path):
    model = Model(write_model(tmp_path / "uniform.onnx", METADATA.to_json()))
    assert model.name == "uniform"
    assert model.metadata == METADATA
    glyphs = np.zeros((3, 28, 28), np.uint8)
    np.testing.assert_allclose(
        model.predict_probabilities(glyphs), np.full((3, 10), 0.1), rtol=1e-6
    )


def test_the_probability_of_no_digit_is_separate_from_those_of_the_digits(tmp_path):
    logits = np.array([0, 1, 2, 0, 0, -1, 0, 0, 3, 0, 2.5])
    path = write_model(tmp_path / "eleven.onnx", ELEVEN, num_labels=11, logits=logits)
    model, glyphs = Model(path), np.zeros((300, 28, 28), np.uint8)
    found = model.classify(glyphs)
    assert model.predict_uncalibrated(glyphs).shape == (300, 11)
    assert found.junk.dtype == found.probabilities.dtype == np.float32
    np.testing.assert_allclose(found.junk, np.full(300, softmax(logits)[10]), rtol=1e-5)
    # The temperature is for the ten among themselves, whatever the eleventh says.
    expected = softmax(logits[:10] / METADATA.temperature)
    np.testing.assert_allclose(found.probabilities, np.tile(expected, (300, 1)), rtol=1e-5)
    np.testing.assert_array_equal(model.predict_probabilities(glyphs), found.probabilities)


@pytest.mark.parametrize("lead", [50.0, 100.0, 1000.0])
def test_probabilities_are_finite_where_no_digit_is_certain(tmp_path, lead):
    logits = np.append(np.zeros(10), lead)
    path = write_model(tmp_path / "sure.onnx", ELEVEN, num_labels=11, logits=logits)
    found = Model(path).classify(np.zeros((2, 28, 28), np.uint8))
    np.testing.assert_allclose(found.probabilities, np.full((2, 10), 0.1), rtol=1e-5)
    np.testing.assert_allclose(found.junk, 1.0)


@pytest.mark.parametrize(
    ("threshold", "expected"), [(0.5, [False, False, True]), (None, [False] * 3)]
)
def test_what_is_above_the_models_threshold_is_rejected(tmp_path, threshold, expected):
    metadata = document(junk_threshold=threshold)
    num_outputs = 10 if threshold is None else 11
    model = Model(write_model(tmp_path / "model.onnx", metadata, num_labels=num_outputs))
    junk = [0.0, 0.5, 1.0]
    assert model.rejects(np.array(junk, np.float32)).tolist() == expected
    assert [bool(model.rejects(each)) for each in junk] == expected


def test_a_model_knows_the_sha256_of_its_file(tmp_path):
    path = write_model(tmp_path / "uniform.onnx", METADATA.to_json())
    model, expected = Model(path), hashlib.sha256(path.read_bytes()).hexdigest()
    assert model.sha256 == expected
    path.unlink()  # it is computed once
    assert model.sha256 == expected


def test_a_network_of_ten_outputs_takes_nothing_for_junk(tmp_path):
    model = Model(write_model(tmp_path / "ten.onnx", METADATA.to_json()))
    assert model.metadata.num_outputs == 10
    assert model.classify(np.zeros((3, 28, 28), np.uint8)).junk.tolist() == [0.0] * 3
    assert model.classify(np.zeros((0, 28, 28), np.uint8)).junk.shape == (0,)


@pytest.mark.parametrize(
    ("metadata", "num_labels"), [(document(junk_threshold=0.5), 10), (METADATA.to_json(), 11)]
)
def test_an_output_too_few_or_too_many_is_refused_by_name(tmp_path, metadata, num_labels):
    path = write_model(tmp_path / "odd.onnx", metadata, num_labels=num_labels)
    with pytest.raises(ModelError, match=r"odd\.onnx: expected inputs and outputs"):
        Model(path)


@pytest.mark.parametrize("threshold", [-0.1, 1.5, "high", float("nan"), [0.5]])
def test_a_junk_threshold_that_is_no_probability_is_refused(threshold):
    with pytest.raises(ModelError, match="junk_threshold"):
        ModelMetadata.from_json(document(junk_threshold=threshold))


def test_metadata_without_a_junk_threshold_is_read():
    values = json.loads(METADATA.to_json())
    del values["junk_threshold"]
    assert ModelMetadata.from_json(json.dumps(values)) == METADATA


@pytest.mark.parametrize("name", ["missing.onnx", "no/such/folder/model.onnx", "tiny", "", "a\0b"])
def test_a_missing_file_is_refused_and_the_shipped_names_are_told(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="default"):
        Model(name)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n", bytes(range(256)) * 40, b"\x08\x07"])
def test_a_file_that_is_not_onnx_is_refused_by_name(tmp_path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx"):
        Model(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_model_is_refused_by_name(tmp_path, share):
    whole = list_shipped_models()["default"].read_bytes()
    path = tmp_path / "half.onnx"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ModelError, match=r"half\.onnx"):
        Model(path)


def test_an_onnx_file_of_someone_else_is_refused(tmp_path):
    path = write_model(tmp_path / "foreign.onnx")
    with pytest.raises(ModelError, match=r"foreign\.onnx.*not exported by inkread"):
        Model(path)


def test_a_file_with_broken_metadata_is_refused_by_name(tmp_path):
    path = write_model(tmp_path / "future.onnx", document(format_version=FORMAT_VERSION + 1))
    with pytest.raises(ModelError, match=r"future\.onnx.*format version"):
        Model(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"input_name": "images"},
        {"output_name": "scores"},
        {"side": 32},
        {"num_labels": 9},
        {"dtype": np.float64},
        {"batch": 1},
    ],
    ids=str,
)
def test_other_inputs_and_outputs_are_refused_by_name(tmp_path, changes):
    path = write_model(tmp_path / "odd.onnx", METADATA.to_json(), **changes)
    with pytest.raises(ModelError, match=r"odd\.onnx: expected inputs and outputs"):
        Model(path)


@pytest.mark.parametrize("threads", [0, -2])
def test_fewer_threads_than_one_are_refused(threads):
    with pytest.raises(ConfigError, match=f"received {threads}"):
        Model(threads=threads)


def test_the_number_of_threads_does_not_change_the_answers(rng):
    glyphs = rng.integers(0, 256, (4, 28, 28), np.uint8)
    one, two = (Model(threads=threads).predict_probabilities(glyphs) for threads in (1, 2))
    np.testing.assert_allclose(one, two, atol=1e-6)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_applying_a_temperature_divides_the_logits(rng, temperature):
    logits = rng.normal(0, 4, (50, 10))
    received = apply_temperature(softmax(logits, axis=1).astype(np.float32), temperature)
    assert received.dtype == np.float32
    np.testing.assert_allclose(received, softmax(logits / temperature, axis=1), atol=1e-5)


@pytest.mark.parametrize("temperature", [0.25, 4.0])
def test_a_temperature_is_applied_to_zeros_and_to_no_rows(temperature):
    certain = np.eye(10, dtype=np.float32)
    received = apply_temperature(certain, temperature)
    np.testing.assert_allclose(received, certain, atol=1e-6)
    assert apply_temperature(certain[:0], temperature).shape == (0, 10)


def test_many_glyphs_at_once_are_answered_as_one_by_one(rng):
    glyphs = rng.integers(0, 256, (300, 28, 28), np.uint8)
    model = Model()
    one_by_one = np.concatenate([model.predict_probabilities(glyph[None]) for glyph in glyphs])
    np.testing.assert_allclose(model.predict_probabilities(glyphs), one_by_one, atol=1e-5)


def test_probabilities_are_the_raw_ones_at_the_models_temperature(rng, tmp_path):
    glyphs = rng.integers(0, 256, (5, 28, 28), np.uint8)
    document = json.loads(Model().metadata.to_json())
    # The shipped model's own is nearly 1: its network with a warmer one shows the difference.
    proto = onnx.load(Model().path)
    helper.set_model_props(proto, {METADATA_KEY: json.dumps({**document, "temperature": 1.7})})
    onnx.save(proto, tmp_path / "warm.onnx")
    for path, temperature in (("default", document["temperature"]), (tmp_path / "warm.onnx", 1.7)):
        model = Model(path)
        raw = model.predict_uncalibrated(glyphs).astype(np.float64)
        found = model.classify(glyphs)
        assert raw.shape == (5, 11)
        expected = softmax(np.log(raw[:, :10]) / temperature, axis=1)
        np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)
        np.testing.assert_allclose(model.predict_probabilities(glyphs), expected, atol=1e-5)
        np.testing.assert_allclose(found.junk, raw[:, 10], atol=1e-6)  # it has no temperature


def test_shipped_models_are_there_and_small():
    shipped = list_shipped_models()
    assert "default" in shipped
    for name, path in shipped.items():
        assert path.stat().st_size < 2_000_000
        assert Model(name).path == path


def test_shipped_models_state_their_figures_with_intervals():
    for name in list_shipped_models():
        metadata = Model(name).metadata
        assert metadata.labels == tuple("0123456789")
        assert metadata.figures
        for figure in metadata.figures.values():
            assert 0 <= figure.low <= figure.value <= figure.high <= 1
            assert figure.n > 0


def test_metadata_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        METADATA.seed = 1


def test_prepared_glyphs_are_float32_in_0_to_1():
    glyphs = np.array([[[0, 51], [102, 255]]], np.uint8)
    given = prepare_glyphs(glyphs)
    assert given.dtype == np.float32
    np.testing.assert_allclose(given[0, ..., 0], [[0, 0.2], [0.4, 1]], rtol=1e-6)
    assert given.shape == (1, 2, 2, 1)
