"""Finite automata over the symbols that can be written: what a constraint becomes."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

__all__ = [
    "DEAD",
    "Automaton",
    "TooManyStatesError",
    "build_automaton",
    "build_text_automaton",
    "intersect",
]

DEAD = -1
MAX_STATES = 5000  # 100 MiB of bounds for a strip of 250 frames

State = TypeVar("State", bound=Hashable)


class TooManyStatesError(Exception):
    """An automaton would have more states than it may."""

    def __init__(self, most: int) -> None:
        """Keep how many it may have."""
        super().__init__(f"expected at most {most} states")
        self.most = most


@dataclass(frozen=True, eq=False)
class Automaton:
    """An unambiguous automaton: each string is accepted from one of the initial states at most.

    Attributes:
        symbols: the S symbols that it knows.
        transitions: (Q, S) intp, the state after each symbol, ``DEAD`` where no accepted string
            goes on so.
        initial: the states to begin in.
        accepting: (Q,) bool, the states to end in.
    """

    symbols: str
    transitions: npt.NDArray[np.intp]
    initial: tuple[int, ...]
    accepting: npt.NDArray[np.bool_]

    @property
    def is_empty(self) -> bool:
        """Whether it accepts no string at all."""
        return not self.initial

    def accepts(self, string: str) -> bool:
        """Return whether it accepts a string."""
        columns = [self.symbols.find(symbol) for symbol in string]
        if DEAD in columns:
            return False
        for start in self.initial:
            state = int(start)
            for column in columns:
                state = int(self.transitions[state, column])
                if state == DEAD:
                    break
            else:
                if self.accepting[state]:
                    return True
        return False


def build_automaton(
    symbols: str,
    initial: Iterable[State],
    step: Callable[[State, str], State | None],
    accepts: Callable[[State], bool],
    most: int = MAX_STATES,
) -> Automaton:
    """Build an automaton from its rule; what can't be reached or leads nowhere is left out.

    Args:
        symbols: what can be written.
        initial: the states to begin in.
        step: the state after a state and a symbol; ``None`` where no string goes on so.
        accepts: whether a string may end in a state.
        most: how many states it may have.

    Raises:
        TooManyStatesError: there are more.
    """
    starts = list(initial)
    found = {state: index for index, state in enumerate(starts)}
    queue = list(starts)
    rows = []
    for state in queue:  # it grows as states are found
        row = []
        for symbol in symbols:
            following = step(state, symbol)
            if following is None:
                row.append(DEAD)
                continue
            if following not in found:
                if len(found) == most:
                    raise TooManyStatesError(most)
                found[following] = len(found)
                queue.append(following)
            row.append(found[following])
        rows.append(row)
    transitions = np.array(rows, dtype=np.intp).reshape(len(rows), len(symbols))
    accepting = np.array([accepts(state) for state in queue], dtype=bool)
    return _trimmed(Automaton(symbols, transitions, tuple(range(len(starts))), accepting))


def intersect(first: Automaton, second: Automaton) -> Automaton:
    """Return an automaton of the same symbols for the strings that both accept."""

    def step(state: tuple[int, int], symbol: str) -> tuple[int, int] | None:
        column = columns[symbol]
        left, right = left_rows[state[0]][column], right_rows[state[1]][column]
        return None if DEAD in {left, right} else (left, right)

    def accepts(state: tuple[int, int]) -> bool:
        return bool(first.accepting[state[0]] and second.accepting[state[1]])

    columns = {symbol: index for index, symbol in enumerate(first.symbols)}
    left_rows, right_rows = first.transitions.tolist(), second.transitions.tolist()
    initial = [(left, right) for left in first.initial for right in second.initial]
    return build_automaton(first.symbols, initial, step, accepts)


def build_text_automaton(text: str, symbols: str) -> Automaton:
    """Return an automaton for a text's digits with any separators before, between and after."""

    def step(state: int, symbol: str) -> int | None:
        if not symbol.isdigit():
            return state
        return state + 1 if state < len(text) and text[state] == symbol else None

    return build_automaton(symbols, [0], step, lambda state: state == len(text))


def _trimmed(automaton: Automaton) -> Automaton:
    """Leave out the states from which no accepted string can end."""
    alive = automaton.accepting.copy()
    known = automaton.transitions != DEAD
    while True:
        leads = (alive[automaton.transitions] & known).any(axis=1)
        if not (leads & ~alive).any():
            break
        alive |= leads
    index = np.append(np.where(alive, np.cumsum(alive) - 1, DEAD), DEAD)  # the last one is for DEAD
    return Automaton(
        automaton.symbols,
        index[automaton.transitions[alive]],
        tuple(int(index[state]) for state in automaton.initial if alive[state]),
        automaton.accepting[alive],
    )
