"""Evaluates a classifier on labelled glyphs: accuracy, calibration, selective risk, mistakes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from inkread.errors import ConfigError
from inkread.models.metadata import Figure
from inkread.models.runtime import Model
from inkread.training.evaluation.calibrate import (
    ReliabilityBin,
    RiskCoverage,
    brier_score,
    expected_calibration_error,
    negative_log_likelihood,
    reliability,
    risk_coverage,
)
from inkread.training.mnist import Split

__all__ = [
    "DigitFigures",
    "Evaluation",
    "McNemar",
    "Mistake",
    "estimate_share",
    "evaluate",
    "mcnemar",
    "score_probabilities",
]

NUM_LABELS = 10
SURE_SHARE = 0.98  # coverage at which ``Evaluation.sure_error`` is measured


@dataclass(frozen=True)
class DigitFigures:
    """Precision and recall of one digit.

    Attributes:
        label: the digit.
        precision: share of the pictures read as this digit that show it; 0.0 if there are none.
        recall: share of the pictures of this digit that were read as it; 0.0 if there are none.
        count: number of pictures of this digit.
    """

    label: int
    precision: float
    recall: float
    count: int


@dataclass(frozen=True)
class Mistake:
    """A misread picture.

    Attributes:
        index: its index in the split.
        label: its true label.
        read: the predicted digit.
        confidence: the probability of ``read``.
        runner_up: the second most likely digit.
        runner_up_confidence: the probability of ``runner_up``.
    """

    index: int
    label: int
    read: int
    confidence: float
    runner_up: int
    runner_up_confidence: float


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of two models on the same pictures.

    Attributes:
        only_first: number of pictures that only the first model read correctly.
        only_second: number of pictures that only the second model read correctly.
        p_value: two-sided p-value of the hypothesis that both are equally accurate, in [0, 1].
    """

    only_first: int
    only_second: int
    p_value: float


@dataclass(frozen=True)
class Evaluation:
    """The results of an evaluation.

    Attributes:
        accuracy: share of the pictures read correctly; no picture is rejected.
        negative_log_likelihood: mean, in nats.
        brier_score: mean, from 0 to 2.
        expected_calibration_error: mean distance between confidence and accuracy.
        reliability: bins of equal size by confidence, the least confident first.
        risk_coverage: errors among the accepted pictures at every confidence threshold.
        sure_error: share misread of the 98 % most confident answers.
        digits: precision and recall of each digit.
        confusion: (10, 10) int64 counts; rows are true labels, columns predicted digits.
        mistakes: every misread picture, the most confident mistake first.
        kept: share of pictures not rejected as "no digit"; ``None`` if the model rejects nothing.
    """

    accuracy: Figure
    negative_log_likelihood: float
    brier_score: float
    expected_calibration_error: float
    reliability: tuple[ReliabilityBin, ...]
    risk_coverage: RiskCoverage
    sure_error: Figure
    digits: tuple[DigitFigures, ...]
    confusion: npt.NDArray[np.int64]
    mistakes: tuple[Mistake, ...]
    kept: Figure | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as ``inkread evaluate --json`` prints them."""
        return {
            "accuracy": vars(self.accuracy),
            "negative_log_likelihood": self.negative_log_likelihood,
            "brier_score": self.brier_score,
            "expected_calibration_error": self.expected_calibration_error,
            "area_under_risk_coverage": self.risk_coverage.area,
            "sure_error": vars(self.sure_error),
            "kept": vars(self.kept) if self.kept else None,
            "reliability": [vars(each) for each in self.reliability],
            "digits": [vars(digit) for digit in self.digits],
            "confusion": self.confusion.tolist(),
            "mistakes": [vars(mistake) for mistake in self.mistakes],
        }


def mcnemar(first: Evaluation, second: Evaluation) -> McNemar:
    """Test whether two models that read the same pictures are equally accurate.

    McNemar's exact two-sided test (McNemar 1947): of the pictures that only one model misread, each
    model is expected to have misread half.

    Args:
        first: evaluation of the first model.
        second: evaluation of the second model on the same pictures in the same order.

    Raises:
        ConfigError: the evaluations are of different pictures.
    """
    if first.accuracy.n != second.accuracy.n or not np.array_equal(
        first.confusion.sum(axis=1), second.confusion.sum(axis=1)
    ):
        raise ConfigError(
            "expected two evaluations of the same pictures, received one of "
            f"{first.accuracy.n:,} and another of {second.accuracy.n:,}"
        )
    misread_by_first = {mistake.index for mistake in first.mistakes}
    misread_by_second = {mistake.index for mistake in second.mistakes}
    only_first = len(misread_by_second - misread_by_first)
    only_second = len(misread_by_first - misread_by_second)
    discordant = only_first + only_second
    p_value = float(binomtest(only_first, discordant).pvalue) if discordant else 1.0
    return McNemar(only_first, only_second, p_value)


def estimate_share(successes: int, n: int) -> Figure:
    """Estimate a share, with its 95 % Wilson score interval (Wilson 1927)."""
    interval = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return Figure(successes / n, n, float(interval.low), float(interval.high))


def score_probabilities(
    probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]
) -> Evaluation:
    """Evaluate probabilities against the true labels.

    Args:
        probabilities: (N, 10) float32, N at least 1; each row sums to 1.
        labels: (N,) uint8, 0-9.
    """
    # A stable sort of the negated values puts the first of equal probabilities first, as argmax.
    read, runner_up = np.argsort(-probabilities, axis=1, kind="stable")[:, :2].T
    rows = np.arange(len(labels))
    confidence, second = probabilities[rows, read], probabilities[rows, runner_up]
    every_label = list(range(NUM_LABELS))
    precision, recall, _, count = precision_recall_fscore_support(
        labels, read, labels=every_label, zero_division=0.0
    )
    wrong = np.flatnonzero(read != labels)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    curve = risk_coverage(probabilities, labels)
    return Evaluation(
        accuracy=estimate_share(len(labels) - len(wrong), len(labels)),
        negative_log_likelihood=negative_log_likelihood(probabilities, labels),
        brier_score=brier_score(probabilities, labels),
        expected_calibration_error=expected_calibration_error(probabilities, labels),
        reliability=reliability(probabilities, labels),
        risk_coverage=curve,
        sure_error=estimate_share(*curve.count_at(SURE_SHARE)),
        digits=tuple(
            DigitFigures(label, float(precision[label]), float(recall[label]), int(count[label]))
            for label in every_label
        ),
        confusion=confusion_matrix(labels, read, labels=every_label),
        mistakes=tuple(
            Mistake(
                index=int(i),
                label=int(labels[i]),
                read=int(read[i]),
                confidence=float(confidence[i]),
                runner_up=int(runner_up[i]),
                runner_up_confidence=float(second[i]),
            )
            for i in wrong
        ),
    )


def evaluate(model: Model, split: Split) -> Evaluation:
    """Classify every image of a split with a model and evaluate the result."""
    answers = model.classify(split.images)
    found = score_probabilities(answers.probabilities, split.labels)
    if model.metadata.junk_threshold is None:
        return found
    return replace(
        found, kept=estimate_share(int((~model.rejects(answers.junk)).sum()), len(split))
    )
