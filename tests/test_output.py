import csv
import io
import json

import numpy as np
import pytest

from inkread import output
from inkread.results import Box, Digit, Number, Page
from inkread.training.evaluate import score


def digit(label, box, rejected=False):
    rest = (1 - 0.95) / 9
    probabilities = tuple(0.95 if value == label else rest for value in range(10))
    return Digit(label, 0.95, Box(*box), probabilities, rejected)


PAGE = Page(
    numbers=(
        Number(
            "40",
            0.9025,
            Box(10, 20, 60, 50),
            (digit(4, (10, 20, 30, 50)), digit(0, (35, 22, 60, 50))),
        ),
        Number("?", 0.95, Box(5, 80, 25, 110), (digit(7, (5, 80, 25, 110), rejected=True),), True),
    ),
    width=200,
    height=150,
    model="glyph-test",
)
BLANK = Page(numbers=(), width=30, height=20, model="glyph-test")
NOTHING = Page((Number("", 0.0, Box(0, 0, 30, 20), (), True),), 30, 20, "glyph-test")
LONG_NAME = "scans/" + "a-very-long-folder-name/" * 3 + "picture.png"


def printed(show, *pages):
    for name, page in pages:
        show.add(name, page)
    show.close()


def test_json_prints_a_line_a_page_that_rebuilds_it(capsys):
    printed(output.Json(), ("a.png", PAGE), ("b.png", BLANK))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.pop("file") for line in lines] == ["a.png", "b.png"]
    assert [Page.from_dict(line) for line in lines] == [PAGE, BLANK]


def test_json_prints_each_page_at_once(capsys):
    show = output.Json()
    show.add("a.png", PAGE)
    assert capsys.readouterr().out.count("\n") == 1


def test_csv_prints_a_row_a_number_and_one_a_blank_page(capsys):
    printed(output.Csv(), ("a.png", PAGE), ("b.png", BLANK), ("c.png", NOTHING))
    assert capsys.readouterr().out == (
        "file,index,text,confidence,left,top,right,bottom,rejected\n"
        "a.png,0,40,0.9025,10,20,60,50,false\n"
        "a.png,1,?,0.9500,5,80,25,110,true\n"
        "b.png,,,,,,,,\n"
        "c.png,0,,0.0000,0,0,30,20,true\n"
    )


@pytest.mark.parametrize("name", ["a,b.png", 'say "5".png', "two\nlines.png", "zahl-ä-५.png"])
def test_csv_keeps_any_file_name_whole(capsys, name):
    printed(output.Csv(), (name, PAGE))
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))
    assert [row["file"] for row in rows] == [name, name]


def test_csv_without_pages_is_a_header(capsys):
    output.Csv().close()
    assert capsys.readouterr().out.splitlines() == [
        "file,index,text,confidence,left,top,right,bottom,rejected"
    ]


def test_table_holds_files_texts_confidences_and_boxes(capsys):
    printed(output.Table(), ("a.png", PAGE), ("b.png", BLANK), ("c.png", NOTHING))
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if ".png" in line]
    words = [[word for word in row if word not in ("│", "┃", "|")] for row in rows]
    assert words == [
        ["a.png", "40", "90.2%", "10", "20", "60", "50"],
        ["a.png", "?", "95.0%", "5", "80", "25", "110"],
        ["b.png", "-", "no", "digits", "found"],
        ["c.png", "-", "0.0%", "0", "0", "30", "20"],
    ]


def test_table_without_pages_prints_nothing(capsys):
    output.Table().close()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["[bold]x.png", "[/]x.png", "[1].png", LONG_NAME])
def test_table_keeps_any_file_name_whole(capsys, name):
    printed(output.Table(), (name, PAGE))
    assert name in capsys.readouterr().out


def test_print_evaluation_shows_figures_confusion_and_mistakes(capsys):
    labels = np.array([3] * 99 + [5], np.uint8)
    probabilities = np.eye(10, dtype=np.float32)[[3] * 100]
    output.print_evaluation(score(probabilities, labels), "title")
    text = capsys.readouterr().out
    assert "title" in text
    assert "accuracy 99.00% (95 % interval 94.55% to 99.82%, n = 100)" in text
    assert "image 99: a 5 read as 3 with 100.0%" in text
    words = [line.replace("│", " ").split() for line in text.splitlines()]
    assert ["3", "99.00%", "100.00%", "99"] in words
    assert ["5", "·", "·", "·", "1", *["·"] * 6] in words


def test_print_evaluation_shows_a_title_in_brackets_as_it_is(capsys):
    found = score(np.eye(10, dtype=np.float32)[[3]], np.array([3], np.uint8))
    output.print_evaluation(found, "model[old] on [/] images")
    assert "model[old] on [/] images" in capsys.readouterr().out
