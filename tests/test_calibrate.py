import math

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from inkread.runtime import with_temperature
from inkread.training.calibrate import fit_temperature, negative_log_likelihood


def drawn(rng, temperature, count=20_000):
    """Uncalibrated probabilities, and labels drawn as ``softmax(logits / temperature)`` says."""
    logits = rng.normal(0, 2, (count, 10))
    cumulative = softmax(logits / temperature, axis=1).cumsum(axis=1)
    labels = (rng.random((count, 1)) > cumulative).sum(axis=1).clip(max=9).astype(np.uint8)
    return softmax(logits, axis=1).astype(np.float32), labels


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
        return negative_log_likelihood(with_temperature(probabilities, temperature), labels)

    assert loss(fitted) <= min(loss(0.95 * fitted), loss(1.05 * fitted), loss(1.0))


@pytest.mark.parametrize(("right", "end"), [(True, 0.25), (False, 4.0)])
def test_fit_temperature_stays_within_its_bounds(right, end):
    probabilities = np.full((50, 10), 0.5 / 9, np.float32)
    probabilities[:, 0] = 0.5
    labels = np.full(50, 0 if right else 1, np.uint8)
    assert fit_temperature(probabilities, labels) == pytest.approx(end, rel=0.01)
