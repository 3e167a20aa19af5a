"""Pictures of digits and numbers, drawn for tests."""

import io
import random

import cv2
import numpy as np
from PIL import Image

from inkread.training.synthesis.drawn_digits import Writing, put_on_paper, write

__all__ = [
    "COLOURS",
    "DIGITS",
    "SIZES",
    "brush",
    "encoded",
    "enlarged",
    "numbers_written",
    "page_of",
    "photographed",
    "written",
]

DIGITS = "0123456789"
ENLARGEMENT = 5
SIZES = [(60, 4), (120, 10)]  # heights and pens
COLOURS = {
    "pencil": ((250, 250, 250), (140, 140, 140)),
    "red pen": ((245, 240, 225), (200, 30, 40)),
    "blue on yellow": ((250, 230, 90), (30, 50, 160)),
    "red on green of the same luminance": ((60, 131, 60), (200, 60, 60)),
    "chalk": ((38, 60, 52), (225, 225, 215)),
    "yellow on black": ((5, 5, 5), (240, 220, 40)),
}


def written(text: str, seed: int = 0, height_px: int = 60, pen_px: float = 5) -> Writing:
    return write(text, np.random.default_rng(seed), height_px=height_px, pen_px=pen_px)


def photographed(writing: Writing, **options: object) -> np.ndarray:
    """(H, W, 3) uint8: the writing on paper."""
    return put_on_paper(writing.ink, np.random.default_rng(0), **options)


def numbers_written(count: int, length: int, height_px: int, pen_px: float) -> list[Writing]:
    """Numbers of random digits."""
    random_digits = random.Random(0)  # noqa: S311 - nothing is secret here
    texts = ["".join(random_digits.choices(DIGITS, k=length)) for _ in range(count)]
    return [written(text, seed, height_px, pen_px) for seed, text in enumerate(texts)]


def page_of(rows: list[list[Writing]], gap_px: int = 80) -> np.ndarray:
    """(H, W) uint8: the ink of lines of numbers, one below the other."""
    strips = []
    for row in rows:
        height = max(writing.ink.shape[0] for writing in row)
        parts = [np.pad(part.ink, ((0, height - part.ink.shape[0]), (0, gap_px))) for part in row]
        strips.append(np.hstack(parts))
    width = max(strip.shape[1] for strip in strips)
    return np.vstack([np.pad(strip, ((0, 0), (0, width - strip.shape[1]))) for strip in strips])


def encoded(pixels: np.ndarray, file_format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format=file_format, **options)
    return file.getvalue()


def enlarged(image: np.ndarray) -> np.ndarray:
    """An MNIST image drawn larger and off the middle: black ink on white."""
    large = cv2.resize(image, None, fx=ENLARGEMENT, fy=ENLARGEMENT, interpolation=cv2.INTER_CUBIC)
    return cv2.bitwise_not(np.pad(large, ((30, 100), (75, 15))))


def brush(glyph_px: float) -> np.ndarray:
    side = round(glyph_px * ENLARGEMENT) | 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
