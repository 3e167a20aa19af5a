import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from inkread.cli.app import app
from inkread.cli.data_commands import Original
from inkread.errors import DataError
from inkread.training.handwriting.archives import ARCHIVES
from inkread.training.handwriting.originals import IMPORTS
from inkread.training.handwriting.pens import read_pen_file

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
    assert digits.remarks == ("expected 15,953 segments of category 1a, found 3",)
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
    assert found.skipped == {"without a label or strokes": 0, "that are no digits": 1}
    assert found.remarks == ("expected 7,494 digits of pendigits-orig.tra, found 1",)
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
    assert len(found.remarks) == 18  # digits that one of the two has not
    assert found.remarks[0] == "0001_CH4M has no 0"
    with np.load(found.path) as arrays:
        assert arrays["labels"].tolist() == [3, 9]
        assert arrays["writer"].tolist() == [0, 1]
        assert arrays["images"].shape == (2, 40, 40)
        # Wide ink on paper above and below it, in the middle of the square.
        rows = np.flatnonzero((arrays["images"][0] < 128).any(axis=1))
        assert (rows[0], rows[-1]) == (15, 24)
        assert arrays["images"][0].max() == 250


def test_omniglot_is_packed_and_a_drawing_in_both_archives_counts_once(tmp_path):
    picture = np.full((105, 105), 255, np.uint8)
    picture[10:20, 30:90] = 0
    archives = [tmp_path / "small1", tmp_path / "small2"]
    for archive, drawer in ((archives[0], 1), (archives[1], 1), (archives[1], 8)):
        grey(archive / "Greek" / "character01" / f"0001_{drawer:02d}.png", picture)
    grey(archives[0] / "Greek" / "character01" / "0001_03.png", picture[:50])

    (found,) = IMPORTS["omniglot"](archives, tmp_path / "out")

    assert found.count == 2
    assert sorted(found.skipped.values()) == [1, 1]
    assert found.remarks == ("expected 20 drawings of 1 characters of Omniglot, found 2",)
    with np.load(found.path) as arrays:
        ink = np.unpackbits(arrays["ink"], axis=2)[:, :, :105] * 255
        np.testing.assert_array_equal(ink, [255 - picture] * 2)
        assert arrays["labels"][arrays["label_id"]].tolist() == ["Greek/character01"] * 2
        assert arrays["drawer"].tolist() == [1, 8]


def test_a_broken_file_of_unipens_is_counted_and_the_others_are_read(tmp_path):
    root = a_unipen(tmp_path / "train_r01_v07")
    written(root / "data" / "1a" / "apb" / "b.dat", ".PEN_DOWN\n1 x\n")
    found = IMPORTS["unipen"]([root], tmp_path / "out")
    digits = next(each for each in found if each.path.name == "unipen-digits.npz")
    assert (digits.count, digits.skipped["files that can't be read"]) == (1, 1)


def test_nothing_but_broken_files_is_an_error_that_says_why(tmp_path):
    written(tmp_path / "data" / "1a" / "b.dat", ".PEN_DOWN\n1 x\n")
    with pytest.raises(DataError, match=r"found none; .*b\.dat, line 2: expected coordinates"):
        IMPORTS["unipen"]([tmp_path], tmp_path / "out")


def test_a_number_without_height_still_fits_its_file(tmp_path):
    flat = ".PEN_DOWN\n0 5\n20000 5\n.PEN_UP\n"
    text = f'{flat}.SEGMENT WORD 0 ? "1"\n'
    written(tmp_path / "data" / "7" / "kar" / "a.dat", text)
    (found,) = IMPORTS["unipen"]([tmp_path], tmp_path / "out")
    (sample,) = read_pen_file(found.path)
    np.testing.assert_array_equal(sample.strokes[0], [[0, 0], [30000, 0]])


def test_commands_and_messages_name_the_same_collections():
    assert set(IMPORTS) == set(Original) == {each.original for each in ARCHIVES.values()}


@pytest.mark.parametrize("original", sorted(IMPORTS))
def test_a_folder_with_something_else_is_an_error(original, tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(DataError, match="expected"):
        IMPORTS[original]([tmp_path], tmp_path / "out")
    assert not list((tmp_path / "out").glob("*"))


def test_the_command_says_what_it_wrote(tmp_path):
    source = tmp_path / "pendigits-orig.tra"
    written(source, f'.SEGMENT DIGIT ? ? "7"\n{SEVEN}')
    command = ["data", "import", "pendigits", str(source), "--out", str(tmp_path / "out")]

    result = CliRunner().invoke(app, command)

    assert result.exit_code == 0
    said = "pendigits-train.npz: 1 samples; expected 7,494 digits of pendigits-orig.tra, found 1"
    assert said in result.output.replace("\n", "")
