"""`form new` finds lines to write on, spaced cells, and what is too large for a number."""

import cv2
import numpy as np
import pytest
import yaml

from inkread.forms.fields import Rect
from inkread.forms.propose import ProposedField, format_template, propose
from inkread.forms.template import parse

PX_PER_MM = 8.0
SIZE_MM = (150.0, 200.0)


@pytest.fixture
def page():
    height, width = (round(side * PX_PER_MM) for side in SIZE_MM[::-1])
    return np.full((height, width), 245, np.uint8)


def to_pixels(x, y):
    return round(x * PX_PER_MM), round(y * PX_PER_MM)


def box(page, left, top, right, bottom):
    cv2.rectangle(page, to_pixels(left, top), to_pixels(right, bottom), 30, 2)


def label(page, text, x, y):
    cv2.putText(page, text, to_pixels(x, y), cv2.FONT_HERSHEY_SIMPLEX, 1, 20, 2)


def test_a_line_beside_its_label_is_a_place_to_write(page):
    label(page, "Name", 10, 50)
    cv2.line(page, to_pixels(40, 50), to_pixels(100, 50), 30, 2)

    (found,) = propose(page, SIZE_MM)

    assert (found.kind, found.num_cells) == ("number", 0)
    assert found.rect == pytest.approx((40, 43, 100, 50.8), abs=0.6)


def test_so_is_a_dotted_one(page):
    for x in np.arange(40, 100, 1.2):
        cv2.circle(page, to_pixels(x, 50), 2, 30, -1)

    (found,) = propose(page, SIZE_MM)

    assert found.kind == "number"
    assert found.rect.left == pytest.approx(40, abs=0.5)
    assert found.rect.width == pytest.approx(59, abs=1)


def test_a_line_under_print_is_none(page):
    label(page, "Reading of water meters", 30, 49)
    cv2.line(page, to_pixels(30, 50.5), to_pixels(85, 50.5), 30, 2)
    box(page, 30, 80, 80, 90)

    assert [field.rect.top for field in propose(page, SIZE_MM)] == [pytest.approx(80, abs=0.3)]


def test_cells_with_equal_gaps_are_a_comb(page):
    for cell in range(6):
        box(page, 20 + 8 * cell, 40, 26 + 8 * cell, 48)

    (found,) = propose(page, SIZE_MM)

    assert (found.kind, found.num_cells) == ("comb", 6)
    assert found.rect == pytest.approx((19, 40, 67, 48), abs=0.4)


def test_two_boxes_side_by_side_are_none(page):
    for left in (20, 28):
        box(page, left, 40, left + 6, 46)

    assert [field.kind for field in propose(page, SIZE_MM)] == ["tick", "tick"]


def test_what_is_doubtful_stands_as_a_comment():
    fields = [
        ProposedField(Rect(20, 20, 80, 30), 0),
        ProposedField(Rect(20, 40, 120, 130), 0, doubt="too large"),
    ]

    text = format_template("mine", "blank.png", SIZE_MM, fields)

    assert len(parse(text).fields) == 1
    assert "# not a field: too large\n# - {name: field_2" in text
    assert len(yaml.safe_load(format_template("b", "b.png", SIZE_MM, fields[1:]))["fields"]) == 1
