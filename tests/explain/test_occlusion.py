import json

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from scipy.ndimage import gaussian_filter

from inkread.errors import ImageError
from inkread.explain.occlusion import explain, explain_located
from inkread.imaging import normalize
from inkread.imaging.normalize import GlyphShape
from inkread.models.metadata import METADATA_KEY, ModelMetadata
from inkread.reader import Reader
from inkread.recognition.digit_reader import LocatedDigit
from inkread.results import Box, Digit

TEMPERATURE = 1.25
PATCH_SIGMA_PX = 1.5
# In the glyph of ``bar``: two pixels of ink and one of paper, too far apart for one patch.
TOP, BOTTOM, BESIDE = (5, 14), (21, 14), (14, 4)


@pytest.fixture
def bar():
    """A picture of one upright stroke, which normalises to rows 4 to 23 around column 14."""
    picture = np.full((140, 140), 255, np.uint8)
    picture[20:120, 63:78] = 0
    return picture


@pytest.fixture
def linear(tmp_path, monkeypatch):
    """Make a reader whose logits are weighted sums of the glyph's pixels, ink 1 on paper 0.

    The line model has no part in what it reads.
    """
    monkeypatch.setattr("inkread.recognition.digit_reader._MIN_SURE_CONFIDENCE", 0.0)

    def make(weights, junk_threshold=None, **options):
        num_outputs = weights.shape[-1]
        graph = helper.make_graph(
            [
                helper.make_node("Flatten", ["glyphs"], ["flat"], axis=1),
                helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
                helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
            ],
            "linear",
            [helper.make_tensor_value_info("glyphs", onnx.TensorProto.FLOAT, ["N", 28, 28, 1])],
            [
                helper.make_tensor_value_info(
                    "probabilities", onnx.TensorProto.FLOAT, ["N", num_outputs]
                )
            ],
            [
                numpy_helper.from_array(
                    weights.reshape(784, num_outputs).astype(np.float32), "weights"
                )
            ],
        )
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        about = ModelMetadata(
            tuple("0123456789"), GlyphShape(), TEMPERATURE, {}, 0, "", "0.1.0", "2025-01-31",
            junk_threshold=junk_threshold,
        )  # fmt: skip
        helper.set_model_props(proto, {METADATA_KEY: about.to_json()})
        onnx.save(proto, tmp_path / "linear.onnx")
        return Reader(tmp_path / "linear.onnx", threads=1, **options)

    return make


@pytest.fixture
def weights():
    """For 4: ink at the top. For 9: ink at the bottom, and beside the stroke, where none is."""
    made = np.zeros((28, 28, 10))
    made[TOP] = -8
    made[TOP][4], made[TOP][9] = 2.0, 0.0
    made[BOTTOM][9] = 0.75
    made[BESIDE][9] = 1.0
    return made


def picture_of(glyph):
    """A glyph as a picture, dark on light, as large as a photo of it."""
    return 255 - np.kron(glyph, np.ones((4, 4), np.uint8))


def test_the_evidence_of_a_linear_model_is_its_weights(linear, weights, bar):
    found = explain(linear(weights), bar)

    assert (found.digit.label, found.runner_up) == (4, 9)
    assert found.ink[TOP] == pytest.approx(2.0 / TEMPERATURE, abs=0.01)
    assert found.ink[BOTTOM] == pytest.approx(-0.75 / TEMPERATURE, abs=0.01)
    assert found.paper[BESIDE] == pytest.approx(1.0 / TEMPERATURE, abs=0.01)
    # One pixel off, a Gaussian patch of sigma 1.5 has exp(-1 / (2 * 1.5 ** 2)) = 0.80 of its peak.
    row, column = BESIDE
    assert found.paper[row, column + 1] == pytest.approx(0.80 / TEMPERATURE, abs=0.01)
    assert np.abs(found.paper[:, 20:]).max() < 0.01  # nothing depends on what is there


