"""Reads numbers as a whole: crop, strip, line model, decoding.

A doubtful number is read again: the line model sees augmented views of its strip as well, and the
glyph model reads its digits one by one. All their probabilities are averaged.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from inkread.decoding.constraints import Constraint
from inkread.decoding.decoder import Scores
from inkread.decoding.readings import Guess, Reading
from inkread.imaging import crops, normalize
from inkread.imaging.crops import Crop
from inkread.imaging.normalize import Strip
from inkread.imaging.segmentation import Region
from inkread.models.runtime import LineModel
from inkread.notation import PLAIN, Notation, ValueKind
from inkread.recognition import augmented_views, fusion
from inkread.recognition.augmented_views import AveragedText
from inkread.recognition.glyph_reader import GlyphReader
from inkread.results import REJECTED, Box, Digit, Number, unite

__all__ = ["LineReader"]

Output = npt.NDArray[np.float32]  # (T, C) natural logs of probabilities, a strip's

_MIN_SURE_LOG_PROBABILITY = math.log(0.95)  # a number less probable is read again
_MIN_LENGTH_LOG_PROBABILITY = math.log(0.25)  # less probable texts don't say how long it may be
_MIN_ALIGNED_LOG_PROBABILITY = math.log(1e-6)  # less probable digits have no separators to find
_MIN_GAP = 0.5  # between a whole number and a fraction, in heights of the digits
_NUM_GUESSES = 4  # texts of each view that are averaged
_JUNK_PRIOR_RATIO = 0.1  # how much rarer non-digits are where a number is known to stand
_MIN_CONSTRAINED_LOG_PROBABILITY = math.log(1e-3)  # less probable texts don't satisfy a constraint


@dataclass(frozen=True)
class _View:
    """What the line model says of one view of a strip."""

    scores: Scores
    guesses: tuple[Guess, ...]


@dataclass(frozen=True)
class _Views:
    """What the line model says of a strip: as it is, and in augmented views if it is doubtful.

    Attributes:
        items: the strip as it is comes first.
        constraint: what is known of the text.
        count: how many readings are wanted.
    """

    items: list[_View]
    constraint: Constraint | None
    count: int

    @property
    def is_doubtful(self) -> bool:
        """Whether the strip as it is left doubts, so that there are augmented views."""
        return len(self.items) > 1

    @property
    def lengths(self) -> set[int]:
        """How many digits there may be; each slash in the strip as it is may also be a 1."""
        guesses = [view.guesses for view in self.items]
        weights = [1 / len(guesses)] * len(guesses)
        found = augmented_views.average_guesses(guesses, weights, _NUM_GUESSES)
        likely = [each for each in found if each.log_probability > _MIN_LENGTH_LOG_PROBABILITY]
        lengths = {len(each.guess.text) for each in [*found[:1], *likely]}
        num_slashes = self.items[0].scores.raw.count("/")
        return {length + more for length in lengths for more in range(num_slashes + 1)}

    def readings(
        self, by_glyphs: Reading | None, glyph_weight: float, junk: float
    ) -> list[Reading]:
        """Return the most probable readings.

        Args:
            by_glyphs: the glyph model's reading, averaged with the line model's.
            glyph_weight: its weight, in [0, 1].
            junk: if that reading is that there is no digit: its probability.
        """
        guesses = [list(view.guesses) for view in self.items]
        weights = [1 / len(guesses)] * len(guesses)
        if by_glyphs is not None:
            # The glyph model saw a digit, so that an empty text is out: what the line model took
            # for a separator alone is a digit.
            guesses = [[guess for guess in view if guess.text] for view in guesses]
            glyph_weight = glyph_weight if any(guesses) else 1.0
            guesses.append(self._share_meanings(by_glyphs))
            weights = [*((1 - glyph_weight) * weight for weight in weights), glyph_weight]
        found = augmented_views.average_guesses(guesses, weights, self.count)
        readings = [self._reading(averaged, guesses, weights, by_glyphs) for averaged in found]
        if by_glyphs is None or by_glyphs.text != REJECTED:
            return readings
        # The model's threshold has decided; what is shown is the probability that was measured.
        too_much = weights[-1] * (1 - junk)
        return [
            augmented_views.with_less(each, too_much) if each.text == REJECTED else each
            for each in readings
        ]

    def shows(self, text: str) -> bool:
        """Return whether a text is among the line model's guesses."""
        return any(guess.text == text for view in self.items for guess in view.guesses)

    def _share_meanings(self, by_glyphs: Reading) -> list[Guess]:
        """Return the glyph model's reading as guesses: the line model says what its digits mean.

        Where it is known what the number is, the separators decide what the digits mean, and these
        the glyph model doesn't see.
        """
        if self.constraint is None or not self.constraint.has_kind:
            return [Guess(by_glyphs.text, by_glyphs.log_probability)]
        text = by_glyphs.text
        total = sum(math.exp(view.scores.compute_log_probability(text)) for view in self.items)
        return [
            guess._replace(
                log_probability=by_glyphs.log_probability + guess.log_probability - math.log(total)
            )
            for view in self.items
            for guess in view.guesses
            if guess.text == text and total > 0
        ]

    def _reading(
        self,
        averaged: AveragedText,
        guesses: Sequence[Sequence[Guess]],
        weights: Sequence[float],
        by_glyphs: Reading | None,
    ) -> Reading:
        """Return a text's reading by the view that is the most sure, with mean probabilities."""
        readings, shares = [], []
        for view, (found, weight) in enumerate(zip(guesses, weights, strict=True)):
            for guess in found:
                if guess.text == averaged.guess.text:
                    is_glyphs = by_glyphs is not None and view == len(self.items)
                    readings.append(
                        self._add_separators(by_glyphs, averaged.guess)
                        if by_glyphs is not None and is_glyphs
                        else self.items[view].scores.make_reading(guess)
                    )
                    shares.append(weight * math.exp(guess.log_probability))
                    if view == averaged.view:
                        best = readings[-1]
        reading = augmented_views.with_probability(best, averaged.log_probability)
        if len(readings) == 1:
            return reading
        alternatives = augmented_views.average_alternatives(readings, shares)
        if self.constraint is None:
            alternatives = augmented_views.put_first(alternatives, reading.text)
        return replace(reading, alternatives=alternatives)

    def _add_separators(self, by_glyphs: Reading, guess: Guess) -> Reading:
        """Add the separators that the line model sees between the glyph model's digits."""
        scores = self.items[0].scores
        if REJECTED in guess.text or len(guess.text) > len(scores.log_probabilities) // 2:
            return by_glyphs
        log_probability = scores.compute_log_probability(guess.text)
        if log_probability < _MIN_ALIGNED_LOG_PROBABILITY:
            return replace(by_glyphs, raw_share=0.0)
        raw, share = scores.find_raw(guess._replace(log_probability=log_probability))
        return replace(by_glyphs, raw=raw, raw_share=share)


