r"""Regular expressions over digits and separators, as finite automata.

What Python's ``re.fullmatch`` understands, and no more than can be an automaton: symbols, ``.``,
classes and their ranges and negations, ``\d``, groups, ``|``, ``*``, ``+``, ``?``, ``{m}``,
``{m,}``, ``{,n}``, ``{m,n}``. A ``^`` at the beginning and a ``$`` at the end change nothing.
"""

from dataclasses import dataclass
from functools import cache

from inkread.decoding.automaton import Automaton, TooManyStatesError, build_automaton
from inkread.errors import ConfigError

__all__ = ["DIGITS", "Pattern", "parse"]

DIGITS = "0123456789"
MAX_REPEATS = 100
MAX_STATES = 2000
_SPECIAL = r".^$*+?{}[]\|()"
_EXPECTED = "expected a pattern of digits and separators"


@dataclass(frozen=True)
class _Symbol:
    """One symbol: one of these, or, if negated, any but these."""

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
    """A pattern that was understood.

    Attributes:
        source: as it was written.
        separators: those that it names, in order; a ``.`` names none, nor does ``[^0]``.
        names_separators: whether it asks for any: it names one, or excludes all ten digits.
    """

    source: str
    separators: str
    names_separators: bool
    _root: _Node

    def build_automaton(self, symbols: str) -> Automaton:
        """Return an automaton for the strings of these symbols that match as a whole.

        Raises:
            ConfigError: it would have too many states.
        """
        arcs = _Arcs(self.source)
        end = arcs.add(self._root, arcs.state())
        steps, skips = arcs.steps, arcs.skips

        def closed(states: set[int]) -> frozenset[int]:
            queue = list(states)
            while queue:
                fresh = skips[queue.pop()] - states
                states |= fresh
                queue.extend(fresh)
            return frozenset(states)

        def step(states: frozenset[int], symbol: str) -> frozenset[int] | None:
            after = {to for state in states for by, to in steps[state] if by.matches(symbol)}
            return closed(after) if after else None

        try:
            return build_automaton(
                symbols, [closed({0})], step, lambda states: end in states, most=MAX_STATES
            )
        except TooManyStatesError:
            raise _too_large(self.source) from None


