"""Every page at every size, in every colour, on screens that are touched, in headless Chromium."""

import httpx
import pytest
from browsing import assert_accessible
from playwright.sync_api import expect

READY = {"/": "#samples img", "/forms": "#sample", "/review": "#empty", "/docs": "#post-v1-read"}
FITS = "document.documentElement.scrollWidth <= innerWidth"
ZOOMED = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}  # 200 % of 1280


@pytest.fixture(scope="module", autouse=True)
def no_corrections(served):
    """Other tests of the same service leave corrections, which the review page would show."""
    httpx.delete(f"{served.url}/v1/corrections?all=true").raise_for_status()


def open_ready(open_page, path, **options):
    page = open_page(path, **options)
    expect(page.locator(READY[path]).first).to_be_visible()
    return page


@pytest.mark.parametrize("path", READY)
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_scrolls_sideways_on_a_touched_screen(open_page, path, width):
    size = {"width": width, "height": 700}
    page = open_ready(open_page, path, viewport=size, has_touch=True, is_mobile=width < 1000)
    assert page.evaluate(FITS)


@pytest.mark.parametrize("path", READY)
@pytest.mark.parametrize(
    "options",
    [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}, ZOOMED],
    ids=["light", "dark", "forced", "zoomed"],
)
def test_every_page_is_accessible(open_page, path, options):
    page = open_ready(open_page, path, **options)
    assert page.evaluate(FITS)
    if "forced_colors" not in options:  # there, contrast is the browser's
        assert_accessible(page)


def test_the_reference_has_every_request_in_three_languages(open_page, served):
    document = httpx.get(f"{served.url}/openapi.json").json()
    count = sum(len(methods) for methods in document["paths"].values())
    page = open_ready(open_page, "/docs")
    expect(page.locator(".operations .method")).to_have_count(count)
    read = page.locator("#post-v1-read")
    expect(read.locator("pre:visible").first).to_contain_text("curl --data-binary @meter.jpg")
    for language, text in (("Python", "import httpx"), ("JavaScript", "await fetch(")):
        page.get_by_role("button", name=language).click()
        expect(read.locator("pre:visible").first).to_contain_text(text)
