r"""Compiles regular expressions over digits and separators to finite automata.

The syntax is the part of Python's ``re`` that describes regular languages: symbols, ``.``, classes
with ranges and negations, ``\d``, groups, ``|``, ``*``, ``+``, ``?``, ``{m}``, ``{m,}``, ``{,n}``,
``{m,n}``. The whole string must match, so ``^`` at the start and ``$`` at the end change nothing.
"""

from dataclasses import dataclass
from functools import lru_cache

from inkread.decoding.automaton import (
    Automaton,
    TooManyStatesError,
    build_automaton,
    spend_work,
)
from inkread.errors import ConfigError

__all__ = ["DIGITS", "Pattern", "parse"]

DIGITS = "0123456789"
MAX_REPEATS = 100
MAX_STATES = 2000  # of the deterministic automaton
_MAX_LENGTH = 1000  # characters of a pattern
_MAX_DEPTH = 40  # of groups in groups
_NUM_CACHED = 256  # patterns that are kept, of some 60 kB at most
_MAX_GRAPH_STATES = 5 * MAX_STATES  # of the nondeterministic one
_SPECIAL = r".^$*+?{}[]\|()"
_EXPECTED = "expected a pattern of digits and separators"


@dataclass(frozen=True)
class _Symbol:
    """Matches one symbol: one of ``members`` or, if negated, any other."""

    members: frozenset[str]
    negated: bool = False

    def matches(self, symbol: str) -> bool:
        return (symbol in self.members) != self.negated


@dataclass(frozen=True)
class _Sequence:
    parts: tuple["_Node", ...]


@dataclass(frozen=True)
class _Choice:
    options: tuple["_Node", ...]


@dataclass(frozen=True)
class _Repeat:
    part: "_Node"
    least: int
    most: int | None


_Node = _Symbol | _Sequence | _Choice | _Repeat


@dataclass(frozen=True)
class Pattern:
    """A parsed pattern.

    Attributes:
        source: the regular expression.
        separators: those that it names, sorted; ``.`` and negated classes name none.
        names_separators: whether it is about separators: it names one, or a class excludes all ten
            digits.
    """

    source: str
    separators: str
    names_separators: bool
    _root: _Node

    def build_automaton(self, symbols: str) -> Automaton:
        """Return a deterministic automaton that accepts the strings that match as a whole.

        Args:
            symbols: the alphabet: digits and separators.

        Raises:
            ConfigError: it would have too many states.
            TooMuchWorkError: as ``automaton.limit_work`` says.
        """
        graph = _Graph(self.source)
        end = graph.add(self._root, graph.add_state())
        steps, epsilons = graph.steps, graph.epsilons

        def close(states: set[int]) -> frozenset[int]:
            """Add the states that are reached without a symbol (the epsilon closure)."""
            queue = list(states)
            while queue:
                fresh = epsilons[queue.pop()] - states
                states |= fresh
                queue.extend(fresh)
            spend_work(len(states))
            return frozenset(states)

        def step(states: frozenset[int], symbol: str) -> frozenset[int] | None:
            spend_work(len(states))
            after = {to for state in states for by, to in steps[state] if by.matches(symbol)}
            return close(after) if after else None

        try:
            return build_automaton(
                symbols, [close({0})], step, lambda states: end in states, max_states=MAX_STATES
            )
        except TooManyStatesError:
            raise _make_size_error(self.source) from None


