"""Files on the page for reading, and what is taken away from it, in headless Chromium."""

import csv
import io
import json
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest
from browsing import assert_accessible
from drawing_pad import digits
from http_checks import CHALK, METER
from PIL import Image
from playwright.sync_api import expect

TIMES = "\N{MULTIPLICATION SIGN}"


def number_of(text, left, *, top=0, confidence=0.99, **more):
    """A number as the service answers with it, of digits that are 10 pixels wide."""
    places = [(left + 10 * at, top, left + 10 * at + 9, top + 12) for at in range(len(text))]
    found = [
        {
            "label": int(digit), "confidence": confidence, "box": place, "rejected": False,
            "junk": 0, "probabilities": [0.1] * 10,
        }
        for digit, place in zip(text, places, strict=True)
    ]  # fmt: skip
    box = [left, top, left + 10 * max(1, len(text)), top + 12]
    return {
        "text": text, "raw": text, "confidence": confidence, "rejected": False, "box": box,
        "digits": found, "unconstrained": None, "printed": False, "struck": False, **more,
    }  # fmt: skip


def answer(page, numbers, tables=(), notes=()):
    """Have the service answer each reading with these numbers, on a page of 200 by 100 pixels."""
    answer_in_turn(page, [(numbers, tables, notes)], again=True)


def answer_in_turn(page, answers, *, again=False):
    """Have the service answer readings one after the other, or with the last one again."""
    left = list(answers)

    def fulfil(route):
        numbers, tables, notes = left[0] if again else left.pop(0)
        body = {
            "numbers": numbers, "tables": list(tables), "notes": list(notes), "width": 200,
            "height": 100, "model": "line", "page": 1,
        }  # fmt: skip
        route.fulfill(json=body)

    page.route("**/v1/read*", fulfil)


