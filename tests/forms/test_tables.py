import csv
import datetime
import json
from decimal import Decimal
from pathlib import Path

import cv2
import numpy as np
import openpyxl
import pytest
from PIL import Image
from pyarrow import parquet

import inkread
from inkread.errors import ConfigError, DataError
from inkread.forms import form_batch
from inkread.forms.corrected_values import parse_value
from inkread.forms.form_batch import FormBatchJob, read_scans
from inkread.forms.form_reader import FieldReading, Status
from inkread.forms.journal import FormRecord, Journal
from inkread.forms.tables import errors_path, write_tables
from inkread.forms.template import parse
from inkread.imaging import images
from inkread.training.synthesis import filled_forms

TEMPLATE = parse("""
form: small
page: [80, 90]
fields:
  - {name: a, kind: comb, cells: 3, box: [10, 30, 40, 38]}
  - {name: paid, kind: amount, cells: 4, box: [10, 48, 50, 56]}
  - {name: day, kind: date, box: [20, 62, 70, 69]}
  - {name: ok, kind: tick, box: [60, 30, 66, 36]}
""")
READ = FormRecord(
    "=1+1.png",
    1,
    "ab" * 32,
    (
        FieldReading("a", "007", 0.99999, Status.OK),
        FieldReading("paid", Decimal("12.50"), 0.6, Status.DOUBTFUL, "not sure enough"),
        FieldReading("day", datetime.date(2024, 2, 29), 0.995, Status.OK),
        FieldReading("ok", True, 1.0, Status.OK),
    ),
    residual_mm=0.03,
    dpi=150.0,
    turned_deg=-1.5,
)
EMPTY = FormRecord(
    "b.png",
    2,
    "cd" * 32,
    tuple(FieldReading(each.name, None, 1.0, Status.EMPTY) for each in TEMPLATE.fields),
    residual_mm=0.05,
    dpi=200.0,
    turned_deg=180.0,
)
REFUSED = FormRecord("c.png", 1, "ef" * 32, error="blank: expected a form")
RECORDS = [READ, REFUSED, EMPTY]


@pytest.fixture(scope="module")
def scans(tmp_path_factory, full_mnist):
    """Three scans, one of them twice, a broken file and one of another form."""
    folder = tmp_path_factory.mktemp("scans")
    rng = np.random.default_rng(0)
    blank = filled_forms.render_blank_page(TEMPLATE)
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        texts = filled_forms.draw_texts(TEMPLATE, rng)
        page = filled_forms.write_texts(TEMPLATE, blank, texts, full_mnist.validation, rng)
        (folder / name).write_bytes(filled_forms.scan_page(TEMPLATE, page, rng).data)
    (folder / "4.jpg").write_bytes((folder / "1.jpg").read_bytes())
    (folder / "5.jpg").write_bytes(b"no picture")
    other = TEMPLATE.model_copy(update={"form": "other"})
    other.__dict__.pop("digest", None)
    cv2.imwrite(str(folder / "6.png"), filled_forms.render_blank_page(other))
    return sorted(map(str, folder.iterdir()))


def journal_of(path, **settings):
    journal = Journal(path, TEMPLATE, settings)
    journal.open()
    return journal


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_a_row_per_form(tmp_path):
    out = tmp_path / "t.csv"
    write_tables(TEMPLATE, RECORDS, out, [("d.png", "it can't be read")])
    first, second = rows_of(out)
    assert first["form_id"] == "ab" * 8 + "-1"
    assert first["scan"] == "./=1+1.png"  # no formula, and the same file
    assert [first[name] for name in ("a", "paid", "day", "ok")] == [
        "007", "12.50", "2024-02-29", "true",
    ]  # fmt: skip
    assert (first["paid_confidence"], first["paid_status"]) == ("0.6", "doubtful")
    assert first["notes"] == "paid: not sure enough"
    assert (second["a"], second["a_status"], second["turned_deg"]) == ("", "empty", "180.0")
    assert rows_of(errors_path(out)) == [
        {"scan": "c.png", "page": "1", "error": "blank: expected a form"},
        {"scan": "d.png", "page": "", "error": "it can't be read"},
    ]


def test_json_lines_have_an_object_per_form(tmp_path):
    out = tmp_path / "t.jsonl"
    write_tables(TEMPLATE, RECORDS, out)
    first, second = map(json.loads, out.read_text().splitlines())
    assert first["fields"]["paid"] == {
        "value": "12.50", "confidence": 0.6, "status": "doubtful", "note": "not sure enough",
    }  # fmt: skip
    assert first["fields"]["ok"]["value"] is True
    assert second["fields"]["day"]["value"] is None
    assert json.loads(errors_path(out).read_text())["scan"] == "c.png"


def test_parquet_has_typed_columns(tmp_path):
    out = tmp_path / "t.parquet"
    write_tables(TEMPLATE, RECORDS, out)
    first, second = parquet.read_table(out).to_pylist()
    assert [first[name] for name in ("a", "paid", "day", "ok")] == [
        field.value for field in READ.fields
    ]
    assert second["paid"] is None
    assert parquet.read_table(errors_path(out)).num_rows == 1
    write_tables(TEMPLATE, [], out)
    assert parquet.read_table(out).num_rows == 0


