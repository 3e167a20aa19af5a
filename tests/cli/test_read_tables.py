"""`inkread read --table`: tables on the terminal and as files, and options of whole pages."""

import csv
import json

import pytest
from command_line import METER, run, save_blank_picture
from openpyxl import load_workbook
from sheets import MARKS, SHEET


def marks_of(rows):
    """Return the columns of marks of the sheet's table, without its head."""
    return [list(row[1:]) for row in rows[1:]]


def test_a_table_is_printed_as_a_grid():
    result = run("read", SHEET, "--table")
    assert result.exit_code == 0
    lines = [line for line in result.stdout.splitlines() if "│" in line]
    rows = [[cell.strip() for cell in line.strip("│┃ ").split("│")] for line in lines]
    assert [row[-4:] for row in rows if any(row[-4:])] == MARKS


def test_a_table_is_written_as_csv(tmp_path):
    path = tmp_path / "marks.csv"
    result = run("read", SHEET, "--table", "--out", path)
    assert result.exit_code == 0
    with path.open(newline="") as file:
        assert marks_of(list(csv.reader(file))) == MARKS


def test_a_table_is_written_as_a_spreadsheet(tmp_path):
    path = tmp_path / "marks.xlsx"
    result = run("read", SHEET, "--table", "--out", path)
    assert result.exit_code == 0
    assert "1 read" in result.stderr
    (sheet,) = load_workbook(path).worksheets
    rows = [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)]
    assert [row[-4:] for row in rows if any(row)] == MARKS


def test_a_table_is_written_as_json(tmp_path):
    path = tmp_path / "marks.json"
    run("read", SHEET, "--table", "--out", path)
    (table,) = json.loads(path.read_text())["tables"]
    assert marks_of([[cell["raw"] if cell else "" for cell in row] for row in table]) == MARKS


def test_a_file_of_tables_is_not_overwritten(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_text("typed by hand\n")
    result = run("read", SHEET, "--table", "--out", path)
    assert result.exit_code != 0
    assert "holds results already" in result.stderr
    assert path.read_text() == "typed by hand\n"


def test_a_known_grid_is_taken_from_the_command_line():
    result = run("read", SHEET, "--json", "--grid", "8x5")
    table = json.loads(result.stdout)["tables"][0]
    assert [len(row) for row in table["rows"]] == [5] * 8


@pytest.mark.parametrize("grid", ["9", "9x", "0x3", "9x9x9", "ax3", "501x2", "-1x3"])
def test_a_grid_that_is_none_is_wrong_usage(grid):
    result = run("read", METER, f"--grid={grid}")
    assert result.exit_code == 2
    assert "such as 9x9" in " ".join(result.stderr.split())


@pytest.mark.parametrize("option", [["--printed"], ["--grid", "2x2"], ["--table"],
                                    ["--cells", "join"]])  # fmt: skip
def test_options_of_whole_pages_can_not_go_with_single_numbers(option):
    result = run("read", METER, "--as", "number", *option)
    assert result.exit_code == 2
    assert "whole pages" in " ".join(result.stderr.split())


def test_a_page_without_numbers_says_what_was_seen(tmp_path):
    blank = save_blank_picture(tmp_path / "blank.png")
    assert "no numbers found: no writing found" in run("read", blank).stdout
    assert "no numbers found: no writing found" in run("read", blank, "--table").stdout
    assert json.loads(run("read", blank, "--json").stdout)["notes"] == ["no writing found"]
