import csv
import io

import httpx
import numpy as np
import pytest
from browsing import PHONE, assert_accessible
from form_sample import SAMPLE, TEXTS
from http_checks import assert_problem
from PIL import Image
from playwright.sync_api import expect
from serving import Served

from inkread.corrections.store import Store
from inkread.errors import ConfigError, ImageError
from inkread.forms.field_crops import FieldCrops
from inkread.forms.form_batch import FormBatchJob, read_scans
from inkread.forms.journal import Journal, journal_path
from inkread.forms.tables import write_tables
from inkread.forms.template import load
from inkread.imaging import images
from inkread.training.synthesis import filled_forms
from inkread.web.form_review import Review


@pytest.fixture(scope="module")
def scans(tmp_path_factory, full_mnist):
    template = load(SAMPLE)
    rng = np.random.default_rng(0)
    page = filled_forms.write_texts(
        template, filled_forms.render_blank_page(template), TEXTS, full_mnist.validation, rng
    )
    folder = tmp_path_factory.mktemp("scans")
    (folder / "1.jpg").write_bytes(filled_forms.scan_page(template, page, rng).data)
    return folder


@pytest.fixture
def table(tmp_path, scans):
    """A table in which every field with digits is doubtful, and the folder of their pictures."""
    out, crops = tmp_path / "t.csv", tmp_path / "crops"
    job = FormBatchJob(load(SAMPLE), min_confidence=1.0, crops=crops)
    journal = Journal(journal_path(out), job.template, {})
    journal.open()
    read_scans([str(scans / "1.jpg")], job, journal)
    write_tables(job.template, journal.read_records(), out)
    return out, crops


def row_of(table):
    with table[0].open(newline="") as file:
        (row,) = csv.DictReader(file)
    return row


@pytest.fixture
def review(table):
    """The review, served with a store of corrections beside the table."""
    out, crops = table
    options = (SAMPLE, "--out", out, "--crops", crops, "--port", 0)
    corrections = ("--corrections", out.with_name("c.db"), "--keep", "picture")
    with Served(*options, *corrections, command=("form", "review")) as served:
        yield served


def stored_in(table):
    store = Store(str(table[0].with_name("c.db")))
    found = list(store.export())
    store.close()
    return found


def path_of(field):
    return f"/v1/fields/{field['form_id']}/{field['name']}"


def test_doubtful_fields_are_listed_shown_and_put_right(review, table):
    with httpx.Client(base_url=review.url, timeout=120) as client:
        fields = client.get("/v1/fields").json()["fields"]
        assert {field["name"] for field in fields} == set(TEXTS) - {"leak"}
        confidences = [field["confidence"] for field in fields]
        assert confidences == sorted(confidences)
        by_name = {field["name"]: field for field in fields}
        customer, read_on = by_name["customer"], by_name["read_on"]
        picture = client.get(f"{path_of(customer)}/picture")
        with Image.open(io.BytesIO(picture.content)) as shown:
            assert shown.width > 3 * shown.height
        # A date's digits will do, as they stand on the form.
        done = client.put(path_of(read_on), json={"value": "04102021"})
        assert (done.json()["value"], done.json()["status"]) == ("2021-10-04", "corrected")
        assert row_of(table)["read_on"] == "2021-10-04"
        broken = client.put(path_of(customer), json={"value": "56148837"})
        assert "luhn" in assert_problem(broken, 422, "objection")["detail"]
        assert row_of(table)["customer_status"] == "doubtful"
        done = client.put(f"{path_of(customer)}?anyway=true", json={"value": "56148837"})
        assert done.json()["stored"] == 8
        assert row_of(table)["customer"] == "56148837"
        assert len(client.get("/v1/fields").json()["fields"]) == 5
    labels = [each.label for each in stored_in(table)]
    assert labels == list("04102021") + list("56148837")


def test_what_cannot_be_is_refused_and_changes_nothing(review, table):
    before = table[0].read_bytes()
    with httpx.Client(base_url=review.url, timeout=120) as client:
        field = client.get("/v1/fields").json()["fields"][0]
        form = f"/v1/fields/{field['form_id']}"
        for path, value, status, kind in (
            (f"{form}/phone", "12a", 422, "invalid"),
            (f"{form}/read_on", "31022021", 422, "invalid"),
            (f"{form}/leak", "", 422, "invalid"),
            (f"{form}/phone", "1" * 50, 422, "invalid"),
            (f"{form}/other", "1", 404, "not-found"),
            ("/v1/fields/0-1/phone", "4071335", 404, "not-found"),
        ):
            assert_problem(client.put(path, json={"value": value}), status, kind)
        assert_problem(client.put(f"{form}/phone", json={"text": "1"}), 422, "invalid")
        assert_problem(client.get(f"{form}/other/picture"), 404, "not-found")
        rebound = client.get("/v1/fields", headers={"Host": "evil.example"})
        assert_problem(rebound, 421, "host")
    assert table[0].read_bytes() == before
    assert stored_in(table) == []


