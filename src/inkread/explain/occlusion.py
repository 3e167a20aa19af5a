"""Finds which ink, and which empty paper, decided how a digit was read.

Occlusion (Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section
4.2): a soft patch is moved over the glyph and removes the ink below it; then it is moved over the
glyph once more and adds ink where there is none. The change that this makes to the odds of the
digit that was read, against the runner-up's, is the evidence of the ink and of the paper at that
place. The paper matters as well: only its evidence shows that a gap makes a digit a 4 and not a 9.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from inkread.imaging import normalize
from inkread.imaging.images import Picture
from inkread.models.runtime import Model
from inkread.reader import Reader
from inkread.recognition.digit_reader import LocatedDigit
from inkread.results import Box, Digit

__all__ = ["Explanation", "explain", "explain_located"]

_PATCH_SIGMA_PX = 1.5  # the patch is 3.5 pixels wide at half its height: a stroke and its edges
_MIN_PROBABILITY = 1e-30  # keeps logarithms finite
_MIN_EVIDENCE = 0.05  # the summary leaves out what changes the odds by less than 5 %
_MIN_COUNTER_SHARE = 0.25  # of the best reason: weaker ones for the runner-up are left out
_ROWS, _COLUMNS = ("upper", "middle", "lower"), ("left", "middle", "right")


@dataclass(frozen=True)
class Explanation:
    """Why one digit was read as it was, and not as the runner-up.

    Evidence is what the odds of the digit against the runner-up lose, as a difference of natural
    logarithms, when a soft patch of ink at that place becomes paper, or of paper becomes ink; times
    the share of ink, or of paper, in the pixel itself. Above 0 it speaks for the digit, below 0 for
    the runner-up. The odds are the glyph model's, also where the line model had a part in what was
    read.

    Attributes:
        digit: what was read.
        runner_up: the most probable label besides the digit's.
        glyph: (28, 28) uint8, ink 255 on paper 0: what the network saw.
        ink: (28, 28) float32, the evidence of the ink; 0 where there is none.
        paper: (28, 28) float32, the evidence of the paper's being empty; 0 where there is ink.
        is_junk: whether it is rejected as no digit, and not only for its confidence.
        glyph_label: what the glyph model alone reads, if that is another label; else ``None``.
    """

    digit: Digit
    runner_up: int
    glyph: npt.NDArray[np.uint8]
    ink: npt.NDArray[np.float32]
    paper: npt.NDArray[np.float32]
    is_junk: bool = False
    glyph_label: int | None = None

    @property
    def summary(self) -> str:
        """The strongest reasons in a sentence; places are those of a 3x3 grid over the digit."""
        # The line model gives a label, but no confidence, to what it takes for no digit.
        confidence = f" ({self.digit.confidence:.1%})" if self.digit.confidence else ""
        reading = f"{self.digit.label}{confidence}, not {self.runner_up}: "
        if self.digit.rejected:
            verdict = f"not a digit ({self.digit.junk:.1%})" if self.is_junk else "not sure"
            reading = f"{verdict}; the best guess is {reading}"
        reasons = self._strongest(self.ink, self.paper)
        said = [words for strength, words in reasons if strength >= _MIN_EVIDENCE]
        reading += f"most of all because of {' and '.join(said)}" if said else "no place decides"
        against, words = self._strongest(-self.ink, -self.paper)[0]
        if against >= max(_MIN_EVIDENCE, _MIN_COUNTER_SHARE * reasons[0][0]):
            reading += f"; {words} speaks for {self.runner_up}"
        if self.glyph_label is not None:
            reading += "; the glyph model, whose evidence this is, would by itself "
            reading += f"read {self.glyph_label}"
        return reading

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold: the digit's, and those of its explanation."""
        return {
            **self.digit.to_dict(),
            "runner_up": self.runner_up,
            "summary": self.summary,
            "glyph": self.glyph.tolist(),
            "evidence": {
                "ink": np.round(self.ink.astype(np.float64), 4).tolist(),
                "paper": np.round(self.paper.astype(np.float64), 4).tolist(),
            },
        }

    def _strongest(
        self, ink: npt.NDArray[np.float32], paper: npt.NDArray[np.float32]
    ) -> list[tuple[float, str]]:
        """Return the strongest ink and the strongest paper, each in words; the stronger first."""
        return sorted(
            [
                (float(evidence.max()), f"{what} at the {self._place(int(evidence.argmax()))}")
                for what, evidence in (("the ink", ink), ("the empty paper", paper))
            ],
            reverse=True,
        )

    def _place(self, index: int) -> str:
        """Return the words for a pixel's place in a 3x3 grid over the digit."""
        inked = np.argwhere(self.glyph > 127)
        first, last = inked.min(axis=0), inked.max(axis=0)
        side = (last - first).max() + 1  # a square: a 1 has paper on its left as well
        start = (first + last + 1 - side) / 2
        pixel = np.array(divmod(index, self.glyph.shape[1])) + 0.5
        row, column = np.clip((pixel - start) * 3 // side, 0, 2).astype(int)
        return "centre" if row == column == 1 else f"{_ROWS[row]} {_COLUMNS[column]}"


def explain(reader: Reader, image: Picture, *, box: Box | None = None) -> Explanation:
    """Find what decided how a digit on a picture is read.

    Args:
        reader: what reads it.
        image: as for ``Reader.read_digit``.
        box: as for ``Reader.read_digit``, of a digit that ``Reader.read`` gave; ``None``: the
            picture is one digit.

    Returns:
        The explanation of what ``Reader.read_digit`` gives; of the best guess, if the digit is
        rejected.

    Raises:
        ImageError: not a picture that can be read, one without ink, or a box outside it or without
            ink.
    """
    return explain_located(reader.model, reader.locate_digit(image, box))


def explain_located(model: Model, located: LocatedDigit) -> Explanation:
    """Find what decided how a digit was read.

    Args:
        model: the glyph model, whose odds are the evidence.
        located: the digit, with its label, and its ink.
    """
    digit, label = located.digit, located.digit.label
    rivals = np.array(digit.probabilities)
    rivals[label] = -1
    runner_up = int(rivals.argmax())
    glyph = normalize.make_glyph(located.ink, model.shape)
    variants = np.concatenate([glyph[None], *_occlude(glyph)])
    probabilities = np.maximum(model.predict_probabilities(variants), _MIN_PROBABILITY)
    odds = np.log(probabilities[:, label]) - np.log(probabilities[:, runner_up])
    lost_without_ink, lost_with_ink = (odds[0] - odds[1:]).reshape(2, *glyph.shape)
    share = glyph / np.float32(255)
    glyph_label = int(probabilities[0].argmax())
    return Explanation(
        digit=digit,
        runner_up=runner_up,
        glyph=glyph,
        ink=lost_without_ink * share,
        paper=lost_with_ink * (1 - share),
        # What the line model takes for no digit has no confidence, and no threshold.
        is_junk=not digit.confidence or bool(model.rejects(digit.junk)),
        glyph_label=None if glyph_label == label else glyph_label,
    )


def _occlude(
    glyph: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return the glyph with ink removed, and with ink added, around each of its pixels in turn.

    Both are (28 * 28, 28, 28) uint8, ink 255 on paper 0.
    """
    offsets = np.subtract.outer(np.arange(len(glyph)), np.arange(len(glyph)))
    along = np.exp(-(offsets**2) / (2 * _PATCH_SIGMA_PX**2))  # a Gaussian about each row, column
    patches = np.einsum("ij,kl->ikjl", along, along).reshape(-1, *glyph.shape)
    removed, added = patches * glyph, patches * (255 - glyph.astype(np.float64))
    return np.rint(glyph - removed).astype(np.uint8), np.rint(glyph + added).astype(np.uint8)
