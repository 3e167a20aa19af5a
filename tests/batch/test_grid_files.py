import csv
import json

import pytest
from openpyxl import load_workbook

from inkread.batch.grid_files import GridFile, show_cell, tables_of
from inkread.errors import ConfigError
from inkread.results import Box, Cell, Number, NumberTable, Page


def number(text, place, *, rejected=False, raw="", struck=False):
    left, top = place
    box = Box(left, top, left + 20, top + 20)
    return Number(text, 0.4 if rejected else 0.97, box, (), rejected, raw, struck=struck)


def page(*rows, notes=()):
    """Return a page with one table of 30 by 30 pixels a cell; ``None`` is an empty cell."""
    cells = tuple(
        tuple(
            Cell(Box(30 * x, 30 * y, 30 * x + 30, 30 * y + 30), each) for x, each in enumerate(row)
        )
        for y, row in enumerate(rows)
    )
    numbers = tuple(each for row in rows for each in row if each)
    return Page(numbers, 200, 100, "model", tables=(NumberTable(cells),), notes=notes)


MARKS = page(
    [number("007", (5, 5)), None],
    [number("12", (5, 35), raw="1.2"), number("3?", (35, 35), rejected=True)],
)


def write(path, *pages):
    file = GridFile(path)
    for index, each in enumerate(pages):
        file.add(f"sheet{index}.png", each)
    file.close()
    return path


def test_a_cell_shows_its_number_as_written_and_marks_a_doubtful_one():
    assert show_cell(None) == ""
    assert show_cell(number("12", (0, 0), raw="1.2")) == "1.2"
    assert show_cell(number("3?", (0, 0), rejected=True)) == "3? ?"


def test_a_page_without_tables_is_a_table_of_its_lines():
    plain = Page((number("1", (5, 5)), number("2", (60, 5))), 100, 50, "model")
    assert [[each.text for each in row] for row in tables_of(plain)[0]] == [["1", "2"]]


def test_csv_has_the_cells_as_text(tmp_path):
    path = write(tmp_path / "marks.csv", MARKS)
    with path.open(newline="") as file:
        assert list(csv.reader(file)) == [["007", ""], ["1.2", "3? ?"]]


def test_csv_has_an_empty_line_between_tables(tmp_path):
    path = write(tmp_path / "marks.csv", page([number("1", (5, 5))]), page([number("2", (5, 5))]))
    assert path.read_text() == "1\n\n2\n"


def test_excel_has_a_sheet_for_each_table_text_stays_text_and_doubts_are_marked(tmp_path):
    book = load_workbook(write(tmp_path / "marks.xlsx", MARKS, page([number("5", (5, 5))])))
    assert book.sheetnames == ["1 sheet0", "2 sheet1"]
    sheet = book["1 sheet0"]
    assert (sheet["A1"].value, sheet["A1"].data_type) == ("007", "s")
    assert sheet["B1"].value is None
    assert sheet["B2"].value == "3?"
    assert "40% sure" in sheet["B2"].comment.text
    assert sheet["B2"].fill.fill_type == "solid"
    assert sheet["A1"].fill.fill_type is None


def test_excel_says_of_a_crossed_out_number_that_it_is(tmp_path):
    crossed = page([number("", (5, 5), rejected=True, struck=True), number("1", (35, 5))])
    sheet = load_workbook(write(tmp_path / "marks.xlsx", crossed)).worksheets[0]
    assert sheet["A1"].comment.text == "crossed out"


def test_excel_of_no_pages_can_be_opened(tmp_path):
    assert load_workbook(write(tmp_path / "marks.xlsx")).sheetnames == ["nothing read"]


def test_json_has_the_tables_of_each_page_and_what_was_seen(tmp_path):
    path = write(tmp_path / "marks.json", MARKS, page(notes=("no writing found",)))
    first, second = map(json.loads, path.read_text().splitlines())
    assert first["file"] == "sheet0.png"
    (table,) = first["tables"]
    assert [[cell and cell["text"] for cell in row] for row in table] == [
        ["007", None], ["12", "3?"],
    ]  # fmt: skip
    assert table[1][1]["rejected"]
    assert second["notes"] == ["no writing found"]


def test_results_that_are_there_are_kept(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_text("typed by hand\n")
    with pytest.raises(ConfigError, match="holds results already"):
        GridFile(path)
    assert path.read_text() == "typed by hand\n"


def test_another_suffix_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"\.csv, \.xlsx"):
        GridFile(tmp_path / "marks.ods")
