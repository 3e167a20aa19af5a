"""Fields whose separators matter: decimals, fractions, times, and numbers with a pattern."""

import datetime
from decimal import Decimal

import numpy as np
import pytest

from inkread import Notation
from inkread.decoding.constraints import Constraint
from inkread.forms.corrected_values import parse_correction, parse_value
from inkread.forms.field_reader import make_field_reader
from inkread.forms.form_reader import FormReader
from inkread.forms.tables import columns_of
from inkread.forms.template import TemplateError, parse
from inkread.forms.values import find_objection, format_value, interpret_digits
from inkread.training.synthesis import filled_forms
from inkread.training.synthesis.numbers import written_number

FORM = r"""
form: laboratory
fields:
  - {name: acidity, kind: decimal, decimals: 2, min: 0, max: 14, box: [20, 40, 60, 50]}
  - {name: frost, kind: signed, decimals: [0, 1], decimal: ",", box: [20, 60, 60, 70]}
  - {name: share, kind: fraction, max: 20, box: [20, 80, 60, 90]}
  - {name: seen, kind: time, min: "08:00", box: [20, 100, 60, 110]}
  - {name: code, kind: number, pattern: '\d+\.\d', box: [20, 120, 60, 130]}
  - {name: any, kind: decimal, box: [20, 140, 60, 150]}
"""
PX_PER_MM = 200 / 25.4


@pytest.fixture(scope="module")
def template():
    return parse(FORM)


@pytest.mark.parametrize(
    ("name", "written", "value", "shown"),
    [
        ("acidity", "7,25", Decimal("7.25"), "7.25"),
        ("acidity", "7.25", Decimal("7.25"), "7.25"),
        ("frost", "-5,5", Decimal("-5.5"), "-5.5"),
        ("frost", "1.250", Decimal(1250), "1250"),
        ("share", "1/3", Decimal("0.333333"), "0.333333"),
        ("share", "1 1/2", Decimal("1.5"), "1.5"),
        ("seen", "9:30", datetime.time(9, 30), "09:30"),
        ("seen", "1415", datetime.time(14, 15), "14:15"),
        ("code", "12.5", "12.5", "12.5"),
    ],
)
def test_what_is_written_has_a_value(template, name, written, value, shown):
    field = template.field_named(name)

    assert interpret_digits(field, written) == value
    assert find_objection(field, written) is None
    assert format_value(value) == shown
    assert parse_value(field, shown) == value
    assert parse_correction(field, shown).objection is None


@pytest.mark.parametrize(
    ("name", "written", "objection"),
    [
        ("acidity", "15,25", "expected a decimal that means one thing, at least 0, at most 14"),
        ("acidity", "725", "expected a decimal that means one thing, at least 0, at most 14"),
        ("acidity", "-1.25", "expected a decimal that means one thing, at least 0, at most 14"),
        ("frost", "5,55", "expected a number that means one thing"),
        ("share", "21", "expected a fraction that means one thing, at most 20"),
        ("share", "11/2", "expected a fraction that means one thing, at most 20"),
        ("seen", "7:30", "expected a time that means one thing, at least 08:00"),
        ("code", "125", r"expected the pattern \d+\.\d"),
        ("any", "1.250", "expected a decimal that means one thing"),
    ],
)
def test_what_a_field_does_not_allow_is_said(template, name, written, objection):
    assert find_objection(template.field_named(name), written) == objection


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("acidity", "a", "expected a number such as -12.5, received 'a'"),
        ("acidity", "7.255", "expected a number such as -12.5, received '7.255'"),
        ("seen", "25:00", "expected a time such as 09:30, received '25:00'"),
        ("code", "12a", "expected digits and separators, received '12a'"),
    ],
)
def test_what_is_no_value_is_refused(template, name, text, message):
    with pytest.raises(ValueError, match=message):
        parse_value(template.field_named(name), text)


def test_the_table_has_columns_of_their_kinds(template):
    columns = columns_of(template)

    assert [columns[name] for name in ("acidity", "frost", "share", "seen", "code")] == [
        "amount 2", "amount 1", "amount 6", "time", "text",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("max: 14", "max: -1"), "expected min <= max"),
        (("decimals: 2", "decimals: 30"), "expected as decimals a number from 0 to 20"),
        (('decimal: ","', 'decimal: ";"'), "field frost (decimal)"),
        (("max: 20", "decimals: 2"), "expected decimals with the kinds decimal and signed"),
        (('min: "08:00"', "min: 480"), "expected a time in quotes"),
        (('min: "08:00"', 'min: "25:00"'), "field seen (min)"),
        (('min: "08:00"', 'min: "09:00", max: "08:00"'), "impossible range"),
    ],
)
def test_what_a_field_cannot_be_is_named(change, said):
    with pytest.raises(TemplateError) as caught:
        parse(FORM.replace(*change))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{sum: [acidity, seen], equals: frost}", "received a date or a time"),
        ("{sum: [acidity, code], equals: frost}", "a pattern with separators"),
        ("{order: [acidity, seen]}", "can't be compared"),
        ("{check: luhn, of: [acidity]}", "received a date, time or an amount"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused(rule, said):
    with pytest.raises(TemplateError) as caught:
        parse(f"{FORM}rules:\n  - {rule}\n")
    assert said in str(caught.value)


def test_decimals_add_up():
    parse(f"{FORM}rules:\n  - {{sum: [acidity, share], equals: any}}\n")


def test_fields_are_read_with_their_separators(template, reader, small_mnist):
    """The surest of several hands: forms are tested here, not the network."""
    page = filled_forms.render_blank_page(template).astype(np.float64)
    texts = {"acidity": "7.25", "share": "3/4", "seen": "9:30"}
    notations = {
        "acidity": Notation("decimal", decimals=2),
        "share": Notation("fraction"),
        "seen": Notation("time"),
    }
    for name, text in texts.items():
        inks = [
            written_number(
                small_mnist.test, np.random.default_rng(seed), text, own_shapes=False
            ).ink
            for seed in range(8)
        ]

        def sureness(ink, name=name, text=text):
            paper = (255 * (1 - 0.8 * np.pad(ink, 10))).astype(np.uint8)
            found = reader.read_number(paper, notation=notations[name])
            return found.confidence if found.raw.replace(",", ".") == text else 0.0

        ink = max(inks, key=sureness)
        rect = template.rects[name]
        top, left = round((rect.top + 2) * PX_PER_MM), round((rect.left + 5) * PX_PER_MM)
        page[top : top + ink.shape[0], left : left + ink.shape[1]] *= 1 - 0.8 * ink

    form_reader = FormReader(template, make_field_reader(reader))
    read = {each.name: each for each in form_reader.read(page.astype(np.uint8)).fields}

    assert {name: read[name].text for name in texts} == {
        "acidity": "7.25", "share": "0.75", "seen": "09:30",
    }  # fmt: skip
    assert read["frost"].status == "empty"


def test_a_pattern_with_separators_gives_the_number_as_written(reader, small_mnist):
    ink = written_number(small_mnist.test, np.random.default_rng(2), "12.5", own_shapes=False).ink
    paper = (255 * (1 - 0.8 * np.pad(ink, 10))).astype(np.uint8)

    found = make_field_reader(reader).read_number(paper, Constraint(pattern=r"\d\d\.\d"))

    assert found.candidates[0].text[2] == "."
    assert len(found.candidates[0].text) == 4
