"""Searches for the most probable strings that an automaton accepts (A*, then a beam)."""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from inkread.decoding.automaton import Automaton
from inkread.decoding.ctc import BLANK, Frames, Prefix

__all__ = ["MAX_EXPANSIONS", "compute_log_mass", "search_best_first"]

MAX_EXPANSIONS = 100  # prefixes expanded in exact order; legible strips need some tens
_BEAM_WIDTH = 8  # hypotheses of each length that the beam expands
_MIN_LOG_RATIO = np.log(1e-4)  # of a hypothesis of the beam to the best complete string
_MIN_PROBABILITY = 1e-290  # smaller ones count as 0, since doubles lose precision there


class _Hypothesis(NamedTuple):
    """A string that may be continued or, if its prefix is ``None``, a complete one."""

    log_bound: float  # upper bound of the log probability of all strings that begin so
    string: tuple[int, ...]  # classes
    state: int
    prefix: Prefix | None  # the string without its last symbol, whose forward variables are known


def search_best_first(
    frames: Frames, automaton: Automaton, max_expansions: int = MAX_EXPANSIONS
) -> Iterator[tuple[float, str]]:
    """Yield the accepted strings and the natural logs of their probabilities, best first.

    A* search: a queue holds hypotheses, each with an upper bound of the probability of all strings
    that begin so, and a complete string is yielded once no bound is higher. The order is exact for
    the first ``max_expansions`` expansions. After those, a beam search completes the best
    hypotheses of each length, and the strings that it finds are the last ones. Hypotheses that
    can't be completed in the remaining frames have a bound of 0 and are dropped.

    Args:
        frames: the classes are the blank, and the automaton's symbols in their order.
        automaton: accepts the strings that are searched for.
        max_expansions: number of hypotheses that are expanded in exact order.
    """
    search = _Search(frames, automaton)
    ticks = itertools.count()  # breaks ties: the earlier hypothesis goes first
    # Only the best of several siblings is in the queue; the next one follows when it is taken.
    queue: list[tuple[float, int, _Hypothesis, Iterator[_Hypothesis]]] = []

    def push(siblings: Iterator[_Hypothesis]) -> None:
        first = next(siblings, None)
        if first is not None:
            heapq.heappush(queue, (-first.log_bound, next(ticks), first, siblings))

    for start in search.iterate_starts():
        push(iter((start,)))
    while queue:
        _, _, hypothesis, siblings = heapq.heappop(queue)
        if hypothesis.prefix is None:
            push(siblings)
            yield hypothesis.log_bound, search.spell(hypothesis)
        elif max_expansions == 0:
            waiting = [hypothesis, *siblings]
            for _, _, first, others in queue:
                waiting += [first, *others]
            for complete in search.run_beam(waiting):
                yield complete.log_bound, search.spell(complete)
            return
        else:
            max_expansions -= 1
            push(siblings)
            push(search.expand(hypothesis, hypothesis.prefix))


def compute_log_mass(frames: Frames, automaton: Automaton) -> float:
    """Return the natural log of the total probability of all accepted strings.

    Args:
        frames: the classes are the blank, and the automaton's symbols in their order.
        automaton: accepts the strings that are counted.
    """
    masses = _sum_backward(np.exp(frames.log_probabilities), automaton, best=False)
    mass = masses[0, list(automaton.initial), BLANK].sum()
    return float(np.log(mass)) if mass > _MIN_PROBABILITY else -np.inf


