"""Decodes a line network's frame probabilities (CTC) into readings, optionally under a constraint.

A *text* consists of digits, and of ``?`` for writing that is no digit; a *raw* string has the
separators as well. The result is the most probable text, and the probability of a text is the sum
over all raw strings with the same digits. Since a separator acts as a blank between digits, this
sum needs no extra work: the separators' probabilities are added to the blank's.
"""

import itertools
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from inkread.decoding.automaton import Automaton, build_automaton, build_text_automaton, intersect
from inkread.decoding.constraints import DIGITS, Constraint
from inkread.decoding.ctc import BLANK, Frames, compute_posterior, find_viterbi_path
from inkread.decoding.readings import Guess, Reading
from inkread.decoding.search import MAX_EXPANSIONS, compute_log_mass, search_best_first
from inkread.errors import ConfigError, ModelError
from inkread.results import REJECTED

__all__ = [
    "Scores",
    "compute_log_probability",
    "decode_best",
    "decode_candidates",
]

MAX_CHECKED_TEXTS = 1000  # texts for which a check that is a Python function is called
_MIN_RAW_RATIO = 0.1  # of a raw string's probability to that of the last one found, to go on
_MIN_LOG_PROBABILITY = -200.0  # of a class in a frame; smaller natural logs are raised to it
_LOG_HALF = np.log(0.5)
_MIN_OCCUPANCY = 0.1  # probability from which a frame counts to a symbol's span


def decode_best(log_probabilities: npt.NDArray[np.floating], symbols: str) -> Reading:
    """Return the most probable reading of a strip.

    Args:
        log_probabilities: (T, C) floating point, natural logs, each row a distribution; class 0 is
            the blank.
        symbols: (C - 1) characters, those of the other classes: the digits, ``?``, separators.

    Raises:
        ModelError: the two don't fit each other, or the rows are no distributions.
    """
    return Scores(log_probabilities, symbols).decode_best()


def decode_candidates(
    log_probabilities: npt.NDArray[np.floating],
    symbols: str,
    constraint: Constraint | None = None,
    count: int = 5,
) -> tuple[Reading, ...]:
    """Return the most probable readings, best first, with different texts.

    Args:
        log_probabilities: (T, C) floating point, natural logs, each row a distribution; class 0 is
            the blank.
        symbols: (C - 1) characters, those of the other classes: the digits, ``?``, separators.
        constraint: what the text or the raw string must satisfy; such a text has no ``?``.
        count: how many readings are wanted; there are fewer, or none, if not enough texts satisfy
            the constraint.

    Raises:
        ModelError: the first two don't fit each other, or the rows are no distributions.
        ConfigError: the pattern names a separator that isn't among the symbols.
    """
    scores = Scores(log_probabilities, symbols)
    return tuple(scores.make_reading(guess) for guess in scores.find_guesses(constraint, count))


