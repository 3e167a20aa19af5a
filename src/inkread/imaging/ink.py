"""Finds the ink on a page, independent of light, paper and pen.

A grey-level morphological closing over the strokes gives the brightness of the paper; ink is what
is darker than the paper around it. Ruled lines and grids are removed afterwards.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from inkread.imaging.components import find_components
from inkread.imaging.normalize import estimate_stroke_width
from inkread.imaging.resize import resize_by
from inkread.results import Box

__all__ = ["Ink", "find", "find_around", "find_dark", "make_dark_on_light"]

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]  # 255 where true, else 0

_MAX_WORK_SIDE_PX = 1200  # of the page on which ink is found; larger ones are shrunk
_PAPER_SIDE_PX = 256  # longer side of the picture from which the paper's brightness is estimated
_MIN_CONTRAST = 12.0  # between ink and paper, in grey levels of 255
_MIN_SKEWNESS = 0.5  # of the deviations from the paper; with less, polarity is told by the border
_MIN_RULED_LENGTH = 0.97  # of a ruled line, as a share of the page's width
_NUM_SAMPLES = 40_000  # pixels from which the levels of paper and ink are estimated
_NUM_RAMP_SAMPLES = 2000  # pixels to which the lighting ramp is fitted
_MIN_LIT_SIDE_PX = 48  # smaller pictures are tight crops, without shadows or ruled lines


@dataclass(frozen=True)
class Ink:
    """The ink of a page.

    Attributes:
        pixels: (H, W) uint8, ink 255 on paper 0, with soft edges; all 0 on a blank page.
        page: (page height, page width) uint8, the page itself, dark ink on light paper.
        scale: size of a pixel of the ink in pixels of the page, at least 1.
    """

    pixels: Grey
    page: Grey
    scale: float


def find(page: Grey) -> Ink:
    """Find the ink on a page.

    Args:
        page: (H, W) uint8, 0 black, 255 white; dark ink on light paper or the other way round.
    """
    return find_dark(make_dark_on_light(page))


def find_around(page: Grey, box: Box) -> tuple[Ink, Box]:
    """Find the ink in a box of a page and in the paper around it, and the box in that part.

    Args:
        page: (H, W) uint8, grey, of any polarity.
        box: in pixels of the page, inside it.
    """
    height, width = page.shape
    reach = max(box.right - box.left, box.bottom - box.top)
    left, top = max(0, box.left - reach), max(0, box.top - reach)
    part = page[top : min(height, box.bottom + reach), left : min(width, box.right + reach)]
    inside = Box(box.left - left, box.top - top, box.right - left, box.bottom - top)
    return find(np.ascontiguousarray(part)), inside


def find_dark(page: Grey) -> Ink:
    """Find the ink on a page on which it is darker than the paper.

    Args:
        page: (H, W) uint8, 0 black, 255 white; dark ink on light paper.
    """
    scale = max(1.0, max(page.shape) / _MAX_WORK_SIDE_PX)
    grey = resize_by(page, 1 / scale)
    light = _Light.measure(grey)
    darkness, mask = _separate_ink(grey, light.estimate_paper(_choose_reach(grey, light)))
    mask = _remove_ruling(mask)
    level = _measure_ink_level(darkness, mask)
    if level < _MIN_CONTRAST:
        return Ink(np.zeros_like(grey), page, scale)
    mask = _remove_crossings(mask, _threshold(darkness, 0.6 * level))
    steepness = 255 / (0.55 * level)
    soft = cv2.addWeighted(
        darkness, steepness, darkness, 0, -0.2 * level * steepness, None, cv2.CV_8U
    )
    soft = cv2.bitwise_and(soft, cv2.dilate(mask, np.ones((3, 3), np.uint8)))
    return Ink(soft, page, scale)


def make_dark_on_light(page: Grey) -> Grey:
    """Return a page with ink darker than paper: inverted if its ink is lighter, else unchanged.

    Args:
        page: (H, W) uint8, either polarity.

    Returns:
        (H, W) uint8, dark ink on light paper.
    """
    return cv2.bitwise_not(page) if _is_light_on_dark(page) else page


def _is_light_on_dark(grey: Grey) -> bool:
    """Return whether ink is lighter than paper.

    Ink covers less of a page than paper, so it is the long tail of the distribution of deviations
    from the paper's brightness: the sign of the skewness tells. In a tight crop, a bold digit can
    cover half of the picture. If the skewness is small, and in small pictures, which show no
    shadows, paper is what most of the border consists of.
    """
    small = resize_by(grey, min(1.0, _PAPER_SIDE_PX / 2 / max(grey.shape)))
    window = min(65, max(3, (min(small.shape) // 2) | 1))
    margin = window // 2
    level = np.clip(small - _fit_ramp(small), 0, 255).astype(np.uint8)
    framed = np.pad(level, margin, mode="symmetric")
    paper = cv2.medianBlur(framed, window)[margin:-margin, margin:-margin]
    deviation = level.astype(np.float64) - paper
    deviation[np.abs(deviation) < _MIN_CONTRAST] = 0
    if not deviation.any() and max(grey.shape) >= _MIN_LIT_SIDE_PX:
        return bool(np.median(small) < 128)
    spread = float(np.sqrt((deviation**2).mean()))
    skewness = float((deviation**3).mean()) / spread**3 if spread else 0.0
    if abs(skewness) < _MIN_SKEWNESS or max(grey.shape) < _MIN_LIT_SIDE_PX:
        _, bright = cv2.threshold(small, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        border = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
        return bool(border.mean() < 0.5)
    return skewness > 0


def _fit_ramp(grey: Grey) -> npt.NDArray[np.float32]:
    """Return how the light changes across the picture: (H, W) float32, grey levels around 0.

    A bilinear surface is fitted to the majority of pixels, which are paper: after each fit, the
    pixels farthest from it, such as ink, are left out of the next one (least trimmed squares).
    Small pictures are taken as evenly lit.
    """
    height, width = grey.shape
    if max(grey.shape) < _MIN_LIT_SIDE_PX:
        return np.zeros(grey.shape, np.float32)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    step = max(1, round((grey.size / _NUM_RAMP_SAMPLES) ** 0.5))
    values = grey[::step, ::step].ravel().astype(np.float32)
    sampled = np.empty((*grey[::step, ::step].shape, 4), np.float32)
    sampled[..., 0], sampled[..., 1], sampled[..., 2] = 1, x[:, ::step], y[::step]
    sampled[..., 3] = x[:, ::step] * y[::step]
    sampled = sampled.reshape(-1, 4)
    most = int(0.7 * (len(values) - 1))
    terms_near, values_near = sampled, values
    for _ in range(4):
        # The normal equations are faster than a factorisation, and accurate enough for four terms.
        products = terms_near.T @ terms_near, terms_near.T @ values_near
        surface, *_ = np.linalg.lstsq(*products, rcond=None)
        distance = np.abs(values - sampled @ surface)
        near = distance <= np.partition(distance, most)[most]
        terms_near, values_near = sampled[near], values[near]
    _, along_x, along_y, twist = surface.astype(np.float32)
    ramp: npt.NDArray[np.float32] = along_x * x + along_y * y + twist * (x * y)
    # A bad fit is no ramp but the edge of a shadow, or bold writing.
    if np.partition(distance, len(distance) // 2)[len(distance) // 2] > 0.1 * np.ptp(ramp):
        return np.zeros(grey.shape, np.float32)
    return ramp


@dataclass(frozen=True)
class _Light:
    """The lighting of a page, on a picture of at most ``_PAPER_SIDE_PX``.

    Attributes:
        level: (H, W) uint8, the page with noise smoothed and the ramp removed.
        ramp: (H, W) float32, at most 0, the change of the light in grey levels.
    """

    level: Grey
    ramp: npt.NDArray[np.float32]

    @classmethod
    def measure(cls, grey: Grey) -> "_Light":
        small = resize_by(grey, min(1.0, _PAPER_SIDE_PX / max(grey.shape)))
        ramp = _fit_ramp(small)
        ramp -= ramp.max()
        level = np.clip(cv2.medianBlur(small, 3) - ramp + 0.5, 0, 255).astype(np.uint8)
        return cls(level, ramp)

    def estimate_paper(self, reach_px: int) -> npt.NDArray[np.float32]:
        """Return the paper's brightness: strokes narrower than ``reach_px`` are closed over."""
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach_px | 1, reach_px | 1))
        closed = cv2.morphologyEx(self.level, cv2.MORPH_CLOSE, kernel).astype(np.float32)
        # Smoothed, but no brighter than the darker side at the edge of a shadow.
        paper = np.minimum(closed, cv2.GaussianBlur(closed, (0, 0), reach_px / 6))
        return np.asarray(cv2.erode(paper, np.ones((3, 3), np.uint8)) + self.ramp)