class _Arcs:
    """The arcs of a nondeterministic automaton (Thompson 1968), by the state they start from."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.steps: list[list[tuple[_Symbol, int]]] = []
        self.skips: list[set[int]] = []

    def state(self) -> int:
        if len(self.steps) == 5 * MAX_STATES:
            raise _too_large(self.source)
        self.steps.append([])
        self.skips.append(set())
        return len(self.steps) - 1

    def add(self, node: _Node, start: int) -> int:
        """Add what leads from a state over a node; return the state where it ends."""
        match node:
            case _Symbol():
                end = self.state()
                self.steps[start].append((node, end))
            case _Sequence(parts):
                end = start
                for part in parts:
                    end = self.add(part, end)
            case _Choice(options):
                ends = []
                for option in options:
                    begin = self.state()
                    self.skips[start].add(begin)
                    ends.append(self.add(option, begin))
                end = self.state()
                for last in ends:
                    self.skips[last].add(end)
            case _Repeat(part, least, most):
                end = self._repeat(part, start, least, most)
        return end

    def _repeat(self, part: _Node, start: int, least: int, most: int | None) -> int:
        for _ in range(least):
            start = self.add(part, start)
        # States of their own, so that going round doesn't lead back into what came before.
        begin, end = self.state(), self.state()
        self.skips[start].add(begin)
        self.skips[begin].add(end)
        if most is None:
            self.skips[self.add(part, begin)].add(begin)
            return end
        for _ in range(most - least):
            after = self.state()
            self.skips[self.add(part, begin)].add(after)
            self.skips[after].add(end)
            begin = after
        return end


@cache
def parse(source: str) -> Pattern:
    """Read a pattern.

    Raises:
        ConfigError: it is wrong, or has what can't be searched for.
    """
    parser = _Parser(source)
    root = parser.pattern()
    separators = "".join(sorted(parser.separators))
    return Pattern(source, separators, bool(separators) or parser.excludes_digits, root)


class _Parser:
    """A recursive descent through a pattern."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.place = 0
        self.separators: set[str] = set()
        self.excludes_digits = False

    def pattern(self) -> _Node:
        self._take("^")
        node = self._choice()
        self._take("$")
        if self._next():
            raise self._wrong("the end")
        return node

    def _choice(self) -> _Node:
        options = [self._sequence()]
        while self._take("|"):
            options.append(self._sequence())
        return options[0] if len(options) == 1 else _Choice(tuple(options))

    def _sequence(self) -> _Node:
        parts = []
        while self._next() not in {"", "|", ")"} and not self._at_end_anchor():
            parts.append(self._repeated(self._atom()))
        return _Sequence(tuple(parts))

    def _at_end_anchor(self) -> bool:
        return self.source[self.place :] == "$"

    def _repeated(self, part: _Node) -> _Node:
        counts: tuple[int, int | None]
        if self._take("*"):
            counts = 0, None
        elif self._take("+"):
            counts = 1, None
        elif self._take("?"):
            counts = 0, 1
        elif self._take("{"):
            counts = self._counts()
        else:
            return part
        if self._next() in {"?", "+"}:
            raise self._unsupported(f"a lazy or possessive {self._next()} after a repetition")
        if self._next() in {"*", "{"}:
            raise self._wrong("one repetition")
        return _Repeat(part, *counts)

    def _counts(self) -> tuple[int, int | None]:
        least = self._number()
        if self._take("}"):
            if least is None:
                raise self._wrong("a number in {}")
            return least, least
        if not self._take(","):
            raise self._wrong("a , or } in a repetition")
        most = self._number()
        if not self._take("}"):
            raise self._wrong("a } after a repetition")
        if most is not None and most < (least or 0):
            raise self._wrong("the smaller number first in a repetition")
        return least or 0, most

    def _number(self) -> int | None:
        begin = self.place
        while self._next() and self._next() in DIGITS:
            self.place += 1
        if begin == self.place:
            return None
        if int(self.source[begin : self.place]) > MAX_REPEATS:
            raise self._wrong(f"at most {MAX_REPEATS} repetitions")
        return int(self.source[begin : self.place])

    def _atom(self) -> _Node:
        if self._take("("):
            if self._take("?") and not self._take(":"):
                raise self._unsupported(f"(?{self._next()}: groups are (…) or (?:…)")
            node = self._choice()
            if not self._take(")"):
                raise self._wrong("a )")
            return node
        if self._take("["):
            return self._class()
        if self._take("."):
            return _Symbol(frozenset(), negated=True)
        if self._next() in {"^", "$"}:
            raise self._unsupported(f"{self._next()} inside the pattern")
        if self._next() in _SPECIAL and self._next() != "\\":
            raise self._wrong("a symbol, a class or a group")
        return _Symbol(self._named(self._members()))

    def _class(self) -> _Node:
        negated = self._take("^")
        members: set[str] = set()
        begin = self.place
        while self._next() != "]" or self.place == begin:
            first = self._members()
            if self._next() == "-" and self.source[self.place + 1 : self.place + 2] not in {
                "",
                "]",
            }:
                self.place += 1
                last = self._members()
                if len(first) > 1 or len(last) > 1 or min(first) > min(last):
                    raise self._wrong("a range from a lower to a higher symbol")
                if not (first | last) <= set(DIGITS):
                    raise self._wrong("a range of digits")
                first = frozenset(map(chr, range(ord(min(first)), ord(min(last)) + 1)))
            members |= first
        self.place += 1
        if negated:
            self.excludes_digits |= members >= set(DIGITS)
            return _Symbol(frozenset(members), negated=True)
        return _Symbol(self._named(frozenset(members)))

    def _members(self) -> frozenset[str]:
        r"""Read a symbol, as it is or after a backslash, or ``\d``."""
        if self._take("\\"):
            if self._take("d"):
                return frozenset(DIGITS)
            if self._next().isalnum():
                raise self._unsupported(f"\\{self._next()}")
        symbol = self._next()
        if not symbol:
            raise self._wrong("more of the pattern")
        if symbol in DIGITS or (
            symbol.isprintable() and not symbol.isalnum() and symbol not in " ?"
        ):
            self.place += 1
            return frozenset(symbol)
        raise self._wrong("a digit or a separator")

    def _named(self, members: frozenset[str]) -> frozenset[str]:
        self.separators |= members - set(DIGITS)
        return members

    def _next(self) -> str:
        return self.source[self.place : self.place + 1]

    def _take(self, symbol: str) -> bool:
        if self._next() != symbol:
            return False
        self.place += 1
        return True

    def _wrong(self, expected: str) -> ConfigError:
        received = repr(self.source[self.place :]) if self._next() else "its end"
        return ConfigError(
            f"{_EXPECTED}, with {expected} at place {self.place}, "
            f"received {self.source!r} with {received} there"
        )

    def _unsupported(self, what: str) -> ConfigError:
        return ConfigError(
            f"{_EXPECTED}, received {self.source!r}: it can't be searched with {what}"
        )


def _too_large(source: str) -> ConfigError:
    return ConfigError(
        f"{_EXPECTED} and of at most {MAX_STATES} states, received {source!r} with more"
    )
