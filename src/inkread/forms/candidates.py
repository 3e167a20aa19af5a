"""Candidates: the texts that a field may hold, each with its probability."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Candidate", "rank_cell_texts", "rank_combinations"]

_MAX_TOTAL_PROBABILITY = 0.99995  # of the candidates: no more are listed once they reach it
_MIN_DIGIT_PROBABILITY = 1e-9


@dataclass(frozen=True)
class Candidate:
    """One text that a field may hold.

    Attributes:
        text: digits.
        probability: that the field holds this text, in [0, 1].
    """

    text: str
    probability: float


def rank_combinations(
    weights: Sequence[Sequence[float]], most: int
) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Choose one weight of each sequence, in all ways, in descending order of their product.

    A best-first search over a heap: the combinations are generated lazily.

    Args:
        weights: sequences of weights in descending order, all at least 0, none of them empty.
        most: how many combinations are wanted at most.

    Yields:
        The product, and the index chosen in each sequence. Weights of 0 are chosen only where
        they come first.
    """
    start = (0,) * len(weights)
    first = float(np.prod([choices[0] for choices in weights])) if weights else 1.0
    # Each entry has the combination that it comes from, and the place where it goes on.
    heap = [(-first, 0, start, -1)]
    num_pushed = 0
    for num_wanted in range(most, 0, -1):
        if not heap:
            return
        negative, _, chosen, last = heapq.heappop(heap)
        if last >= 0:
            chosen = (*chosen[:last], chosen[last] + 1, *chosen[last + 1 :])
        yield -negative, chosen
        if len(heap) > 2 * num_wanted:  # the others can't be among those that are wanted
            heap = heapq.nsmallest(num_wanted, heap)
        # Each combination is pushed once, by the one whose last non-zero index is one lower.
        for place in range(max(0, last), len(weights)):
            index = chosen[place] + 1
            if index < len(weights[place]) and weights[place][index] > 0:
                product = -negative / weights[place][index - 1] * weights[place][index]
                num_pushed += 1
                heapq.heappush(heap, (-product, num_pushed, chosen, place))


def rank_cell_texts(probabilities: npt.NDArray[np.floating], count: int) -> tuple[Candidate, ...]:
    """List the texts that a row of cells with a digit each may hold, the most probable first.

    Args:
        probabilities: (cells, 10), of the digits 0 to 9 in each cell; each row adds up to 1.
        count: how many candidates at most; fewer where they have nearly all of the probability.
    """
    order = np.argsort(-probabilities, axis=1)
    ranked = [
        [float(row[digit]) for digit in digits if row[digit] > _MIN_DIGIT_PROBABILITY]
        for row, digits in zip(probabilities, order, strict=True)
    ]
    found, mass = [], 0.0
    for probability, chosen in rank_combinations(ranked, count):
        text = "".join(str(order[cell, rank]) for cell, rank in enumerate(chosen))
        found.append(Candidate(text, probability))
        mass += probability
        if mass >= _MAX_TOTAL_PROBABILITY or len(found) >= count:
            break
    return tuple(found)
