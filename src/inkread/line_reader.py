"""Crops to numbers: strips through the line model, decoded, doubtful ones looked at again."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from inkread import crops, decode, looks, normalize
from inkread.constraints import Constraint
from inkread.crops import Crop
from inkread.results import REJECTED, Box, Digit, Number
from inkread.runtime import LineModel

__all__ = ["LineReader"]

_SURE_LOG_PROBABILITY = math.log(0.95)  # a number less probable is looked at again
_VIEWED = 4  # readings of each view that count
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
        self, cut: Sequence[Crop], constraint: Constraint | None, count: int = 1
    ) -> Iterator[tuple[Number, ...]]:
        """Read the number in each crop.

        Args:
            cut: the crops.
            constraint: what is known of each number.
            count: how many ways to read each are wanted at most.

        Yields:
            For each crop its most probable numbers, at least one: where nothing satisfies the
            constraint, a rejected one without digits.
        """
        strips = [normalize.strip(crop.pixels, self._model.shape) for crop in cut]
        symbols = self._model.symbols
        outputs = self._model.log_probabilities([strip.pixels for strip in strips])
        found = [self._ways(output, constraint, count) for output in outputs]
        self._look_again(strips, outputs, found, constraint, count)
        for crop, strip, output, readings in zip(cut, strips, outputs, found, strict=True):
            plain = None
            if constraint is not None:
                plain = decode.best(output, symbols).text
                if not readings or readings[0].log_probability < _LEAST_LOG_PROBABILITY:
                    yield (Number("", 0.0, crop.box, (), True, unconstrained=plain),)
                    continue
            yield tuple(self._number(reading, strip, crop, plain) for reading in readings)

    def _ways(
        self, output: npt.NDArray[np.float32], constraint: Constraint | None, count: int
    ) -> tuple[decode.Reading, ...]:
        return decode.candidates(output, self._model.symbols, constraint, count)

    def _look_again(
        self,
        strips: Sequence[normalize.Strip],
        outputs: Sequence[npt.NDArray[np.float32]],
        found: list[tuple[decode.Reading, ...]],
        constraint: Constraint | None,
        count: int,
    ) -> None:
        """Replace readings that are doubtful by what several views of their strips agree on."""
        doubtful = [
            index
            for index, readings in enumerate(found)
            if not readings or readings[0].log_probability < _SURE_LOG_PROBABILITY
        ]
        views = [looks.leaned(strips[index].pixels) for index in doubtful]
        seen = iter(self._model.log_probabilities([view for many in views for view in many]))
        for index, many in zip(doubtful, views, strict=True):
            # More than each view's best, which what is second best in all may outvote.
            answers = [
                self._ways(output, constraint, max(count, _VIEWED))
                for output in (outputs[index], *(next(seen) for _ in many))
            ]
            found[index] = looks.agreed(answers, count)

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
