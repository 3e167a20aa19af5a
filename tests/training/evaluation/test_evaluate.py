import dataclasses
import json
import math

import numpy as np
import pytest

from inkread.errors import ConfigError
from inkread.models.runtime import Classification, Model
from inkread.training.evaluation.calibrate import (
    brier_score,
    expected_calibration_error,
    reliability,
)
from inkread.training.evaluation.evaluate import (
    DigitFigures,
    McNemar,
    Mistake,
    estimate_share,
    evaluate,
    mcnemar,
    score_probabilities,
)

LABELS = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3]
READ = [0, 0, 1, 1, 0, 2, 2, 2, 3, 3]
CONFIDENCE = [0.8, 0.8, 0.6, 0.8, 0.9, 0.8, 0.8, 0.8, 0.7, 0.8]


def answers(read, confidence):
    """Probabilities whose largest is as given; the rest is spread evenly."""
    confidence = np.array(confidence, np.float32)
    probabilities = np.tile((1 - confidence[:, None]) / 9, (1, 10))
    probabilities[np.arange(len(read)), read] = confidence
    return probabilities


@pytest.fixture
def evaluation():
    return score_probabilities(answers(READ, CONFIDENCE), np.array(LABELS, np.uint8))


def test_accuracy_of_a_hand_worked_table(evaluation):
    assert evaluation.accuracy.value == pytest.approx(0.7)
    assert evaluation.accuracy.n == 10
    assert evaluation.accuracy.low == pytest.approx(0.3968, abs=1e-4)
    assert evaluation.accuracy.high == pytest.approx(0.8922, abs=1e-4)


def test_precision_and_recall_of_a_hand_worked_table(evaluation):
    expected = [
        DigitFigures(0, pytest.approx(2 / 3), pytest.approx(2 / 3), 3),
        DigitFigures(1, pytest.approx(1 / 2), pytest.approx(1 / 2), 2),
        DigitFigures(2, pytest.approx(1.0), pytest.approx(3 / 4), 4),
        DigitFigures(3, pytest.approx(1 / 2), pytest.approx(1.0), 1),
    ]
    assert list(evaluation.digits[:4]) == expected


def test_digits_that_do_not_occur_have_zeros_and_no_warning(evaluation):
    assert list(evaluation.digits[4:]) == [DigitFigures(d, 0.0, 0.0, 0) for d in range(4, 10)]


def test_confusion_has_a_row_a_label_and_a_column_a_reading(evaluation):
    expected = np.zeros((10, 10), int)
    for label, read in zip(LABELS, READ, strict=True):
        expected[label, read] += 1
    np.testing.assert_array_equal(evaluation.confusion, expected)


def test_mistakes_start_with_the_most_confident(evaluation):
    found = [(each.index, each.label, each.read) for each in evaluation.mistakes]
    assert found == [(4, 1, 0), (8, 2, 3), (2, 0, 1)]
    confidence = [each.confidence for each in evaluation.mistakes]
    assert confidence == pytest.approx([0.9, 0.7, 0.6])


def test_a_mistake_names_the_runner_up():
    probabilities = np.array([[0.1, 0, 0, 0, 0.55, 0, 0, 0, 0, 0.35]], np.float32)
    assert score_probabilities(probabilities, np.array([9], np.uint8)).mistakes == (
        Mistake(
            index=0,
            label=9,
            read=4,
            confidence=pytest.approx(0.55),
            runner_up=9,
            runner_up_confidence=pytest.approx(0.35),
        ),
    )


def test_of_equally_likely_digits_the_first_is_read():
    found = score_probabilities(np.full((1, 10), 0.1, np.float32), np.array([0], np.uint8))
    assert found.accuracy.value == 1.0


def test_equally_confident_mistakes_stay_in_order():
    found = score_probabilities(answers([1, 1, 1], [0.9, 0.9, 0.9]), np.zeros(3, np.uint8))
    assert [mistake.index for mistake in found.mistakes] == [0, 1, 2]


def test_negative_log_likelihood_of_a_hand_worked_table(evaluation):
    right = -7 * math.log(0.8)
    wrong = -sum(math.log((1 - confidence) / 9) for confidence in (0.6, 0.9, 0.7))
    assert evaluation.negative_log_likelihood == pytest.approx((right + wrong) / 10, rel=1e-5)


def test_the_figures_of_calibration_are_those_of_calibrate(evaluation):
    table = answers(READ, CONFIDENCE), np.array(LABELS, np.uint8)
    assert evaluation.brier_score == brier_score(*table)
    assert evaluation.expected_calibration_error == expected_calibration_error(*table)
    assert evaluation.reliability == reliability(*table)


