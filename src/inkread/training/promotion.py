"""Decides whether a fine-tuned model may replace the model it was made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inkread.errors import ModelError
from inkread.models.metadata import Figure
from inkread.models.registry import Registry, Version
from inkread.models.runtime import LineModel, Model
from inkread.training.batches.line_batches import StripPool
from inkread.training.evaluation.evaluate import estimate_share
from inkread.training.finetune import NO_DIGIT
from inkread.training.line_fitting import measure_share_right
from inkread.training.mnist import Split

__all__ = ["Margins", "Trial", "compare", "compare_lines", "mark_correct", "promote"]


@dataclass(frozen=True)
class Margins:
    """The largest losses of accuracy with which a new model is still promoted.

    Attributes:
        validation: on MNIST's validation images, where 0.0005 are 2 of the 5,000; or on 2,000
            synthetic numbers.
        held_out: on the held-out corrections.
    """

    validation: float = 0.0005
    held_out: float = 0.0


LINE_MARGINS = Margins(validation=0.005)


@dataclass(frozen=True)
class Trial:
    """The accuracies of the old and the new model on the same images.

    Attributes:
        name: the name of the images, for users.
        before: accuracy of the old model.
        after: accuracy of the new model.
        margin: largest permitted loss of accuracy.
    """

    name: str
    before: Figure
    after: Figure
    margin: float

    @property
    def is_passed(self) -> bool:
        """Whether the loss of accuracy is within the margin."""
        # Counted in images, so that rounding errors can't decide.
        lost = round((self.before.value - self.after.value) * self.before.n)
        return lost <= self.margin * self.before.n + 1e-9

    @property
    def summary(self) -> str:
        """One sentence with the figures, the difference and the margin."""
        points = 100 * (self.after.value - self.before.value)
        return (
            f"{self.name}: {self.before.value:.2%} read right before, {self.after.value:.2%} after "
            f"({points:+.2f} points, n = {self.before.n:,}; at most {100 * self.margin:.2f} may be "
            "lost)"
        )


def compare(
    before: Model, after: Path, validation: Split, held_out: Split, margins: Margins | None = None
) -> tuple[Trial, Trial]:
    """Compare two models on MNIST's validation images and on held-out corrections.

    Args:
        before: the old model.
        after: the file of the new model.
        validation: digits with labels 0 to 9; rejection is ignored.
        held_out: corrections with labels 0 to 9 or ``NO_DIGIT``; a rejected digit counts as wrong.
        margins: the permitted losses; by default ``Margins()``.

    Returns:
        The two trials; the new model may be promoted if both are passed.
    """
    margins = margins or Margins()
    figures = [
        (
            _accuracy(model, validation),
            estimate_share(int(mark_correct(model, held_out).sum()), len(held_out)),
        )
        for model in (before, Model(after))
    ]
    (old_validation, old_held_out), (new_validation, new_held_out) = figures
    return (
        Trial("MNIST's validation images", old_validation, new_validation, margins.validation),
        Trial("corrections held out", old_held_out, new_held_out, margins.held_out),
    )


def compare_lines(
    before: LineModel,
    after: Path,
    validation: StripPool,
    held_out: StripPool,
    margins: Margins | None = None,
) -> tuple[Trial, Trial]:
    """Compare two line models on synthetic numbers and on held-out corrections.

    Args:
        before: the old model.
        after: the file of the new model.
        validation: synthetic numbers.
        held_out: corrections.
        margins: the permitted losses; by default ``LINE_MARGINS``.

    Returns:
        The two trials; the new model may be promoted if both are passed.
    """
    margins = margins or LINE_MARGINS
    old, new = before, LineModel(after)
    return (
        Trial(
            "synthetic numbers",
            measure_share_right(old, validation),
            measure_share_right(new, validation),
            margins.validation,
        ),
        Trial(
            "corrected numbers held out",
            measure_share_right(old, held_out),
            measure_share_right(new, held_out),
            margins.held_out,
        ),
    )


def promote(
    model_file: Path,
    trials: Sequence[Trial],
    registry: Registry,
    name: str,
    kind: type[Model | LineModel] = Model,
) -> Version:
    """Put a model into use if it passed every trial.

    Args:
        model_file: the file of the new model.
        trials: the result of ``compare`` or ``compare_lines``.
        registry: the registry to promote it in.
        name: as for ``Registry.promote``.
        kind: as for ``Registry.promote``.

    Raises:
        ModelError: a trial failed; the message gives its figures.
        OSError: the registry can't be written; the model in use is then unchanged.
    """
    if failed := [trial.summary for trial in trials if not trial.is_passed]:
        raise ModelError(
            f"{model_file} is not promoted, because it got worse; " + "; ".join(failed)
        )
    return registry.promote(model_file, name, kind)


def mark_correct(model: Model, glyphs: Split) -> npt.NDArray[np.bool_]:
    """Return which glyphs a reader with this model would read as labelled.

    Args:
        model: the model.
        glyphs: glyphs with labels 0 to 9, or ``NO_DIGIT`` if they should be rejected.

    Returns:
        (N,) bool.
    """
    found = model.classify(glyphs.images)
    answers = np.where(model.rejects(found.junk), NO_DIGIT, found.probabilities.argmax(axis=1))
    return np.asarray(answers == glyphs.labels)


def _accuracy(model: Model, digits: Split) -> Figure:
    answers = model.predict_probabilities(digits.images).argmax(axis=1)
    return estimate_share(int((answers == digits.labels).sum()), len(digits))
