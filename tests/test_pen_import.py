import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from inkread.cli import app
from inkread.errors import DataError
from inkread.training.pen_import import IMPORTS
from inkread.training.pens import load_foreign, read_pen_file

SEVEN = """.PEN_DOWN
 0 200
 100 200
 50 0
.PEN_UP
"""


def written(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def grey(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)


def a_unipen(root):
    written(root / "include" / "apb" / "ink.dat", SEVEN)
    for category, label in (("1a", "7"), ("1b", "T"), ("1c", "t"), ("1d", "%")):
        written(
            root / "data" / category / "apb" / "apb02" / "app1.dat",
            f'.INCLUDE apb/ink.dat\n.SEGMENT CHARACTER 0 ? "{label}"\n'
            '.SEGMENT CHARACTER 0 ? "10"\n.SEGMENT CHARACTER 9 ? "1"\n',
        )
    written(
        root / "data" / "8" / "kar" / "a.dat",
        '.INCLUDE apb/ink.dat\n.SEGMENT WORD 0 ? "12:30pm"\n.SEGMENT WORD 0 ? "seven"\n',
    )
    return root


def test_unipen_becomes_a_file_of_each_kind(tmp_path):
    out = tmp_path / "out"
    found = IMPORTS["unipen"]([a_unipen(tmp_path / "train_r01_v07")], out)

    assert {each.path.name: each.count for each in found} == {
        "unipen-digits.npz": 1,
        "unipen-capitals.npz": 1,
        "unipen-small-letters.npz": 1,
        "unipen-symbols.npz": 1,
        "unipen-numbers.npz": 1,
    }
    digits = next(each for each in found if each.path.name == "unipen-digits.npz")
    assert digits.skipped == {"of another kind": 1, "without a label or strokes": 1}
    assert "1 samples; left out: 1 of another kind, 1 without" in digits.summary
    (sample,) = read_pen_file(digits.path)
    assert (sample.label, sample.writer) == ("7", "apb/apb/apb02/app1.dat")
    # The longer side is 256 units, y points down.
    np.testing.assert_array_equal(sample.strokes[0], [[0, 0], [128, 0], [64, 256]])
    (number,) = read_pen_file(out / "unipen-numbers.npz")
    assert (number.label, number.writer) == ("12:30pm", "kar/8/kar/a.dat")
    np.testing.assert_array_equal(number.strokes[0], [[0, 0], [48, 0], [24, 96]])


def test_pendigits_become_one_file_and_what_is_missing_is_said(tmp_path):
    source = tmp_path / "pendigits-orig.tra"
    written(source, f'.SEGMENT DIGIT ? ? "7"\n{SEVEN}.SEGMENT DIGIT ? ? "x"\n{SEVEN}')

    (found,) = IMPORTS["pendigits"]([source], tmp_path / "out")

    assert found.count == 1
    assert found.skipped == {"no digits": 1, "of pendigits-orig.tra missing": 7493}
    (sample,) = read_pen_file(found.path)
    assert (sample.label, sample.writer) == ("7", "pendigits/train")


def test_swiss_digits_keep_their_writers(tmp_path):
    for writer, digit, shape in (("0001_CH4M", 3, (20, 40)), ("0002_CH", 9, (60, 30))):
        picture = np.full(shape, 250, np.uint8)
        picture[5:15, 10:20] = 30
        grey(tmp_path / "numbers" / writer / str(digit) / "number-1.png", picture)
    written(tmp_path / "numbers" / "0002_CH" / "9" / "broken.png", "no picture")

    (found,) = IMPORTS["swiss"]([tmp_path / "numbers"], tmp_path / "out")

    assert (found.count, found.skipped) == (2, {"unreadable": 1})
    with np.load(found.path) as arrays:
        assert arrays["labels"].tolist() == [3, 9]
        assert arrays["writer"].tolist() == [0, 1]
        assert arrays["images"].shape == (2, 40, 40)
        # Wide ink on paper above and below it, in the middle of the square.
        rows = np.flatnonzero((arrays["images"][0] < 128).any(axis=1))
        assert (rows[0], rows[-1]) == (15, 24)
        assert arrays["images"][0].max() == 250


def test_omniglot_is_packed_and_comes_back(tmp_path):
    picture = np.full((105, 105), 255, np.uint8)
    picture[10:20, 30:90] = 0
    for drawer in (1, 8):
        grey(tmp_path / "Greek" / "character01" / f"0001_{drawer:02d}.png", picture)
    grey(tmp_path / "Greek" / "character01" / "0001_03.png", picture[:50])

    (found,) = IMPORTS["omniglot"]([tmp_path], tmp_path / "out")

    assert found.count == 2
    assert list(found.skipped.values()) == [1]
    (foreign,) = load_foreign(tmp_path / "out")  # drawer 8 is kept for validation
    np.testing.assert_array_equal(foreign, 255 - picture)
    assert load_foreign(tmp_path / "out", validation=True).shape == (1, 105, 105)


@pytest.mark.parametrize("original", sorted(IMPORTS))
def test_a_folder_with_something_else_is_an_error(original, tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(DataError, match="expected"):
        IMPORTS[original]([tmp_path], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_it_wrote(tmp_path):
    source = tmp_path / "pendigits-orig.tra"
    written(source, f'.SEGMENT DIGIT ? ? "7"\n{SEVEN}')
    command = ["data", "import", "pendigits", str(source), "--out", str(tmp_path / "out")]

    result = CliRunner().invoke(app, command)

    assert result.exit_code == 0
    assert "pendigits-train.npz: 1 samples; left out: 7,493" in result.output.replace("\n", "")
