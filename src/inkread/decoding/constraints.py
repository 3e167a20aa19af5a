"""Constraints on the number to be read: its length, its pattern, its check digit."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, reduce

from inkread.decoding.automaton import (
    Automaton,
    TooManyStatesError,
    TooMuchWorkError,
    build_automaton,
    intersect,
    limit_work,
)
from inkread.decoding.check_digits import CHECKS, Check
from inkread.decoding.patterns import DIGITS, parse
from inkread.errors import ConfigError
from inkread.notation import Notation
from inkread.results import REJECTED

__all__ = ["DIGITS", "Constraint"]

MAX_LENGTH = 100
_ALL_MARKS = ".,-/=:"  # for a kind: those that any model may read
_MAX_STEPS = 2_000_000  # to build one constraint: about a second
_NUM_CACHED = 64  # automata of up to half a megabyte


@dataclass(frozen=True)
class Constraint:
    r"""What a number must satisfy; attributes that are ``None`` demand nothing.

    Only texts of digits satisfy a constraint; those with ``?``, for what is no digit, don't.

    Attributes:
        length: the number of digits, or its smallest and largest value, 1 to 100; separators don't
            count.
        pattern: a regular expression that the whole text must match, as in ``re.fullmatch``. If it
            names a separator (``\d+\.\d\d``, ``[.,]``, ``[^\d]``), it is matched against the digits
            with their separators, and ``.`` matches either; otherwise (``.``, ``\d``, ``[^0]``)
            against the digits alone, and any separators are allowed. See
            ``inkread.decoding.patterns``.
        check: a rule for the digits, without separators:

            * ``luhn``: ISO/IEC 7812-1, as of credit cards; 2 digits or more.
            * ``verhoeff``: Verhoeff 1969; 2 digits or more.
            * ``ean13``: GS1, modulo 10 with weights 1 and 3; 13 digits.
            * ``isbn10``: ISO 2108, weights 10 to 1, modulo 11; 10 digits. Those with an X for 10
              can't be read. The same rule as of the numbers of the British NHS.
            * ``mod11``: modulo 11 with weights 2, 3, 4, 5, 6, 7 and again 2 to 7, from the digit
              before the check digit to the left; the check digit makes the sum a multiple of 11.
              Numbers whose check digit would be 10 aren't issued. 2 digits or more.
            * ``iban-digits``: ISO/IEC 7064 MOD 97-10 over digits alone: the digits, taken as one
              number, are 1 modulo 97. For an IBAN these are the account's digits, then the
              country's letters as numbers (A is 10), then the two check digits. 3 digits or more.
            * a function that takes the digits and returns whether they are right; it is called for
              up to 1,000 texts, the most probable first, until enough are accepted.
        notation: how it is written: with a kind, only such numbers are read, with their separators;
            without, this demands nothing. A kind and a pattern can't both be given.

    Raises:
        ConfigError: the length is impossible, the pattern invalid, the check unknown, or no number
            satisfies all of them.
    """

    length: int | tuple[int, int] | None = None
    pattern: str | None = None
    check: str | Callable[[str], bool] | None = None
    notation: Notation | None = None

    def __post_init__(self) -> None:
        """Check that some number satisfies it."""
        if self.length is not None and not _is_length(self.length):
            raise ConfigError(
                f"expected as length a number of digits from 1 to {MAX_LENGTH}, or the least and "
                f"the greatest as a pair, received {self.length!r}"
            )
        if isinstance(self.check, str) and self.check not in CHECKS:
            raise ConfigError(
                f"expected as check a function or one of {', '.join(CHECKS)}; "
                f"received {self.check!r}"
            )
        if self.has_kind and self.pattern is not None:
            raise ConfigError(
                f"expected a kind or a pattern, received both: pattern {self.pattern!r}"
            )
        if self._automaton(DIGITS + (_ALL_MARKS if self.has_kind else self.separators)).is_empty:
            given = ", ".join(
                f"{name} {value!r}"
                for name, value in vars(self).items()
                if value is not None and not callable(value)
            )
            raise ConfigError(f"expected constraints that some number satisfies, received {given}")

    @property
    def has_kind(self) -> bool:
        """Whether it is known what the number is: a decimal, a date."""
        return self.notation is not None and self.notation.kind is not None

    @property
    def demands_nothing(self) -> bool:
        """Whether every text satisfies it."""
        return (self.length, self.pattern, self.check) == (None,) * 3 and not self.has_kind

    @property
    def separators(self) -> str:
        """The separators that the pattern names."""
        return "" if self.pattern is None else parse(self.pattern).separators

    @property
    def names_separators(self) -> bool:
        """Whether the digits are looked at with their separators."""
        return self.has_kind or (self.pattern is not None and parse(self.pattern).names_separators)

    def accepts(self, string: str) -> bool:
        """Return whether a string satisfies the constraint.

        Args:
            string: the digits, with their separators if the pattern names any.
        """
        others = "".join(sorted(set(string) - set(DIGITS)))
        if REJECTED in others or (others and not self.names_separators):
            return False
        written = DIGITS + "".join(sorted(set(others) | set(self.separators)))
        return self._automaton(written).accepts(string) and self.passes(string)

    def passes(self, string: str) -> bool:
        """Return whether a check that is a function accepts its digits, and its kind its value."""
        if self.has_kind and self.notation is not None and not self.notation.accepts(string):
            return False
        return not callable(self.check) or bool(
            self.check("".join(filter(DIGITS.__contains__, string)))
        )

    def find_meaning(self, string: str) -> str:
        """Return what a string means, as text; empty unless it is known what the number is."""
        if not self.has_kind or self.notation is None:
            return ""
        return self.notation.interpret(string).key

    @property
    def filters(self) -> bool:
        """Whether it refuses strings that its automaton accepts."""
        return self.has_kind or callable(self.check)

    def build_automaton(self, written: str) -> Automaton:
        """Return an automaton that accepts what satisfies it; a function as check is ignored.

        Args:
            written: the symbols that can be written: the digits, and the separators if the pattern
                names any.

        Raises:
            ConfigError: the pattern names a separator that can't be written.
        """
        if missing := set(self.separators) - set(written):
            raise ConfigError(
                f"expected a pattern with separators among {written.strip(DIGITS)!r}, which this "
                f"model reads; received {self.pattern!r} with {''.join(sorted(missing))!r}"
            )
        return self._automaton(written)

    def _automaton(self, written: str) -> Automaton:
        bounds = (self.length, self.length) if isinstance(self.length, int) else self.length
        check = self.check if isinstance(self.check, str) else None
        pattern = self.pattern
        if self.has_kind and self.notation is not None:
            pattern = self.notation.build_pattern(written)
        return _compile(bounds, pattern, check, written)


def _is_length(length: object) -> bool:
    bounds = length if isinstance(length, tuple) else (length, length)
    if len(bounds) != 2 or not all(type(bound) is int for bound in bounds):
        return False
    least, most = bounds
    return bool(1 <= least <= most <= MAX_LENGTH)


@lru_cache(maxsize=_NUM_CACHED)
def _compile(
    bounds: tuple[int, int] | None, pattern: str | None, check: str | None, written: str
) -> Automaton:
    try:
        with limit_work(_MAX_STEPS):
            return _build(bounds, pattern, check, written)
    except TooMuchWorkError:
        raise ConfigError(
            f"expected a constraint that takes less work, alone or with others: length {bounds}, "
            f"pattern {pattern!r}, check {check!r}; nest no repetitions, and narrow the length"
        ) from None


def _build(
    bounds: tuple[int, int] | None, pattern: str | None, check: str | None, written: str
) -> Automaton:
    least, most = bounds or (0, None)
    parts = [_build_length_automaton(least, most, written)]
    if pattern is not None:
        parts.append(parse(pattern).build_automaton(written))
    if check is not None:
        parts.append(_build_length_automaton(*CHECKS[check].lengths, written))
        parts.append(_build_check_automaton(CHECKS[check], written))
    try:
        return reduce(intersect, parts)
    except TooManyStatesError as error:
        raise ConfigError(
            f"expected a constraint of at most {error.max_states} states, received one with more: "
            f"length {bounds}, pattern {pattern!r}, check {check!r}; narrow the length"
        ) from None


def _build_length_automaton(least: int, most: int | None, written: str) -> Automaton:
    """Return an automaton that accepts ``least`` to ``most`` digits, and any separators."""

    def step(count: int, symbol: str) -> int | None:
        if symbol not in DIGITS:
            return count
        if most is None:
            return min(count + 1, least)
        return count + 1 if count < most else None

    return build_automaton(written, [0], step, lambda count: count >= least)


def _build_check_automaton(check: Check, written: str) -> Automaton:
    """Return an automaton for a check, which ignores separators."""
    return build_automaton(
        written,
        check.initial,
        lambda state, symbol: check.step(state, int(symbol)) if symbol in DIGITS else state,
        check.accepts,
    )