def test_excel_holds_names_as_text(tmp_path):
    out = tmp_path / "t.xlsx"
    write_tables(TEMPLATE, RECORDS, out)
    header, first, _ = openpyxl.load_workbook(out)["forms"].iter_rows()
    cells = dict(zip((cell.value for cell in header), first, strict=True))
    assert (cells["scan"].value, cells["scan"].data_type) == ("=1+1.png", "s")
    assert cells["a"].value == "007"
    assert cells["paid"].value == 12.5
    assert cells["day"].value.date() == datetime.date(2024, 2, 29)


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="parquet"):
        write_tables(TEMPLATE, [], tmp_path / "t.txt")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("a", "007", "007"), ("a", "", None), ("paid", "3", Decimal("3.00")),
        ("day", "2024-02-29", datetime.date(2024, 2, 29)), ("ok", "false", False),
    ],
)  # fmt: skip
def test_a_text_of_a_table_is_parsed_to_its_value(name, text, value):
    assert parse_value(TEMPLATE.field_named(name), text) == value


@pytest.mark.parametrize(
    ("name", "text"), [("a", "x"), ("paid", "1.234"), ("day", "29.2.2024"), ("ok", "yes")]
)
def test_a_text_that_is_no_value_is_refused(name, text):
    with pytest.raises(ValueError, match=r"expected|Invalid"):
        parse_value(TEMPLATE.field_named(name), text)


def test_scans_are_read_once(scans, tmp_path):
    journal = journal_of(tmp_path / "j")
    job = FormBatchJob(TEMPLATE, crops=tmp_path / "crops", min_confidence=1.0)
    progress = []
    found = read_scans(scans, job, journal, on_progress=lambda *counts: progress.append(counts))
    assert (found.num_forms, found.num_fields, found.num_refused, found.num_known) == (3, 12, 2, 0)
    assert found.unreadable == [(scans[3], f"the same file as {scans[0]}")]
    assert [count for count, _ in progress] == [1, 2, 3, 4, 5, 6]
    records = list(journal.read_records())
    assert [record.scan for record in records] == [scans[i] for i in (0, 1, 2, 4, 5)]
    assert "expected an image file" in records[3].error
    assert records[4].error.startswith("other form")
    aside = {
        f"{record.form_id}-{field.name}.png"
        for record in records
        for field in record.fields
        if field.is_set_aside
    }
    assert {path.name for path in (tmp_path / "crops").iterdir()} == aside
    # Again, with a further file that isn't there: nothing is read.
    again = journal_of(tmp_path / "j")
    found = read_scans([*scans, "none.png"], job, again)
    assert (found.num_forms, found.num_known) == (0, 6)
    assert found.unreadable[0][0] == "none.png"
    assert list(again.read_records()) == records


def test_what_a_kill_cut_off_is_read_again(scans, tmp_path):
    whole = journal_of(tmp_path / "whole")
    read_scans(scans[:3], FormBatchJob(TEMPLATE), whole)
    data = whole.path.read_bytes()
    for cut in (1, 60, len(data) // 2):
        path = tmp_path / f"cut-{cut}"
        path.write_bytes(data[:-cut])
        journal = journal_of(path)
        assert len(journal.done) < 3
        read_scans(scans[:3], FormBatchJob(TEMPLATE), journal)
        assert list(journal.read_records()) == list(whole.read_records())


def test_a_journal_is_of_one_template_and_setting(tmp_path):
    journal_of(tmp_path / "j", model="a")
    with pytest.raises(ConfigError, match="another template"):
        journal_of(tmp_path / "j", model="b")
    (tmp_path / "k").write_bytes(b"\xff\n")
    with pytest.raises(ConfigError, match="journal"):
        journal_of(tmp_path / "k")


def test_corrections_go_into_the_table(tmp_path):
    journal = journal_of(tmp_path / "j")
    journal.add([READ], READ.sha256)
    journal.add([EMPTY], EMPTY.sha256)
    changed = journal.correct(READ.form_id, "paid", "12.60")
    assert changed.fields[1] == FieldReading("paid", Decimal("12.60"), 1.0, Status.CORRECTED)
    journal.correct(READ.form_id, "a", "")
    again = journal_of(tmp_path / "j")
    first, second = again.read_records()
    assert [field.value for field in first.fields[:2]] == [None, Decimal("12.60")]
    assert second == EMPTY
    for form_id, name, text in (("none-1", "a", "1"), (READ.form_id, "b", "1")):
        with pytest.raises(DataError):
            again.correct(form_id, name, text)
    with pytest.raises(DataError, match="paid: expected an amount"):
        again.correct(READ.form_id, "paid", "x")


def test_several_processes_read_the_same(scans, tmp_path):
    alone, together = journal_of(tmp_path / "one"), journal_of(tmp_path / "two")
    read_scans(scans[:2], FormBatchJob(TEMPLATE), alone)
    read_scans(scans[:2], FormBatchJob(TEMPLATE), together, num_processes=2)
    assert list(together.read_records()) == list(alone.read_records())


def test_every_page_of_a_file_is_a_form(scans, tmp_path):
    pages = [images.load(name) for name in scans[:2]]
    path = tmp_path / "both.tif"
    first, second = map(Image.fromarray, pages)
    first.save(path, save_all=True, append_images=[second, Image.new("L", (900, 1000), 255)])
    records = form_batch.read_file(FormBatchJob(TEMPLATE).form_reader(), str(path), "00" * 32, None)
    assert [record.page for record in records] == [1, 2, 3]
    assert [bool(record.fields) for record in records] == [True, True, False]
    assert records[2].error == "blank: expected a form, received an empty page"


def test_the_sample_is_part_of_the_package():
    assert (Path(inkread.__file__).parent / "forms/samples/meter-reading.yaml").is_file()