def test_evidence_is_the_weights_below_a_gaussian_patch(linear, bar, rng):
    difference = rng.normal(size=(28, 28))
    weights = np.zeros((28, 28, 10))
    weights[TOP] = -90
    weights[..., 4], weights[..., 9] = difference / 2, -difference / 2
    weights[TOP][4] += 20
    difference[TOP] += 20
    found = explain(linear(weights), bar)

    share = found.glyph / 255
    peak = gaussian_filter(np.eye(1, 41, 20).T @ np.eye(1, 41, 20), PATCH_SIGMA_PX).max()

    def below_the_patch(pixels):
        return gaussian_filter(pixels, PATCH_SIGMA_PX, mode="constant", truncate=8) / peak

    ink = share * below_the_patch(share * difference) / TEMPERATURE
    paper = (1 - share) * below_the_patch(-(1 - share) * difference) / TEMPERATURE
    np.testing.assert_allclose(found.ink, ink, atol=0.1)  # glyphs have 256 levels
    np.testing.assert_allclose(found.paper, paper, atol=0.1)


def test_the_explanation_holds_what_was_read(reader, bar):
    found = explain(reader, bar)

    assert found.digit == reader.read_digit(bar)
    np.testing.assert_array_equal(found.glyph, normalize.make_glyph(255 - bar))
    probabilities = np.array(found.digit.probabilities)
    assert (probabilities > probabilities[found.runner_up]).sum() == 1


def test_evidence_is_of_ink_on_ink_and_of_paper_on_paper(reader, small_mnist):
    found = explain(reader, picture_of(small_mnist.test.images[0]))

    for evidence in (found.ink, found.paper):
        assert (evidence.shape, evidence.dtype) == ((28, 28), np.float32)
    assert not found.ink[found.glyph == 0].any()
    assert not found.paper[found.glyph == 255].any()


def test_a_four_is_no_nine_because_of_its_gap(reader, small_mnist):
    """Closing the gap that the explanation names makes a 9 of it."""
    four = small_mnist.test.images[4]
    found = explain(reader, picture_of(four))
    assert (found.digit.label, found.runner_up) == (4, 9)
    assert found.digit.confidence > 0.99
    assert found.summary.startswith(
        f"4 ({found.digit.confidence:.1%}), not 9: most of all because of the empty paper at the "
        "upper middle"
    )

    row, column = np.unravel_index(found.paper.argmax(), found.paper.shape)
    closed = found.glyph.copy()
    closed[row - 1 : row + 2, column - 3 : column + 4] = 255
    assert reader.read_digit(picture_of(closed)).label == 9


def test_the_summary_says_reasons_and_places(linear, weights, bar):
    found = explain(linear(weights), bar)

    assert found.summary == (
        f"4 ({found.digit.confidence:.1%}), not 9: most of all because of the ink at the upper "
        "middle and the empty paper at the middle left; the ink at the lower middle speaks for 9"
    )


def test_a_weak_counter_reason_goes_unsaid(linear, weights, bar):
    weights[BOTTOM][9] = 0.25

    assert "speaks for" not in explain(linear(weights), bar).summary


def test_the_middle_is_the_centre(linear, weights, bar):
    weights[BOTTOM][9], weights[14, 14, 9] = 0.0, 1.0

    assert explain(linear(weights), bar).summary.endswith("the ink at the centre speaks for 9")


def test_where_nothing_decides_the_summary_says_so(linear, bar):
    found = explain(linear(np.zeros((28, 28, 10))), bar)

    assert (found.digit.label, found.runner_up) == (0, 1)  # all are as likely; the first two
    assert not found.ink.any()
    assert found.summary.endswith("no place decides")


def test_a_rejected_digit_is_explained_all_the_same(linear, weights, bar):
    found = explain(linear(weights, min_confidence=1.0), bar)

    assert found.digit.rejected
    assert found.summary.startswith("not sure; the best guess is 4 (")


