"""Calibration: confidences that mean what they say, and thresholds that rest on them.

Throughout, ``probabilities`` is (N, K) float32 with rows that add up to 1, ``labels`` is (N,) with
the true labels, 0 to K - 1, and the confidence of an answer is the largest probability of its row.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest

from inkread.errors import ConfigError
from inkread.models.runtime import apply_temperature

__all__ = [
    "Guarantee",
    "ReliabilityBin",
    "RiskCoverage",
    "brier_score",
    "expected_calibration_error",
    "fit_temperature",
    "guaranteed_threshold",
    "negative_log_likelihood",
    "reliability",
    "risk_coverage",
    "threshold_keeping",
]

NUM_BINS = 15
# What ``guaranteed_threshold`` may reject. Fixed before any data are seen, and few: each costs.
REJECTED_SHARES = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)

Probabilities = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers of about the same confidence.

    Attributes:
        confidence: their mean confidence, in [0, 1].
        accuracy: share of them that is right.
        count: how many there are.
    """

    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True)
class RiskCoverage:
    """How often a reader errs that answers only when it is sure, for every meaning of "sure".

    Attributes:
        threshold: (M,) float32, the distinct confidences, falling; an answer is accepted when its
            confidence is at least the threshold, so equally confident ones stay together.
        accepted: (M,) int64, how many answers are accepted; rising, the last is N.
        errors: (M,) int64, how many of those are wrong.
    """

    threshold: npt.NDArray[np.float32]
    accepted: npt.NDArray[np.int64]
    errors: npt.NDArray[np.int64]

    @property
    def coverage(self) -> npt.NDArray[np.float64]:
        """Share of the answers that is accepted: (M,) in (0, 1]."""
        return np.asarray(self.accepted / self.accepted[-1])

    @property
    def risk(self) -> npt.NDArray[np.float64]:
        """Share of the accepted answers that is wrong: (M,) in [0, 1]."""
        return np.asarray(self.errors / self.accepted)

    @property
    def area(self) -> float:
        """Area under the risk as a function of the coverage; the smaller the better."""
        return float(np.sum(self.risk * np.diff(self.coverage, prepend=0.0)))

    def at(self, coverage: float) -> tuple[int, int]:
        """Return (errors, accepted) at the strictest threshold that accepts this share or more."""
        place = int(np.searchsorted(self.accepted, round(coverage * self.accepted[-1], 6)))
        return int(self.errors[place]), int(self.accepted[place])


@dataclass(frozen=True)
class Guarantee:
    """A threshold under which errors are rare, with the certainty of that.

    Attributes:
        threshold: accept an answer when its confidence is at least this.
        coverage: share of the answers that is accepted.
        error: share of the accepted answers that is wrong.
        bound: upper confidence bound of the error on unseen answers.
    """

    threshold: float
    coverage: float
    error: float
    bound: float


def negative_log_likelihood(probabilities: Probabilities, labels: Labels) -> float:
    """Mean negative logarithm of the probability given to the true label, in nats."""
    true = probabilities[np.arange(len(labels)), labels]
    return float(np.log(1 / np.maximum(true, np.finfo(np.float32).tiny)).mean())


def brier_score(probabilities: Probabilities, labels: Labels) -> float:
    """Mean squared distance between the probabilities and the truth, from 0 to 2.

    The sum over all K labels of (probability - 1 for the true label, - 0 for the others) squared,
    averaged over the answers: the multi-class definition of Brier 1950. With two labels it is twice
    what the one-sided definition gives.
    """
    truth = np.eye(probabilities.shape[1])[labels]
    return float(np.square(probabilities - truth).sum(axis=1).mean())


def reliability(
    probabilities: Probabilities, labels: Labels, num_bins: int = NUM_BINS
) -> tuple[ReliabilityBin, ...]:
    """Group the answers by confidence, as many in each group, the least confident first.

    Bins of equal mass (Nixon et al. 2019, "Measuring calibration in deep learning"), not of equal
    width: of a good network's answers nearly all would share one bin of equal width. Fewer answers
    than bins make a bin each.

    Raises:
        ConfigError: ``num_bins`` below 1.
    """
    if num_bins < 1:
        raise ConfigError(f"expected at least one bin, received {num_bins}")
    confidence, right = _confidence_and_right(probabilities, labels)
    order = np.argsort(confidence, kind="stable")
    return tuple(
        ReliabilityBin(float(confidence[part].mean()), float(right[part].mean()), len(part))
        for part in np.array_split(order, min(num_bins, len(order)))
    )


def expected_calibration_error(probabilities: Probabilities, labels: Labels) -> float:
    """Mean distance between confidence and accuracy over ``NUM_BINS`` bins of equal mass.

    Expected calibration error of the most likely label: Guo, Pleiss, Sun and Weinberger 2017, "On
    calibration of modern neural networks", here with the bins of Nixon et al. 2019.
    """
    bins = reliability(probabilities, labels)
    distances = [abs(each.confidence - each.accuracy) for each in bins]
    return float(np.average(distances, weights=[each.count for each in bins]))


