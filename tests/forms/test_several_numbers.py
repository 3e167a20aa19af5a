"""Several numbers in one box, with `count`."""

import numpy as np
import pytest

from inkread.forms.corrected_values import parse_correction
from inkread.forms.field_reader import make_field_reader, split_numbers
from inkread.forms.form_reader import FormReader
from inkread.forms.template import TemplateError, parse
from inkread.forms.values import find_objection
from inkread.training.synthesis import drawn_digits, filled_forms

FORM = """
form: yields
fields:
  - {name: plots, kind: number, count: 3, length: [1, 3], max: 400, box: [20, 60, 120, 72]}
  - {name: total, kind: number, box: [20, 90, 120, 102]}
"""
PX_PER_MM = 200 / 25.4


@pytest.fixture(scope="module")
def template():
    return parse(FORM)


def read(template, reader, texts, gap_mm):
    """Write numbers side by side into the first box, and read it."""
    page, rng = filled_forms.render_blank_page(template).copy(), np.random.default_rng(3)
    left = round(25 * PX_PER_MM)
    for text in texts:
        ink = drawn_digits.write(text, rng, height_px=52, pen_px=4, gap=0.25).ink
        top = round(66 * PX_PER_MM) - ink.shape[0] // 2
        part = page[top : top + ink.shape[0], left : left + ink.shape[1]]
        np.minimum(part, 255 - np.uint8(0.85 * ink), out=part)
        left += ink.shape[1] + round(gap_mm * PX_PER_MM)
    return FormReader(template, make_field_reader(reader)).read(page).fields[0]


def test_numbers_with_wide_gaps_are_read_one_by_one(template, reader):
    field = read(template, reader, ["120", "7", "35"], 9)

    assert field.text == "120 7 35"


def test_where_gaps_are_not_clear_a_person_looks(template, reader):
    field = read(template, reader, ["86028358"], 0)

    assert field.is_set_aside
    assert field.note == "expected 3 numbers, with wide gaps between"


def test_writing_is_split_at_its_widest_gaps():
    ink = np.zeros((4, 30), np.uint8)
    for column in (1, 4, 12, 15, 25):
        ink[:, column] = 255

    parts = split_numbers(ink, 3)

    assert [np.flatnonzero(part[0]).tolist() for part in parts] == [[1, 4], [12, 15], [25]]
    assert split_numbers(ink, 2) == []  # the gaps of 10 and 8 columns are nearly alike
    assert split_numbers(ink, 6) == []


@pytest.mark.parametrize(
    ("text", "objection"),
    [
        ("120 7 35", None),
        ("120 7", "expected 3 numbers"),
        ("120 7 401", "expected at most 400"),
        ("1200 7 40", "expected 1 to 3 digits"),
    ],
)
def test_each_number_must_satisfy_the_constraints(template, text, objection):
    assert find_objection(template.field_named("plots"), text) == objection


def test_a_correction_has_as_many_numbers(template):
    field = template.field_named("plots")

    assert parse_correction(field, "1 22 333").text == "1 22 333"
    with pytest.raises(ValueError, match="expected 3 numbers with spaces between them"):
        parse_correction(field, "1 22")


def test_a_rule_needs_one_number():
    rule = "rules:\n  - order: [plots, total]\n"
    with pytest.raises(TemplateError, match="expected fields with one number each"):
        parse(FORM + rule)
