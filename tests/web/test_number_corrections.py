"""Corrections of whole numbers, and what is drawn after them, in headless Chromium."""

import csv

import httpx
import pytest
from browsing import assert_accessible
from drawing_pad import digits, draw
from http_checks import METER
from playwright.sync_api import expect
from serving import Served
from strokes import strokes


def last_stored(served):
    """The correction that was stored last."""
    found = httpx.get(f"{served.url}/v1/corrections?limit=200").json()["corrections"]
    return max(found, key=lambda each: each["id"])


def correct_number(page, text):
    page.get_by_role("button", name="Correct the whole number").click()
    expect(page.get_by_label("The number is")).to_be_focused()
    page.get_by_label("The number is").fill(text)
    with page.expect_response("**/v1/corrections*") as answered:
        page.keyboard.press("Enter")
    assert answered.value.status == 201
    expect(digits(page)).to_have_text([text])


@pytest.mark.parametrize("text", ["407,13", "4071", "407138"])
def test_a_whole_number_is_corrected_and_taken_away_so(page, served, text):
    page.set_input_files("#file", METER)
    expect(digits(page)).to_have_text(list("40713"))
    correct_number(page, text)
    stored = last_stored(served)
    assert (stored["read"], stored["label"]) == ("40713", text)
    assert stored["strip"]
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    with download.value.path().open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["text"], row["raw"]) == (text, text)
    assert_accessible(page)


def test_what_was_corrected_stays_so_while_one_goes_on_drawing(page, first_of):
    draw(page, strokes(first_of(7)), size=0.3)
    expect(digits(page)).to_have_text(["7"])
    page.locator("#keypad").get_by_role("button", name="4", exact=True).click()
    expect(page.locator("#label")).to_have_value("4")
    page.get_by_role("button", name="Save correction").click()
    expect(digits(page)).to_have_text(["4"])
    three = [[(x + 20, y) for x, y in path] for path in strokes(first_of(3))]
    draw(page, three, size=0.3)
    expect(digits(page)).to_have_text(["4", "3"])


def test_the_keypad_says_that_something_is_no_digit(page, first_of):
    draw(page, strokes(first_of(3)))
    page.locator("#keypad").get_by_role("button", name="not a digit").click()
    page.get_by_role("button", name="Save correction").click()
    expect(page.locator("#verdict")).to_have_text("Corrected: not a digit")


def test_a_number_that_is_none_says_so(page, first_of):
    draw(page, strokes(first_of(3)))
    page.get_by_role("button", name="Correct the whole number").click()
    page.get_by_role("button", name="Not a number").click()
    expect(page.locator(".sure")).to_have_text("corrected: not a number")


def test_without_a_store_the_page_says_how_to_turn_corrections_on(open_page, first_of):
    with Served() as service:
        page = open_page(url=service.url)
        draw(page, strokes(first_of(3)))
        expect(page.locator("#no-store")).to_contain_text("inkread serve --corrections")
        expect(page.locator("#correction")).to_be_hidden()
