"""The maps of a page that the layout network gives, and in which sizes it sees pages."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["CELL_PX", "DIRECTIONS", "MAPS", "PAGE", "PAGE_MAPS", "STEP_PX", "LayoutShape", "padded"]

PAGE, PAGE_MAPS = "page", "maps"  # the network's input and output
CELL_PX = 4  # pixels of the page, each way, a pixel of the maps
STEP_PX = 64  # the sides of what the network is given are multiples of it

DIRECTIONS = ("up", "right", "down", "left")  # where the top of the writing points
MAPS = (
    "core",  # inside a run of writing or print: its box, shrunk, so that no two touch
    "handwriting",  # ink of hands
    "print",  # printed characters and marks
    "ruling",  # lines and frames
    "sheet",  # paper, against what it lies on
    # Of the pixels in cores only:
    "handwritten",
    "number",
    "struck",
    *DIRECTIONS,
)


@dataclass(frozen=True)
class LayoutShape:
    """The constants of what a layout model sees, as it was trained with them and carries them.

    Attributes:
        cell_px: pixels of the page, each way, a pixel of the maps.
        step_px: the sides of its input are multiples of it.
        least_px: height of the smallest writing that it was trained to find, in pixels.
        most_px: the same of the largest.
        shrink: of a run's height, what its core is smaller by on each side.
    """

    cell_px: int = CELL_PX
    step_px: int = STEP_PX
    least_px: float = 8.0
    most_px: float = 100.0
    shrink: float = 0.22


def padded(page: npt.NDArray[np.uint8], shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Enlarge a page on its right and below, in the grey that most of its edge has.

    Args:
        page: (H, W) uint8.
        shape: height and width to come to, at least the page's.
    """
    edge = np.concatenate([page[0], page[-1], page[:, 0], page[:, -1]])
    bottom, right = shape[0] - page.shape[0], shape[1] - page.shape[1]
    return np.asarray(
        cv2.copyMakeBorder(
            page, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=float(np.median(edge))
        ),
        np.uint8,
    )
