"""Make the sample pictures of the package: digits drawn from strokes, on synthetic paper.

python tools/make_samples.py
"""

from importlib import resources
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from inkread.training.synthesis.drawn_digits import put_on_paper, write
from inkread.training.synthesis.page_camera import View, see
from inkread.training.synthesis.page_print import PagePrinter, find_fonts
from inkread.training.synthesis.page_sheet import HANDWRITING, PRINT, Sheet
from inkread.training.synthesis.papers import fine_print

MARKS = [
    ["17", "08", "24", "49"], ["20", "15", "", "35"], ["9", "12", "30", "51"],
    ["13", "06", "27", "46"], ["18", "", "21", "39"], ["11", "19", "26", "56"],
    ["16", "14", "25", "55"],
]  # fmt: skip
NAMES = ["Ada", "Bela", "Carl", "Dora", "Emil", "Fanny", "Georg"]
PAPER_RGB, INK_RGB = (246, 244, 238), (35, 40, 90)


def write_lines(lines: list[str], rng: np.random.Generator) -> np.ndarray:
    """Write several lines, one below another; return the ink, (H, W) uint8."""
    rows = [write(line, rng, height_px=52, pen_px=4, gap=0.3).ink for line in lines]
    width = max(row.shape[1] for row in rows)
    return np.vstack([np.pad(row, ((0, 0), (0, width - row.shape[1]))) for row in rows])


def put_on_cheque(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put ink on paper with the fine print of a cheque: (H, W) uint8."""
    printed = 0.3 * fine_print(ink.shape, rng, 44)
    light = 205 * (1 - printed) * (1 - 0.75 * (ink / 255)) + rng.normal(0, 3, ink.shape)
    return np.clip(light, 0, 255).astype(np.uint8)


def draw_mark_sheet(rng: np.random.Generator) -> Sheet:
    """Print a table of marks and fill it in."""
    sheet = Sheet.blank(820, 620)
    fonts = tuple(path for path in find_fonts() if path.stem == "DejaVuSans")
    printer = PagePrinter(fonts, rng, 22)
    xs, ys = [60, 250, 378, 506, 634, 760], [150 + 54 * k for k in range(len(MARKS) + 2)]

    def show(text: str, x: float, y: float, scale: float = 1.0) -> None:
        if text:
            ink = printer.text(text, scale)
            sheet.lay(ink, x - ink.shape[1] / 2, y - ink.shape[0] / 2, PRINT, tone=0.15)

    show("Marks, June 2026", 410, 70, 1.8)
    for y in ys:
        sheet.rule([(xs[0], y), (xs[-1], y)], 2.0, tone=0.25)
    for x in xs:
        sheet.rule([(x, ys[0]), (x, ys[-1])], 2.0, tone=0.25)
    for x, text in zip(xs[1:], ["Sums", "Word", "Shapes", "Total"], strict=False):
        show(text, x + 62, ys[0] + 27)
    for row, (name, marks) in enumerate(zip(NAMES, MARKS, strict=True), 1):
        middle = ys[row] + 27
        show(name, xs[0] + 95, middle)
        for x, text in zip(xs[1:], marks, strict=False):
            if text:
                ink = write(text, rng, height_px=34, pen_px=3, gap=0.15).ink / np.float32(255)
                left, top = x + 60 - ink.shape[1] / 2, middle - ink.shape[0] / 2
                shift = rng.uniform(-5, 5, 2)
                sheet.lay(ink, left + shift[0], top + shift[1], HANDWRITING, tone=0.25)
    return sheet


def photograph(sheet: Sheet, rng: np.random.Generator) -> np.ndarray:
    """Put a sheet on a desk, not quite straight: (H, W) uint8."""
    width, height = sheet.size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    placed = np.array([[95, 120], [930, 60], [965, 700], [60, 735]], np.float32)
    view = View(cv2.getPerspectiveTransform(corners, placed), (820, 1040), 0, True, "desk")
    return see(np.clip(sheet.grey, 0, 1), view, rng, 1.0)


def main() -> None:
    """Save every sample."""
    folder = Path(str(resources.files("inkread") / "samples"))
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(7)
    samples = {
        "meter-40713.png": put_on_paper(write("40713", rng).ink, rng, paper="shadow"),
        "ruled-271828.png": put_on_paper(write("271828", rng).ink, rng, paper="ruled"),
        "grid-31415.png": put_on_paper(write("31415", rng).ink, rng, paper="grid"),
        "chalk-1969.png": put_on_paper(
            write("1969", rng, pen_px=6).ink,
            rng,
            paper="grain",
            paper_rgb=(38, 60, 52),
            ink_rgb=(225, 225, 215),
        ),
        "page-12345-67890.png": put_on_paper(
            write_lines(["12345", "67890"], rng), rng, paper="gradient"
        ),
    }
    rng = np.random.default_rng(11)
    samples["cheque-48250.png"] = put_on_cheque(write("48250", rng, height_px=44, gap=0.3).ink, rng)
    samples["touching-36807.png"] = put_on_paper(write("36807", rng, gap=0.0).ink, rng)
    for name, pixels in samples.items():
        Image.fromarray(pixels).save(folder / name, optimize=True)
        print(folder.name, name, pixels.shape)
    sheet = photograph(draw_mark_sheet(np.random.default_rng(1)), np.random.default_rng(101))
    Image.fromarray(sheet).save(folder / "marks-on-a-desk.jpg", quality=85)


if __name__ == "__main__":
    main()
