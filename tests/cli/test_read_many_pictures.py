"""`inkread read` of many pictures: folders, files of results, what is asked of numbers."""

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import CHALK, METER, run, run_for_real
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    """Two pictures of numbers, a blank one, and a note."""
    found = tmp_path / "scans"
    found.mkdir()
    shutil.copy(METER, found / "10.png")
    shutil.copy(CHALK, found / "9.png")
    Image.new("L", (60, 40), 255).save(found / "11.png")
    (found / "note.txt").write_text("no picture")
    return found


def rows(text):
    return [(Path(row["file"]).name, row["text"]) for row in csv.DictReader(io.StringIO(text))]


def numbers(text):
    return [
        [number["text"] for number in json.loads(line)["numbers"]] for line in text.splitlines()
    ]


def test_a_folder_and_a_pattern_are_read_in_natural_order(folder):
    expected = [("9.png", "1969"), ("10.png", "40713"), ("11.png", "")]
    for name in (folder, folder / "*.png"):
        result = run("read", "--csv", name)
        assert (result.exit_code, result.stderr) == (0, "")
        assert rows(result.stdout) == expected


def test_folders_in_a_folder_are_read_if_asked_for(folder):
    result = run("read", "--csv", folder.parent)
    assert result.exit_code == 1
    assert f"error: {folder.parent}: expected a folder of pictures" in result.stderr
    assert rows(result.stdout) == []
    for option in ("--recursive", "-r"):
        assert len(rows(run("read", "--csv", folder.parent, option).stdout)) == 3


def test_a_pattern_without_matches_fails_by_name(folder):
    result = run("read", "--csv", folder / "*.webp", METER)
    assert result.exit_code == 1
    assert f"error: {folder / '*.webp'}: expected a pattern" in result.stderr
    assert rows(result.stdout) == [(METER.name, "40713")]


def test_annotated_pictures_in_the_folder_are_not_read_the_next_time(folder):
    for _ in range(2):
        result = run("read", "--csv", folder, "-r", "--annotate", folder / "annotated")
        assert len(rows(result.stdout)) == 3
    assert len(list((folder / "annotated").iterdir())) == 3


@pytest.mark.parametrize(("form", "suffix"), [("csv", ".csv"), ("json", ".jsonl")])
def test_a_file_of_results_holds_what_would_be_printed(folder, tmp_path, form, suffix):
    out = tmp_path / "new" / f"results{suffix}"
    result = run("read", folder, "--out", out)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "3 read" in result.stderr
    assert str(out) in result.stderr.replace("\n", "")
    assert out.read_text() == run("read", f"--{form}", folder).stdout


def test_the_form_asked_for_counts_more_than_the_suffix(folder, tmp_path):
    out = tmp_path / "results.txt"
    assert run("read", folder, "--json", "--out", out).exit_code == 0
    assert numbers(out.read_text()) == [["1969"], ["40713"], []]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_results_cut_off_are_gone_on_with(folder, tmp_path, suffix):
    out = tmp_path / f"results{suffix}"
    run("read", folder, "--out", out)
    whole = out.read_text()
    out.write_text(whole[:-7])
    result = run("read", folder, "--out", out, "--resume")
    assert result.exit_code == 0
    assert "1 were read before" in result.stderr
    assert out.read_text() == whole


