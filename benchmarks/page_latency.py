"""Measure the time from lifting the pen to seeing the digit in the page.

The page runs in headless Chromium on the service's machine.

python benchmarks/page_latency.py [--count 100]

Two times are measured from the `pointerup` event: until the page shows the reading of all the ink,
and until the second animation frame after that, when it has been painted. Ink may be read before
the pen is lifted; the number of such cases is printed.
"""

import argparse

import numpy as np
from playwright.sync_api import Page, sync_playwright
from provenance import print_provenance
from serving import run_service

from inkread.training.synthesis.drawn_digits import SHAPES, smooth

CHROMIUM = "/usr/bin/chromium"
MEASURE = """
addEventListener("DOMContentLoaded", () => {
  const numbers = document.getElementById("numbers");
  const isRead = () => numbers.getAttribute("aria-busy") === "false";
  let lifted = null;
  const measure = (wasRead = false) => {
    if (lifted === null || !isRead()) return;
    const start = lifted;
    lifted = null;
    const inPage = performance.now() - start;
    requestAnimationFrame(() => requestAnimationFrame(() => {
      window.measured = { inPage, painted: performance.now() - start, wasRead };
    }));
  };
  // After the page's own listener.
  addEventListener("pointerup", (event) => { lifted = event.timeStamp; measure(true); });
  new MutationObserver(() => measure()).observe(numbers, { attributes: true });
});
"""


def write_digit(page: Page, digit: int, size_px: float) -> None:
    """Write a digit in the middle of the pad, and wait for its measurement."""
    bounds = page.locator("#pad").bounding_box()
    assert bounds
    left = bounds["x"] + bounds["width"] / 2 - 0.3 * size_px
    top = bounds["y"] + bounds["height"] / 2 - size_px / 2
    for points in SHAPES[digit][0]:
        curve = smooth(np.array(points), steps=3) * [0.6 * size_px, size_px] + [left, top]
        page.mouse.move(*curve[0].tolist())
        page.mouse.down()
        for at in curve[1:].tolist():
            page.mouse.move(*at)
        page.evaluate("window.measured = null")
        page.mouse.up()
        page.wait_for_function("window.measured")


def main() -> None:
    """Write digits, and print the times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100)
    count = parser.parse_args().count
    print_provenance()
    rng, found = np.random.default_rng(0), []
    with run_service() as service, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        print(f"browser: Chromium {browser.version}")
        # Playwright waits with code that the page's own policy forbids.
        page = browser.new_page(viewport={"width": 1180, "height": 740}, bypass_csp=True)
        page.add_init_script(MEASURE)
        page.goto(service.url)
        for number in range(count + 3):
            write_digit(page, int(rng.integers(10)), rng.uniform(100, 300))
            if number >= 3:  # the first ones warm everything up
                found.append(page.evaluate("window.measured"))
            page.keyboard.press("Escape")
        browser.close()
    num_early = sum(each["wasRead"] for each in found)
    print(f"read before the pen was lifted: {num_early} of {len(found)}")
    for name, title in (("inPage", "digit in the page"), ("painted", "digit painted")):
        p50, p95 = np.percentile([each[name] for each in found], [50, 95])
        print(f"{title}: p50 {p50:.1f} ms, p95 {p95:.1f} ms (n = {len(found)})")


if __name__ == "__main__":
    main()
