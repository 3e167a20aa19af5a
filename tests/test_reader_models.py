import dataclasses
import math
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from drawn_pictures import (
    photographed,
    written,
)
from onnx import TensorProto, helper, numpy_helper

from inkread import ConfigError, ModelError, Reader
from inkread.models.metadata import METADATA_KEY


def foreign_model() -> bytes:
    """A valid ONNX file that inkread didn't write."""
    shape = ["n", 28, 28, 1]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["glyphs"], ["probabilities"])],
        "identity",
        [helper.make_tensor_value_info("glyphs", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, shape)],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def test_digits_below_the_least_confidence_are_rejected(reader, full_mnist, probabilities):
    hard = np.argsort(probabilities.max(axis=1))[[0, 10, 100, -1, -2]]
    page = np.hstack([np.pad(full_mnist.test.images[i], 4) for i in hard])
    sure = reader.read_number(page)
    threshold = sorted(digit.confidence for digit in sure.digits)[2]

    doubtful = Reader(min_confidence=threshold).read_number(page)

    below = [digit.confidence < threshold for digit in sure.digits]
    assert sum(below) == 2
    assert not sure.rejected
    assert doubtful.rejected
    assert [digit.rejected for digit in doubtful.digits] == below
    assert [digit.label for digit in doubtful.digits] == [digit.label for digit in sure.digits]
    assert doubtful.text == "".join(
        "?" if rejected else character for rejected, character in zip(below, sure.text, strict=True)
    )
    assert doubtful.confidence == sure.confidence


def test_a_picture_that_is_no_digit_can_be_rejected(rng):
    scribble = np.full((120, 120), 255, np.uint8)
    cv2.polylines(scribble, [rng.integers(15, 105, (25, 2), dtype=np.int32)], True, 0, 3)
    strict = Reader(min_confidence=1.0)

    digit = strict.read_digit(scribble)

    assert (digit.rejected, digit.text) == (True, "?")
    assert digit.label in range(10)


