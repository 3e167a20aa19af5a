"""`inkread read`: the formats of its results, and pictures and models that can't be used."""

import csv
import io
import json
import shutil
from importlib import resources
from pathlib import Path

import pytest
from command_line import (
    CHALK,
    METER,
    run,
    save_blank_picture,
)
from PIL import Image


def test_read_prints_a_table():
    result = run("read", METER, CHALK)
    assert result.exit_code == 0
    assert result.stderr == ""
    for part in ("meter-40713.png", "40713", "chalk-1969.png", "1969", "%"):
        assert part in result.stdout


def test_read_prints_json_of_the_same_pages_that_the_reader_gives(reader):
    result = run("read", "--json", METER, CHALK)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line.pop("file") for line in lines] == [str(METER), str(CHALK)]
    assert lines == [json.loads(json.dumps(reader.read(path).to_dict())) for path in (METER, CHALK)]


def test_read_prints_csv():
    result = run("read", "--csv", METER, CHALK)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(row["file"], row["text"]) for row in rows] == [
        (str(METER), "40713"),
        (str(CHALK), "1969"),
    ]


def test_read_takes_a_picture_from_standard_input():
    result = run("read", "--json", "-", stdin=METER.read_bytes())
    page = json.loads(result.stdout)
    assert (page["file"], page["numbers"][0]["text"]) == ("-", "40713")


@pytest.mark.parametrize("stdin", [b"", b"not a picture", METER.read_bytes()[:300]])
def test_read_names_standard_input_when_it_is_no_picture(stdin):
    result = run("read", "--csv", "-", METER, stdin=stdin)
    assert result.exit_code == 1
    assert "error: -: " in result.stderr
    assert "40713" in result.stdout


def test_read_saves_annotated_pictures(tmp_path):
    folder = tmp_path / "new" / "folder"
    result = run("read", METER, "-", "--annotate", folder, stdin=CHALK.read_bytes())
    assert result.exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["meter-40713.png.png", "stdin.png"]
    with Image.open(folder / "stdin.png") as picture, Image.open(CHALK) as original:
        assert picture.width == original.width
        assert picture.height > original.height


def test_read_annotates_pictures_of_the_same_name_apart(tmp_path):
    for name in ("monday", "tuesday"):
        (tmp_path / name).mkdir()
    first = shutil.copy(METER, tmp_path / "monday" / "scan.png")
    second = shutil.copy(CHALK, tmp_path / "tuesday" / "scan.png")
    assert run("read", first, second, "--annotate", tmp_path / "out").exit_code == 0
    assert len(list((tmp_path / "out").rglob("*.png"))) == 2


def test_read_as_one_number_and_as_one_digit(tmp_path, small_mnist):
    number = json.loads(run("read", "--json", "--as", "number", METER).stdout)
    assert [n["text"] for n in number["numbers"]] == ["40713"]
    path = tmp_path / "digit.png"
    Image.fromarray(small_mnist.test.images[0]).resize((112, 112)).save(path)
    digit = json.loads(run("read", "--json", "--as", "digit", path).stdout)
    assert [n["text"] for n in digit["numbers"]] == [str(small_mnist.test.labels[0])]
    assert (digit["width"], digit["height"]) == (112, 112)


@pytest.mark.parametrize(("read_as", "texts"), [("page", []), ("number", [""]), ("digit", [""])])
def test_read_of_a_blank_picture_reads_nothing(tmp_path, read_as, texts):
    result = run("read", "--json", "--as", read_as, save_blank_picture(tmp_path / "blank.png"))
    assert result.exit_code == 0
    numbers = json.loads(result.stdout)["numbers"]
    assert [number["text"] for number in numbers] == texts
    assert all(number["rejected"] for number in numbers)


def test_read_rejects_what_is_less_sure_than_asked_for():
    page = json.loads(run("read", "--json", "--min-confidence", "1", METER).stdout)
    assert set(page["numbers"][0]["text"]) <= set("?40713")
    assert "?" in page["numbers"][0]["text"]


def test_read_names_every_bad_picture_and_reads_the_others(tmp_path):
    good, half, empty, text = (tmp_path / name for name in ("ok.png", "half.png", "0.png", "t.png"))
    shutil.copy(METER, good)
    half.write_bytes(METER.read_bytes()[:500])
    empty.write_bytes(b"")
    text.write_text("not a picture")
    missing, folder = tmp_path / "missing.png", tmp_path / "folder.png"
    folder.mkdir()
    result = run("read", "--csv", half, empty, good, text, missing, folder, CHALK)
    assert result.exit_code == 1
    texts = [row["text"] for row in csv.DictReader(io.StringIO(result.stdout))]
    assert texts == ["40713", "1969"]
    errors = result.stderr.splitlines()
    assert len(errors) == 5
    for path, line in zip((half, empty, text, missing, folder), errors, strict=True):
        assert line.startswith("error:")
        assert str(path) in line


def test_read_with_a_model_file(small_run):
    of_digits = ["read", "--json", "--as", "digit", "--model", small_run.model_file, METER]
    assert json.loads(run(*of_digits).stdout)["model"] == "quick-3"
    line = Path(str(resources.files("inkread.models") / "weights" / "line.onnx"))
    expected = json.loads(run("read", "--json", METER).stdout)
    assert json.loads(run("read", "--json", "--line-model", line, METER).stdout) == expected


def test_read_with_a_model_of_the_wrong_kind_fails_by_name(small_run):
    result = run("read", "--line-model", small_run.model_file, METER)
    assert result.exit_code == 1
    assert f"error: {small_run.model_file}" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("model", ["no-such-model", METER, "."])
def test_read_with_a_bad_model_fails_by_name(model):
    result = run("read", "--model", model, METER)
    assert result.exit_code == 1
    assert f"error: {model}" in result.stderr
    assert result.stdout == ""
