import dataclasses
import datetime
import json
from decimal import Decimal

import pytest

from inkread import Box, Digit, Notation, Number, Page
from inkread.results import Cell, NumberTable, find_box

PROBABILITIES = (0.01, 0.0, 0.02, 0.0, 0.9, 0.0, 0.0, 0.03, 0.0, 0.04)

FOUR = Digit(4, 0.9, Box(10, 20, 28, 50), PROBABILITIES)
DOUBTFUL = Digit(7, 0.4, Box(30, 22, 50, 52), (0.06,) * 7 + (0.4, 0.1, 0.08), rejected=True)
LETTER = Digit(4, 0.18, Box(2, 3, 20, 30), PROBABILITIES, rejected=True, junk=0.8)
NOTHING = Digit(None, 0.0, Box(0, 0, 28, 28), (0.0,) * 10, rejected=True)
NUMBER = Number("4?", 0.36, Box(10, 20, 50, 52), (FOUR, DOUBTFUL), rejected=True)
EMPTY = Number("", 0.0, Box(0, 0, 28, 28), (), rejected=True)
AMOUNT = Number("125000", 0.8, Box(1, 2, 90, 30), (), raw="1,250.00", unconstrained="1250000")
PAGE = Page((NUMBER, EMPTY), 640, 480, "glyph-cascade")
BLANK_PAGE = Page((), 3, 3, "glyph-cascade")
SECOND_PAGE = Page((AMOUNT,), 640, 480, "glyph-cascade", page=2)
PRINTED = dataclasses.replace(AMOUNT, print_probability=0.75)
STRUCK = Number("", 0.0, Box(5, 5, 50, 20), (), rejected=True, struck=True)
DATE = dataclasses.replace(
    AMOUNT, text="1224", raw="1/2/24", notation=Notation("date", format="DMY", min="2020-01-01")
)
TABLE = NumberTable(
    ((Cell(Box(0, 0, 100, 40), PRINTED), None), (Cell(Box(0, 40, 100, 80), None), None))
)
TABLE_PAGE = Page((PRINTED, STRUCK), 640, 480, "line", tables=(TABLE,), notes=("a word",))

RESULTS = [FOUR, DOUBTFUL, LETTER, NOTHING, NUMBER, EMPTY, AMOUNT, PAGE, BLANK_PAGE, SECOND_PAGE]
RESULTS += [PRINTED, STRUCK, TABLE, TABLE_PAGE, DATE]


@pytest.mark.parametrize("result", RESULTS, ids=repr)
def test_results_survive_json(result):
    document = json.dumps(result.to_dict(), allow_nan=False)

    rebuilt = type(result).from_dict(json.loads(document))

    assert rebuilt == result
    assert hash(rebuilt) == hash(result)


def test_a_digit_becomes_plain_values():
    assert FOUR.to_dict() == {
        "label": 4,
        "confidence": 0.9,
        "box": [10, 20, 28, 50],
        "probabilities": list(PROBABILITIES),
        "rejected": False,
        "junk": 0.0,
    }
    assert LETTER.to_dict()["junk"] == 0.8


def test_a_digit_stored_without_junk_is_rebuilt():
    values = FOUR.to_dict()
    del values["junk"]

    assert Digit.from_dict(values) == FOUR


def test_a_page_becomes_plain_values():
    assert PAGE.to_dict() == {
        "numbers": [NUMBER.to_dict(), EMPTY.to_dict()],
        "width": 640,
        "height": 480,
        "model": "glyph-cascade",
        "page": 1,
        "tables": [],
        "notes": [],
    }
    assert NUMBER.to_dict() == {
        "text": "4?",
        "confidence": 0.36,
        "box": [10, 20, 50, 52],
        "digits": [FOUR.to_dict(), DOUBTFUL.to_dict()],
        "rejected": True,
        "raw": "4?",
        "unconstrained": None,
        "printed": False,
        "print_probability": 0.0,
        "struck": False,
        "value": None,
        "unit": "",
        "date": None,
        "time": None,
        "value_confidence": 0.0,
        "notation": {},
    }
    assert AMOUNT.to_dict()["raw"] == "1,250.00"
    assert AMOUNT.to_dict()["unconstrained"] == "1250000"


def test_results_stored_without_the_newer_fields_are_rebuilt():
    values = PAGE.to_dict()
    del values["page"]
    for number in values["numbers"]:
        del number["raw"], number["unconstrained"], number["notation"], number["value_confidence"]

    assert Page.from_dict(values) == PAGE


def test_the_raw_text_is_the_text_unless_it_is_given():
    assert NUMBER.raw == "4?"
    assert EMPTY.raw == ""
    assert AMOUNT.raw == "1,250.00"


def number_at(text, left, top, right, bottom):
    return Number(text, 0.9, Box(left, top, right, bottom), ())


def test_the_numbers_of_a_page_form_a_table():
    total, tax, sum_ = (
        number_at("1250", 40, 10, 90, 30),
        number_at("19", 180, 12, 200, 32),
        number_at("99", 170, 50, 200, 70),
    )

    assert Page((total, tax, sum_), 300, 100, "m").rows() == ((total, tax), (None, sum_))


def test_a_blank_page_is_a_table_without_rows():
    assert BLANK_PAGE.rows() == ()


