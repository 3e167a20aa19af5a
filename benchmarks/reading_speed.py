"""Measure the time to read a cheque amount, and a page of 1600 by 900 pixels.

The pictures are synthetic and given as the bytes of JPEG files, so decoding is included. One reader
reads them one after another, after a warm-up.

python benchmarks/reading_speed.py [--count 200] [--threads N]
"""

import argparse
import io
import time

import numpy as np
from PIL import Image
from provenance import print_provenance

from inkread import Reader
from inkread.training import mnist
from inkread.training.synthesis.drawn_digits import put_on_paper, write
from inkread.training.synthesis.numbers import number_on_paper

PAGE_SHAPE_PX = (900, 1600)  # height, width


def make_amounts(count: int) -> list[bytes]:
    """Make JPEG files of one number each, of the size of a cheque's amount."""
    digits = mnist.load().test
    rng = np.random.default_rng(0)
    made: list[bytes] = []
    while len(made) < count:
        picture, text = number_on_paper(digits, rng)
        if 3 <= len(text) <= 9 and 35 <= picture.shape[0] <= 110:
            made.append(encode_jpeg(picture))
    return made


def make_page(rng: np.random.Generator) -> bytes:
    """Make the JPEG file of a page with three lines of five digits."""
    ink = np.zeros(PAGE_SHAPE_PX, np.uint8)
    for row in range(3):
        text = "".join(str(digit) for digit in rng.integers(0, 10, 5))
        written = write(text, rng, height_px=120, pen_px=9).ink
        top, left = 40 + 280 * row, 150
        height, width = min(written.shape[0], 280), min(written.shape[1], PAGE_SHAPE_PX[1] - left)
        ink[top : top + height, left : left + width] = written[:height, :width]
    return encode_jpeg(put_on_paper(ink, rng, paper="gradient"))


def encode_jpeg(pixels: np.ndarray) -> bytes:
    """Encode a picture as a JPEG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=85)
    return file.getvalue()


def main() -> None:
    """Measure both, and print the latencies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    print_provenance()
    reader = Reader(threads=options.threads)
    pages = [make_page(np.random.default_rng(seed)) for seed in range(max(1, options.count // 10))]
    for name, read, pictures in (
        ("cheque amounts, read_number", reader.read_number, make_amounts(options.count)),
        ("pages of 1600x900, read", reader.read, pages),
    ):
        for picture in pictures[:5]:
            read(picture)
        times = []
        for picture in pictures:
            start = time.perf_counter()
            read(picture)
            times.append(1e3 * (time.perf_counter() - start))
        p50, p99 = np.percentile(times, (50, 99))
        print(f"{name}: p50 {p50:.1f} ms, p99 {p99:.1f} ms (n = {len(times)})", flush=True)


if __name__ == "__main__":
    main()
