"""The page for reading: digits drawn on its pad, and the readings that it asks for."""

import numpy as np
import pytest
from playwright.sync_api import expect

__all__ = ["Readings", "digits", "draw", "let_through", "read_again_but_late"]


@pytest.fixture
def page(open_page):
    return open_page()


@pytest.fixture(scope="module")
def first_of(small_mnist):
    """The first test image of a digit; but not the ninth of all, a 5 that many would call a 6."""
    doubtful = 8

    def image(label):
        indices = np.flatnonzero(small_mnist.test.labels == label)
        return small_mnist.test.images[indices[indices != doubtful][0]]

    return image


def draw(page, *drawings, size=0.62):
    """Draw digits with the mouse, side by side: each a list of strokes in a box of side 28."""
    bounds = page.locator("#pad").bounding_box()
    scale = size * bounds["height"] / 28
    step = min(22 * scale, (bounds["width"] - 20) / len(drawings))
    left = bounds["x"] + (bounds["width"] - step * len(drawings)) / 2 - (28 * scale - step) / 2
    top = bounds["y"] + (bounds["height"] - 28 * scale) / 2
    for place, drawing in enumerate(drawings):
        for path in drawing:
            points = [(left + place * step + x * scale, top + y * scale) for x, y in path]
            page.mouse.move(*points[0])
            page.mouse.down()
            for point in [*points[1:-1:6], points[-1]]:
                page.mouse.move(*point)
            page.mouse.up()
            expect_to_be_read(page)


def expect_to_be_read(page):
    expect(page.locator("#numbers")).to_have_attribute("aria-busy", "false")


class Readings:
    """The requests of a page to read; the page gives up those that a later one makes needless."""

    def __init__(self, page):
        self.page, self.num_begun, self.num_finished = page, 0, 0
        self._ended, self._finished = 0, None
        page.on("request", self._begin)
        page.on("requestfinished", self._finish)
        page.on("requestfailed", self._end)

    def last(self):
        """The answer to the last one, once none is under way."""
        while self._ended < self.num_begun:
            self.page.wait_for_timeout(20)
        return self._finished.response().json()

    def _begin(self, request):
        self.num_begun += "/v1/read" in request.url

    def _finish(self, request):
        if "/v1/read" in request.url:
            self.num_finished += 1
            self._finished = request
            self._end(request)

    def _end(self, request):
        self._ended += "/v1/read" in request.url


def read_again_but_late(page):
    """Have the same picture read again, and hold the request back; return where it will be."""
    late = []

    def hold(route):
        late.append(route)

    page.route("**/v1/read*", hold)
    page.locator("#constraints-fold > summary").click()
    page.get_by_label("Reject below").select_option("0.5")
    return late


def let_through(page, late):
    """Wait for the request that is held back, and for its answer."""
    while not late:
        page.wait_for_timeout(20)
    with page.expect_response("**/v1/read*"):
        late.pop().continue_()
    page.unroute("**/v1/read*")


def digits(page):
    return page.locator(".digits button")
