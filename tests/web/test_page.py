"""The page for reading in headless Chromium, served by the real service."""

import json

import pytest
from browsing import PHONE, assert_accessible
from drawing_pad import Readings, digits, draw, let_through, read_again_but_late
from http_checks import METER
from PIL import Image
from playwright.sync_api import expect
from serving import Served
from strokes import strokes


@pytest.mark.parametrize("label", range(10))
def test_a_test_digit_that_is_drawn_is_read(page, first_of, label):
    draw(page, strokes(first_of(label)))
    expect(digits(page)).to_have_text([str(label)])
    expect(page.locator("#verdict")).to_contain_text(f"{label}, ")
    expect(page.locator("#bars li.is-first")).to_contain_text(str(label))
    expect(page.locator("#announcement")).to_have_text(f"Read {label}")


def test_several_digits_are_read_while_they_are_drawn(page, first_of):
    readings = Readings(page)
    draw(page, *(strokes(first_of(label)) for label in (7, 2, 0, 4)), size=0.5)
    last = readings.last()
    assert readings.num_finished >= 4
    read = [digit for number in last["numbers"] for digit in number["digits"]]
    assert len(read) >= 4
    expect(digits(page)).to_have_text(
        ["?" if digit["rejected"] else str(digit["label"]) for digit in read]
    )
    boxes = page.locator("#boxes rect")
    lefts = [boxes.nth(k).bounding_box()["x"] for k in range(len(read))]
    assert lefts == sorted(lefts)
    pad = page.locator("#pad").bounding_box()
    assert pad["x"] < lefts[0] < pad["x"] + pad["width"] / 2


REST = "new Promise((rested) => setTimeout(rested, 200))"  # by the page's own clock


def test_ink_that_rests_is_read_before_the_pen_is_lifted_and_not_again(page):
    readings = Readings(page)
    pad = page.locator("#pad").bounding_box()
    x, y = pad["x"] + pad["width"] / 2, pad["y"] + pad["height"] / 4
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(x, y + step * pad["height"] / 16)
    page.evaluate(REST)
    readings.last()
    expect(digits(page)).to_have_text(["1"])
    before = readings.num_begun
    page.mouse.up()
    page.evaluate(REST)
    assert readings.num_begun == before
    page.mouse.click(x + pad["width"] / 4, y)
    readings.last()
    assert readings.num_begun > before


def test_undo_and_clear(page, first_of):
    expect(page.locator("#undo")).to_be_disabled()
    expect(page.locator("#hint")).to_be_visible()
    draw(page, strokes(first_of(1)))
    draw(page, [[(26, 5), (26, 25)]])
    expect(digits(page)).to_have_count(2)
    page.keyboard.press("Control+z")
    expect(digits(page)).to_have_text(["1"])
    page.locator("#clear").click()
    expect(digits(page)).to_have_count(0)
    expect(page.locator("#hint")).to_be_visible()
    expect(page.locator("#digit")).to_be_hidden()
    draw(page, strokes(first_of(1)))
    page.keyboard.press("Escape")
    expect(page.locator("#hint")).to_be_visible()


def test_a_picture_that_is_opened_is_read_and_shown_with_boxes(page):
    page.set_input_files("#file", METER)
    expect(digits(page)).to_have_text(list("40713"))
    expect(page.locator("#boxes rect")).to_have_count(5)
    page.locator("#boxes rect").nth(3).click(force=True)
    expect(page.locator('.digits [aria-pressed="true"]')).to_have_text("1")
    page.keyboard.press("ArrowRight")
    expect(page.locator('.digits [aria-pressed="true"]')).to_have_text("3")


GIVE = """async ([kind, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], "number.png", { type: "image/png" }));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true })
    : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  document.getElementById("stage").dispatchEvent(event);
}"""


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_picture_that_is_pasted_or_dropped_is_read(page, kind):
    page.evaluate(GIVE, [kind, list(METER.read_bytes())])
    expect(digits(page)).to_have_text(list("40713"))


