import numpy as np
import pytest

from inkread.errors import DataError
from inkread.training.handwriting.unipen import read_segments


def written(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


TWO_DIGITS = """.VERSION 1.0
.COORD X Y T
.HIERARCHY PAGE CHARACTER
.COMMENT a 7 of two strokes, the second after a pen lifted with coordinates, then a 1
.SEGMENT CHARACTER 0,2 ? "7"
.SEGMENT CHARACTER 3 OK "1"
.PEN_DOWN
 10 100 0
 50 100 1
 30 0 2
.PEN_UP
 20 50 3
.PEN_DOWN
 20 50 4
 45 55 5
.PEN_UP
.PEN_DOWN
 80 100 6
 80 0 7
.PEN_UP
"""


def test_segments_name_their_components_and_a_lifted_pen_without_coordinates_is_none(tmp_path):
    segments, left_out = read_segments(written(tmp_path / "a.dat", TWO_DIGITS))

    assert [(each.label, each.level, len(each.strokes)) for each in segments] == [
        ("7", "CHARACTER", 2),
        ("1", "CHARACTER", 1),
    ]
    np.testing.assert_array_equal(segments[0].strokes[0], [[10, 100], [50, 100], [30, 0]])
    np.testing.assert_array_equal(segments[0].strokes[1], [[20, 50], [45, 55]])
    np.testing.assert_array_equal(segments[1].strokes[0], [[80, 100], [80, 0]])
    assert left_out == 0


def test_a_segment_may_begin_and_end_within_a_component(tmp_path):
    text = TWO_DIGITS.replace("0,2 ?", "0:1-2:0 ?")
    segments, _ = read_segments(written(tmp_path / "a.dat", text))

    np.testing.assert_array_equal(segments[0].strokes[0], [[50, 100], [30, 0]])
    np.testing.assert_array_equal(segments[0].strokes[1], [[20, 50]])


def test_a_range_takes_in_the_strokes_between_but_not_the_lifted_pen(tmp_path):
    text = TWO_DIGITS.replace("0,2 ?", "0-2 ?")
    segments, _ = read_segments(written(tmp_path / "a.dat", text))
    assert [len(stroke) for stroke in segments[0].strokes] == [3, 2]


def test_a_segment_without_a_delineation_has_what_comes_before_the_next(tmp_path):
    """So are the trajectories of pendigits: the label first, then its strokes."""
    text = """.SEGMENT DIGIT ? ? "8"
.COMMENT 8 14
.PEN_DOWN
 1 2
 3 4
.PEN_UP
.DT 150
.PEN_DOWN
 5 6
 7 8
.PEN_UP
.SEGMENT DIGIT ? ? "1"
.PEN_DOWN
 9 9
 9 1
.PEN_UP
"""
    segments, _ = read_segments(written(tmp_path / "pendigits.tra", text))
    assert [(each.label, len(each.strokes)) for each in segments] == [("8", 2), ("1", 1)]


def test_ink_may_be_in_another_file(tmp_path):
    ink = written(
        tmp_path / "include" / "apb" / "data" / "ink.dat", ".PEN_DOWN\n1 2\n3 4\n.PEN_UP\n"
    )
    path = written(
        tmp_path / "data" / "a.dat", '.INCLUDE apb/data/ink.dat\n.SEGMENT CHARACTER 0 ? "3"\n'
    )
    segments, _ = read_segments(path, tmp_path / "include")
    assert segments[0].strokes[0].shape == (2, 2)

    ink.unlink()
    with pytest.raises(DataError, match="that it includes"):
        read_segments(path, tmp_path / "include")


def test_the_order_of_the_coordinates_is_the_files(tmp_path):
    text = '.COORD T Y X\n.SEGMENT CHARACTER 0 ? "1"\n.PEN_DOWN\n0 5 7\n1 6 8\n.PEN_UP\n'
    segments, _ = read_segments(written(tmp_path / "a.dat", text))
    np.testing.assert_array_equal(segments[0].strokes[0], [[7, 5], [8, 6]])


def test_labels_may_hold_quotes(tmp_path):
    text = '.SEGMENT WORD 0 ? "say \\"9\\""\n.PEN_DOWN\n0 5\n1 6\n.PEN_UP\n'
    segments, _ = read_segments(written(tmp_path / "a.dat", text))
    assert segments[0].label == 'say "9"'


@pytest.mark.parametrize(
    "segment", ['CHARACTER 7 ? "7"', 'CHARACTER 2-0 ? "7"', "CHARACTER 0", 'CHARACTER x ? "7"']
)
def test_a_segment_that_says_too_little_or_names_what_is_not_there_is_counted(segment, tmp_path):
    text = TWO_DIGITS.replace('CHARACTER 0,2 ? "7"', segment)
    segments, left_out = read_segments(written(tmp_path / "a.dat", text))
    assert [each.label for each in segments] == ["1"]
    assert left_out == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "with segments or strokes"),
        (".PEN_DOWN\n1 x\n.PEN_UP\n", "line 2: expected coordinates, received '1 x'"),
        (".PEN_DOWN\n1\n.PEN_UP\n", "line 2: expected coordinates"),
        (".COORD T P\n", "X and Y, received 'T P'"),
        (".INCLUDE a.dat\n", "in a circle"),
    ],
)
def test_what_is_no_such_file_is_an_error(text, message, tmp_path):
    with pytest.raises(DataError, match=message):
        read_segments(written(tmp_path / "a.dat", text))


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match="expected a UNIPEN file"):
        read_segments(tmp_path / "none.dat")
