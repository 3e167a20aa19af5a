"""Ink to glyph: the only code that does so; training, evaluation, the web and exports all use it.

A glyph is made as MNIST's were (LeCun, Bottou, Bengio and Haffner 1998, section III.A): the digit
scaled to fit a 20x20 box with its aspect ratio kept, anti-aliased, and placed in 28x28 pixels with
its centre of mass at the centre. On top of that, strokes much thinner or thicker than MNIST's pens
wrote are brought back to the widths that are usual there (the median is 2.3 pixels), because a
photo shows a fine pen at any magnification.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread import images
from inkread.errors import ImageError

__all__ = ["GlyphShape", "glyph", "stroke_width"]


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


def stroke_width(ink: npt.NDArray[np.uint8]) -> float:
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


def glyph(ink: npt.NDArray[np.uint8], shape: GlyphShape | None = None) -> npt.NDArray[np.uint8]:
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
    width = stroke_width(digit) / px_per_glyph_px
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
    return images.scaled(digit, longer_side / max(digit.shape))


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