def test_a_picture_that_browsers_cannot_show_is_read_all_the_same(page, tmp_path):
    path = tmp_path / "scan.tiff"
    with Image.open(METER) as picture:
        picture.save(path)
    page.set_input_files("#file", path)
    expect(digits(page)).to_have_text(list("40713"))


def test_a_blank_picture_and_no_picture_are_told_apart(page, tmp_path):
    blank, text = tmp_path / "blank.png", tmp_path / "text.png"
    Image.new("L", (80, 60), 255).save(blank)
    text.write_text("<b>no picture</b>")
    page.set_input_files("#file", blank)
    expect(page.locator("#empty")).to_contain_text("No number found.")
    expect(page.locator("#notes li")).to_have_text(["no writing found"])
    page.set_input_files("#file", text)
    expect(page.locator("#message")).to_contain_text(
        "“text.png”: This isn't a picture that can be read."
    )
    page.set_input_files("#file", METER)
    expect(page.locator("#message")).to_be_hidden()
    page.complaints.clear()  # the browser's own line about the 422


def test_what_is_no_digit_is_called_so(page):
    letter = [[(6, 4), (22, 24)], [(22, 4), (6, 24)]]  # an X
    draw(page, [[point for point in path for _ in range(6)] for path in letter])
    expect(page.locator("#verdict")).to_have_text("Not a digit")
    expect(digits(page)).to_have_text(["?"])


def test_why(page, first_of):
    draw(page, strokes(first_of(4)))
    page.get_by_role("button", name="Why?").click()
    explanation = page.locator("#explanation")
    expect(explanation.locator("p").first).to_contain_text("4 (")
    expect(explanation.locator("canvas")).to_have_count(2)
    marks = "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, 336, 336).data).size"
    assert explanation.locator("canvas").first.evaluate(marks) > 20
    page.get_by_role("button", name="Why?").click()
    expect(explanation).to_be_hidden()


def test_why_waits_for_the_reading_that_is_under_way(page, first_of):
    draw(page, strokes(first_of(4)))
    expect(digits(page)).to_have_text(["4"])
    late = read_again_but_late(page)
    page.get_by_role("button", name="Why?").click()
    let_through(page, late)
    expect(page.locator("#explanation canvas")).to_have_count(2)


def test_constraints_go_with_the_next_readings(page):
    page.set_input_files("#file", METER)
    expect(digits(page)).to_have_count(5)
    page.locator("#constraints-fold > summary").click()
    with page.expect_request("**/v1/read*") as asked:
        page.get_by_label("Reject below").select_option("0.99")
    assert asked.value.url.endswith("?min_confidence=0.99")


def test_what_a_number_is_goes_with_the_next_readings(page):
    page.set_input_files("#file", METER)
    expect(digits(page)).to_have_count(5)
    page.locator("summary").click()
    expect(page.get_by_label("Decimals")).to_be_hidden()
    page.get_by_label("Kind").select_option("decimal")
    with page.expect_request(lambda request: "decimals=" in request.url) as asked:
        page.get_by_label("Decimals").fill("0")
        page.get_by_label("Decimals").press("Enter")
    assert asked.value.url.endswith("?kind=decimal&decimals=0")
    page.get_by_label("Kind").select_option("date")
    expect(page.get_by_label("Decimals")).to_be_hidden()
    expect(page.get_by_label("Order")).to_be_visible()
    expect(page.locator("#numbers .sure")).to_contain_text("nothing fits the constraints")


def test_why_is_asked_with_what_the_picture_was_read_with(page):
    page.set_input_files("#file", METER)
    expect(digits(page)).to_have_count(5)
    page.locator("#constraints-fold > summary").click()
    page.get_by_label("Reject below").select_option("0.99")
    expect(page.locator("#numbers")).to_have_attribute("aria-busy", "false")
    with page.expect_request("**/v1/explain*") as asked:
        page.get_by_role("button", name="Why?").click()
    assert asked.value.url.endswith("&min_confidence=0.99")
    expect(page.locator("#explanation canvas")).to_have_count(2)


