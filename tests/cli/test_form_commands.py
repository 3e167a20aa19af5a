import csv
import os
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
from form_sample import SAMPLE
from typer.testing import CliRunner

from inkread.cli.app import app
from inkread.forms.template import load
from inkread.training.synthesis import filled_forms


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def invoke(*words):
        return CliRunner().invoke(app, ["form", *map(str, words)])

    return invoke


def rows_of(path):
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_form_is_printed_read_and_corrected(run, full_mnist):
    template = load(SAMPLE)
    rng = np.random.default_rng(1)
    texts = filled_forms.draw_texts(template, rng)
    page = filled_forms.write_texts(
        template, filled_forms.render_blank_page(template), texts, full_mnist.validation, rng
    )
    os.mkdir("scans")  # noqa: PTH102
    Path("scans/1.jpg").write_bytes(filled_forms.scan_page(template, page, rng).data)
    Path("scans/2.png").write_bytes(b"broken")
    assert run("print", SAMPLE, "--out", "form.pdf").exit_code == 0
    assert Path("form.pdf").read_bytes().startswith(b"%PDF")
    done = run("read", SAMPLE, "scans", "--out", "t.csv", "--processes", "1", "--crops", "crops")
    assert done.exit_code == 1  # one is broken
    (row,) = rows_of("t.csv")
    assert row["customer"] == texts["customer"]
    assert [error["scan"] for error in rows_of("t-errors.csv")] == ["scans/2.png"]
    done = run("correct", SAMPLE, row["form_id"], "phone", "123456", "--out", "t.csv")
    assert done.exit_code == 0
    assert (rows_of("t.csv")[0]["phone"], rows_of("t.csv")[0]["phone_status"]) == (
        "123456",
        "corrected",
    )
    # Read again, nothing is new, and the correction stays.
    assert run("read", SAMPLE, "scans", "--out", "t.csv", "--processes", "1").exit_code == 0
    assert rows_of("t.csv")[0]["phone"] == "123456"


def test_new_proposes_a_template_that_works(run):
    template = load(SAMPLE)
    cv2.imwrite("blank.png", filled_forms.render_blank_page(template))
    assert run("new", "blank.png", "--page", "a5", "--out", "mine.yaml").exit_code == 0
    proposed = load("mine.yaml")
    assert [field.num_cells for field in proposed.fields] == [
        field.num_cells for field in template.fields
    ]
    assert "kind: comb" in run("new", "blank.png", "--page", "a5").stdout
    assert run("new", "blank.png", "--page", "a9").exit_code == 1


def test_the_demo_reads_the_form_that_ships_and_its_commands_work(run):
    for _ in range(2):  # the second time, everything is there already
        done = run("demo", "--out", "my demo")
        assert done.exit_code == 0
    (row,) = rows_of("my demo/table.csv")
    read = {name: row[name] for name in ("customer", "previous", "current", "used", "read_on")}
    assert read == {
        "customer": "56148836", "previous": "4071", "current": "4133", "used": "62",
        "read_on": "2025-10-03",
    }  # fmt: skip
    assert row["phone_status"] == "doubtful"  # its last digits are too faint
    assert Path("my demo", "doubtful", f"{row['form_id']}-phone.png").exists()
    (command,) = [line for line in done.stdout.splitlines() if "form correct" in line]
    assert run(*shlex.split(command)[2:]).exit_code == 0
    assert rows_of("my demo/table.csv")[0]["phone"] == "4071335"


def test_the_demo_takes_the_place_of_no_other_file(run):
    Path("form-demo").mkdir()
    Path("form-demo/meter-reading.yaml").write_text("mine")
    assert run("demo").exit_code == 1
    assert Path("form-demo/meter-reading.yaml").read_text() == "mine"


@pytest.mark.parametrize("processes", [1, 2])
def test_folders_and_patterns_give_their_scans_in_natural_order(run, processes):
    Path("scans/more").mkdir(parents=True)
    Path("empty").mkdir()
    for name in ("10.png", "2.gif", ".hidden.png", "notes.txt", "more/1.png"):
        Path("scans", name).write_text(f"{name} is broken")
    out = ("--out", "t.csv", "--processes", processes)
    assert run("read", SAMPLE, "scans", "empty", "*.jpg", *out).exit_code == 1
    found = {error["scan"]: error["error"] for error in rows_of("t-errors.csv")}
    assert list(found) == ["scans/2.gif", "scans/10.png", "empty", "*.jpg"]
    assert "expected an image file" in found["scans/10.png"]
    assert "there are none" in found["empty"]
    assert "no file matches" in found["*.jpg"]
    run("read", SAMPLE, "-r", "scans", *out)
    assert [error["scan"] for error in rows_of("t-errors.csv")][-1] == "scans/more/1.png"


@pytest.mark.parametrize("processes", [1, 2])
def test_a_model_that_is_not_there_is_said_once(run, processes):
    Path("a.png").write_text("a")
    Path("b.png").write_text("b")
    words = ("--out", "t.csv", "--processes", processes, "--model", "none.onnx")
    done = run("read", SAMPLE, "a.png", "b.png", *words)
    assert done.exit_code == 1
    assert done.stderr.count("error: none.onnx") == 1
    assert not Path("t.csv").exists()


def test_a_bad_template_or_target_is_refused_before_the_work(run, tmp_path):
    Path("bad.yaml").write_text("form: x\nfeilds: []\n")
    for code, *words in (
        (1, "print", "bad.yaml", "--out", "a.pdf"),
        (1, "read", "bad.yaml", "scans", "--out", "a.csv"),
        (2, "read", SAMPLE, "scans", "--out", "a.txt"),
        (2, "read", SAMPLE, "scans", "--out", "a.csv", "--crops", "bad.yaml"),
        (2, "read", SAMPLE, "scans", "--out", "a.csv", "--ray-address", "auto"),
        (2, "print", SAMPLE, "--out", "a.txt"),
    ):
        assert run(*words).exit_code == code
    assert {path.name for path in tmp_path.iterdir()} == {"bad.yaml"}