def compute_log_probability(
    log_probabilities: npt.NDArray[np.floating], symbols: str, constraint: Constraint
) -> float:
    """Return the natural log of the probability that the strip shows any text that is allowed.

    A reading's probability divided by this one is its conditional probability given the constraint.
    That can be near 1 even if no allowed text is probable: the reading's own probability tells
    whether the strip satisfies the constraint, the quotient which of the allowed texts it shows.

    Args:
        log_probabilities: (T, C) floating point, natural logs, each row a distribution; class 0 is
            the blank.
        symbols: (C - 1) characters, those of the other classes.
        constraint: what the text or the raw string must satisfy.

    Raises:
        ModelError: the first two don't fit each other, or the rows are no distributions.
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
    """The validated output of a line network for one strip, and searches in it.

    Attributes:
        symbols: the symbols of the classes but the blank.
        log_probabilities: (T, C) float64, natural logs; class 0 is the blank.
        text_symbols: the digits and ``?`` among the symbols.
        text_classes: their classes.
        separating: the classes of the blank and the separators.
        frames: the frames for texts; the separators count as blanks.
        path: (T,) intp, the most probable class of each frame.
        raw: the raw string that this path shows.
        text: its digits and ``?``.
    """

    def __init__(self, log_probabilities: npt.NDArray[np.floating], symbols: str) -> None:
        """Check a network's output; arguments and errors as for ``decode_candidates``."""
        self.symbols = symbols
        self.log_probabilities = _check(log_probabilities, symbols)
        self.text_symbols = "".join(symbol for symbol in symbols if _is_text(symbol))
        self.text_classes = [symbols.index(symbol) + 1 for symbol in self.text_symbols]
        text_classes = {0, *self.text_classes}
        self.separating = [c for c in range(len(symbols) + 1) if c == 0 or c not in text_classes]
        self.frames = self.make_text_frames(self.text_symbols)
        self.path = self.log_probabilities.argmax(axis=1)  # (T,)
        self.raw = self._spell(_find_runs(self.path))
        self.text = "".join(filter(_is_text, self.raw))

    @classmethod
    def average(cls, views: "Sequence[Scores]") -> "Scores":
        """Average the frame probabilities of several views of one strip."""
        mean = np.mean([np.exp(view.log_probabilities) for view in views], axis=0)
        return cls(np.log(mean), views[0].symbols)

    def compute_log_probability(self, text: str) -> float:
        """Return the natural log of the probability that the strip shows a text."""
        return self.frames.compute_prefixes(self._classes(text))[-1].log_probability

    def find_certain_guess(self, constraint: Constraint | None) -> Guess | None:
        """Return the text of the most probable class of each frame if it is above one half.

        No other text can then be as probable, so that a search is not needed. Under a pattern that
        names separators, it is the result of the search. ``None`` if no text is as probable.
        """
        if constraint is not None and constraint.names_separators:
            found = self._search_raws(constraint, 1)
            return found[0] if found and found[0].log_probability > _LOG_HALF else None
        log_probability = self.compute_log_probability(self.text)
        if log_probability <= _LOG_HALF or (constraint and not constraint.accepts(self.text)):
            return None
        return Guess(self.text, log_probability)

    def find_guesses(self, constraint: Constraint | None, count: int) -> tuple[Guess, ...]:
        """Return the most probable texts, best first; arguments as for ``decode_candidates``."""
        if constraint is not None and constraint.names_separators:
            return self._search_raws(constraint, count)
        if count == 1 and (certain := self.find_certain_guess(constraint)):
            return (certain,)
        found = itertools.islice(self._search_texts(constraint), count)
        return tuple(Guess(text, log_probability) for log_probability, text in found)

    def decode_best(self) -> Reading:
        """Return the most probable reading."""
        return self.make_reading(self.find_guesses(None, 1)[0])

    def make_text_frames(self, written: str) -> Frames:
        """Return frames of the blank, with the separators added to it, and the given symbols."""
        separating = np.logaddexp.reduce(self.log_probabilities[:, self.separating], axis=1)
        classes = [self.symbols.index(symbol) + 1 for symbol in written]
        return Frames(np.column_stack([separating, self.log_probabilities[:, classes]]))

    def make_raw_frames(self) -> tuple[Frames, str]:
        """Return frames of all classes but ``?``, and the symbols of these classes."""
        written = self.symbols.replace(REJECTED, "")
        classes = [0, *(self.symbols.index(symbol) + 1 for symbol in written)]
        return Frames(self.log_probabilities[:, classes]), written

    def _search_texts(self, constraint: Constraint | None) -> Iterator[tuple[float, str]]:
        """Yield the log probabilities of texts and the texts, best first."""
        if constraint is None:
            return search_best_first(self.frames, _build_universal_automaton(self.text_symbols))
        automaton = constraint.build_automaton(DIGITS)
        found = search_best_first(
            self.make_text_frames(DIGITS), automaton, _limit_expansions(constraint)
        )
        return _filter_passing(found, constraint)

    def _search_raws(self, constraint: Constraint, count: int) -> tuple[Guess, ...]:
        """Return guesses under a pattern that names separators, by a search for raw strings."""
        frames, written = self.make_raw_frames()
        automaton = constraint.build_automaton(written)
        found = _filter_passing(
            search_best_first(frames, automaton, _limit_expansions(constraint)), constraint
        )
        if count == 1 and automaton.accepts(self.raw) and constraint.passes(self.raw):
            classes = [written.index(symbol) + 1 for symbol in self.raw]
            log_probability = frames.compute_prefixes(classes)[-1].log_probability
            if log_probability > _LOG_HALF:  # no other raw string can be as probable
                found = iter([(log_probability, self.raw)])
        raws: dict[tuple[str, str], str] = {}
        shares: dict[tuple[str, str], float] = {}  # sums of the probabilities of those found
        least = -np.inf  # log probability of raw strings that could still change the order
        for log_probability, raw in found:
            if log_probability < least:
                break
            key = "".join(filter(DIGITS.__contains__, raw)), constraint.find_meaning(raw)
            raws.setdefault(key, raw)
            shares[key] = float(np.logaddexp(shares.get(key, -np.inf), log_probability))
            if len(raws) == count and least == -np.inf:
                least = log_probability + np.log(_MIN_RAW_RATIO)
        if not constraint.has_kind:
            shares = {
                key: compute_log_mass(
                    frames, intersect(automaton, build_text_automaton(key[0], written))
                )
                for key in raws
            }
        order = sorted(shares, key=lambda key: -shares[key])[:count]
        return tuple(Guess(key[0], shares[key], raws[key], key[1]) for key in order)

    def make_reading(self, guess: Guess) -> Reading:
        """Align a guess with the frames, and compare it with texts that differ in one symbol."""
        text, log_probability, raw, meaning = guess
        classes = self._classes(text)
        details = compute_posterior(self.frames, classes)
        rivals = np.column_stack([details.substitutions, details.deletions])
        total = np.logaddexp.reduce(rivals, axis=1)
        digits = [self.text_symbols.index(digit) for digit in DIGITS]
        chances = rivals[:, digits]
        chances = np.exp(chances - np.logaddexp.reduce(chances, axis=1)[:, None])
        raw, runs = self._align(text, raw)
        return Reading(
            text,
            raw,
            min(log_probability, 0.0),
            tuple(np.exp(details.log_probability - total).tolist()),
            tuple(map(tuple, chances.tolist())),
            _widen_spans(runs, details.occupancy),
            1.0 if meaning else self.measure_raw_share(raw, log_probability),
        )

    def find_raw(self, guess: Guess) -> tuple[str, float]:
        """Return the raw string of a guess, and its share of the guess's probability."""
        raw, _ = self._align(guess.text, guess.raw)
        if guess.meaning:
            return raw, 1.0
        return raw, self.measure_raw_share(raw, guess.log_probability)

    def measure_raw_share(self, raw: str, log_probability: float) -> float:
        """Return the probability of a raw string as a share of another one, in [0, 1].

        Args:
            raw: the string.
            log_probability: of all strings with its text.
        """
        classes = [self.symbols.index(symbol) + 1 for symbol in raw]
        own = Frames(self.log_probabilities).compute_prefixes(classes)[-1].log_probability
        return float(np.exp(min(0.0, own - log_probability)))

    def _align(self, text: str, raw: str | None) -> tuple[str, list[tuple[int, int]]]:
        """Return the raw string, and the frames of each symbol in the best alignment."""
        path = self.path
        if raw is not None and raw != self.raw:
            string = [self.symbols.index(symbol) + 1 for symbol in raw]
            path = _convert_states(find_viterbi_path(self.log_probabilities, string), string)
        elif raw is None and text != self.text:
            separating = self.log_probabilities[:, self.separating]
            written = self.log_probabilities[:, self.text_classes]
            columns = np.column_stack([separating.max(axis=1), written])
            states = find_viterbi_path(columns, self._classes(text))
            path = _convert_states(states, [self.symbols.index(symbol) + 1 for symbol in text])
            path = np.where(path, path, np.array(self.separating)[separating.argmax(axis=1)])
        runs = _find_runs(path)
        return (
            self._spell(runs),
            [(first, end) for c, first, end in runs if c in self.text_classes],
        )

    def _spell(self, runs: list[tuple[int, int, int]]) -> str:
        return "".join(self.symbols[c - 1] for c, _, _ in runs)

    def _classes(self, text: str) -> list[int]:
        return [self.text_symbols.index(symbol) + 1 for symbol in text]