class _Search:
    """Expands hypotheses, and bounds the probabilities of their continuations."""

    def __init__(self, frames: Frames, automaton: Automaton) -> None:
        self.frames = frames
        self.automaton = automaton
        probabilities = np.exp(frames.log_probabilities)
        self.bounds = _sum_backward(probabilities, automaton, best=True)  # (T + 1, Q + 1, S + 1)
        self.symbols = probabilities[:, 1:]  # (T, S)
        self._suffix_bounds: dict[int, npt.NDArray[np.float64]] = {}

    def iterate_starts(self) -> Iterator[_Hypothesis]:
        for state in self.automaton.initial:
            bound = self.bounds[0, state, BLANK]
            if bound > _MIN_PROBABILITY:
                yield _Hypothesis(float(np.log(bound)), (), state, self.frames.make_empty_prefix())

    def expand(self, hypothesis: _Hypothesis, prefix: Prefix) -> Iterator[_Hypothesis]:
        """Yield the string itself, if it is accepted, and all with one more symbol; best first."""
        _, string, state, _ = hypothesis
        if string:
            prefix = self.frames.extend(prefix, string[-1])
        ahead = self.bound_suffixes(state)
        best = np.zeros(ahead.shape[1] + 1)
        best[:-1] = np.exp(prefix.compute_arrivals(BLANK)) @ ahead
        if string:
            best[prefix.last - 1] = (
                np.exp(prefix.compute_arrivals(prefix.last)) @ ahead[:, prefix.last - 1]
            )
        if self.automaton.accepting[state]:
            best[-1] = np.exp(prefix.log_probability)
        following = self.automaton.transitions[state]
        for place in best.argsort()[::-1].tolist():
            if best[place] <= _MIN_PROBABILITY:
                return
            if place == len(following):
                yield _Hypothesis(prefix.log_probability, string, state, None)
            else:
                bound = float(np.log(best[place]))
                yield _Hypothesis(bound, (*string, place + 1), int(following[place]), prefix)

    def bound_suffixes(self, state: int) -> npt.NDArray[np.float64]:
        """Return an upper bound for each frame at which the next symbol begins: (T, S) float64.

        It bounds the probability that the remaining frames show this symbol and any continuation.
        """
        if state not in self._suffix_bounds:
            following = self.automaton.transitions[state]
            columns = np.arange(1, len(following) + 1)
            self._suffix_bounds[state] = self.symbols * self.bounds[1:, following, columns]
        return self._suffix_bounds[state]

    def run_beam(self, waiting: list[_Hypothesis]) -> list[_Hypothesis]:
        """Complete hypotheses by beam search, with one beam for each length; best first."""
        lengths = defaultdict(list)
        complete: list[_Hypothesis] = []
        least = -np.inf
        for length in itertools.count():
            for hypothesis in waiting:
                if hypothesis.prefix is None:
                    complete.append(hypothesis)
                    least = max(least, hypothesis.log_bound + _MIN_LOG_RATIO)
                else:
                    lengths[len(hypothesis.string)].append(hypothesis)
            waiting = [
                following
                for one in heapq.nlargest(_BEAM_WIDTH, lengths.pop(length, ()), key=_log_bound)
                if one.prefix is not None and one.log_bound >= least
                for following in self.expand(one, one.prefix)
            ]
            if not (waiting or lengths):
                break
        return sorted(complete, key=_log_bound, reverse=True)

    def spell(self, hypothesis: _Hypothesis) -> str:
        return "".join(self.automaton.symbols[symbol - 1] for symbol in hypothesis.string)


def _log_bound(hypothesis: _Hypothesis) -> float:
    return hypothesis.log_bound


def _sum_backward(
    probabilities: npt.NDArray[np.float64], automaton: Automaton, *, best: bool
) -> npt.NDArray[np.float64]:
    """Compute backward variables: the probability that the remaining frames complete a string.

    Args:
        probabilities: (T, S + 1) float64, the blank first.
        automaton: of Q states and S symbols.
        best: compute an upper bound for the most probable string, instead of the sum over all
            strings: of several symbols that may come next, only the best one counts. Its alignments
            are still summed up, so that no single string is more probable than the bound.

    Returns:
        (T + 1, Q + 1, S + 1) float64, by the number of frames passed, the state, and the class of
        the previous frame. The last state is the dead one, with 0.
    """
    num_frames, num_classes = probabilities.shape
    num_states, num_symbols = automaton.transitions.shape
    values = np.zeros((num_frames + 1, num_states + 1, num_classes))
    values[num_frames, :num_states] = automaton.accepting[:, None]
    # The target of each transition, as index into the flattened (Q + 1, S + 1); DEAD is state Q.
    places = (automaton.transitions % (num_states + 1)) * num_classes + np.arange(1, num_classes)
    others = 1.0 - np.eye(num_symbols)
    padded = np.zeros((num_states, num_symbols + 2))
    begin = padded[:, 1:-1]  # (Q, S): a symbol begins at this frame
    for t in range(num_frames - 1, -1, -1):
        after, now = values[t + 1], values[t, :num_states]
        np.multiply(after.ravel().take(places), probabilities[t, 1:], out=begin)
        np.multiply(after[:num_states], probabilities[t], out=now)  # the class stays, or is blank
        now[:, 1:] += now[:, :1]
        # A repeated symbol would be merged, so each class is followed by all symbols but itself.
        if best:
            left = np.maximum.accumulate(padded, axis=1)
            right = np.maximum.accumulate(padded[:, ::-1], axis=1)[:, ::-1]
            now[:, 1:] += np.maximum(left[:, :-2], right[:, 2:])
            now[:, 0] += left[:, -1]
        else:
            now[:, 1:] += begin @ others
            now[:, 0] += begin.sum(axis=1)
    return values