class _Graph:
    """A nondeterministic automaton, built by Thompson's construction (1968).

    Attributes:
        source: the regular expression.
        steps: by state, the transitions that read a symbol: (symbols, next state).
        epsilons: by state, the states that are reached without reading a symbol.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.steps: list[list[tuple[_Symbol, int]]] = []
        self.epsilons: list[set[int]] = []

    def add_state(self) -> int:
        if len(self.steps) == _MAX_GRAPH_STATES:
            raise _make_size_error(self.source)
        self.steps.append([])
        self.epsilons.append(set())
        return len(self.steps) - 1

    def add(self, node: _Node, start: int) -> int:
        """Add a node of the syntax tree after a state; return the state where it ends."""
        match node:
            case _Symbol():
                end = self.add_state()
                self.steps[start].append((node, end))
            case _Sequence(parts):
                end = start
                for part in parts:
                    end = self.add(part, end)
            case _Choice(options):
                ends = []
                for option in options:
                    begin = self.add_state()
                    self.epsilons[start].add(begin)
                    ends.append(self.add(option, begin))
                end = self.add_state()
                for last in ends:
                    self.epsilons[last].add(end)
            case _Repeat(part, least, most):
                end = self._add_repeat(part, start, least, most)
        return end

    def _add_repeat(self, part: _Node, start: int, least: int, most: int | None) -> int:
        for _ in range(least):
            start = self.add(part, start)
        # New states, so that a loop doesn't lead back into the part before the repetition.
        begin, end = self.add_state(), self.add_state()
        self.epsilons[start].add(begin)
        self.epsilons[begin].add(end)
        if most is None:
            self.epsilons[self.add(part, begin)].add(begin)
            return end
        for _ in range(most - least):
            after = self.add_state()
            self.epsilons[self.add(part, begin)].add(after)
            self.epsilons[after].add(end)
            begin = after
        return end


@lru_cache(maxsize=_NUM_CACHED)
def parse(source: str) -> Pattern:
    """Parse a pattern.

    Args:
        source: a regular expression.

    Raises:
        ConfigError: it is invalid, or uses syntax that is not supported.
    """
    parser = _Parser(source)
    root = parser.parse()
    separators = "".join(sorted(parser.separators))
    return Pattern(source, separators, bool(separators) or parser.excludes_digits, root)


class _Parser:
    """A recursive-descent parser of a pattern."""

    def __init__(self, source: str) -> None:
        if len(source) > _MAX_LENGTH:
            raise ConfigError(
                f"{_EXPECTED}, of at most {_MAX_LENGTH:,} characters, received {len(source):,}"
            )
        self.source = source
        self.position = 0
        self.depth = 0
        self.separators: set[str] = set()
        self.excludes_digits = False

    def parse(self) -> _Node:
        self._accept("^")
        node = self._parse_choice()
        self._accept("$")
        if self._peek():
            raise self._make_error("the end")
        return node

    def _parse_choice(self) -> _Node:
        options = [self._parse_sequence()]
        while self._accept("|"):
            options.append(self._parse_sequence())
        return options[0] if len(options) == 1 else _Choice(tuple(options))

    def _parse_sequence(self) -> _Node:
        parts = []
        while self._peek() not in {"", "|", ")"} and not self._is_at_end_anchor():
            parts.append(self._parse_repetition(self._parse_atom()))
        return _Sequence(tuple(parts))

    def _is_at_end_anchor(self) -> bool:
        return self.source[self.position :] == "$"

    def _parse_repetition(self, part: _Node) -> _Node:
        counts: tuple[int, int | None]
        if self._accept("*"):
            counts = 0, None
        elif self._accept("+"):
            counts = 1, None
        elif self._accept("?"):
            counts = 0, 1
        elif self._accept("{"):
            counts = self._parse_counts()
        else:
            return part
        if self._peek() in {"?", "+"}:
            raise self._make_unsupported_error(
                f"a lazy or possessive {self._peek()} after a repetition"
            )
        if self._peek() in {"*", "{"}:
            raise self._make_error("one repetition")
        return _Repeat(part, *counts)

    def _parse_counts(self) -> tuple[int, int | None]:
        least = self._parse_number()
        if self._accept("}"):
            if least is None:
                raise self._make_error("a number in {}")
            return least, least
        if not self._accept(","):
            raise self._make_error("a , or } in a repetition")
        most = self._parse_number()
        if not self._accept("}"):
            raise self._make_error("a } after a repetition")
        if most is not None and most < (least or 0):
            raise self._make_error("the smaller number first in a repetition")
        return least or 0, most

    def _parse_number(self) -> int | None:
        begin = self.position
        while self._peek() and self._peek() in DIGITS:
            self.position += 1
        if begin == self.position:
            return None
        if int(self.source[begin : self.position]) > MAX_REPEATS:
            raise self._make_error(f"at most {MAX_REPEATS} repetitions")
        return int(self.source[begin : self.position])

    def _parse_atom(self) -> _Node:
        if self._accept("("):
            if self._accept("?") and not self._accept(":"):
                raise self._make_unsupported_error(f"(?{self._peek()}: groups are (…) or (?:…)")
            self.depth += 1
            if self.depth > _MAX_DEPTH:
                raise self._make_error(f"at most {_MAX_DEPTH} groups in groups")
            node = self._parse_choice()
            if not self._accept(")"):
                raise self._make_error("a )")
            self.depth -= 1
            return node
        if self._accept("["):
            return self._parse_class()
        if self._accept("."):
            return _Symbol(frozenset(), negated=True)
        if self._peek() in {"^", "$"}:
            raise self._make_unsupported_error(f"{self._peek()} inside the pattern")
        if self._peek() in _SPECIAL and self._peek() != "\\":
            raise self._make_error("a symbol, a class or a group")
        return _Symbol(self._record_separators(self._parse_symbols()))

    def _parse_class(self) -> _Node:
        negated = self._accept("^")
        members: set[str] = set()
        begin = self.position
        while self._peek() != "]" or self.position == begin:
            first = self._parse_symbols()
            if self._peek() == "-" and self.source[self.position + 1 : self.position + 2] not in {
                "",
                "]",
            }:
                self.position += 1
                last = self._parse_symbols()
                if len(first) > 1 or len(last) > 1 or min(first) > min(last):
                    raise self._make_error("a range from a lower to a higher symbol")
                if not (first | last) <= set(DIGITS):
                    raise self._make_error("a range of digits")
                first = frozenset(map(chr, range(ord(min(first)), ord(min(last)) + 1)))
            members |= first
        self.position += 1
        if negated:
            self.excludes_digits |= members >= set(DIGITS)
            return _Symbol(frozenset(members), negated=True)
        return _Symbol(self._record_separators(frozenset(members)))

    def _parse_symbols(self) -> frozenset[str]:
        r"""Read a symbol, as it is or after a backslash, or ``\d``."""
        if self._accept("\\"):
            if self._accept("d"):
                return frozenset(DIGITS)
            if self._peek().isalnum():
                raise self._make_unsupported_error(f"\\{self._peek()}")
        symbol = self._peek()
        if not symbol:
            raise self._make_error("more of the pattern")
        if symbol in DIGITS or (
            symbol.isprintable() and not symbol.isalnum() and symbol not in " ?"
        ):
            self.position += 1
            return frozenset(symbol)
        raise self._make_error("a digit or a separator")

    def _record_separators(self, members: frozenset[str]) -> frozenset[str]:
        self.separators |= members - set(DIGITS)
        return members

    def _peek(self) -> str:
        return self.source[self.position : self.position + 1]

    def _accept(self, symbol: str) -> bool:
        if self._peek() != symbol:
            return False
        self.position += 1
        return True

    def _make_error(self, expected: str) -> ConfigError:
        received = repr(self.source[self.position :]) if self._peek() else "its end"
        return ConfigError(
            f"{_EXPECTED}, with {expected} at place {self.position}, "
            f"received {self.source!r} with {received} there"
        )

    def _make_unsupported_error(self, what: str) -> ConfigError:
        return ConfigError(
            f"{_EXPECTED}, received {self.source!r}: it can't be searched with {what}"
        )


def _make_size_error(source: str) -> ConfigError:
    return ConfigError(
        f"{_EXPECTED} and of at most {MAX_STATES} states, received {source!r} with more"
    )
