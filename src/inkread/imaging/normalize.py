"""Ink to glyph, grey to strip: the only code that does so, for training and reading alike.

A glyph is made as MNIST's were (LeCun, Bottou, Bengio and Haffner 1998, section III.A): the digit
scaled to fit a 20x20 box with its aspect ratio kept, anti-aliased, and placed in 28x28 pixels with
its centre of mass at the centre. On top of that, strokes much thinner or thicker than MNIST's pens
wrote are brought back to the widths that are usual there (the median is 2.3 pixels), because a
photo shows a fine pen at any magnification.

A strip is one run of writing at a fixed height: the light and the paper taken out, but not the fine
print, which can't be told from faint ink by rules; telling them apart is left to the network.
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


FRAME_PX = 2  # width of the piece of a strip that the line network answers for, in pixels


@dataclass(frozen=True)
class GlyphShape:
    """The constants of a glyph, as a model was trained with them and carries them.

    Attributes:
        side_px: width and height of the glyph.
        box_px: the longer side of the digit in it.
        min_stroke_px: strokes thinner than this, measured in the glyph, are thickened to it.
        max_stroke_px: strokes thicker than this, measured in the glyph, are thinned to it.
    """

    side_px: int = 28
    box_px: int = 20
    min_stroke_px: float = 1.8
    max_stroke_px: float = 3.0


@dataclass(frozen=True)
class StripShape:
    """The constants of a strip, as a model was trained with them and carries them.

    Attributes:
        height_px: of the strip.
        body_px: what the height of the writing is scaled to.
        max_width_px: longer writing is squeezed to it.
    """

    height_px: int = 40
    body_px: int = 28
    max_width_px: int = 1600


@dataclass(frozen=True)
class Strip:
    """One run of writing as the network sees it.

    Attributes:
        pixels: (height_px, W) uint8, ink about 204 on paper 0, darker ink up to 255.
        x_scale: pixels of the strip a pixel of the picture that it was made from, horizontally.
        y_scale: the same vertically.
        top: where the upper edge of the strip is in that picture, in its pixels; may be outside.
    """

    pixels: npt.NDArray[np.uint8]
    x_scale: float
    y_scale: float
    top: float


def estimate_stroke_width(ink: npt.NDArray[np.uint8]) -> float:
    """Estimate how wide the strokes are, in pixels; 0.0 where there is no ink.

    A straight stroke's area is its length times its width, and half its outline is the sum of the
    two: the width is the smaller solution of that. Bends and holes change little.

    Args:
        ink: (H, W) uint8, ink 255 on paper 0.
    """
    mask = (ink > 127).astype(np.uint8)
    contours, _ = cv2.findContours(
        np.pad(mask, 1),
        cv2.RETR_CCOMP,
        cv2.CHAIN_APPROX_NONE,
    )
    # An outline runs through pixel centres, so it is about half a pixel inside the stroke's edge.
    outline = sum(cv2.arcLength(contour, closed=True) + 4 for contour in contours)
    half = outline / 2
    return float(half - np.sqrt(max(half**2 - 4 * int(mask.sum()), 0.0))) / 2


def make_glyph(
    ink: npt.NDArray[np.uint8], shape: GlyphShape | None = None
) -> npt.NDArray[np.uint8]:
    """Make the glyph of one digit.

    Args:
        ink: (H, W) uint8, ink 255 on paper 0, any size; it holds one digit and nothing else.
        shape: the constants; MNIST's by default.

    Returns:
        (side_px, side_px) uint8, ink 255 on paper 0.

    Raises:
        ImageError: there is no ink.
    """
    shape = shape or GlyphShape()
    digit = _cropped(ink)
    # Work where strokes are many pixels wide, whatever the resolution the digit came in.
    digit = _stretched(_resized(digit, _WORK_PX))
    px_per_glyph_px = max(digit.shape) / shape.box_px
    width = estimate_stroke_width(digit) / px_per_glyph_px
    wanted = float(np.clip(width, shape.min_stroke_px, shape.max_stroke_px))
    if width and wanted != width:
        # The digit grows or shrinks by the same amount, and is scaled to the box again after it:
        # the stroke that comes out as wanted is the one that has this share of the new size.
        growth = (wanted - width) / (1 - wanted / shape.box_px) * px_per_glyph_px
        digit = _cropped(_grown(digit, growth / 2))
    return _centred(_stretched(_resized(digit, shape.box_px)), shape.side_px)


_WORK_PX = 160


def _cropped(ink: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Cut the paper away around the ink."""
    x, y, width, height = cv2.boundingRect((ink > 63).astype(np.uint8))
    if not width or not height:
        raise ImageError("expected a picture of a digit, received one without ink")
    return ink[y : y + height, x : x + width]