def test_shortcuts_can_be_turned_off(page, first_of):
    page.get_by_label("Single-key shortcuts").uncheck()
    draw(page, strokes(first_of(3)))
    page.keyboard.press("5")
    page.keyboard.press("Escape")
    expect(digits(page)).to_have_text(["3"])
    expect(page.locator("#label")).to_have_value("")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_in_each_state(open_page, first_of, scheme):
    page = open_page(color_scheme=scheme)
    luminance = (
        "() => getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).map(Number)"
    )
    assert (sum(page.evaluate(luminance)[:3]) < 150) == (scheme == "dark")
    assert_accessible(page)
    draw(page, strokes(first_of(4)))
    page.get_by_role("button", name="Why?").click()
    expect(page.locator("#explanation canvas")).to_have_count(2)
    page.locator("#constraints-fold > summary").click()
    assert_accessible(page)


def test_a_phone(open_page, first_of):
    page = open_page(**PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    bounds = page.locator("#pad").bounding_box()
    scale = 0.6 * bounds["height"] / 28
    left, top = bounds["x"] + bounds["width"] / 3, bounds["y"] + bounds["height"] / 5
    touch = page.context.new_cdp_session(page)
    for path in strokes(first_of(2)):
        points = [{"x": left + x * scale, "y": top + y * scale} for x, y in path[::6]]
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [points[0]]})
        for point in points[1:]:
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(digits(page)).to_have_text(["2"])
    expect(page.get_by_text("Photograph")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("scrollY") == 0  # the pad is drawn on, not scrolled
    assert_accessible(page)


def test_markup_in_an_answer_is_shown_as_text(page, first_of):
    evil = "<img src=x onerror=\"document.title='owned'\">"
    problem = json.dumps({"detail": evil, "status": 422})
    page.route(
        "**/v1/read*",
        lambda route: route.fulfill(status=200, body=json.dumps({
            "numbers": [{"text": evil, "confidence": 1, "rejected": False, "digits": [{
                "label": evil, "confidence": 1, "box": [0, 0, 9, 9], "rejected": False,
                "junk": 0, "probabilities": [0.1] * 10,
            }]}],
            "width": 9, "height": 9, "model": evil,
        })),
    )  # fmt: skip
    draw(page, strokes(first_of(1)))
    expect(digits(page)).to_have_text([evil])
    page.unroute("**/v1/read*")
    page.route("**/v1/explain*", lambda route: route.fulfill(status=422, body=problem))
    page.get_by_role("button", name="Why?").click()
    expect(page.locator("#message")).to_have_text(evil)
    assert page.title() == "inkread: reads handwritten numbers"
    assert page.locator("img[src=x]").count() == 0
    page.complaints.clear()  # the browser's own line about the 422


def test_a_service_that_is_away_is_said_so_and_tried_again(page):
    page.route("**/v1/read*", lambda route: route.abort())
    page.set_input_files("#file", METER)
    expect(page.locator("#message")).to_have_text("The service can't be reached. Trying again…")
    page.unroute("**/v1/read*")
    expect(digits(page)).to_have_count(5)
    expect(page.locator("#message")).to_be_hidden()
    page.complaints.clear()  # the browser's own line about the failed request


def test_a_token_is_asked_for_once(open_page):
    with Served(environment={"INKREAD_TOKEN": "a-token-for-the-page"}) as served:
        page = open_page(url=served.url)
        page.get_by_role("textbox", name="Token").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#token-wrong")).to_have_text("This token isn't the service's.")
        page.get_by_role("textbox", name="Token").fill("a-token-for-the-page")
        page.get_by_role("button", name="Go on").click()
        page.set_input_files("#file", METER)
        expect(digits(page)).to_have_text(list("40713"))
        assert page.locator("#correction").is_hidden()
        page.complaints.clear()  # the browser's own lines about the 401s
