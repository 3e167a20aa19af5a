"""The page for forms in headless Chromium, served by the real service."""

import re

import cv2
import numpy as np
import pytest
from browsing import PHONE, assert_accessible
from form_sample import SAMPLE, TEXTS, values_of
from playwright.sync_api import expect

from inkread.forms.template import load
from inkread.training.synthesis import filled_forms

DRAWN = {"customer": "comb", "phone": "number", "leak": "tick"}


@pytest.fixture(scope="module")
def files(tmp_path_factory, full_mnist):
    """A blank form, and a scan of it that was filled in."""
    template = load(SAMPLE)
    blank = filled_forms.render_blank_page(template)
    rng = np.random.default_rng(0)
    page = filled_forms.write_texts(template, blank, TEXTS, full_mnist.validation, rng)
    folder = tmp_path_factory.mktemp("form")
    cv2.imwrite(str(folder / "meter.png"), blank)
    (folder / "scan.jpg").write_bytes(filled_forms.scan_page(template, page, rng).data)
    return folder


@pytest.fixture
def page(open_page):
    return open_page("/forms")


def open_blank(page, files):
    with page.expect_response("**/v1/forms/propose*"):
        page.set_input_files("#blank", files / "meter.png")
    with page.expect_response("**/v1/forms/propose*"):
        page.get_by_label("Paper").select_option("A5")


def on_screen(page, x, y):
    bounds = page.locator("#drawing").bounding_box()
    return bounds["x"] + x / 148 * bounds["width"], bounds["y"] + y / 210 * bounds["height"]


def draw(page, left, top, right, bottom):
    page.mouse.move(*on_screen(page, left, top))
    page.mouse.down()
    page.mouse.move(*on_screen(page, (left + right) / 2, bottom))
    page.mouse.move(*on_screen(page, right, bottom))
    page.mouse.up()


def boxes(page):
    return page.locator("#drawing .box")


def value(page, label):
    return page.get_by_label(label, exact=True).input_value()


def test_three_fields_are_drawn_named_saved_and_read(page, files, tmp_path):
    open_blank(page, files)
    rects = load(SAMPLE).rects
    for number, (name, kind) in enumerate(DRAWN.items(), start=1):
        left, top, right, bottom = rects[name]
        draw(page, left - 0.8, top + 0.8, right + 0.8, bottom - 0.4)  # about where it is
        expect(boxes(page)).to_have_count(number)
        page.keyboard.press("Enter")
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        expect(page.get_by_label("Kind")).to_have_value(kind)
    page.locator("#field-list").get_by_role("button", name="customer").click()
    with page.expect_response("**/v1/forms/template"):
        page.get_by_label("Check digit").select_option("luhn")
    save = page.get_by_role("button", name="Save template")
    expect(save).to_be_enabled()
    with page.expect_download() as download:
        save.click()
    assert download.value.suggested_filename == "meter.yaml"
    download.value.save_as(tmp_path / "meter.yaml")
    template = load(tmp_path / "meter.yaml")
    assert [field.name for field in template.fields] == list(DRAWN)
    for name in DRAWN:  # a drawn box is put where the printed one is
        assert template.rects[name] == pytest.approx(rects[name], abs=0.4)
    page.set_input_files("#scan", files / "scan.jpg")
    expect(page.locator("#values tr")).to_have_count(3)
    expect(page.locator("#values .value")).to_have_text(["56148836", TEXTS["phone"], "✓"])
    expect(page.locator("#values tr").nth(0)).to_contain_text("ok")
    expect(page.locator("#alignment")).to_contain_text("mm, at")
    expect(page.locator("#drawing text").nth(0)).to_contain_text("56148836")
    assert_accessible(page)
    page.get_by_role("button", name="Form", exact=True).click()
    expect(page.locator("#drawing .box rect")).to_have_count(3)


def test_a_field_is_placed_by_keyboard_alone(page):
    page.get_by_role("button", name="Add field").press("Enter")
    left, top, right, bottom = (float(value(page, s)) for s in ("Left", "Top", "Right", "Bottom"))
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Shift+ArrowRight", "Shift+ArrowUp"):
        page.keyboard.press(key)
    assert [float(value(page, s)) for s in ("Left", "Top", "Right", "Bottom")] == [
        left + 1, top + 0.5, right + 1.5, bottom,
    ]  # fmt: skip
    page.get_by_role("button", name="Add field").press("Enter")
    expect(boxes(page)).to_have_count(2)
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_label("Name", exact=True)).to_have_value("field_1")
    page.keyboard.press("Delete")
    expect(boxes(page)).to_have_count(1)
    expect(page.locator("#field-list")).to_have_text("field_2")


