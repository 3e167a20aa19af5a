"""Crops to numbers: strips through the line model, decoded, doubtful ones looked at again."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inkread.decoding.constraints import Constraint
from inkread.decoding.decoder import Guess, Reading, Scores
from inkread.imaging import crops, normalize
from inkread.imaging.crops import Crop
from inkread.imaging.normalize import Strip
from inkread.imaging.segmentation import Region
from inkread.models.runtime import LineModel
from inkread.recognition import augmented_views, fusion
from inkread.recognition.augmented_views import Agreed
from inkread.recognition.glyph_reader import GlyphReader
from inkread.results import REJECTED, Box, Digit, Number

__all__ = ["LineReader"]

Output = npt.NDArray[np.float32]  # (T, C) natural logs of probabilities, a strip's

_SURE_LOG_PROBABILITY = math.log(0.95)  # a number less probable is looked at again
_LIKELY = math.log(0.25)  # what is less probable says not how many digits there are
_VIEWED = 4  # readings of each view that count
_JUNK_IN_NUMBERS = 0.1  # how much rarer what is no digit is in a picture of a number
_LEAST_LOG_PROBABILITY = math.log(1e-3)  # of what satisfies a constraint: below, nothing does


@dataclass(frozen=True)
class _Look:
    """One view of a strip."""

    scores: Scores
    guesses: tuple[Guess, ...]


@dataclass(frozen=True)
class _Seen:
    """All that the line model saw in a strip."""

    looked: list[_Look]
    constraint: Constraint | None
    count: int

    @property
    def is_doubtful(self) -> bool:
        """Whether one look was not enough."""
        return len(self.looked) > 1

    @property
    def counts(self) -> set[int]:
        """How many digits there may be; a slash of the first look may be a 1."""
        views = [look.guesses for look in self.looked]
        found = augmented_views.agreed(views, [1 / len(views)] * len(views), _VIEWED)
        counts = {len(each.guess.text) for each in found if each.log_probability > _LIKELY}
        counts |= {len(each.guess.text) for each in found[:1]}
        num_slashes = self.looked[0].scores.raw.count("/")
        return {count + more for count in counts for more in range(num_slashes + 1)}

    def readings(self, second: Reading | None, share: float) -> list[Reading]:
        """Return the most probable readings, the second opinion counted in by its share."""
        views = [list(look.guesses) for look in self.looked]
        weights = [1 / len(views)] * len(views)
        if second is not None:
            # There is a digit: what shows none, but a stroke that parts digits, is out.
            views = [[guess for guess in view if guess.text] for view in views]
            share = share if any(views) else 1.0
            views.append([Guess(second.text, second.log_probability)])
            weights = [*((1 - share) * weight for weight in weights), share]
        found = augmented_views.agreed(views, weights, self.count)
        return [self._reading(agreed, second) for agreed in found]

    def _reading(self, agreed: Agreed, second: Reading | None) -> Reading:
        if second is not None and agreed.view == len(self.looked):
            reading = second
        else:
            reading = self.looked[agreed.view].scores.make_reading(agreed.guess)
        return augmented_views.with_probability(reading, agreed.log_probability)


class LineReader:
    """Reads the numbers in crops, each as a whole."""

    def __init__(self, model: LineModel, glyphs: GlyphReader, min_confidence: float) -> None:
        """Take the models.

        Args:
            model: that says what is written in a strip.
            glyphs: for second opinions: reads single digits, and rejects only what is none.
            min_confidence: reject digits and numbers below this confidence, in [0, 1].
        """
        self._model, self._glyphs, self._min_confidence = model, glyphs, min_confidence

    def read(
        self,
        cut: Sequence[Crop],
        constraint: Constraint | None,
        runs: Sequence[Sequence[Region]],
    ) -> Iterator[Number]:
        """Read the number in each crop.

        Args:
            cut: the crops.
            constraint: what is known of each number.
            runs: for each crop the pieces of its ink, from left to right: for a second opinion on
                what is doubtful, may be a single digit, or has other pieces than digits.

        Yields:
            For each crop its most probable number; where nothing satisfies the constraint, a
            rejected one without digits.
        """
        strips = [normalize.make_strip(crop.pixels, self._model.shape) for crop in cut]
        outputs = self._model.predict_log_probabilities([strip.pixels for strip in strips])
        for crop, strip, output, run in zip(cut, strips, outputs, runs, strict=True):
            seen = self._seen(strip, output, constraint, 1, certain=False)
            is_asked = seen.is_doubtful or len(run) == 1 or len(run) not in seen.counts
            digits = self._glyphs.read(run) if is_asked else []
            second = fusion.opinion(digits, strip, crop, seen.counts)
            yield self._numbers(seen, second, fusion.weight(digits), strip, crop)[0]

    def candidates(
        self,
        crop: Crop,
        constraint: Constraint | None,
        count: int,
        run: Callable[[], Sequence[Region]] | None = None,
    ) -> tuple[Number, ...]:
        """Read a crop that holds a number for certain, in several ways, the most probable first.

        Args:
            crop: of the number.
            constraint: what is known of it.
            count: how many ways are wanted at most.
            run: finds the pieces of its ink, from left to right; asked for a second opinion where
                the first is doubtful.

        Returns:
            At least one number; where nothing satisfies the constraint, a rejected one without
            digits.
        """
        strip = normalize.make_strip(crop.pixels, self._model.shape)
        (output,) = self._model.predict_log_probabilities([strip.pixels])
        seen = self._seen(strip, output, constraint, count, certain=True)
        second, share = None, 0.0
        if run and seen.is_doubtful:
            pieces = run()
            # Whatever lies on the paper may be a piece here: they must be as many as the digits.
            if len(pieces) in seen.counts or not any(seen.counts):
                digits = self._glyphs.read(pieces)
                second = fusion.opinion(digits, strip, crop, seen.counts)
                share = fusion.weight(digits)
        return self._numbers(seen, second, share, strip, crop)

    def _seen(
        self,
        strip: Strip,
        output: Output,
        constraint: Constraint | None,
        count: int,
        *,
        certain: bool,
    ) -> _Seen:
        """Look at a strip, several times if in doubt; ``certain``: it shows a number."""

        def scores(output: Output) -> Scores:
            return Scores(self._without_junk(output) if certain else output, self._model.symbols)

        seen = [scores(output)]
        first = seen[0].find_certain_guess(constraint)
        if first and first.log_probability >= _SURE_LOG_PROBABILITY:
            guesses = [seen[0].find_guesses(constraint, count)]
        else:
            views = self._model.predict_log_probabilities(augmented_views.views(strip.pixels))
            seen += [scores(view) for view in views]
            # More than each view's best, which what is second best in all may outvote.
            guesses = augmented_views.guesses(seen, constraint, max(count, _VIEWED))
        looked = [_Look(*look) for look in zip(seen, guesses, strict=True)]
        return _Seen(looked, constraint, count)

    def _numbers(
        self, seen: _Seen, second: Reading | None, share: float, strip: Strip, crop: Crop
    ) -> tuple[Number, ...]:
        """Return the numbers that a strip may show, the second opinion counted in by its share."""
        constraint = seen.constraint
        if second is not None and constraint is not None and not constraint.accepts(second.text):
            second = None
        plain = None
        readings = seen.readings(second, share)
        if constraint is not None:
            plain = seen.looked[0].scores.decode_best().text
            if not readings or readings[0].log_probability < _LEAST_LOG_PROBABILITY:
                return (Number("", 0.0, crop.box, (), True, unconstrained=plain),)
        return tuple(self._number(reading, strip, crop, plain) for reading in readings)

    def _without_junk(self, output: Output) -> Output:
        """Make what is no digit less probable, as it is where a number is known to stand."""
        if REJECTED not in self._model.symbols:
            return output
        rarer = output.copy()
        rarer[:, 1 + self._model.symbols.index(REJECTED)] += np.float32(math.log(_JUNK_IN_NUMBERS))
        return np.asarray(rarer - np.logaddexp.reduce(rarer, axis=1, keepdims=True))

    def _number(self, reading: Reading, strip: Strip, crop: Crop, plain: str | None) -> Number:
        boxes = crops.find_digit_boxes(strip, reading.spans, crop)
        digits = tuple(
            self._written_digit(*parts)
            for parts in zip(
                reading.text, reading.confidences, reading.alternatives, boxes, strict=True
            )
        )
        confidence = math.exp(min(0.0, reading.log_probability))
        return Number(
            text="".join(digit.text for digit in digits),
            confidence=confidence if digits else 0.0,
            box=_union(boxes) if boxes else crop.box,
            digits=digits,
            rejected=not digits
            or confidence < self._min_confidence
            or any(digit.rejected for digit in digits),
            raw=reading.raw,
            unconstrained=plain if plain != reading.text else None,
        )

    def _written_digit(
        self, symbol: str, confidence: float, alternatives: tuple[float, ...], box: Box
    ) -> Digit:
        is_junk = symbol == REJECTED
        return Digit(
            label=int(np.argmax(alternatives)) if is_junk else int(symbol),
            confidence=0.0 if is_junk else confidence,
            box=box,
            probabilities=alternatives,
            rejected=is_junk or confidence < self._min_confidence,
            junk=confidence if is_junk else 0.0,
        )


def _union(boxes: Sequence[Box]) -> Box:
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )
