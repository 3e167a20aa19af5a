import re

import numpy as np
import pytest

from inkread.errors import DataError
from inkread.training.handwriting.archives import ARCHIVES, FOLDER_VARIABLE
from inkread.training.handwriting.pens import (
    PenSample,
    is_validation,
    load_pen_strokes,
    load_pens,
    read_pen_file,
    write_pen_file,
)

PEN_FILES = ("digits", "numbers", "capitals", "small_letters", "symbols", "pendigits")
STROKES = (
    np.array([[0, 0], [128, 0], [64, 256]], np.float32),
    np.array([[20, 120], [100, 110]], np.float32),
)


def sample(label, writer="ced/ced/a.dat"):
    return PenSample(STROKES, label, writer)


@pytest.fixture
def folder(tmp_path):
    """Files with two writers of each kind, one of them kept for validation."""
    writers = [f"ced/ced/{number}.dat" for number in range(100)]
    kept = next(writer for writer in writers if is_validation(writer))
    other = next(writer for writer in writers if not is_validation(writer))
    labels = {"digits": "37", "pendigits": "3", "numbers": "12.5", "symbols": "#-"}
    for key in PEN_FILES:
        found = [labels.get(key, "AO")] if key == "numbers" else list(labels.get(key, "AO"))
        samples = [sample(label, writer) for label in found for writer in (kept, other)]
        write_pen_file(tmp_path / ARCHIVES[key].name, samples)
    return tmp_path


def test_samples_come_back_as_they_were_written(tmp_path):
    samples = [sample("7"), sample("12.5", "kar/8/kar/b.dat"), PenSample(STROKES[1:], "-", "x")]
    write_pen_file(tmp_path / "pens.npz", samples)
    found = read_pen_file(tmp_path / "pens.npz")
    assert [(each.label, each.writer) for each in found] == [
        (each.label, each.writer) for each in samples
    ]
    for one, two in zip(found, samples, strict=True):
        assert len(one.strokes) == len(two.strokes)
        for stroke, known in zip(one.strokes, two.strokes, strict=True):
            np.testing.assert_array_equal(stroke, known)


def test_writers_are_for_training_or_for_validation(folder):
    for validation in (False, True):
        pens = load_pens(folder, validation=validation)
        for samples in (pens.digits, pens.numbers, pens.letters):
            assert samples
            assert all(is_validation(each.writer) == validation for each in samples)
    assert [each.label for each in load_pens(folder).digits] == ["3", "7"]
    assert len(load_pens(folder).pendigits) == 2  # not told apart: all for training
    assert not load_pens(folder, validation=True).pendigits


def test_letters_that_look_like_digits_or_separators_are_left_out(folder):
    assert {each.label for each in load_pens(folder).letters} == {"A", "#"}


def test_about_an_eighth_of_the_writers_is_kept():
    kept = sum(is_validation(f"ced/ced/{number}.dat") for number in range(4000))
    assert 400 < kept < 600


def test_a_person_is_on_one_side_whatever_was_written():
    for number in range(50):
        session = f"ced/ced/{number}.dat"
        assert is_validation(f"ced/8/ced/{number}.dat") == is_validation(session)
        assert len({is_validation(f"apb/apb/apb{number}/{page}.dat") for page in range(9)}) == 1


def test_the_environment_names_the_folder(folder, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    assert load_pens().digits


def test_without_a_folder_the_error_says_how_to_name_one(monkeypatch):
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    with pytest.raises(DataError, match=r"--pens DIR or set INKREAD_PENS; .*inkread data import"):
        load_pens()


def test_a_missing_file_is_named_with_its_source(folder):
    (folder / "pendigits-train.npz").unlink()
    said = r"digits of pendigits, found no file .*pendigits-train.*inkread data import pendigits"
    with pytest.raises(DataError, match=said):
        load_pens(folder)


def test_characters_are_found_by_writer_and_label_in_boxes_of_side_one(folder):
    pens = load_pen_strokes(folder)
    assert len(pens.by_writer) == 2
    (index,) = pens.of("7", 0)
    assert pens.of("x", 0) == []
    np.testing.assert_allclose(pens.strokes[index][0], STROKES[0] / 256)


def test_a_broken_file_is_an_error(tmp_path):
    path = tmp_path / "pens.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match=re.escape(f"{path}: expected a .npz file with points")):
        read_pen_file(path)
    write_pen_file(path, [sample("7")])
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **{**arrays, "strokes": arrays["strokes"] + 1})
    with pytest.raises(DataError, match="strokes that add up to its points"):
        read_pen_file(path)


def test_nothing_to_write_is_an_error(tmp_path):
    with pytest.raises(DataError, match="received none"):
        write_pen_file(tmp_path / "pens.npz", [])