def model_that_answers(path: Path, outputs: list[float], junk_threshold: float | None) -> Path:
    """A model file that gives the same probabilities for every glyph, at temperature 1."""
    metadata = dataclasses.replace(
        Reader().model.metadata, temperature=1.0, junk_threshold=junk_threshold
    )
    kind, count = TensorProto.FLOAT, len(outputs)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["glyphs"], ["flat"], axis=1),
            helper.make_node("MatMul", ["flat", "zeros"], ["nothing"]),
            helper.make_node("Add", ["nothing", "outputs"], ["probabilities"]),
        ],
        "constant",
        [helper.make_tensor_value_info("glyphs", kind, ["N", 28, 28, 1])],
        [helper.make_tensor_value_info("probabilities", kind, ["N", count])],
        [
            numpy_helper.from_array(np.zeros((28 * 28, count), np.float32), "zeros"),
            numpy_helper.from_array(np.array(outputs, np.float32), "outputs"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {METADATA_KEY: metadata.to_json()})
    onnx.save(model, path)
    return path


# One half for 4, an eighth for 9; what is left says that it is no digit.
ELEVEN = [0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.125, 0.375]


@pytest.mark.parametrize(
    ("junk_threshold", "min_confidence", "text"),
    [(0.4, 0.0, "4"), (0.375, 0.0, "4"), (0.3, 0.0, "?"), (0.4, 0.5, "4"), (0.4, 0.51, "?")],
)
def test_what_is_no_digit_is_rejected_above_the_models_threshold(
    tmp_path, monkeypatch, junk_threshold, min_confidence, text
):
    # The glyph model alone is meant.
    monkeypatch.setattr("inkread.recognition.digit_reader._MIN_SURE_CONFIDENCE", 0.0)
    path = model_that_answers(tmp_path / "eleven.onnx", ELEVEN, junk_threshold)

    digit = Reader(path, min_confidence=min_confidence).read_digit(
        cv2.bitwise_not(written("4").ink)
    )

    assert digit.text == text
    assert digit.rejected == (text == "?")
    assert (digit.label, digit.junk) == (4, 0.375)
    assert digit.confidence == pytest.approx(0.5)  # that it is a digit (0.625), and a 4 (0.8)
    assert digit.probabilities == pytest.approx([0, 0, 0, 0, 0.8, 0, 0, 0, 0, 0.2])


def test_a_number_with_something_that_is_no_digit_is_rejected(tmp_path):
    """A lone piece of ink that the glyph model takes for no digit is one to nobody."""
    model = model_that_answers(tmp_path / "eleven.onnx", ELEVEN, 0.3)

    (number,) = Reader(model).read(photographed(written("4"))).numbers

    assert (number.text, number.rejected) == ("?", True)
    assert number.digits[0].label == 4


def test_in_a_table_what_surely_is_a_number_is_read_though_a_glyph_looks_like_none(tmp_path):
    """Small or blurred digits in cells look like none on their own; beside others they are some."""
    model = model_that_answers(tmp_path / "eleven.onnx", ELEVEN, 0.3)
    page = np.full((400, 400), 235, np.uint8)
    for place in (20, 140, 260, 380):
        cv2.line(page, (place, 20), (place, 380), 60, 2)
        cv2.line(page, (20, place), (380, place), 60, 2)
    for index, digit in enumerate("402735869"):
        ink = written(digit, index, height_px=60, pen_px=4).ink
        x, y, width, height = cv2.boundingRect(ink)
        left, top = 80 - width // 2 + 120 * (index % 3), 50 + 120 * (index // 3)
        part = page[top : top + height, left : left + width]
        np.minimum(part, 255 - ink[y : y + height, x : x + width], out=part)

    numbers = Reader(model).read(page, cells="split").numbers

    assert sorted(number.text for number in numbers) == sorted("402735869")


def test_glyphs_are_classified_as_the_digits_that_they_would_be(tmp_path):
    model = model_that_answers(tmp_path / "eleven.onnx", ELEVEN, 0.3)

    probabilities = Reader(model).classify(np.zeros((3, 28, 28), np.uint8))

    assert probabilities.shape == (3, 10)
    np.testing.assert_allclose(probabilities[:, 4], 0.8, rtol=1e-6)


@pytest.mark.parametrize("value", [-0.01, 1.01, 95, math.nan, math.inf])
def test_a_least_confidence_outside_0_to_1_is_refused(value):
    with pytest.raises(
        ConfigError, match=rf"expected min_confidence in \[0, 1\], received {value}"
    ):
        Reader(min_confidence=value)


@pytest.mark.parametrize("value", [0, -1])
def test_fewer_threads_than_one_are_refused(value):
    with pytest.raises(ConfigError, match=f"expected at least one thread, received {value}"):
        Reader(threads=value)


def test_a_model_can_be_named_or_given_as_a_file(reader, tmp_path):
    copied, line = tmp_path / "mine.onnx", tmp_path / "my-line.onnx"
    copied.write_bytes(reader.model.path.read_bytes())
    line.write_bytes(reader.line_model.path.read_bytes())
    picture = photographed(written("40713"))

    for model, line_model in ((copied, line), (str(copied), str(line))):
        mine = Reader(model, line_model=line_model)
        assert mine.model.name == "mine"
        assert mine.read(picture).model == "my-line"
        assert mine.read(picture).numbers == reader.read(picture).numbers
    assert Reader("default").model.path == reader.model.path
    assert Reader(line_model="default").line_model.path == reader.line_model.path


def test_a_model_of_the_other_kind_is_refused_by_name(reader):
    with pytest.raises(ModelError, match="kind 'glyph', received 'line'"):
        Reader(reader.line_model.path)
    with pytest.raises(ModelError, match="kind 'line', received 'glyph'"):
        Reader(line_model=reader.model.path)


@pytest.mark.parametrize("name", ["missing.onnx", "no-such-model", "", "null\0character"])
def test_a_missing_model_is_refused_by_name(name):
    with pytest.raises(ModelError, match="expected a model file or a name among") as info:
        Reader(name)

    assert name in str(info.value)


def test_a_folder_is_no_model(tmp_path):
    with pytest.raises(ModelError, match="expected a model file"):
        Reader(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"not a model",
        lambda data: data[: len(data) // 2],
        lambda data: b"\0" * len(data),
    ],
    ids=["empty", "text", "truncated", "zeros"],
)
def test_a_corrupt_model_is_refused_by_name(reader, tmp_path, damage):
    path = tmp_path / "damaged.onnx"
    path.write_bytes(damage(reader.model.path.read_bytes()))

    with pytest.raises(ModelError, match=r"damaged\.onnx: "):
        Reader(path)


def test_a_foreign_model_is_refused_by_name(tmp_path):
    path = tmp_path / "foreign.onnx"
    path.write_bytes(foreign_model())

    with pytest.raises(ModelError, match=r"foreign\.onnx: expected metadata .*'inkread'"):
        Reader(path)


def test_a_model_whose_signature_is_another_is_refused_by_name(reader, tmp_path):
    model = onnx.load_model_from_string(foreign_model())
    shipped = onnx.load_model(reader.model.path)
    model.metadata_props.extend(shipped.metadata_props)
    path = tmp_path / "signature.onnx"
    path.write_bytes(model.SerializeToString())

    with pytest.raises(ModelError, match=r"signature\.onnx: expected inputs? and outputs?"):
        Reader(path)
