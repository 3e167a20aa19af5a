"""Which ink, and which empty paper, decided how a digit is read.

Occlusion (Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", section
4.2): a soft patch wanders over the glyph and takes the ink below it away; then it wanders once more
and puts ink where there is none. What that does to the odds of the digit that was read, against
the runner-up's, is the evidence of the ink and of the paper at that place. Where a gap makes a 4 of
what would be a 9, only the second of the two finds it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from inkread.errors import ImageError
from inkread.imaging import images, ink, normalize, segmentation
from inkread.imaging.images import Picture
from inkread.reader import Reader
from inkread.recognition.glyph_reader import GlyphReader
from inkread.results import Digit

__all__ = ["Explanation", "explain"]

_PATCH_SIGMA_PX = 1.5  # the patch is 3.5 pixels wide at half its height: a stroke and its edges
_LEAST_PROBABILITY = 1e-30  # keeps logarithms finite
_LEAST_EVIDENCE = 0.05  # what changes the odds by less than 5 % is not worth a word
_COUNTER = 0.25  # what speaks for the runner-up is named if it has this share of the best reason
_ROWS, _COLUMNS = ("upper", "middle", "lower"), ("left", "middle", "right")


@dataclass(frozen=True)
class Explanation:
    """Why one digit was read as it was, and not as the runner-up.

    Evidence is what the odds of the digit against the runner-up lose, as a difference of natural
    logarithms, when a soft patch of ink at that place becomes paper, or of paper becomes ink; times
    the share of ink, or of paper, in the pixel itself. Above 0 it speaks for the digit, below 0 for
    the runner-up.

    Attributes:
        digit: what was read.
        runner_up: the label with the second highest probability.
        glyph: (28, 28) uint8, ink 255 on paper 0: what the network saw.
        ink: (28, 28) float32, the evidence of the ink; 0 where there is none.
        paper: (28, 28) float32, the evidence of the paper's being empty; 0 where there is ink.
        is_junk: whether the model rejects it as no digit, by its own threshold.
    """

    digit: Digit
    runner_up: int
    glyph: npt.NDArray[np.uint8]
    ink: npt.NDArray[np.float32]
    paper: npt.NDArray[np.float32]
    is_junk: bool = False

    @property
    def summary(self) -> str:
        """The strongest reasons in a sentence; places are those of a 3x3 grid over the digit."""
        reading = f"{self.digit.label} ({self.digit.confidence:.1%}), not {self.runner_up}: "
        if self.digit.rejected:
            verdict = f"not a digit ({self.digit.junk:.1%})" if self.is_junk else "not sure"
            reading = f"{verdict}; the best guess is {reading}"
        reasons = self._strongest(self.ink, self.paper)
        said = [words for strength, words in reasons if strength >= _LEAST_EVIDENCE]
        reading += f"most of all because of {' and '.join(said)}" if said else "no place decides"
        against, words = self._strongest(-self.ink, -self.paper)[0]
        if against >= max(_LEAST_EVIDENCE, _COUNTER * reasons[0][0]):
            reading += f"; {words} speaks for {self.runner_up}"
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
        """Return the best piece of either evidence, in words with its place; the better first."""
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


def explain(reader: Reader, image: Picture) -> Explanation:
    """Find what decided how the digit on a picture is read.

    Args:
        reader: what reads it.
        image: a picture of one digit, as for ``Reader.read_digit``.

    Returns:
        The explanation; of the best guess, if the digit is rejected.

    Raises:
        ImageError: not a picture that can be read, or a blank one.
    """
    page = images.load(image)
    region = segmentation.find_single_digit(ink.find(page))
    if region is None:
        raise ImageError("expected a picture of a digit, received one without ink")
    glyph = normalize.make_glyph(region.ink, reader.model.shape)
    # The glyph model's own word, which the evidence explains.
    (digit,) = GlyphReader(reader.model, reader.min_confidence).read([region])
    first, second = np.argsort(-np.array(digit.probabilities), kind="stable")[:2].tolist()
    variants = np.concatenate([glyph[None], *_occluded(glyph)])
    probabilities = np.maximum(reader.model.predict_probabilities(variants), _LEAST_PROBABILITY)
    odds = np.log(probabilities[:, first]) - np.log(probabilities[:, second])
    lost_without_ink, lost_with_ink = (odds[0] - odds[1:]).reshape(2, *glyph.shape)
    share = glyph / np.float32(255)
    threshold = reader.model.metadata.junk_threshold
    return Explanation(
        digit=digit,
        runner_up=second,
        glyph=glyph,
        ink=lost_without_ink * share,
        paper=lost_with_ink * (1 - share),
        is_junk=threshold is not None and digit.junk > threshold,
    )


def _occluded(
    glyph: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return the glyph with less ink, and with more, around each of its pixels in turn.

    Both are (28 * 28, 28, 28) uint8, ink 255 on paper 0.
    """
    offsets = np.subtract.outer(np.arange(len(glyph)), np.arange(len(glyph)))
    along = np.exp(-(offsets**2) / (2 * _PATCH_SIGMA_PX**2))  # a Gaussian about each row, column
    patches = np.einsum("ij,kl->ikjl", along, along).reshape(-1, *glyph.shape)
    removed, added = patches * glyph, patches * (255 - glyph.astype(np.float64))
    return np.rint(glyph - removed).astype(np.uint8), np.rint(glyph + added).astype(np.uint8)
