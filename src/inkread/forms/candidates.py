"""What may be written in a field: texts, each with the probability that it is this one."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Candidate", "combinations", "of_cells"]

_ENOUGH_MASS = 0.99995
_FLOOR = 1e-9  # a digit less probable than this isn't looked at


@dataclass(frozen=True)
class Candidate:
    """One way to read a field.

    Attributes:
        text: its digits.
        probability: that the field shows them, in [0, 1].
    """

    text: str
    probability: float


def combinations(weights: Sequence[Sequence[float]]) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Give all ways to choose one of each sequence, by their product, the greatest first.

    Args:
        weights: sequences in falling order, none of them empty, all at least 0.

    Yields:
        The product, and which was chosen of each.
    """
    start = (0,) * len(weights)
    first = float(np.prod([choices[0] for choices in weights])) if weights else 1.0
    heap = [(-first, start, 0)]
    while heap:
        negative, chosen, last = heapq.heappop(heap)
        yield -negative, chosen
        # Each way has one parent: the one with its last place that isn't the first put back by one.
        for place in range(last, len(weights)):
            index = chosen[place] + 1
            if index < len(weights[place]) and weights[place][index] > 0:
                product = -negative / weights[place][index - 1] * weights[place][index]
                heapq.heappush(
                    heap, (-product, (*chosen[:place], index, *chosen[place + 1 :]), place)
                )


def of_cells(probabilities: npt.NDArray[np.floating], count: int) -> tuple[Candidate, ...]:
    """Return what cells with a digit each may show, the most probable first.

    Args:
        probabilities: (cells, 10), of 0 to 9 in each; each row adds up to 1.
        count: how many at most; fewer where they make up nearly all of the probability.
    """
    order = np.argsort(-probabilities, axis=1)
    ranked = [
        [float(row[digit]) for digit in digits if row[digit] > _FLOOR]
        for row, digits in zip(probabilities, order, strict=True)
    ]
    found, mass = [], 0.0
    for probability, chosen in combinations(ranked):
        text = "".join(str(order[cell, rank]) for cell, rank in enumerate(chosen))
        found.append(Candidate(text, probability))
        mass += probability
        if mass >= _ENOUGH_MASS or len(found) >= count:
            break
    return tuple(found)
