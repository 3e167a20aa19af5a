import math

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import beta
from sklearn.metrics import brier_score_loss, log_loss

from inkread.errors import ConfigError
from inkread.models.runtime import apply_temperature
from inkread.training.evaluation.calibrate import (
    ReliabilityBin,
    brier_score,
    expected_calibration_error,
    find_guaranteed_threshold,
    fit_rejection_threshold,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    risk_coverage,
)


def drawn(rng, temperature, count=20_000):
    """Uncalibrated probabilities, and labels drawn as ``softmax(logits / temperature)`` says."""
    logits = rng.normal(0, 2, (count, 10))
    cumulative = softmax(logits / temperature, axis=1).cumsum(axis=1)
    labels = (rng.random((count, 1)) > cumulative).sum(axis=1).clip(max=9).astype(np.uint8)
    return softmax(logits, axis=1).astype(np.float32), labels


def answers(confidence, right):
    """Probabilities of two labels with these confidences, and labels that make them right."""
    confidence = np.array(confidence, np.float32)
    return np.stack([confidence, 1 - confidence], axis=1), np.where(right, 0, 1).astype(np.uint8)


def test_negative_log_likelihood_of_a_hand_worked_table():
    probabilities = np.array([[0.5, 0.5], [0.25, 0.75]], np.float32)
    labels = np.array([0, 0], np.uint8)
    expected = (math.log(2) + math.log(4)) / 2
    assert negative_log_likelihood(probabilities, labels) == pytest.approx(expected)


def test_negative_log_likelihood_agrees_with_scikit_learn(rng):
    probabilities, labels = drawn(rng, 1.0, count=500)
    exact = probabilities.astype(np.float64)
    expected = log_loss(labels, exact / exact.sum(axis=1, keepdims=True), labels=range(10))
    assert negative_log_likelihood(probabilities, labels) == pytest.approx(expected, rel=1e-5)


def test_a_true_label_of_probability_zero_costs_much_but_not_infinitely():
    probabilities = np.array([[0.0, 1.0]], np.float32)
    loss = negative_log_likelihood(probabilities, np.array([0], np.uint8))
    assert 80 < loss < 100


def test_certainty_that_is_right_costs_a_plain_zero():
    loss = negative_log_likelihood(np.eye(2, dtype=np.float32), np.array([0, 1], np.uint8))
    assert str(loss) == "0.0"


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_fit_temperature_recovers_the_temperature_that_the_labels_were_drawn_with(rng, temperature):
    probabilities, labels = drawn(rng, temperature)
    assert fit_temperature(probabilities, labels) == pytest.approx(temperature, rel=0.05)


def test_the_fitted_temperature_is_no_worse_than_its_neighbours(rng):
    probabilities, labels = drawn(rng, 1.7, count=2_000)
    fitted = fit_temperature(probabilities, labels)

    def loss(temperature):
        return negative_log_likelihood(apply_temperature(probabilities, temperature), labels)

    assert loss(fitted) <= min(loss(0.95 * fitted), loss(1.05 * fitted), loss(1.0))


@pytest.mark.parametrize(("right", "end"), [(True, 0.25), (False, 4.0)])
def test_fit_temperature_stays_within_its_bounds(right, end):
    probabilities = np.full((50, 10), 0.5 / 9, np.float32)
    probabilities[:, 0] = 0.5
    labels = np.full(50, 0 if right else 1, np.uint8)
    assert fit_temperature(probabilities, labels) == pytest.approx(end, rel=0.01)


def test_brier_score_of_a_hand_worked_table():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.5, 0.5, 0.0]], np.float32)
    # (0.3² + 0.2² + 0.1²) and (0.5² + 0.5² + 1²), of labels 0 and 2
    assert brier_score(probabilities, np.array([0, 2], np.uint8)) == pytest.approx(
        (0.14 + 1.5) / 2, rel=1e-6
    )


def test_brier_score_agrees_with_scikit_learn(rng):
    probabilities, labels = drawn(rng, 1.0, count=500)
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    expected = brier_score_loss(labels, exact, labels=range(10), scale_by_half=False)
    assert brier_score(probabilities, labels) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("label", "score"), [(0, 0.0), (1, 2.0)])
def test_brier_score_reaches_both_ends_of_its_range(label, score):
    assert brier_score(np.array([[1.0, 0.0]], np.float32), np.array([label])) == score


def test_reliability_bins_hold_equally_many_answers_the_least_confident_first():
    found = reliability(*answers([0.9, 0.6, 0.8, 0.7], [True, False, True, True]), num_bins=2)
    assert found == (
        ReliabilityBin(pytest.approx(0.65), 0.5, 2),
        ReliabilityBin(pytest.approx(0.85), 1.0, 2),
    )


def test_fewer_answers_than_bins_make_a_bin_each():
    found = reliability(*answers([0.9, 0.6], [True, False]))
    assert [(each.accuracy, each.count) for each in found] == [(0.0, 1), (1.0, 1)]


def test_no_bins_are_refused():
    with pytest.raises(ConfigError, match="at least one bin, received 0"):
        reliability(*answers([0.9], [True]), num_bins=0)


def test_expected_calibration_error_of_a_hand_worked_table():
    # Two answers, so two bins: |0.9 - 1| and |0.6 - 0|
    found = expected_calibration_error(*answers([0.9, 0.6], [True, False]))
    assert found == pytest.approx((0.1 + 0.6) / 2, rel=1e-6)


