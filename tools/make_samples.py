"""Make the sample pictures of the package: digits drawn from strokes, on synthetic paper.

python tools/make_samples.py
"""

from importlib import resources
from pathlib import Path

import numpy as np
from PIL import Image

from inkread.training.synthesis.drawn_digits import put_on_paper, write
from inkread.training.synthesis.papers import fine_print

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


if __name__ == "__main__":
    main()
