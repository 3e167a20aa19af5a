"""The search for the most probable strings that an automaton accepts, best first."""

import heapq
import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from inkread.alignment import BLANK, Frames, Front
from inkread.automaton import Automaton

__all__ = ["log_mass", "ranked"]

NUM_EXPANSIONS = 3000  # some tenths of a second; a strip that can be read needs tens
_SMALLEST = 1e-290  # what is less probable counts as impossible: beyond it doubles lose digits
_DIVE = 1e6  # more than any log probability: the longest beginning goes first


def ranked(frames: Frames, automaton: Automaton) -> Iterator[tuple[float, str]]:
    """Give the accepted strings and the natural logs of their probabilities, most probable first.

    A beginning of a string waits in a queue under an upper bound of the probability of everything
    that begins so; a string is given once nothing that waits could be more probable (A* search over
    prefixes). The order is exact for as long as ``NUM_EXPANSIONS`` beginnings suffice; after as
    many, the search only completes what is most promising, and ends after as many again.

    Args:
        frames: the classes are the blank, and the automaton's symbols in their order.
        automaton: which strings are accepted.
    """
    probabilities = np.exp(frames.log_probabilities)
    bounds = _backward(probabilities, automaton, best=True)
    columns = np.arange(1, len(automaton.symbols) + 1)
    ticks = itertools.count()  # the earlier goes first where two are as probable
    # (-priority, tick, log bound, string, state, the front that it extends; None if complete)
    queue: list[tuple[float, int, float, tuple[int, ...], int, Front | None]] = []

    def push(log_bound: float, string: tuple[int, ...], state: int, front: Front | None) -> None:
        priority = log_bound + (_DIVE * len(string) if diving else 0.0)
        heapq.heappush(queue, (-priority, next(ticks), log_bound, string, state, front))

    diving = False
    for state in automaton.initial:
        if bounds[0, state, BLANK] > _SMALLEST:
            push(float(np.log(bounds[0, state, BLANK])), (), state, frames.empty())
    num_expansions = 0
    while queue:
        _, _, log_bound, string, state, front = heapq.heappop(queue)
        if front is None:
            yield log_bound, "".join(automaton.symbols[symbol - 1] for symbol in string)
            continue
        num_expansions += 1
        if num_expansions == NUM_EXPANSIONS:
            diving = True
            waiting, queue = queue, []
            for _, _, *entry in waiting:
                push(*entry)
        elif num_expansions == 2 * NUM_EXPANSIONS:
            return
        if string:
            front = frames.extend(front, string[-1])
        if automaton.accepting[state] and front.log_probability > np.log(_SMALLEST):
            push(front.log_probability, string, state, None)
        following = automaton.transitions[state]
        ahead = probabilities[:, 1:] * bounds[1:, following, columns]  # (T, S)
        best = np.exp(front.before(BLANK)) @ ahead
        if string:
            best[front.last - 1] = np.exp(front.before(front.last)) @ ahead[:, front.last - 1]
        for column in np.flatnonzero(best > _SMALLEST).tolist():
            push(float(np.log(best[column])), (*string, column + 1), int(following[column]), front)


def log_mass(frames: Frames, automaton: Automaton) -> float:
    """Return the natural log of the probability of all accepted strings together."""
    masses = _backward(np.exp(frames.log_probabilities), automaton, best=False)
    mass = masses[0, list(automaton.initial), BLANK].sum()
    return float(np.log(mass)) if mass > _SMALLEST else -np.inf


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
    num_states = len(automaton.accepting)
    values = np.zeros((num_frames + 1, num_states + 1, num_classes))
    values[num_frames, :num_states] = automaton.accepting[:, None]
    columns = np.arange(1, num_classes)
    others = 1.0 - np.eye(num_classes - 1)
    states = np.arange(num_states)
    # Where each symbol leads, as places in the flattened (Q + 1, S + 1)
    places = (automaton.transitions % (num_states + 1)) * num_classes + columns  # DEAD is the last
    for t in range(num_frames - 1, -1, -1):
        after = values[t + 1]
        begin = after.ravel().take(places) * probabilities[t, 1:]  # (Q, S)
        now = values[t, :num_states]
        np.multiply(after[:num_states], probabilities[t], out=now)  # the class stays, or is blank
        stay_blank = now[:, BLANK].copy()
        # A symbol that comes right after itself would collapse with it.
        now[:, 1:] += stay_blank[:, None]
        if best:
            highest = begin.argmax(axis=1)
            first = begin[states, highest]
            begin[states, highest] = 0.0
            now[:, BLANK] += first
            following = np.repeat(first, num_classes - 1).reshape(begin.shape)
            following[states, highest] = begin.max(axis=1)
            now[:, 1:] += following
        else:
            now[:, BLANK] += begin.sum(axis=1)
            now[:, 1:] += begin @ others
    return values
