"""Check digits as finite automata: which numbers a check accepts, one digit at a time."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["CHECKS", "Check", "State"]

State = tuple[int, ...]


@dataclass(frozen=True)
class Check:
    """A rule that a number's digits satisfy, read from left to right.

    Rules that count from the right guess at the start how many digits follow (modulo the period of
    the rule), so that there are several initial states, of which one at most fits a number.

    Attributes:
        lengths: the least and the greatest number of digits, ``None`` if there is no greatest.
        initial: the states to begin in.
        step: the state after a state and a digit of 0 to 9.
        accepts: whether a number may end in a state.
    """

    lengths: tuple[int, int | None]
    initial: tuple[State, ...]
    step: Callable[[State, int], State]
    accepts: Callable[[State], bool]


def _weighted(
    modulus: int, weight: Callable[[int, int], int], period: int, lengths: tuple[int, int | None]
) -> Check:
    """Return a rule for a weighted sum that is 0 modulo ``modulus``.

    Args:
        modulus: of the sum.
        weight: of a place, counted from 0 at the right and modulo ``period``, and a digit: what the
            digit adds.
        period: after how many places the weights repeat.
        lengths: how many digits a number may have.
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


def _luhn() -> Check:
    """ISO/IEC 7812-1, annex B: every second digit from the right is doubled, its digits added."""
    return _weighted(
        10, lambda place, digit: (2 * digit - 9 * (digit > 4)) if place else digit, 2, (2, None)
    )


def _ean13() -> Check:
    """GS1: weights 1, 3, 1, 3, … from the right, modulo 10; 13 digits."""
    return _weighted(10, lambda place, digit: (3 if place else 1) * digit, 2, (13, 13))


def _isbn10() -> Check:
    """ISO 2108:1992: weights 1 to 10 from the right, modulo 11; 10 digits, without those with X."""
    return _weighted(11, lambda place, digit: (place + 1) * digit, 10, (10, 10))


def _mod11() -> Check:
    """Modulus 11 with weights 1 for the check digit, then 2 to 7 and again 2 to 7, from the right.

    States: (digits that follow modulo 6, sum, sum if the last digit was the check digit).
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


def _iban_digits() -> Check:
    """ISO/IEC 7064 MOD 97-10 over digits alone: the number is 1 modulo 97."""
    return Check(
        (3, None),
        ((0,),),
        lambda state, digit: ((10 * state[0] + digit) % 97,),
        lambda state: state == (1,),
    )


def _verhoeff() -> Check:
    """Verhoeff 1969: products in the dihedral group of order 10, digits permuted by their place.

    States: (digits that follow modulo 8, product of the digits so far).
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
    "luhn": _luhn(),
    "mod11": _mod11(),
    "ean13": _ean13(),
    "isbn10": _isbn10(),
    "iban-digits": _iban_digits(),
    "verhoeff": _verhoeff(),
}