def test_a_file_of_results_says_how_many_are_doubtful_and_holds_no_formula(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(METER, "=1+1.png")
    shutil.copy(CHALK, "b.png")
    result = run("read", "=1+1.png", "b.png", "--check", "luhn", "--out", "r.csv")
    assert "2 read; 2 of them doubtful; results in r.csv" in result.stderr
    lines = Path("r.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in lines] == ["file", "./=1+1.png", "b.png"]
    result = run("read", "=1+1.png", "b.png", "--check", "luhn", "--out", "r.csv", "--resume")
    assert "1 were read before" in result.stderr


def test_what_failed_is_tried_again(folder, tmp_path):
    out = tmp_path / "results.csv"
    damaged = folder / "9.png"
    damaged.write_bytes(CHALK.read_bytes()[:300])
    result = run("read", folder, "--out", out)
    assert result.exit_code == 1
    assert f"error: {damaged}: " in result.stderr
    assert "2 read, 1 failed" in result.stderr
    shutil.copy(CHALK, damaged)
    assert run("read", folder, "--out", out, "--resume").exit_code == 0
    assert sorted(rows(out.read_text())) == [("10.png", "40713"), ("11.png", ""), ("9.png", "1969")]


def test_results_that_are_there_are_not_overwritten(folder, tmp_path):
    out = tmp_path / "results.csv"
    run("read", METER, "--out", out)
    before = out.read_text()
    result = run("read", folder, "--out", out)
    assert result.exit_code == 1
    assert "holds results already: add --resume" in result.stderr.replace("\n", " ")
    assert out.read_text() == before


def test_a_file_of_something_else_is_not_gone_on_with(tmp_path):
    out = tmp_path / "other.csv"
    out.write_text("name,age\nanna,5\n")
    result = run("read", METER, "--out", out, "--resume")
    assert result.exit_code == 1
    assert str(out) in result.stderr
    assert out.read_text() == "name,age\nanna,5\n"


def test_a_full_disk_behind_the_file_of_results_is_an_error():
    result = run("read", METER, "--csv", "--out", "/dev/full")
    assert result.exit_code == 1
    assert "No space left on device: '/dev/full'" in result.stderr
    assert METER.name not in result.stderr


@pytest.mark.parametrize("form", [[], ["--csv"], ["--json"]], ids=["table", "csv", "json"])
def test_only_doubtful_numbers_are_printed_and_blank_pages(folder, form):
    sure = run("read", folder, *form, "--doubtful", "--min-confidence", "0")
    all_doubtful = run("read", folder, *form, "--doubtful", "--min-confidence", "1")
    assert (sure.exit_code, all_doubtful.exit_code) == (0, 0)
    assert "3 read; 2 of them doubtful" in all_doubtful.stderr
    assert [name in sure.stdout for name in ("9.png", "10.png", "11.png")] == [False, False, True]
    assert all(name in all_doubtful.stdout for name in ("9.png", "10.png", "11.png"))


def test_doubtful_numbers_are_printed_while_the_file_gets_all(folder, tmp_path):
    out = tmp_path / "results.csv"
    result = run("read", folder, "--doubtful", "--out", out)
    assert [line.split()[1] for line in result.stdout.splitlines()[1:]] == ["-"]
    assert rows(out.read_text()) == [("9.png", "1969"), ("10.png", "40713"), ("11.png", "")]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--length", "5"],
        ["--length", "4-6"],
        ["--pattern", r"4\d{4}"],
        ["--length", "5", "--pattern", "4.*3"],
        ["--kind", "integer", "--min", "40000", "--max", "50000", "--unsigned"],
        ["--kind", "decimal", "--decimals", "0-2", "--decimal", ","],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("read_as", ["page", "number"])
def test_what_is_asked_of_a_number_is_satisfied(arguments, read_as):
    result = run("read", METER, "--json", "--as", read_as, *arguments)
    assert result.exit_code == 0
    (number,) = json.loads(result.stdout)["numbers"]
    assert (number["text"], number["unconstrained"]) == ("40713", None)


@pytest.mark.parametrize("read_as", ["page", "number"])
def test_a_number_passes_the_check_asked_for_or_is_rejected(tmp_path, small_mnist, read_as):
    # The example of ISO/IEC 7812's check, in MNIST's hand; 40713 adds up to 16 and fails.
    text, images, labels = "79927398713", small_mnist.test.images, small_mnist.test.labels
    digits = [images[labels == int(digit)][2] for digit in text]
    path = tmp_path / "card.png"
    Image.fromarray(255 - np.pad(np.hstack(digits), 20)).resize((696, 136)).save(path)
    result = run("read", path, METER, "--json", "--as", read_as, "--check", "luhn")
    assert result.exit_code == 0
    (card,), (meter,) = (json.loads(line)["numbers"] for line in result.stdout.splitlines())
    assert (card["text"], card["unconstrained"]) == (text, None)
    assert meter["unconstrained"] == "40713"
    if meter["text"]:
        doubled = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]
        places = enumerate(map(int, reversed(meter["text"])))
        assert sum(doubled[digit] if place % 2 else digit for place, digit in places) % 10 == 0
    else:
        assert meter["rejected"]


def test_a_number_that_nothing_satisfies_says_what_was_read():
    result = run("read", METER, "--json", "--length", "20")
    (number,) = json.loads(result.stdout)["numbers"]
    assert (number["rejected"], number["unconstrained"]) == (True, "40713")
    assert "read as 40713" in run("read", METER, "--length", "20").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pattern", "(4"], "(4"),
        (["--check", "no-such-check"], "no-such-check"),
        (["--kind", "date"], "expected a format with the kind date, received None"),
        (["--kind", "date", "--format", "DM"], "expected as format an order of D, M and Y"),
        (["--kind", "decimal", "--min", "5a"], "expected as min a number, received '5a'"),
        (["--decimal", ".", "--max", "5"], "expected a kind with min and max"),
        (
            ["--length", "3", "--pattern", r"\d{5}"],
            "expected constraints that some number satisfies",
        ),
    ],
)
def test_what_no_number_can_satisfy_fails_at_once(arguments, message):
    result = run("read", METER, CHALK, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("error:") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--resume"],
        ["--length", "0"],
        ["--length", "6-4"],
        ["--length", "some"],
        ["--jobs", "0"],
        ["--as", "digit", "--length", "1"],
        ["--as", "digit", "--check", "luhn"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(arguments):
    result = run("read", METER, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage" in result.stderr


def test_several_processes_print_what_one_does(folder):
    one, two = (run_for_real("read", folder, "--csv", "--jobs", count) for count in (1, 2))
    assert (one.returncode, two.returncode) == (0, 0)
    assert one.stdout == two.stdout
    assert two.stderr == b""


def test_a_bad_model_is_named_once_by_several_processes():
    result = run_for_real("read", METER, CHALK, "--jobs", 2, "--model", "no-such-model")
    assert result.returncode == 1
    assert result.stderr.count(b"error:") == 1


def test_every_page_of_a_file_is_read(tmp_path):
    path = tmp_path / "two.tif"
    pages = [Image.open(sample).convert("L") for sample in (METER, CHALK)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    found = list(csv.DictReader(io.StringIO(run("read", "--csv", path).stdout)))
    assert [(row["page"], row["text"]) for row in found] == [("1", "40713"), ("2", "1969")]