def test_a_box_is_moved_resized_and_refused_where_it_overlaps(page, files):
    open_blank(page, files)
    draw(page, 60, 20, 80, 30)
    draw(page, 60, 182, 80, 192)
    expect(boxes(page)).to_have_count(2)
    page.mouse.move(*on_screen(page, 70, 187))
    page.mouse.down()
    page.mouse.move(*on_screen(page, 75, 30))
    page.mouse.up()
    expect(page.locator("#faults li")).to_contain_text("field_2 (box): overlaps")
    expect(boxes(page).nth(1)).to_have_class("box is-selected is-wrong")
    assert_accessible(page)
    page.mouse.move(*on_screen(page, 85, 35))
    page.mouse.down()
    page.mouse.move(*on_screen(page, 95, 50))
    page.mouse.up()
    assert float(value(page, "Bottom")) == pytest.approx(50, abs=0.6)
    expect(page.get_by_role("button", name="Save template")).to_be_disabled()
    page.get_by_label("Top").fill("31")
    page.keyboard.press("Tab")
    expect(page.locator("#faults")).to_be_hidden()
    expect(page.get_by_role("button", name="Save template")).to_be_enabled()
    page.complaints.clear()  # the browser's own lines about the 422s


def test_a_template_is_opened_edited_as_text_and_tried(page, files):
    page.set_input_files("#yaml-file", SAMPLE)
    expect(boxes(page)).to_have_count(len(values_of()["fields"]))
    expect(page.get_by_label("Found by")).to_have_value("markers")
    page.get_by_text("As YAML", exact=True).click()
    text = page.locator("#yaml")
    expect(text).to_have_value(re.compile("equals: current"))
    text.fill(text.input_value().replace("kind: tick", "kind: tock"))
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#faults li")).to_contain_text("field leak")
    page.complaints.clear()  # the browser's own line about the 422
    text.fill(SAMPLE.read_text().replace("label: Telephone", "label: Mobile"))
    page.get_by_role("button", name="Apply").click()
    expect(text).to_have_value(re.compile("label: Mobile\n"))
    expect(page.get_by_role("button", name="Save template")).to_be_enabled()
    page.set_input_files("#scan", files / "scan.jpg")
    expect(page.locator("#values tr")).to_have_count(8)
    expect(page.locator("#values")).to_contain_text("2021-10-03")
    page.set_input_files("#scan", files / "meter.png")
    expect(page.locator("#values")).to_contain_text("missing")


class Held:
    """Requests for a reading, kept back until they are let go."""

    def __init__(self, page):
        self.page = page
        self.routes = []
        page.route("**/v1/forms/read", self.keep)

    def keep(self, route):
        self.routes.append(route)

    def open(self, scan):
        count = len(self.routes)
        self.page.set_input_files("#scan", scan)
        while len(self.routes) == count:
            self.page.wait_for_timeout(10)

    def let_go(self, index):
        with self.page.expect_response("**/v1/forms/read"):
            self.routes[index].continue_()


def test_a_template_may_be_applied_while_a_second_scan_is_read(page, files):
    page.set_input_files("#yaml-file", SAMPLE)
    expect(page.get_by_role("button", name="Save template")).to_be_enabled()
    page.set_input_files("#scan", files / "scan.jpg")
    expect(page.locator("#values tr")).to_have_count(8)
    held = Held(page)
    held.open(files / "meter.png")
    page.get_by_text("As YAML", exact=True).click()
    page.get_by_role("button", name="Apply").click()
    expect(boxes(page)).to_have_count(len(values_of()["fields"]))
    expect(page.locator("#views")).to_be_hidden()
    expect(page.locator("#results")).to_be_hidden()
    held.let_go(0)
    expect(page.locator("#values")).to_contain_text("missing")


def test_of_two_scans_opened_at_once_the_last_is_shown(page, files):
    page.set_input_files("#yaml-file", SAMPLE)
    expect(page.get_by_role("button", name="Save template")).to_be_enabled()
    held = Held(page)
    held.open(files / "meter.png")
    held.open(files / "scan.jpg")
    held.let_go(1)
    expect(page.locator("#values")).to_contain_text("2021-10-03")
    held.let_go(0)
    page.wait_for_timeout(200)  # for what must not come
    expect(page.locator("#values")).to_contain_text("2021-10-03")


def test_what_cannot_be_opened_is_said(page, files, tmp_path):
    text = tmp_path / "text.png"
    text.write_text("no picture")
    page.set_input_files("#blank", text)
    expect(page.locator("#message")).to_contain_text("isn't a picture that can be read")
    page.set_input_files("#scan", files / "scan.jpg")
    expect(page.locator("#message")).to_contain_text("Draw a field first")
    page.complaints.clear()  # the browser's own line about the 422


@pytest.mark.parametrize("options", [{"color_scheme": "dark"}, PHONE], ids=["dark", "phone"])
def test_the_page_is_accessible_in_the_dark_and_on_a_phone(open_page, files, options):
    page = open_page("/forms", **options)
    assert_accessible(page)
    open_blank(page, files)
    page.get_by_role("button", name="Find boxes").click()
    expect(boxes(page)).to_have_count(8)
    page.locator("#field-list button").nth(1).click()
    expect(page.get_by_role("button", name="Save template")).to_be_enabled()
    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
