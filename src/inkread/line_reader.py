"""Crops to numbers: strips through the line model, decoded, doubtful ones looked at again."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from inkread import crops, decode, looks, normalize, opinion
from inkread.constraints import Constraint
from inkread.crops import Crop
from inkread.results import REJECTED, Box, Digit, Number
from inkread.runtime import LineModel

__all__ = ["LineReader"]

Output = npt.NDArray[np.float32]  # (T, C) natural logs of probabilities, a strip's

_SURE_LOG_PROBABILITY = math.log(0.9)  # a number less probable is looked at again
_VIEWED = 4  # readings of each view that count
_JUNK_IN_NUMBERS = 0.1  # how much rarer what is no digit is in a picture of a number
_LEAST_LOG_PROBABILITY = math.log(1e-3)  # of what satisfies a constraint: below, nothing does


class LineReader:
    """Reads the numbers in crops, each as a whole."""

    def __init__(self, model: LineModel, min_confidence: float) -> None:
        """Take a model.

        Args:
            model: that says what is written in a strip.
            min_confidence: reject digits and numbers below this confidence, in [0, 1].
        """
        self._model, self._min_confidence = model, min_confidence

    def read(
        self,
        cut: Sequence[Crop],
        constraint: Constraint | None,
        pieces: Sequence[Sequence[Digit]] = (),
    ) -> Iterator[Number]:
        """Read the number in each crop.

        Args:
            cut: the crops.
            constraint: what is known of each number.
            pieces: for each crop the pieces of its ink read as single digits, from left to right:
                a second opinion.

        Yields:
            For each crop its most probable number; where nothing satisfies the constraint, a
            rejected one without digits.
        """
        strips = [normalize.strip(crop.pixels, self._model.shape) for crop in cut]
        outputs = self._model.log_probabilities([strip.pixels for strip in strips])
        for crop, strip, output, digits in zip(
            cut, strips, outputs, pieces or [()] * len(cut), strict=True
        ):
            yield self._numbers(crop, strip, output, constraint, 1, digits)[0]

    def candidates(
        self, crop: Crop, constraint: Constraint | None, count: int
    ) -> tuple[Number, ...]:
        """Read a crop that holds a number for certain, in several ways, the most probable first.

        Args:
            crop: of the number.
            constraint: what is known of it.
            count: how many ways are wanted at most.

        Returns:
            At least one number; where nothing satisfies the constraint, a rejected one without
            digits.
        """
        strip = normalize.strip(crop.pixels, self._model.shape)
        (output,) = self._model.log_probabilities([strip.pixels])
        return self._numbers(crop, strip, output, constraint, count, None)

    def _numbers(
        self,
        crop: Crop,
        strip: normalize.Strip,
        output: Output,
        constraint: Constraint | None,
        count: int,
        digits: Sequence[Digit] | None,
    ) -> tuple[Number, ...]:
        """Return the numbers that a strip may show; without ``digits`` it shows one for certain."""
        certain = digits is None
        output = self._without_junk(output) if certain else output
        readings = self._ways(output, constraint, count)
        if not readings or readings[0].log_probability < _SURE_LOG_PROBABILITY:
            readings = self._looked_again(strip, output, constraint, count, certain)
        num_read = len(readings[0].text) if readings else 0
        second = opinion.opinion(digits or (), strip, crop, num_read)
        if second is not None and (constraint is None or constraint.accepts(second.text)):
            # There is a digit: what shows none, but a stroke that parts digits, is out.
            shown = [reading for reading in readings if reading.text]
            share = opinion.weight(digits or ()) if shown else 1.0
            readings = looks.agreed([shown, [second]], [1 - share, share], count)
        plain = None
        if constraint is not None:
            plain = decode.best(output, self._model.symbols).text
            if not readings or readings[0].log_probability < _LEAST_LOG_PROBABILITY:
                return (Number("", 0.0, crop.box, (), True, unconstrained=plain),)
        return tuple(self._number(reading, strip, crop, plain) for reading in readings)

    def _ways(
        self, output: Output, constraint: Constraint | None, count: int
    ) -> tuple[decode.Reading, ...]:
        return decode.candidates(output, self._model.symbols, constraint, count)

    def _looked_again(
        self,
        strip: normalize.Strip,
        output: Output,
        constraint: Constraint | None,
        count: int,
        certain: bool,
    ) -> tuple[decode.Reading, ...]:
        """Return what several views of a strip agree on."""
        seen = self._model.log_probabilities(looks.views(strip.pixels))
        outputs = [output, *((self._without_junk(view) for view in seen) if certain else seen)]
        # More than each view's best, which what is second best in all may outvote.
        answers = [self._ways(view, constraint, max(count, _VIEWED)) for view in outputs]
        return looks.agreed(answers, [1 / len(answers)] * len(answers), count)

    def _without_junk(self, output: Output) -> Output:
        """Make what is no digit less probable, as it is where a number is known to stand."""
        if REJECTED not in self._model.symbols:
            return output
        rarer = output.copy()
        rarer[:, 1 + self._model.symbols.index(REJECTED)] += np.float32(math.log(_JUNK_IN_NUMBERS))
        return np.asarray(rarer - np.logaddexp.reduce(rarer, axis=1, keepdims=True))

    def _number(
        self, reading: decode.Reading, strip: normalize.Strip, crop: Crop, plain: str | None
    ) -> Number:
        boxes = crops.digit_boxes(strip, reading.spans, crop)
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
