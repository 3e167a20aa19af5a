"""Normalises the networks' inputs: glyphs and strips, for training and reading alike.

A glyph is made as MNIST's were (LeCun, Bottou, Bengio and Haffner 1998, section III.A): the digit
is scaled to fit a 20x20 box with its aspect ratio kept, anti-aliased, and placed in 28x28 pixels
with its centre of mass at the centre. In addition, strokes that are thinner or thicker than usual
in MNIST (whose median is 2.3 pixels) are widened or narrowed to the usual range, because a photo
may show a fine pen at any magnification.

A strip is one run of writing, scaled to a fixed height, with the light evened out and the paper
made 0. What is printed on the paper stays: no rule tells fine print from faint ink, so the network
learns to ignore it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread.errors import ImageError
from inkread.imaging.resize import resize_by

__all__ = [
    "FRAME_PX",
    "GlyphShape",
    "Strip",
    "StripShape",
    "estimate_stroke_width",
    "make_glyph",
    "make_strip",
]

FRAME_PX = 2  # width of a frame: the columns of a strip for which the line network has one output

_WORK_SIDE_PX = 160  # longer side of a digit while its stroke width is corrected
_LIGHT_SIDE_PX = 40  # shorter side of the picture from which a strip's lighting is estimated
_MAX_LINE_HEIGHT_PX = 96  # higher pictures of lines are shrunk to this before normalisation
_INK_LEVEL = 204  # grey level of ink in a strip; heavier strokes are brighter still
_MIN_CONTRAST = 0.05  # of ink in a strip, as a share of the paper's brightness


@dataclass(frozen=True)
class GlyphShape:
    """The constants of a glyph, which a model file stores as they were in training.

    Attributes:
        side_px: width and height of the glyph.
        box_px: the longer side of the digit in it.
        min_stroke_px: thinner strokes, measured in the glyph, are thickened to this width.
        max_stroke_px: thicker strokes, measured in the glyph, are thinned to this width.
    """

    side_px: int = 28
    box_px: int = 20
    min_stroke_px: float = 1.8
    max_stroke_px: float = 3.0


@dataclass(frozen=True)
class StripShape:
    """The constants of a strip, which a model file stores as they were in training.

    Attributes:
        height_px: height of the strip.
        body_px: height of the writing in it.
        max_width_px: largest width; longer writing is compressed to it.
    """

    height_px: int = 40
    body_px: int = 28
    max_width_px: int = 1600


@dataclass(frozen=True)
class Strip:
    """One run of writing, normalised for the line network.

    Attributes:
        pixels: (height_px, W) uint8, ink about 204 on paper 0, heavier ink up to 255.
        x_scale: pixels of the strip per pixel of the picture it was made from, horizontally.
        y_scale: the same vertically.
        top: y of the strip's upper edge in pixels of that picture; may lie outside.
    """

    pixels: npt.NDArray[np.uint8]
    x_scale: float
    y_scale: float
    top: float


def estimate_stroke_width(ink: npt.NDArray[np.uint8]) -> float:
    """Estimate the width of the strokes.

    The area of a straight stroke is its length times its width, and half its outline is their sum:
    the width is the smaller solution of this quadratic equation. Bends and holes change little.

    Args:
        ink: (H, W) uint8, ink 255 on paper 0.

    Returns:
        The width in pixels; 0.0 without ink.
    """
    mask = (ink > 127).astype(np.uint8)
    contours, _ = cv2.findContours(
        np.pad(mask, 1),
        cv2.RETR_CCOMP,
        cv2.CHAIN_APPROX_NONE,
    )
    # A contour runs through pixel centres, so it lies half a pixel inside the stroke's edge.
    outline = sum(cv2.arcLength(contour, closed=True) + 4 for contour in contours)
    half = outline / 2
    return float(half - np.sqrt(max(half**2 - 4 * int(mask.sum()), 0.0))) / 2


def make_glyph(
    ink: npt.NDArray[np.uint8], shape: GlyphShape | None = None
) -> npt.NDArray[np.uint8]:
    """Make the glyph of one digit.

    Args:
        ink: (H, W) uint8, ink 255 on paper 0, of any size; one digit and nothing else.
        shape: the constants; by default those of MNIST.

    Returns:
        (side_px, side_px) uint8, ink 255 on paper 0.

    Raises:
        ImageError: there is no ink.
    """
    shape = shape or GlyphShape()
    digit = _crop_to_ink(ink)
    # At this size strokes are many pixels wide, whatever the resolution of the input.
    digit = _stretch_contrast(_resize_to(digit, _WORK_SIDE_PX))
    px_per_glyph_px = max(digit.shape) / shape.box_px
    width = estimate_stroke_width(digit) / px_per_glyph_px
    wanted = float(np.clip(width, shape.min_stroke_px, shape.max_stroke_px))
    if width and wanted != width:
        # Dilation enlarges the whole digit as much as its strokes, and it is scaled back to the
        # box afterwards; this growth takes that into account.
        growth = (wanted - width) / (1 - wanted / shape.box_px) * px_per_glyph_px
        digit = _crop_to_ink(_dilate(digit, growth / 2))
    return _centre(_stretch_contrast(_resize_to(digit, shape.box_px)), shape.side_px)


def _crop_to_ink(ink: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Cut the paper around the ink off."""
    x, y, width, height = cv2.boundingRect((ink > 63).astype(np.uint8))
    if not width or not height:
        raise ImageError("expected a picture of a digit, received one without ink")
    return ink[y : y + height, x : x + width]


def _resize_to(digit: npt.NDArray[np.uint8], longer_side_px: int) -> npt.NDArray[np.uint8]:
    """Scale to the given longer side with the aspect ratio kept, anti-aliased."""
    return resize_by(digit, longer_side_px / max(digit.shape))


