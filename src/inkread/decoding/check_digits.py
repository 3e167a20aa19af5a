"""Check-digit rules as finite automata that read a number digit by digit."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["CHECKS", "Check", "State"]

State = tuple[int, ...]


@dataclass(frozen=True)
class Check:
    """A rule for the digits of a number, as an automaton that reads them from left to right.

    Rules that count places from the right have one initial state for each number of digits that may
    follow, modulo the period of the rule; a number is accepted from at most one of them.

    Attributes:
        lengths: the smallest and the largest number of digits; ``None`` if there is no largest.
        initial: the initial states.
        step: returns the state after a state and a digit, 0 to 9.
        accepts: returns whether a state is accepting.
    """

    lengths: tuple[int, int | None]
    initial: tuple[State, ...]
    step: Callable[[State, int], State]
    accepts: Callable[[State], bool]


def _make_weighted_sum(
    modulus: int, weight: Callable[[int, int], int], period: int, lengths: tuple[int, int | None]
) -> Check:
    """Return the rule that a weighted sum of the digits is 0 modulo ``modulus``.

    Its states are (number of digits that follow modulo ``period``, sum so far).

    Args:
        modulus: of the sum.
        weight: returns what a digit adds to the sum, given its place, counted from 0 at the right
            and modulo ``period``, and the digit.
        period: number of places after which the weights repeat.
        lengths: as for ``Check``.
    """
    return Check(
        lengths,
        tuple((following, 0) for following in range(period)),
        lambda state, digit: (
            (state[0] - 1) % period,
            (state[1] + weight((state[0] - 1) % period, digit)) % modulus,
        ),
        lambda state: state == (0, 0),
    )


def _make_luhn() -> Check:
    """ISO/IEC 7812-1, annex B: modulo 10, with every second digit from the right doubled."""
    return _make_weighted_sum(
        10, lambda place, digit: (2 * digit - 9 * (digit > 4)) if place else digit, 2, (2, None)
    )


def _make_ean13() -> Check:
    """GS1: weights 1, 3, 1, 3, … from the right, modulo 10; 13 digits."""
    return _make_weighted_sum(10, lambda place, digit: (3 if place else 1) * digit, 2, (13, 13))


def _make_isbn10() -> Check:
    """ISO 2108:1992: weights 1 to 10 from the right, modulo 11; 10 digits, without those with X."""
    return _make_weighted_sum(11, lambda place, digit: (place + 1) * digit, 10, (10, 10))


def _make_mod11() -> Check:
    """Modulo 11 with the weights, from the right, 1 (the check digit), 2 to 7, 2 to 7, and so on.

    States: (number of digits that follow modulo 6, sum, sum if the last digit was the check digit).
    """

    def step(state: State, digit: int) -> State:
        place = (state[0] - 1) % 6
        before = state[1]
        return place, (before + (place or 6) * digit + digit) % 11, (before + digit) % 11

    return Check(
        (2, None),
        tuple((following, 0, 0) for following in range(6)),
        step,
        lambda state: state[0] == 0 and state[2] == 0,
    )


def _make_iban_digits() -> Check:
    """ISO/IEC 7064 MOD 97-10 for digits without letters: the number is 1 modulo 97."""
    return Check(
        (3, None),
        ((0,),),
        lambda state, digit: ((10 * state[0] + digit) % 97,),
        lambda state: state == (1,),
    )


def _make_verhoeff() -> Check:
    """Verhoeff 1969: the product, in the dihedral group of order 10, of digits permuted by place.

    States: (number of digits that follow modulo 8, product of the digits so far).
    """

    def times(left: int, right: int) -> int:
        rotation = right % 5 if left < 5 else -right
        return (left + rotation) % 5 + 5 * ((left < 5) != (right < 5))

    once = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    permutations = [tuple(range(10))]
    for _ in range(7):
        permutations.append(tuple(once[digit] for digit in permutations[-1]))

    def step(state: State, digit: int) -> State:
        place = (state[0] - 1) % 8
        return place, times(permutations[place][digit], state[1])

    return Check(
        (2, None),
        tuple((following, 0) for following in range(8)),
        step,
        lambda state: state == (0, 0),
    )


CHECKS = {
    "luhn": _make_luhn(),
    "mod11": _make_mod11(),
    "ean13": _make_ean13(),
    "isbn10": _make_isbn10(),
    "iban-digits": _make_iban_digits(),
    "verhoeff": _make_verhoeff(),
}
