"""Figures of merit of a classifier on labelled glyphs, with their intervals."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from inkread.runtime import Figure, Model
from inkread.training.calibrate import negative_log_likelihood
from inkread.training.mnist import Split

__all__ = ["DigitFigures", "Evaluation", "Mistake", "evaluate", "score", "share"]

NUM_LABELS = 10


@dataclass(frozen=True)
class DigitFigures:
    """How one digit fares.

    Attributes:
        label: the digit.
        precision: share of what was read as this digit that is it; 0.0 if nothing was.
        recall: share of this digit's pictures that were read as it; 0.0 if there are none.
        count: how many pictures of it there are.
    """

    label: int
    precision: float
    recall: float
    count: int


@dataclass(frozen=True)
class Mistake:
    """A misread picture: its index, its label, what was read, and with what confidence."""

    index: int
    label: int
    read: int
    confidence: float


@dataclass(frozen=True)
class Evaluation:
    """What one evaluation found.

    Attributes:
        accuracy: share of the pictures read right.
        negative_log_likelihood: mean, in nats.
        digits: precision and recall of each digit.
        confusion: (10, 10) counts; the row is the label, the column what was read.
        mistakes: every misread picture, the most confident mistake first.
    """

    accuracy: Figure
    negative_log_likelihood: float
    digits: tuple[DigitFigures, ...]
    confusion: npt.NDArray[np.int64]
    mistakes: tuple[Mistake, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as ``inkread evaluate --json`` prints them."""
        return {
            "accuracy": vars(self.accuracy),
            "negative_log_likelihood": self.negative_log_likelihood,
            "digits": [vars(digit) for digit in self.digits],
            "confusion": self.confusion.tolist(),
            "mistakes": [vars(mistake) for mistake in self.mistakes],
        }


def share(successes: int, n: int) -> Figure:
    """Return a share with its 95 % Wilson score interval (Wilson 1927)."""
    interval = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return Figure(successes / n, n, float(interval.low), float(interval.high))


def score(probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> Evaluation:
    """Compare probabilities with the true labels.

    Args:
        probabilities: (N, 10) float32, N at least 1; each row adds up to 1.
        labels: (N,) uint8, 0-9.
    """
    read = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    every_label = list(range(NUM_LABELS))
    precision, recall, _, count = precision_recall_fscore_support(
        labels, read, labels=every_label, zero_division=0.0
    )
    wrong = np.flatnonzero(read != labels)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    return Evaluation(
        accuracy=share(len(labels) - len(wrong), len(labels)),
        negative_log_likelihood=negative_log_likelihood(probabilities, labels),
        digits=tuple(
            DigitFigures(label, float(precision[label]), float(recall[label]), int(count[label]))
            for label in every_label
        ),
        confusion=confusion_matrix(labels, read, labels=every_label),
        mistakes=tuple(
            Mistake(int(i), int(labels[i]), int(read[i]), float(confidence[i])) for i in wrong
        ),
    )


def evaluate(model: Model, split: Split) -> Evaluation:
    """Read every image of a split with a model file and compare with the labels."""
    return score(model.probabilities(split.images), split.labels)
