"""Calibration: confidences that mean what they say."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from inkread.runtime import with_temperature

__all__ = ["fit_temperature", "negative_log_likelihood"]


def negative_log_likelihood(
    probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]
) -> float:
    """Mean negative logarithm of the probability given to the true label, in nats.

    Args:
        probabilities: (N, K) float32; each row adds up to 1.
        labels: (N,) the true labels, 0 to K - 1.
    """
    true = probabilities[np.arange(len(labels)), labels]
    return float(np.log(1 / np.maximum(true, np.finfo(np.float32).tiny)).mean())


def fit_temperature(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> float:
    """Find the temperature with the smallest negative log-likelihood, between 1/4 and 4.

    Args:
        probabilities: (N, K) float32 of validation images, uncalibrated.
        labels: (N,) their true labels, 0 to K - 1.
    """

    def loss(log_temperature: float) -> float:
        scaled = with_temperature(probabilities, float(np.exp(log_temperature)))
        return negative_log_likelihood(scaled, labels)

    found = minimize_scalar(loss, bounds=(np.log(0.25), np.log(4.0)), method="bounded")
    return float(np.exp(found.x))
