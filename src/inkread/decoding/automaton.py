"""Finite automata over the symbols a model reads: the form into which constraints are compiled."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

__all__ = [
    "DEAD",
    "Automaton",
    "TooManyStatesError",
    "TooMuchWorkError",
    "build_automaton",
    "build_text_automaton",
    "intersect",
    "limit_work",
    "spend_work",
]

DEAD = -1
MAX_STATES = 5000  # the search's bounds then take 100 MiB for a strip of 250 frames

State = TypeVar("State", bound=Hashable)


class TooManyStatesError(Exception):
    """An automaton would have more states than are allowed.

    Attributes:
        max_states: how many are allowed.
    """

    def __init__(self, max_states: int) -> None:
        """Store the limit."""
        super().__init__(f"expected at most {max_states} states")
        self.max_states = max_states


class TooMuchWorkError(Exception):
    """Building automata would take more steps than are allowed."""


class _Budget:
    """Steps that are left; a step takes about a microsecond."""

    def __init__(self, left: int, outer: "_Budget | None") -> None:
        self.left = left
        self.outer = outer


_budget: ContextVar[_Budget | None] = ContextVar("_budget", default=None)


@contextmanager
def limit_work(max_steps: int) -> Iterator[None]:
    """Limit the work of what is built in a block, inside the limits of blocks around it.

    Args:
        max_steps: states of an automaton times symbols, and states of a graph that are visited.

    Raises:
        TooMuchWorkError: raised in the block, when there is no step left.
    """
    token = _budget.set(_Budget(max_steps, _budget.get()))
    try:
        yield
    finally:
        _budget.reset(token)


def spend_work(num_steps: int) -> None:
    """Count steps of work.

    Raises:
        TooMuchWorkError: a limit is reached.
    """
    budget = _budget.get()
    while budget:
        budget.left -= num_steps
        if budget.left < 0:
            raise TooMuchWorkError
        budget = budget.outer


@dataclass(frozen=True, eq=False)
class Automaton:
    """An unambiguous finite automaton: a string is accepted from at most one initial state.

    Attributes:
        symbols: its alphabet of S symbols.
        transitions: (Q, S) intp, the state after each state and symbol; ``DEAD`` if no accepted
            string continues so.
        initial: the initial states.
        accepting: (Q,) bool, whether each state is accepting.
    """

    symbols: str
    transitions: npt.NDArray[np.intp]
    initial: tuple[int, ...]
    accepting: npt.NDArray[np.bool_]

    @property
    def is_empty(self) -> bool:
        """Whether no string is accepted."""
        return not self.initial

    def accepts(self, string: str) -> bool:
        """Return whether a string is accepted."""
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
    max_states: int = MAX_STATES,
) -> Automaton:
    """Build an automaton from its transition function, by breadth-first search of its states.

    States that can't be reached, or from which no accepting state can be reached, are left out.

    Args:
        symbols: the alphabet.
        initial: the initial states.
        step: returns the state after a state and a symbol; ``None`` if no string continues so.
        accepts: returns whether a state is accepting.
        max_states: largest number of states.

    Raises:
        TooManyStatesError: there are more states.
        TooMuchWorkError: as ``limit_work`` says.
    """
    starts = list(initial)
    found = {state: index for index, state in enumerate(starts)}
    queue = list(starts)
    rows = []
    for state in queue:  # which grows as new states are found
        row = []
        spend_work(len(symbols))
        for symbol in symbols:
            following = step(state, symbol)
            if following is None:
                row.append(DEAD)
                continue
            if following not in found:
                if len(found) == max_states:
                    raise TooManyStatesError(max_states)
                found[following] = len(found)
                queue.append(following)
            row.append(found[following])
        rows.append(row)
    transitions = np.array(rows, dtype=np.intp).reshape(len(rows), len(symbols))
    accepting = np.array([accepts(state) for state in queue], dtype=bool)
    return _trim(Automaton(symbols, transitions, tuple(range(len(starts))), accepting))


def intersect(first: Automaton, second: Automaton) -> Automaton:
    """Return the automaton that accepts the strings that both accept (the product construction).

    Args:
        first: an automaton.
        second: an automaton of the same symbols.

    Raises:
        TooManyStatesError: the product has more than ``MAX_STATES`` states.
    """

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
    """Return an automaton that accepts a text with any separators before, between and after.

    Args:
        text: digits.
        symbols: the alphabet: digits and separators.
    """

    def step(state: int, symbol: str) -> int | None:
        if not symbol.isdigit():
            return state
        return state + 1 if state < len(text) and text[state] == symbol else None

    return build_automaton(symbols, [0], step, lambda state: state == len(text))


def _trim(automaton: Automaton) -> Automaton:
    """Leave out the states from which no accepting state can be reached."""
    before: list[list[int]] = [[] for _ in automaton.accepting]
    for state, row in enumerate(automaton.transitions.tolist()):
        for following in set(row) - {DEAD}:
            before[following].append(state)
    alive = automaton.accepting.copy()
    queue = np.flatnonzero(alive).tolist()
    while queue:
        for state in before[queue.pop()]:
            if not alive[state]:
                alive[state] = True
                queue.append(state)
    index = np.append(np.where(alive, np.cumsum(alive) - 1, DEAD), DEAD)  # the last one is for DEAD
    return Automaton(
        automaton.symbols,
        index[automaton.transitions[alive]],
        tuple(int(index[state]) for state in automaton.initial if alive[state]),
        automaton.accepting[alive],
    )
