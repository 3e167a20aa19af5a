"""Measures and corrects the calibration of probabilities, and chooses rejection thresholds.

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
    "find_guaranteed_threshold",
    "fit_rejection_threshold",
    "fit_temperature",
    "negative_log_likelihood",
    "reliability",
    "risk_coverage",
]

NUM_BINS = 15
# Candidate shares of rejected answers in ``find_guaranteed_threshold``. They are fixed in advance,
# and few, since every candidate widens the bounds through Bonferroni's correction.
REJECTED_SHARES = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)

Probabilities = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class ReliabilityBin:
    """A bin of a reliability diagram: answers of similar confidence.

    Attributes:
        confidence: mean confidence of the answers, in [0, 1].
        accuracy: share of correct answers, in [0, 1].
        count: number of answers.
    """

    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True)
class RiskCoverage:
    """A risk-coverage curve: accepted and wrong answers at each confidence threshold.

    Attributes:
        threshold: (M,) float32, the distinct confidences in descending order; an answer is accepted
            if its confidence is at least the threshold.
        accepted: (M,) int64, number of accepted answers, ascending; the last is N.
        errors: (M,) int64, number of accepted answers that are wrong.
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
        """Share of wrong answers among the accepted ones: (M,) float64 in [0, 1]."""
        return np.asarray(self.errors / self.accepted)

    @property
    def area(self) -> float:
        """Area under the risk as a function of the coverage; smaller is better."""
        return float(np.sum(self.risk * np.diff(self.coverage, prepend=0.0)))

    def count_at(self, coverage: float) -> tuple[int, int]:
        """Return (errors, accepted) at the highest threshold whose coverage is at least this."""
        place = int(np.searchsorted(self.accepted, round(coverage * self.accepted[-1], 6)))
        return int(self.errors[place]), int(self.accepted[place])


@dataclass(frozen=True)
class Guarantee:
    """A confidence threshold with an upper bound of the error of the accepted answers.

    Attributes:
        threshold: accept an answer when its confidence is at least this.
        coverage: share of the answers that are accepted.
        error: share of the accepted answers that are wrong.
        bound: upper confidence bound of the error on unseen answers.
    """

    threshold: float
    coverage: float
    error: float
    bound: float


def negative_log_likelihood(probabilities: Probabilities, labels: Labels) -> float:
    """Return the mean negative log probability of the true label, in nats."""
    true = probabilities[np.arange(len(labels)), labels]
    return float(np.log(1 / np.maximum(true, np.finfo(np.float32).tiny)).mean())


def brier_score(probabilities: Probabilities, labels: Labels) -> float:
    """Return the mean squared distance between the probabilities and the one-hot labels, in [0, 2].

    The multi-class definition of Brier 1950: squared differences are summed over the K labels and
    averaged over the answers. With two labels it is twice the value of the one-sided definition.
    """
    truth = np.eye(probabilities.shape[1])[labels]
    return float(np.square(probabilities - truth).sum(axis=1).mean())


def reliability(
    probabilities: Probabilities, labels: Labels, num_bins: int = NUM_BINS
) -> tuple[ReliabilityBin, ...]:
    """Group the answers into bins of equal size by confidence, the least confident first.

    The bins have equal mass (Nixon et al. 2019, "Measuring calibration in deep learning"), since
    nearly all answers of an accurate network would share one bin of equal width. With fewer answers
    than bins, each answer has its own bin.

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
    """Return the mean distance between confidence and accuracy over ``NUM_BINS`` equal-mass bins.

    Expected calibration error of the most likely label: Guo, Pleiss, Sun and Weinberger 2017, "On
    calibration of modern neural networks", here with the bins of Nixon et al. 2019.
    """
    bins = reliability(probabilities, labels)
    distances = [abs(each.confidence - each.accuracy) for each in bins]
    return float(np.average(distances, weights=[each.count for each in bins]))


def risk_coverage(probabilities: Probabilities, labels: Labels) -> RiskCoverage:
    """Count accepted and wrong answers at every confidence threshold.

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


def find_guaranteed_threshold(
    probabilities: Probabilities, labels: Labels, max_error: float, certainty: float = 0.95
) -> Guarantee:
    """Find the most accepting threshold whose error on unseen answers is bounded.

    Selection with guaranteed risk after Geifman and El-Yaniv 2017. The candidate
    thresholds reject the fixed shares ``REJECTED_SHARES`` of the answers. Given the highest
    rejected confidence, the accepted answers are independent draws, so their error has the exact
    bound of Clopper and Pearson 1934. Bonferroni's correction accounts for choosing among the
    candidates: each bound holds with certainty 1 - (1 - ``certainty``) / number of candidates.

    Args:
        probabilities: (N, K) float32, calibrated, of validation images, which must
            not be the images that results are reported on.
        labels: (N,) true labels.
        max_error: largest permitted share of wrong answers among the accepted ones, in (0, 1).
        certainty: confidence level of the bound, in (0, 1).

    Raises:
        ConfigError: no candidate meets the bound, or a share is not in (0, 1).
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
        # The next float32 above the highest rejected confidence, so that this answer is rejected.
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


def fit_rejection_threshold(scores: npt.NDArray[np.float32], share: float) -> float:
    """Return the smallest threshold that at least this share of the scores doesn't exceed.

    Args:
        scores: (N,) float32, N at least 1: probabilities of "no digit" of validation digits; glyphs
            with a score above the threshold are rejected.
        share: share of the digits to accept, in (0, 1].

    Raises:
        ConfigError: no scores, or a share not in (0, 1].
    """
    if not 0 < share <= 1:
        raise ConfigError(f"expected a share above 0 and at most 1, received {share}")
    if not len(scores):
        raise ConfigError("expected at least one score, received none")
    return float(np.quantile(scores, share, method="inverted_cdf"))


def fit_temperature(probabilities: Probabilities, labels: Labels) -> float:
    """Find the temperature in [1/4, 4] with the smallest negative log-likelihood.

    Args:
        probabilities: (N, K) float32, uncalibrated, of validation images.
        labels: (N,) true labels, 0 to K - 1.
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
