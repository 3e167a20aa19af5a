"""Strings laid over a strip's frames: how probable they are, and where each symbol stands.

The rules are those of connectionist temporal classification (Graves et al. 2006): each frame holds
one class, the frames' repeats collapse, class 0 is the blank and is dropped. The probability of a
string is the sum over all ways to lay it over the frames.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

__all__ = ["BLANK", "Frames", "Front", "Posterior", "compute_posterior", "find_viterbi_path"]

BLANK = 0

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Front:
    """How far a string has come after each number of frames.

    Attributes:
        last: the class of its last symbol, ``BLANK`` for the empty string.
        in_blank: (T + 1,), natural log of the probability that the first t frames spell it and the
            last of them is blank.
        in_symbol: (T + 1,), the same where the last of them still is its last symbol.
    """

    last: int
    in_blank: Array
    in_symbol: Array

    def before(self, symbol: int) -> Array:
        """Return (T,): log probability that, right before each frame, this symbol may begin."""
        if symbol == self.last:  # a repeat would collapse: a blank has to stand between
            return self.in_blank[:-1]
        return self._free

    @cached_property
    def _free(self) -> Array:
        return np.asarray(np.logaddexp(self.in_blank[:-1], self.in_symbol[:-1]))

    @property
    def log_probability(self) -> float:
        """Natural log of the probability that all the frames spell this string."""
        return float(np.logaddexp(self.in_blank[-1], self.in_symbol[-1]))


class Frames:
    """The classes' probabilities in each frame of a strip.

    Args:
        log_probabilities: (T, C) float64, natural logs, finite.
    """

    def __init__(self, log_probabilities: Array) -> None:
        """Add the logs up once: every string needs their sums."""
        self.log_probabilities = log_probabilities
        self.num_frames, self.num_classes = log_probabilities.shape
        self._sums = np.zeros((self.num_classes, self.num_frames + 1))  # (C, T + 1)
        np.cumsum(log_probabilities.T, axis=1, out=self._sums[:, 1:])
        self._fronts: dict[tuple[int, ...], Front] = {(): self.empty()}

    def empty(self) -> Front:
        """Return the empty string: every frame is blank."""
        return Front(BLANK, self._sums[BLANK], np.full(self.num_frames + 1, -np.inf))

    def extend(self, front: Front, symbol: int) -> Front:
        """Return the string with one more symbol."""
        in_symbol, in_blank = np.empty((2, self.num_frames + 1))
        in_symbol[0] = in_blank[0] = -np.inf
        in_symbol[1:] = self.held(front.before(symbol), symbol)
        in_blank[1:] = self.held(in_symbol[:-1], BLANK)
        return Front(symbol, in_blank, in_symbol)

    def held(self, arrivals: Array, classes: int | slice) -> Array:
        """Return the log probability to be in a class at each frame, having come at any before.

        Args:
            arrivals: (T,), or (…, K, T) for a slice of K classes: log probability to be about to
                enter the class at each frame.
            classes: which.
        """
        # x[t] = p[t] (x[t - 1] + u[t]) solved at once: x[t] / P[t] is a running sum of u / P.
        sums = self._sums[classes]
        running = np.logaddexp.accumulate(arrivals - sums[..., :-1], axis=-1)
        return np.asarray(running + sums[..., 1:])

    def spell(self, string: Sequence[int]) -> list[Front]:
        """Return every beginning of a string, the empty one first; they are kept for the next."""
        known = self._fronts
        beginnings = [tuple(string[:length]) for length in range(len(string) + 1)]
        for shorter, longer in itertools.pairwise(beginnings):
            if longer not in known:
                known[longer] = self.extend(known[shorter], longer[-1])
        return [known[beginning] for beginning in beginnings]

    def reversed(self) -> "Frames":
        """Return the frames from the last to the first."""
        return Frames(self.log_probabilities[::-1])


@dataclass(frozen=True)
class Posterior:
    """What is known of each symbol of a string of n symbols when the others are taken as read.

    Attributes:
        log_probability: natural log of the probability of the string.
        substitutions: (n, C - 1), natural logs of the probability of the string with this symbol
            replaced by each class but the blank.
        deletions: (n,), natural logs of the probability of the string without this symbol.
        occupancy: (n, T), probability in [0, 1] that the frame shows this symbol, given the string.
    """

    log_probability: float
    substitutions: Array
    deletions: Array
    occupancy: Array


def compute_posterior(frames: Frames, string: Sequence[int]) -> Posterior:
    """Compare a string with all those that differ from it in one symbol, exactly."""
    n, num_frames = len(string), frames.num_frames
    fronts = frames.spell(string)
    # Suffix i is the string from symbol i on, its arrays by the frame where it begins: (T + 1,)
    suffixes = frames.reversed().spell(string[::-1])[::-1]
    log_probability = fronts[-1].log_probability
    shape = (n, frames.num_classes - 1, num_frames)
    arrivals, exits = np.empty(shape), np.empty(shape)
    deletions, occupancy = np.empty(n), np.empty((n, num_frames))
    for i, symbol in enumerate(string):
        front, after = fronts[i], suffixes[i + 1]
        leaving = np.logaddexp(after.in_blank, after.in_symbol)[::-1][1:]
        arrivals[i] = front.before(BLANK)
        exits[i] = leaving
        if front.last:
            arrivals[i, front.last - 1] = front.in_blank[:-1]
        if after.last:
            exits[i, after.last - 1] = after.in_blank[::-1][1:]
            joined = front.before(after.last) + after.in_symbol[::-1][:-1]
            deletions[i] = np.logaddexp.reduce(joined)
        else:
            deletions[i] = front.log_probability
        occupancy[i] = (
            fronts[i + 1].in_symbol[1:]
            + suffixes[i].in_symbol[::-1][:-1]
            - frames.log_probabilities[:, symbol]
        )
    paths = frames.held(arrivals, slice(1, None)) + exits  # (n, C - 1, T)
    highest = paths.max(axis=-1, initial=-np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):  # a string too long for the frames
        substitutions = highest + np.log(np.exp(paths - highest[..., None]).sum(axis=-1))
    substitutions[np.isneginf(highest)] = -np.inf
    return Posterior(
        log_probability,
        substitutions,
        deletions,
        np.exp(np.minimum(occupancy - log_probability, 0)),
    )


def find_viterbi_path(log_probabilities: Array, string: Sequence[int]) -> npt.NDArray[np.intp]:
    """Lay a string over the frames in the most probable way.

    Args:
        log_probabilities: (T, C), natural logs.
        string: its classes; it must fit into T frames.

    Returns:
        (T,): for each frame twice the number of symbols before it, plus one if it shows a symbol.
    """
    num_frames, n = len(log_probabilities), len(string)
    classes = np.zeros(2 * n + 1, dtype=np.intp)
    classes[1::2] = string
    scores = log_probabilities[:, classes]  # (T, 2 n + 1)
    # From two states before one may come only to a symbol that differs from the symbol there.
    closed = np.zeros(2 * n + 1)
    closed[0::2] = closed[1:2] = -np.inf
    closed[3::2][classes[3::2] == classes[1:-2:2]] = -np.inf
    steps = np.zeros(scores.shape, dtype=np.intp)
    ways = np.full((3, 2 * n + 1), -np.inf)
    best = np.full(2 * n + 1, -np.inf)
    best[:2] = scores[0, :2] if num_frames else 0.0
    states = np.arange(2 * n + 1)
    for t in range(1, num_frames):
        ways[0] = best
        ways[1, 1:] = best[:-1]
        ways[2, 2:] = best[:-2] + closed[2:]
        steps[t] = ways.argmax(axis=0)
        best = ways[steps[t], states] + scores[t]
    path = np.empty(num_frames, dtype=np.intp)
    state = 2 * n if not n or best[2 * n] >= best[2 * n - 1] else 2 * n - 1
    for t in range(num_frames - 1, -1, -1):
        path[t] = state
        state -= steps[t, state]
    return path
