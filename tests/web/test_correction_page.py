"""Corrections and their review in headless Chromium, served by the real service."""

import re

import httpx
import pytest
from browsing import assert_accessible
from drawing_pad import digits, draw, let_through, read_again_but_late
from http_checks import METER
from PIL import Image
from playwright.sync_api import expect
from strokes import strokes


def test_a_correction_takes_two_keys(page, served, first_of):
    draw(page, strokes(first_of(7)))
    expect(digits(page)).to_have_text(["7"])
    page.keyboard.press("1")
    expect(page.locator("#label")).to_have_value("1")
    with page.expect_response("**/v1/corrections*") as answered:
        page.keyboard.press("Enter")
    saved = answered.value.json()
    assert (saved["read"], saved["label"]) == ("7", "1")
    expect(digits(page)).to_have_text(["1"])
    expect(page.locator("#verdict")).to_have_text("Corrected: 1")
    stored = httpx.get(f"{served.url}/v1/corrections?limit=200").json()["corrections"]
    assert "1" in [each["label"] for each in stored if each["id"] == saved["id"]]
    with page.expect_response("**/v1/corrections"):
        page.get_by_role("button", name="Delete my corrections").click()
    expect(page.locator("#message")).to_have_text("1 of your corrections deleted.")
    assert httpx.get(f"{served.url}/v1/corrections/{saved['id']}/picture").status_code == 404


def test_a_correction_by_hand_and_one_that_is_no_digit(page, first_of):
    draw(page, strokes(first_of(3)))
    expect(digits(page)).to_have_text(["3"])
    page.get_by_label("It is a").fill("x")
    page.get_by_role("button", name="Save correction").click()
    expect(page.locator("#verdict")).to_have_text("Corrected: not a digit")


def test_a_correction_that_is_typed_outlives_a_late_reading_but_not_its_picture(page, first_of):
    draw(page, strokes(first_of(3)))
    expect(digits(page)).to_have_text(["3"])
    late = read_again_but_late(page)
    page.get_by_label("It is a").fill("8")
    let_through(page, late)
    page.get_by_role("button", name="Save correction").click()
    expect(page.locator("#verdict")).to_have_text("Corrected: 8")
    page.get_by_label("It is a").fill("9")
    draw(page, [[(26, 5), (26, 25)]])
    expect(page.get_by_label("It is a")).to_have_value("")
    page.get_by_label("It is a").fill("9")
    page.locator("#clear").click()
    expect(page.locator("#label")).to_have_value("")


@pytest.fixture
def five_corrections(served, reader):
    """Five digits wait for review, and nothing else does."""
    httpx.delete(f"{served.url}/v1/corrections?all=true").raise_for_status()
    for digit in reader.read(METER).numbers[0].digits:
        params = {"box": ",".join(map(str, digit.box))}
        httpx.post(
            f"{served.url}/v1/corrections", params=params, content=METER.read_bytes(), timeout=60
        ).raise_for_status()


@pytest.mark.usefixtures("five_corrections")
def test_review_is_worked_by_keyboard(open_page, served):
    def left():
        found = httpx.get(f"{served.url}/v1/corrections").json()["corrections"]
        return [each["label"] for each in found]

    page = open_page("/review")
    expect(page.locator("#left")).to_have_text("5 left")
    expect(page.locator("#picture")).to_be_visible()
    assert_accessible(page)
    first = page.locator("#read").inner_text()
    for key, count in (("Enter", 4), ("7", 3), ("x", 2)):
        page.keyboard.press(key)
        expect(page.locator("#left")).to_have_text(f"{count} left")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("8")
    page.keyboard.press("Delete")
    expect(page.locator("#left")).to_have_text("1 left")
    assert left() == [first, "7", "8", None]
    page.keyboard.press("2")
    expect(page.locator("#empty")).to_have_text("That was the last one.")
    page.locator("#filter").select_option("")
    expect(page.locator("#queue button")).to_have_count(4)
    page.get_by_role("button", name="Delete all").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete all").click()
    expect(page.locator("#empty")).to_have_text("Nothing waits for review.")
    assert left() == []


@pytest.mark.usefixtures("five_corrections")
def test_an_item_may_be_deleted_before_its_picture_comes(open_page):
    page = open_page("/review")
    expect(page.locator("#picture")).to_be_visible()
    page.route("**/v1/corrections/*/picture", lambda _: None)  # it never comes
    page.keyboard.press("ArrowRight")
    expect(page.locator("#picture")).to_be_hidden()
    with page.expect_event("requestfailed"):
        page.keyboard.press("Delete")
    expect(page.locator("#left")).to_have_text("4 left")
    page.unroute("**/v1/corrections/*/picture")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#picture")).to_be_visible()
    expect(page.locator("#message")).to_be_hidden()


def stored(served):
    found = httpx.get(f"{served.url}/v1/corrections").json()["corrections"]
    return [each["label"] for each in found]


@pytest.mark.usefixtures("five_corrections")
def test_keys_act_on_the_item_and_not_on_the_button_that_was_clicked(open_page, served):
    page = open_page("/review")
    expect(page.locator("#queue button")).to_have_count(5)
    read = [each.inner_text().strip("?") for each in page.locator("#queue button").all()]
    page.locator("#keypad").get_by_role("button", name="3", exact=True).click()
    page.keyboard.press("Enter")
    expect(page.locator("#left")).to_have_text("3 left")
    assert stored(served) == ["3", read[1], None, None, None]
    page.locator("#delete").click()
    page.keyboard.press("Enter")
    expect(page.locator("#left")).to_have_text("1 left")
    assert stored(served) == ["3", read[1], read[3], None]
    page.locator("#queue button").nth(3).click()
    page.keyboard.press("Enter")
    expect(page.locator("#empty")).to_have_text("That was the last one.")
    assert stored(served) == ["3", read[1], read[3], read[4]]


@pytest.mark.usefixtures("five_corrections")
def test_what_was_said_in_review_is_undone(open_page, served):
    page = open_page("/review")
    expect(page.locator("#undo")).to_be_disabled()
    for key in "37":
        page.keyboard.press(key)
    expect(page.locator("#left")).to_have_text("3 left")
    page.keyboard.press("Control+z")
    expect(page.locator("#left")).to_have_text("4 left")
    assert stored(served) == ["3", None, None, None, None]
    page.keyboard.press("8")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("9")
    page.locator("#undo").click()
    expect(page.locator("#announcement")).to_have_text(re.compile(r": 8$"))
    assert stored(served) == ["3", "8", None, None, None]


@pytest.mark.usefixtures("five_corrections")
def test_the_digit_is_marked_in_its_picture(open_page, reader):
    page = open_page("/review")
    expect(page.locator(".mark")).to_be_visible()
    digits = reader.read(METER).numbers[0].digits
    box = min(digits, key=lambda digit: digit.confidence).box
    with Image.open(METER) as picture:
        width, height = picture.size
    mark, frame = page.locator(".mark").bounding_box(), page.locator("#picture").bounding_box()
    centre = mark["x"] + mark["width"] / 2 - frame["x"], mark["y"] + mark["height"] / 2 - frame["y"]
    wanted = (box.left + box.right) / 2 / width, (box.top + box.bottom) / 2 / height
    assert centre == pytest.approx(
        (wanted[0] * frame["width"], wanted[1] * frame["height"]), abs=1.5
    )
