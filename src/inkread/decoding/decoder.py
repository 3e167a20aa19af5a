"""What a line network saw, frame by frame, to the number that it most probably saw.

A *text* holds digits, and ``?`` for what is written but no digit; a *raw* string has the separators
as well. What a user wants is the text, so that the search is for texts, and the probability of one
is the sum over all raw strings with the same digits. For the digits, a separator is as good as a
blank: it parts two of them and counts for nothing else. So this sum costs nothing: the
separators' probabilities are added to the blank's.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from inkread.decoding.automaton import Automaton, build_automaton, build_text_automaton, intersect
from inkread.decoding.constraints import DIGITS, Constraint
from inkread.decoding.ctc import BLANK, Frames, compute_posterior, find_viterbi_path
from inkread.decoding.search import EFFORT, compute_log_mass, search_best_first
from inkread.errors import ConfigError, ModelError
from inkread.results import REJECTED

__all__ = [
    "Guess",
    "Reading",
    "Scores",
    "compute_log_probability",
    "decode_best",
    "decode_candidates",
]

NUM_TRIES = 1000  # texts that are shown to a check that is a Python function
_NEGLIGIBLE = 0.1  # raw strings so much less probable than those found are not looked at
_FLOOR = -200.0  # natural log; a class less probable than this in a frame counts as this
_HALF = np.log(0.5)
_OCCUPIED = 0.1  # a frame belongs to a symbol from this probability on


class Guess(NamedTuple):
    """What a strip may show.

    Attributes:
        text: its digits, and ``?`` for what is no digit.
        log_probability: natural log of the probability that the strip shows this text.
        raw: the same with separators, where a pattern names some; ``None``: with any.
    """

    text: str
    log_probability: float
    raw: str | None = None


@dataclass(frozen=True)
class Reading:
    """One way to read a strip.

    Attributes:
        text: its digits, and ``?`` for what is no digit.
        raw: the same with the separators, as they most probably are.
        log_probability: natural log of the probability that the strip shows this text: the sum
            over all separators and alignments; with a pattern that names separators, over those
            that match it.
        confidences: for each symbol of the text the probability in [0, 1] that it is right, if the
            others are: against any other digit or ``?`` in its place, and against none.
        alternatives: for each symbol of the text the probabilities of 0 to 9 in its place; they
            add up to 1.
        spans: for each symbol of the text its first frame, and the one after its last. They don't
            overlap; a network marks a digit in few frames, often fewer than its ink covers.
    """

    text: str
    raw: str
    log_probability: float
    confidences: tuple[float, ...]
    alternatives: tuple[tuple[float, ...], ...]
    spans: tuple[tuple[int, int], ...]


def decode_best(log_probabilities: npt.NDArray[np.floating], symbols: str) -> Reading:
    """Return the most probable reading of a strip.

    Args:
        log_probabilities: (T, C) floating point, natural logs, each row a distribution; class 0 is
            the blank.
        symbols: (C - 1) characters, those of the other classes: the digits, ``?``, separators.

    Raises:
        ModelError: the two don't fit each other, or are no distributions.
    """
    return Scores(log_probabilities, symbols).decode_best()


def decode_candidates(
    log_probabilities: npt.NDArray[np.floating],
    symbols: str,
    constraint: Constraint | None = None,
    count: int = 5,
) -> tuple[Reading, ...]:
    """Return the most probable readings, the best first, each with another text.

    Args:
        log_probabilities: (T, C) floating point, natural logs, each row a distribution; class 0 is
            the blank.
        symbols: (C - 1) characters, those of the other classes: the digits, ``?``, separators.
        constraint: what the text or the raw string has to satisfy; such a text has no ``?``.
        count: how many; there may be fewer, none if no text satisfies the constraint.

    Raises:
        ModelError: the first two don't fit each other, or are no distributions.
        ConfigError: the pattern names a separator that isn't among the symbols.
    """
    scores = Scores(log_probabilities, symbols)
    return tuple(scores.make_reading(guess) for guess in scores.find_guesses(constraint, count))


def compute_log_probability(
    log_probabilities: npt.NDArray[np.floating], symbols: str, constraint: Constraint
) -> float:
    """Return the natural log of the probability that the strip shows anything that is allowed.

    A reading's probability divided by this one is its probability given that the constraint is
    known to hold. Where nothing fits, that quotient still can be near 1: judge by the reading's own
    probability whether a strip satisfies a constraint, by the quotient which of the texts that do.

    Args:
        log_probabilities: (T, C) floating point, natural logs, each row a distribution; class 0 is
            the blank.
        symbols: (C - 1) characters, those of the other classes.
        constraint: what is allowed.

    Raises:
        ModelError: the first two don't fit each other, or are no distributions.
        ConfigError: the check is a function, or the pattern names a separator that isn't among the
            symbols.
    """
    if callable(constraint.check):
        raise ConfigError(
            "expected a constraint without a function, for which there is no sum over all texts"
        )
    scores = Scores(log_probabilities, symbols)
    if constraint.names_separators:
        frames, written = scores.make_raw_frames()
    else:
        frames, written = scores.make_text_frames(DIGITS), DIGITS
    return compute_log_mass(frames, constraint.build_automaton(written))


class Scores:
    """What a line network says of one strip, checked, and the searches in it."""

    def __init__(self, log_probabilities: npt.NDArray[np.floating], symbols: str) -> None:
        """Check a network's output; arguments and errors as for ``decode_candidates``."""
        self.symbols = symbols
        self.log_probabilities = _checked(log_probabilities, symbols)
        self.text_symbols = "".join(symbol for symbol in symbols if _is_text(symbol))
        self.text_classes = [symbols.index(symbol) + 1 for symbol in self.text_symbols]
        text_classes = {0, *self.text_classes}
        self.parting = [c for c in range(len(symbols) + 1) if c == 0 or c not in text_classes]
        self.frames = self.make_text_frames(self.text_symbols)
        self.path = self.log_probabilities.argmax(axis=1)  # (T,), the best alignment of all
        self.raw = self._spelled(_runs(self.path))
        self.text = "".join(filter(_is_text, self.raw))

    @classmethod
    def average(cls, views: "Sequence[Scores]") -> "Scores":
        """Average what several views of one strip show, frame by frame."""
        mean = np.mean([np.exp(view.log_probabilities) for view in views], axis=0)
        return cls(np.log(mean), views[0].symbols)

    def compute_log_probability(self, text: str) -> float:
        """Return the natural log of the probability that the strip shows a text."""
        return self.frames.spell(self._classes(text))[-1].log_probability

    def find_certain_guess(self, constraint: Constraint | None) -> Guess | None:
        """Return the text of each frame's best class, if no other can be as probable."""
        if constraint is not None and constraint.names_separators:
            found = self._matching(constraint, 1)
            return found[0] if found and found[0].log_probability > _HALF else None
        log_probability = self.compute_log_probability(self.text)
        if log_probability <= _HALF or (constraint and not constraint.accepts(self.text)):
            return None
        return Guess(self.text, log_probability)

    def find_guesses(self, constraint: Constraint | None, count: int) -> tuple[Guess, ...]:
        """Return what the strip may show, the most probable first; see ``decode_candidates``."""
        if constraint is not None and constraint.names_separators:
            return self._matching(constraint, count)
        if count == 1 and (certain := self.find_certain_guess(constraint)):
            return (certain,)
        found = itertools.islice(self._texts(constraint), count)
        return tuple(Guess(text, log_probability) for log_probability, text in found)

    def decode_best(self) -> Reading:
        """Return the most probable reading."""
        return self.make_reading(self.find_guesses(None, 1)[0])

    def make_text_frames(self, written: str) -> Frames:
        """Return the frames with the separators as blanks, and the classes of these symbols."""
        parting = np.logaddexp.reduce(self.log_probabilities[:, self.parting], axis=1)
        classes = [self.symbols.index(symbol) + 1 for symbol in written]
        return Frames(np.column_stack([parting, self.log_probabilities[:, classes]]))

    def make_raw_frames(self) -> tuple[Frames, str]:
        """Return the frames with all classes but ``?``, and their symbols."""
        written = self.symbols.replace(REJECTED, "")
        classes = [0, *(self.symbols.index(symbol) + 1 for symbol in written)]
        return Frames(self.log_probabilities[:, classes]), written

    def _texts(self, constraint: Constraint | None) -> Iterator[tuple[float, str]]:
        """Give the texts, the most probable first."""
        if constraint is None:
            return search_best_first(self.frames, _anything(self.text_symbols))
        automaton = constraint.build_automaton(DIGITS)
        found = search_best_first(self.make_text_frames(DIGITS), automaton, _effort(constraint))
        return _passing(found, constraint)

    def _matching(self, constraint: Constraint, count: int) -> tuple[Guess, ...]:
        """Return guesses under a pattern that names separators: raw strings are searched."""
        frames, written = self.make_raw_frames()
        automaton = constraint.build_automaton(written)
        found = _passing(search_best_first(frames, automaton, _effort(constraint)), constraint)
        if count == 1 and automaton.accepts(self.raw) and constraint.passes(self.raw):
            classes = [written.index(symbol) + 1 for symbol in self.raw]
            log_probability = frames.spell(classes)[-1].log_probability
            if log_probability > _HALF:  # no other can be as probable, and no other text
                found = iter([(log_probability, self.raw)])
        raws: dict[str, str] = {}
        least = -np.inf  # of a raw string that could still change the order
        for log_probability, raw in found:
            if log_probability < least:
                break
            raws.setdefault("".join(filter(DIGITS.__contains__, raw)), raw)
            if len(raws) == count and least == -np.inf:
                least = log_probability + np.log(_NEGLIGIBLE)
        sums = {
            text: compute_log_mass(
                frames, intersect(automaton, build_text_automaton(text, written))
            )
            for text in raws
        }
        order = sorted(sums, key=lambda text: -sums[text])[:count]
        return tuple(Guess(text, sums[text], raws[text]) for text in order)

    def make_reading(self, guess: Guess) -> Reading:
        """Lay a text over the frames, and compare it with its neighbours."""
        text, log_probability, raw = guess
        classes = self._classes(text)
        details = compute_posterior(self.frames, classes)
        rivals = np.column_stack([details.substitutions, details.deletions])
        total = np.logaddexp.reduce(rivals, axis=1)
        digits = [self.text_symbols.index(digit) for digit in DIGITS]
        chances = rivals[:, digits]
        chances = np.exp(chances - np.logaddexp.reduce(chances, axis=1)[:, None])
        raw, runs = self._laid(text, raw)
        return Reading(
            text,
            raw,
            min(log_probability, 0.0),
            tuple(np.exp(details.log_probability - total).tolist()),
            tuple(map(tuple, chances.tolist())),
            _spans(runs, details.occupancy),
        )

    def _laid(self, text: str, raw: str | None) -> tuple[str, list[tuple[int, int]]]:
        """Return the raw string, and the frames of each symbol in the best alignment."""
        path = self.path
        if raw is not None and raw != self.raw:
            string = [self.symbols.index(symbol) + 1 for symbol in raw]
            path = _class_path(find_viterbi_path(self.log_probabilities, string), string)
        elif raw is None and text != self.text:
            parting = self.log_probabilities[:, self.parting]
            written = self.log_probabilities[:, self.text_classes]
            columns = np.column_stack([parting.max(axis=1), written])
            states = find_viterbi_path(columns, self._classes(text))
            path = _class_path(states, [self.symbols.index(symbol) + 1 for symbol in text])
            path = np.where(path, path, np.array(self.parting)[parting.argmax(axis=1)])
        runs = _runs(path)
        return (
            self._spelled(runs),
            [(first, end) for c, first, end in runs if c in self.text_classes],
        )

    def _spelled(self, runs: list[tuple[int, int, int]]) -> str:
        return "".join(self.symbols[c - 1] for c, _, _ in runs)

    def _classes(self, text: str) -> list[int]:
        return [self.text_symbols.index(symbol) + 1 for symbol in text]


