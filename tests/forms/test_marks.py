"""What is no digit in a field: nothing, faint writing, dashes, crosses, misplaced lines."""

import cv2
import numpy as np
import pytest

from inkread.forms.field_reader import make_field_reader
from inkread.forms.form_reader import FormReader, Status
from inkread.forms.template import parse
from inkread.forms.voids import find_void
from inkread.training.synthesis import filled_forms

FORM = """
form: marks
fields:
  - {name: first, kind: comb, cells: 4, length: [1, 4], box: [20, 60, 52, 70]}
  - {name: second, kind: number, box: [80, 60, 130, 70]}
  - {name: third, kind: number, required: true, box: [20, 90, 70, 100]}
  - {name: agreed, kind: tick, box: [80, 90, 86, 96]}
"""


@pytest.fixture(scope="module")
def template():
    return parse(FORM)


@pytest.fixture(scope="module")
def form_reader(template, reader):
    return FormReader(template, make_field_reader(reader))


@pytest.fixture
def page(template):
    """The printed form, 200 dpi."""
    return filled_forms.render_blank_page(template).copy()


PX_PER_MM = 200 / 25.4


def draw(page, *strokes, level=40, pen_mm=0.5):
    """Draw strokes through points in millimetres."""
    for stroke in strokes:
        points = np.round(np.array(stroke) * PX_PER_MM).astype(np.int32)
        cv2.polylines(page, [points], False, level, round(pen_mm * PX_PER_MM), cv2.LINE_AA)


def cross(left, top, width=5.0, height=7.0):
    right, bottom = left + width, top + height
    return [(left, top), (right, bottom)], [(right, top + 0.4), (left + 0.5, bottom)]


def one(x, top=62.0):
    return [(x, top), (x - 0.4, top + 6)]


def seven(x, top=62.0):
    return [(x, top), (x + 3.4, top), (x + 1.4, top + 6)]


def read(form_reader, page):
    return {each.name: each for each in form_reader.read(page).fields}


def test_a_blank_form_is_empty_and_surely_so(form_reader, page):
    found = read(form_reader, page)

    assert found["first"].status is found["second"].status is Status.EMPTY
    assert found["third"].status is Status.MISSING
    assert found["agreed"].value is False
    for field in found.values():
        assert 0.999 < field.confidence < 1


@pytest.mark.parametrize("paleness", [0.04, 0.07, 0.12, 0.2])
@pytest.mark.parametrize("name", ["first", "second"])
def test_faint_writing_is_never_called_empty(form_reader, page, paleness, name):
    left = 21.5 if name == "first" else 90.0
    draw(page, seven(left), seven(left + 8), level=round(255 * (1 - paleness)))

    field = read(form_reader, page)[name]

    assert field.status is not Status.EMPTY
    assert field.text.lstrip() == "77" or field.is_set_aside


def test_faint_writing_beside_dark_print_is_never_called_empty(form_reader, page):
    """Print beside a box is much darker than what a pencil writes in it."""
    cv2.putText(page, "Total in words", (640, 465), cv2.FONT_HERSHEY_SIMPLEX, 1, 0, 3)
    draw(page, seven(90), seven(98), level=215)

    field = read(form_reader, page)["second"]

    assert field.text == "77" or field.is_set_aside
    assert field.status is not Status.EMPTY


def test_a_faint_cell_beside_dark_ones_is_not_passed_over(form_reader, page):
    draw(page, seven(21.5), seven(29.5))
    draw(page, seven(37.5), level=238)

    field = read(form_reader, page)["first"]

    assert field.text == "777" or field.is_set_aside


def test_speckles_are_no_writing(form_reader, page, rng):
    for x, y in rng.uniform((82, 61), (128, 69), (12, 2)):
        cv2.circle(page, (round(x * PX_PER_MM), round(y * PX_PER_MM)), 0, 190, -1)

    assert read(form_reader, page)["second"].status in (Status.EMPTY, Status.DOUBTFUL)
    assert read(form_reader, page)["second"].value is None


def test_cells_crossed_out_before_a_number_are_no_digits(form_reader, page):
    draw(page, *cross(21.5, 61.5), *cross(29.5, 61.5), seven(37.5), seven(45.5))

    field = read(form_reader, page)["first"]

    assert field.text == "77"


def test_a_comb_of_crosses_is_void(form_reader, page):
    draw(page, *(stroke for left in (21.5, 29.5, 37.5, 45.5) for stroke in cross(left, 61.5)))

    field = read(form_reader, page)["first"]

    assert field.value is None
    assert field.status in (Status.VOID, Status.DOUBTFUL)


def test_a_dash_is_void(form_reader, page):
    draw(page, [(95, 65.2), (112, 64.8)])

    field = read(form_reader, page)["second"]

    assert (field.value, field.status) == (None, Status.VOID)
    assert 0.99 < field.confidence < 1


def test_a_dash_in_a_cell_before_a_digit_is_no_digit(form_reader, page):
    draw(page, [(22, 65), (26, 65)], seven(29.5), seven(37.5))

    assert read(form_reader, page)["first"].text == "77"


def test_writing_that_touches_a_line_is_not_lost(form_reader, page):
    """Of 17, a 1 that stands on the box's line must not vanish and leave a 7."""
    draw(page, [(95, 62), (94.6, 70.2)], seven(99))

    field = read(form_reader, page)["second"]

    assert field.text == "17" or field.is_set_aside


@pytest.mark.parametrize("offset", [-0.9, 0.9])
def test_a_line_beside_its_place_is_no_writing(form_reader, page, offset):
    draw(page, [(79, 70 + offset), (131, 70 + offset)], pen_mm=0.25)
    assert read(form_reader, page)["second"].status is Status.EMPTY

    draw(page, seven(95, 61.5), seven(101, 61.5))
    assert read(form_reader, page)["second"].text == "77"


def cell(*strokes, size_mm=(8, 10)):
    ink = np.zeros((size_mm[1] * 10, size_mm[0] * 10), np.uint8)
    for stroke in strokes:
        points = np.round(np.array(stroke) * 10).astype(np.int32)
        cv2.polylines(ink, [points], False, 255, 5, cv2.LINE_AA)
    return ink


@pytest.mark.parametrize(
    ("strokes", "kind"),
    [
        ([[(1, 5), (7, 5)]], "dash"),
        ([[(1, 5.6), (7, 4.4)]], "dash"),
        ([[(1, 1), (7, 9)], [(7, 1), (1, 9)]], "cross"),
        ([[(1, 1), (6.5, 8.5)], [(7, 1.5), (1.5, 9)]], "cross"),
        ([[(1, y), (7, y + 0.5)] for y in np.arange(2, 8, 0.5)], "scribble"),
        ([], ""),
        ([[(4, 1), (4, 9)]], ""),
        ([[(1, 9), (7, 1)]], ""),
        ([seven(1, 1)], ""),
        ([[(2, 1), (2, 5), (6, 5)], [(5.5, 1), (5.5, 9)]], ""),
        ([[(2, 2), (6, 2), (6, 8), (2, 8), (2, 2)]], ""),
    ],
)
def test_what_makes_a_cell_void(strokes, kind):
    assert find_void(cell(*strokes), 10, is_cell=True) == kind


def test_two_digits_in_a_box_are_no_dash():
    ink = cell(*[[(x, 2), (x, 5)] for x in range(2, 30, 3)], size_mm=(32, 8))
    assert find_void(ink, 10, is_cell=False) == ""
