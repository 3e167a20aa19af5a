import json

import pytest
from command_line import run, save_blank_picture
from PIL import Image

import inkread
from inkread.explain.occlusion import explain


@pytest.fixture
def digit_picture(tmp_path, small_mnist):
    """A file with a picture of the 4 among the test images."""
    path = tmp_path / "four.png"
    Image.fromarray(small_mnist.test.images[4]).resize((112, 112)).save(path)
    return path


def test_explain_prints_why_in_a_sentence(reader, digit_picture):
    result = run("explain", digit_picture)
    assert result.exit_code == 0
    assert result.stdout == f"{explain(reader, digit_picture).summary}\n"
    assert result.stderr == ""


def test_explain_prints_json(reader, digit_picture):
    values = json.loads(run("explain", "--json", "-", stdin=digit_picture.read_bytes()).stdout)
    assert values.pop("file") == "-"
    assert values == json.loads(json.dumps(explain(reader, digit_picture).to_dict()))


def test_explain_saves_pictures(digit_picture, tmp_path):
    out, features = tmp_path / "new" / "why.png", tmp_path / "new" / "features.png"
    result = run("explain", digit_picture, "--out", out, "--features", features)
    assert result.exit_code == 0
    for path in (out, features):
        assert str(path) in result.stderr
        with Image.open(path) as picture:
            assert picture.width > picture.height > 200


def test_explain_with_another_model(digit_picture, small_run):
    values = json.loads(
        run("explain", digit_picture, "--json", "--model", small_run.model_file).stdout
    )
    expected = inkread.Reader(small_run.model_file).read_digit(digit_picture)
    assert (values["label"], values["confidence"]) == (expected.label, expected.confidence)
    assert values["probabilities"] == pytest.approx(expected.probabilities, rel=1e-5)


def test_explain_of_no_picture_names_it(tmp_path):
    absent, text = tmp_path / "absent.png", tmp_path / "text.png"
    text.write_text("no picture")
    for path in (absent, text, save_blank_picture(tmp_path / "blank.png")):
        result = run("explain", path, "--out", tmp_path / "why.png")
        assert result.exit_code == 1
        assert result.stderr.startswith(f"error: {path}: ")
        assert result.stderr.count(str(path)) == 1
        assert result.stdout == ""
    assert not (tmp_path / "why.png").exists()


def test_explain_names_standard_input_when_it_is_blank(tmp_path):
    blank = save_blank_picture(tmp_path / "blank.png").read_bytes()
    result = run("explain", "-", stdin=blank)
    assert result.exit_code == 1
    assert "error: -: expected a picture of a digit, received one without ink" in result.stderr


@pytest.mark.parametrize(
    ("option", "name"), [("--out", "why.jpg"), ("--out", ""), ("--features", "z.txt")]
)
def test_explain_refuses_a_picture_that_cannot_be_written(digit_picture, tmp_path, option, name):
    result = run("explain", digit_picture, option, tmp_path / name)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: expected ")
    assert str(tmp_path / name) in result.stderr
    assert result.stdout == ""