def test_bins_weigh_as_many_answers_as_they_hold():
    # 16 answers in 15 bins: the first holds two, both wrong, the others are certain and right
    found = expected_calibration_error(*answers([0.6, 0.6] + 14 * [1.0], [False] * 2 + [True] * 14))
    assert found == pytest.approx(2 * 0.6 / 16, rel=1e-6)


def test_calibrated_answers_have_a_smaller_calibration_error_than_overconfident_ones(rng):
    probabilities, labels = drawn(rng, 2.0)
    calibrated = expected_calibration_error(apply_temperature(probabilities, 2.0), labels)
    assert calibrated < 0.015
    assert expected_calibration_error(probabilities, labels) > 0.1


def test_risk_coverage_of_a_hand_worked_table():
    curve = risk_coverage(*answers([0.6, 0.9, 0.7, 0.8], [False, True, True, False]))
    assert curve.threshold.tolist() == pytest.approx([0.9, 0.8, 0.7, 0.6])
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve.risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert curve.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_equally_confident_answers_are_accepted_together():
    curve = risk_coverage(*answers([0.9, 0.9, 0.6], [True, False, True]))
    assert curve.accepted.tolist() == [2, 3]
    assert curve.errors.tolist() == [1, 1]
    assert curve.area == pytest.approx(2 / 3 * 1 / 2 + 1 / 3 * 1 / 3)


@pytest.mark.parametrize(
    ("coverage", "expected"), [(0.01, (0, 1)), (0.5, (0, 1)), (0.51, (1, 2)), (1.0, (1, 2))]
)
def test_at_a_coverage_the_strictest_threshold_that_reaches_it_decides(coverage, expected):
    curve = risk_coverage(*answers([0.9, 0.6], [True, False]))
    assert curve.count_at(coverage) == expected


def test_a_flawless_reader_is_trusted_with_everything():
    found = find_guaranteed_threshold(*answers([0.6, 0.9] * 1000, [True] * 2000), max_error=0.01)
    assert (found.threshold, found.coverage, found.error) == (0.0, 1.0, 0.0)
    # No error in n answers: the bound is 1 - alpha^(1 / n), alpha shared by the 12 candidates.
    assert found.bound == pytest.approx(1 - (0.05 / 12) ** (1 / 2000))


def test_the_doubtful_answers_are_left_out_when_they_are_wrong():
    confidence = np.append(np.full(900, 0.9), np.full(100, 0.5 + 0.1))
    right = np.arange(1000) < 900
    found = find_guaranteed_threshold(*answers(confidence, right), max_error=0.01)
    assert 0.6 < found.threshold <= 0.9
    assert (found.coverage, found.error) == (0.9, 0.0)


def test_the_bound_is_clopper_and_pearsons():
    right = np.arange(1000) >= 30
    found = find_guaranteed_threshold(*answers(np.full(1000, 0.9), right), max_error=0.06)
    assert found.error == 0.03
    assert found.bound == pytest.approx(beta.ppf(1 - 0.05 / 12, 31, 970))


def test_more_certainty_accepts_no_more(rng):
    probabilities, labels = drawn(rng, 1.0)
    loose = find_guaranteed_threshold(probabilities, labels, 0.25, certainty=0.5)
    strict = find_guaranteed_threshold(probabilities, labels, 0.25, certainty=0.999)
    assert strict.coverage <= loose.coverage
    assert strict.threshold >= loose.threshold


def test_the_guarantee_holds_on_unseen_answers_as_often_as_it_says(rng):
    unseen, true = drawn(rng, 1.0, count=50_000)
    confidence, wrong = unseen.max(axis=1), unseen.argmax(axis=1) != true
    broken = 0
    for _ in range(40):
        chosen = find_guaranteed_threshold(*drawn(rng, 1.0, count=1000), max_error=0.35)
        broken += wrong[confidence >= chosen.threshold].mean() > 0.35
    assert broken <= 4


def test_what_no_threshold_reaches_is_an_error():
    with pytest.raises(ConfigError, match=r"at most 1\.000% \(95% certain\).*of 100 answers"):
        find_guaranteed_threshold(*answers([0.9] * 100, [True] * 100), max_error=0.01)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_shares_that_bound_nothing_are_refused(share):
    with pytest.raises(ConfigError, match="max_error above 0 and below 1"):
        find_guaranteed_threshold(*answers([0.9], [True]), max_error=share)
    with pytest.raises(ConfigError, match="certainty above 0 and below 1"):
        find_guaranteed_threshold(*answers([0.9], [True]), max_error=0.5, certainty=share)


@pytest.mark.parametrize(
    ("share", "threshold"), [(1.0, 0.5), (0.8, 0.25), (0.79, 0.25), (0.81, 0.5), (0.01, 0.0)]
)
def test_the_threshold_keeps_the_share_and_is_the_smallest_that_does(share, threshold):
    scores = np.array([0.5, 0.0, 0.125, 0.25, 0.0625], np.float32)
    assert fit_rejection_threshold(scores, share) == threshold


def test_a_threshold_keeps_995_of_1000():
    scores = np.arange(1000, dtype=np.float32)
    assert (scores <= fit_rejection_threshold(scores, 0.995)).sum() == 995


@pytest.mark.parametrize("share", [0.0, 1.01, float("nan")])
def test_a_share_that_cannot_be_kept_is_refused(share):
    with pytest.raises(ConfigError, match="above 0 and at most 1"):
        fit_rejection_threshold(np.zeros(3, np.float32), share)


def test_no_scores_are_refused():
    with pytest.raises(ConfigError, match="at least one score"):
        fit_rejection_threshold(np.zeros(0, np.float32), 0.5)
