"""From a page to its layout: where runs of writing and print are, what they are, how they lie.

The network sees the page in two sizes: as large as its constants allow, for small writing, and at a
quarter of that, for large. Of the runs that both find, the surer ones are kept.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread.imaging.layout_maps import CELL_PX, MAPS
from inkread.results import Box

__all__ = ["PageLayout", "TextRun", "find_layout"]

Grey = npt.NDArray[np.uint8]
Maps = npt.NDArray[np.float32]
MapsOf = Callable[[Grey], Maps]  # such as ``LayoutModel.maps``

_CORE = 0.5  # probability from which on a pixel is in a core
_LEAST_MEAN = 0.6  # mean probability of a core's pixels
_LEAST_SHEET = 0.35  # mean probability that it is on paper
_LEAST_CELLS = 2  # pixels of the maps in a core
_LONG_SIDE_PX = 1664  # a larger page is made smaller
_SMALL_PAGE_PX = 64  # a page less high is made larger
_MOST_FINE_PX = 110.0  # height of the writing, up to which the first size is trusted
_COARSE = 4  # how much smaller the second size is
_LARGE_PX = 64.0  # height of the writing, in the first size, from which on the second is trusted
_MIN_HANDWRITTEN = 0.5
_MIN_TELLING = 2.5  # widths over heights of the runs, added up: fewer characters tell nothing
_MIN_SIDEWAYS = 0.6  # mean probability, over the runs of a page, that its text is sideways
_LONG = 2.2  # width over height from which on a run's own angle is trusted

# A core's width over its height, and its height over the run's: a slim run's core is shortened
# less; see ``shrunk_corners`` in the synthesis of pages.
_SLIMNESS = (0.32, 0.45)
_HEIGHT_SHARES = (0.78, 0.56)


@dataclass(frozen=True)
class TextRun:
    """Characters side by side, without a rule between them: a number, a word, a digit in a cell.

    Attributes:
        corners: (4, 2) float32, x and y in pixels of the page, clockwise from the top left corner
            as the text is read.
        found: how probable it is that there is a run at all, in [0, 1].
        handwritten: probability that a hand wrote it; else it is printed.
        number: probability that it is a number.
        struck: probability that it is crossed out.
        sideways: probability that its text runs up or down the page, not across.
    """

    corners: npt.NDArray[np.float32]
    found: float
    handwritten: float
    number: float
    struck: float
    sideways: float

    @property
    def is_handwritten(self) -> bool:
        """Whether a hand rather wrote it than that it is printed."""
        return self.handwritten >= _MIN_HANDWRITTEN

    @property
    def along(self) -> npt.NDArray[np.float64]:
        """Which way the text runs: (2,) float64, x and y, of length 1."""
        across = (self.corners[1] - self.corners[0]).astype(np.float64)
        return np.asarray(across / max(float(np.hypot(*across)), 1e-6))

    @property
    def box(self) -> Box:
        """Around it, upright."""
        left, top = np.floor(self.corners.min(axis=0)).astype(int).tolist()
        right, bottom = np.ceil(self.corners.max(axis=0)).astype(int).tolist()
        return Box(left, top, right, bottom)

    @property
    def width(self) -> float:
        """Along the text, in pixels."""
        return float(np.hypot(*(self.corners[1] - self.corners[0])))

    @property
    def height(self) -> float:
        """Across the text, in pixels."""
        return float(np.hypot(*(self.corners[3] - self.corners[0])))


@dataclass(frozen=True)
class PageLayout:
    """What is where on a page.

    Attributes:
        runs: all runs, in no order.
        maps: (maps, H, W) float32, probabilities, of the first size; ``MAPS`` names them.
        cell_px: pixels of the page a pixel of the maps, each way.
        sheet: (4, 2) float32, corners of the sheet in pixels of the page, clockwise from the one
            nearest to the page's top left.
        is_sideways: whether most of the writing runs up or down the page. Which of its two ends is
            the top is not told: that is decided by reading it.
    """

    runs: tuple[TextRun, ...]
    maps: Maps
    cell_px: float
    sheet: npt.NDArray[np.float32]
    is_sideways: bool

    def map(self, name: str) -> Maps:
        """Return one of the maps: (H, W) float32 in [0, 1]."""
        return np.asarray(self.maps[MAPS.index(name)])


def find_layout(maps_of: MapsOf, page: Grey) -> PageLayout:
    """Find what is on a page.

    Args:
        maps_of: the layout model: a page to its maps.
        page: (H, W) uint8, grey, of any polarity, at least one pixel.
    """
    fine = _fine_scale(page)
    maps, cell_px = _maps(maps_of, page, fine)
    runs = [run for run in _runs(maps, cell_px) if run.height * fine <= _MOST_FINE_PX]
    if max(page.shape) * fine > 2 * _LARGE_PX:
        found = _runs(*_maps(maps_of, page, fine / _COARSE))
        runs = _merge(runs, [run for run in found if run.height * fine > _LARGE_PX])
    return PageLayout(tuple(runs), maps, cell_px, _sheet(maps, cell_px), _is_sideways(runs))


def _fine_scale(page: Grey) -> float:
    height, width = page.shape
    shrunk = min(1.0, _LONG_SIDE_PX / max(height, width))
    return min(4.0, _SMALL_PAGE_PX / int(height)) if height < _SMALL_PAGE_PX else float(shrunk)


def _maps(maps_of: MapsOf, page: Grey, scale: float) -> tuple[Maps, float]:
    """Return the maps of a page made larger or smaller, and the page's pixels a pixel of them."""
    if scale != 1:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        size = (max(1, round(page.shape[1] * scale)), max(1, round(page.shape[0] * scale)))
        page = np.asarray(cv2.resize(page, size, interpolation=method), np.uint8)
    return maps_of(page), CELL_PX / scale


