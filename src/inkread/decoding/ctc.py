"""Probabilities and alignments of strings under connectionist temporal classification (CTC).

Graves et al. 2006: each frame shows one class; repeated classes are merged, then class 0, the
blank, is dropped. The probability of a string is the sum over all its alignments with the frames.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

__all__ = ["BLANK", "Frames", "Posterior", "Prefix", "compute_posterior", "find_viterbi_path"]

BLANK = 0

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Prefix:
    """The forward variables of CTC for one prefix of a string.

    Attributes:
        last: the class of its last symbol, ``BLANK`` for the empty prefix.
        in_blank: (T + 1,) float64, natural log of the probability that the first t frames show the
            prefix and the last of them is blank.
        in_symbol: (T + 1,) float64, the same if the last of them shows the prefix's last symbol.
    """

    last: int
    in_blank: Array
    in_symbol: Array

    def compute_arrivals(self, symbol: int) -> Array:
        """Return the log probabilities, (T,), that a symbol may follow and begin at each frame."""
        if symbol == self.last:  # repeats are merged, so a blank must come between them
            return self.in_blank[:-1]
        return self._either_ending

    @cached_property
    def _either_ending(self) -> Array:
        return np.asarray(np.logaddexp(self.in_blank[:-1], self.in_symbol[:-1]))

    @property
    def log_probability(self) -> float:
        """Natural log of the probability that the frames, all of them, show this prefix alone."""
        return float(np.logaddexp(self.in_blank[-1], self.in_symbol[-1]))


class Frames:
    """The probabilities of the classes in each frame of a strip.

    Attributes:
        log_probabilities: (T, C) float64, natural logs, finite.
        num_frames: T.
        num_classes: C, with the blank.
    """

    def __init__(self, log_probabilities: Array) -> None:
        """Compute the cumulative sums, which every string needs.

        Args:
            log_probabilities: (T, C) float64, natural logs, finite.
        """
        self.log_probabilities = log_probabilities
        self.num_frames, self.num_classes = log_probabilities.shape
        self._sums = np.zeros((self.num_classes, self.num_frames + 1))  # (C, T + 1)
        np.cumsum(log_probabilities.T, axis=1, out=self._sums[:, 1:])
        self._prefixes: dict[tuple[int, ...], Prefix] = {(): self.make_empty_prefix()}

    def make_empty_prefix(self) -> Prefix:
        """Return the empty prefix, for which every frame is blank."""
        return Prefix(BLANK, self._sums[BLANK], np.full(self.num_frames + 1, -np.inf))

    def extend(self, prefix: Prefix, symbol: int) -> Prefix:
        """Return a prefix with one more symbol."""
        in_symbol, in_blank = np.empty((2, self.num_frames + 1))
        in_symbol[0] = in_blank[0] = -np.inf
        in_symbol[1:] = self.propagate(prefix.compute_arrivals(symbol), symbol)
        in_blank[1:] = self.propagate(in_symbol[:-1], BLANK)
        return Prefix(symbol, in_blank, in_symbol)

    def propagate(self, arrivals: Array, classes: int | slice) -> Array:
        """Return the log probability of a path that entered a class earlier and is still in it.

        Args:
            arrivals: (T,), or (…, K, T) for a slice of K classes: log probability of entering the
                class at each frame.
            classes: the class, or a slice of classes.

        Returns:
            Of the shape of ``arrivals``.
        """
        # The recursion x[t] = p[t] (x[t - 1] + u[t]) has a closed form: x[t] / P[t] is the running
        # sum of u / P, where P is the running product of p.
        sums = self._sums[classes]
        running = np.logaddexp.accumulate(arrivals - sums[..., :-1], axis=-1)
        return np.asarray(running + sums[..., 1:])

    def compute_prefixes(self, string: Sequence[int]) -> list[Prefix]:
        """Return all prefixes of a string, the empty one first; they are cached."""
        known = self._prefixes
        beginnings = [tuple(string[:length]) for length in range(len(string) + 1)]
        for shorter, longer in itertools.pairwise(beginnings):
            if longer not in known:
                known[longer] = self.extend(known[shorter], longer[-1])
        return [known[beginning] for beginning in beginnings]

    def reverse(self) -> "Frames":
        """Return the frames in reverse order."""
        return Frames(self.log_probabilities[::-1])


@dataclass(frozen=True)
class Posterior:
    """The probabilities of a string of n symbols and of all strings that differ in one symbol.

    Attributes:
        log_probability: natural log of the probability of the string.
        substitutions: (n, C - 1) float64, natural logs of the probability of the string with each
            symbol replaced by each class other than the blank.
        deletions: (n,) float64, natural logs of the probability of the string without each symbol.
        occupancy: (n, T) float64 in [0, 1], probability that a frame shows each symbol, given the
            string.
    """

    log_probability: float
    substitutions: Array
    deletions: Array
    occupancy: Array


def compute_posterior(frames: Frames, string: Sequence[int]) -> Posterior:
    """Compute the exact probabilities of a string and of those that differ from it in one symbol.

    Args:
        frames: the probabilities of the classes.
        string: the classes of its symbols.
    """
    n, num_frames = len(string), frames.num_frames
    prefixes = frames.compute_prefixes(string)
    # Suffix i is the string from symbol i on; in reverse, suffixes are prefixes: (T + 1,) each.
    suffixes = frames.reverse().compute_prefixes(string[::-1])[::-1]
    log_probability = prefixes[-1].log_probability
    shape = (n, frames.num_classes - 1, num_frames)
    arrivals, exits = np.empty(shape), np.empty(shape)
    deletions, occupancy = np.empty(n), np.empty((n, num_frames))
    for i, symbol in enumerate(string):
        prefix, after = prefixes[i], suffixes[i + 1]
        leaving = np.logaddexp(after.in_blank, after.in_symbol)[::-1][1:]
        arrivals[i] = prefix.compute_arrivals(BLANK)
        exits[i] = leaving
        if prefix.last:
            arrivals[i, prefix.last - 1] = prefix.in_blank[:-1]
        if after.last:
            exits[i, after.last - 1] = after.in_blank[::-1][1:]
            joined = prefix.compute_arrivals(after.last) + after.in_symbol[::-1][:-1]
            deletions[i] = np.logaddexp.reduce(joined)
        else:
            deletions[i] = prefix.log_probability
        occupancy[i] = (
            prefixes[i + 1].in_symbol[1:]
            + suffixes[i].in_symbol[::-1][:-1]
            - frames.log_probabilities[:, symbol]
        )
    paths = frames.propagate(arrivals, slice(1, None)) + exits  # (n, C - 1, T)
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
    """Find the most probable alignment of a string with the frames (Viterbi's algorithm).

    Args:
        log_probabilities: (T, C) floating point, natural logs.
        string: the classes of its symbols; it must fit into T frames.

    Returns:
        (T,) intp, the state at each frame: 2 i for the blank before symbol i, or after the last;
        2 i + 1 for symbol i.
    """
    num_frames, n = len(log_probabilities), len(string)
    classes = np.zeros(2 * n + 1, dtype=np.intp)
    classes[1::2] = string
    scores = log_probabilities[:, classes]  # (T, 2 n + 1)
    # The blank between two symbols may be skipped only if the symbols differ.
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
