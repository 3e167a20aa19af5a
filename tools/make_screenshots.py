"""Take the screenshots of the web page for the README; needs the dev extra and Debian's chromium.

python tools/make_screenshots.py [FOLDER]
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import httpx
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from inkread.forms.template import load
from inkread.training.mnist import Split
from inkread.training.synthesis import drawn_digits, filled_forms
from inkread.training.synthesis.drawn_digits import SHAPES, smooth

CHROMIUM = "/usr/bin/chromium"
SAMPLE = resources.files("inkread") / "samples" / "meter-40713.png"
FORM = Path(str(resources.files("inkread"))) / "forms" / "samples" / "meter-reading.yaml"
TEXTS = {
    "customer": "56148836", "read_on": "03102025", "previous": "4071", "current": "4133",
    "used": "62", "phone": "4071335", "paid": "16713", "leak": filled_forms.TICKED,
}  # fmt: skip
NUM_COLOURS = 128  # of the saved pictures


@contextmanager
def run_service(
    *options: str, command: tuple[str, ...] = ("serve", "--port", "0")
) -> Iterator[str]:
    """Run the service on a free port for the duration of the block; yield its URL."""
    words = [sys.executable, "-m", "inkread", *command, *options]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            yield json.loads(process.stderr.readline())["url"]
        finally:
            process.terminate()
            process.stderr.read()


def draw_digits(page: Page, digits: str, shapes: list[int], *, height: float = 0.5) -> None:
    """Write digits on the pad with the mouse, each in one of its shapes."""
    bounds = page.locator("#pad").bounding_box()
    assert bounds
    size = min(height * bounds["height"], bounds["width"] / len(digits))
    left = bounds["x"] + bounds["width"] / 2 - 0.46 * size * len(digits)
    for place, (digit, shape) in enumerate(zip(digits, shapes, strict=True)):
        for points in SHAPES[int(digit)][shape]:
            x, y = smooth(np.array(points), steps=4).T
            x = left + size * (0.92 * place + 0.17 + 0.58 * x)
            y = bounds["y"] + bounds["height"] / 2 + size * (y - 0.5)
            page.mouse.move(x[0], y[0])
            page.mouse.down()
            for at in zip(x[1:].tolist(), y[1:].tolist(), strict=True):
                page.mouse.move(*at)
            with page.expect_response("**/v1/read*"):
                page.mouse.up()
    page.wait_for_timeout(400)


def save_screenshot(page: Page, path: Path) -> None:
    """Save a screenshot of the window as a small PNG."""
    page.screenshot(path=path)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(NUM_COLOURS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    print(path.name, f"{path.stat().st_size / 1024:.0f} KB")


def open_window(browser: Browser, url: str, *, dark: bool = False, phone: bool = False) -> Page:
    """Open the page in a new window."""
    size = {"width": 390, "height": 844} if phone else {"width": 1180, "height": 740}
    scheme = "dark" if dark else "light"
    context = browser.new_context(viewport=size, color_scheme=scheme, has_touch=phone)
    page = context.new_page()
    page.goto(url)
    return page


def main() -> None:
    """Take all screenshots."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with run_service("--corrections", f"{data}/corrections.db", "--keep", "picture") as url:
            page = open_window(browser, url)
            draw_digits(page, "2047", [0, 0, 0, 1])
            save_screenshot(page, folder / "web-draw.png")
            page = open_window(browser, url, dark=True)
            draw_digits(page, "4", [1])
            page.get_by_role("button", name="Why?").click()
            page.locator("#explanation canvas").first.wait_for()
            save_screenshot(page, folder / "web-why-dark.png")
            page = open_window(browser, url)
            page.set_input_files("#file", str(SAMPLE))
            page.locator(".digits button").first.wait_for()
            save_screenshot(page, folder / "web-picture.png")
            page = open_window(browser, url, phone=True)
            draw_digits(page, "35", [0, 1])
            save_screenshot(page, folder / "web-phone.png")
            save_form_screenshots(browser, url, Path(data), folder)
            submit_for_review(url)
            page = open_window(browser, f"{url}/review")
            page.locator("#item").wait_for()
            save_screenshot(page, folder / "web-review.png")
        browser.close()


def save_form_screenshots(browser: Browser, url: str, data: Path, folder: Path) -> None:
    """Take the screenshots of the form editor and of the review of a table."""
    template = load(FORM)
    blank, scan, table = data / "meter-reading.png", data / "scan.jpg", data / "table.csv"
    pixels = filled_forms.render_blank_page(template)
    Image.fromarray(pixels).save(blank)
    rng = np.random.default_rng(3)
    glyphs = drawn_digits.draw_glyphs(200, rng)
    written = filled_forms.write_texts(
        template, pixels, TEXTS, Split(glyphs.images, glyphs.labels), rng
    )
    scan.write_bytes(filled_forms.scan_page(template, written, rng).data)
    page = open_window(browser, f"{url}/forms")
    page.set_input_files("#blank", str(blank))
    page.set_input_files("#yaml-file", str(FORM))
    page.locator("#field-list button").nth(3).click()
    page.locator("#save:enabled").wait_for()
    save_screenshot(page, folder / "web-forms.png")
    page = open_window(browser, f"{url}/forms", dark=True)
    page.set_input_files("#yaml-file", str(FORM))
    page.locator("#save:enabled").wait_for()
    page.set_input_files("#scan", str(scan))
    page.locator("#values tr").first.wait_for()
    save_screenshot(page, folder / "web-forms-dark.png")
    read = ["form", "read", FORM, scan.name, "--out", table, "--min-confidence", 1]
    read += ["--crops", "crops", "--processes", 1]
    subprocess.run([sys.executable, "-m", "inkread", *map(str, read)], check=True, cwd=data)
    options = ("--out", str(table), "--crops", str(data / "crops"), "--port", "0")
    with run_service(*options, command=("form", "review", str(FORM))) as at:
        page = open_window(browser, at)
        page.locator("#crop").wait_for()
        save_screenshot(page, folder / "web-form-review.png")


def submit_for_review(url: str) -> None:
    """Submit digits of the sample pictures for review."""
    for sample in sorted(Path(str(SAMPLE)).parent.glob("*.png")):
        found = httpx.post(f"{url}/v1/read", files={"image": sample.read_bytes()}).json()
        for digit in found["numbers"][0]["digits"][:3]:
            box = ",".join(map(str, digit["box"]))
            done = httpx.post(
                f"{url}/v1/corrections", params={"box": box}, files={"image": sample.read_bytes()}
            )
            done.raise_for_status()


if __name__ == "__main__":
    main()
