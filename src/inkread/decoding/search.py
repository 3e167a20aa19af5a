"""The search for the most probable strings that an automaton accepts, best first."""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from inkread.decoding.automaton import Automaton
from inkread.decoding.ctc import BLANK, Frames, Front

__all__ = ["EFFORT", "compute_log_mass", "search_best_first"]

EFFORT = 100  # beginnings tried before the order may be wrong; a strip that can be read needs tens
_WIDTH = 8  # beginnings of each length that are tried from then on
_NEGLIGIBLE = np.log(1e-4)  # the beam leaves out what is so much less probable than a complete one
_SMALLEST = 1e-290  # what is less probable counts as impossible: beyond it doubles lose digits


class _Beginning(NamedTuple):
    """A string that may go on; or, without a front, one that is complete."""

    log_bound: float  # no string that begins so is more probable
    string: tuple[int, ...]  # classes
    state: int
    front: Front | None  # of the string without its last symbol


def search_best_first(
    frames: Frames, automaton: Automaton, effort: int = EFFORT
) -> Iterator[tuple[float, str]]:
    """Give the accepted strings and the natural logs of their probabilities, most probable first.

    The beginnings of strings wait in a queue, each with an upper bound of the probability of all
    that begins so; a string is given once nothing that waits could be more probable (A* search).
    The order is exact as long as ``effort`` beginnings suffice. After as many, a beam goes on with
    the most promising ones of each length, and what it completes is given and ends the search.
    Since bounds of 0 mark what can't be completed in the frames that remain, neither runs dry.

    Args:
        frames: the classes are the blank, and the automaton's symbols in their order.
        automaton: which strings are accepted.
        effort: how many beginnings are tried in exact order.
    """
    search = _Search(frames, automaton)
    ticks = itertools.count()  # the earlier goes first where two are as probable
    # What is less probable than its sibling waits behind it: most is never looked at.
    queue: list[tuple[float, int, _Beginning, Iterator[_Beginning]]] = []

    def push(siblings: Iterator[_Beginning]) -> None:
        first = next(siblings, None)
        if first is not None:
            heapq.heappush(queue, (-first.log_bound, next(ticks), first, siblings))

    for start in search.starts():
        push(iter((start,)))
    while queue:
        _, _, beginning, siblings = heapq.heappop(queue)
        if beginning.front is None:
            push(siblings)
            yield beginning.log_bound, search.spelled(beginning)
        elif effort == 0:
            waiting = [beginning, *siblings]
            for _, _, first, others in queue:
                waiting += [first, *others]
            for complete in search.beam(waiting):
                yield complete.log_bound, search.spelled(complete)
            return
        else:
            effort -= 1
            push(siblings)
            push(search.expanded(beginning, beginning.front))


def compute_log_mass(frames: Frames, automaton: Automaton) -> float:
    """Return the natural log of the probability of all accepted strings together."""
    masses = _backward(np.exp(frames.log_probabilities), automaton, best=False)
    mass = masses[0, list(automaton.initial), BLANK].sum()
    return float(np.log(mass)) if mass > _SMALLEST else -np.inf


