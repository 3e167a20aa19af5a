"""Ink on the page for reading, which is never lost, in headless Chromium."""

import pytest
from browsing import PHONE, assert_accessible
from drawing_pad import draw
from http_checks import METER
from playwright.sync_api import expect

ONE = [[(14, 5 + step) for step in range(18)]]
INK = """() => {
  const pad = document.getElementById("pad");
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [pad.width, pad.height];
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(pad, 0, 0);
  const { data } = context.getImageData(0, 0, pad.width, pad.height);
  return data.reduce((sum, value, at) => sum + (at % 4 === 3 && value > 0), 0);
}"""  # how many pixels of the pad have ink


def test_a_cleared_drawing_comes_back_and_goes_again(page):
    draw(page, ONE)
    ink = page.evaluate(INK)
    page.keyboard.press("Escape")
    assert page.evaluate(INK) == 0
    expect(page.locator("#hint")).to_be_visible()
    page.keyboard.press("Control+z")
    assert page.evaluate(INK) == ink
    expect(page.locator("#hint")).to_be_hidden()
    page.keyboard.press("Control+y")
    assert page.evaluate(INK) == 0
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo").click()
    assert page.evaluate(INK) == 0
    page.get_by_role("button", name="Redo").click()
    assert page.evaluate(INK) == ink
    expect(page.locator("#redo")).to_be_enabled()
    draw(page, ONE)
    expect(page.locator("#redo")).to_be_disabled()


def test_a_file_that_is_no_picture_leaves_the_drawing_as_it_is(page):
    draw(page, ONE)
    ink = page.evaluate(INK)
    page.set_input_files("#file", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"text"})
    expect(page.locator("#message")).to_contain_text("isn't a picture that can be read")
    assert page.evaluate(INK) == ink
    page.complaints.clear()  # the browser's own line about the 422


def test_a_drawing_comes_back_from_behind_a_picture(page):
    draw(page, ONE)
    ink = page.evaluate(INK)
    page.set_input_files("#file", METER)
    expect(page.locator("#stage")).to_have_class("stage is-picture")
    page.keyboard.press("Control+z")
    expect(page.locator("#stage")).to_have_class("stage")
    expect(page.locator("#hint")).to_be_hidden()
    assert page.evaluate(INK) == ink


def test_a_drawing_is_found_again_by_who_comes_back(page):
    draw(page, ONE)
    ink = page.evaluate(INK)
    page.goto(page.url.rstrip("/") + "/review")
    page.get_by_role("link", name="Read", exact=True).click()
    expect(page.locator("#hint")).to_be_hidden()
    assert abs(page.evaluate(INK) - ink) < 0.1 * ink


def test_the_eraser_takes_ink_away_and_pens_differ_in_width(page):
    draw(page, ONE)
    medium = page.evaluate(INK)
    page.get_by_role("button", name="Eraser").click()
    draw(page, [[(14, 12 + step) for step in range(12)]])
    erased = page.evaluate(INK)
    assert 0 < erased < 0.7 * medium
    page.keyboard.press("Control+z")
    assert page.evaluate(INK) == medium
    page.locator("#clear").click()
    expect(page.locator("#eraser")).to_have_attribute("aria-pressed", "false")
    page.get_by_label("Pen", exact=True).select_option("Broad")
    draw(page, ONE)
    assert page.evaluate(INK) > 1.4 * medium


def test_a_stroke_ends_where_it_leaves_the_pad(page):
    pad = page.locator("#pad").bounding_box()
    x, y = pad["x"] + pad["width"] / 2, pad["y"] + pad["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, pad["y"] + pad["height"] + 60, steps=20)
    inside = page.evaluate(INK)
    page.mouse.move(x + 100, y, steps=5)
    page.mouse.up()
    assert page.evaluate(INK) == inside


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("colours", ["none", "active"])
def test_nothing_scrolls_sideways_and_all_is_accessible(open_page, width, colours):
    size = {"width": width, "height": 640}
    page = open_page(**{**PHONE, "viewport": size}, forced_colors=colours)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(fits)
    page.set_input_files("#file", METER)
    expect(page.locator("#numbers")).to_have_attribute("aria-busy", "false")
    page.locator("#constraints-fold > summary").click()
    assert page.evaluate(fits)
    if colours == "none":
        assert_accessible(page)
