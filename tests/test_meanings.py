import datetime
from decimal import Decimal

import pytest

from inkread.meanings import NOTHING, Meaning, interpret_date, interpret_fraction, interpret_time
from inkread.notation import PLAIN, Notation

VALUES = {
    "12": "12",
    "007": "7",
    "12.5": "12.5",
    "12,5": "12.5",
    "60.3693": "60.3693",
    ".5": "0.5",
    "0.250": "0.250",  # no thousands begin with 0
    "1250.125": "1250.125",  # nor with four digits
    "1.250,00": "1250.00",
    "1,250.5": "1250.5",
    "1.250.000": "1250000",
    "1.250,-": "1250",
    "1.250-": "1250",
    "250.-": "250",
    "250=": "250",
    "12.": "12",
    "1'250": "1250",
    "1 250,5": "1250.5",
    "-5": "-5",
    "-1.250,5": "-1250.5",
    "(12.50)": "-12.50",
}


@pytest.mark.parametrize(("raw", "value"), VALUES.items())
def test_a_number_has_its_sign_and_its_point(raw, value):
    found = PLAIN.interpret(raw)

    assert found == Meaning(Decimal(value))
    assert str(found.value) == value


@pytest.mark.parametrize("raw", ["1.250", "1,250", "12.250", "-1.250", "03/04/2023", "11/2"])
def test_what_may_mean_two_things_has_no_value(raw):
    assert PLAIN.interpret(raw) == Meaning(is_ambiguous=True)


@pytest.mark.parametrize(
    "raw",
    ["", "-", "=", "..", "1.25.0", "12.50.1", "1,2,3", "-5-", "(5", "1.2:3", "1/0", "1 3/2", "?"],
)
def test_what_is_no_number_has_no_value(raw):
    assert PLAIN.interpret(raw) == NOTHING


@pytest.mark.parametrize(
    ("decimal", "raw", "value"),
    [
        (".", "1.250", "1.250"),
        (".", "1,250", "1250"),
        (",", "1.250", "1250"),
        (",", "1,250", "1.250"),
        (",", "1.250,50", "1250.50"),
    ],
)
def test_the_decimal_mark_says_what_a_mark_does(decimal, raw, value):
    assert Notation(decimal=decimal).interpret(raw).value == Decimal(value)


@pytest.mark.parametrize(("decimal", "raw"), [(".", "12,5"), (",", "12.5"), (".", "1.250.000")])
def test_the_other_mark_parts_thousands_only(decimal, raw):
    assert Notation(decimal=decimal).interpret(raw) == NOTHING


@pytest.mark.parametrize(
    ("decimals", "raw", "value"),
    [(3, "1.250", "1.250"), (2, "1.250,00", "1250.00"), (0, "1.250", "1250"), (2, "250.-", "250")],
)
def test_how_many_decimals_there_are_says_what_a_mark_does(decimals, raw, value):
    assert Notation("decimal", decimals=decimals).interpret(raw).value == Decimal(value)
    assert Notation("decimal", decimals=2).interpret("1.250") == NOTHING


@pytest.mark.parametrize(
    ("raw", "value", "unit"),
    [
        ("$1,250", "1250", "$"),
        ("-$5.50", "-5.50", "$"),
        ("12 €", "12", "€"),
        ("EUR 7.50", "7.50", "EUR"),
        ("12%", "12", "%"),
        ("11 m", "11", "m"),
        ("3.5 kg", "3.5", "kg"),
        ("(£20)", "-20", "£"),
    ],
)
def test_a_unit_is_told_from_its_value(raw, value, unit):
    assert PLAIN.interpret(raw) == Meaning(Decimal(value), unit)


@pytest.mark.parametrize(
    ("raw", "value"),
    [("1/2", "0.5"), ("1 1/2", "1.5"), ("3/2", "1.5"), ("7", "7"), ("11 3/4", "11.75")],
)
def test_fractions_have_a_value(raw, value):
    assert interpret_fraction(raw).value == Decimal(value)


def test_a_third_has_28_digits():
    assert interpret_fraction("1/3").value == Decimal("0." + "3" * 28)


@pytest.mark.parametrize(
    ("raw", "time"),
    [
        ("9:30", datetime.time(9, 30)),
        ("9.30", datetime.time(9, 30)),
        ("0930", datetime.time(9, 30)),
        ("930", datetime.time(9, 30)),
        ("0:00", datetime.time(0, 0)),
        ("21:15:30", datetime.time(21, 15, 30)),
    ],
)
def test_times_of_day(raw, time):
    assert interpret_time(raw) == Meaning(time=time)


@pytest.mark.parametrize("raw", ["24:00", "9:60", "9:3", "9:30.10", "12345", "9-30"])
def test_no_times_of_day(raw):
    assert interpret_time(raw) == NOTHING


@pytest.mark.parametrize(
    ("raw", "order", "date"),
    [
        ("18/12/2023", "DMY", datetime.date(2023, 12, 18)),
        ("12/18/2023", "MDY", datetime.date(2023, 12, 18)),
        ("2023-12-18", "YMD", datetime.date(2023, 12, 18)),
        ("3.4.24", "DMY", datetime.date(2024, 4, 3)),
        ("3.4.24", "MDY", datetime.date(2024, 3, 4)),
        ("18122023", "DMY", datetime.date(2023, 12, 18)),
        ("181223", "DMY", datetime.date(2023, 12, 18)),
        ("20231218", "YMD", datetime.date(2023, 12, 18)),
    ],
)
def test_dates_by_their_order(raw, order, date):
    assert interpret_date(raw, order) == Meaning(date=date)


@pytest.mark.parametrize(
    "raw", ["31/02/2023", "18/12-2023", "18/12", "1/1/123", "118/12/23", "1812202", "29.2.2023"]
)
def test_dates_that_there_are_not(raw):
    assert interpret_date(raw, "DMY") == NOTHING


def test_a_year_of_two_digits_is_of_the_century_that_the_bounds_allow():
    birth = Notation("date", format="DMY", max="2020-12-31")

    assert birth.interpret("1/2/67").date == datetime.date(1967, 2, 1)
    assert birth.interpret("1/2/07").date == datetime.date(2007, 2, 1)
    assert Notation("date", format="DMY").interpret("1/2/67").date == datetime.date(2067, 2, 1)


def test_a_date_of_an_unknown_order_is_one_if_no_other_is_possible():
    assert PLAIN.interpret("18/12/2023").date == datetime.date(2023, 12, 18)
    assert PLAIN.interpret("2023-04-05").date == datetime.date(2023, 4, 5)
    assert PLAIN.interpret("03/04/2023").date is None
    assert Notation(format="M/D/Y").interpret("03/04/2023").date == datetime.date(2023, 3, 4)
