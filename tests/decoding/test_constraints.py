import itertools
import random
import re

import pytest

from inkread.decoding.constraints import Constraint
from inkread.errors import ConfigError

# The rules as their standards word them, from the right to the left, on whole numbers.


def luhn(digits: list[int]) -> bool:
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def mod11(digits: list[int]) -> bool:
    weights = itertools.cycle([2, 3, 4, 5, 6, 7])
    total = sum(w * digit for w, digit in zip(weights, digits[-2::-1], strict=False))
    return (11 - total % 11) % 11 == digits[-1]


def isbn10(digits: list[int]) -> bool:
    return sum((10 - i) * digit for i, digit in enumerate(digits)) % 11 == 0 and len(digits) == 10


def ean13(digits: list[int]) -> bool:
    return len(digits) == 13 and (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


def iban_digits(digits: list[int]) -> bool:
    return int("".join(map(str, digits))) % 97 == 1


# Verhoeff's tables as they are printed everywhere.
TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
PLACES = (
    "0123456789", "1576283094", "5803796142", "8916043527",
    "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def verhoeff(digits: list[int]) -> bool:
    product = 0
    for place, digit in enumerate(reversed(digits)):
        product = int(TIMES[product][int(PLACES[place % 8][digit])])
    return product == 0


RULES = {
    "luhn": (luhn, range(2, 22)),
    "mod11": (mod11, range(2, 22)),
    "isbn10": (isbn10, range(9, 12)),
    "ean13": (ean13, range(12, 15)),
    "iban-digits": (iban_digits, range(3, 30)),
    "verhoeff": (verhoeff, range(2, 22)),
}


@pytest.mark.parametrize("name", RULES)
def test_checks_agree_with_their_rules(name):
    rule, lengths = RULES[name]
    constraint = Constraint(check=name)
    chance = random.Random(1)  # noqa: S311
    num_valid = 0
    for _ in range(40):
        digits = [chance.randrange(10) for _ in range(chance.choice(lengths))]
        for last in itertools.product(range(10), repeat=2):
            number = [*digits[:-2], *last]
            valid = rule(number)
            num_valid += valid
            assert constraint.accepts("".join(map(str, number))) == valid, number
    assert num_valid > 20


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("luhn", "79927398713"),  # Wikipedia's example
        ("luhn", "4111111111111111"),  # the card number of every manual
        ("ean13", "4006381333931"),
        ("isbn10", "0306406152"),
        ("isbn10", "9434765919"),  # a number of the British NHS
        ("verhoeff", "2363"),
        ("iban-digits", "3214282912345698765432161182"),  # GB82 WEST 1234 5698 7654 32
        ("iban-digits", "370400440532013000131489"),  # DE89 3704 0044 0532 0130 00
    ],
)
def test_numbers_known_to_be_valid_pass_and_their_neighbours_fail(name, number):
    constraint = Constraint(check=name)
    assert constraint.accepts(number)
    assert Constraint(length=len(number), check=name).accepts(number)
    for place, digit in itertools.product(range(len(number)), "0123456789"):
        if digit != number[place]:
            assert not constraint.accepts(number[:place] + digit + number[place + 1 :])
    assert not constraint.accepts("")


def test_lengths_count_digits_only():
    assert Constraint(length=3).accepts("123")
    assert not Constraint(length=3).accepts("1234")
    between = Constraint(length=(2, 3))
    assert [between.accepts("1" * n) for n in range(5)] == [False, False, True, True, False]
    money = Constraint(length=4, pattern=r"\d+\.\d\d")
    assert money.accepts("12.34")
    assert not money.accepts("123.45")


def test_a_pattern_without_separators_is_about_the_digits():
    constraint = Constraint(pattern="12.*")
    assert not constraint.names_separators
    assert constraint.accepts("129")
    assert not constraint.accepts("12.9")


def test_a_pattern_with_separators_is_about_all_that_is_written():
    constraint = Constraint(pattern=r".*\.-", check="luhn")
    assert constraint.names_separators
    assert constraint.separators == "-."
    assert constraint.accepts("7992,7398713.-")
    assert not constraint.accepts("79927398713.")
    assert not constraint.accepts("79927398714.-")


def test_a_question_mark_satisfies_nothing():
    assert not Constraint().accepts("1?")
    assert not Constraint(pattern="1.").accepts("1?")
    assert not Constraint(pattern=r"1.\.").accepts("1?.")


def test_a_function_sees_the_digits_alone():
    seen = []
    constraint = Constraint(pattern=r"\d\.\d", check=lambda text: seen.append(text) or text == "12")
    assert constraint.accepts("1.2")
    assert not constraint.accepts("1.3")
    assert seen == ["12", "13"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": 0}, "from 1 to 100"),
        ({"length": 101}, "from 1 to 100"),
        ({"length": True}, "from 1 to 100"),
        ({"length": 2.0}, "from 1 to 100"),
        ({"length": (3, 2)}, "received (3, 2)"),
        ({"length": (1, 2, 3)}, "as a pair"),
        ({"length": [1, 2]}, "as a pair"),
        ({"check": "crc"}, "luhn, mod11, ean13, isbn10, iban-digits, verhoeff; received 'crc'"),
        ({"pattern": "[1"}, "received '[1'"),
        ({"pattern": r"\d{3}", "length": 4}, "some number satisfies, received length 4"),
        ({"pattern": r"\d{3,5}\.\d", "length": (7, 9)}, "received length (7, 9), pattern"),
        ({"check": "ean13", "length": 12}, "received length 12, check 'ean13'"),
        ({"check": "luhn", "pattern": "79927398710"}, "some number satisfies"),
        ({"check": "iban-digits", "length": (1, 100)}, "at most 5000 states"),
    ],
)
def test_a_constraint_that_no_number_satisfies_is_refused(settings, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        Constraint(**settings)