def _checked(log_probabilities: npt.NDArray[np.floating], symbols: str) -> npt.NDArray[np.float64]:
    """Return the logs as float64, none below the floor, each row's probabilities adding up to 1."""
    logs = np.asarray(log_probabilities)
    if logs.ndim != 2 or not np.issubdtype(logs.dtype, np.floating):
        raise ModelError(
            "expected log-probabilities (T, C) as floating point, received "
            f"{logs.dtype} {logs.shape}"
        )
    if logs.shape[1] != len(symbols) + 1 or len(set(symbols)) != len(symbols):
        raise ModelError(
            f"expected a blank and {len(symbols)} different symbols {symbols!r}, received "
            f"{logs.shape[1]} classes"
        )
    if not set(DIGITS) <= set(symbols):
        raise ModelError(f"expected all ten digits among the symbols, received {symbols!r}")
    if np.isnan(logs).any():
        raise ModelError("expected log-probabilities, received NaN")
    totals = np.logaddexp.reduce(logs, axis=1, dtype=np.float64)
    if not (np.abs(totals) < 0.01).all():
        raise ModelError(
            "expected natural logs of probabilities that add up to 1 in each frame, received "
            f"sums from {np.exp(totals.min()):.3g} to {np.exp(totals.max()):.3g}"
        )
    return np.asarray(np.maximum(logs - totals[:, None], _FLOOR), dtype=np.float64)


