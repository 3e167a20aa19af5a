"""Whether a model that has learned from corrections may replace the one it was made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inkread.errors import ModelError
from inkread.models.metadata import Figure
from inkread.models.registry import Registry, Version
from inkread.models.runtime import Model
from inkread.training.evaluation.evaluate import estimate_share
from inkread.training.finetune import NO_DIGIT
from inkread.training.mnist import Split

__all__ = ["Margins", "Trial", "compare", "mark_correct", "promote"]


@dataclass(frozen=True)
class Margins:
    """How much worse a new model may be and still be promoted, as shares.

    Attributes:
        validation: of MNIST's validation images read right; 0.0005 are 2 of the 5,000.
        held_out: of the corrections held out that are read right.
    """

    validation: float = 0.0005
    held_out: float = 0.0


@dataclass(frozen=True)
class Trial:
    """One measure of the old model and of the new one.

    Attributes:
        name: what was measured, for people.
        before: share that the old model reads right.
        after: share that the new model reads right.
        margin: how much smaller ``after`` may be.
    """

    name: str
    before: Figure
    after: Figure
    margin: float

    @property
    def is_passed(self) -> bool:
        """Whether the new model isn't worse than the margin allows."""
        # Counted in images, where rounding can't decide.
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
    """Measure two models on MNIST's validation images and on corrections held out.

    Args:
        before: the model that the other was made from.
        after: the model file that may replace it.
        validation: digits, with labels 0 to 9; what is rejected still counts by its best guess.
        held_out: corrections, with labels 0 to 9 or ``NO_DIGIT``; they must be read as the person
            said, so a digit that is rejected is not read right.
        margins: those of ``Margins()`` if not given.

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


def promote(model_file: Path, trials: Sequence[Trial], registry: Registry, name: str) -> Version:
    """Put a model into use if it passed every trial.

    Args:
        model_file: of the new model.
        trials: as ``compare`` gives them.
        registry: where to.
        name: as for ``Registry.promote``.

    Raises:
        ModelError: a trial was not passed; each such is named with its figures.
        OSError: the registry can't be written; the model in use is then as it was.
    """
    if failed := [trial.summary for trial in trials if not trial.is_passed]:
        raise ModelError(
            f"{model_file} is not promoted, because it got worse; " + "; ".join(failed)
        )
    return registry.promote(model_file, name)


def mark_correct(model: Model, glyphs: Split) -> npt.NDArray[np.bool_]:
    """Say which glyphs a reader with this model would read as their labels say.

    Args:
        model: the model.
        glyphs: with labels 0 to 9, or ``NO_DIGIT`` for what is to be rejected.

    Returns:
        (N,) bool.
    """
    found = model.classify(glyphs.images)
    threshold = model.metadata.junk_threshold
    is_rejected = found.junk > (1.0 if threshold is None else threshold)
    answers = np.where(is_rejected, NO_DIGIT, found.probabilities.argmax(axis=1))
    return np.asarray(answers == glyphs.labels)


def _accuracy(model: Model, digits: Split) -> Figure:
    answers = model.predict_probabilities(digits.images).argmax(axis=1)
    return estimate_share(int((answers == digits.labels).sum()), len(digits))