def _resized(digit: npt.NDArray[np.uint8], longer_side: int) -> npt.NDArray[np.uint8]:
    """Scale to the given longer side with the aspect ratio kept, anti-aliased."""
    return resize_by(digit, longer_side / max(digit.shape))


def _stretched(digit: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Bring the darkest ink to 255 again, which shrinking a fine stroke makes paler."""
    return np.asarray(cv2.convertScaleAbs(digit, alpha=255 / max(1, int(digit.max()))))


def _grown(digit: npt.NDArray[np.uint8], radius: float) -> npt.NDArray[np.uint8]:
    """Move the outline outwards by a radius in pixels; inwards if it is negative."""
    margin = int(max(radius, 0)) + 2
    mask = np.pad(digit, margin) > 127
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # A stroke thinner than what is taken off would vanish: its middle line always stays.
    radius = max(radius, 1.0 - float(inside.max()))
    distance = inside - outside + np.where(mask, -0.5, 0.5)  # to the outline, positive inside
    return np.asarray(np.clip(distance + radius + 0.5, 0, 1) * 255, np.uint8)


def _centred(digit: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Place the digit with its centre of mass at pixel (side / 2, side / 2), moved by whole pixels.

    That is where MNIST's centres of mass are, to within the rounding: pixel 14 of 0-27.
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


# Strips: the sizes at which light and writing are looked for, in pixels.
_LIGHT_PX = 40
_TALLEST_PX = 96
_DARKEST_INK = 204  # what the ink's level becomes; pressed or crossed strokes are darker still
_MIN_LEVEL = 0.05  # of the paper's brightness: fainter contrast is none


def make_strip(grey: npt.NDArray[np.uint8], shape: StripShape | None = None) -> Strip:
    """Make the strip of one run of writing.

    Args:
        grey: (H, W) uint8, dark ink on lighter paper, at least one pixel; it holds one run of
            writing, cut with or without margins.
        shape: the constants; the shipped models' by default.
    """
    shape = shape or StripShape()
    shrunk = min(1.0, _TALLEST_PX / grey.shape[0])
    if shrunk < 1:
        size = (max(4, round(grey.shape[1] * shrunk)), _TALLEST_PX)
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    darkness, smooth = _darkness(grey)
    top, bottom = _rows_of_writing(smooth)
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
    pixels = np.asarray(np.clip(scaled * _DARKEST_INK, 0, 255), np.uint8)
    upper = middle - shape.height_px / 2 / scale
    return Strip(pixels, x_scale * shrunk, scale * shrunk, upper / shrunk)


def _darkness(
    grey: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Take light and paper out: how dark each pixel is, paper about 0, ink about 1; and smoothed.

    The paper is what a closing over strokes leaves (grey-level morphology).
    """
    height, width = grey.shape
    reduced = min(1.0, _LIGHT_PX / min(height, width))
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
    level = np.float32(max(high - median, _MIN_LEVEL))
    darkness = np.clip((darkness - np.float32(median)) / level, -0.2, 1.5)
    return darkness, cv2.GaussianBlur((smooth - np.float32(median)) / level, (0, 0), 0.6)


def _rows_of_writing(smooth: npt.NDArray[np.float32]) -> tuple[int, int]:
    """Return the upper and the lower end of the writing, in rows; all of them where there is none.

    Between them lie all but a fiftieth of the dark pixels at each end. Long level lines are ruling
    and don't count, and no row counts for more than most do, lest a thick dash decide.
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
