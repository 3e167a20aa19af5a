import csv
import dataclasses
import io
import json

import numpy as np
import pytest

from inkread.batch import formats
from inkread.batch.results_file import ResultsFormat
from inkread.cli import output
from inkread.results import Box, Digit, Number, Page
from inkread.training.evaluation.evaluate import score_probabilities


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
            raw="4.0",
            unconstrained="41",
            value_confidence=0.75,
        ),
        Number("?", 0.95, Box(5, 80, 25, 110), (digit(7, (5, 80, 25, 110), rejected=True),), True),
    ),
    width=200,
    height=150,
    model="glyph-test",
)
BLANK = Page(numbers=(), width=30, height=20, model="glyph-test")
NOTHING = Page((Number("", 0.0, Box(0, 0, 30, 20), (), True),), 30, 20, "glyph-test")
CSV_HEADER = (
    "file,page,index,row,column,text,raw,confidence,left,top,right,bottom,rejected,unconstrained,"
    "value,unit,value_confidence"
)
LONG_NAME = "scans/" + "a-very-long-folder-name/" * 3 + "picture.png"


def printed(show, *pages):
    for name, page in pages:
        show.add(name, page)


def test_json_prints_a_line_a_page_that_rebuilds_it(capsys):
    printed(formats.JsonWriter(), ("a.png", PAGE), ("b.png", BLANK))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.pop("file") for line in lines] == ["a.png", "b.png"]
    assert [Page.from_dict(line) for line in lines] == [PAGE, BLANK]


def test_json_prints_each_page_at_once(capsys):
    show = formats.JsonWriter()
    show.add("a.png", PAGE)
    assert capsys.readouterr().out.count("\n") == 1


def test_csv_prints_a_row_a_number_and_one_a_blank_page(capsys):
    second = dataclasses.replace(PAGE, numbers=PAGE.numbers[1:], page=2)
    printed(
        formats.CsvWriter(),
        ("a.png", PAGE),
        ("a.png", second),
        ("b.png", BLANK),
        ("c.png", NOTHING),
    )
    assert capsys.readouterr().out == (
        f"{CSV_HEADER}\n"
        "a.png,1,0,0,0,40,4.0,0.9025,10,20,60,50,false,41,4.0,,0.7500\n"
        "a.png,1,1,1,0,?,?,0.9500,5,80,25,110,true,,,,0.0000\n"
        "a.png,2,0,0,0,?,?,0.9500,5,80,25,110,true,,,,0.0000\n"
        "b.png,1,,,,,,,,,,,,,,,\n"
        "c.png,1,0,0,0,,,0.0000,0,0,30,20,true,,,,0.0000\n"
    )


def test_csv_has_the_places_in_the_table_of_the_page(capsys):
    places = [(0, 0), (100, 0), (100, 60)]  # the second line has nothing in the first column
    numbers = tuple(Number("1", 1.0, Box(x, y, x + 30, y + 30), ()) for x, y in places)
    printed(formats.CsvWriter(), ("a.png", Page(numbers, 200, 100, "line-test")))
    rows = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert [(row["index"], row["row"], row["column"]) for row in rows] == [
        ("0", "0", "0"), ("1", "0", "1"), ("2", "1", "1"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["a,b.png", 'say "5".png', "two\nlines.png", "zahl-ä-५.png"])
def test_csv_keeps_any_file_name_whole(capsys, name):
    printed(formats.CsvWriter(), (name, PAGE))
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))
    assert [row["file"] for row in rows] == [name, name]


def test_csv_without_pages_is_a_header(capsys):
    formats.CsvWriter()
    assert capsys.readouterr().out.splitlines() == [CSV_HEADER]


def test_table_holds_files_texts_confidences_boxes_and_notes(capsys):
    second = dataclasses.replace(PAGE, numbers=PAGE.numbers[1:], page=2)
    pages = [("a.png", PAGE), ("a.png", second), ("b.png", BLANK), ("c.png", NOTHING)]
    printed(output.PageTable([name for name, _ in pages]), *pages)
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["file", "number", "confidence", "box"]
    assert [row.split() for row in rows] == [
        ["a.png", "4.0", "90.2%", "10", "20", "60", "50", "read", "as", "41"],
        ["a.png", "?", "95.0%", "5", "80", "25", "110", "rejected"],
        ["a.png,", "page", "2", "?", "95.0%", "5", "80", "25", "110", "rejected"],
        ["b.png", "-", "no", "numbers", "found"],
        ["c.png", "-", "0.0%", "0", "0", "30", "20", "rejected"],
    ]


def test_table_prints_each_page_at_once(capsys):
    show = output.PageTable()
    show.add("a.png", BLANK)
    assert capsys.readouterr().out.count("\n") == 2  # the header is printed with the first page


def test_table_without_pages_prints_nothing(capsys):
    output.PageTable()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("form", [None, ResultsFormat.JSON, ResultsFormat.CSV])
def test_only_numbers_that_are_kept_are_printed_and_blank_pages(capsys, form):
    sure = dataclasses.replace(PAGE, numbers=PAGE.numbers[:1])
    show = output.choose_printer(form, lambda number: number.rejected, ["a.png", "b.png", "c.png"])
    printed(show, ("a.png", PAGE), ("b.png", sure), ("c.png", BLANK))
    text = capsys.readouterr().out
    assert "40" not in text
    assert "b.png" not in text
    if form is ResultsFormat.JSON:
        a, c = (json.loads(line) for line in text.splitlines())
        assert ([number["text"] for number in a["numbers"]], c["numbers"]) == (["?"], [])
    elif form is ResultsFormat.CSV:
        rows = csv.DictReader(io.StringIO(text))
        assert [(row["file"], row["index"]) for row in rows] == [("a.png", "1"), ("c.png", "")]
    else:
        assert [line.split()[:2] for line in text.splitlines()[1:]] == [
            ["a.png", "?"], ["c.png", "-"],
        ]  # fmt: skip


@pytest.mark.parametrize("form", ResultsFormat)
def test_a_file_of_results_gets_a_page_at_once_and_no_header(form):
    parts = []
    show = formats.make_page_writer(form, parts.append)
    printed(show, ("a.png", PAGE), ("b.png", BLANK))
    assert len(parts) == 2
    assert all(part.endswith("\n") for part in parts)
    assert "file,page" not in parts[0]


@pytest.mark.parametrize("name", ["[bold]x.png", "[/]x.png", "[1].png", LONG_NAME])
def test_table_keeps_any_file_name_whole(capsys, name):
    printed(output.PageTable(), (name, PAGE))
    assert name in capsys.readouterr().out


def test_print_evaluation_shows_figures_confusion_and_mistakes(capsys):
    labels = np.array([3] * 99 + [5], np.uint8)
    probabilities = np.eye(10, dtype=np.float32)[[3] * 100]
    output.print_evaluation(score_probabilities(probabilities, labels), "title")
    text = capsys.readouterr().out
    assert "title" in text
    assert "accuracy 99.00% (95 % interval 94.55% to 99.82%, n = 100)" in text
    assert "image 99: a 5 read as 3 with 100.0%" in text
    words = [line.replace("│", " ").split() for line in text.splitlines()]
    assert ["3", "99.00%", "100.00%", "99"] in words
    assert ["5", "·", "·", "·", "1", *["·"] * 6] in words


def test_print_evaluation_shows_a_title_in_brackets_as_it_is(capsys):
    found = score_probabilities(np.eye(10, dtype=np.float32)[[3]], np.array([3], np.uint8))
    output.print_evaluation(found, "model[old] on [/] images")
    assert "model[old] on [/] images" in capsys.readouterr().out
