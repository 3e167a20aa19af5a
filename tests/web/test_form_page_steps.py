"""Steps on the page for forms: undo, names in a row, paper, several scans, in headless Chromium."""

import csv

import pytest
from playwright.sync_api import expect

READ = {
    "form": "meter-reading",
    "fields": [
        {
            "name": "used", "value": "62", "confidence": 0.9999, "status": "ok", "note": "",
            "corners": [[10, 10], [50, 10], [50, 20], [10, 20]],
        },
        {
            "name": "phone", "value": "4071335", "confidence": 0.9, "status": "doubtful",
            "note": "not sure enough", "corners": [[10, 30], [50, 30], [50, 40], [10, 40]],
        },
    ],
    "alignment": {"residual_mm": 0.1, "dpi": 150.0, "turned_deg": 0.0},
    "width": 100,
    "height": 140,
    "model": "any",
}  # fmt: skip


@pytest.fixture
def page(open_page):
    return open_page("/forms")


def boxes(page):
    return page.locator("#drawing .box")


def left(page):
    return float(page.get_by_label("Left", exact=True).input_value())


def test_steps_are_undone_and_done_again(page):
    for _ in range(2):
        page.get_by_role("button", name="Add field").click()
    expect(boxes(page)).to_have_count(2)
    before = left(page)
    page.keyboard.press("ArrowRight")
    assert left(page) == before + 0.5
    page.keyboard.press("Control+z")
    assert left(page) == before
    page.keyboard.press("Control+z")
    expect(boxes(page)).to_have_count(1)
    page.get_by_role("button", name="Redo").click()
    expect(boxes(page)).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo").click()
    expect(boxes(page)).to_have_count(0)
    expect(page.locator("#undo")).to_be_disabled()


def test_the_sample_form_is_tried_and_several_scans_make_a_table(page, tmp_path):
    page.route("**/v1/forms/read", lambda route: route.fulfill(json=READ))
    page.get_by_role("button", name="Try the sample form").click()
    expect(page.locator("#values tr")).to_have_count(2)
    expect(page.locator("#field-list button")).to_have_count(8)
    scans = [{"name": f"{n}.png", "mimeType": "image/png", "buffer": b"any"} for n in range(3)]
    page.set_input_files("#scan", scans)
    expect(page.locator("#table-progress")).to_have_text("3 of 3 read, 3 fields to look at.")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "forms.csv")
    with (tmp_path / "forms.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1] == {
        "file": "1.png", "used": "62", "phone": "4071335", "doubtful": "phone", "problem": "",
    }  # fmt: skip


def test_found_boxes_are_named_in_a_row_and_keep_their_place_on_other_paper(page):
    found = {"page": [210, 297], "fields": [
        {"kind": "number", "cells": None, "box": [20, 40 + 20 * at, 80, 50 + 20 * at]}
        for at in range(3)
    ]}  # fmt: skip
    page.route("**/v1/forms/propose*", lambda route: route.fulfill(json=found))
    draw = """async () => {
      const canvas = new OffscreenCanvas(210, 297);
      canvas.getContext("2d").fillRect(0, 0, 210, 297);
      return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
    }"""
    blank = {"name": "b.png", "mimeType": "image/png", "buffer": bytes(page.evaluate(draw))}
    page.set_input_files("#blank", blank)
    page.get_by_role("button", name="Find boxes").click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    for name in ("one", "two", "three"):
        page.keyboard.type(name)
        page.keyboard.press("Tab")
    expect(page.locator("#field-list button")).to_have_text(["one", "two", "three"])
    expect(page.get_by_label("Label", exact=True)).to_be_focused()
    page.locator("#field-list button").first.click()
    page.get_by_label("Paper").select_option("A5")
    expect(page.get_by_label("Left", exact=True)).to_have_value("14.1")  # of 148 mm, as of 210
    expect(page.get_by_label("Right", exact=True)).to_have_value("56.4")