def picture(name="scan.png", size=(200, 100)):
    file = io.BytesIO()
    Image.new("L", size, 255).save(file, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": file.getvalue()}


def pdf_of(*paths):
    file = io.BytesIO()
    pages = [Image.open(path).convert("RGB") for path in paths]
    pages[0].save(file, "PDF", save_all=True, append_images=pages[1:])
    return {"name": "scan.pdf", "mimeType": "application/pdf", "buffer": file.getvalue()}


def saved(page, name):
    """What a button saves: the file's name and its bytes."""
    with page.expect_download() as download:
        page.get_by_role("button", name=name, exact=True).click()
    return download.value.suggested_filename, download.value.path().read_bytes()


MARKS = [number_of("12", 0), number_of("7", 50), number_of("007", 0, top=40)]
TABLE = {
    "box": [0, 0, 99, 99],
    "rows": [
        [{"box": [0, 0, 40, 20], "number": MARKS[0]}, {"box": [45, 0, 99, 20], "number": MARKS[1]}],
        [{"box": [0, 40, 40, 60], "number": MARKS[2]}, {"box": [45, 40, 99, 60], "number": None}],
    ],
}


def test_a_table_is_shown_as_one_and_saved_as_csv(page):
    answer(page, [*MARKS, number_of("2026", 120)], [TABLE])
    page.set_input_files("#file", picture("marks.png"))
    table = page.get_by_role("region", name=f"Table, 2 {TIMES} 2")
    expect(table.locator("td")).to_have_text(["12", "7", "007", ""])
    expect(digits(page)).to_have_text(list("2026"))
    name, data = saved(page, "Table as CSV")
    assert (name, data) == ("marks-table.csv", b"12,7\n007,\n")
    name, data = saved(page, "CSV")
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert name == "marks.csv"
    assert [row["text"] for row in rows] == ["12", "7", "007", "2026"]
    assert [(row["left"], row["top"]) for row in rows[1:3]] == [("50", "0"), ("0", "40")]
    table.get_by_role("button", name="7", exact=True).click()
    expect(page.locator("#verdict")).to_contain_text("7, ")
    assert_accessible(page)


def test_tables_and_numbers_are_saved_as_an_excel_file(page, tmp_path):
    doubtful = {**number_of("2026", 120), "rejected": True}
    answer(page, [*MARKS, doubtful], [TABLE])
    page.set_input_files("#file", picture("marks.png"))
    expect(page.locator("td")).to_have_count(4)
    name, data = saved(page, "Excel")
    assert name == "marks.xlsx"
    (tmp_path / name).write_bytes(data)
    table, alone = openpyxl.load_workbook(tmp_path / name)
    assert [[cell.value for cell in row] for row in table.rows] == [["12", "7"], ["007", None]]
    assert table["A2"].number_format == "@"  # text: its zeros stay in front
    assert [alone["A1"].value, alone["A1"].fill.fgColor.rgb] == ["2026", "FFFFC7CE"]
    assert table["A1"].fill.fill_type is None


def test_two_numbers_that_are_one_are_joined(page):
    asked = []

    def keep(route):
        asked.append(parse_qs(urlsplit(route.request.url).query))
        saved = {"id": 1, "read": "407", "confidence": 0.5, "label": "40713"}
        route.fulfill(status=201, json=saved)

    answer(page, [number_of("407", 0), number_of("13", 60)])
    page.route("**/v1/corrections*", keep)
    page.set_input_files("#file", picture())
    expect(page.locator(".number")).to_have_count(2)
    digits(page).first.click()
    page.get_by_role("button", name="Correct the whole number").click()
    page.get_by_role("button", name="The next number belongs to it").click()
    expect(page.get_by_label("The number is")).to_have_value("40713")
    expect(page.locator("#join")).to_be_hidden()
    page.get_by_role("button", name="Save correction").click()
    expect(digits(page)).to_have_text(["40713"])
    ((said,)) = asked
    first, second = number_of("407", 0)["box"], number_of("13", 60)["box"]
    box = [*first[:2], *second[2:]]
    assert (said["label"], said["whole"]) == (["40713"], ["true"])
    assert said["box"] == [",".join(map(str, box))]


def test_numbers_are_copied_one_by_one_or_all_at_once(open_page):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    answer(page, [*MARKS, number_of("2026", 120)], [TABLE])
    page.set_input_files("#file", picture())
    clipboard = "navigator.clipboard.readText()"
    page.get_by_role("button", name="Copy 2026").click()
    expect(page.locator("#copied")).to_be_visible()
    assert page.evaluate(clipboard) == "2026"
    page.get_by_role("button", name="Copy all").click()
    expect(page.locator("#announcement")).to_have_text("Copied")
    assert page.evaluate(clipboard) == "12\t7\n007\t\n\n2026"


def test_what_was_read_is_saved_as_json_and_as_a_picture_with_boxes(page):
    answer(page, MARKS, [TABLE])
    page.set_input_files("#file", picture())
    name, data = saved(page, "JSON")
    [read] = json.loads(data)
    assert (name, read["file"], read["page"]) == ("scan.json", "scan.png", 1)
    assert [number["text"] for number in read["numbers"]] == ["12", "7", "007"]
    name, data = saved(page, "Picture with boxes")
    assert name == "scan-read.png"
    with Image.open(io.BytesIO(data)) as shown:
        assert shown.width == 240
        assert len(shown.convert("RGB").getcolors(1 << 24)) > 10


def test_doubtful_lines_are_folded_and_print_and_strokes_through_are_said(page):
    doubtful = [number_of("3", 10 * at, top=60, confidence=0.05) for at in range(7)]
    struck = number_of("", 90, struck=True, confidence=0, rejected=True)
    answer(page, [number_of("12", 0, printed=True), struck, *doubtful])
    page.set_input_files("#file", picture())
    expect(page.locator("#numbers summary")).to_have_text("7 doubtful lines")
    expect(page.locator("#numbers > .number .chip")).to_have_text(["printed", "crossed out"])
    expect(page.locator("#numbers details .number").first).to_be_hidden()


def test_where_nothing_is_found_the_page_says_what_was_seen(page):
    answer(page, [], notes=["a table of 20 by 9 cells", "writing too small: 9 px high"])
    page.set_input_files("#file", picture())
    expect(page.locator("#empty")).to_have_text("No number found. What was seen:")
    seen = ["a table of 20 by 9 cells", "writing too small: 9 px high"]
    expect(page.locator("#notes li")).to_have_text(seen)
    expect(page.locator("#exports")).to_be_hidden()


def test_the_pages_of_several_files_stand_in_a_list(page):
    answer_in_turn(page, [(MARKS, [], []), ([number_of("1969", 0)], [], []), ([], [], [])])
    page.set_input_files("#file", [pdf_of(METER, CHALK), picture("blank.png")])
    entries = page.locator("#sheets button")
    names = ["scan.pdf, page 1", "scan.pdf, page 2", "blank.png"]
    expect(entries.locator(".name")).to_have_text(names)
    expect(entries.locator(".found")).to_have_text(["3 numbers", "1969", "nothing found"])
    expect(entries.first).to_have_attribute("aria-current", "true")
    expect(page.locator("#boxes rect")).to_have_count(6)
    entries.last.click()
    expect(page.locator("#empty")).to_contain_text("No number found.")
    entries.first.click()
    expect(page.locator("#boxes rect")).to_have_count(6)
    _, data = saved(page, "CSV")
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert [(row["file"], row["page"]) for row in rows] == [("scan.pdf", k) for k in "1112"]
    assert_accessible(page)


def test_a_file_that_is_too_large_is_told_before_it_is_sent(page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    answer(page, MARKS)
    page.set_input_files("#file", picture())
    expect(digits(page)).to_have_count(6)
    before = len(asked)
    large = {"name": "scan.tif", "mimeType": "image/tiff", "buffer": bytes(17_000_000)}
    page.set_input_files("#file", large)
    message = "“scan.tif” is too large: 17 MB, and at most 16 MB are taken."
    expect(page.locator("#message")).to_have_text(message)
    expect(digits(page)).to_have_count(6)  # what was there before stays
    assert asked[before:] == []


def test_a_picture_on_its_way_is_said_to_be(page):
    held = []

    def hold(route):
        held.append(route)

    page.route("**/v1/read*", hold)
    page.set_input_files("#file", picture())
    expect(page.locator("#busy")).to_be_visible()
    held.pop().fulfill(json={"numbers": [], "width": 200, "height": 100, "model": "line"})
    expect(page.locator("#busy")).to_be_hidden()
    expect(page.locator("#empty")).to_have_text("No number found.")


@pytest.mark.parametrize("at", [0, 3])
def test_a_sample_is_read_with_a_click(page, at):
    page.locator("#samples button").nth(at).click()
    expect(page.locator("#exports")).to_be_visible()
    expect(page.locator("#samples")).to_be_hidden()


def test_constraints_of_tables_and_print_go_along_and_are_counted(page):
    answer(page, MARKS)
    page.set_input_files("#file", picture())
    page.locator("#constraints-fold > summary").click()
    page.get_by_label("Printed numbers, too").check()
    page.get_by_label("Narrow cells").select_option("split")
    with page.expect_request(lambda request: "grid=" in request.url) as asked:
        page.get_by_label("Rows").fill(f"9{TIMES}9")
        page.get_by_label("Rows").press("Enter")
    assert asked.value.url.endswith("?grid=9x9&cells=split&printed=true")
    expect(page.locator("#in-force")).to_have_text("3")
