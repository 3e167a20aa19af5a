"""Cuts the runs of one number out of a page: level, dark on light, close together, no rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from inkread.imaging.crops import Crop
from inkread.imaging.layout import PageLayout, TextRun
from inkread.results import Box

__all__ = ["RunCrop", "cut_out"]

Grey = npt.NDArray[np.uint8]

_MARGIN = 0.18  # around a run, in its heights
_INNER_MARGIN = 0.06  # the same beside what is left out
_MAX_GAP = 0.4  # between runs; of a wider gap the middle is left out
_MIN_INK, _MAX_PAPER = 0.5, 0.2  # probabilities of writing where there surely is ink, or none
_MIN_RULING = 0.4  # probability from which on a pixel is painted over as a rule


@dataclass(frozen=True)
class RunCrop:
    """A picture of one number, and where its columns come from.

    Attributes:
        crop: of the number; where columns were left out, its places are not the page's.
        whole: with all columns.
        starts: of each part that was kept, its first column in ``crop``, ascending.
        left_out: for each, how many columns before it were left out.
    """

    crop: Crop
    whole: Crop
    starts: tuple[int, ...] = (0,)
    left_out: tuple[int, ...] = (0,)

    def find_on_page(self, box: Box) -> Box:
        """Return where on the page a box is that was found in the crop."""
        if self.crop is self.whole:
            return box
        left, right = (
            x + self.left_out[max(0, int(np.searchsorted(self.starts, x, "right")) - 1)]
            for x in (box.left, box.right - 1)
        )
        return self.whole.map_to_page(left, box.top, right + 1, box.bottom)


def cut_out(runs: Sequence[TextRun], page: Grey, layout: PageLayout) -> RunCrop:
    """Cut the runs of one number out of a page.

    Args:
        runs: from left to right, at least one.
        page: (H, W) uint8, grey, of any polarity.
        layout: of the page.
    """
    along = max(runs, key=lambda run: run.width).along
    if len(runs) > 1:
        ends = runs[-1].corners.mean(axis=0) - runs[0].corners.mean(axis=0)
        along = ends / max(float(np.hypot(*ends)), 1e-6)
    axes = np.stack([along, [-along[1], along[0]]], axis=1)  # (2, 2): a point on it, along and down
    height = float(np.median([run.height for run in runs]))
    spans = []
    places = []
    for run in runs:
        corners = run.corners @ axes
        places.append(corners)
        spans.append(
            (corners[:, 0].min() - _INNER_MARGIN * height,
             corners[:, 0].max() + _INNER_MARGIN * height)
        )  # fmt: skip
    points = np.concatenate(places)
    low, high = points.min(axis=0) - _MARGIN * height, points.max(axis=0) + _MARGIN * height
    size = np.maximum(np.ceil(high - low).astype(int), 2)
    to_page = np.column_stack([axes, axes @ low])
    whole = Crop(
        _without_rules(page, layout, to_page, size), to_page, (page.shape[0], page.shape[1])
    )
    kept = _kept_columns([(a - low[0], b - low[0]) for a, b in spans], height, int(size[0]))
    if len(kept) == 1:
        return RunCrop(whole, whole)
    pixels = np.concatenate([whole.pixels[:, first:last] for first, last in kept], axis=1)
    widths = [last - first for first, last in kept]
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]])
    left_out = [first - start for (first, _), start in zip(kept, starts.tolist(), strict=True)]
    crop = Crop(pixels, np.eye(2, 3), (pixels.shape[0], pixels.shape[1]))
    return RunCrop(crop, whole, tuple(starts.tolist()), tuple(left_out))


def _kept_columns(
    spans: Sequence[tuple[float, float]], height: float, width: int
) -> list[tuple[int, int]]:
    """Return first and last columns of the parts of a crop that are kept."""
    kept: list[list[float]] = []
    for left, right in spans:
        if kept and left - kept[-1][1] <= (_MAX_GAP - 2 * _INNER_MARGIN) * height:
            kept[-1][1] = max(kept[-1][1], right)
        else:
            kept.append([left, right])
    kept[0][0], kept[-1][1] = 0, width
    return [(max(0, int(a)), min(width, int(np.ceil(b)))) for a, b in kept]


def _without_rules(
    page: Grey,
    layout: PageLayout,
    to_page: npt.NDArray[np.float64],
    size: npt.NDArray[np.int_],
) -> Grey:
    """Return a part of a page, dark on light, its rules painted over in the paper's grey."""
    ends = np.array([[0, 0, 1], [size[0], 0, 1], [0, size[1], 1], [*size, 1]]) @ to_page.T
    left, top = np.maximum(ends.min(axis=0).astype(int), 0)
    right, bottom = np.ceil(ends.max(axis=0)).astype(int)
    # What is beyond the page's edge is paper, even where ink touches the edge.
    beyond = float(np.median(page[top:bottom, left:right]))
    pixels = _warp(page, to_page, size, beyond)
    to_map = to_page / layout.cell_px
    to_map[:, 2] -= 0.5
    ruling, hand, print_ = (
        _warp(layout.map(name), to_map, size) for name in ("ruling", "handwriting", "print")
    )
    writing = np.maximum(hand, print_)
    if _is_light_on_dark(pixels, writing):
        pixels = 255 - pixels
    is_rule = np.clip((ruling - _MIN_RULING) * 4, 0, 1)
    is_rule *= np.clip((ruling - writing) * 3 + 0.7, 0, 1)
    paper = float(np.median(pixels))
    cleaned = pixels * (1 - is_rule) + np.maximum(pixels, paper) * is_rule
    return np.asarray(cleaned, np.uint8)


def _is_light_on_dark(pixels: Grey, writing: npt.NDArray[np.float32]) -> bool:
    """Whether writing is lighter than the paper, by what is known of where it is."""
    is_ink, is_paper = writing > _MIN_INK, writing < _MAX_PAPER
    if is_ink.any() and is_paper.any():
        return bool(np.mean(pixels[is_ink]) > np.mean(pixels[is_paper]))
    return bool(np.median(pixels) < (int(pixels.min()) + int(pixels.max())) / 2)


def _warp(
    image: npt.NDArray[Any],
    to_image: npt.NDArray[np.float64],
    size: npt.NDArray[np.int_],
    beyond: float = 0.0,
) -> npt.NDArray[Any]:
    return np.asarray(
        cv2.warpAffine(
            image,
            to_image,
            (int(size[0]), int(size[1])),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=beyond,
        )
    )
