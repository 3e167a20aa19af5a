"""The maps of a page that the layout network gives, and in which sizes it sees pages."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

__all__ = [
    "CELL_PX",
    "DIRECTIONS",
    "MAPS",
    "PAGE",
    "PAGE_MAPS",
    "STEP_PX",
    "LayoutShape",
    "network_input",
    "padded",
]

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
    "link",  # between neighbouring runs that are one number or word: the cells of a comb
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


_REDUCED = 4  # how much smaller light is looked at
_LIGHT_CELLS = 9  # side of the squares over which it is taken as even, in those pixels
_LEAST_CONTRAST = 0.04  # of full light: noise on blank paper stays small


def network_input(page: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return a page as the network sees it: evened, and as it is.

    Evened, each pixel is its difference from the mean about it over twice the mean difference:
    neither light nor the strength of ink is left in it.

    Args:
        page: (H, W) uint8.

    Returns:
        (H, W, 2) float32, the evened page, mostly within 3 of 0, and the page in [0, 1].
    """
    height, width = page.shape
    small = (max(1, width // _REDUCED), max(1, height // _REDUCED))

    def smooth(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        reduced = cv2.resize(values, small, interpolation=cv2.INTER_AREA)
        blurred = cv2.blur(reduced, (_LIGHT_CELLS, _LIGHT_CELLS), borderType=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.resize(blurred, (width, height)), np.float32)

    grey = page * np.float32(1 / 255)
    rest = grey - smooth(grey)
    return np.dstack([rest / (2 * smooth(np.abs(rest)) + np.float32(_LEAST_CONTRAST)), grey])
