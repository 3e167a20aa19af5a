import os
from pathlib import Path

import pytest

from inkread.batch.sources import (
    STDIN,
    escape_controls,
    find,
    find_path,
    make_cell,
    make_printable,
)


@pytest.fixture
def folder(tmp_path):
    names = ["10.png", "9.PNG", "1.tif", "notes.txt", ".hidden.png", "b.pdf"]
    names += [
        "deep/2.png",
        "deep/deeper/3.jpg",
        ".git/4.png",
        "annotated/10.png.png",
        "deep/no.csv",
    ]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def found(folder, *names, **options):
    """The names found, below the folder."""
    sources = find([str(folder / name) for name in names], **options)
    assert all(source.problem is None for source in sources)
    return [source.name.removeprefix(f"{folder}/") for source in sources]


def problems(sources):
    return [(source.name, source.problem) for source in sources if source.problem]


def test_a_folder_means_its_pictures_in_natural_order(folder):
    assert found(folder, "") == ["1.tif", "9.PNG", "10.png", "b.pdf"]


def test_folders_in_folders_are_looked_in_if_asked_for(folder):
    assert found(folder, "", recursive=True) == [
        "1.tif", "9.PNG", "10.png", "annotated/10.png.png", "b.pdf", "deep/2.png",
        "deep/deeper/3.jpg",
    ]  # fmt: skip


def test_an_excluded_folder_is_left_out(folder):
    assert "annotated/10.png.png" not in found(
        folder, "", recursive=True, without=folder / "deep" / ".." / "annotated"
    )


def test_a_file_that_is_named_is_taken_whatever_it_is_called(folder):
    assert found(folder, "notes.txt", ".hidden.png", "10.png") == [
        "notes.txt", ".hidden.png", "10.png",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.png", ["10.png"]),
        ("?.*", ["1.tif", "9.PNG", "b.pdf"]),
        ("[19]*.[tP]*", ["1.tif", "9.PNG"]),
        ("*/*.png", ["annotated/10.png.png", "deep/2.png"]),
        ("**/*.jpg", ["deep/deeper/3.jpg"]),
        ("*.txt", ["notes.txt"]),
    ],
)
def test_a_pattern_means_the_files_that_match(folder, pattern, expected):
    if pattern == "**/*.jpg":
        assert found(folder, pattern, recursive=True) == expected
    assert found(folder, pattern) == expected


def test_folders_that_match_a_pattern_are_looked_in_if_asked_for(folder):
    assert problems(find([str(folder / "deep")])) == []
    assert found(folder, "dee*", recursive=True) == ["deep/2.png", "deep/deeper/3.jpg"]


def test_a_file_with_the_name_of_a_pattern_is_that_file(folder):
    (folder / "scan[1].png").touch()
    (folder / "scan1.png").touch()
    assert found(folder, "scan[1].png") == ["scan[1].png"]


def test_each_file_is_taken_once_where_it_is_named_first(folder):
    assert found(folder, "b.pdf", "", "10.png") == ["b.pdf", "1.tif", "9.PNG", "10.png"]


def test_what_is_missing_is_left_to_the_reading_that_names_it(folder):
    missing = str(folder / "missing.png")
    assert [(each.name, each.problem) for each in find([missing, STDIN])] == [
        (missing, None), (STDIN, None),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b.png"])
def test_a_name_that_no_file_can_have_is_no_obstacle(name):
    assert [source.name for source in find([name])] == [name]


def test_a_pattern_without_matches_says_so(folder):
    pattern = str(folder / "*.webp")
    assert problems(find([pattern])) == [
        (pattern, "expected a pattern of names, but no file matches")
    ]


def test_a_folder_without_pictures_says_so_and_where_else_to_look(folder):
    empty = folder / "empty" / "inner"
    empty.mkdir(parents=True)
    (empty / "1.png").touch()
    ((name, problem),) = problems(find([str(empty.parent)]))
    assert name == str(empty.parent)
    assert problem.startswith("expected a folder of pictures, but there are none in it")
    assert "--recursive" in problem
    (empty / "1.png").unlink()
    ((_, problem),) = problems(find([str(empty.parent)], recursive=True))
    assert "--recursive" not in problem


def test_numbers_in_names_are_ordered_by_their_values_wherever_they_stand(tmp_path):
    names = ["p2-b10.png", "p10-b1.png", "p2-b9.png", "p10-b1-2.png", "007.png", "x²3.png"]
    for name in names:
        (tmp_path / name).touch()
    assert found(tmp_path, "") == [
        "007.png", "p2-b9.png", "p2-b10.png", "p10-b1-2.png", "p10-b1.png", "x²3.png",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", [b"a.png", b"\xff.png", b"50 %/\xc3\xa4\xff\n.png", b"=1+1.png", b"-1\\udcff.png"]
)
def test_a_name_as_it_is_written_leads_back_to_its_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    path = Path(os.fsdecode(name))
    path.parent.mkdir(exist_ok=True)
    path.write_text("7")
    for shown in (make_printable(str(path)), make_cell(str(path))):
        assert shown.encode().decode() == shown
        assert find_path(shown).read_text() == "7"


@pytest.mark.parametrize("name", ["=1+1.png", "+1.png", "-1.png", "@a.png", "\tb.png", "\r.png"])
def test_no_cell_begins_as_a_formula(name):
    assert make_cell(name) == f"./{name}"


def test_a_terminal_obeys_no_name():
    name = "a\x1b]0;owned\x07\x9b31m\u202egnp.exe\nä\t1\r"
    assert escape_controls(name) == "a\\x1b]0;owned\\x07\\x9b31m\\u202egnp.exe\nä\t1\\r"


def test_links_that_lead_in_circles_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("1.png", "a/2.png", "a/b/3.png", ".hidden/4.png"):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for link, to in (("self", "."), ("other", "."), ("a/up", ".."), ("a/b/top", str(tmp_path))):
        Path(link).symlink_to(to)
    everything = ["1.png", "a/2.png", "a/b/3.png"]
    assert [source.name for source in find(["**/*.png"])] == everything
    absolute = [str(tmp_path / name) for name in everything]
    assert [source.name for source in find([f"{tmp_path}/**/*.png"])] == absolute
    assert [source.name for source in find(["**/b/**"])] == ["a/b/3.png", "a/b/top"][:1]
    assert [source.name for source in find(["a/**/b/*.png"])] == ["a/b/3.png"]
    assert [source.name for source in find(["."], recursive=True)] == [
        f"./{name}" for name in everything
    ]