def test_what_is_learned_is_what_the_reader_saw(table, reader):
    store = Store(str(table[0].with_name("c.db")), "picture")
    review = Review.of_table(load(SAMPLE), table[0], table[1], store)
    form_id = row_of(table)["form_id"]
    review.correct(form_id, "customer", TEXTS["customer"])
    review.correct(form_id, "paid", "1671.13")
    review.correct(form_id, "phone", "407133")  # not as many as there are pieces
    review.correct(form_id, "used", "")
    corrections = list(store.export())
    store.close()
    assert [each.label for each in corrections] == [*TEXTS["customer"], *TEXTS["paid"], "407133"]
    glyphs = np.stack([each.pixels for each in corrections[:8]])
    probabilities = reader.model.classify(glyphs).probabilities
    assert "".join(map(str, probabilities.argmax(axis=1))) == TEXTS["customer"]
    assert all(each.picture for each in corrections)
    row = row_of(table)
    assert (row["used"], row["used_status"]) == ("", "corrected")


def test_pictures_that_were_not_saved_are_cut_from_the_scan(table, scans):
    template = load(SAMPLE)
    journal = Journal(journal_path(table[0]), template, {})
    (record,) = journal.read_records()
    saved, cut = FieldCrops(template, table[1]), FieldCrops(template)
    for name in ("customer", "phone"):
        assert np.array_equal(saved.find(record, name), cut.find(record, name))
    (table[1] / f"{record.form_id}-phone.png").unlink()
    assert saved.find(record, "phone").shape == cut.find(record, "phone").shape
    other = type(record)(str(SAMPLE), 1, record.sha256, record.fields)
    with pytest.raises(ImageError, match="another file"):
        FieldCrops(template).find(other, "phone")
    gone = type(record)(str(scans / "gone.jpg"), 1, record.sha256, record.fields)
    with pytest.raises(ImageError, match="expected the scan"):
        FieldCrops(template).find(gone, "phone")
    assert images.load(scans / "1.jpg").size


def test_what_is_refused_late_does_not_take_what_is_typed_meanwhile(open_page, review, table):
    page = open_page(url=review.url)
    expect(page.locator("#left")).to_have_text("7 left")
    label = page.locator("#label").inner_text()
    late = []

    def hold(route):
        late.append(route)

    page.route("**/v1/fields/*/*", hold, times=1)
    page.locator("#value").fill("x")
    page.keyboard.press("Enter")
    expect(page.locator("#label")).not_to_have_text(label)
    second = page.locator("#label").inner_text()
    page.keyboard.type("4")
    late[0].continue_()
    expect(page.locator("#message")).to_contain_text(f"{label} is not saved")
    page.keyboard.type("5")
    expect(page.locator("#value")).to_have_value("45")
    expect(page.locator("#label")).to_have_text(second)
    page.complaints.clear()  # the browser's own line about the 422


def test_a_field_that_is_corrected_twice_teaches_its_last_value_alone(table):
    store = Store(str(table[0].with_name("c.db")))
    review = Review.of_table(load(SAMPLE), table[0], table[1], store)
    form_id = row_of(table)["form_id"]
    review.correct(form_id, "phone", "1111111", anyway=True)
    review.correct(form_id, "phone", TEXTS["phone"])
    assert "".join(each.label for each in store.export()) == TEXTS["phone"]
    review.take_back(form_id, "phone")
    assert list(store.export()) == []
    store.close()
    assert row_of(table)["phone_status"] == "doubtful"


def test_a_table_without_a_journal_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="journal"):
        Review.of_table(load(SAMPLE), tmp_path / "t.csv")


def test_the_page_is_worked_by_keyboard(open_page, review, table):
    page = open_page(url=review.url)
    expect(page.locator("#left")).to_have_text("7 left")
    expect(page.locator("#crop")).to_be_visible()
    assert_accessible(page)
    names = [each.inner_text() for each in page.locator("#queue button").all()]
    while page.locator("#label").inner_text() != "Telephone":
        page.keyboard.press("ArrowDown")
    page.keyboard.type("4071336")
    page.keyboard.press("Enter")
    expect(page.locator("#left")).to_have_text("6 left")
    assert (row_of(table)["phone"], row_of(table)["phone_status"]) == ("4071336", "corrected")
    place = next(at for at, name in enumerate(names) if "Customer" in name)
    page.locator("#queue button").nth(place).click()
    page.keyboard.type("56148837")
    page.keyboard.press("Enter")
    expect(page.locator("#message")).to_contain_text("luhn")
    expect(page.locator("#value")).to_have_value("56148837")
    page.keyboard.press("Enter")
    expect(page.locator("#left")).to_have_text("5 left")
    expect(page.locator("#message")).to_be_hidden()
    assert row_of(table)["customer"] == "56148837"
    # Taken back, one after the other.
    page.keyboard.press("Control+z")
    expect(page.locator("#left")).to_have_text("6 left")
    expect(page.locator("#label")).to_contain_text("Customer")
    assert row_of(table)["customer_status"] == "doubtful"
    page.locator("#undo").click()
    expect(page.locator("#left")).to_have_text("7 left")
    assert row_of(table)["phone_status"] == "doubtful"
    expect(page.locator("#undo")).to_be_disabled()
    page.complaints.clear()  # the browser's own line about the 422


@pytest.mark.parametrize("options", [{"color_scheme": "dark"}, PHONE], ids=["dark", "phone"])
def test_the_page_is_accessible_in_the_dark_and_on_a_phone(open_page, review, options):
    page = open_page(url=review.url, **options)
    expect(page.locator("#crop")).to_be_visible()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