def _is_text(symbol: str) -> bool:
    return symbol in DIGITS or symbol == REJECTED


@cache
def _anything(symbols: str) -> Automaton:
    return build_automaton(symbols, [0], lambda state, _: state, lambda _: True)


def _effort(constraint: Constraint) -> int:
    """Return the effort of the search: a function may refuse many texts before it accepts one."""
    return 10 * EFFORT if callable(constraint.check) else EFFORT


def _passing(
    found: Iterator[tuple[float, str]], constraint: Constraint
) -> Iterator[tuple[float, str]]:
    """Give what a check that is a function accepts."""
    if not callable(constraint.check):
        return found
    tried = itertools.islice(found, NUM_TRIES)
    return (
        (log_probability, string) for log_probability, string in tried if constraint.passes(string)
    )


def _class_path(states: npt.NDArray[np.intp], string: list[int]) -> npt.NDArray[np.intp]:
    """Return each frame's class from its state in ``find_viterbi_path``."""
    classes = np.zeros(2 * len(string) + 1, dtype=np.intp)
    classes[1::2] = string
    return classes[states]


def _runs(path: npt.NDArray[np.intp]) -> list[tuple[int, int, int]]:
    """Return the class, the first frame and the end of each run of frames but the blanks'."""
    if not path.size:
        return []
    starts = np.concatenate([[0], np.flatnonzero(np.diff(path)) + 1, [path.size]])
    return [
        (c, first, end)
        for c, (first, end) in zip(
            path[starts[:-1]].tolist(), itertools.pairwise(starts.tolist()), strict=True
        )
        if c != BLANK
    ]


def _spans(
    runs: list[tuple[int, int]], occupancy: npt.NDArray[np.float64]
) -> tuple[tuple[int, int], ...]:
    """Widen each symbol's frames by those beside them that probably are its own, too."""
    if not runs:
        return ()
    own = (occupancy >= _OCCUPIED) & (occupancy == occupancy.max(axis=0))  # (n, T)
    spans: list[tuple[int, int]] = []
    for i, run in enumerate(runs):
        first, end = run
        least = spans[-1][1] if spans else 0
        most = runs[i + 1][0] if i + 1 < len(runs) else own.shape[1]
        while first > least and own[i, first - 1]:
            first -= 1
        while end < most and own[i, end]:
            end += 1
        spans.append((first, end))
    return tuple(spans)