def test_the_surest_98_percent_leave_out_the_most_doubtful():
    confidence = np.linspace(0.5, 0.99, 200)
    labels = np.zeros(200, np.uint8)
    read = np.where(np.arange(200) % 40 == 0, 1, 0)  # wrong: 0, 40, 80, 120, 160
    found = score_probabilities(answers(read, confidence), labels)
    assert (found.sure_error.value, found.sure_error.n) == (4 / 196, 196)


def test_to_dict_survives_json(evaluation):
    values = json.loads(json.dumps(evaluation.to_dict()))
    assert values["accuracy"] == vars(evaluation.accuracy)
    assert values["negative_log_likelihood"] == evaluation.negative_log_likelihood
    assert values["brier_score"] == evaluation.brier_score
    assert values["expected_calibration_error"] == evaluation.expected_calibration_error
    assert values["area_under_risk_coverage"] == evaluation.risk_coverage.area
    assert values["sure_error"] == vars(evaluation.sure_error)
    assert values["reliability"][0] == vars(evaluation.reliability[0])
    assert values["kept"] is None
    assert values["digits"][0] == vars(evaluation.digits[0])
    assert values["confusion"] == evaluation.confusion.tolist()
    assert values["mistakes"][0] == vars(evaluation.mistakes[0])


def test_one_picture_is_enough():
    found = score_probabilities(answers([5], [0.9]), np.array([5], np.uint8))
    assert found.accuracy.value == 1.0
    assert found.mistakes == ()


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (9, 10, 0.5958, 0.9821),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (1, 1, 0.2065, 1.0),
        (9_940, 10_000, 0.9923, 0.9953),
    ],
)
def test_share_has_wilsons_interval(successes, n, low, high):
    figure = estimate_share(successes, n)
    assert (figure.value, figure.n) == (successes / n, n)
    assert figure.low == pytest.approx(low, abs=1e-4)
    assert figure.high == pytest.approx(high, abs=1e-4)


def test_evaluate_scores_the_models_calibrated_probabilities(small_run, small_mnist):
    model = Model(small_run.model_file)
    found = evaluate(model, small_mnist.test)
    expected = score_probabilities(
        model.predict_probabilities(small_mnist.test.images), small_mnist.test.labels
    )
    assert found.to_dict() == expected.to_dict()
    assert found.accuracy.n == len(small_mnist.test)


def test_digits_taken_for_junk_are_counted(monkeypatch, small_run, small_mnist):
    model = Model(small_run.model_file)
    junk = np.zeros(len(small_mnist.test), np.float32)
    junk[:4] = 0.0, 0.25, 0.5, 1.0
    probabilities = model.predict_probabilities(small_mnist.test.images)
    model.metadata = dataclasses.replace(model.metadata, junk_threshold=0.25)
    monkeypatch.setattr(model, "classify", lambda _: Classification(probabilities, junk))
    found = evaluate(model, small_mnist.test)
    assert found.kept == estimate_share(298, 300)
    assert found.to_dict()["kept"] == vars(found.kept)
    assert found.accuracy == score_probabilities(probabilities, small_mnist.test.labels).accuracy


def test_mcnemars_test_of_a_hand_worked_table():
    labels = np.zeros(10, np.uint8)
    first = score_probabilities(answers([1, 0, 0, 0, 0, 0, 0, 1, 0, 0], [0.9] * 10), labels)
    second = score_probabilities(answers([0, 1, 1, 1, 1, 1, 0, 1, 0, 0], [0.9] * 10), labels)
    # Of six digits that one of them misread, one is the first's: 2 (1 + 6) / 2⁶
    assert mcnemar(first, second) == McNemar(5, 1, pytest.approx(14 / 64))
    assert mcnemar(second, first) == McNemar(1, 5, pytest.approx(14 / 64))


def test_a_model_does_not_differ_from_itself(evaluation):
    assert mcnemar(evaluation, evaluation) == McNemar(0, 0, 1.0)


@pytest.mark.parametrize("labels", [[0] * 9, [1] * 10])
def test_mcnemars_test_of_other_pictures_is_refused(evaluation, labels):
    other = score_probabilities(answers(labels, [0.9] * len(labels)), np.array(labels, np.uint8))
    with pytest.raises(ConfigError, match=f"the same pictures, received one of 10.*{len(labels)}"):
        mcnemar(evaluation, other)
