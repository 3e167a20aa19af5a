"""Ink for tests of segmentation, drawn as boxes and strokes, and comparison of boxes."""

from collections.abc import Iterable

import cv2
import numpy as np

from inkread.imaging.ink import Ink
from inkread.imaging.segmentation import Region, find_lines
from inkread.results import Box

DIGITS = [str(digit) for digit in range(10)]


def empty(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width), np.uint8)


def inked(pixels: np.ndarray, scale: float = 1.0) -> Ink:
    """The ink of a page that is larger by a scale."""
    height, width = pixels.shape
    page = np.full((round(height * scale), round(width * scale)), 255, np.uint8)
    return Ink(pixels, page, scale)


def filled(pixels: np.ndarray, box: tuple[int, int, int, int]) -> Box:
    """Fill a box with ink and return it."""
    left, top, right, bottom = box
    pixels[top:bottom, left:right] = 255
    return Box(*box)


def stroke(pixels: np.ndarray, *points: tuple[int, int], pen_px: int = 5) -> None:
    cv2.polylines(pixels, [np.array(points, np.int32)], False, 255, pen_px, cv2.LINE_AA)


def boxes(regions: Iterable[Region]) -> list[Box]:
    return [region.box for region in regions]


def layout(ink_: Ink) -> list[list[int]]:
    """How many digits each number of each line has."""
    return [[len(number) for number in line] for line in find_lines(ink_)]


def overlap(first: Box, second: Box) -> float:
    """Intersection over union."""
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box.right - box.left) * (box.bottom - box.top) for box in (first, second)]
    return width * height / (sum(areas) - width * height)


def same_boxes(found: list[Box], true: Iterable[Box], least_overlap: float = 0.85) -> bool:
    true = list(true)
    return len(found) == len(true) and all(
        overlap(*pair) >= least_overlap for pair in zip(found, true, strict=True)
    )


def random_text(rng: np.random.Generator, length: int) -> str:
    return "".join(rng.choice(DIGITS, length))