def _choose_reach(grey: Grey, light: _Light) -> int:
    """Return the widest strokes to close over, in pixels of a picture of ``_PAPER_SIDE_PX``.

    A first pass allows wide strokes. If they turn out thin, a smaller reach follows the light more
    closely.
    """
    widest = _PAPER_SIDE_PX // 4
    small = resize_by(grey, 0.5) if max(grey.shape) > 3.5 * _PAPER_SIDE_PX else grey
    _, mask = _separate_ink(small, light.estimate_paper(widest))
    width = estimate_stroke_width(mask) * min(1.0, _PAPER_SIDE_PX / max(small.shape))
    return max(12, round(5 * width)) if 0 < width < _PAPER_SIDE_PX / 24 else widest


def _separate_ink(
    grey: Grey, paper: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float32], Mask]:
    """Divide a picture by its paper's brightness, and threshold it.

    Args:
        grey: (H, W) uint8, dark ink on light paper.
        paper: float32, of a smaller size, the brightness of the paper in grey levels.

    Returns:
        The darkness relative to the paper, (H, W) float32, paper about 0, black 255; and a mask of
        the ink.
    """
    paper = cv2.resize(paper, grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
    np.maximum(paper, 40, out=paper)
    # In place: on a large page, allocating memory takes longer than computing.
    darkness = np.divide(grey, paper, out=paper)
    darkness *= -255
    if max(grey.shape) >= _MIN_LIT_SIDE_PX:
        smooth = cv2.GaussianBlur(darkness, (0, 0), 0.6 + max(grey.shape) / 1600)
    else:
        smooth = darkness.copy()
    # Most of the page is paper, so the lower percentiles give its level and its noise (as standard
    # deviation of a normal distribution, whose 5th, 30th and 50th percentiles these are).
    step = _choose_step(grey.shape)
    low, middle, half = np.percentile(smooth[::step, ::step], (5, 30, 50))
    noise = float(middle - low) / 1.12
    # On white paper bright noise is clipped, and only the dark side shows how strong it is; but
    # ink may add to that side, so it counts up to a limit.
    noise = max(noise, min(float(half - middle) / 0.52, 2.5 * noise + 1))
    level = float(middle) + 0.52 * noise
    darkness -= level
    smooth -= level
    threshold = max(4.5 * noise, _MIN_CONTRAST)
    mask = _remove_specks(_threshold(smooth, threshold))
    for _ in range(2):  # the threshold depends on the ink's level, and the ink on the threshold
        threshold = max(threshold, 0.4 * _measure_ink_level(smooth, mask))
        mask = _threshold(smooth, threshold)
    return darkness, _remove_specks(mask)


def _threshold(values: npt.NDArray[np.float32], threshold: float) -> Mask:
    return (values > threshold) * np.uint8(255)


def _measure_ink_level(darkness: npt.NDArray[np.float32], mask: Mask) -> float:
    """Return the 75th percentile of the darkness of ink; 0 without ink."""
    step = _choose_step(mask.shape)
    inked = darkness[::step, ::step][mask[::step, ::step] > 0]
    return float(np.percentile(inked, 75)) if inked.size else 0.0


def _choose_step(shape: tuple[int, ...]) -> int:
    """Return a step of rows and columns that samples about ``_NUM_SAMPLES`` pixels."""
    return max(1, int((shape[0] * shape[1] / _NUM_SAMPLES) ** 0.5))


def _remove_specks(mask: Mask) -> Mask:
    """Remove components that are too small for a stroke."""
    min_area_px = max(4, round(3e-5 * mask.size))
    found = find_components(mask)
    return found.mask_of(found.areas >= min_area_px)


def _remove_crossings(mask: Mask, strong: Mask) -> Mask:
    """Remove small components without strong ink: dots where faint ruled lines cross."""
    found = find_components(mask)
    keep = np.maximum(found.widths, found.heights) > 2 * estimate_stroke_width(mask)
    keep[found.labels[strong > 0]] = True
    return found.mask_of(keep)


def _remove_ruling(mask: Mask) -> Mask:
    """Remove ruled lines and grids: thin lines that run from edge to edge of the picture.

    In a tight crop, the stem or bar of a digit may do so too. A line is ruling if it is thinner
    than the other strokes, if the picture is too long for a stroke to run along it, or if there are
    several parallel ones.
    """
    height, width = mask.shape
    if min(mask.shape) < _MIN_LIT_SIDE_PX:
        return mask
    level, num_level = _find_ruling(mask)
    upright, num_upright = _find_ruling(cv2.transpose(mask))
    upright = cv2.transpose(upright)
    if not num_level + num_upright:
        return mask
    pen_px = estimate_stroke_width(
        cv2.bitwise_and(mask, cv2.bitwise_not(cv2.bitwise_or(level, upright)))
    )
    is_ruled = num_level >= 3 or width > 1.5 * height or estimate_stroke_width(level) < 0.7 * pen_px
    is_grid = num_level >= 3 and num_upright >= 2
    is_upright = is_grid or height > 1.5 * width or estimate_stroke_width(upright) < 0.7 * pen_px
    ruling = cv2.bitwise_or(level * np.uint8(is_ruled), upright * np.uint8(is_upright))
    if not ruling.any():
        return mask
    rest = cv2.bitwise_and(mask, cv2.bitwise_not(ruling))
    # Strokes that cross a line lose a piece of it: ink between two remaining parts is restored.
    reach = 2 * round(estimate_stroke_width(ruling)) + 3
    healed = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    rest = _remove_specks(cv2.bitwise_or(rest, cv2.bitwise_and(healed, mask)))
    if num_upright and not num_level and _measure_largest_side(rest) < 0.2 * height:
        return mask  # a vertical line and hardly anything else is the digit 1
    return rest


def _measure_largest_side(mask: Mask) -> int:
    """Return the greatest height or width of any component in pixels; 0 if there is none."""
    found = find_components(mask)
    return int(max(found.widths.max(), found.heights.max()))


def _find_ruling(mask: Mask) -> tuple[Mask, int]:
    """Return the nearly horizontal lines from the left edge to the right one, and their number."""
    height, width = mask.shape
    # Closing small gaps and dilating joins the pieces of a slightly sloping line to one component.
    joined = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((1, max(3, width // 60)), np.uint8))
    pieces = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, max(9, width // 16)), np.uint8))
    linked = cv2.dilate(pieces, np.ones((3, max(3, width // 20)), np.uint8))
    if np.count_nonzero(cv2.reduce(linked, 0, cv2.REDUCE_MAX)) < _MIN_RULED_LENGTH * width:
        return np.zeros_like(mask), 0  # saves finding the components of most pages
    runs = find_components(linked)
    spans = (runs.widths >= _MIN_RULED_LENGTH * width) & (runs.heights <= 0.25 * height)
    lines = cv2.bitwise_and(pieces, runs.mask_of(spans))
    line_px = estimate_stroke_width(lines)
    if not line_px or line_px > 0.04 * max(height, width):
        return np.zeros_like(mask), 0
    # A stroke that runs along a line is thicker than the line, and is kept.
    side = round(1.7 * line_px) + 1
    thick = cv2.morphologyEx(lines, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    lines = cv2.bitwise_and(lines, cv2.bitwise_not(thick))
    return cv2.dilate(lines, np.ones((3, 1), np.uint8)), int(spans.sum())
