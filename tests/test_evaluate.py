import json
import math

import numpy as np
import pytest

from inkread.runtime import Model
from inkread.training.evaluate import DigitFigures, Mistake, evaluate, score, share

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
    return score(answers(READ, CONFIDENCE), np.array(LABELS, np.uint8))


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
    assert evaluation.mistakes == (
        Mistake(index=4, label=1, read=0, confidence=pytest.approx(0.9)),
        Mistake(index=8, label=2, read=3, confidence=pytest.approx(0.7)),
        Mistake(index=2, label=0, read=1, confidence=pytest.approx(0.6)),
    )


def test_equally_confident_mistakes_stay_in_order():
    found = score(answers([1, 1, 1], [0.9, 0.9, 0.9]), np.zeros(3, np.uint8))
    assert [mistake.index for mistake in found.mistakes] == [0, 1, 2]


def test_negative_log_likelihood_of_a_hand_worked_table(evaluation):
    right = -7 * math.log(0.8)
    wrong = -sum(math.log((1 - confidence) / 9) for confidence in (0.6, 0.9, 0.7))
    assert evaluation.negative_log_likelihood == pytest.approx((right + wrong) / 10, rel=1e-5)


def test_to_dict_survives_json(evaluation):
    values = json.loads(json.dumps(evaluation.to_dict()))
    assert values["accuracy"] == vars(evaluation.accuracy)
    assert values["negative_log_likelihood"] == evaluation.negative_log_likelihood
    assert values["digits"][0] == vars(evaluation.digits[0])
    assert values["confusion"] == evaluation.confusion.tolist()
    assert values["mistakes"][0] == vars(evaluation.mistakes[0])


def test_one_picture_is_enough():
    found = score(answers([5], [0.9]), np.array([5], np.uint8))
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
    figure = share(successes, n)
    assert (figure.value, figure.n) == (successes / n, n)
    assert figure.low == pytest.approx(low, abs=1e-4)
    assert figure.high == pytest.approx(high, abs=1e-4)


def test_evaluate_scores_the_models_calibrated_probabilities(small_run, small_mnist):
    model = Model(small_run.model_file)
    found = evaluate(model, small_mnist.test)
    expected = score(model.probabilities(small_mnist.test.images), small_mnist.test.labels)
    assert found.to_dict() == expected.to_dict()
    assert found.accuracy.n == len(small_mnist.test)