def test_rebuilt_boxes_have_their_names():
    rebuilt = Page.from_dict(json.loads(json.dumps(PAGE.to_dict())))

    assert rebuilt.numbers[0].box.right == 50
    assert rebuilt.numbers[0].digits[1].box.bottom == 52


@pytest.mark.parametrize("result", RESULTS, ids=repr)
def test_results_are_frozen(result):
    for field in dataclasses.fields(result):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(result, field.name, None)


def test_a_box_is_frozen():
    with pytest.raises(AttributeError):
        FOUR.box.left = 0


def test_a_box_is_left_top_right_bottom():
    box = Box(left=1, top=2, right=30, bottom=40)

    assert box == (1, 2, 30, 40)
    assert (box.right - box.left, box.bottom - box.top) == (29, 38)


def test_the_text_of_a_digit_is_its_label_or_a_question_mark():
    assert FOUR.text == "4"
    assert DOUBTFUL.text == "?"
    assert NOTHING.text == "?"


def test_results_accept_by_default():
    assert not Digit(4, 0.9, Box(0, 0, 1, 1), PROBABILITIES).rejected
    assert not Number("4", 0.9, Box(0, 0, 1, 1), (FOUR,)).rejected


@pytest.mark.parametrize(
    ("other", "share"),
    [
        (Box(0, 0, 10, 10), 1.0),
        (Box(5, 0, 15, 10), 50 / 150),
        (Box(2, 2, 8, 8), 36 / 100),
        (Box(10, 0, 20, 10), 0.0),
        (Box(90, 90, 99, 99), 0.0),
    ],
)
def test_boxes_overlap_by_their_intersection_over_their_union(other, share):
    box = Box(0, 0, 10, 10)
    assert box.overlap(other) == other.overlap(box) == pytest.approx(share)


def test_a_box_is_found_if_one_is_nearly_the_same():
    boxes = [Box(0, 0, 10, 10), Box(1, 0, 11, 10), Box(20, 0, 30, 10)]
    assert find_box(boxes, Box(1, 0, 12, 10)) == 1
    assert find_box(boxes, Box(21, 1, 31, 11)) == 2
    assert find_box(boxes, Box(24, 0, 34, 10)) is None
    assert find_box([], Box(0, 0, 1, 1)) is None


def test_what_is_less_confident_than_asked_for_is_rejected():
    seven = dataclasses.replace(FOUR, label=7, confidence=0.6)
    number = Number("47", 0.54, Box(10, 20, 50, 52), (FOUR, seven), raw="4-7")

    assert number.reject_below(0.5) == number
    assert number.reject_below(0.55) == dataclasses.replace(number, rejected=True)
    doubtful = number.reject_below(0.7)
    assert (doubtful.text, doubtful.raw, doubtful.confidence) == ("4?", "4-7", 0.54)
    assert [digit.rejected for digit in doubtful.digits] == [False, True]
    assert [digit.label for digit in doubtful.digits] == [4, 7]
    # What was rejected before stays so.
    assert doubtful.reject_below(0.0) == doubtful
    assert LETTER.reject_below(0.0).rejected


def test_a_number_is_printed_if_that_is_more_probable_than_not():
    assert PRINTED.printed
    assert not dataclasses.replace(AMOUNT, print_probability=0.5).printed


def test_a_table_is_as_large_as_its_cells():
    assert TABLE.box == Box(0, 0, 100, 80)


def test_a_table_moves_with_the_numbers_in_its_cells():
    moved = TABLE.with_boxes(lambda box: Box(*(side + 5 for side in box)))
    assert moved.box == Box(5, 5, 105, 85)
    assert moved.rows[0][0].number.box == Box(6, 7, 95, 35)
    assert moved.rows[1][0] == Cell(Box(5, 45, 105, 85), None)


def test_a_number_has_a_value_with_its_point():
    assert AMOUNT.value == Decimal("1250.00")
    assert str(AMOUNT.value) == "1250.00"
    assert AMOUNT.to_dict()["value"] == "1250.00"
    assert (AMOUNT.unit, AMOUNT.date, AMOUNT.time) == ("", None, None)


def test_a_number_with_a_doubtful_digit_has_no_value():
    assert NUMBER.value is None
    assert EMPTY.value is None
    assert NUMBER.to_dict()["value"] is None
    doubtful = dataclasses.replace(AMOUNT, raw="12.5", text="125", digits=(FOUR, FOUR, DOUBTFUL))
    assert doubtful.value == Decimal("12.5")
    assert doubtful.reject_below(0.5).value is None


def test_a_date_and_a_time_are_no_values():
    number = Number("18122023", 0.9, Box(0, 0, 9, 9), (), raw="18/12/2023")
    assert (number.value, number.date) == (None, datetime.date(2023, 12, 18))
    assert number.to_dict()["date"] == "2023-12-18"
    noon = dataclasses.replace(number, text="1200", raw="12:00")
    assert (noon.value, noon.time) == (None, datetime.time(12))
    assert noon.to_dict()["time"] == "12:00:00"


def test_the_notation_of_a_number_says_what_its_marks_do():
    number = Number("1250", 0.9, Box(0, 0, 9, 9), (), raw="1.250")
    assert number.value is None
    assert dataclasses.replace(number, notation=Notation(decimal=".")).value == Decimal("1.25")
    assert dataclasses.replace(number, notation=Notation("integer")).value == 1250
