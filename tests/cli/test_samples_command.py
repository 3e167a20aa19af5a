"""What ships is written: sample pictures, the template of a form, CSV for Excel, completion."""

import csv

import pytest
from command_line import CHALK, METER, SAMPLES, run, run_for_real, save_blank_picture

from inkread.decoding.check_digits import CHECKS
from inkread.forms.template import load


def test_samples_are_written_as_they_ship(tmp_path):
    for _ in range(2):  # the second time, the same files are there already
        result = run("samples", tmp_path / "new")
        assert result.exit_code == 0
    written = {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    assert written == {path.name: path.read_bytes() for path in SAMPLES.iterdir()}


def test_a_sample_takes_the_place_of_no_other_file(tmp_path):
    (tmp_path / METER.name).write_text("mine")
    result = run("samples", tmp_path)
    assert result.exit_code == 1
    assert f"{METER.name} is there already" in result.stderr
    assert (tmp_path / METER.name).read_text() == "mine"


def test_the_form_that_ships_is_written(tmp_path):
    path = tmp_path / "form.yaml"
    assert run("form", "template", "meter-reading", "--out", path).exit_code == 0
    assert load(path).form == "meter-reading"
    result = run("form", "template", "tax")
    assert result.exit_code == 2
    assert "expected a form among meter-reading; received 'tax'" in result.stderr


def test_csv_for_excel_begins_with_a_byte_order_mark_and_can_be_gone_on_with(tmp_path):
    path = tmp_path / "numbers.csv"
    blank = save_blank_picture(tmp_path / "blank.png")
    assert run("read", METER, CHALK, "--out", path, "--bom").exit_code == 0
    assert path.read_bytes().startswith(b"\xef\xbb\xbffile,page,")
    for options in (["--bom"], []):
        result = run("read", METER, CHALK, blank, "--out", path, "--resume", *options)
        assert result.exit_code == 0
    assert path.read_bytes().count(b"\xef\xbb\xbf") == 1
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert list(dict.fromkeys(row["file"] for row in rows)) == [str(METER), str(CHALK), str(blank)]
    printed = run_for_real("read", METER, "--csv", "--bom").stdout
    assert printed.startswith(b"\xef\xbb\xbffile,page,")


def test_tables_for_excel_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "table.csv"
    assert run("read", METER, "--table", "--out", path, "--bom").exit_code == 0
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("options", [[], ["--json"], ["--out", "numbers.jsonl"]])
def test_a_byte_order_mark_is_for_csv_alone(options):
    result = run("read", METER, "--bom", *options)
    assert result.exit_code == 2
    assert "--bom" in result.stderr


def test_the_checks_are_named_in_the_help():
    told = " ".join(run("read", "--help").stdout.replace("│", " ").split())
    assert f"each number passes: {', '.join(CHECKS)}." in told


def test_shells_can_complete_commands():
    asked = {
        "_INKREAD_COMPLETE": "complete_bash",
        "COMP_WORDS": "inkread mod",
        "COMP_CWORD": "1",
    }
    code = "import sys; sys.argv[0] = 'inkread'; from inkread.cli.app import main; main()"
    assert run_for_real(code=code, environment=asked).stdout.split() == [b"models"]