def risk_coverage(probabilities: Probabilities, labels: Labels) -> RiskCoverage:
    """Count accepted and wrong answers at every threshold of the confidence.

    The risk-coverage curve: Geifman and El-Yaniv 2017, "Selective classification for deep neural
    networks".
    """
    confidence, right = _confidence_and_right(probabilities, labels)
    order = np.argsort(-confidence, kind="stable")
    confidence, wrong = confidence[order], ~right[order]
    last_of_equals = np.append(np.flatnonzero(np.diff(confidence)), len(order) - 1)
    return RiskCoverage(
        threshold=confidence[last_of_equals],
        accepted=last_of_equals + 1,
        errors=np.cumsum(wrong)[last_of_equals],
    )


def guaranteed_threshold(
    probabilities: Probabilities, labels: Labels, max_error: float, certainty: float = 0.95
) -> Guarantee:
    """Find the threshold that accepts most and errs at most so often, also on unseen answers.

    Selection with guaranteed risk after Geifman and El-Yaniv 2017. The candidates reject fixed
    shares of the answers, ``REJECTED_SHARES``. Given the highest confidence that a candidate
    rejects, the answers it accepts are independent draws, so the bound is the exact one of Clopper
    and Pearson 1934; that the best candidate is taken is paid for by Bonferroni's correction: each
    bound holds with certainty 1 - (1 - ``certainty``) / number of candidates.

    Args:
        probabilities: (N, K) float32, calibrated, of validation images. They must not be those
            that the figure is reported on.
        labels: (N,) their true labels.
        max_error: the share of wrong answers among the accepted ones not to exceed, in (0, 1).
        certainty: of the bound, in (0, 1).

    Raises:
        ConfigError: no threshold reaches it, or a share is not in (0, 1).
    """
    for name, value in (("max_error", max_error), ("certainty", certainty)):
        if not 0 < value < 1:
            raise ConfigError(f"expected {name} above 0 and below 1, received {value}")
    confidence, right = _confidence_and_right(probabilities, labels)
    ascending = np.sort(confidence)
    one_sided = 1 - (1 - certainty) / len(REJECTED_SHARES)
    lowest = 1.0
    for rejected in REJECTED_SHARES:  # the most accepting first
        num_rejected = int(rejected * len(ascending))
        # The next number above the last rejected confidence: that answer itself tells nothing.
        highest_rejected = ascending[num_rejected - 1] if num_rejected else np.float32(-1)
        threshold = max(float(np.nextafter(highest_rejected, np.float32(2))), 0.0)
        accepted = confidence >= threshold
        num_accepted = int(accepted.sum())
        if not num_accepted:
            continue
        num_errors = int((accepted & ~right).sum())
        bound = _upper_bound(num_errors, num_accepted, one_sided)
        lowest = min(lowest, bound)
        if bound <= max_error:
            coverage = num_accepted / len(confidence)
            return Guarantee(threshold, coverage, num_errors / num_accepted, bound)
    raise ConfigError(
        f"expected a threshold with an error of at most {max_error:.3%} ({certainty:.0%} certain), "
        f"but the best of {len(confidence):,} answers' bounds is {lowest:.3%}"
    )


def threshold_keeping(scores: npt.NDArray[np.float32], share: float) -> float:
    """Return the smallest threshold that at least this share of the scores does not exceed.

    Args:
        scores: (N,) float32, N at least 1: how little each validation digit looks like one; what
            scores above the threshold is rejected.
        share: of the digits to keep, in (0, 1].

    Raises:
        ConfigError: no scores, or a share not in (0, 1].
    """
    if not 0 < share <= 1:
        raise ConfigError(f"expected a share above 0 and at most 1, received {share}")
    if not len(scores):
        raise ConfigError("expected at least one score, received none")
    return float(np.quantile(scores, share, method="inverted_cdf"))


def fit_temperature(probabilities: Probabilities, labels: Labels) -> float:
    """Find the temperature with the smallest negative log-likelihood, between 1/4 and 4.

    Args:
        probabilities: (N, K) float32 of validation images, uncalibrated.
        labels: (N,) their true labels, 0 to K - 1.
    """

    def loss(log_temperature: float) -> float:
        scaled = apply_temperature(probabilities, float(np.exp(log_temperature)))
        return negative_log_likelihood(scaled, labels)

    found = minimize_scalar(loss, bounds=(np.log(0.25), np.log(4.0)), method="bounded")
    return float(np.exp(found.x))


def _confidence_and_right(
    probabilities: Probabilities, labels: Labels
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == labels


def _upper_bound(successes: int, n: int, certainty: float) -> float:
    """Return the one-sided upper confidence bound of a share (Clopper and Pearson 1934)."""
    test = binomtest(successes, n, alternative="less")
    return float(test.proportion_ci(certainty, method="exact").high)
