import datetime
import json
import re
from decimal import Decimal

import pytest

from inkread import ConfigError, Notation
from inkread.meanings import NOTHING
from inkread.notation import ValueKind

SYMBOLS = "0123456789.,-/=:"
NOTATIONS = [
    Notation(),
    Notation("decimal", decimal=",", decimals=2, min="-1.5", max=100, signed=False),
    Notation("integer", max=Decimal(9)),
    Notation("decimal", decimals=(0, 2)),
    Notation("date", format="D/M/YY", min=datetime.date(2020, 1, 1), max="2024-12-31"),
    Notation("time", min="08:00", max=datetime.time(17, 30)),
    Notation("fraction", max=2),
]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "number"}, "expected as kind decimal, integer, fraction, date, time"),
        ({"decimal": ";"}, "expected as decimal mark '.', ',' or '.,', received ';'"),
        ({"decimals": -1}, "expected as decimals a number from 0 to 20"),
        ({"decimals": (2, 1)}, "expected as decimals a number from 0 to 20"),
        ({"decimals": True}, "expected as decimals a number from 0 to 20"),
        ({"kind": "integer", "decimals": 2}, "expected decimals with the kind decimal"),
        ({"kind": "date"}, "expected a format with the kind date, received None"),
        ({"kind": "time", "format": "DMY"}, "expected a format only with the kind date"),
        ({"kind": "date", "format": "YDM"}, "expected as format an order of D, M and Y"),
        ({"kind": "date", "format": "D/M-Y"}, "expected as format an order of D, M and Y"),
        ({"kind": "date", "format": "DMYYY"}, "expected as format an order of D, M and Y"),
        ({"kind": "decimal", "min": "a"}, "expected as min a number, received 'a'"),
        ({"kind": "decimal", "max": "NaN"}, "expected as max a number, received 'NaN'"),
        ({"kind": "date", "format": "DMY", "min": 5}, "expected as min a date such as 2024-12-31"),
        ({"kind": "time", "max": "25:00"}, "expected as max a time such as 09:30"),
        ({"kind": "decimal", "min": 2, "max": 1}, "expected min <= max, received 2 and 1"),
        ({"min": 2}, "expected a kind with min and max"),
    ],
)
def test_what_is_no_notation_is_refused_with_what_was_received(values, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        Notation(**values)


@pytest.mark.parametrize("notation", NOTATIONS, ids=repr)
def test_a_notation_survives_json(notation):
    assert Notation.from_dict(json.loads(json.dumps(notation.to_dict()))) == notation


def test_what_is_the_default_is_not_stored():
    assert Notation().to_dict() == {}
    assert Notation("decimal", decimals=(0, 2)).to_dict() == {
        "kind": "decimal",
        "decimals": [0, 2],
    }


def test_values_outside_the_range_mean_nothing():
    percent = Notation("decimal", min=0, max="100")

    assert percent.interpret("100").value == 100
    assert percent.interpret("100,5") == NOTHING
    assert percent.interpret("-1") == NOTHING


def test_the_range_says_which_of_two_values_is_meant():
    assert Notation("decimal", max=5).interpret("1.250").value == Decimal("1.250")
    assert Notation("decimal", min=5).interpret("1.250").value == Decimal(1250)
    assert Notation("decimal", max=1250).interpret("1.250").is_ambiguous


def test_an_unsigned_number_has_no_minus():
    assert Notation("integer", signed=False).interpret("-5") == NOTHING
    assert Notation("integer").interpret("-5").value == -5


def test_integers_have_no_point():
    integer = Notation("integer")

    assert integer.interpret("1.250").value == 1250
    assert integer.interpret("12.5") == NOTHING


def test_the_marks_and_the_year_of_a_format_are_kept_to():
    assert Notation("date", format="D/M/YYYY").interpret("1/2/2024").date
    assert not Notation("date", format="D/M/YYYY").interpret("1.2.2024").date
    assert not Notation("date", format="D/M/YYYY").interpret("1/2/24").date
    assert not Notation("date", format="DMYY").interpret("01022024").date


@pytest.mark.parametrize(
    ("notation", "written", "refused"),
    [
        (
            Notation("decimal"),
            ["0", "12.5", "-12,5", "1.250,50", ".5", "1.250,-", "12=", "12."],
            ["", "-", "1.5.2", "1/2", "--5"],
        ),
        (Notation("decimal", decimals=2), ["1.25", "1.250,50", "250.-"], ["125", "1.2", "1.255"]),
        (Notation("decimal", decimals=0), ["125", "1.250"], ["1.5"]),
        (Notation("integer", signed=False), ["125", "1.250"], ["-5", "1.25"]),
        (Notation("fraction"), ["1/2", "7", "11/2"], ["/2", "1/2/3", "1.5"]),
        (Notation("time"), ["9:30", "09.30", "2359", "9:30:05"], ["24:00", "9:60", "9-30"]),
        (
            Notation("date", format="DMY"),
            ["1/2/24", "01.02.2024", "31-12-2024", "31122024"],
            ["32/1/24", "1/13/24", "1/2-24", "1224"],
        ),
        (Notation("date", format="YYYY-M-D"), ["2024-1-31"], ["24-1-31", "2024/1/31", "20240131"]),
    ],
    ids=lambda value: repr(value) if isinstance(value, Notation) else None,
)
def test_the_pattern_of_a_notation_matches_the_ways_to_write_it(notation, written, refused):
    pattern = notation.build_pattern(SYMBOLS)

    for raw in written:
        assert re.fullmatch(pattern, raw), raw
        assert notation.accepts(raw), raw
    for raw in refused:
        assert not re.fullmatch(pattern, raw), raw


def test_the_pattern_has_only_the_symbols_of_the_model():
    few = Notation("decimal").build_pattern("0123456789")
    many = Notation("decimal").build_pattern(SYMBOLS + "()$€%")

    assert re.fullmatch(few, "125")
    assert not re.search(r"[.,=()$€%-]", few.replace("(", "").replace(")", "").replace("{1,2}", ""))
    for raw in ("$1,250.50", "-5%", "(12.50)", "7 €".replace(" ", "")):
        assert re.fullmatch(many, raw), raw


def test_the_kinds_are_named():
    assert [*ValueKind] == ["decimal", "integer", "fraction", "date", "time"]
