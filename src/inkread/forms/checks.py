"""Check digits: which runs of digits are possible account, article and customer numbers."""

from collections.abc import Callable

__all__ = ["CHECKS", "can_hold"]

# Verhoeff 1969: the multiplication of the dihedral group D5, and the permutation of each place.
_D5 = tuple(
    tuple(
        (i + j) % 5 if i < 5 and j < 5
        else 5 + (i + j) % 5 if i < 5
        else 5 + (i - j) % 5 if j < 5
        else (i - j) % 5
        for j in range(10)
    )
    for i in range(10)
)  # fmt: skip
_TURN = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _luhn(digits: str) -> bool:
    total = sum(map(int, digits[-1::-2]))
    total += sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return total % 10 == 0


def _mod11(digits: str) -> bool:
    """Weights 1, 2, … 7 from the right, then 2 again; a remainder of 10 has no digit."""
    weights = (1, *((index % 6) + 2 for index in range(len(digits) - 1)))
    return sum(w * int(digit) for w, digit in zip(weights, reversed(digits), strict=True)) % 11 == 0


def _ean13(digits: str) -> bool:
    odd, even = sum(map(int, digits[::2])), sum(map(int, digits[1::2]))
    return len(digits) == 13 and (odd + 3 * even) % 10 == 0


def _isbn10(digits: str) -> bool:
    weighted = sum((10 - place) * int(digit) for place, digit in enumerate(digits))
    return len(digits) == 10 and weighted % 11 == 0


def _verhoeff(digits: str) -> bool:
    check = 0
    for place, digit in enumerate(reversed(digits)):
        turned = int(digit)
        for _ in range(place % 8):
            turned = _TURN[turned]
        check = _D5[check][turned]
    return check == 0


CHECKS: dict[str, Callable[[str], bool]] = {
    "luhn": _luhn,
    "mod11": _mod11,
    "ean13": _ean13,
    "isbn10": _isbn10,
    "verhoeff": _verhoeff,
}
_LENGTHS = {"ean13": 13, "isbn10": 10}


def can_hold(check: str, shortest: int, longest: int) -> bool:
    """Say whether numbers of some length in this range can have such a check digit."""
    wanted = _LENGTHS.get(check)
    return shortest <= wanted <= longest if wanted else longest >= 2
