"""Searches for decimals, dates and the like in hand-made scores."""

import math
import re

import numpy as np
import pytest

from inkread import ConfigError, Notation
from inkread.decoding.constraints import Constraint
from inkread.decoding.decoder import decode_best, decode_candidates

SYMBOLS = "0123456789.,-/=:?"


def scores_of(frames: list[dict[str, float]]) -> np.ndarray:
    """Natural logs of each frame's probabilities; "" is the blank, and what is left."""
    probabilities = np.full((len(frames), len(SYMBOLS) + 1), 1e-12)
    for row, frame in zip(probabilities, frames, strict=True):
        for symbol, probability in frame.items():
            row[SYMBOLS.index(symbol) + 1 if symbol else 0] = probability
        row[0] += max(0.0, 1 - row.sum())
    return np.log(probabilities)


def best(frames: list[dict[str, float]], **notation):
    found = decode_candidates(scores_of(frames), SYMBOLS, Constraint(notation=Notation(**notation)))
    return found[0] if found else None


def test_a_point_that_is_hardly_seen_is_found_where_there_must_be_one():
    frames = [{"5": 1.0}, {}, {".": 0.1}, {}, {"3": 1.0}, {}, {"1": 1.0}]

    plain = decode_best(scores_of(frames), SYMBOLS)
    found = best(frames, kind="decimal", decimals=2)

    assert (plain.raw, found.raw, found.text) == ("531", "5.31", "531")
    assert math.exp(found.log_probability) == pytest.approx(0.1)
    assert plain.raw_share == pytest.approx(0.9)


def test_the_confidence_is_that_of_the_value_and_not_of_the_digits():
    frames = [{"5": 1.0}, {}, {".": 0.6}, {}, {"3": 1.0}]

    first, second = decode_candidates(
        scores_of(frames), SYMBOLS, Constraint(notation=Notation("decimal"))
    )[:2]

    assert (first.raw, second.raw) == ("5.3", "53")
    assert math.exp(first.log_probability) == pytest.approx(0.6)
    assert math.exp(second.log_probability) == pytest.approx(0.4)
    assert first.text == second.text == "53"


def test_ways_to_write_one_value_add_up():
    """5.3 and 5,3 are the same; so are 5 and 5=."""
    frames = [{"5": 1.0}, {}, {".": 0.5, ",": 0.4}, {}, {"3": 1.0}]
    assert math.exp(best(frames, kind="decimal").log_probability) == pytest.approx(0.9)

    frames = [{"5": 1.0}, {}, {"=": 0.5}]
    assert math.exp(best(frames, kind="integer").log_probability) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("frames", "notation", "raw"),
    [
        # A slash that rather looks like a 1.
        ([{"3": 1}, {"1": 0.7, "/": 0.3}, {"4": 1}, {"1": 0.7, "/": 0.3}, {"2": 1}, {}, {"4": 1}],
         {"kind": "date", "format": "DMY"}, "3/4/24"),
        # Of 31 and 37, only one is a day.
        ([{"3": 1}, {"7": 0.9, "1": 0.1}, {"/": 1}, {"5": 1}, {"/": 1}, {"2": 1}, {"4": 1}],
         {"kind": "date", "format": "D/M/Y"}, "31/5/24"),
        # February has no 31st, though the pattern of days and months allows it.
        ([{"3": 1}, {"1": 0.6, "0": 0.4}, {"/": 1}, {"4": 1}, {"/": 1}, {"2": 1}, {"4": 1}],
         {"kind": "date", "format": "DMY"}, "30/4/24"),
        ([{"9": 1}, {":": 1}, {"8": 0.8, "3": 0.2}, {"0": 1}], {"kind": "time"}, "9:30"),
        ([{"1": 1}, {"7": 0.6, "/": 0.4}, {"2": 1}], {"kind": "fraction", "max": 1}, "1/2"),
        ([{"-": 0.9}, {"5": 1}], {"kind": "integer", "signed": False}, "5"),
        ([{"9": 0.8, "4": 0.2}, {"2": 1}], {"kind": "integer", "max": 50}, "42"),
        ([{"9": 0.6, "4": 0.4}, {".": 1}, {"2": 1}, {"5": 1}], {"kind": "decimal", "max": 5},
         "4.25"),
    ],
)  # fmt: skip
def test_only_what_the_kind_allows_is_read(frames, notation, raw):
    assert best(frames, **notation).raw == raw


def test_what_may_mean_two_things_is_found_as_it_is_written():
    frames = [{"1": 1}, {".": 1}, {"2": 1}, {"5": 1}, {"0": 1}]
    assert best(frames, kind="decimal").raw == "1.250"


def test_a_kind_and_a_pattern_contradict_each_other():
    with pytest.raises(ConfigError, match="expected a kind or a pattern, received both"):
        Constraint(pattern=r"\d+", notation=Notation("integer"))


def test_a_length_holds_for_the_digits_of_a_kind():
    frames = [{"1": 1}, {".": 1}, {"2": 1}, {"5": 0.6}]
    found = decode_candidates(
        scores_of(frames), SYMBOLS, Constraint(length=2, notation=Notation("decimal"))
    )
    assert found[0].raw == "1.2"


def test_a_notation_without_a_kind_demands_nothing():
    assert Constraint(notation=Notation(decimal=",")).demands_nothing
    assert not Constraint(notation=Notation("date", format="DMY")).demands_nothing


def test_an_impossible_length_of_a_date_is_refused():
    with pytest.raises(ConfigError, match=re.escape("constraints that some number satisfies")):
        Constraint(length=3, notation=Notation("date", format="DMY"))