def _check(log_probabilities: npt.NDArray[np.floating], symbols: str) -> npt.NDArray[np.float64]:
    """Validate logs; return them as float64, normalised, and at least ``_MIN_LOG_PROBABILITY``."""
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
    return np.asarray(np.maximum(logs - totals[:, None], _MIN_LOG_PROBABILITY), dtype=np.float64)


def _is_text(symbol: str) -> bool:
    return symbol in DIGITS or symbol == REJECTED


@cache
def _build_universal_automaton(symbols: str) -> Automaton:
    return build_automaton(symbols, [0], lambda state, _: state, lambda _: True)


def _limit_expansions(constraint: Constraint) -> int:
    """Return a higher limit for kinds and checks that are functions: they may refuse many."""
    return 10 * MAX_EXPANSIONS if constraint.filters else MAX_EXPANSIONS


def _filter_passing(
    found: Iterator[tuple[float, str]], constraint: Constraint
) -> Iterator[tuple[float, str]]:
    """Leave out the strings that a kind or a check that is a function refuses."""
    if not constraint.filters:
        return found
    tried = itertools.islice(found, MAX_CHECKED_TEXTS)
    return (
        (log_probability, string) for log_probability, string in tried if constraint.passes(string)
    )


def _convert_states(states: npt.NDArray[np.intp], string: list[int]) -> npt.NDArray[np.intp]:
    """Convert the states that ``find_viterbi_path`` returns to classes."""
    classes = np.zeros(2 * len(string) + 1, dtype=np.intp)
    classes[1::2] = string
    return classes[states]


def _find_runs(path: npt.NDArray[np.intp]) -> list[tuple[int, int, int]]:
    """Return the class, the first frame and the end of each run of equal classes but blanks."""
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


def _widen_spans(
    runs: list[tuple[int, int]], occupancy: npt.NDArray[np.float64]
) -> tuple[tuple[int, int], ...]:
    """Widen each symbol's run of frames by adjacent ones that it probably occupies, too."""
    if not runs:
        return ()
    own = (occupancy >= _MIN_OCCUPANCY) & (occupancy == occupancy.max(axis=0))  # (n, T)
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
