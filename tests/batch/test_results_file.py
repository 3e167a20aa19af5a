import csv
import io
import json
from pathlib import Path

import pytest

from inkread.batch.formats import CsvWriter
from inkread.batch.results_file import ResultsFile, ResultsFormat
from inkread.batch.sources import make_cell, make_printable
from inkread.errors import BusyError, ConfigError
from inkread.results import Box, Number, Page

CSV = CsvWriter.HEADER
ONE, TWO = (Number(text, 0.9, Box(0, 0, 9, 9), ()) for text in ("1", "2"))


def text_of(form, name, *numbers):
    """What is written of one page."""
    parts = []
    page = Page(numbers, 20, 10, "line-test")
    if form is ResultsFormat.JSON:
        return json.dumps({"file": make_printable(name), **page.to_dict()}) + "\n"
    CsvWriter(parts.append, header=False).add(name, page)
    return "".join(parts)


def record(path, form, *, resume=False):
    return ResultsFile(path, form, CSV, resume=resume)


def written(path, form, *texts, resume=False):
    found = record(path, form, resume=resume)
    for text in texts:
        found.write(text)
    found.close()
    return found


def files_in(path, form):
    text = path.read_text("utf-8", "surrogateescape")
    if form is ResultsFormat.JSON:
        return [json.loads(line)["file"] for line in text.splitlines()]
    return [row["file"] for row in csv.DictReader(io.StringIO(text, newline=""))]


@pytest.fixture(params=ResultsFormat)
def form(request):
    return request.param


def test_results_are_in_the_file_at_once(tmp_path, form):
    path = tmp_path / "new" / "out"
    found = record(path, form)
    found.write(text_of(form, "a.png", ONE))
    before = path.read_text()
    assert before == (CSV if form is ResultsFormat.CSV else "") + text_of(form, "a.png", ONE)
    found.write(text_of(form, "b.png"))
    assert path.read_text() == before + text_of(form, "b.png")
    found.close()
    found.close()


def test_results_that_are_there_already_are_not_overwritten(tmp_path, form):
    path = tmp_path / "out"
    written(path, form, text_of(form, "a.png", ONE))
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="out holds results already: add --resume"):
        record(path, form)
    assert path.read_bytes() == before


def test_an_empty_file_is_written_from_its_start(tmp_path, form):
    path = tmp_path / "out"
    path.touch()
    written(path, form, text_of(form, "a.png", ONE))
    assert files_in(path, form) == ["a.png"]


@pytest.mark.parametrize("exists", [True, False])
def test_resuming_without_results_starts_from_nothing(tmp_path, form, exists):
    path = tmp_path / "out"
    if exists:
        path.touch()
    found = written(path, form, text_of(form, "a.png", ONE), resume=True)
    assert found.names == frozenset()
    assert files_in(path, form) == ["a.png"]


def test_the_last_picture_is_read_again_for_it_may_have_more_pages(tmp_path, form):
    path = tmp_path / "out"
    texts = [text_of(form, name, ONE, TWO) for name in ("a.png", "b.tif", "b.tif")]
    written(path, form, *texts)
    found = written(path, form, text_of(form, "b.tif", ONE), resume=True)
    assert found.names == {"a.png"}
    assert path.read_text().endswith(texts[0] + text_of(form, "b.tif", ONE))
    assert files_in(path, form).count("b.tif") == 1


@pytest.mark.parametrize("lost", [1, 2, 15, 40])
def test_a_last_line_that_was_cut_off_is_dropped(tmp_path, form, lost):
    path = tmp_path / "out"
    names = ["a.png", "b.png", "c.png"]
    texts = [text_of(form, name, ONE) for name in names]
    written(path, form, *texts)
    whole = path.read_bytes()
    path.write_bytes(whole[:-lost])
    found = record(path, form, resume=True)
    assert found.names == {"a.png"}
    for name, text in zip(names, texts, strict=True):
        if name not in found.names:
            found.write(text)
    found.close()
    assert path.read_bytes() == whole


def test_a_run_resumes_from_a_file_cut_at_any_place(tmp_path, form):
    """Wherever a kill cuts the file: what is read anew makes it whole."""
    path = tmp_path / "out"
    names = ["a.png", 'say "5",\nnow.png', "zahl-ä.png", "\udcff.png", "=1+1.png", "e.png"]
    texts = {name: text_of(form, name, ONE, TWO) for name in names}
    written(path, form, *texts.values())
    whole = path.read_bytes()
    step = 1 if form is ResultsFormat.CSV else 3  # whose lines are long
    for end in range(0, len(whole), step):
        path.write_bytes(whole[:end])
        found = record(path, form, resume=True)
        for name in names:
            if not found.names & {make_printable(name), make_cell(name)}:
                found.write(texts[name])
        found.close()
        assert path.read_bytes() == whole, f"cut at {end} of {len(whole)}"


@pytest.mark.parametrize(
    "foreign",
    [
        b"name,value\na,1\n",
        b"\n",
        b"hello",
        b"\x89PNG\r\n\x1a\n\0\0",
        b'{"picture": "a.png"}\n',
        b"[1]\n",
        CSV.replace("page", "side").encode() + b"a.png\n",
        b'"',
    ],
)
def test_a_foreign_file_is_refused_and_stays_as_it_is(tmp_path, form, foreign):
    path = tmp_path / "out"
    path.write_bytes(foreign)
    if form is ResultsFormat.JSON and not foreign.endswith(b"\n"):
        foreign += b"\n"
        path.write_bytes(foreign)
    with pytest.raises(ConfigError, match="out"):
        record(path, form, resume=True)
    assert path.read_bytes() == foreign


@pytest.mark.parametrize("row", ["a.png,1,2\n", 'a.png,"x"y' + "," * 12 + "\n" + "b.png,\n"])
def test_csv_with_rows_of_something_else_is_refused(tmp_path, row):
    path = tmp_path / "out.csv"
    path.write_text(CSV + row + text_of(ResultsFormat.CSV, "b.png", ONE))
    with pytest.raises(ConfigError, match=r"out\.csv: expected "):
        record(path, ResultsFormat.CSV, resume=True)


def test_a_full_disk_is_an_error_that_names_the_file():
    found = record(Path("/dev/full"), ResultsFormat.JSON)
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        found.write("{}\n")
    found.close()


def test_one_run_at_a_time_writes_to_a_file(tmp_path):
    path = tmp_path / "r.csv"
    first = record(path, ResultsFormat.CSV)
    for resume in (False, True):
        with pytest.raises(BusyError, match=r"r\.csv is in use by process"):
            record(path, ResultsFormat.CSV, resume=resume)
    first.write(text_of(ResultsFormat.CSV, "a.png", ONE))
    first.close()
    written(path, ResultsFormat.CSV, text_of(ResultsFormat.CSV, "a.png", ONE), resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["r.csv"]