class _Search:
    """What may follow on a beginning, and how probable that can be."""

    def __init__(self, frames: Frames, automaton: Automaton) -> None:
        self.frames = frames
        self.automaton = automaton
        probabilities = np.exp(frames.log_probabilities)
        self.bounds = _backward(probabilities, automaton, best=True)  # (T + 1, Q + 1, S + 1)
        self.symbols = probabilities[:, 1:]  # (T, S)
        self._ahead: dict[int, npt.NDArray[np.float64]] = {}

    def starts(self) -> Iterator[_Beginning]:
        for state in self.automaton.initial:
            bound = self.bounds[0, state, BLANK]
            if bound > _SMALLEST:
                yield _Beginning(float(np.log(bound)), (), state, self.frames.empty())

    def expanded(self, beginning: _Beginning, front: Front) -> Iterator[_Beginning]:
        """Give a string itself, if it is accepted, and all with one more symbol; best first."""
        _, string, state, _ = beginning
        if string:
            front = self.frames.extend(front, string[-1])
        ahead = self.ahead(state)
        best = np.zeros(ahead.shape[1] + 1)
        best[:-1] = np.exp(front.before(BLANK)) @ ahead
        if string:
            best[front.last - 1] = np.exp(front.before(front.last)) @ ahead[:, front.last - 1]
        if self.automaton.accepting[state]:
            best[-1] = np.exp(front.log_probability)
        following = self.automaton.transitions[state]
        for place in best.argsort()[::-1].tolist():
            if best[place] <= _SMALLEST:
                return
            if place == len(following):
                yield _Beginning(front.log_probability, string, state, None)
            else:
                bound = float(np.log(best[place]))
                yield _Beginning(bound, (*string, place + 1), int(following[place]), front)

    def ahead(self, state: int) -> npt.NDArray[np.float64]:
        """Bound, for each frame and symbol, what may be spelled if it begins there: (T, S)."""
        if state not in self._ahead:
            following = self.automaton.transitions[state]
            columns = np.arange(1, len(following) + 1)
            self._ahead[state] = self.symbols * self.bounds[1:, following, columns]
        return self._ahead[state]

    def beam(self, waiting: list[_Beginning]) -> list[_Beginning]:
        """Complete the best beginnings of each length; return all that is complete, best first."""
        lengths = defaultdict(list)
        complete: list[_Beginning] = []
        least = -np.inf
        for length in itertools.count():
            for beginning in waiting:
                if beginning.front is None:
                    complete.append(beginning)
                    least = max(least, beginning.log_bound + _NEGLIGIBLE)
                else:
                    lengths[len(beginning.string)].append(beginning)
            waiting = [
                following
                for one in heapq.nlargest(_WIDTH, lengths.pop(length, ()), key=_log_bound)
                if one.front is not None and one.log_bound >= least
                for following in self.expanded(one, one.front)
            ]
            if not (waiting or lengths):
                break
        return sorted(complete, key=_log_bound, reverse=True)

    def spelled(self, beginning: _Beginning) -> str:
        return "".join(self.automaton.symbols[symbol - 1] for symbol in beginning.string)


def _log_bound(beginning: _Beginning) -> float:
    return beginning.log_bound


def _backward(
    probabilities: npt.NDArray[np.float64], automaton: Automaton, *, best: bool
) -> npt.NDArray[np.float64]:
    """Sum up, from the last frame to the first, what accepted strings can still be spelled.

    Args:
        probabilities: (T, S + 1), the blank first.
        automaton: of Q states and S symbols.
        best: bound the most probable string instead of summing up all of them: where several
            symbols may come next, the best of them counts. When it comes remains a sum, as it is
            for one string; so no string is more probable than this.

    Returns:
        (T + 1, Q + 1, S + 1): by the number of frames that are over, the state, and the class of
        the frame before. The last state is the dead one: 0.
    """
    num_frames, num_classes = probabilities.shape
    num_states, num_symbols = automaton.transitions.shape
    values = np.zeros((num_frames + 1, num_states + 1, num_classes))
    values[num_frames, :num_states] = automaton.accepting[:, None]
    # Where each symbol leads, as places in the flattened (Q + 1, S + 1); DEAD is the last state.
    places = (automaton.transitions % (num_states + 1)) * num_classes + np.arange(1, num_classes)
    others = 1.0 - np.eye(num_symbols)
    padded = np.zeros((num_states, num_symbols + 2))
    begin = padded[:, 1:-1]  # (Q, S): a symbol begins at this frame
    for t in range(num_frames - 1, -1, -1):
        after, now = values[t + 1], values[t, :num_states]
        np.multiply(after.ravel().take(places), probabilities[t, 1:], out=begin)
        np.multiply(after[:num_states], probabilities[t], out=now)  # the class stays, or is blank
        now[:, 1:] += now[:, :1]
        # A symbol that comes right after itself would collapse with it: of each, all the others.
        if best:
            left = np.maximum.accumulate(padded, axis=1)
            right = np.maximum.accumulate(padded[:, ::-1], axis=1)[:, ::-1]
            now[:, 1:] += np.maximum(left[:, :-2], right[:, 2:])
            now[:, 0] += left[:, -1]
        else:
            now[:, 1:] += begin @ others
            now[:, 0] += begin.sum(axis=1)
    return values