def _stretch_contrast(digit: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Scale the maximum to 255: shrinking makes thin strokes paler."""
    return np.asarray(cv2.convertScaleAbs(digit, alpha=255 / max(1, int(digit.max()))))


def _dilate(digit: npt.NDArray[np.uint8], radius: float) -> npt.NDArray[np.uint8]:
    """Dilate by a radius in pixels, or erode if it is negative, with sub-pixel precision."""
    margin = int(max(radius, 0)) + 2
    mask = np.pad(digit, margin) > 127
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # Erosion stops before the thickest stroke vanishes.
    radius = max(radius, 1.0 - float(inside.max()))
    distance = inside - outside + np.where(mask, -0.5, 0.5)  # signed, to the outline
    return np.asarray(np.clip(distance + radius + 0.5, 0, 1) * 255, np.uint8)


def _centre(digit: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Place the digit with its centre of mass at (side / 2, side / 2), rounded to whole pixels.

    MNIST's centres of mass are there, too: at pixel 14 of 0 to 27.
    """
    height, width = digit.shape
    weights = digit.astype(np.float64)
    centre_y = (weights.sum(axis=1) @ np.arange(height)) / weights.sum()
    centre_x = (weights.sum(axis=0) @ np.arange(width)) / weights.sum()
    top = int(np.clip(round(side / 2 - centre_y), 0, side - height))
    left = int(np.clip(round(side / 2 - centre_x), 0, side - width))
    result = np.zeros((side, side), np.uint8)
    result[top : top + height, left : left + width] = digit
    return result


def make_strip(grey: npt.NDArray[np.uint8], shape: StripShape | None = None) -> Strip:
    """Make the strip of one run of writing.

    Args:
        grey: (H, W) uint8, dark ink on lighter paper, at least one pixel; one run of writing, with
            or without margins.
        shape: the constants; by default those of the shipped models.
    """
    shape = shape or StripShape()
    shrunk = min(1.0, _MAX_LINE_HEIGHT_PX / grey.shape[0])
    if shrunk < 1:
        size = (max(4, round(grey.shape[1] * shrunk)), _MAX_LINE_HEIGHT_PX)
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    darkness, smooth = _flatten_light(grey)
    top, bottom = _find_rows(smooth)
    scale = shape.body_px / max(bottom - top, 6)
    width = int(np.clip(round(grey.shape[1] * scale), 16, shape.max_width_px))
    x_scale = width / grey.shape[1]
    if scale < 0.83:  # anti-aliased
        darkness = cv2.GaussianBlur(darkness, (0, 0), 0.45 * (1 / scale - 0.6))
    middle = (top + bottom) / 2
    matrix = np.array(
        [
            [x_scale, 0, 0.5 * x_scale - 0.5],
            [0, scale, shape.height_px / 2 - middle * scale + 0.5 * scale - 0.5],
        ]
    )
    scaled = cv2.warpAffine(darkness, matrix, (width, shape.height_px), borderValue=0)
    pixels = np.asarray(np.clip(scaled * _INK_LEVEL, 0, 255), np.uint8)
    upper = middle - shape.height_px / 2 / scale
    return Strip(pixels, x_scale * shrunk, scale * shrunk, upper / shrunk)


def _flatten_light(
    grey: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Divide a picture by its paper's brightness, which a grey-level closing estimates.

    Args:
        grey: (H, W) uint8, dark ink on lighter paper.

    Returns:
        The darkness of each pixel, (H, W) float32, paper about 0, ink about 1; and the same,
        smoothed.
    """
    height, width = grey.shape
    reduced = min(1.0, _LIGHT_SIDE_PX / min(height, width))
    small = resize_by(grey, reduced) if reduced < 1 else grey
    kernel = max(3, round(0.45 * min(small.shape))) | 1
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (kernel, kernel))
    framed = cv2.copyMakeBorder(small, kernel, kernel, kernel, kernel, cv2.BORDER_REFLECT)
    closed = cv2.GaussianBlur(
        cv2.morphologyEx(framed, cv2.MORPH_CLOSE, ellipse), (0, 0), kernel / 3
    )[kernel:-kernel, kernel:-kernel]
    paper = cv2.resize(closed, (width, height), interpolation=cv2.INTER_LINEAR)
    darkness = 1 - grey.astype(np.float32) / np.maximum(paper, 32)
    smooth = cv2.GaussianBlur(darkness, (0, 0), 0.8)
    median, high = np.percentile(smooth[::2, ::2], (50, 97.5))
    level = np.float32(max(high - median, _MIN_CONTRAST))
    darkness = np.clip((darkness - np.float32(median)) / level, -0.2, 1.5)
    return darkness, cv2.GaussianBlur((smooth - np.float32(median)) / level, (0, 0), 0.6)


def _find_rows(smooth: npt.NDArray[np.float32]) -> tuple[int, int]:
    """Return the first row of the writing, and the one after the last; all rows without writing.

    2 % of the dark pixels lie above, and 2 % below. Long horizontal lines are ruled and don't
    count, and the count of each row is limited, so that a thick dash has little influence.
    """
    height, width = smooth.shape
    dark = (smooth > 0.45).astype(np.uint8)
    length = max(15, min(width // 2, 2 * height))
    ruling = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    dark &= 1 - cv2.dilate(ruling, np.ones((3, 1), np.uint8))
    rows = dark.sum(axis=1, dtype=np.float64)
    rows = np.minimum(rows, np.percentile(rows, 90))
    if rows.sum() < 8:
        return 0, height
    share = np.cumsum(rows) / rows.sum()
    top, bottom = np.searchsorted(share, (0.02, 0.98))
    return int(top), int(min(bottom + 1, height))