def _runs(maps: Maps, cell_px: float) -> list[TextRun]:
    """Return the runs whose cores are in maps."""
    mask = (maps[MAPS.index("core")] > _CORE).astype(np.uint8)
    count, labels = cv2.connectedComponents(mask, connectivity=4)
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return []
    owners = labels[rows, columns]
    order = np.argsort(owners, kind="stable")
    rows, columns, owners = rows[order], columns[order], owners[order]
    starts = np.searchsorted(owners, np.arange(1, count))
    sizes = np.diff([*starts, len(owners)])
    sums = np.add.reduceat(maps[:, rows, columns], starts, axis=1)  # (maps, runs)
    means = (sums / sizes).T.astype(np.float32)
    sheet = MAPS.index("sheet")
    all_points = np.stack([columns, rows], axis=1).astype(np.float32)
    pieces = [
        (all_points[start : start + size], values)
        for start, size, values in zip(starts, sizes, means, strict=True)
        if size >= _LEAST_CELLS and values[0] >= _LEAST_MEAN and values[sheet] >= _LEAST_SHEET
    ]
    angles = [_angle(points, values[-4:]) for points, values in pieces]
    trusted = [angle for angle, ratio in angles if ratio > _LONG]
    common = float(np.median(trusted)) if trusted else 0.0
    runs = []
    for (points, values), (angle, ratio) in zip(pieces, angles, strict=True):
        used = angle if ratio > _LONG else common
        runs.append(_run(points, values, used, cell_px))
    return runs


def _angle(
    points: npt.NDArray[np.float32], directions: npt.NDArray[np.float32]
) -> tuple[float, float]:
    """Return by how much a core leans from its quarter, in radians, and its width over height."""
    (_, size, degrees) = cv2.minAreaRect(points)
    width, height = size[0] + 1, size[1] + 1
    angle = np.deg2rad(degrees)
    if width < height:
        width, height, angle = height, width, angle + np.pi / 2
    # The nearest to a whole number of quarter turns, from that of the text.
    lean = (angle + np.pi / 4) % (np.pi / 2) - np.pi / 4
    along = round((angle - lean) / (np.pi / 2)) % 2  # 0: level on the page
    is_level = directions[[0, 2]].sum() >= directions[[1, 3]].sum()
    return float(lean), float(width / height if (along == 0) == is_level else height / width)


def _run(
    points: npt.NDArray[np.float32], values: npt.NDArray[np.float32], lean: float, cell_px: float
) -> TextRun:
    """Return the run of a core: its box grown back to the size of the writing."""
    in_cores = dict(zip(MAPS, values.tolist(), strict=True))
    sideways = in_cores["left"] + in_cores["right"]
    theta = lean + np.pi / 2 * (sideways > 0.5)
    along = np.array([np.cos(theta), np.sin(theta)], np.float32)
    down = np.array([-along[1], along[0]], np.float32)
    places = np.stack([points @ along, points @ down], axis=1)
    low, high = places.min(axis=0) - 0.5, places.max(axis=0) + 0.5
    width, height = high - low
    share = np.interp(width / height, _SLIMNESS, _HEIGHT_SHARES)
    tall = height / share
    low -= [0.22 * tall, (tall - height) / 2]
    high += [0.22 * tall, (tall - height) / 2]
    corners = np.array(
        [[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]], np.float32
    )
    on_maps = corners[:, :1] * along + corners[:, 1:] * down
    return TextRun(
        np.asarray((on_maps + 0.5) * cell_px, np.float32),
        in_cores["core"],
        in_cores["handwritten"],
        in_cores["number"],
        in_cores["struck"],
        sideways,
    )


def _is_in(run: TextRun, other: TextRun) -> bool:
    x, y = run.corners.mean(axis=0).tolist()
    return cv2.pointPolygonTest(other.corners, (x, y), measureDist=False) > 0


def _merge(runs: list[TextRun], larger: list[TextRun]) -> list[TextRun]:
    """Join what was found in two sizes of a page: where both found something, the surer one counts.

    Args:
        runs: found in the larger size.
        larger: found in the smaller size, where writing is higher.
    """
    for run in larger:
        inside = [other for other in runs if _is_in(other, run)]
        if all(other.found < run.found for other in inside):
            dropped = set(map(id, inside))
            runs = [*(other for other in runs if id(other) not in dropped), run]
    return runs


def _sheet(maps: Maps, cell_px: float) -> npt.NDArray[np.float32]:
    """Return the corners of the largest piece of paper, or of the page if there is none."""
    height, width = maps.shape[1:]
    mask = (maps[MAPS.index("sheet")] > 0.5).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    if contours:
        largest = max(contours, key=cv2.contourArea)
        if 0.03 * height * width < cv2.contourArea(largest) < 0.97 * height * width:
            found = cv2.boxPoints(cv2.minAreaRect(largest)) + 0.5
            start = int(found.sum(axis=1).argmin())
            corners = np.roll(found, -start, axis=0).astype(np.float32)
    return np.asarray(corners * cell_px, np.float32)


def _is_sideways(runs: list[TextRun]) -> bool:
    """Whether most of the text runs up or down the page; long and sure runs say the most."""
    if sum(run.width / max(run.height, 1e-6) for run in runs) < _MIN_TELLING:
        return False
    weights = [
        float(np.sqrt(run.width / max(run.height, 1e-6))) * (run.found - _LEAST_MEAN + 0.01) ** 2
        for run in runs
    ]
    return bool(np.average([run.sideways for run in runs], weights=weights) > _MIN_SIDEWAYS)