class LineReader:
    """Reads the numbers in crops, each as a whole."""

    def __init__(self, model: LineModel, glyphs: GlyphReader, min_confidence: float) -> None:
        """Take the models.

        Args:
            model: the line model.
            glyphs: reads the digits of doubtful numbers one by one; it must reject nothing but
                what is no digit.
            min_confidence: digits and numbers less confident than this are rejected, in [0, 1].
        """
        self._model, self._glyphs, self._min_confidence = model, glyphs, min_confidence

    def read(
        self,
        cut: Sequence[Crop],
        constraint: Constraint | None,
        runs: Sequence[Sequence[Region]],
        are_numbers: Sequence[bool] | None = None,
    ) -> Iterator[Number]:
        """Read the number in each crop.

        Args:
            cut: the crops.
            constraint: what is known of each number.
            runs: for each crop the pieces of its ink, from left to right. The glyph model reads
                them where the number is doubtful, where there is a single piece, or where the
                pieces are not as many as the digits.
            are_numbers: for each crop whether it surely shows a number, so that what the glyph
                model takes for no digit is one all the same; ``None``: nothing is known.

        Yields:
            For each crop its most probable number; where nothing satisfies the constraint, a
            rejected one without digits.
        """
        strips = [normalize.make_strip(crop.pixels, self._model.shape) for crop in cut]
        outputs = self._model.predict_log_probabilities([strip.pixels for strip in strips])
        known = are_numbers or [False] * len(cut)
        for crop, strip, output, run, is_number in zip(
            cut, strips, outputs, runs, known, strict=True
        ):
            views = self._views(strip, output, constraint, 1, is_number=is_number)
            needs_glyphs = views.is_doubtful or len(run) == 1 or len(run) not in views.lengths
            digits = self._glyphs.read(run) if needs_glyphs else []
            if is_number and any(digit.rejected for digit in digits):
                digits = []
            by_glyphs = fusion.join_digits(digits, strip, crop, views.lengths)
            yield self._numbers(views, by_glyphs, digits, strip, crop)[0]

    def candidates(
        self,
        crop: Crop,
        constraint: Constraint | None,
        count: int,
        run: Callable[[], Sequence[Region]] | None = None,
    ) -> tuple[Number, ...]:
        """Return the most probable readings of a crop that is known to hold a number.

        Args:
            crop: of the number.
            constraint: what is known of it.
            count: how many readings are wanted at most.
            run: finds the pieces of its ink, from left to right; called where the number is
                doubtful, so that the glyph model can read them.

        Returns:
            At least one number, the most probable first; where nothing satisfies the constraint, a
            rejected one without digits.
        """
        strip = normalize.make_strip(crop.pixels, self._model.shape)
        (output,) = self._model.predict_log_probabilities([strip.pixels])
        views = self._views(strip, output, constraint, count, is_number=True)
        by_glyphs: Reading | None = None
        digits: list[Digit] = []
        if run and views.is_doubtful:
            pieces = run()
            # Anything on the paper may be a piece here: they must be as many as the digits.
            if len(pieces) in views.lengths or not any(views.lengths):
                digits = self._glyphs.read(pieces)
                by_glyphs = fusion.join_digits(digits, strip, crop, views.lengths)
        return self._numbers(views, by_glyphs, digits, strip, crop)

    def _views(
        self,
        strip: Strip,
        output: Output,
        constraint: Constraint | None,
        count: int,
        *,
        is_number: bool = False,
    ) -> _Views:
        """Search a strip for texts, and augmented views of it if the best one is doubtful.

        Args:
            strip: to read.
            output: of the line model for the strip.
            constraint: what is known of the text.
            count: how many texts are wanted.
            is_number: whether the strip is known to show a number.
        """

        def scores(output: Output) -> Scores:
            return Scores(self._without_junk(output) if is_number else output, self._model.symbols)

        searched = None if constraint is None or constraint.demands_nothing else constraint
        found = [scores(output)]
        best = found[0].find_certain_guess(searched)
        if best and best.log_probability >= _MIN_SURE_LOG_PROBABILITY:
            guesses = [found[0].find_guesses(searched, count)]
        else:
            augmented = augmented_views.make_views(strip.pixels)
            outputs = self._model.predict_log_probabilities(augmented)
            found += [scores(output) for output in outputs]
            # Several, since a text that is second in every view may be the best on average.
            guesses = augmented_views.guess_texts(found, searched, max(count, _NUM_GUESSES))
        items = [_View(*view) for view in zip(found, guesses, strict=True)]
        return _Views(items, constraint, count)

    def _numbers(
        self,
        views: _Views,
        by_glyphs: Reading | None,
        digits: Sequence[Digit],
        strip: Strip,
        crop: Crop,
    ) -> tuple[Number, ...]:
        """Return the numbers that a strip may show.

        Args:
            views: what the line model says.
            by_glyphs: the glyph model's reading, if it has one.
            digits: that this reading is made of.
            strip: to read.
            crop: that it was made from.
        """
        constraint = views.constraint
        if by_glyphs is not None and constraint and not constraint.demands_nothing:
            is_known = constraint.has_kind and views.shows(by_glyphs.text)
            if not (is_known or constraint.accepts(by_glyphs.text)):
                by_glyphs = None
        plain = None
        junk = digits[0].junk if by_glyphs is not None else 0.0
        readings = views.readings(by_glyphs, fusion.choose_weight(digits), junk)
        if constraint is not None and not constraint.demands_nothing:
            plain = views.items[0].scores.decode_best().text
            if not readings or readings[0].log_probability < _MIN_CONSTRAINED_LOG_PROBABILITY:
                return (Number("", 0.0, crop.box, (), True, unconstrained=plain),)
        notation = constraint.notation if constraint else None
        return tuple(
            self._number(reading, strip, crop, plain, notation or PLAIN) for reading in readings
        )

    def _without_junk(self, output: Output) -> Output:
        """Make non-digits less probable, as they are where a number is known to stand."""
        if REJECTED not in self._model.symbols:
            return output
        rarer = output.copy()
        rarer[:, 1 + self._model.symbols.index(REJECTED)] += np.float32(math.log(_JUNK_PRIOR_RATIO))
        return np.asarray(rarer - np.logaddexp.reduce(rarer, axis=1, keepdims=True))

    def _number(
        self, reading: Reading, strip: Strip, crop: Crop, plain: str | None, notation: Notation
    ) -> Number:
        boxes = crops.find_digit_boxes(strip, reading.spans, crop)
        digits = tuple(
            _digit(*parts)
            for parts in zip(
                reading.text, reading.confidences, reading.alternatives, boxes, strict=True
            )
        )
        confidence = math.exp(min(0.0, reading.log_probability))
        number = Number(
            text="".join(digit.text for digit in digits),
            confidence=confidence if digits else 0.0,
            box=unite(boxes) if boxes else crop.box,
            digits=digits,
            rejected=not digits,
            raw=_add_spaces(reading.raw, boxes, notation),
            unconstrained=plain if plain != reading.text else None,
            notation=notation,
            value_confidence=confidence * reading.raw_share if digits else 0.0,
        )
        if notation.kind is not None and not notation.interpret(number.raw).is_one:
            number = replace(number, rejected=True)  # it may mean one of several things
        return number.reject_below(self._min_confidence)


