"""What is printed where: pipes, encodings, full disks."""

import os
import shutil
from pathlib import Path

import pytest
from command_line import CHALK, METER, run, run_for_real

NO_SPACE = Path("/dev/full")  # writing to it fails as on a full disk


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": "xterm-256color"}])
def test_a_pipe_gets_plain_text_in_any_terminal(environment):
    result = run_for_real("read", METER, environment=environment)
    assert result.returncode == 0
    assert result.stderr == b""
    assert b"40713" in result.stdout
    assert b"\x1b" not in result.stdout


def test_results_are_printed_where_only_ascii_can_be():
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    result = run_for_real("read", METER, environment=ascii_only)
    assert result.returncode == 0
    assert b"40713" in result.stdout


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"]], ids=["table", "json", "csv"])
def test_a_file_name_that_is_not_text_is_no_obstacle(tmp_path, form):
    name = os.fsencode(tmp_path) + b"/scan-\xff.png"
    shutil.copy(METER, name)
    strict = {"PYTHONIOENCODING": "utf-8:strict"}  # as in most locales
    result = run_for_real("read", *form, os.fsdecode(name), environment=strict)
    assert result.returncode == 0
    assert b"40713" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [["read", "--json", METER, CHALK], ["read", "--csv", METER], ["read", METER], ["models"]],
    ids=["json", "csv", "table", "models"],
)
def test_a_closed_pipe_ends_it_quietly(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = run_for_real(*arguments, stdout=writing)
    finally:
        os.close(writing)
    assert result.returncode in (0, 1)
    assert result.stderr == b""


@pytest.mark.parametrize(
    "arguments",
    [["read", "--json", METER], ["read", "--csv", METER], ["read", METER], ["models"]],
    ids=["json", "csv", "table", "models"],
)
def test_a_full_disk_behind_standard_output_is_an_error(arguments):
    with NO_SPACE.open("wb") as full:
        result = run_for_real(*arguments, stdout=full)
    assert result.returncode == 1
    assert b"No space left" in result.stderr
    assert METER.name.encode() not in result.stderr  # the picture is not to blame


@pytest.mark.parametrize(
    "arguments",
    [
        ["data", "show", "--out", NO_SPACE / "samples.png"],
        ["evaluate", "default", "--out", NO_SPACE / "figures"],
        ["train", "--recipe", "quick", "--out", NO_SPACE / "run"],
        ["read", METER, "--annotate", NO_SPACE],
        ["explain", METER, "--out", NO_SPACE / "why.png"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]) if arguments[0] == "data" else arguments[0],
)
def test_a_place_that_cannot_be_written_is_an_error_that_names_it(small_data, arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert str(NO_SPACE) in result.stderr


def test_a_disk_that_fills_up_while_saving_is_an_error(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = run("read", "--csv", METER, CHALK, "--annotate", tmp_path)
    assert result.exit_code == 1
    for path in (METER, CHALK):
        assert f"error: {path}: [Errno 28] No space left on device" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_escape_sequences_in_a_name_are_not_printed(tmp_path):
    good, bad = tmp_path / "a\x1b[31m.png", tmp_path / "b\x1b]0;x\x07.png"
    shutil.copy(METER, good)
    bad.write_bytes(b"no picture")
    result = run_for_real("read", good, bad)
    assert result.returncode == 1
    assert b"\x1b" not in result.stdout + result.stderr
    assert rb"a\x1b[31m.png" in result.stdout
    assert rb"b\x1b]0;x\x07.png" in result.stderr


def test_a_name_that_is_not_text_leads_back_to_its_file(tmp_path):
    name = os.fsencode(tmp_path) + b"/scan-\xff.png"
    shutil.copy(METER, name)
    for form in ("--json", "--csv"):
        text = run_for_real("read", form, os.fsdecode(name)).stdout.decode()
        assert f"{tmp_path.as_uri()}/scan-%FF.png" in text
