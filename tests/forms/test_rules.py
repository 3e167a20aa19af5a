import itertools
import math
import tracemalloc
from decimal import Decimal

import numpy as np
import pytest

from inkread.forms import rules
from inkread.forms.candidates import Candidate, rank_cell_texts, rank_combinations
from inkread.forms.template import parse
from inkread.forms.values import find_objection, format_value, interpret_digits

TEMPLATE = parse("""
form: x
fields:
  - {name: a, kind: comb, cells: 3, length: [1, 3], box: [20, 40, 50, 48]}
  - {name: b, kind: comb, cells: 3, length: [1, 3], box: [20, 60, 50, 68]}
  - {name: total, kind: comb, cells: 4, length: [1, 4], box: [20, 80, 60, 88]}
  - {name: card, kind: comb, cells: 4, check: luhn, box: [20, 100, 60, 108]}
  - {name: start, kind: date, box: [20, 120, 100, 128]}
  - {name: end, kind: date, box: [20, 140, 100, 148]}
  - {name: paid, kind: amount, box: [20, 160, 100, 168], max: 99.5}
  - {name: year, kind: date, format: DDMMYY, box: [20, 180, 100, 188]}
rules:
  - {sum: [a, b], equals: total}
  - {order: [start, end]}
""")


def texts(**probabilities):
    return [Candidate(text.lstrip("_"), p) for text, p in probabilities.items()]


def test_combinations_come_in_falling_order(rng):
    weights = [sorted(rng.random(size).tolist(), reverse=True) for size in (3, 1, 4, 2)]
    found = list(rank_combinations(weights, 10_000))
    every = itertools.product(*(range(len(choices)) for choices in weights))
    expected = {
        chosen: math.prod(w[i] for w, i in zip(weights, chosen, strict=True)) for chosen in every
    }
    assert len(found) == len(expected) == 24
    assert [product for product, _ in found] == sorted((p for p, _ in found), reverse=True)
    assert {chosen: pytest.approx(product) for product, chosen in found} == expected


def test_no_weights_have_one_empty_combination():
    assert list(rank_combinations([], 5)) == [(1.0, ())]


def test_cells_give_their_most_probable_numbers():
    probabilities = np.zeros((2, 10))
    probabilities[0, [1, 7]] = 0.6, 0.4
    probabilities[1, [3, 8]] = 0.9, 0.1
    found = rank_cell_texts(probabilities, 10)
    assert [each.text for each in found] == ["13", "73", "18", "78"]
    assert [each.probability for each in found] == pytest.approx([0.54, 0.36, 0.06, 0.04])
    assert len(rank_cell_texts(probabilities, 3)) == 3


def test_without_constraints_the_confidence_is_the_probability():
    chosen = rules.choose(TEMPLATE, {"a": texts(_12=0.7, _17=0.2)})
    assert chosen["a"].text == "12"
    assert chosen["a"].value == "12"


def test_a_check_digit_decides_between_candidates():
    # 1230 and 2238 have a check digit as Luhn gives it, 1238 has none.
    chosen = rules.choose(TEMPLATE, {"card": texts(_1238=0.6, _1230=0.3, _2238=0.01)})["card"]
    assert (chosen.text, chosen.objection) == ("1230", None)
    # 0.3 against 0.01, a thousandth of 0.6, and a tenth of the 0.09 that isn't listed
    assert chosen.confidence == pytest.approx(0.3 / (0.3 + 0.01 + 0.0006 + 0.009))


def test_nothing_that_fits_leaves_what_was_read_with_an_objection():
    chosen = rules.choose(TEMPLATE, {"card": texts(_1238=0.99)})["card"]
    assert chosen.text == "1238"
    assert "luhn" in chosen.objection


def test_a_sum_decides_in_any_of_its_fields():
    chosen = rules.choose(
        TEMPLATE,
        {"a": texts(_17=0.6, _11=0.4), "b": texts(_5=0.99), "total": texts(_16=0.9, _76=0.1)},
    )
    assert [chosen[name].text for name in ("a", "b", "total")] == ["11", "5", "16"]
    assert min(each.confidence for each in chosen.values()) > 0.99
    assert not any(each.objection for each in chosen.values())


def test_a_sum_that_is_wrong_sets_all_of_it_aside():
    chosen = rules.choose(
        TEMPLATE, {"a": texts(_1=1.0), "b": texts(_2=1.0), "total": texts(_4=1.0)}
    )
    assert [each.text for each in chosen.values()] == ["1", "2", "4"]
    assert {each.objection for each in chosen.values()} == {"expected a + b = total"}


def test_an_empty_field_adds_nothing():
    chosen = rules.choose(TEMPLATE, {"b": texts(_7=0.9, _1=0.1), "total": texts(_1=0.8, _7=0.2)})
    assert [chosen[name].text for name in ("b", "total")] == ["7", "7"]


def test_dates_are_put_in_order_and_exist():
    chosen = rules.choose(
        TEMPLATE,
        {
            "start": texts(_31022024=0.7, _21022024=0.3),
            "end": texts(_20022024=0.55, _26022024=0.44),
        },
    )
    assert format_value(chosen["start"].value) == "2024-02-21"
    assert format_value(chosen["end"].value) == "2024-02-26"


def test_what_can_not_be_read_leaves_the_others_alone():
    chosen = rules.choose(TEMPLATE, {"a": (), "b": texts(_2=0.99), "total": texts(_9=0.99)})
    assert chosen["a"].value is None
    assert chosen["a"].confidence == 0
    assert chosen["b"].objection is None


def test_a_check_applies_to_the_digits_of_several_fields():
    template = parse("""
form: x
fields:
  - {name: a, kind: comb, cells: 2, box: [20, 40, 50, 48]}
  - {name: b, kind: comb, cells: 2, box: [20, 60, 50, 68]}
rules:
  - {check: luhn, of: [a, b]}
""")
    chosen = rules.choose(template, {"a": texts(_12=1.0), "b": texts(_38=0.8, _30=0.19)})
    assert chosen["b"].text == "30"


def test_digits_are_interpreted_and_checked_by_their_field():
    named = TEMPLATE.field_named
    assert interpret_digits(named("paid"), "1250") == Decimal("12.50")
    assert format_value(interpret_digits(named("year"), "010224")) == "2024-02-01"
    assert find_objection(named("paid"), "9950") is None
    assert find_objection(named("paid"), "9951") == "expected at most 99.5"
    assert find_objection(named("start"), "30022024") == "expected a date that there is"
    assert find_objection(named("a"), "1234") == "expected 1 to 3 digits"
    assert [format_value(value) for value in (None, True, False, "007")] == [
        "",
        "true",
        "false",
        "007",
    ]
    with pytest.raises(ValueError, match="DDMMYY"):
        interpret_digits(named("year"), "1")


def test_a_rule_over_many_fields_takes_little_memory():
    names = [f"f{number}" for number in range(150)]
    fields = "\n".join(
        f"  - {{name: {name}, kind: comb, cells: 2, box: "
        f"[{12 * (i % 15) + 15}, {12 * (i // 15) + 30}, {12 * (i % 15) + 23}, "
        f"{12 * (i // 15) + 36}]}}"
        for i, name in enumerate(names)
    )
    template = parse(f"form: x\nfields:\n{fields}\nrules:\n  - {{order: [{', '.join(names)}]}}\n")
    found = {name: texts(**{f"_{value}": 0.02 for value in range(10, 50)}) for name in names}
    tracemalloc.start()
    chosen = rules.choose(template, found)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(chosen) == 150
    assert peak < 40e6