@pytest.mark.parametrize(
    ("junk", "options", "verdict"),
    [
        (0.3, {"junk_threshold": 0.2}, "not a digit (30.0%); the best guess is 4 (70.0%)"),
        (
            0.6,
            {"junk_threshold": 0.7, "min_confidence": 0.9},
            "not sure; the best guess is 4 (40.0%)",
        ),
        (0.6, {"junk_threshold": 0.7}, "4 (40.0%)"),
    ],
)
def test_the_models_own_threshold_says_what_is_no_digit(
    linear, weights, bar, junk, options, verdict
):
    no_digit = np.zeros((28, 28, 1))
    # Its logit stands against one of 0 for the 4, and far lower ones for all else.
    no_digit[TOP] = np.log(junk / (1 - junk))
    weights[TOP] = -30
    weights[TOP][4] = 0
    outputs = np.concatenate([weights, no_digit], axis=2)
    found = explain(linear(outputs, **options), bar)

    assert found.summary.startswith(f"{verdict}, not 9: ")


def test_evidence_is_for_the_label_that_was_read(linear, weights, bar):
    """The line model may have read another label than the glyph model would."""
    reader = linear(weights)
    own = explain(reader, bar)
    shown = Digit(9, 0.7, Box(0, 0, 9, 9), (0, 0, 0, 0, 0.3, 0, 0, 0, 0, 0.7))

    found = explain_located(reader.model, LocatedDigit(shown, 255 - bar))

    assert (own.digit.label, own.runner_up, own.glyph_label) == (4, 9, None)
    assert (found.digit, found.runner_up, found.glyph_label) == (shown, 4, 4)
    np.testing.assert_allclose(found.ink, -own.ink, atol=1e-6)
    np.testing.assert_allclose(found.paper, -own.paper, atol=1e-6)
    assert found.summary.startswith("9 (70.0%), not 4: most of all because of the ink at the lower")
    assert found.summary.endswith(
        "; the glyph model, whose evidence this is, would by itself read 4"
    )


def test_the_strongest_rival_is_the_most_probable_other_label(linear, weights, bar):
    """A label that a constraint asked for need not be the most probable one."""
    shown = Digit(9, 0.2, Box(0, 0, 9, 9), (0, 0, 0, 0.1, 0.6, 0, 0, 0, 0, 0.3))
    found = explain_located(linear(weights).model, LocatedDigit(shown, 255 - bar))
    assert (found.digit.label, found.runner_up) == (9, 4)


def test_what_the_line_model_takes_for_no_digit_has_a_best_guess(linear, weights, bar):
    shown = Digit(4, 0.0, Box(0, 0, 9, 9), (0, 0, 0, 0, 0.6, 0, 0, 0, 0, 0.4), True, junk=0.97)
    found = explain_located(linear(weights).model, LocatedDigit(shown, 255 - bar))
    assert found.is_junk
    assert found.summary.startswith("not a digit (97.0%); the best guess is 4, not 9: ")


def test_an_explanation_becomes_json(linear, weights, bar):
    found = explain(linear(weights), bar)
    values = json.loads(json.dumps(found.to_dict()))

    assert {key: values[key] for key in found.digit.to_dict()} == found.digit.to_dict()
    assert (values["runner_up"], values["summary"]) == (9, found.summary)
    np.testing.assert_array_equal(values["glyph"], found.glyph)
    np.testing.assert_allclose(values["evidence"]["ink"], found.ink, atol=5e-5)
    np.testing.assert_allclose(values["evidence"]["paper"], found.paper, atol=5e-5)


def test_a_blank_picture_has_nothing_to_explain(reader):
    with pytest.raises(ImageError, match="expected a picture of a digit, received one without ink"):
        explain(reader, np.full((60, 40), 255, np.uint8))


def test_what_is_no_picture_is_refused(reader, tmp_path):
    with pytest.raises(ImageError, match=r"absent\.png"):
        explain(reader, tmp_path / "absent.png")