def _digit(symbol: str, confidence: float, alternatives: tuple[float, ...], box: Box) -> Digit:
    """Return a symbol of a reading as a digit; a non-digit's confidence is that it is none."""
    is_junk = symbol == REJECTED
    return Digit(
        label=int(np.argmax(alternatives)) if is_junk else int(symbol),
        confidence=0.0 if is_junk else confidence,
        box=box,
        probabilities=alternatives,
        rejected=is_junk,
        junk=confidence if is_junk else 0.0,
    )


def _add_spaces(raw: str, boxes: Sequence[Box], notation: Notation) -> str:
    """Add a space between the whole number and the fraction, where there is a gap: ``1 1/2``.

    Args:
        raw: the text with separators, of which spaces aren't one.
        boxes: of its digits.
        notation: only where fractions are expected, a gap has a meaning.
    """
    top, slash, _ = raw.partition("/")
    if notation.kind is not ValueKind.FRACTION or not slash or not top.isdecimal() or len(top) < 2:
        return raw
    gaps = [right.left - left.right for left, right in itertools.pairwise(boxes[: len(top)])]
    place = max(range(len(gaps)), key=gaps.__getitem__)
    height = max(box.bottom - box.top for box in boxes)
    return f"{raw[: place + 1]} {raw[place + 1 :]}" if gaps[place] > _MIN_GAP * height else raw
