"""Pages in headless Chromium, for tests."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

__all__ = ["PHONE", "assert_accessible"]

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE_MS = 120_000
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium without a window."""
    if not CHROMIUM.exists():
        pytest.fail(f"expected Debian's chromium at {CHROMIUM}: apt-get install chromium")
    with sync_playwright() as playwright:
        options = {"args": ["--no-sandbox"], "timeout": PATIENCE_MS}
        browser = playwright.chromium.launch(executable_path=CHROMIUM, **options)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, served):
    """Opens a page of a service in a new window; nothing may complain in any of them."""
    with Windows(browser, served.url) as windows:
        yield windows.open


class Windows:
    """The windows of a test; nothing may complain in any of them."""

    def __init__(self, browser, url):
        self.browser, self.url = browser, url
        self.complaints, self.contexts = [], []

    def open(self, path="/", url=None, **options):
        context = self.browser.new_context(**options)
        self.contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto((url or self.url) + path)
        page.complaints = self.complaints
        return page

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for context in self.contexts:
            context.close()
        assert kind is not None or self.complaints == []


def assert_accessible(page):
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
